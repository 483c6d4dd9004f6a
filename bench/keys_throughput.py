"""What deriving addresses costs after the forward pass, batch 32, paper mode without PBKDF2: side by side in one run.

    PYML_DATA=… python bench/keys_throughput.py --network siamese.pt   10,000 digits and 128 images for ResNet-50
    python bench/keys_throughput.py --quick                            a network of random weights on 8×8 digits

The small network is one that ``pyml keys train --data mnist`` wrote. ResNet-50 has random weights and sees noise: its
layers take the time that they always take, but its codes are another kind, see ``distinct_codes``.

In one process three things take turns: the bare forward pass; the whole, from images to addresses; and what comes after
the pass by itself, on activations that are there already. Costs are medians of the ratios of each turn:

    processor_cost   time of all threads in what comes after, by that of the pass
    clock_cost       time on the clock by which the whole is longer than the pass; threads derive while the pass runs
    alone_cost       time on the clock of what comes after when no pass runs beside it, by that of the pass

Memory is the greatest above the loaded network, in processes of its own: for one batch of the bare pass, all of them,
and all with derivation. The allocator gives back at once what is freed, and code is loaded before, so that what counts
is what is in use; otherwise most of what a batch of small images takes would be PyTorch's code.
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
_SELDOM_S = 2.0
"""Between looks at a timed step's memory, which take time from it."""
_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536", "MALLOC_TOP_PAD_": "0"}
"""Of glibc: arrays have pages of their own, and free memory at the end of the heap is given back."""
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
        asked = {"subject": "digits", "network": str(network), "count": 500, "rounds": 4}
        return [_measured("random small CNN, 8×8 digits", asked, threads=1)]
    mnist = {"subject": "mnist", "network": str(network.absolute()), "count": 10_000, "rounds": 20}
    resnet = {"subject": "resnet50", "count": 128, "rounds": 4}
    return [
        _measured("trained small CNN, MNIST test set", mnist, threads=1),
        _measured("trained small CNN, MNIST test set", mnist, threads=2),
        _measured("ResNet-50 with random weights, noise 3×224×224", resnet, threads=2),
    ]


def _measured(name: str, asked: dict[str, Any], *, threads: int) -> dict[str, Any]:
    asked = {**asked, "threads": threads}
    timed = run_measured(MODULE, {**asked, "action": "time"}, sample_s=_SELDOM_S)
    memory = {of: _memory(asked, of) for of in ("one batch", "forward pass", "everything")}
    ratio = memory["everything"]["above_mb"] / memory["one batch"]["above_mb"]
    costs = ", ".join(f"{of} {timed.answer[f'{of}_cost']:+.2%}" for of in ("processor", "clock", "alone"))
    console.print(f"{name}, {threads} threads: {costs} of the forward pass; memory {ratio:.2f}× one batch")
    return {
        "subject": name,
        "threads": threads,
        "batch": 32,
        "load_before": timed.load_before,
        **timed.answer,
        "memory": memory,
        "memory_ratio": ratio,
    }


def _memory(asked: dict[str, Any], of: str) -> dict[str, Any]:
    """The median of three processes."""
    request = {**asked, "action": "memory", "of": of}
    runs = [run_measured(MODULE, request, environment=_ALLOCATOR).answer for _ in range(3)]
    return {"above_mb": median(run["above_mb"] for run in runs), "runs": runs}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
