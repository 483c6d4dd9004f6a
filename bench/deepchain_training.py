"""Accuracy of averaged training on MNIST with 4 and 10 parties, beside centralised averaging and a party alone.

    PYML_DATA=… python bench/deepchain_training.py     about ten minutes, to bench/results/deepchain_training.json
    python bench/deepchain_training.py --quick         the bundled digits, to see that it works

The paper's network, learning rate, batches, 1,500 iterations in 100 rounds, ten shards of 5,500 rows. ``deepchain`` is
the average of encoded updates in the clear; that encrypted rounds give the same bits is a test
(``tests/deepchain/test_encrypted_training.py``), not a measurement. Every party is also trained alone.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.measuring.record import RESULTS, write_result
from pyml.config import load_config
from pyml.deepchain.accuracy_curves import Comparison, compare, every_lone_party
from pyml.deepchain.local_training import LocalTraining
from pyml.errors import PymlError
from pyml.ml.datasets import Dataset, load

PAPER: Final = {
    4: {"parties_percent": [96.96, 97.32], "alone_percent": 96.75},
    10: {"parties_percent": [96.62, 97.14], "alone_percent": 96.51},
}
WITHIN: Final = 0.005
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no data needed")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    started = time.time()
    try:
        content = _measured(quick=options.quick)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    write_result(
        options.output or RESULTS / "deepchain_training.json",
        benchmark="deepchain_training",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content=content,
    )
    return 0


def _measured(*, quick: bool) -> dict[str, Any]:
    if quick:
        dataset = load("digits")
        asked = [
            Comparison(
                parties,
                rounds=20,
                every=10,
                network="digits-mlp",
                training=LocalTraining(batch_size=32, learning_rate=0.3),
                shards=40,
            )
            for parties in (4, 10)
        ]
    else:
        config = load_config()
        dataset = load("mnist", config.data, cache_dir=config.home / "data")
        asked = [Comparison(parties) for parties in (4, 10)]
    groups = [_group(dataset, each) for each in asked]
    content: dict[str, Any] = {"data": dataset.name, "data_digest": dataset.digest.hex(), "groups": groups}
    if not quick:
        content["targets"] = {
            f"{group['parties']} parties": {
                "within_half_a_point_of_centralised": group["deepchain"] >= group["centralised"] - WITHIN,
                "above_every_lone_party": group["deepchain"] > max(group["alone_each"]),
            }
            for group in groups
        }
    return content


def _group(dataset: Dataset, asked: Comparison) -> dict[str, Any]:
    begun = time.monotonic()
    curves = compare(dataset, asked)
    alone = list(every_lone_party(dataset, asked))
    found = {curve.name: curve.last for curve in curves}
    shown = ", ".join(f"{name} {value:.2%}" for name, value in found.items())
    console.print(f"{asked.parties} parties: {shown}; alone at best {max(alone):.2%}")
    return {
        "parties": asked.parties,
        "network": asked.network,
        "rounds": asked.rounds,
        "iterations_a_round": asked.training.iterations,
        "batch_size": asked.training.batch_size,
        "learning_rate": asked.training.learning_rate,
        "encoding": {"bits": asked.encoding.bits, "clip": asked.encoding.clip},
        "seed": asked.seed,
        **found,
        "alone_each": alone,
        "clipped_values": next(curve.clipped for curve in curves if curve.name == "deepchain"),
        "curves": {
            curve.name: [[index, value] for index, value in zip(curve.rounds, curve.accuracy, strict=True)]
            for curve in curves
        },
        "paper": PAPER.get(asked.parties),
        "seconds": time.monotonic() - begun,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
