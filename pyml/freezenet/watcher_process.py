"""A watcher as a process: tells every event of a round once, across restarts, and does what anybody may.

Events are told before the journal says so: after a kill the last one may be told again, and none is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyml.chain.transactions import Receipt
from pyml.freezenet.node import Desk
from pyml.freezenet.registries import FreezenetContracts, Status
from pyml.freezenet.steps import Send, Step
from pyml.freezenet.watcher import Seen, next_step

EVENTS = (
    *("RoundOpened", "BeaconFixed", "RoundReopened", "SolutionCommitted", "TestSetRevealed", "SolutionRevealed"),
    *("SolutionEnrolled", "BondLost", "RoundSettled", "RoundCancelled", "Collected"),
)
Tell = Callable[[dict[str, Any]], None]


def watcher_label(contracts: FreezenetContracts, task: int, number: int) -> str:
    """What a watcher's journal is for."""
    return f"freezenet watcher {contracts.name} {task}/{number}"


@dataclass(slots=True)
class WatcherProcess:
    """One watcher of one round; ``acts`` if it also does what anybody may."""

    desk: Desk
    task: int
    number: int
    tell: Tell
    acts: bool

    def next_step(self) -> Step:
        self._tell_news()
        return next_step(self.seen(), acts=self.acts)

    def work(self, name: str) -> bool:
        del name
        return False  # a watcher has transactions and waiting only

    def took_place(self, step: Send, receipt: Receipt) -> None:
        """Events will tell."""
        del step, receipt

    def seen(self) -> Seen:
        contracts, place = self.desk.contracts, (self.task, self.number)
        opened, block = contracts.rounds.round(*place), self.desk.client.block_number()
        miners = contracts.rounds.committed(*place) if self.acts else ()
        judge = contracts.judge(opened.verifier)
        return Seen(
            block,
            *place,
            opened,
            {miner: (contracts.rounds.entry(*place, miner), judge.verdict(*place, miner)) for miner in miners},
        )

    def _tell_news(self) -> None:
        rounds, diary = self.desk.contracts.rounds, self.desk.diary
        told = diary.last("told")
        last = (-1, -1) if told is None else (int(told["block"]), int(told["log"]))
        since = self.desk.contracts.since_block if told is None else last[0]
        for event in rounds.events(self.task, self.number, EVENTS, since_block=since):
            place = (event.log.block_number, event.log.log_index)
            if place > last:
                self.tell({"event": event.name, "block": place[0], **_shown(event.arguments)})
                diary.note("told", block=place[0], log=place[1])


def round_ledger(desk: Desk, task: int, number: int) -> dict[str, Any]:
    """What stands in a round and what the contract holds, in wei."""
    rounds = desk.contracts.rounds
    opened = rounds.round(task, number)
    return {
        "task": task,
        "round": number,
        "status": Status(opened.status).name.lower(),
        "threshold": opened.threshold,
        "commitments": opened.commitments,
        "enrolled": opened.enrolled,
        "reward_wei": opened.reward,
        "held_wei": desk.client.balance_wei(rounds.address),
        "burned_wei": int(rounds.call("burned")),
    }


def _shown(value: Any) -> Any:
    """Arguments as JSON takes them."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {str(name): _shown(each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value
