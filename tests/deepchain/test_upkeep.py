"""Which calls are due: none too early, none that is held, the right one of two."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyml.deepchain.records import Demand, Dispute, Phase, Subject, Turn
from pyml.deepchain.upkeep import Call, claims, due_calls, is_ready, is_signed
from tests.deepchain.views import ACCOUNTS, WORKERS, posted_block, view_in

DISPUTE = Dispute(4, ACCOUNTS[0], 105, Turn.OPEN, Subject.GRADIENTS, 1, 0, 5, 2, 0, 0, b"", b"")
DEMAND = Demand(6, ACCOUNTS[0], 105, Subject.SHARES, True, 1, 0, 5)


@pytest.mark.parametrize(("phase", "call"), [(Phase.COLLECTING, "collect"), (Phase.DECRYPTING, "settle")])
def test_a_phase_ends_once_its_last_deadline_is_over_and_nothing_holds_it(phase: Phase, call: str) -> None:
    assert due_calls(view_in(phase, 129)) == ()  # the next block is the last one in time
    assert due_calls(view_in(phase, 130)) == (Call("trading", call, (5,)),)
    assert due_calls(view_in(phase, 130, clock={"pending": 1})) == ()


def test_settling_waits_for_demands_of_the_aggregate() -> None:
    waiting = view_in(Phase.DECRYPTING, 130, block=posted_block(pending=1))
    assert due_calls(waiting) == ()


def test_blocks_are_appended_or_expire() -> None:
    expire, append = Call("processing", "expire", (5,)), Call("processing", "append", (5,))
    assert due_calls(view_in(Phase.AGGREGATING, 109)) == ()
    assert due_calls(view_in(Phase.AGGREGATING, 110)) == (expire,)  # the leader is late
    signed = view_in(Phase.AGGREGATING, 110, block=posted_block(signed=0b101))
    assert due_calls(replace(signed, head=109)) == ()
    assert due_calls(signed) == (append,)
    assert due_calls(replace(signed, head=120)) == (expire,)  # not appended by T9
    assert due_calls(view_in(Phase.AGGREGATING, 110, block=posted_block(signed=0b001))) == (expire,)
    assert due_calls(view_in(Phase.AGGREGATING, 110, block=posted_block(signed=0b101, pending=1))) == ()
    assert due_calls(view_in(Phase.AGGREGATING, 100, draw=None)) == (expire,)  # nobody is left


def test_more_than_two_thirds_sign() -> None:
    def view(signed: int) -> bool:
        return is_signed(view_in(Phase.AGGREGATING, block=posted_block(committee=0b111, signed=signed)))

    assert [view(signed) for signed in (0, 0b1, 0b11, 0b111)] == [False, False, False, True]


def test_missed_turns_and_demands_are_closed() -> None:
    late = view_in(Phase.COLLECTING, 105, disputes=(DISPUTE,), demands=(DEMAND,))
    assert due_calls(late) == (Call("disputes", "claimTimeout", (4,)), Call("evidence", "claimUnserved", (6,)))
    assert due_calls(replace(late, head=104)) == ()


def test_disputes_of_whoever_was_convicted_are_closed_at_once() -> None:
    view = view_in(Phase.COLLECTING, 100, disputes=(DISPUTE,))
    expelled = replace(view, masks=replace(view.masks, submitted=0b101))
    assert due_calls(expelled) == (Call("disputes", "claimTimeout", (4,)),)


def test_everybody_is_paid_once_the_group_is_over() -> None:
    over = view_in(Phase.OVER)
    assert claims(over, ACCOUNTS[2]) == (Call("trading", "claim", (5, 2)),)
    assert claims(over, WORKERS[1]) == (Call("processing", "claim", (5, 1)),)
    assert claims(over, "0x" + "f" * 40) == ()
    assert claims(view_in(Phase.DECRYPTING), ACCOUNTS[2]) == ()
    assert claims(view_in(Phase.OVER, history={"claimed": frozenset({("party", 2)})}), ACCOUNTS[2]) == ()


def test_a_group_is_ready_when_all_are_there() -> None:
    assert is_ready(view_in(Phase.FORMING), 3)
    assert not is_ready(view_in(Phase.FORMING), 4)
    assert not is_ready(view_in(Phase.FORMING, history={"joined": 0b101}), 3)
