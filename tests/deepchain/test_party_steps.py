"""What a member does next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyml.deepchain.party_steps import (
    AnswerDispute,
    Join,
    Serve,
    SubmitGradients,
    SubmitShares,
    next_party_step,
)
from pyml.deepchain.records import Demand, Dispute, Phase, Subject, Turn
from tests.deepchain.views import ACCOUNTS, POSTED, view_in

DISPUTE = Dispute(4, ACCOUNTS[0], 105, Turn.TRACE, Subject.GRADIENTS, 1, 0, 5, 2, 0, 0, b"", b"")
DEMAND = Demand(6, ACCOUNTS[0], 105, Subject.GRADIENTS, True, 1, 0, 5)


def test_a_member_joins_once() -> None:
    assert next_party_step(view_in(Phase.FORMING, history={"joined": 0b101}), 1) == Join()
    assert next_party_step(view_in(Phase.FORMING), 1) is None


def test_gradients_are_submitted_once_and_in_time() -> None:
    assert next_party_step(view_in(Phase.COLLECTING), 1) == SubmitGradients(2, 0)
    assert next_party_step(view_in(Phase.COLLECTING, 109), 1) == SubmitGradients(2, 0)
    assert next_party_step(view_in(Phase.COLLECTING, 110), 1) is None
    assert next_party_step(view_in(Phase.COLLECTING, record={"gradients": {1: POSTED}}), 1) is None
    assert next_party_step(view_in(Phase.COLLECTING, record={"convicted": 0b010}), 1) is None
    assert next_party_step(view_in(Phase.COLLECTING, record={"convicted": 0b010}), 2) == SubmitGradients(2, 0)


def test_shares_are_submitted_by_who_was_accepted() -> None:
    view = view_in(Phase.DECRYPTING)
    assert next_party_step(view, 1) == SubmitShares(2, 0)
    assert next_party_step(replace(view, head=119), 1) == SubmitShares(2, 0)  # T5, not T4
    assert next_party_step(replace(view, head=120), 1) is None
    assert next_party_step(replace(view, masks=replace(view.masks, accepted=0b101)), 1) is None
    assert next_party_step(view_in(Phase.DECRYPTING, record={"shares": {1: POSTED}}), 1) is None


def test_a_dispute_comes_first() -> None:
    view = view_in(Phase.COLLECTING, disputes=(DISPUTE,), demands=(DEMAND,))
    assert next_party_step(view, 1) == AnswerDispute(DISPUTE)
    assert next_party_step(view, 2) == SubmitGradients(2, 0)  # another's


@pytest.mark.parametrize("change", [{"turn": Turn.DESCEND}, {"turn": Turn.OVER}, {"deadline": 100}, {"round": 1}])
def test_turns_of_others_and_missed_ones_are_left(change: dict[str, int]) -> None:
    view = view_in(Phase.COLLECTING, record={"gradients": {1: POSTED}}, disputes=(replace(DISPUTE, **change),))
    assert next_party_step(view, 1) is None


def test_what_is_demanded_is_served() -> None:
    view = view_in(Phase.COLLECTING, demands=(DEMAND,))
    assert next_party_step(view, 1) == Serve(DEMAND)
    of_leader = replace(DEMAND, subject=Subject.AGGREGATE)
    assert next_party_step(replace(view, demands=(of_leader,)), 1) == SubmitGradients(2, 0)
    assert next_party_step(replace(view, head=105), 1) == SubmitGradients(2, 0)  # too late


@pytest.mark.parametrize("phase", [Phase.AGGREGATING, Phase.OVER])
def test_there_is_nothing_to_post_in_other_phases(phase: Phase) -> None:
    assert next_party_step(view_in(phase), 1) is None
