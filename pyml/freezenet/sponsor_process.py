"""A sponsor as a process: draws and keeps the test set, opens a round, shows the set in time, serves both sets.

Until it is revealed, the test set lies in the sponsor's own folder alone. It is stored there before the journal names
it, and named there before its seal is on chain: a sponsor who lost it would lose its bond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyml.chain.transactions import Receipt
from pyml.freezenet.encoding import LayerTuple
from pyml.freezenet.node import Desk
from pyml.freezenet.registries import FreezenetContracts, Round, Terms
from pyml.freezenet.round_events import events_of
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.sponsor import PUBLISH, SEAL, Known, Sealed, Seen, next_step
from pyml.freezenet.steps import Send, Step
from pyml.store.blobs import BlobStore

Draw = Callable[[], SampleSet]
"""Draws a test set with fresh salts."""


def sponsor_label(contracts: FreezenetContracts, sponsor: str) -> str:
    """What a sponsor's journal is for."""
    return f"freezenet sponsor {sponsor} {contracts.name}"


@dataclass(slots=True)
class SponsorProcess:
    """One sponsor in one round; ``task`` is an older task of its own, or ``None`` to describe a new one."""

    desk: Desk
    terms: Terms
    layers: tuple[LayerTuple, ...]
    reward: int
    task: int | None
    draw: Draw
    served: BlobStore
    folder: Path

    def next_step(self) -> Step:
        return next_step(self.known(), self.seen())

    def work(self, name: str) -> bool:
        self.desk.report(name)
        {SEAL: self._seal, PUBLISH: self._publish}[name]()
        return True

    def took_place(self, step: Send, receipt: Receipt) -> None:
        """A new task's number is in its receipt, and again in its event should this process not live to note it."""
        if step.function == "register":
            (event,) = self.desk.contracts.tasks.events_in(receipt, "TaskRegistered")
            self.desk.diary.note("task", number=int(event.arguments["taskId"]))

    def known(self) -> Known:
        sealed = self.desk.diary.last("sealed")
        return Known(
            self.terms,
            self.layers,
            self.reward,
            self._task_number(),
            None if sealed is None else Sealed(*(bytes.fromhex(sealed[name]) for name in ("root", "digest", "seal"))),
            self.desk.diary.last("published") is not None,
        )

    def seen(self) -> Seen:
        block, credit = self.desk.client.block_number(), self.desk.contracts.rounds.credit(self.desk.account.address)
        found = self.opened()
        return Seen(block, credit) if found is None else Seen(block, credit, *found)

    def opened(self) -> tuple[int, Round] | None:
        """The round that has our seal."""
        rounds, task, sealed = self.desk.contracts.rounds, self._task_number(), self.desk.diary.last("sealed")
        if task is None or sealed is None:
            return None
        for number in reversed(range(rounds.count(task))):
            opened = rounds.round(task, number)
            if opened.test_seal.hex() == sealed["seal"]:
                return number, opened
        return None

    @property
    def _own(self) -> BlobStore:
        return BlobStore(str(self.folder / "blobs"))

    def _task_number(self) -> int | None:
        noted = self.desk.diary.last("task")
        if self.task is not None or noted is not None:
            return self.task if noted is None else int(noted["number"])
        return self._adopted()

    def _adopted(self) -> int | None:
        """The number of a task whose registration was mined when this process was not there to see it."""
        sent = {str(record["tx"]) for record in self.desk.diary.all("signed") if record["function"] == "register"}
        if not sent:
            return None
        tasks = self.desk.contracts.tasks
        for event in events_of(tasks, ("TaskRegistered",), since_block=self.desk.contracts.since_block):
            if event.log.tx_hash in sent:
                number = int(event.arguments["taskId"])
                self.desk.diary.note("task", number=number)
                return number
        return None

    def _seal(self) -> None:
        samples = self.draw()
        digest = self._own.put(samples.content)
        self.desk.diary.note("sealed", root=samples.tree.root.hex(), digest=digest, seal=samples.seal.hex())

    def _publish(self) -> None:
        sealed = self.known().sealed
        if sealed is not None:
            self.served.put(self._own.get(sealed.digest))
            self.desk.diary.note("published")
