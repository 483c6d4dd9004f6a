"""What a member does next, from its view of the group alone. Pure; ``party`` carries it out.

Source: DeepChain, algorithm 1 (Trading), and the turns of an accused in ``IDisputes``. An honest member is never late
because of an earlier crash: each step depends on what the chain says was done, not on what this process remembers.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.deepchain.records import Demand, Dispute, Phase, Subject, Turn
from pyml.deepchain.view import View


@dataclass(frozen=True, slots=True)
class Join:
    """Agree to the terms, with a deposit."""


@dataclass(frozen=True, slots=True)
class SubmitGradients:
    """Train, encrypt, prove, post."""

    round: int
    reruns: int


@dataclass(frozen=True, slots=True)
class SubmitShares:
    """Compute the aggregate, make decryption shares, prove, post."""

    round: int
    reruns: int


@dataclass(frozen=True, slots=True)
class AnswerDispute:
    """Post a trace, open a node, or justify a step."""

    dispute: Dispute


@dataclass(frozen=True, slots=True)
class Serve:
    """Show a number that is demanded."""

    demand: Demand


PartyStep = Join | SubmitGradients | SubmitShares | AnswerDispute | Serve


def next_party_step(view: View, party: int) -> PartyStep | None:
    """The most urgent thing to do; ``None`` if there is nothing before something else happens."""
    if view.clock.phase is Phase.FORMING and not view.history.joined >> party & 1:
        return Join()
    accused = next((each for each in view.disputes if _awaits(view, each, party)), None)
    if accused is not None:
        return AnswerDispute(accused)
    demand = next((each for each in view.demands if _must_serve(view, each, party)), None)
    if demand is not None:
        return Serve(demand)
    return _phase_step(view, party)


def _phase_step(view: View, party: int) -> PartyStep | None:
    record = view.round
    if record is None or view.clock.phase not in (Phase.COLLECTING, Phase.DECRYPTING):
        return None
    if view.next_block > _deadline(view) or record.convicted >> party & 1:
        return None
    if view.clock.phase is Phase.COLLECTING and party not in record.gradients:
        return SubmitGradients(record.index, record.reruns)
    if view.clock.phase is Phase.DECRYPTING and view.masks.accepted >> party & 1 and party not in record.shares:
        return SubmitShares(record.index, record.reruns)
    return None


def _deadline(view: View) -> int:
    """T1 while collecting, T5 while decrypting."""
    return view.deadlines[0 if view.clock.phase is Phase.COLLECTING else 1]


def _awaits(view: View, dispute: Dispute, party: int) -> bool:
    """Whether it is this member's turn, and it can still be made."""
    ours = dispute.party == party and dispute.turn in (Turn.TRACE, Turn.OPEN, Turn.JUSTIFY)
    return ours and view.next_block <= dispute.deadline and dispute.round == view.clock.round


def _must_serve(view: View, demand: Demand, party: int) -> bool:
    ours = demand.subject is not Subject.AGGREGATE and demand.accused == party
    return ours and view.next_block <= demand.deadline
