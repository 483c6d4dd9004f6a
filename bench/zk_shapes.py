"""What circuits of different shapes take on this machine: processor time, memory and keys, by k and inner columns.

    python bench/zk_shapes.py            a quarter of an hour, to bench/results/zk_shapes.json
    python bench/zk_shapes.py --quick    the smallest, to see that it works

``pyml/zk/estimate.py`` is fitted to the result, and ``tests/zk/test_estimate.py`` compares them. Processor time is far
less disturbed by what else runs than time on the clock, which is written too and holds on a quiet machine only.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.measuring.processes import run_measured
from bench.measuring.record import RESULTS, write_result
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.zk.ezkl import INNER_COLUMNS

SHAPES = [*((degree, columns) for degree in (14, 15, 16) for columns in INNER_COLUMNS), (18, 3)]
"""k and inner columns; a large one last, to see that the lines go on. About 5 GB of memory and of disk."""
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started = time.time()
    wanted = SHAPES[:1] if options.quick else SHAPES
    try:
        shapes = [_measured(degree, columns) for degree, columns in wanted]
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    write_result(
        options.output or RESULTS / "zk_shapes.json",
        benchmark="zk_shapes",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content={"shapes": shapes},
    )
    return 0


def _measured(degree: int, columns: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="pyml-bench-") as folder:
        request = {"degree": degree, "columns": columns, "folder": folder, "srs_home": str(load_config().home)}
        found = run_measured("bench.zk.shapes", request).as_dict()
    steps = ", ".join(f"{name} {step['processor_s']:.1f} s" for name, step in found["steps"].items())
    console.print(f"2^{degree}×{columns}: {steps} of processors, {found['peak_mb']:.0f} MB")
    return found


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the smallest shape only")
    parser.add_argument("--output", type=Path, default=None)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
