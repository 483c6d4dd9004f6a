"""What a challenger looks at next: everything once, while it can still be held against somebody."""

from __future__ import annotations

from dataclasses import replace

from pyml.deepchain.challenger_steps import ExamineAggregate, ExamineVector, next_examination, own_turn
from pyml.deepchain.records import Dispute, Phase, Subject, Turn
from pyml.deepchain.view import Aggregate
from tests.deepchain.views import ACCOUNTS, POSTED, posted_block, view_in

AGGREGATE = Aggregate(b"\x0a" * 32, b"\x0b" * 32, 0)


def test_gradients_are_looked_at_up_to_t2() -> None:
    view = view_in(Phase.COLLECTING, record={"gradients": {0: POSTED, 2: POSTED}})
    first, second = (ExamineVector(2, 0, Subject.GRADIENTS, party, POSTED) for party in (0, 2))
    assert next_examination(view, (), aggregates_only=False) == first
    assert next_examination(view, {first}, aggregates_only=False) == second
    assert next_examination(view, {first, second}, aggregates_only=False) is None
    assert next_examination(view, (), aggregates_only=False, own_party=0) == second
    assert next_examination(view, (), aggregates_only=True) is None
    assert next_examination(replace(view, head=119), (), aggregates_only=False) == first
    assert next_examination(replace(view, head=120), (), aggregates_only=False) is None


def test_a_run_that_is_repeated_is_looked_at_again() -> None:
    view = view_in(Phase.COLLECTING, record={"gradients": {0: POSTED}})
    first = next_examination(view, (), aggregates_only=False)
    assert first is not None
    again = view_in(Phase.COLLECTING, record={"gradients": {0: POSTED}, "reruns": 1})
    assert next_examination(again, {first}, aggregates_only=False) == replace(first, reruns=1)


def test_whoever_was_convicted_is_left_alone() -> None:
    view = view_in(Phase.COLLECTING, record={"gradients": {0: POSTED}})
    expelled = replace(view, masks=replace(view.masks, submitted=0b110))
    assert next_examination(expelled, (), aggregates_only=False) is None


def test_shares_are_looked_at_between_t5_and_t6() -> None:
    view = view_in(Phase.DECRYPTING, record={"shares": {1: POSTED}})
    wanted = ExamineVector(2, 0, Subject.SHARES, 1, POSTED)
    found = {head: next_examination(replace(view, head=head), (), aggregates_only=False) for head in (119, 120, 130)}
    assert found == {119: None, 120: wanted, 130: None}
    demanded = replace(view, head=120, block=posted_block(pending=1))
    assert next_examination(demanded, (), aggregates_only=False) is None


def test_aggregates_are_looked_at_by_everybody_up_to_t8_and_again_up_to_t4() -> None:
    wanted = ExamineAggregate(2, 0, AGGREGATE)
    posted = view_in(Phase.AGGREGATING, record={"aggregate": AGGREGATE}, block=posted_block())
    assert next_examination(posted, (), aggregates_only=True) == wanted
    assert next_examination(replace(posted, head=110), (), aggregates_only=True) is None
    decided = view_in(Phase.DECRYPTING, record={"aggregate": AGGREGATE})
    assert next_examination(decided, (), aggregates_only=True) == wanted
    assert next_examination(replace(decided, head=110), (), aggregates_only=True) is None
    earlier = view_in(Phase.AGGREGATING, record={"aggregate": AGGREGATE}, block=posted_block(collected=99))
    assert next_examination(earlier, (), aggregates_only=True) is None


def test_ones_own_turn_is_found() -> None:
    dispute = Dispute(4, ACCOUNTS[0], 105, Turn.DESCEND, Subject.GRADIENTS, 1, 0, 5, 2, 0, 0, b"", b"")
    view = view_in(Phase.COLLECTING, disputes=(replace(dispute, turn=Turn.OPEN), dispute))
    assert own_turn(view, ACCOUNTS[0]) == dispute
    assert own_turn(view, ACCOUNTS[1]) is None
    assert own_turn(replace(view, head=105), ACCOUNTS[0]) is None
