"""The demonstration as one HTML page with plots: what happened, what was refused, what it took, what is not shown.

Every number on it was measured in the run that it tells of. Nothing on it is secret: it is made from ``Chapter`` alone.
"""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyml import __version__
from pyml.cli.demo.story import Chapter, Chart
from pyml.cli.demo.transactions import gas_by_call
from pyml.cli.page import page, table, text
from pyml.plots import svg_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
svg { max-width: 100%; height: auto; } figure { margin: 1rem 0; } figcaption { font-weight: 600; }
@media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }
"""
_BAR, _NEGATIVE_BAR = "#3b6ea5", "#b3541e"


def html_report(chapters: Sequence[Chapter], *, seconds: float) -> str:
    """The whole page."""
    refused = sum(len(chapter.refused) for chapter in chapters)
    gas = sum(chapter.gas for chapter in chapters)
    opening = (
        f"<p>Made by pyml {text(__version__)} on a local development chain in {seconds:.0f} s: "
        f"{sum(len(chapter.sent) for chapter in chapters)} transactions, {gas:,} gas; {refused} forgeries and other "
        "attempts that must not work were made, and refused.</p>\n"
    )
    charts = [
        Chart("Time of each chapter", "seconds", {chapter.system: chapter.seconds for chapter in chapters}),
        Chart("Gas of each chapter", "million gas", {chapter.system: chapter.gas / 1e6 for chapter in chapters}),
    ]
    body = opening + "".join(map(_figure, charts)) + "".join(map(_chapter, chapters))
    return page("What the five systems did together", body, more_style=_STYLE)


def draw_bars(figure: Figure, chart: Chart) -> None:
    """One bar a name, each with its number; what is below zero has a colour of its own."""
    names, numbers = list(chart.bars), list(chart.bars.values())
    axes = figure.subplots()
    bars = axes.barh(names, numbers, color=[_BAR if number >= 0 else _NEGATIVE_BAR for number in numbers])
    labels = [f"{number:,.4g}" if abs(number) < 1e4 else f"{number:,.0f}" for number in numbers]
    axes.bar_label(bars, labels=labels, padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel(chart.unit)
    axes.spines[["top", "right"]].set_visible(False)


def _figure(chart: Chart) -> str:
    height = 0.9 + 0.32 * len(chart.bars)
    drawing = svg_plot(lambda figure: draw_bars(figure, chart), size=(7.5, height))
    return f"<figure><figcaption>{text(chart.title)}</figcaption>\n{drawing}</figure>\n"


def _chapter(chapter: Chapter) -> str:
    steps = ((step.what, step.result, _seconds(step.seconds), _gas(step.gas), step.tx or "") for step in chapter.steps)
    refused = ((each.attempt, each.where, each.answer) for each in chapter.refused)
    parts = [
        f"<h2>{text(chapter.system)}: {text(chapter.title)}</h2>\n",
        f"<p>{chapter.seconds:.1f} s, {len(chapter.sent)} transactions, {chapter.gas:,} gas.</p>\n",
        table(("step", "result", "seconds", "gas", "transaction"), steps),
        "<h3>What was refused</h3>\n" + table(("attempt", "refused by", "answer"), refused),
        *map(_figure, chapter.charts),
        "<h3>What this does not show</h3>\n" + _list(chapter.not_shown),
        _transactions(chapter),
    ]
    return "".join(parts)


def _transactions(chapter: Chapter) -> str:
    calls = ((call, len(gas), min(gas), max(gas), sum(gas)) for call, gas in sorted(gas_by_call(chapter.sent).items()))
    hashes = (
        (each.block, each.call if each.succeeded else f"{each.call} (reverted)", each.gas, each.tx_hash)
        for each in chapter.sent
    )
    return (
        "<h3>Gas by call</h3>\n"
        + table(("call", "times", "least", "most", "together"), calls)
        + f"<details><summary>All {len(chapter.sent)} transactions</summary>\n"
        + table(("block", "call", "gas", "hash"), hashes)
        + "</details>\n"
    )


def _list(lines: Iterable[str]) -> str:
    return f"<ul>\n{''.join(f'<li>{text(line)}</li>' for line in lines)}\n</ul>\n"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _gas(value: int | None) -> object:
    return "" if value is None else value
