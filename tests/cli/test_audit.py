"""``pyml zk audit`` as a user runs it: exit codes, the page on the terminal, as JSON and as HTML, hostile folders."""

from __future__ import annotations

import html
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from hypothesis import example, given
from hypothesis import strategies as st

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.solc import SOLC_VERSION
from pyml.cli import audit as command
from pyml.cli.audit_page import html_page
from pyml.cli.page import cell, printable
from pyml.config import Config
from pyml.errors import PymlError, ToolMissingError
from pyml.ml.datasets import load
from pyml.zk import ezkl
from pyml.zk.audit_report import Audit, Check, Section, Verdict
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, input_statement, labelled_set
from pyml.zk.deployment import deployment_plan
from pyml.zk.registries import open_contracts, register_circuit
from pyml.zk.specification import Constraint
from pyml.zk.srs import make_insecure
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Workspace
from tests.zk.engine_child import engine_child
from tests.zk.small_circuits import random_network, small_numerics

NETWORK = random_network(np.random.default_rng(3), (4, 3, 2), (1,))
HOSTILE = "<script>alert(1)</script> \"'&amp; [bold red]x[/] \x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u2066 a\nb"
COMMAND = typer.Typer()
COMMAND.command()(command.audit)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run left: exit code, both streams, and the error if there was one."""

    code: int
    out: str
    err: str
    error: PymlError | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """An auditor's desk: a home, a circuit folder, and the command."""

    home: Path
    circuit: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Answer:
        """As ``pyml.cli.main`` runs it."""
        error, code = None, 0
        try:
            code = COMMAND([str(self.circuit), *arguments], standalone_mode=False) or 0
        except PymlError as caught:
            error, code = caught, caught.exit_code
        out, err = self.capture.readouterr()
        return Answer(code, out, err, error)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with a reference string, and a circuit with pins; engine steps run in one child."""
    folder = tmp_path_factory.mktemp("original")
    with engine_child() as child, pytest.MonkeyPatch.context() as patch:
        patch.setattr(ezkl, "_step", child.step)
        workspace = Workspace(folder / "home", ezkl.EzklEngine())
        made = CircuitFolder.create(folder / "circuit", input_statement(NETWORK, "a model", small_numerics()), NETWORK)
        circuit = made.build(workspace, load)
        srs = make_insecure(workspace.home, circuit.degree, ezkl.generate_insecure_srs)
        made.pin_keys(workspace.set_up(circuit, srs))
        yield folder


@pytest.fixture
def desk(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    for name in [name for name in os.environ if name.startswith("PYML_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(command, "_compiler", no_compiler)  # a second or more in every run
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path / "home", tmp_path / "circuit", capsys)


def no_compiler(config: Config) -> None:
    del config


def spoil(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


# Exit codes and the terminal


def test_an_honest_circuit_exits_0(desk: Desk) -> None:
    answer = desk.run()
    assert answer.code == 0
    for title in ("Statement", "Signals", "Constraints", "Bounds", "Settings", "Circuit", "Keys", "Verifier"):
        assert f"\n{title}\n" in answer.out
    assert "Chain" not in answer.out
    assert answer.out.splitlines()[-1].startswith("ok: ")
    assert "FAILED" not in answer.out
    assert CircuitFolder.open(desk.circuit).statement.digest in answer.out
    assert not list(desk.home.glob(".audit-*"))


def test_something_wrong_exits_1_and_shows_both_values(desk: Desk) -> None:
    digest = CircuitFolder.open(desk.circuit).statement.digest
    spoil(desk.circuit / "digests.toml", digest, "0" * 64)
    answer = desk.run()
    assert answer.code == 1
    assert answer.error is None
    assert f"expected {'0' * 64}" in answer.out
    assert f"found {digest}" in answer.out
    assert answer.out.splitlines()[-1].startswith("FAILED: ")


def test_something_missing_exits_2_after_the_report(desk: Desk) -> None:
    shutil.rmtree(desk.home / "srs")
    answer = desk.run()
    assert answer.code == 2
    assert str(answer.error) == "not everything could be checked. The report says what is missing."
    assert "there is no structured reference string of k = " in answer.out
    assert answer.out.splitlines()[-1].startswith("could not be checked: ")
    assert desk.run("--insecure").code == 0


def test_wrong_weighs_more_than_missing(desk: Desk) -> None:
    shutil.rmtree(desk.home / "srs")
    spoil(desk.circuit / "model.json", '"bits":4', '"bits":5')
    assert desk.run().code == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--circuit-id", "0x12", "--rpc", "http://127.0.0.1:1"], "a circuit id is malformed"),
        (["--circuit-id", "11" * 32, "--rpc", "http://127.0.0.1:1"], "a circuit id is malformed"),
        (["--circuit-id", "0x" + "11" * 32], "a circuit id is looked up on a chain"),
        (["--deployments", "nowhere"], "no node to talk to"),
        (["--rpc", "http://user:hunter2@127.0.0.1:1"], "node"),
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str], problem: str, desk: Desk) -> None:
    answer = desk.run(*arguments)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.error is not None
    assert problem in answer.error.problem
    assert "hunter2" not in str(answer.error)


def test_no_circuit_no_report(desk: Desk) -> None:
    (desk.circuit / "circuit.toml").unlink()
    answer = desk.run("--html", "report.html")
    assert (answer.code, answer.out) == (2, "")
    assert not Path("report.html").exists()


def test_a_reference_string_of_ones_own(desk: Desk) -> None:
    Path("broken.srs").write_bytes(b"\x0a\x00\x00\x00 and nothing else")
    answer = desk.run("--srs", "broken.srs")
    assert answer.code == 2
    assert "is not a complete structured reference string" in answer.out
    (own,) = (desk.home / "srs").glob("*.srs")
    assert desk.run("--srs", str(own)).code == 0


def test_the_compiler_is_used_if_there_is_one(tmp_path: Path) -> None:
    found = command._compiler(Config(tmp_path))
    assert found is not None
    assert found.version.startswith(SOLC_VERSION)
    with pytest.raises(ToolMissingError):
        command._compiler(Config(tmp_path, solc=tmp_path / "nothing"))


def test_a_kept_workspace_is_trusted_only_if_told_so(desk: Desk) -> None:
    (key,) = desk.home.glob("circuits/*/keys-*/verifying.key")
    assert "files in the workspace" not in desk.run().out, "there are some, so each is compared"
    key.write_bytes(b"")
    assert "verifying.key in the workspace" in desk.run().out
    assert desk.run().code == 1
    assert desk.run("--kept").code == 2


def test_the_report_as_json(desk: Desk) -> None:
    answer = desk.run("--json")
    report: dict[str, Any] = json.loads(answer.out)
    assert (answer.code, answer.err, report["verdict"]) == (0, "", "ok")
    assert report["circuit"] == "circuit"
    assert {record["number"] for record in report["sections"]["constraints"]["records"]} == {
        f"C{index}" for index in range(1, 7)
    }
    spoil(desk.circuit / "settings.json", '"logrows"', '"rows"')
    answer = desk.run("--json")
    assert answer.code == 1
    wrong = [
        check["what"]
        for check in json.loads(answer.out)["sections"]["settings"]["checks"]
        if check["verdict"] == "FAILED"
    ]
    assert wrong == ["soundness rules of the engine", "settings.json in the folder"]


def test_an_accuracy_circuit_on_real_data(desk: Desk) -> None:
    network = random_network(np.random.default_rng(1), (64, 2, 10), (5,), input_max=16)
    data = labelled_set(load("digits"), samples=3)
    shutil.rmtree(desk.circuit)
    CircuitFolder.create(desk.circuit, accuracy_statement(architecture_of(network), data, small_numerics()))
    answer = desk.run("--insecure", "--json")
    assert answer.code == 0, answer.out
    checks = {check["what"]: check for check in json.loads(answer.out)["sections"]["statement"]["checks"]}
    assert checks["labelled set"]["found"] == data.digest
    spoil(desk.circuit / "circuit.toml", "digits/test[0:3]", "digits/test[1:4]")
    assert desk.run("--insecure", "--json").code == 1


def test_the_chain_is_asked_when_it_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with Devnet() as node:
        client, folder = Client.connect(node.url), desk.home / "deployments"
        deploy_system(client, deployment_plan(), node.accounts[0], folder=folder)
        where = ("--rpc", node.url, "--deployments", str(folder))
        assert desk.run(*where).code == 1, "nobody registered the circuit"
        workspace = Workspace(desk.home, ezkl.EzklEngine())
        opened = CircuitFolder.open(desk.circuit)
        circuit = opened.build(workspace, load)
        keyed = workspace.set_up(circuit, make_insecure(desk.home, circuit.degree, ezkl.generate_insecure_srs))
        contracts = open_contracts(client, folder)
        register_circuit(contracts, keyed, node.accounts[0])
        answer = desk.run(*where)
        assert answer.code == 0, answer.out
        assert "\nChain\n" in answer.out
        entry = replace(keyed.entry(), proof_length=keyed.proof_length + 32)
        contracts.circuits.register(entry, account=node.accounts[1])
        monkeypatch.setenv("PYML_RPC", node.url)
        answer = desk.run(*where[2:], "--circuit-id", "0x" + entry.identifier().hex())
        assert answer.code == 1
        assert "registered proofLength" in answer.out


# The page


class Page(HTMLParser):
    """Tags, attributes and text of a page; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong"),
    *("table", "thead", "tbody", "tr", "th", "td", "code", "span"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "http-equiv", "class", "scope"}


def require_inert(text: str) -> Page:
    """Only these tags and attributes, none of which loads or runs anything; no reference in the style either."""
    page = Page(text)
    assert set(page.tags) <= TAGS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert "url(" not in text
    assert "@import" not in text
    assert ("http-equiv", "Content-Security-Policy") in page.attributes
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes
    return page


def test_the_page_is_inert_complete_and_the_same_for_everybody(desk: Desk) -> None:
    assert desk.run("--html", "first.html").code == 0
    assert desk.run("--html", "deep/second.html", "--json").code == 0
    text = Path("first.html").read_text(encoding="utf-8")
    assert text == Path("deep/second.html").read_text(encoding="utf-8")
    page = require_inert(text)
    report = json.loads(desk.run("--json").out)
    for section in report["sections"].values():
        for check in section["checks"]:
            assert {check["what"], check["found"]} - {""} <= set(page.texts)
    assert "color-scheme: light dark" in text
    assert "@media print" in text


def test_a_hostile_folder_says_what_it_says_and_does_nothing(desk: Desk) -> None:
    statement = replace(CircuitFolder.open(desk.circuit).statement, subject_name=HOSTILE)
    (desk.circuit / "circuit.toml").write_text(statement.to_toml())
    (desk.circuit / "SPEC.md").write_text("| C1 | <img src=x onerror=alert(1)> | \x1b[31m | [link=evil]x[/link] |\n")
    answer = desk.run("--html", "report.html")
    assert answer.code == 1
    for character in ("\x1b", "\x07", "\u202e", "\u2066"):
        assert character not in answer.out
        assert character not in Path("report.html").read_text(encoding="utf-8")
    assert "[bold red]x[/]" in answer.out, "markup is shown, not obeyed"
    assert "[link=evil]x[/link]" in answer.out
    page = require_inert(Path("report.html").read_text(encoding="utf-8"))
    assert any("<script>alert(1)</script>" in text for text in page.texts)
    assert "<img src=x onerror=alert(1)>" in page.texts
    assert json.loads(desk.run("--json").out)["sections"]["statement"]["facts"]["subject"].startswith(HOSTILE)


def test_a_page_that_cannot_be_written_costs_no_report(desk: Desk) -> None:
    Path("taken").mkdir()
    answer = desk.run("--html", "taken")
    assert answer.code == 2
    assert answer.error is not None
    assert "taken cannot be written" in answer.error.problem
    assert answer.out.splitlines()[-1].startswith("ok: ")


@given(st.text())
@example(HOSTILE)
@example("\ud800")
def test_any_text_becomes_printable_and_survives_the_page(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    checks = (Check(text, text, text, Verdict.FAILED, text),)
    records = (Constraint(text, text, text, text),)
    report = Audit(text, text, (Section("statement", {text: text}, records, checks),))
    page = html_page(report)
    page.encode()
    parsed = require_inert(page)
    assert parsed.texts.count(shown) >= (7 if shown else 0)
    assert html.escape(shown) in page


def test_long_text_is_cut_and_says_so() -> None:
    assert printable("a" * 1_000) == "a" * 1_000
    assert printable("a" * 1_001) == "a" * 1_000 + "… (1,001 characters)"


@pytest.mark.parametrize(
    ("value", "shown"), [(1_234_567, "1,234,567"), ((100, 64), "100 × 64"), ((1,), "1"), ("a\tb", r"a\tb")]
)
def test_cells(value: object, shown: str) -> None:
    assert cell(value) == shown
