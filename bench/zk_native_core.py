"""Commitments of the native core on each path of the processor, beside mcl's on the same points and scalars.

    python bench/zk_native_core.py            2^20 powers of tau
    python bench/zk_native_core.py --quick    2^12, without the peer

The paths must give the same points as each other and as mcl. mcl runs on one thread: compare it with one thread, and
CPU time with CPU time. It is installed once, below PYML_HOME, and is no part of the project.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.measuring.record import RESULTS, load_average, write_result
from bench.zk.core_steps import measure
from pyml.config import load_config
from pyml.errors import PymlError

DEGREE, REPEATS = 20, 3
QUICK_DEGREE: Final = 12
LIMITS_S: Final = {"commit to 13-bit values": 0.2, "commit to full-size values": 2.5}
"""CPU time of two threads, divided by two: what the specification asks for at 2^20 on two cores."""
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small, without the peer")
    parser.add_argument("--output", type=Path, default=RESULTS / "zk_native_core.json")
    options = parser.parse_args(arguments)
    degree = QUICK_DEGREE if options.quick else DEGREE
    started, load = time.time(), load_average()
    try:
        found = measure(
            degree,
            REPEATS,
            load_config().home,
            lambda text: console.print(text),
            peer=not options.quick,
        )
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    content = {"load_average_before": load, "degree": degree, "repeats": REPEATS, **found}
    if not options.quick:
        content["targets"] = _targets(found)
    write_result(
        options.output,
        benchmark="zk_native_core",
        arguments=["--quick"] if options.quick else [],
        started=started,
        content=content,
    )
    _show(content)
    return 0 if found["paths_agree"] and found.get("peer", {}).get("agrees", True) else 1


def _targets(found: dict[str, Any]) -> list[dict[str, Any]]:
    """For every path with all threads."""
    return [
        {"path": one["path"], "step": step, "limit_s": limit, "got_s": got, "met": got <= limit}
        for one in found["paths"]
        if one["threads"] == found["threads"]
        for step, limit in LIMITS_S.items()
        for got in [one["steps"][step]["cpu_s"] / one["threads"]]
    ]


def _show(content: dict[str, Any]) -> None:
    for one in content["paths"]:
        for name, step in one["steps"].items():
            console.print(
                f"{one['path']}, {one['threads']} threads, {name}: "
                f"{step['cpu_s']:.3f} s CPU, {step['wall_s']:.3f} s wall"
            )
    peer = content.get("peer")
    if peer is not None:
        took = peer.get("failed") or f"{peer['cpu_s']:.3f} s CPU, full-size; agrees: {peer['agrees']}"
        console.print(f"{peer['peer']}: {took}")
    for target in content.get("targets", []):
        verdict = "met" if target["met"] else "NOT MET"
        console.print(
            f"{verdict}: {target['path']}, {target['step']}: {target['got_s']:.3f} s, limit {target['limit_s']}"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
