"""What a worker does next, from its view of the group alone. Pure; ``worker`` carries it out.

Source: DeepChain, algorithm 2 (Processing) and section 4.2.5, leader and committee.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.deepchain.records import Demand, Phase, Subject
from pyml.deepchain.view import View


@dataclass(frozen=True, slots=True)
class Enlist:
    """Stake coins, and commit to a hash chain."""


@dataclass(frozen=True, slots=True)
class Update:
    """As leader: multiply the ciphertexts, post the product."""

    round: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Sign:
    """As a member of the committee: multiply again, and sign if it is the same."""

    round: int
    attempt: int


@dataclass(frozen=True, slots=True)
class ServeAggregate:
    """As leader: show a number that is demanded."""

    demand: Demand


WorkerStep = Enlist | Update | Sign | ServeAggregate


def next_worker_step(view: View, account: str) -> WorkerStep | None:
    """The most urgent thing to do; ``None`` if there is nothing before something else happens."""
    worker = view.worker_of(account)
    if worker is None:
        return Enlist() if view.clock.phase is not Phase.OVER else None
    demand = next((each for each in view.demands if view.block.leader == worker and _must_serve(view, each)), None)
    if demand is not None:
        return ServeAggregate(demand)
    if view.draw is None or view.round is None or view.next_block > view.block_deadlines[0]:
        return None
    if not view.is_posted:
        return Update(view.clock.round, view.draw.attempt) if view.draw.leader == worker else None
    if (view.block.committee & ~view.block.signed) >> worker & 1:
        return Sign(view.clock.round, view.draw.attempt)
    return None


def _must_serve(view: View, demand: Demand) -> bool:
    ours = demand.subject is Subject.AGGREGATE and demand.accused == view.block.attempt
    return ours and view.next_block <= demand.deadline
