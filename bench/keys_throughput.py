"""What deriving addresses costs after the forward pass, batch 32, paper mode without PBKDF2: side by side in one run.

    PYML_DATA=… python bench/keys_throughput.py --network siamese.pt   10,000 digits and 128 images for ResNet-50
    python bench/keys_throughput.py --quick                            a network of random weights on 8×8 digits

The small network is one that ``pyml keys train --data mnist`` wrote. ResNet-50 has random weights and sees noise: its
layers take the time that they always take, but its codes are another kind, see ``distinct_codes``. Forward passes and
what comes after them, on activations that are there already, alternate; the cost is the median of their ratios, of
processor time, all threads together, and of time on the clock: the pass uses every thread, and what comes after mostly
one, while the next pass runs. Memory
is taken in three processes of its own: the peak above the loaded network for one bare batch, and for all images with
derivation.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from bench.measuring.processes import run_measured
from bench.measuring.record import RESULTS, load_average, write_result
from pyml.errors import PymlError
from pyml.ml.siamese import Architecture, siamese
from pyml.ml.siamese_file import write_siamese

MODULE = "bench.keys.throughput"
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--network", type=Path, help="siamese network for MNIST, trained")
    parser.add_argument("--quick", action="store_true", help="no data or network needed")
    parser.add_argument("--output", type=Path, default=RESULTS / "keys_throughput.json")
    options = parser.parse_args(arguments)
    if (options.network is None) == (not options.quick):
        parser.error("either --network or --quick")
    started, load = time.time(), load_average()
    try:
        with tempfile.TemporaryDirectory() as folder:
            content = {"load_average_before": load, "subjects": _subjects(options.network, Path(folder))}
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    given = ["--quick"] if options.quick else ["--network", options.network.name]
    write_result(options.output, benchmark="keys_throughput", arguments=given, started=started, content=content)
    return 0


def _subjects(network: Path | None, folder: Path) -> list[dict[str, Any]]:
    if network is None:
        network = folder / "random.pt"
        write_siamese(network, siamese(Architecture("cnn", 1, 8, 8)))
        asked = {"subject": "digits", "network": str(network), "count": 500, "rounds": 3}
        return [_measured("random small CNN, 8×8 digits", asked, threads=1)]
    mnist = {"subject": "mnist", "network": str(network.absolute()), "count": 10_000, "rounds": 5}
    resnet = {"subject": "resnet50", "count": 128, "rounds": 3}
    return [
        _measured("trained small CNN, MNIST test set", mnist, threads=1),
        _measured("trained small CNN, MNIST test set", mnist, threads=2),
        _measured("ResNet-50 with random weights, noise 3×224×224", resnet, threads=2),
    ]


def _measured(name: str, asked: dict[str, Any], *, threads: int) -> dict[str, Any]:
    asked = {**asked, "threads": threads}
    timed = run_measured(MODULE, {**asked, "action": "time"})
    batch, everything = (_memory(asked, of) for of in ("one batch", "everything"))
    ratio = everything["above_mb"] / batch["above_mb"]
    cost, clock = timed.answer["processor_cost_after_forward"], timed.answer["cost_after_forward"]
    console.print(
        f"{name}, {threads} threads: {cost:+.1%} of processor time after the forward pass, {clock:+.1%} on the clock, "
        f"memory {ratio:.2f}× one batch"
    )
    return {
        "subject": name,
        "threads": threads,
        "batch": 32,
        "load_before": timed.load_before,
        **timed.answer,
        "memory_of_one_batch": batch,
        "memory_of_everything": everything,
        "memory_ratio": ratio,
    }


def _memory(asked: dict[str, Any], of: str) -> dict[str, Any]:
    """The median of three processes: what an allocator takes for a thread comes and goes."""
    runs = [run_measured(MODULE, {**asked, "action": "memory", "of": of}).answer for _ in range(3)]
    return {"above_mb": median(run["above_mb"] for run in runs), "runs": runs}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
