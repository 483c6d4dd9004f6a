"""A challenger as a process: fetches what miners reveal, computes it again, and plays its disputes to their end.

A finding is in the journal before it is acted on, and the content that it rests on in the challenger's own folder: what
a miner takes down later changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyml.chain.transactions import Receipt
from pyml.errors import InputError, PymlError
from pyml.freezenet.challenger import EXAMINE, Finding, Known, Seen, next_step
from pyml.freezenet.defence import withdrawal
from pyml.freezenet.dispute import DisputeCase, refuted_samples
from pyml.freezenet.leaf_demands import MAX_DEMAND, Tree, content_from
from pyml.freezenet.node import Desk
from pyml.freezenet.registries import FreezenetContracts, Revealed, Task
from pyml.freezenet.samples import SampleSet, decode_samples, require_root
from pyml.freezenet.solution import Content, network_of, require_content
from pyml.freezenet.steps import Send, Step
from pyml.store.blobs import BlobStore

SERVE_GAS, LEAF_GAS = 150_000, 6_000
"""Of ``LeafDemands``: its ``feeFor`` reads a base fee that a call does not have."""


def challenger_label(contracts: FreezenetContracts, challenger: str, task: int, number: int) -> str:
    """What a challenger's journal is for."""
    return f"freezenet challenger {challenger} {contracts.name} {task}/{number}"


@dataclass(slots=True)
class ChallengerProcess:
    """One challenger in one round. ``served`` is where blobs are looked for, ``folder`` is the challenger's own."""

    desk: Desk
    task: Task
    number: int
    served: BlobStore
    folder: Path
    _samples: SampleSet | None = field(default=None, init=False)
    _cases: dict[tuple[str, int], DisputeCase] = field(default_factory=dict[tuple[str, int], DisputeCase], init=False)

    def next_step(self) -> Step:
        return next_step(self.known(), self.seen())

    def took_place(self, step: Send, receipt: Receipt) -> None:
        """The chain says it all."""
        del step, receipt

    def work(self, name: str) -> bool:
        """Examine a miner's solution."""
        miner = name.removeprefix(EXAMINE)
        revealed = next(each for each in self._revealed() if each.miner == miner)
        try:
            samples = self.samples()
        except PymlError as error:
            self.desk.report(f"no test set yet: {error.problem}")
            return False
        finding = self._examine(revealed, samples)
        self.desk.report(f"{miner}: {finding.verdict}")
        self.desk.diary.note("finding", miner=miner, verdict=finding.verdict, sample=finding.sample)
        return True

    def known(self) -> Known:
        return Known(self.desk.account.address, self.task.architecture, self.findings(), self._case)

    def findings(self) -> dict[str, Finding]:
        """What the journal says of each miner, the newest last."""
        return {
            str(record["miner"]): Finding(record["verdict"], int(record["sample"]))
            for record in self.desk.diary.all("finding")
        }

    def seen(self) -> Seen:
        contracts, place, own = self.desk.contracts, (self.task.number, self.number), self.desk.account.address
        opened, head = contracts.rounds.round(*place), self.desk.client.latest_block()
        revealed = self._revealed() if opened.test_revealed else ()
        since = opened.opened_block
        suspected = [miner for miner, finding in self.findings().items() if finding.verdict == "hidden"]
        return Seen(
            head.number,
            *place,
            opened,
            [each for each in revealed if not self._is_decided(each.miner)],
            contracts.optimistic.disputes(*place, since_block=since),
            contracts.demands.demands(*place, since_block=since),
            2 * (SERVE_GAS + MAX_DEMAND * LEAF_GAS) * (head.base_fee_wei or 0),
            frozenset(miner for miner in suspected if contracts.demands.is_hidden(*place, miner)),
            withdrawal(*(each.credit(own) for each in (contracts.rounds, contracts.optimistic, contracts.demands))),
        )

    def samples(self) -> SampleSet:
        """The revealed test set; raises ``PymlError`` unless it is served as it was sealed."""
        if self._samples is None:
            rounds, place = self.desk.contracts.rounds, (self.task.number, self.number)
            digest = rounds.test_digest(*place)
            if digest is None:
                raise InputError("the transaction that opened the seal does not say where the test set is")
            raw = self._fetched(digest)
            self._samples = require_root(decode_samples(raw), rounds.round(*place).test_root, what="test set")
            self._own.put(raw)
        return self._samples

    @property
    def _own(self) -> BlobStore:
        return BlobStore(str(self.folder / "blobs"))

    def _fetched(self, digest: bytes) -> bytes:
        return self._own.get(digest) if self._own.has(digest) else self.served.get(digest)

    def _revealed(self) -> tuple[Revealed, ...]:
        return self.desk.contracts.rounds.revealed(self.task.number, self.number)

    def _is_decided(self, miner: str) -> bool:
        entry = self.desk.contracts.rounds.entry(self.task.number, self.number, miner)
        return entry.closed or entry.enrolled

    def _examine(self, revealed: Revealed, samples: SampleSet) -> Finding:
        try:
            content = self._content(revealed)
        except PymlError as error:
            self.desk.report(f"{revealed.miner} serves no solution: {error.problem}")
            return Finding("hidden")
        network = network_of(content, self.task.architecture, self._seed(revealed.miner))
        refuted = refuted_samples(network, samples, revealed.answers)
        return Finding("false", int(refuted[0])) if len(refuted) else Finding("fine")

    def _content(self, revealed: Revealed) -> Content:
        """As it is served, or put together from the leaves that were shown on demand."""
        architecture, solution = self.task.architecture, revealed.solution
        try:
            raw = self._fetched(solution.content_digest)
            content = require_content(raw, architecture, solution)
        except PymlError:
            # The chain has checked each against its root; the digest may be that of nothing.
            return content_from(architecture, self._leaves(revealed.miner))
        self._own.put(raw)
        return content

    def _leaves(self, miner: str) -> dict[tuple[Tree, int], bytes]:
        demands, place = self.desk.contracts.demands, (self.task.number, self.number)
        since = self.desk.contracts.rounds.round(*place).opened_block
        found: dict[tuple[Tree, int], bytes] = {}
        for demand in demands.demands(*place, since_block=since):
            if demand.miner == miner and not demand.open:
                shown = demands.served(demand.number, since_block=since) or ()
                found |= {(demand.tree, demand.first + place): leaf for place, leaf in enumerate(shown)}
        return found

    def _seed(self, miner: str) -> bytes:
        return self.desk.contracts.rounds.seed(self.task.number, self.number, miner)

    def _case(self, revealed: Revealed, sample: int) -> DisputeCase:
        key = (revealed.miner, sample)
        if key not in self._cases:
            content, seed = self._content(revealed), self._seed(revealed.miner)
            self._cases[key] = DisputeCase.of(self.task.architecture, content, seed, self.samples(), sample)
        return self._cases[key]
