"""The report: whole, self-contained, harmless whatever is in it, and the same for the same run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyml.cli.demo.report import html_report
from pyml.cli.demo.story import Chapter, Chart, Refused
from pyml.cli.demo.transactions import Sent

HASH = "0x" + "5a" * 32
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def chapter(system: str = "keys", what: str = "deposit") -> Chapter:
    told = Chapter(system, "They pay to a picture", seconds=3.21)
    told.tell(what, "1 ether", seconds=0.5)
    told.refused.append(Refused("a stranger's claim", "ImageVault", "NotRecipient"))
    told.charts.append(Chart("Ether gained or lost", "ether", {"sponsor": -3.0, "miner 1": 3.0}))
    told.not_shown.append("that a picture is a secret")
    told.sent = (Sent(5, HASH, "ImageVault.deposit", 117_015, True), Sent(6, HASH[:-1] + "b", "payment", 21_000, True))
    return told


class Elements(HTMLParser):
    """Tags and attributes, as a browser sees them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def elements(page: str) -> Elements:
    parser = Elements()
    parser.feed(page)
    return parser


def test_everything_that_was_told_is_on_it() -> None:
    page = html_report([chapter()], seconds=12.3)
    for text in (
        *("deposit", "1 ether", "0.50", "a stranger&#x27;s claim", "ImageVault", "NotRecipient"),
        *("that a picture is a secret", HASH, "117,015", "138,015 gas", "2 transactions", "ImageVault.deposit"),
        *("Ether gained or lost", "in 12 s", "1 forgeries and other attempts", "miner 1"),
    ):
        assert text in page, text


def test_it_needs_nothing_from_elsewhere() -> None:
    page = html_report([chapter(), chapter("zk")], seconds=1)
    seen = elements(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "image"} & set(seen.tags)
    assert set(re.findall(r"https?://[^\"'\s<]+", page)) <= NAMESPACES, "names of formats, which nobody fetches"
    outside = [value for name, value in seen.attributes if name in {"src", "href", "xlink:href"} and value]
    assert all(value.startswith("#") for value in outside), "drawings refer to themselves alone"
    assert not [name for name, _ in seen.attributes if name.startswith("on")]
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert re.search(r"url\((?!#)", page) is None


def test_drawings_are_well_formed_and_their_text_is_text() -> None:
    page = html_report([chapter()], seconds=1)
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) == 3, "time and gas of all, and the chapter's own"
    for drawing in drawings:
        assert ET.fromstring(drawing).tag == "{http://www.w3.org/2000/svg}svg"  # our own
    assert "sponsor" in drawings[2]
    assert "metadata" not in page


def test_the_same_run_gives_the_same_page() -> None:
    assert html_report([chapter()], seconds=1) == html_report([chapter()], seconds=1)
    assert html_report([chapter()], seconds=1) != html_report([replace(chapter(), seconds=4)], seconds=1)


def test_gas_by_call() -> None:
    told = chapter()
    told.sent = tuple(Sent(block, HASH, "Trading.submit", gas, True) for block, gas in ((1, 100), (2, 3_000)))
    page = html_report([told], seconds=1)
    row = "".join(f'<td class="number">{number}</td>' for number in ("2", "100", "3,000", "3,100"))
    assert f"<td>Trading.submit</td>{row}" in page


def test_a_chapter_without_transactions() -> None:
    told = chapter()
    told.sent, told.charts = (), []
    assert "0 transactions, 0 gas" in html_report([told], seconds=1)


@settings(max_examples=10)  # a page draws plots
@given(st.text(max_size=40))
@example("<script>alert(1)</script>")
@example('"><img src=x onerror=alert(1)>')
@example("</svg><b>")
@example("$\\frac{1}{0}$")
@example("\x00\u202e\ud800")
def test_no_text_becomes_markup(text: str) -> None:
    told, tame = chapter(what=text), chapter(what="tame")
    told.charts, tame.charts = [], []
    told.not_shown, told.refused = [text], [Refused(text, text, text)]
    page = html_report([told], seconds=1)
    assert elements(page).tags == elements(html_report([tame], seconds=1)).tags
    assert page.isascii() or page.encode("utf-8")


@pytest.mark.parametrize("name", ["<b>bold</b>", "a & b", "cost of $5 and $6", "]]>", "party_0^2"])
def test_no_name_in_a_drawing_becomes_markup(name: str) -> None:
    told = chapter()
    told.charts = [Chart("bars", "unit", {name: 1.0, "other": 2.0})]
    drawing = re.findall(r"<svg.*?</svg>", html_report([told], seconds=1), re.DOTALL)[2]
    texts = ["".join(each.itertext()) for each in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert name in texts
