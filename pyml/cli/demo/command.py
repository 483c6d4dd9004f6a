"""``pyml demo``: the five systems in one story on one devnet, from nothing, and everything that must fail failing.

Everything is real: the data are scikit-learn's digits, networks are trained here, keys have their full length,
contracts run on a local anvil, roles are processes. What is weaker than in use is said in the end: the structured
reference string is made on the spot.
"""

from __future__ import annotations

import json
import resource
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.terminal import Json, phases, stopwatch
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.cli.demo.story import Chapter, Setting

CHAPTERS: Final = ("deepchain", "zk", "freezenet", "keys", "kdac")
"""In the order in which they are told: the model that is trained first is what is proved then."""


def demo(
    chapters: Annotated[
        list[str] | None, typer.Argument(metavar="[CHAPTER]...", help=f"Of {', '.join(CHAPTERS)}; all without.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, max=500, help="Test digits that the accuracy is proved on.")] = 100,
    report: Annotated[Path | None, typer.Option(help="HTML page to write [default: PYML_HOME/demo.html].")] = None,
    as_json: Json = False,
) -> None:
    """Four parties train a model, prove its accuracy, mine a block, pay a picture and talk; cheats are refused."""
    from pyml.chain.client import Client
    from pyml.chain.devnet import Devnet, DevnetOptions
    from pyml.cli.demo.report import html_report
    from pyml.cli.demo.story import Setting
    from pyml.files import write_atomically

    wanted = _in_order(chapters or CHAPTERS)
    config, elapsed = load_config(), stopwatch()
    page = report or config.home / "demo.html"
    with ExitStack() as stack:
        begin = stack.enter_context(phases(as_json=as_json))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyml-demo-")))
        begin("starting a devnet")
        devnet = stack.enter_context(Devnet(DevnetOptions(enforce_tx_gas_cap=True), anvil=config.anvil))
        setting = Setting(config, devnet, Client.connect(devnet.url), folder, samples, begin)
        told = [_told(setting, system) for system in wanted]
        begin("writing the report")
        write_atomically(page, html_report(told, seconds=elapsed()).encode())
    _print(told, page, elapsed(), as_json=as_json)


def _in_order(chapters: Sequence[str]) -> list[str]:
    unknown = sorted(set(chapters) - set(CHAPTERS))
    if unknown:
        raise InputError("there is no such chapter", expected=", ".join(CHAPTERS), got=", ".join(unknown))
    return [system for system in CHAPTERS if system in chapters]


def _told(setting: Setting, system: str) -> Chapter:
    """Tell one chapter, and note what it took on the chain."""
    from pyml.cli.demo.story import Chapter
    from pyml.cli.demo.transactions import Names, sent_between

    module = _module(system)
    chapter, elapsed = Chapter(system, str(module.TITLE)), stopwatch()
    first = setting.client.block_number() + 1
    module.tell(setting, chapter)
    chapter.seconds = elapsed()
    names = Names.recorded(setting.deployments(system), setting.client.chain_id)
    chapter.sent = sent_between(setting.client, first, setting.client.block_number(), names)
    return chapter


def _module(system: str) -> Any:
    """A chapter's module: imported when it is told, for some bring PyTorch."""
    from pyml.cli.demo import deepchain, freezenet, kdac, keys, zk

    return {"deepchain": deepchain, "zk": zk, "freezenet": freezenet, "keys": keys, "kdac": kdac}[system]


def _print(told: Sequence[Chapter], page: Path, seconds: float, *, as_json: bool) -> None:
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    if as_json:
        summary = {"seconds": round(seconds, 1), "peak_process_mb": kilobytes // 1024, "report": str(page)}
        typer.echo(json.dumps({"chapters": [chapter.as_dict() for chapter in told], **summary}))
        return
    console = Console()
    console.print(_table("What happened", ("", "what", "result", "seconds", "gas"), told, _step_rows))
    console.print(_table("What was refused", ("", "attempt", "refused by", "answer"), told, _refusal_rows))
    console.print(_table("What this does not show", ("", "limit"), told, _limit_rows))
    console.print(
        f"Total {seconds:.0f} s, {sum(chapter.gas for chapter in told):,} gas in "
        f"{sum(len(chapter.sent) for chapter in told)} transactions; largest process {kilobytes / 2**20:.1f} GB.",
        highlight=False,
    )
    console.print(f"The same with plots and transaction hashes: {page}", highlight=False, soft_wrap=True, markup=False)


def _table(
    title: str, names: Sequence[str], told: Sequence[Chapter], rows: Callable[[Chapter], list[list[str]]]
) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name, overflow="fold")  # addresses must be whole
    for chapter in told:
        for number, row in enumerate(rows(chapter)):
            table.add_row(chapter.system if number == 0 else "", *row)
        table.add_section()
    return table


def _step_rows(chapter: Chapter) -> list[list[str]]:
    return [
        [
            step.what,
            step.result,
            "" if step.seconds is None else f"{step.seconds:.1f}",
            "" if step.gas is None else f"{step.gas:,}",
        ]
        for step in chapter.steps
    ]


def _limit_rows(chapter: Chapter) -> list[list[str]]:
    return [[each] for each in chapter.not_shown]


def _refusal_rows(chapter: Chapter) -> list[list[str]]:
    return [[each.attempt, each.where, each.answer] for each in chapter.refused]
