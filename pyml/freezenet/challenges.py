"""The optimistic verifier and the demands for leaves on a chain: typed handles, disputes, demands.

What they promise: ``contracts/freezenet/IOptimisticVerifier.sol`` and ``ILeafDemands.sol``. What the two sides of a
dispute do, turn by turn: ``dispute``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from pyml.chain.contract import Contract
from pyml.freezenet.dispute import Dispute, Turn
from pyml.freezenet.leaf_demands import Tree
from pyml.freezenet.round_events import events_of


@dataclass(frozen=True, slots=True)
class Case:
    """A dispute, by its number, and what was shown in its last turn."""

    number: int
    dispute: Dispute
    shown: bytes = b""

    @property
    def is_over(self) -> bool:
        return self.dispute.turn is Turn.OVER

    def is_late(self, block: int) -> bool:
        """Whether the turn was missed, as of the block after ``block``."""
        return not self.is_over and block >= self.dispute.deadline


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

    @property
    def row(self) -> tuple[Tree, int, int]:
        """As ``leaf_demands`` has it."""
        return (self.tree, self.first, self.length)

    def is_late(self, block: int) -> bool:
        """Whether it was not served, as of the block after ``block``."""
        return self.open and block >= self.deadline

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


class OptimisticVerifier(Contract):
    """A solution stands unless one wrong product is shown."""

    artifact_name = "OptimisticVerifier"
    error_sources = ("Rounds", "TaskRegistry", "LeafDemands")

    def disputes(self, task: int, number: int, *, since_block: int) -> tuple[Case, ...]:
        """All disputes of a round, over or not, in order, with what was shown in each last."""
        block = self.client.block_number()
        names = ("Challenged", "TurnTaken")
        events = tuple(events_of(self, names, since_block=since_block, until_block=block))
        taken = (each.arguments for each in events if each.name == "TurnTaken")
        shown = {int(each["disputeId"]): bytes(each["content"]) for each in taken}
        begun = (each.arguments for each in events if each.name == "Challenged")
        ids = [int(each["disputeId"]) for each in begun if (each["taskId"], each["round"]) == (task, number)]
        found = {each: Dispute.decode(self.call("disputeOf", each, block=block)) for each in ids}
        return tuple(Case(each, dispute, shown.get(each, b"")) for each, dispute in found.items())

    def open_disputes(self, task: int, number: int, miner: str) -> int:
        """How many disputes about a solution are not over."""
        return int(self.call("standingOf", task, number, miner)["disputes"])

    def credit(self, account: str) -> int:
        """What an account may withdraw here, in wei."""
        return int(self.call("creditOf", account))


class LeafDemands(Contract):
    """Leaves of solutions on demand."""

    artifact_name = "LeafDemands"
    error_sources = ("Rounds", "TaskRegistry")

    def demands(self, task: int, number: int, *, since_block: int) -> tuple[Demand, ...]:
        """All demands in a round, in order."""
        block = self.client.block_number()
        events = events_of(self, ("LeavesDemanded",), since_block=since_block, until_block=block)
        made = (event.arguments for event in events)
        ids = [int(each["demandId"]) for each in made if (each["taskId"], each["round"]) == (task, number)]
        return tuple(Demand.decode(each, self.call("demandOf", each, block=block)) for each in ids)

    def served(self, demand: int, *, since_block: int) -> tuple[bytes, ...] | None:
        """The leaves that were shown on a demand; ``None`` if they were not."""
        for event in events_of(self, ("LeavesServed",), since_block=since_block):
            if event.arguments["demandId"] == demand:
                return tuple(map(bytes, event.arguments["contents"]))
        return None

    def open_demands(self, task: int, number: int, miner: str) -> int:
        """How many demands for a solution's leaves are open."""
        return int(self.call("standingOf", task, number, miner)["open"])

    def is_hidden(self, task: int, number: int, miner: str) -> bool:
        """Whether leaves of a solution were not shown in time."""
        return int(str(self.call("standingOf", task, number, miner)["witness"]), 16) != 0

    def credit(self, account: str) -> int:
        """What an account may withdraw here, in wei."""
        return int(self.call("creditOf", account))
