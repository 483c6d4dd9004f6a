"""The optimistic verifier and the demands for leaves on a chain: typed handles, disputes, demands.

What they promise: ``contracts/freezenet/IOptimisticVerifier.sol`` and ``ILeafDemands.sol``. What the two sides of a
dispute do, turn by turn: ``dispute``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from pyml.chain.contract import Contract, Event
from pyml.freezenet.round_events import events_of


class Turn(IntEnum):
    """``IOptimisticVerifier.Turn``: the miner's where odd, the challenger's where even."""

    NONE = 0
    TRACE = 1
    PICK_LAYER = 2
    OPEN = 3
    PICK_CHILD = 4
    OPEN_LEAF = 5
    PICK_VALUE = 6
    SUMS = 7
    PICK_STEP = 8
    OPERANDS = 9
    PICK_OPERAND = 10
    PROVE = 11
    OVER = 12

    @property
    def is_miners(self) -> bool:
        return self % 2 == 1


class Tree(IntEnum):
    """``ILeafDemands.Tree``."""

    FREE = 0
    NUMBERS = 1


@dataclass(frozen=True, slots=True)
class Dispute:
    """``IOptimisticVerifier.Dispute``."""

    number: int
    challenger: str
    deadline: int
    turn: Turn
    layer: int
    level: int
    operand: int
    miner: str
    task: int
    round: int
    sample: int
    index: int
    step: int
    start: int
    end: int
    count: int
    node: bytes
    source: bytes

    @classmethod
    def decode(cls, number: int, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            number=number,
            challenger=str(raw["challenger"]),
            deadline=int(raw["deadline"]),
            turn=Turn(raw["turn"]),
            layer=int(raw["layer"]),
            level=int(raw["level"]),
            operand=int(raw["operand"]),
            miner=str(raw["miner"]),
            task=int(raw["taskId"]),
            round=int(raw["round"]),
            sample=int(raw["sample"]),
            index=int(raw["index"]),
            step=int(raw["step"]),
            start=int(raw["start"]),
            end=int(raw["end"]),
            count=int(raw["count"]),
            node=bytes(raw["node"]),
            source=bytes(raw["source"]),
        )

    @property
    def is_over(self) -> bool:
        return self.turn == Turn.OVER

    def is_late(self, block: int) -> bool:
        """Whether the turn was missed, as of the block after ``block``."""
        return not self.is_over and block >= self.deadline


@dataclass(frozen=True, slots=True)
class Demand:
    """``ILeafDemands.Demand``."""

    number: int
    demander: str
    deadline: int
    tree: Tree
    open: bool
    miner: str
    task: int
    round: int
    first: int
    length: int

    @classmethod
    def decode(cls, number: int, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            number=number,
            demander=str(raw["demander"]),
            deadline=int(raw["deadline"]),
            tree=Tree(raw["tree"]),
            open=bool(raw["open"]),
            miner=str(raw["miner"]),
            task=int(raw["taskId"]),
            round=int(raw["round"]),
            first=int(raw["first"]),
            length=int(raw["length"]),
        )


@dataclass(frozen=True, slots=True)
class TurnTaken:
    """What the other side has shown or picked in a turn, ABI-encoded."""

    turn: Turn
    content: bytes


class OptimisticVerifier(Contract):
    """A solution stands unless one wrong product is shown."""

    artifact_name = "OptimisticVerifier"
    error_sources = ("Rounds", "TaskRegistry", "LeafDemands")

    def dispute(self, number: int) -> Dispute:
        return Dispute.decode(number, self.call("disputeOf", number))

    def disputes(self, task: int, number: int, *, since_block: int) -> tuple[Dispute, ...]:
        """All disputes of a round, over or not, in order."""
        found = (event.arguments for event in events_of(self, ("Challenged",), since_block=since_block))
        ids = [int(each["disputeId"]) for each in found if (each["taskId"], each["round"]) == (task, number)]
        return tuple(map(self.dispute, ids))

    def turns(self, dispute: int, *, since_block: int) -> tuple[TurnTaken, ...]:
        """What was shown in a dispute so far, in order."""
        return tuple(
            TurnTaken(Turn(event.arguments["turn"]), bytes(event.arguments["content"]))
            for event in self._of(dispute, since_block)
        )

    def is_rejected(self, task: int, number: int, miner: str) -> bool:
        """Whether a solution has lost a dispute, or was found hidden."""
        return bool(self.call("standingOf", task, number, miner)["rejected"])

    def credit(self, account: str) -> int:
        """What an account may withdraw here, in wei."""
        return int(self.call("creditOf", account))

    def _of(self, dispute: int, since_block: int) -> Iterator[Event]:
        for event in events_of(self, ("TurnTaken",), since_block=since_block):
            if event.arguments["disputeId"] == dispute:
                yield event


class LeafDemands(Contract):
    """Leaves of solutions on demand."""

    artifact_name = "LeafDemands"
    error_sources = ("Rounds", "TaskRegistry")

    def demands(self, task: int, number: int, *, since_block: int) -> tuple[Demand, ...]:
        """All demands in a round, in order."""
        found = (event.arguments for event in events_of(self, ("LeavesDemanded",), since_block=since_block))
        ids = [int(each["demandId"]) for each in found if (each["taskId"], each["round"]) == (task, number)]
        return tuple(Demand.decode(each, self.call("demandOf", each)) for each in ids)

    def served(self, demand: int, *, since_block: int) -> tuple[bytes, ...] | None:
        """The leaves that were shown on a demand; ``None`` if they were not."""
        for event in events_of(self, ("LeavesServed",), since_block=since_block):
            if event.arguments["demandId"] == demand:
                return tuple(map(bytes, event.arguments["contents"]))
        return None

    def is_hidden(self, task: int, number: int, miner: str) -> bool:
        """Whether leaves of a solution were not shown in time."""
        return int(str(self.call("standingOf", task, number, miner)["witness"]), 16) != 0

    def fee(self, length: int) -> int:
        """Least fee for so many leaves now, in wei."""
        return int(self.call("feeFor", length))

    def credit(self, account: str) -> int:
        """What an account may withdraw here, in wei."""
        return int(self.call("creditOf", account))
