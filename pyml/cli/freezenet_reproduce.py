"""``pyml freezenet reproduce``: figures 1 to 3 of the paper, each by one command, the author's numbers beside ours.

On a laptop by default, in minutes. With --full it is the paper's own network on CIFAR-10: days on a processor, hours on
a card; what was trained is kept in --runs, and the same command goes on where it was cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pyml.cli.circuits import Device, dataset_of
from pyml.cli.freezenet_train import Network, Samples, default_network, first_samples
from pyml.cli.terminal import Json, share_done, show, stopwatch
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.freezenet.experiment import Experiment, Scheme
    from pyml.freezenet.reproduction import Told
    from pyml.freezenet.runs import Runs

app = typer.Typer(no_args_is_help=True, help="Draw figures 1 to 3 of the paper from trainings of one's own.")

Data = Annotated[str, typer.Option(help="digits or mnist; cifar10 with --full.")]
SchemeName = Annotated[str, typer.Option("--mode", help="reference, as published, or v1.")]
Fractions = Annotated[str | None, typer.Option(help="Watermarked shares, with commas between; the figure's without.")]
Seeds = Annotated[int, typer.Option(min=3, help="Trainings of each kind; the spread is over these.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the images; 60, or 100 with --full.")]
Full = Annotated[bool, typer.Option("--full", help="The paper's network on CIFAR-10.")]
RunFolder = Annotated[Path | None, typer.Option("--runs", help="Keep and resume trainings here.")]

_LAPTOP_EPOCHS = 60


Out = Annotated[Path | None, typer.Option(help="Plot and table to write, without suffix; the figure's name without.")]


@app.command()
def fig1(
    data: Data = "digits",
    network: Network = "",
    mode: SchemeName = "reference",
    fractions: Fractions = None,
    seeds: Seeds = 3,
    epochs: Epochs = None,
    samples: Samples = None,
    full: Full = False,
    device: Device = "cpu",
    runs: RunFolder = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Figure 1: learning curves under watermarks of several sizes."""
    from pyml.freezenet import figures, reproduction

    asked = _Asked(data, network, mode, epochs, samples, full, device, runs)
    shares, elapsed, place = parse_fractions(fractions, reproduction.FRACTIONS), stopwatch(), out or Path("fig1")
    with share_done("training", as_json=as_json) as report:
        subject, experiment = asked.opened(report)
        curves = reproduction.learning(subject, experiment, shares, seeds, report)
    figures.write_table(place, ("fraction", "seed", "epoch", "test_accuracy"), reproduction.rows_of(curves))
    figures.figure_1(place, cast("Any", curves), title=asked.title(experiment, seeds))
    finals = {f"{share:g}": _spread([row[-1] for row in rows]) for share, rows in curves.items()}
    _show(asked, place, {"final_accuracy": finals}, elapsed(), as_json=as_json)


@app.command()
def fig2(
    data: Data = "digits",
    network: Network = "",
    mode: SchemeName = "reference",
    fractions: Fractions = None,
    seeds: Seeds = 3,
    epochs: Epochs = None,
    samples: Samples = None,
    full: Full = False,
    device: Device = "cpu",
    runs: RunFolder = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Figure 2: accuracy of a trained network after a watermark was put into it."""
    from pyml.freezenet import figures, reproduction

    asked = _Asked(data, network, mode, epochs, samples, full, device, runs)
    shares, elapsed, place = parse_fractions(fractions, reproduction.INSERTED), stopwatch(), out or Path("fig2")
    with share_done("training", as_json=as_json) as report:
        subject, experiment = asked.opened(report)
        found = reproduction.insertion(subject, experiment, shares, seeds, report)
    rows = ((share, seed, value) for share, values in found.items() for seed, value in enumerate(values))
    figures.write_table(place, ("fraction", "seed", "test_accuracy"), rows)
    figures.figure_2(place, {"ours": found}, title=asked.title(experiment, seeds))
    result = {f"{share:g}": _spread(values) for share, values in found.items()}
    _show(asked, place, {"accuracy_after_insertion": result}, elapsed(), as_json=as_json)


@app.command()
def fig3(
    data: Data = "digits",
    network: Network = "",
    mode: SchemeName = "reference",
    fractions: Fractions = None,
    seeds: Seeds = 5,
    epochs: Epochs = None,
    samples: Samples = None,
    target: Annotated[float, typer.Option(help="Accuracy to which epochs are counted.")] = 0.8,
    full: Full = False,
    device: Device = "cpu",
    runs: RunFolder = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Figure 3: honest training against training that begins with a trained network."""
    from pyml.freezenet import author, figures, reproduction

    asked = _Asked(data, network, mode, epochs, samples, full, device, runs)
    shares, elapsed, place = parse_fractions(fractions, reproduction.TRANSFERRED), stopwatch(), out or Path("fig3")
    goal = author.TRANSFER_TARGET if full else target
    with share_done("training", as_json=as_json) as report:
        subject, experiment = asked.opened(report)
        found = reproduction.transfer(subject, experiment, shares, seeds, report)
    both = [
        (name, *row)
        for name, curves in (("honest", found.honest), ("transfer", found.attacker))
        for row in reproduction.rows_of(curves)
    ]
    figures.write_table(place, ("who", "fraction", "seed", "epoch", "test_accuracy"), both)
    batches = -(-len(subject.dataset.train_labels) // experiment.setting.batch_size)
    result = {share: reproduction.speed_up(found.epochs(share, goal, batches=batches)) for share in shares}
    ups = {share: each.median for share, each in result.items()}
    figures.figure_3(
        place,
        cast("Any", found.honest),
        cast("Any", found.attacker),
        ups,
        target=goal,
        title=asked.title(experiment, seeds),
    )
    told = {f"{share:g}": each.as_dict() for share, each in result.items()}
    _show(asked, place, {"target": goal, "speed_up": told}, elapsed(), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every figure is asked for."""

    data: str
    network: str
    mode: str
    epochs: int | None
    samples: int | None
    full: bool
    device: str
    runs: Path | None

    def opened(self, report: Told) -> tuple[Runs, Experiment]:
        """The data, and what is trained on them; its fraction and seed are the figure's affair."""
        from pyml.freezenet.experiment import AUTHOR, Experiment
        from pyml.freezenet.runs import Runs

        data = "cifar10" if self.full else self.data
        if self.full and self.data not in ("digits", "cifar10"):
            raise InputError("--full is the paper's network on CIFAR-10", got=f"--data {self.data}")
        dataset = first_samples(dataset_of(load_config(), data), self.samples)
        epochs = self.epochs or (AUTHOR.epochs if self.full else _LAPTOP_EPOCHS)
        setting = replace(AUTHOR, epochs=epochs)
        experiment = Experiment(
            self.network or default_network(data), cast("Scheme", self.mode), 0.0, setting, hold="replace"
        )
        experiment.fresh(dataset)  # refused now rather than after the first figure's data are read
        inner = report if self.full else None
        return Runs(dataset, self.runs, self.device, inner), experiment

    def title(self, experiment: Experiment, seeds: int) -> str:
        data = "cifar10" if self.full else self.data
        part = "" if self.samples is None else f", {self.samples} images"
        return f"{experiment.network} on {data}{part}, {experiment.scheme}, {seeds} seeds, band from least to most"


def parse_fractions(text: str | None, default: tuple[float, ...]) -> tuple[float, ...]:
    """Shares from a list with commas; ``InputError`` for anything else."""
    if text is None:
        return default
    try:
        shares = tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError("fractions are numbers with commas between", got=text[:80]) from error
    if not shares or not all(0 <= share <= 1 for share in shares) or len(set(shares)) != len(shares):
        raise InputError("fractions are different numbers from 0 to 1", got=text[:80])
    return shares


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": round(median(values), 4), "least": round(min(values), 4), "most": round(max(values), 4)}


def _show(asked: _Asked, place: Path, result: dict[str, Any], seconds: float, *, as_json: bool) -> None:
    files = {"plot": str(place.with_suffix(".png")), "table": str(place.with_suffix(".csv"))}
    described = {"data": "cifar10" if asked.full else asked.data, "mode": asked.mode}
    show(
        {**files, **described, **_lines(result, as_json), "seconds": round(seconds, 1)},
        as_json=as_json,
        title=place.name,
    )


def _lines(result: dict[str, Any], as_json: bool) -> dict[str, Any]:
    """For people a line for each fraction."""
    if as_json:
        return result
    found: dict[str, Any] = {}
    for name, value in result.items():
        rows = cast("dict[str, dict[str, Any]]", value) if isinstance(value, dict) else None
        if rows is None:
            found[name] = value
        else:
            for share, numbers in rows.items():
                found[f"{name} {share}"] = "  ".join(f"{key} {number}" for key, number in numbers.items())
    return found
