"""Figures 1 to 3 of FreezeNet at a laptop's size: digits under the paper's scheme and under v1, and MNIST.

    PYML_DATA=… python bench/freezenet_reproduction.py --runs FOLDER    an hour, resumed where it was cut
    python bench/freezenet_reproduction.py --quick                      digits, few epochs, to see that it works

Writes bench/results/freezenet_reproduction.json, and plots and tables to bench/results/freezenet_figures. Digits: the
small CNN, 60 epochs. MNIST: the same CNN for 28×28, 6,000 training images, 10 epochs, all 10,000 test images, fewer
fractions. Adam at 1e-3 and batches of 100, as published; so is the way of holding, after each batch. At full size,
``pyml freezenet reproduce fig1 --full --device cuda`` does the same on CIFAR-10: not run here, for want of a card.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from bench.measuring.record import RESULTS, write_result
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.freezenet import author, figures, reproduction
from pyml.freezenet.experiment import AUTHOR, Experiment, Scheme
from pyml.freezenet.runs import Runs
from pyml.ml.datasets import Dataset, load

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Part:
    """One set of figures: data, scheme, how long, how much."""

    data: str
    scheme: Scheme
    epochs: int
    samples: int | None
    learned: tuple[float, ...]
    inserted: tuple[float, ...]
    transferred: tuple[float, ...]
    target: float
    seeds: int = 3

    @property
    def name(self) -> str:
        return f"{self.data}_{self.scheme}"


DIGITS = Part(
    data="digits",
    scheme="reference",
    epochs=60,
    samples=None,
    learned=reproduction.FRACTIONS,
    inserted=reproduction.INSERTED,
    transferred=reproduction.TRANSFERRED,
    target=0.8,
)
PARTS = (
    DIGITS,
    replace(DIGITS, scheme="v1", learned=(0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0), transferred=()),
    Part("mnist", "reference", 10, 6000, (0.0, 0.3, 0.5, 0.7, 0.9), reproduction.INSERTED, (), 0.8),
)
SHORT = replace(DIGITS, epochs=3, learned=(0.0, 0.5), inserted=(0.0, 0.1), transferred=(0.5,), target=0.3)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no data needed")
    parser.add_argument("--runs", type=Path, default=None, help="keep and resume trainings here")
    parser.add_argument("--only", default=None, help="one part by name: digits_reference, digits_v1, mnist_reference")
    parser.add_argument("--output", type=Path, default=RESULTS / "freezenet_reproduction.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    started, content = time.time(), dict[str, Any]()
    try:
        for part in (SHORT,) if options.quick else PARTS:
            if options.only in (None, part.name):
                content[part.name] = _part(part, options.runs, options.output.parent / "freezenet_figures")
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    given = ["--quick"] if options.quick else [] if options.only is None else ["--only", options.only]
    authors = {
        "after_100_epochs": {f"{fraction:g}": value for fraction, value in author.AFTER_100_EPOCHS.items()},
        "after_10_epochs": {f"{fraction:g}": value for fraction, value in author.AFTER_10_EPOCHS.items()},
        "transfer_speed_up": {f"{fraction:g}": value for fraction, value in author.TRANSFER_SPEED_UP.items()},
    }
    write_result(
        options.output,
        benchmark="freezenet_reproduction",
        arguments=given,
        started=started,
        content={"author": authors, "parts": content},
    )
    return 0


def _part(part: Part, folder: Path | None, out: Path) -> dict[str, Any]:
    dataset = _dataset(part)
    runs = Runs(dataset, folder)
    setting = replace(AUTHOR, epochs=part.epochs)
    experiment = Experiment("cnn", part.scheme, 0.0, setting, hold="replace")
    what = "" if part.samples is None else f", {part.samples} images"
    title = f"cnn on {part.data}{what}, {part.scheme}, {part.seeds} seeds, band from least to most"
    result: dict[str, Any] = {"epochs": part.epochs, "samples": len(dataset.train_labels), "seeds": part.seeds}
    began = time.monotonic()
    curves = reproduction.learning(runs, experiment, part.learned, part.seeds, _tell)
    figures.write_table(
        out / f"fig1_{part.name}", ("fraction", "seed", "epoch", "test_accuracy"), reproduction.rows_of(curves)
    )
    figures.figure_1(out / f"fig1_{part.name}", curves, title=title)
    result["fig1_final"] = _spreads({share: [row[-1] for row in rows] for share, rows in curves.items()})
    early = min(author.EARLY_EPOCHS, part.epochs) - 1
    result["fig1_after_10"] = _spreads({share: [row[early] for row in rows] for share, rows in curves.items()})
    console.print(part.name, "fig1", f"{time.monotonic() - began:.0f} s", result["fig1_final"])
    found = reproduction.insertion(runs, experiment, part.inserted, part.seeds, _tell)
    rows = ((share, seed, value) for share, values in found.items() for seed, value in enumerate(values))
    figures.write_table(out / f"fig2_{part.name}", ("fraction", "seed", "test_accuracy"), rows)
    figures.figure_2(out / f"fig2_{part.name}", {"ours": found}, title=title)
    result["fig2"] = _spreads(found)
    if part.transferred:
        result["fig3"] = _transfer(part, runs, experiment, out)
    console.print(part.name, f"{time.monotonic() - began:.0f} s", result)
    return result


def _transfer(part: Part, runs: Runs, experiment: Experiment, out: Path) -> dict[str, Any]:
    found = reproduction.transfer(runs, experiment, part.transferred, part.seeds, _tell)
    batches = -(-len(runs.dataset.train_labels) // experiment.setting.batch_size)
    ups = {
        share: reproduction.speed_up(found.epochs(share, part.target, batches=batches)) for share in part.transferred
    }
    rows = [
        (who, *row)
        for who, curves in (("honest", found.honest), ("transfer", found.attacker))
        for row in reproduction.rows_of(curves)
    ]
    place = out / f"fig3_{part.name}"
    figures.write_table(place, ("who", "fraction", "seed", "epoch", "test_accuracy"), rows)
    title = f"cnn on {part.data}, {part.scheme}, {part.seeds} seeds, band from least to most"
    medians = {share: each.median for share, each in ups.items()}
    figures.figure_3(place, found.honest, found.attacker, medians, target=part.target, title=title)
    return {
        "target": part.target,
        "seeds": part.seeds,
        "speed_up": {f"{share:g}": each.as_dict() for share, each in ups.items()},
    }


def _dataset(part: Part) -> Dataset:
    config = load_config()
    whole = load(part.data, config.data, cache_dir=config.home / "data")
    if part.samples is None:
        return whole
    return replace(
        whole, train_images=whole.train_images[: part.samples], train_labels=whole.train_labels[: part.samples]
    )


def _spreads(found: Mapping[float, Sequence[float]]) -> dict[str, dict[str, float]]:
    return {
        f"{share:g}": {"median": median(values), "least": min(values), "most": max(values)}
        for share, values in found.items()
    }


def _tell(text: str, share: float) -> None:
    del text, share


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
