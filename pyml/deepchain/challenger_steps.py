"""What a challenger looks at next, from its view of the group alone. Pure; ``challenger`` carries it out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pyml.deepchain.records import Dispute, Phase, Subject, Submission, Turn, members
from pyml.deepchain.view import Aggregate, View


@dataclass(frozen=True, slots=True)
class ExamineVector:
    """A member's gradients, or its shares."""

    round: int
    reruns: int
    subject: Subject
    party: int
    submission: Submission


@dataclass(frozen=True, slots=True)
class ExamineAggregate:
    """What a leader posted."""

    round: int
    reruns: int
    aggregate: Aggregate


Examination = ExamineVector | ExamineAggregate


def next_examination(
    view: View, done: Collection[Examination], *, aggregates_only: bool, own_party: int | None = None
) -> Examination | None:
    """The first thing that can still be held against somebody and was not looked at; one's own is left out."""
    record = view.round
    if record is None:
        return None
    waiting: list[Examination] = []
    if record.aggregate is not None and _aggregate_is_answerable(view):
        waiting.append(ExamineAggregate(record.index, record.reruns, record.aggregate))
    if not aggregates_only:
        waiting += [
            ExamineVector(record.index, record.reruns, subject, party, posted[party])
            for subject, posted, accusable in (
                (Subject.GRADIENTS, record.gradients, view.masks.submitted if _gradients_are_answerable(view) else 0),
                (Subject.SHARES, record.shares, view.masks.shared if _shares_are_answerable(view) else 0),
            )
            for party in members(accusable)
            if party in posted and party != own_party
        ]
    return next((each for each in waiting if each not in done), None)


def own_turn(view: View, account: str) -> Dispute | None:
    """A dispute in which this challenger is to name a node or a step."""
    mine = (
        each
        for each in view.disputes
        if each.turn is Turn.DESCEND and each.challenger == account and view.next_block <= each.deadline
    )
    return next(mine, None)


def _gradients_are_answerable(view: View) -> bool:
    """Up to T2."""
    return view.clock.phase is Phase.COLLECTING and view.next_block <= view.deadlines[1]


def _shares_are_answerable(view: View) -> bool:
    """After T5, up to T6, and once the aggregate is beyond doubt."""
    deciding = view.clock.phase is Phase.DECRYPTING and not view.block.pending
    return deciding and view.deadlines[1] < view.next_block <= view.deadlines[2]


def _aggregate_is_answerable(view: View) -> bool:
    """Up to T8, or to T4 once it is appended."""
    if view.clock.phase is Phase.DECRYPTING:
        return view.next_block <= view.deadlines[0]
    return view.is_posted and view.next_block <= view.block_deadlines[0]
