"""Messages per second and their latency: replicas as processes on this machine, real keys, sockets, logs with fsync.

    python bench/kdac_relay.py            1 and 4 replicas, batches of 1, 50 and 500, none or one faulty
    python bench/kdac_relay.py --quick    a tenth of the messages

A message counts once the consumer behind *every* working replica has it from a final block; its latency is from the
first attempt to submit it until it is final where it was submitted. All replicas are given messages of 512 bytes at
once, so many at a time as fill two batches. A replica is faulty by being dead (killed), or by being silent with all its
connections open (stopped). Clients, their encryption and the push to them are not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.kdac.cluster import Cluster
from bench.measuring.record import RESULTS, load_average, write_result

PAYLOAD_BYTES = 512
ROUND_MS = 600
MESSAGES = {1: 400, 50: 6000, 500: 12_000}
"""For each batch."""
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Case:
    replicas: int
    batch: int
    faulty: str | None = None


CASES = (
    *(Case(1, batch) for batch in MESSAGES),
    *(Case(4, batch, faulty) for batch in MESSAGES for faulty in (None, "dead", "silent")),
)


async def measure(case: Case, share: float) -> dict[str, Any]:
    """One case, with a warm-up of a twentieth that is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"batch": case.batch, "round_ms": ROUND_MS, "tick_ms": 500}
        cluster = Cluster(Path(folder), case.replicas, **settings)
        try:
            await cluster.prepare()
            await cluster.start()
            working = range(case.replicas - (case.faulty is not None))
            if case.faulty == "dead":
                await cluster.replicas[-1].kill()
            elif case.faulty == "silent":
                cluster.replicas[-1].pause()
            each = int(MESSAGES[case.batch] * share / len(working))
            warm = max(each // 20, 5)
            await _load(cluster, working, case, "warm", warm)
            load = load_average()[0]
            answers, ended = await _load(cluster, working, case, "message", each, before=warm * len(working))
        finally:
            if case.faulty == "silent":
                cluster.replicas[-1].resume()
            await cluster.stop()
    return {**_summary(case, answers, ended), "load_before": load}


async def _load(
    cluster: Cluster, working: range, case: Case, name: str, each: int, *, before: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    at_once = max(1, 2 * case.batch // len(working))
    order = '{"name": "%s %d", "count": %d, "size": %d, "at_once": %d}'
    orders = [order % (name, i, each, PAYLOAD_BYTES, at_once) for i in working]
    answers = await asyncio.gather(*(cluster.replicas[i].ask(f"load {orders[i]}") for i in working))
    total = before + each * len(working)
    seen = await asyncio.gather(*(cluster.replicas[i].ask(f"wait {total}") for i in working))
    if len({answer["digest"] for answer in seen}) != 1 or any(answer["payloads"] != total for answer in seen):
        raise RuntimeError(f"replicas differ: {seen}")
    return answers, seen


def _summary(case: Case, answers: list[dict[str, Any]], seen: list[dict[str, Any]]) -> dict[str, Any]:
    latencies = sorted(latency for answer in answers for latency in answer["latencies"])
    elapsed = max(answer["at"] for answer in seen) - min(answer["started"] for answer in answers)
    return {
        "replicas": case.replicas,
        "batch": case.batch,
        "faulty": case.faulty,
        "messages": len(latencies),
        "messages_per_s": len(latencies) / elapsed,
        "latency_p50_ms": 1000 * latencies[len(latencies) // 2],
        "latency_p99_ms": 1000 * latencies[int(len(latencies) * 0.99)],
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--output", type=Path, default=RESULTS / "kdac_relay.json")
    options = parser.parse_args(arguments)
    started, load, rows = time.time(), load_average(), list[dict[str, Any]]()
    for case in CASES:
        row = asyncio.run(measure(case, 0.1 if options.quick else 1.0))
        rows.append(row)
        console.print(
            f"{case.replicas} replicas, batch {case.batch}, faulty: {case.faulty}: {row['messages_per_s']:.0f}/s, "
            f"p50 {row['latency_p50_ms']:.0f} ms, p99 {row['latency_p99_ms']:.0f} ms"
        )
    content = {"payload_bytes": PAYLOAD_BYTES, "round_ms": ROUND_MS, "load_average_before": load, "rows": rows}
    given = ["--quick"] if options.quick else []
    write_result(options.output, benchmark="kdac_relay", arguments=given, started=started, content=content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
