"""Random histories: agreement, validity and bounded recovery in every one. A failure names its seed:

python -c "from tests.kdac.pbft.schedules import run; run(SEED)"
"""

from __future__ import annotations

import pytest

from tests.kdac.pbft import schedules

PART = 50


@pytest.mark.parametrize("part", range(1000 // PART))
def test_promises_hold_in_random_histories(part: int) -> None:
    for seed in range(part * PART, (part + 1) * PART):
        schedules.run(seed)


@pytest.mark.long
@pytest.mark.parametrize("part", range(100))
def test_promises_hold_in_100_000_random_histories(part: int) -> None:
    for seed in range(1000 + part * 990, 1000 + (part + 1) * 990):
        schedules.run(seed)


def test_restart_due_between_loss_of_the_disk_and_return_is_refused() -> None:
    """Seed 97520: a crash's restart falls into the millisecond after the disk is lost, when nobody has said so yet."""
    schedules.run(97520)


@pytest.mark.parametrize("seed", [3, 16, 111])
def test_history_replays_from_its_seed(seed: int) -> None:
    first, second = schedules.run(seed), schedules.run(seed)
    assert first.fingerprint == second.fingerprint
    assert first.chain == second.chain
    assert first.fingerprint != schedules.run(seed + 1).fingerprint
