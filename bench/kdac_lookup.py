"""How fast a relay finds receivers at 10⁶ users, parsing included, and what a million live tags weigh.

    python bench/kdac_lookup.py             a minute
    python bench/kdac_lookup.py --quick     10,000 users

In a process of its own, so that memory is the table's. Beside it the paper's way: derive for each user and compare.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.measuring.processes import run_measured
from bench.measuring.record import RESULTS, load_average, write_result

MODULE = "bench.kdac.lookup_worker"
LOOKUPS_PER_SECOND = 200_000
MB_PER_MILLION = 200
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer users")
    parser.add_argument("--output", type=Path, default=RESULTS / "kdac_lookup.json")
    options = parser.parse_args(arguments)
    started, load = time.time(), load_average()
    users = [1_000, 10_000] if options.quick else [1_000, 10_000, 100_000, 1_000_000]
    measured = [run_measured(MODULE, {"action": "lookup", "users": count}) for count in users]
    rows = [item.answer for item in measured]
    last = rows[-1]
    weight = last["table_mb"] / last["users"] * 1e6
    rate = last["lookups_per_second"]
    targets = {
        "lookups_per_second": {"limit": LOOKUPS_PER_SECOND, "met": rate >= LOOKUPS_PER_SECOND},
        "mb_per_million": {"limit": MB_PER_MILLION, "met": weight <= MB_PER_MILLION},
    }
    content = {"load_average_before": load, "rows": rows, "mb_per_million": weight, "targets": targets}
    given = ["--quick"] if options.quick else []
    write_result(options.output, benchmark="kdac_lookup", arguments=given, started=started, content=content)
    console.print(
        f"{last['lookups_per_second']:,} lookups/s at {last['users']:,} users, {weight:.0f} MB per million tags"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
