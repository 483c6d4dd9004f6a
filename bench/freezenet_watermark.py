"""What a v1 watermark costs to compute: all positions and codes of the paper's CNN, beside NumPy's own permutation.

    python bench/freezenet_watermark.py            seconds; bench/results/freezenet_watermark.json
    python bench/freezenet_watermark.py --quick    fewer rounds

Positions are the 1,306,922 of the paper's network as one tensor, codes those of seven tenths of it. The three alternate
in one process, so that a busy machine is busy for all of them; the ratio is the median of the ratios of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
from rich.console import Console

from bench.measuring.record import RESULTS, load_average, write_result
from pyml.freezenet import permutation, watermark_codes
from pyml.freezenet.feistel import inverse_position

N: Final = 1_306_922
CODES: Final = N * 7 // 10
SEED: Final = bytes(range(32))
POSITIONS_S, CODES_S, RATIO = 0.15, 0.3, 6.0
"""What the specification allows."""
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--output", type=Path, default=RESULTS / "freezenet_watermark.json")
    options = parser.parse_args(arguments)
    started, load = time.time(), load_average()
    content = {"load_average_before": load, **_measured(3 if options.quick else 15)}
    console.print(content)
    given = ["--quick"] if options.quick else []
    write_result(options.output, benchmark="freezenet_watermark", arguments=given, started=started, content=content)
    return 0


def _measured(rounds: int) -> dict[str, Any]:
    generator = np.random.RandomState(0)
    steps: dict[str, Callable[[], object]] = {
        "positions": lambda: permutation(SEED, N),
        "codes": lambda: watermark_codes(SEED, CODES),
        "numpy": lambda: generator.permutation(N),
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    own: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            began, began_own = time.perf_counter(), time.process_time()
            step()
            if turn:  # the first warms up
                taken[name].append(time.perf_counter() - began)
                own[name].append(time.process_time() - began_own)
    ratios = [ours / theirs for ours, theirs in zip(taken["positions"], taken["numpy"], strict=True)]
    positions, codes, ratio = median(taken["positions"]), median(taken["codes"]), median(ratios)
    return {
        "n": N,
        "codes": CODES,
        "rounds": rounds,
        "positions_s": _spread(taken["positions"]),
        "codes_s": _spread(taken["codes"]),
        "numpy_permutation_s": _spread(taken["numpy"]),
        "cpu_s": {name: _spread(values) for name, values in own.items()},
        "ratio_to_numpy": _spread(ratios),
        "one_inverse_s": _inverse(),
        "allowed": {"positions_s": POSITIONS_S, "codes_s": CODES_S, "ratio_to_numpy": RATIO},
        "holds": {
            "positions": positions <= POSITIONS_S,
            "codes": codes <= CODES_S,
            "ratio": ratio <= RATIO,
        },
    }


def _inverse() -> float:
    """One position back to its index, which is what a dispute asks for."""
    places = range(0, N, N // 200)
    began = time.perf_counter()
    for place in places:
        inverse_position(SEED, N, place)
    return (time.perf_counter() - began) / len(places)


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "most": max(values)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
