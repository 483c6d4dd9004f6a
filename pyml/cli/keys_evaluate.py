"""``pyml keys evaluate``: how well keys are found again, by whom else, and what their codes and helpers tell."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pyml.cli.terminal import Json, share_done, show
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.keys.subjects import Subjects
    from pyml.ml.embedders.protocol import Embedder


class Modes(StrEnum):
    """Ways from a code to a key."""

    PAPER = "paper"
    VAULT = "vault"
    BOTH = "both"


class Kind(StrEnum):
    """What the files of a folder are."""

    IMAGE = "image"
    TEXT = "text"
    SOUND = "sound"


Data = Annotated[
    str,
    typer.Option(
        "--data", help="digits, mnist, sentences (pairs that come with pyml), spoken-digits, or a folder of files."
    ),
]
FolderKind = Annotated[Kind, typer.Option("--kind", help="What a folder's files are.")]
Limit = Annotated[int, typer.Option(min=2, help="At most so many things, the first ones.")]
EmbedderFile = Annotated[
    Path | None, typer.Option("--embedder", help="Description of an ONNX embedder; without, the one that is built in.")
]
NetworkFile = Annotated[Path | None, typer.Option("--network", help="The ONNX file that --embedder describes.")]
SiameseFile = Annotated[
    Path | None, typer.Option("--siamese", help="Network that `pyml keys train` wrote, in place of an embedder.")
]


def evaluate(
    data: Data = "digits",
    kind: FolderKind = Kind.IMAGE,
    mode: Annotated[Modes, typer.Option(help="paper (UNSAFE: the code is the key), vault, or both.")] = Modes.BOTH,
    limit: Limit = 500,
    out: Annotated[
        Path | None, typer.Option(help="Write NAME.csv with every number and NAME.png; older ones are replaced.")
    ] = None,
    embedder: EmbedderFile = None,
    network: NetworkFile = None,
    siamese: SiameseFile = None,
    as_json: Json = False,
) -> None:
    """Measure keys on data: recovery after edits, false accepts, entropies of the codes, what helpers tell.

    Rates have their trials and 95 % bounds; nothing is extrapolated.
    """
    from pyml.files import write_atomically
    from pyml.keys import report
    from pyml.keys.attacks import CEILING
    from pyml.plots import save_plot

    shown = open_subjects(data, kind).first(limit)
    eye = open_embedder(shown, embedder, network, siamese)
    modes = tuple(report.Mode) if mode is Modes.BOTH else (report.Mode(mode.value),)
    with share_done(f"looking at {shown.name}", as_json=as_json) as done:
        findings = report.find(shown, eye, modes=modes, progress=counted(done, len(shown.things)))
    written: dict[str, str] = {}
    if out is not None:
        table, plot = out.with_name(out.name + ".csv"), out.with_name(out.name + ".png")
        write_atomically(table, report.to_csv(findings))
        save_plot(plot, partial(report.draw, findings), size=(9, 5))
        written = {"csv": str(table), "png": str(plot)}
    if as_json:
        told = {"findings": [finding.as_dict() for finding in findings], "ceiling": CEILING}
        show({**told, **written}, as_json=True)
        return
    _print(f"keys on {shown.name}", report.table(findings))
    for each in written.values():
        Console().print(escape(each), soft_wrap=True)


def open_subjects(data: str, kind: Kind) -> Subjects[Any]:
    """What ``--data`` names; ``InputError`` where it is absent."""
    from pyml.keys import subjects

    if data in ("digits", "mnist"):
        return subjects.drawn_digits(data, load_config().data)
    if data == "sentences":
        return subjects.sentence_pairs()
    if data == "spoken-digits":
        return subjects.spoken_digits(load_config().data)
    if not Path(data).is_dir():
        raise InputError(
            "no such data", expected="digits, mnist, sentences, spoken-digits or a folder", got=ascii(data)[:80]
        )
    return subjects.from_folder(Path(data), kind.value)


def open_embedder(
    shown: Subjects[Any], description: Path | None, network: Path | None, siamese: Path | None
) -> Embedder[Any]:
    """The embedder that was named, else the one of the samples' domain."""
    if (description is None) != (network is None):
        raise InputError("--embedder and --network belong together")
    if shown.domain.name != "image" and not description is network is siamese:
        raise InputError("only pictures can be shown to another embedder", got=shown.domain.name)
    if siamese is not None:
        if description is not None:
            raise InputError("--siamese and --embedder exclude each other")
        from pyml.keys.siamese_pictures import SiamesePictures

        return SiamesePictures.open(siamese)
    if description is None or network is None:
        return shown.domain.embedder()
    from pyml.ml.embedders.onnx_pictures import OnnxPictures

    return OnnxPictures.open(description, network)


def counted(done: Callable[[str, float], None], count: int) -> Callable[[int], None]:
    """Reports how many of ``count`` have been looked at."""
    return lambda seen: done(f"{seen} of {count}", seen / count)


_NET = "net bits: left of the thing itself, for who knows the password and has no list with the thing on it"


def _print(title: str, rows: list[dict[str, str]]) -> None:
    from pyml.keys.attacks import CEILING

    table = Table(title=escape(title), title_justify="left", caption=_NET, caption_justify="left")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(value) for value in row.values()))
    console = Console()
    console.print(table)
    console.print(CEILING, soft_wrap=True)
    if any(row["mode"] == "paper" for row in rows):
        from pyml.keys.paper import WARNING

        console.print(f"[red]{WARNING}[/red]", soft_wrap=True)
