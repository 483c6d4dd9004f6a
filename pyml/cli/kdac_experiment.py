"""``pyml kdac experiment``: the paper's claims, measured; each a table, a CSV file and a picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.terminal import Json, share_done, show

if TYPE_CHECKING:
    from matplotlib.figure import Figure

app = typer.Typer(
    no_args_is_help=True,
    help="Run the experiments that the paper's abstract speaks of: speed and unlinkability; and what a relay does.",
)
Out = Annotated[Path, typer.Option("--out", help="Folder for table (CSV) and picture (PNG).")]


@app.command()
def speed(
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Rounds; the best counts.")] = 20,
    out: Out = Path("kdac-experiments"),
    as_json: Json = False,
) -> None:
    """Time derivation, exchange and whole messages beside AES-256-GCM and ChaCha20-Poly1305."""
    from pyml.kdac.experiments import speed as experiment

    with share_done("timing", as_json=as_json) as report:
        result = experiment.run(rounds=rounds, progress=lambda share: report("timing", share))
    _finish("speed", result, experiment.draw(result), out, as_json=as_json)


@app.command()
def unlinkability(
    samples: Annotated[int, typer.Option(min=200, max=10**6, help="Derived keys of each receiver.")] = 4000,
    seed: Annotated[int, typer.Option(help="Of the games.")] = 1,
    out: Out = Path("kdac-experiments"),
    as_json: Json = False,
) -> None:
    """Test derived keys for randomness, and let a trained classifier and the paper's relay try to link them."""
    from pyml.kdac.experiments import unlinkability as experiment

    with share_done("deriving and training", as_json=as_json) as report:
        result = experiment.run(
            samples=samples, seed=seed, progress=lambda share: report("deriving and training", share)
        )
    _finish("unlinkability", result, experiment.draw(result), out, as_json=as_json)


@app.command()
def lookup(
    users: Annotated[int, typer.Option(min=1000, max=10**7, help="Largest number of users.")] = 10**6,
    out: Out = Path("kdac-experiments"),
    as_json: Json = False,
) -> None:
    """Time how a relay finds a message's receiver, beside the paper's way, and weigh its table."""
    from pyml.kdac.experiments import lookup as experiment

    counts = (*(count for count in experiment.USERS if count < users), users)
    with share_done("looking up", as_json=as_json) as report:
        result = experiment.run(users=counts, progress=lambda share: report("looking up", share))
    _finish("lookup", result, experiment.draw(result), out, as_json=as_json)


@app.command()
def throughput(
    messages: Annotated[int, typer.Option(min=100, max=10**6, help="Messages for each size of block.")] = 2000,
    out: Out = Path("kdac-experiments"),
    as_json: Json = False,
) -> None:
    """Send messages through a relay of one node, by size of block."""
    from pyml.kdac.experiments import throughput as experiment

    with share_done("sending", as_json=as_json) as report:
        result = experiment.run(messages=messages, progress=lambda share: report("sending", share))
    _finish("throughput", result, experiment.draw(result), out, as_json=as_json)


def _finish(name: str, result: Mapping[str, Any], draw: Callable[[Figure], None], out: Path, *, as_json: bool) -> None:
    from pyml.kdac.experiments.report import write_report

    written = write_report(out, name, result["rows"], draw)
    if as_json:
        show({**result, **written}, as_json=True)
        return
    rows = list(result["rows"])
    table = Table(*rows[0], title=name, title_justify="left")
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    show({**result["verdicts"], **written}, as_json=False, title="verdicts")
