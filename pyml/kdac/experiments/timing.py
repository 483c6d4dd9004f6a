"""How long a step takes: short rounds of several steps in turns, the best round of each.

The steps that are compared alternate, round by round, so that what else the machine does meets all of them alike; the
best round is the one that it met least, as in the standard library's ``timeit``. What is counted is this process's
time on a core, not the clock on the wall.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """Something to time. ``prepare`` runs before each round, untimed, and is told how often ``run`` will be called."""

    run: Callable[[], object]
    calls: int = 200
    prepare: Callable[[int], object] | None = None


def time_steps(
    steps: Mapping[str, Step], *, rounds: int = 20, progress: Callable[[float], None] | None = None
) -> dict[str, float]:
    """Least microseconds of one call, by step."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name, step in steps.items():
            if step.prepare is not None:
                step.prepare(step.calls)
            run = step.run
            started = time.process_time()
            for _ in range(step.calls):
                run()
            taken[name].append((time.process_time() - started) / step.calls * 1e6)
        if progress is not None:
            progress((number + 1) / rounds)
    return {name: min(values) for name, values in taken.items()}
