"""``pyml doctor``: looks at everything, tells each, and leaves with 0 unless something that is needed is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.terminal import Json, phases
from pyml.config import Config, default_config, load_config
from pyml.errors import ConfigError

if TYPE_CHECKING:
    from pyml.cli.doctor.findings import Finding, Surroundings

_MARKS: Final = {"ok": "[green]ok[/]", "missing but optional": "[yellow]optional[/]", "problem": "[red]problem[/]"}


def doctor(as_json: Json = False) -> None:
    """Look at this machine: what pyml needs, what is missing, and what to do about it.

    Exit code 1 if something that is needed is missing or wrong, 0 otherwise. Nothing is changed, nothing secret shown.
    """
    with phases(as_json=as_json) as begin:
        findings = list(_all(begin))
    problems = sum(each.state == "problem" for each in findings)
    if as_json:
        typer.echo(json.dumps({"problems": problems, "findings": [asdict(each) for each in findings]}))
    else:
        _print(findings, problems)
    if problems:
        raise typer.Exit(1)


def examine(place: Surroundings, begin: Callable[[str], None] = lambda _: None) -> Iterator[Finding]:
    """Every check, in order; one that is told of before it begins."""
    from pyml.cli.doctor import machine, places, programs

    checks = (
        ("Python and its packages", programs.look_at_python),
        ("programs", programs.look_at_foundry),
        ("programs", programs.look_at_solc),
        ("programs", programs.look_at_node),
        ("programs", programs.look_at_compiler),
        ("disk and memory", machine.look_at_disk),
        ("disk and memory", machine.look_at_memory),
        ("files", places.look_at_home),
        ("files", places.look_at_keys_in_the_environment),
        ("files", places.look_at_srs),
        ("data sets", places.look_at_data),
        ("network", machine.look_at_ports),
        ("network", machine.look_at_broker),
        ("network", machine.look_at_node_url),
    )
    told = ""
    for phase, check in checks:
        if phase != told:
            begin(f"looking at {phase}")
            told = phase
        yield from check(place)


def _all(begin: Callable[[str], None]) -> Iterator[Finding]:
    from pyml.cli.doctor.findings import Surroundings, ok, problem

    config: Config
    try:
        config = load_config()
    except ConfigError as error:
        config = default_config()
        yield problem("settings", str(error), "Correct pyml.toml or the PYML_… variables; the rest goes on without.")
    else:
        yield ok("settings", "pyml.toml and the PYML_… variables can be read")
    yield from examine(Surroundings(config), begin)


def _print(findings: list[Finding], problems: int) -> None:
    table = Table("", "state", title="This machine", title_justify="left")
    table.add_column("found", overflow="fold")
    table.add_column("what to do", overflow="fold")
    for each in findings:
        table.add_row(each.check, _MARKS[each.state], each.found, each.advice)
    console = Console()
    console.print(table)
    verdict = f"{problems} problems: see above." if problems else "Nothing that is needed is missing."
    console.print(verdict, highlight=False)
