"""What a role knows of its group: events folded into rounds, and the contracts' state as of one block. Pure values.

A role decides from a view alone (``upkeep``, ``party_steps``, ``worker_steps``, ``challenger_steps``), so that a
process that was killed and starts again decides as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyml.deepchain.context import Context
from pyml.deepchain.records import (
    Block,
    Clock,
    Demand,
    Dispute,
    Masks,
    Phase,
    Status,
    Submission,
    Terms,
    members,
)
from pyml.errors import InputError


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What a leader posted."""

    root: bytes
    content_digest: bytes
    attempt: int


@dataclass(frozen=True, slots=True)
class RoundRecord:
    """One run of one round, from its events."""

    index: int
    reruns: int
    seed: bytes
    gradients: Mapping[int, Submission] = field(default_factory=dict[int, Submission])
    collected: int = 0
    """V as it was collected: whose ciphertexts are in the aggregate, also if a member is convicted later."""
    aggregate: Aggregate | None = None
    shares: Mapping[int, Submission] = field(default_factory=dict[int, Submission])
    convicted: int = 0
    """Who lost its deposit in this run, and takes no part in it any more."""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """All that events tell; ``apply`` adds one."""

    members: tuple[str, ...] = ()
    joined: int = 0
    workers: tuple[str, ...] = ()
    """Accounts in the order in which they enlisted."""
    rounds: Mapping[int, RoundRecord] = field(default_factory=dict[int, RoundRecord])
    """The last run of each round."""
    disputes: tuple[int, ...] = ()
    demands: tuple[int, ...] = ()
    opened: Mapping[int, tuple[bytes, ...]] = field(default_factory=dict[int, tuple[bytes, ...]])
    """By dispute: what the accused last showed."""
    claimed: frozenset[tuple[str, int]] = frozenset()
    """Who was paid out: ``("party", 2)``, ``("worker", 0)``."""

    def apply(self, name: str, values: Mapping[str, Any]) -> History:
        """The history after an event of this group, by the event's name and arguments; others change nothing."""
        change = _CHANGES.get(name)
        return self if change is None else change(self, values)


def _with_round(history: History, values: Mapping[str, Any], **changes: Any) -> History:
    index = int(values["round"])
    record = history.rounds.get(index)
    return history if record is None else replace(history, rounds={**history.rounds, index: replace(record, **changes)})


def _opened_group(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, members=tuple(str(each) for each in values["members"]))


def _joined(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, joined=history.joined | 1 << int(values["party"]))


def _enlisted(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, workers=(*history.workers, str(values["account"])))


def _started(history: History, values: Mapping[str, Any]) -> History:
    record = RoundRecord(int(values["round"]), int(values["reruns"]), bytes(values["seed"]))
    return replace(history, rounds={**history.rounds, record.index: record})


def _gradients(history: History, values: Mapping[str, Any]) -> History:
    record = history.rounds[int(values["round"])]
    posted = {**record.gradients, int(values["party"]): Submission.decode(values["submission"])}
    return _with_round(history, values, gradients=posted)


def _shares(history: History, values: Mapping[str, Any]) -> History:
    record = history.rounds[int(values["round"])]
    posted = {**record.shares, int(values["party"]): Submission.decode(values["submission"])}
    return _with_round(history, values, shares=posted)


def _collected(history: History, values: Mapping[str, Any]) -> History:
    return _with_round(history, values, collected=int(values["accepted"]))


def _updated(history: History, values: Mapping[str, Any]) -> History:
    posted = Aggregate(bytes(values["aggregateRoot"]), bytes(values["contentDigest"]), int(values["attempt"]))
    return _with_round(history, values, aggregate=posted)


def _withdrawn(history: History, values: Mapping[str, Any]) -> History:
    return _with_round(history, values, aggregate=None, shares={})


def _convicted(history: History, values: Mapping[str, Any]) -> History:
    record = history.rounds[max(history.rounds)]
    return _with_round(history, {"round": record.index}, convicted=record.convicted | 1 << int(values["party"]))


def _accepted(history: History, values: Mapping[str, Any]) -> History:
    return _with_round(history, values, accepted=True)


def _disputed(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, disputes=(*history.disputes, int(values["disputeId"])))


def _demanded(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, demands=(*history.demands, int(values["demandId"])))


def _node_opened(history: History, values: Mapping[str, Any]) -> History:
    shown = tuple(bytes(each) for each in values["descendants"])
    return replace(history, opened={**history.opened, int(values["disputeId"]): shown})


def _party_claimed(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, claimed=history.claimed | {("party", int(values["party"]))})


def _worker_claimed(history: History, values: Mapping[str, Any]) -> History:
    return replace(history, claimed=history.claimed | {("worker", int(values["worker"]))})


_CHANGES = {
    "GroupOpened": _opened_group,
    "Joined": _joined,
    "Enlisted": _enlisted,
    "RoundStarted": _started,
    "GradientsSubmitted": _gradients,
    "Collected": _collected,
    "Updated": _updated,
    "SharesSubmitted": _shares,
    "AggregateWithdrawn": _withdrawn,
    "Convicted": _convicted,
    "RoundAccepted": _accepted,
    "Disputed": _disputed,
    "Demanded": _demanded,
    "NodeOpened": _node_opened,
    "Claimed": _party_claimed,
    "WorkerClaimed": _worker_claimed,
}


@dataclass(frozen=True, slots=True)
class Draw:
    """Who leads and who signs, in the attempt at a block that is under way."""

    attempt: int
    leader: int
    committee: int
    """A bit each."""


@dataclass(frozen=True, slots=True)
class View:
    """The group as of block ``head``; what is sent now is mined in the next block at the earliest."""

    head: int
    chain_id: int
    trading: str
    """Address of the contract that proofs are bound to."""
    group: int
    terms: Terms
    history: History
    clock: Clock
    masks: Masks
    block: Block
    """The last that was posted, maybe of an earlier round: ``is_posted`` says whether it is this one's."""
    draw: Draw | None
    """While aggregating; ``None`` also where too few workers are left."""
    deadlines: tuple[int, ...]
    """Last blocks of T1, T2, T3 while collecting, of T4, T5, T6 while decrypting."""
    block_deadlines: tuple[int, ...]
    """Last blocks while aggregating: of T7 until the leader posts, then of T8 and T9."""
    disputes: tuple[Dispute, ...] = ()
    """Those that are not over."""
    demands: tuple[Demand, ...] = ()
    """Those that are not met."""

    @property
    def next_block(self) -> int:
        return self.head + 1

    @property
    def round(self) -> RoundRecord | None:
        """The run under way; ``None`` before the first."""
        return self.history.rounds.get(self.clock.round)

    @property
    def collected(self) -> tuple[int, ...]:
        """V of this run."""
        return () if self.round is None else members(self.round.collected)

    @property
    def is_posted(self) -> bool:
        """Whether the leader of this run has posted, and the block is not decided."""
        ours = self.block.status is Status.POSTED and self.block.collected == self.clock.base
        return self.clock.phase is Phase.AGGREGATING and ours

    def context(self, party: int, record: RoundRecord | None = None) -> bytes:
        """What a member's proofs are bound to in a run, the one under way if none is given."""
        run = record or self.round
        if run is None:
            raise InputError("the group has no round yet")
        place = Context(
            self.chain_id,
            bytes.fromhex(self.trading[2:]),
            self.group.to_bytes(32, "big"),
            run.index,
            bytes.fromhex(self.history.members[party][2:]),
            run.seed,
        )
        return place.digest

    def party_of(self, account: str) -> int | None:
        """A member's index."""
        return _index(self.history.members, account)

    def worker_of(self, account: str) -> int | None:
        """A worker's index."""
        return _index(self.history.workers, account)

    def pending_deadlines(self) -> tuple[int, ...]:
        """Every block that somebody waits for, soonest first: what a devnet's clock may jump to."""
        due = [each.deadline for each in (*self.disputes, *self.demands)]
        due += [*self.deadlines, *self.block_deadlines]
        return tuple(sorted(deadline for deadline in due if deadline >= self.head))


def _index(accounts: tuple[str, ...], account: str) -> int | None:
    return accounts.index(account) if account in accounts else None
