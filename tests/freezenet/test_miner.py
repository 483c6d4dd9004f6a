"""A miner's next step in every situation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet.miner import JUDGE, PUBLISH, TRAIN, Committed, Known, Seen, next_step
from pyml.freezenet.registries import Entry, Phase, Round, Status, Verdict
from pyml.freezenet.solution import Solution
from pyml.freezenet.steps import Finish, Send, Wait, Work
from tests.freezenet.round_views import ABSENT, BOND, LAST, MINER, OPEN, OPENED, OTHER, SHOWN, SOME, entry

SOLUTION = Solution(SOME, 90, SOME, SOME)
SALT = bytes([9]) * 32
COMMITTED = Committed(SOME, SOLUTION, SALT)
COMMITMENT = SOLUTION.commitment(SALT, MINER)
NEW = Known(MINER, 0, 7)
TRAINED = replace(NEW, committed=COMMITTED)
READY = replace(TRAINED, answers=b"\x07", published=True)
DONE = entry(SOLUTION.hash, correct=15, revealed=True)
TAKE_OUT = Send("rounds", "withdraw", ())


def seen(block: int, opened: Round = OPEN, entry: Entry = ABSENT, **more: Any) -> Seen:
    seed = SOME if opened.beacon_fixed else None
    defaults: dict[str, Any] = {"verdict": Verdict.UNDECIDED, "progress": None}
    return Seen(block, opened, entry, seed, **{**defaults, **more})


def test_the_beacon_comes_first_and_a_lost_one_is_drawn_again() -> None:
    no_beacon = replace(OPEN, beacon=bytes(32), last_blocks=(900, 920, 960, 1000, 1040))
    assert next_step(NEW, seen(OPENED, no_beacon)) == Send("rounds", "fixBeacon", (0, 7))
    assert next_step(NEW, seen(OPENED + 255, no_beacon)) == Send("rounds", "fixBeacon", (0, 7))
    assert next_step(NEW, seen(OPENED + 256, no_beacon)) == Send("rounds", "reopen", (0, 7))


def test_training_then_one_bond() -> None:
    assert next_step(NEW, seen(150)) == Work(TRAIN)
    assert next_step(TRAINED, seen(150)) == Send("rounds", "commit", (0, 7, COMMITMENT), BOND)
    assert next_step(TRAINED, seen(151, entry=entry(COMMITMENT))) == Wait(LAST[Phase.COMMIT], "the commit phase ends")


def test_a_round_that_was_reopened_has_another_seed() -> None:
    assert next_step(TRAINED, replace(seen(150), seed=bytes(32))) == Work(TRAIN)


def test_who_comes_too_late_bonds_nothing() -> None:
    assert next_step(TRAINED, seen(LAST[Phase.COMMIT] - 1)) == Send("rounds", "commit", (0, 7, COMMITMENT), BOND)
    late = next_step(TRAINED, seen(LAST[Phase.COMMIT]))
    assert isinstance(late, Finish)
    assert "the deadline has passed" in late.outcome


def test_from_the_test_set_to_the_reveal() -> None:
    mine = entry(COMMITMENT)
    assert next_step(TRAINED, seen(205, OPEN, mine)) == Wait(206, "the test set is revealed")
    assert next_step(TRAINED, seen(205, SHOWN, mine)) == Work(JUDGE)
    assert next_step(replace(READY, published=False), seen(205, SHOWN, mine)) == Work(PUBLISH)
    assert next_step(READY, seen(205, SHOWN, mine)) == Wait(LAST[Phase.TEST], "the reveal phase begins")
    shown = Send("rounds", "reveal", (0, 7, SOLUTION.as_tuple(), SALT, b"\x07"))
    assert next_step(READY, seen(LAST[Phase.TEST], SHOWN, mine)) == shown
    assert next_step(READY, seen(LAST[Phase.REVEAL] - 1, SHOWN, mine)) == shown


@pytest.mark.parametrize("known", [TRAINED, READY])
def test_a_reveal_that_was_missed_is_not_tried(known: Known) -> None:
    assert next_step(known, seen(LAST[Phase.REVEAL], SHOWN, entry(COMMITMENT))) == Wait(
        LAST[Phase.ENROL], "the round ends"
    )


def test_a_sponsor_that_hides_the_test_set_is_cancelled_and_pays() -> None:
    mine = entry(COMMITMENT)
    assert next_step(TRAINED, seen(LAST[Phase.TEST], OPEN, mine)) == Send("rounds", "cancel", (0, 7))
    cancelled = replace(OPEN, status=Status.CANCELLED)
    assert next_step(TRAINED, seen(230, cancelled, mine)) == Send("rounds", "collect", (0, 7, MINER))
    closed = replace(mine, closed=True)
    assert next_step(TRAINED, seen(230, cancelled, closed, withdrawal=TAKE_OUT)) == TAKE_OUT
    assert next_step(TRAINED, seen(230, cancelled, closed)) == Finish("cancelled: the bond is back")


def test_challengers_are_answered_before_anything_else() -> None:
    answer = Send("optimistic", "trace", (0,))
    for block, opened in ((300, SHOWN), (500, SHOWN), (700, replace(SHOWN, status=Status.SETTLED))):
        assert next_step(READY, seen(block, opened, DONE, answer=answer)) == answer


def test_enrolment_needs_a_verdict() -> None:
    assert next_step(READY, seen(300, SHOWN, DONE)) == Wait(301, "enrolment begins")
    assert next_step(READY, seen(500, SHOWN, DONE)) == Wait(501, "the verdict is an acceptance")
    accepted = seen(500, SHOWN, DONE, verdict=Verdict.ACCEPTED)
    assert next_step(READY, accepted) == Send("rounds", "enrol", (0, 7, MINER))
    assert next_step(READY, seen(300, SHOWN, DONE, verdict=Verdict.ACCEPTED)) == Wait(301, "enrolment begins")
    enrolled = replace(DONE, enrolled=True)
    assert next_step(READY, seen(501, SHOWN, enrolled)) == Wait(LAST[Phase.ENROL], "enrolled; the round ends")


def test_settle_collect_withdraw_and_leave() -> None:
    enrolled, settled = replace(DONE, enrolled=True), replace(SHOWN, status=Status.SETTLED)
    assert next_step(READY, seen(LAST[Phase.ENROL], SHOWN, enrolled)) == Send("rounds", "settle", (0, 7))
    assert next_step(READY, seen(661, settled, enrolled)) == Send("rounds", "collect", (0, 7, MINER))
    closed = replace(enrolled, closed=True)
    assert next_step(READY, seen(662, settled, closed, withdrawal=TAKE_OUT)) == TAKE_OUT
    assert next_step(READY, seen(663, settled, closed)) == Finish("rewarded")
    assert next_step(READY, seen(661, settled, DONE)) == Finish("not enrolled")
    assert next_step(READY, seen(661, settled)) == Finish("took no part")


def test_a_bond_that_came_back_at_the_reveal_is_taken_out() -> None:
    below = replace(DONE, closed=True, correct=3)
    assert next_step(READY, seen(230, SHOWN, below, withdrawal=TAKE_OUT)) == TAKE_OUT
    assert isinstance(next_step(READY, seen(230, SHOWN, below)), Finish)


@pytest.mark.parametrize("known", [NEW, replace(TRAINED, committed=replace(COMMITTED, salt=bytes(32)))])
def test_a_commitment_of_another_journal_is_not_opened(known: Known) -> None:
    with pytest.raises(InputError, match="this journal does not hold"):
        next_step(known, seen(230, SHOWN, entry(COMMITMENT)))


def test_a_copied_commitment_is_not_ours() -> None:
    stolen = entry(SOLUTION.commitment(SALT, OTHER))
    with pytest.raises(InputError, match="this journal does not hold"):
        next_step(TRAINED, seen(230, SHOWN, stolen))


@given(st.integers(OPENED, 700), st.booleans(), st.booleans(), st.sampled_from([NEW, TRAINED, READY]))
def test_no_situation_bonds_twice(block: int, shown: bool, revealed: bool, known: Known) -> None:
    """Whatever is known, and whenever: once a commitment is on chain there is no second one."""
    state = DONE if revealed else entry(COMMITMENT)
    try:
        step = next_step(known, seen(block, SHOWN if shown else OPEN, state))
    except InputError:
        return
    assert not (isinstance(step, Send) and step.value_wei)


def test_secrets_are_not_shown() -> None:
    assert SALT.hex() not in repr(COMMITTED)
    assert str(SALT) not in repr(COMMITTED)
