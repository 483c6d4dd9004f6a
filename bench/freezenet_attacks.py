"""Attacks on freezenet, run: what each costs beside honest work, and the window of safe fractions.

    python bench/freezenet_attacks.py                  digits, half an hour; bench/results/freezenet_attacks.json
    python bench/freezenet_attacks.py --network mlp    the perceptron; bench/results/freezenet_attacks_mlp.json
    python bench/freezenet_attacks.py --quick          a few minutes, to see that it works

The window is also drawn, to a PNG and a CSV file beside it.

Attacks whose figures are those of the published scheme and of v1 stand side by side. Theft needs anvil.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console

from bench.measuring.record import RESULTS, write_result
from pyml.chain.devnet import Devnet
from pyml.errors import PymlError
from pyml.freezenet import figures
from pyml.freezenet.attacks import catalogue
from pyml.freezenet.attacks.catalogue import Subject
from pyml.freezenet.attacks.finding import Finding
from pyml.freezenet.attacks.window import FRACTIONS, Point, window
from pyml.freezenet.experiment import SCHEMES
from pyml.freezenet.runs import Runs
from pyml.ml.datasets import load

THRESHOLDS = {"cnn": 0.9, "mlp": 0.8}
"""Shares of the test that honest miners answer with room to spare."""
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few seeds and fractions")
    parser.add_argument("--network", choices=("cnn", "mlp"), default="cnn")
    parser.add_argument("--only", default=None, help="one attack, without the window")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    name = "freezenet_attacks" if options.network == "cnn" else f"freezenet_attacks_{options.network}"
    if options.only is not None:
        name = f"{name}_{options.only}"
    output = options.output or RESULTS / f"{name}.json"
    draws = 10 if options.quick else 200
    subject = Subject(load("digits"), options.network, THRESHOLDS[options.network], draws=draws)
    torch.set_num_threads(1)
    started = time.time()
    try:
        content = _measured(subject, options.quick, options.only, output)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    given = [*(["--quick"] if options.quick else []), *([] if options.network == "cnn" else ["--network", "mlp"])]
    given += [] if options.only is None else ["--only", options.only]
    write_result(output, benchmark="freezenet_attacks", arguments=given, started=started, content=content)
    return 0


def _measured(subject: Subject, quick: bool, only: str | None, output: Path) -> dict[str, Any]:
    attacks: dict[str, Callable[[], list[Finding]]] = {
        "seed-bank": lambda: catalogue.seed_reuse(subject, _tell),
        "one-sided": lambda: catalogue.one_sided(subject, _tell),
        "test-set": lambda: catalogue.test_set(subject, _tell),
        "theft": lambda: catalogue.stolen(subject, _tell, Devnet),
        "sybil": lambda: catalogue.many_accounts(subject, _tell),
        "untuned": lambda: catalogue.untuned_baseline(subject, _tell),
        "transfer": lambda: catalogue.transfers(subject, _tell, (0.5,) if quick else (0.1, 0.2, 0.5, 0.7)),
    }
    found: dict[str, Any] = {}
    for name, run in attacks.items():
        if only not in (None, name):
            continue
        began = time.monotonic()
        found[name] = [each.as_dict() for each in run()]
        console.print(name, f"{time.monotonic() - began:.0f} s", found[name])
    described = {
        "data": subject.dataset.name,
        "network": subject.network,
        "threshold": subject.accuracy,
        "seeds": subject.seeds,
        "attacks": found,
    }
    if only is not None:
        return described
    fractions, seeds = ((0.05, 0.5), 3) if quick else (FRACTIONS, 3)
    runs = Runs(subject.dataset)
    points = {scheme: window(runs, subject.experiment(scheme), fractions, seeds, _tell) for scheme in SCHEMES}
    title = f"{subject.network} on {subject.dataset.name}"
    drawn = output.with_name(f"{output.stem}_window")
    figures.draw_window(drawn, points, threshold=subject.accuracy, title=title)
    return {**described, "window": {scheme: [_row(each) for each in rows] for scheme, rows in points.items()}}


def _row(points: Sequence[Point]) -> dict[str, Any]:
    """Medians over seeds, and every seed's own."""
    names = ("honest", "naive", "renormalised", "scaled")
    return {
        "fraction": points[0].fraction,
        **{name: median(getattr(each, name) for each in points) for name in names},
        "points": [asdict(each) for each in points],
    }


def _tell(text: str, share: float) -> None:
    del text, share


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
