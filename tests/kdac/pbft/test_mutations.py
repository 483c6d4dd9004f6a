"""The suite must find a machine that lacks one of its rules: histories that pass as it is and fail without the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import pytest

from pyml.kdac.pbft import justification, replica, state, votes
from pyml.kdac.pbft.messages import Proposal
from pyml.kdac.pbft.records import Prepared, Record, Voted
from pyml.kdac.pbft.state import Settings, State
from tests.kdac.pbft import scenarios, schedules
from tests.kdac.pbft.simulator import Violation

Patch: TypeAlias = pytest.MonkeyPatch
FORK = "two blocks were decided"


def _nothing(_state: State) -> None:
    return None


def _always(_settings: Settings, _proposal: Proposal) -> bool:
    return True


def _half(n: int) -> int:
    return n // 2


def _drop_lock(patch: Patch) -> None:
    patch.setattr(justification, "lock_of", _nothing)


def _lower_quorum(patch: Patch) -> None:
    for module in (votes, state):
        patch.setattr(module, "quorum", _half)


def _skip_justification(patch: Patch) -> None:
    patch.setattr(justification, "is_justified", _always)


def _forget_votes(patch: Patch) -> None:
    restore = replica.restore

    def forgetful(settings: Settings, records: Iterable[Record]) -> State:
        return restore(settings, [record for record in records if not isinstance(record, (Voted, Prepared))])

    patch.setattr(replica, "restore", forgetful)


def _vote_without_memory(patch: Patch) -> None:
    patch.setattr(State, "is_silent", False)


@pytest.mark.parametrize("n", [4, 5, 6, 7])
@pytest.mark.parametrize(
    ("mutate", "scenario"),
    [
        (_drop_lock, scenarios.lock_holds),
        (_lower_quorum, scenarios.halves_wait),
        (_skip_justification, scenarios.usurper_is_refused),
    ],
)
def test_directed_history_finds_missing_rule(
    mutate: Callable[[Patch], None], scenario: Callable[[int], object], n: int, monkeypatch: Patch
) -> None:
    scenario(n)
    mutate(monkeypatch)
    with pytest.raises(Violation, match=FORK):
        scenario(n)


@pytest.mark.parametrize(
    ("mutate", "first", "expected"),
    [
        (_drop_lock, 100, FORK),
        (_lower_quorum, 0, FORK),
        (_skip_justification, 150, FORK),
        (_forget_votes, 0, "contradicted itself"),
    ],
)
def test_random_histories_find_missing_rule(
    mutate: Callable[[Patch], None], first: int, expected: str, monkeypatch: Patch
) -> None:
    """The same seeds pass with the rule: they are among those of ``test_schedules``."""
    mutate(monkeypatch)
    with pytest.raises(Violation, match=expected):
        _run(range(first, first + 150))


def _run(seeds: range) -> None:
    for seed in seeds:
        schedules.run(seed)


def test_directed_history_finds_vote_without_memory(monkeypatch: Patch) -> None:
    scenarios.wiped_is_silent(4)
    _vote_without_memory(monkeypatch)
    with pytest.raises(Violation, match="contradicted itself"):
        scenarios.wiped_is_silent(4)
