"""``pyml zk audit``: all that an auditor of a circuit needs, on one page.

Exit code 0: everything that was checked is right. 1: something is wrong. 2: something could not be checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pyml.cli.audit_page import html_page, summary
from pyml.cli.circuits import SrsFile, dataset_of
from pyml.cli.page import cell, printable
from pyml.cli.terminal import Json, connect, phases
from pyml.config import Config, load_config
from pyml.errors import InputError, PymlError, SrsError, ToolMissingError
from pyml.files import write_atomically

if TYPE_CHECKING:
    from pyml.chain.solc import Solc
    from pyml.zk.audit import FindSrs
    from pyml.zk.audit_chain import ChainUnderAudit
    from pyml.zk.audit_report import Audit, Check, Section
    from pyml.zk.srs import Srs

_STYLES = {"ok": "green", "FAILED": "bold red"}


def audit(
    folder: Annotated[Path, typer.Argument(metavar="CIRCUIT", help="Circuit folder; it is only read.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Also write the report to this file, as one page.")
    ] = None,
    srs_file: SrsFile = None,
    insecure: Annotated[bool, typer.Option(help="Make an insecure SRS if there is none: dev chains only.")] = False,
    rpc: Annotated[str | None, typer.Option(help="Also check the contracts on this node's chain.")] = None,
    deployments: Annotated[
        Path | None, typer.Option("--deployments", help="Folder with <chainid>.json; also checks the chain.")
    ] = None,
    circuit_id: Annotated[
        str | None, typer.Option("--circuit-id", help="Circuit that a claim names, 0x…; default: the one made here.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh/--kept", help="Make everything again, or trust what the workspace holds.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Make circuit and keys again from the pinned inputs, and compare: pins, settings, contracts.

    Exit code 0: all right; 1: something is wrong; 2: something could not be checked.
    """
    from pyml.zk.audit import audit as audit_circuit
    from pyml.zk.audit_report import Verdict
    from pyml.zk.circuit_folder import CircuitFolder
    from pyml.zk.ezkl import EzklEngine
    from pyml.zk.workspace import Workspace

    config = load_config()
    opened = CircuitFolder.open(folder)
    if opened.native:
        raise InputError("only circuits of ezkl are audited so far", hint="`pyml zk register` compares the verifier.")
    chain = _chain(config, rpc, deployments, circuit_id)
    with phases(as_json=as_json) as begin:
        report = audit_circuit(
            opened,
            Workspace(config.home, EzklEngine()),
            lambda name: dataset_of(config, name),
            _srs_finder(config, srs_file, insecure=insecure),
            fresh=fresh,
            chain=chain,
            solc=_compiler(config),
            progress=begin,
        )
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        _print(report)
    if html is not None:
        write_atomically(html, html_page(report).encode())
    if report.verdict is Verdict.FAILED:
        raise typer.Exit(1)
    if report.verdict is Verdict.UNCHECKABLE:
        raise PymlError("not everything could be checked", hint="The report says what is missing.")


def _chain(config: Config, rpc: str | None, deployments: Path | None, circuit_id: str | None) -> ChainUnderAudit | None:
    """The chain is asked only if the command line says so: an audit works offline."""
    from pyml.zk.audit_chain import ChainUnderAudit

    if circuit_id is not None and not re.fullmatch(r"0x[0-9a-fA-F]{64}", circuit_id):
        raise InputError("a circuit id is malformed", expected="0x and 64 hexadecimal digits", got=circuit_id[:80])
    if rpc is None and deployments is None:
        if circuit_id is not None:
            raise InputError("a circuit id is looked up on a chain", expected="--rpc URL or --deployments FOLDER too")
        return None
    client = connect(config, rpc)
    identifier = None if circuit_id is None else bytes.fromhex(circuit_id[2:])
    return ChainUnderAudit(client, deployments or Path("deployments"), identifier)


def _srs_finder(config: Config, file: Path | None, *, insecure: bool) -> FindSrs:
    from pyml.zk.ezkl import generate_insecure_srs
    from pyml.zk.srs import find_srs, make_insecure, open_srs

    def find(degree: int) -> Srs:
        found = find_srs(config.home, degree) if file is None else open_srs(file)
        if found is None and insecure:
            found = make_insecure(config.home, degree, generate_insecure_srs)
        if found is None:
            raise SrsError(
                f"there is no structured reference string of k = {degree}",
                hint=f"`pyml zk srs {degree}` downloads the public one; --insecure makes one for development chains.",
            )
        return found

    return find


def _compiler(config: Config) -> Solc | None:
    """The pinned solc if there is one; a setting that names none is a mistake."""
    from pyml.chain.solc import find_solc

    try:
        return find_solc(config.solc)
    except ToolMissingError:
        if config.solc is not None:
            raise
        return None


def _print(report: Audit) -> None:
    console = Console()
    console.print(f"[bold]Audit of circuit {_shown(report.circuit)}[/] with {_shown(report.engine)}")
    for section in report.sections:
        _print_section(console, section)
    style = _STYLES.get(report.verdict, "yellow")
    console.print(f"\n[{style}]{_shown(report.verdict)}[/]: {_shown(summary(report))}")


def _print_section(console: Console, section: Section) -> None:
    console.print(f"\n[bold]{_shown(section.title.capitalize())}[/]")
    facts = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in section.facts.items():
        facts.add_row(_shown(name), _shown(value))
    if section.facts:
        console.print(facts)
    if section.records:
        names = [field.name for field in fields(section.records[0])]
        records = Table(*names, padding=(0, 1))
        for record in section.records:
            records.add_row(*(escape(cell(getattr(record, name))) for name in names))
        console.print(records)
    checks = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for overflow in ("fold", "fold", "fold"):
        checks.add_column(overflow=overflow)
    for check in section.checks:
        style = _STYLES.get(check.verdict, "yellow")
        checks.add_row(f"[{style}]{check.verdict}[/]", _shown(check.what), _shown_outcome(check))
    if section.checks:
        console.print(checks)


def _shown_outcome(check: Check) -> str:
    """One line where all is well, else what was expected, what was found, and why."""
    if check.verdict == "ok":
        same = check.expected == check.found
        return _shown(check.found if same else f"{check.found} (expected: {check.expected})")
    named = {"": check.reason, "expected ": check.expected, "found ": check.found}
    return "\n".join(_shown(name + text) for name, text in named.items() if text)


def _shown(text: str) -> str:
    return escape(printable(text))
