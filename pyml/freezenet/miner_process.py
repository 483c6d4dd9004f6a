"""A miner as a process: what its journal and the chain say goes into ``miner.next_step``, and its work is done here.

The order of writing is what makes a kill harmless: the content is stored before the journal says that there is a
solution; the salt is in the journal before the commitment leaves; the answers before they are revealed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from pyml.chain.transactions import Receipt
from pyml.errors import InputError, PymlError
from pyml.freezenet.answers import pack_answers
from pyml.freezenet.defence import next_answer, withdrawal
from pyml.freezenet.diary import Record
from pyml.freezenet.dispute import DisputeCase
from pyml.freezenet.exact_proof import ExactProof
from pyml.freezenet.inference import Int8Network, predict
from pyml.freezenet.miner import JUDGE, PUBLISH, TRAIN, Committed, Known, Seen, next_step
from pyml.freezenet.node import Desk
from pyml.freezenet.registries import FreezenetContracts, Phase, Round, Task
from pyml.freezenet.samples import SALT_BYTES, SampleSet, decode_samples, require_root
from pyml.freezenet.solution import Content, Solution, content_of, decode_content, network_of
from pyml.freezenet.steps import Send, Step
from pyml.store.blobs import BlobStore

Trainer = Callable[[bytes, Path], Int8Network]
"""Trains under a seed, resuming from a checkpoint file."""
LAST_CHANCE_BLOCKS: Final = 2
"""So long before the reveal phase ends, a miner who has no test set claims nothing, and has its bond back."""


def miner_label(contracts: FreezenetContracts, miner: str, task: int, number: int) -> str:
    """What a miner's journal is for."""
    return f"freezenet miner {miner} {contracts.name} {task}/{number}"


@dataclass(slots=True)
class MinerProcess:
    """One miner in one round. ``served`` is where others fetch blobs, ``folder`` is the miner's own."""

    desk: Desk
    task: Task
    number: int
    served: BlobStore
    folder: Path
    trainer: Trainer
    _proof: ExactProof | None = field(default=None, init=False)
    _cases: dict[int, DisputeCase] = field(default_factory=dict[int, DisputeCase], init=False)

    def next_step(self) -> Step:
        return next_step(self.known(), self.seen(), self._proof_of_answers())

    def work(self, name: str) -> bool:
        work = {TRAIN: self._train, JUDGE: self._judge, PUBLISH: self._publish}
        self.desk.report(name)
        return work[name]()

    def took_place(self, step: Send, receipt: Receipt) -> None:
        """The chain says it all."""
        del step, receipt

    def known(self) -> Known:
        diary = self.desk.diary
        found, answers = diary.last("solution"), diary.last("answers")
        return Known(
            self.desk.account.address,
            self.task.number,
            self.number,
            None if found is None else _committed(found),
            None if answers is None else bytes.fromhex(answers["answers"]),
            diary.last("published") is not None,
        )

    def seen(self) -> Seen:
        contracts, miner = self.desk.contracts, self.desk.account.address
        place = (self.task.number, self.number)
        opened, block = contracts.rounds.round(*place), self.desk.client.block_number()
        entry = contracts.rounds.entry(*place, miner)
        exact = opened.verifier == contracts.exact.address
        return Seen(
            block,
            opened,
            entry,
            contracts.rounds.seed(*place, miner) if opened.beacon_fixed else None,
            contracts.judge(opened.verifier).verdict(*place, miner),
            contracts.exact.progress(*place, miner) if exact else None,
            self._answer(opened, block) if entry.revealed and not entry.closed else None,
            withdrawal(*(each.credit(miner) for each in (contracts.rounds, contracts.optimistic, contracts.demands))),
        )

    def content(self) -> Content:
        """Of the solution that the journal holds."""
        found = self.desk.diary.last("solution")
        if found is None:
            raise InputError("there is no solution yet")
        return decode_content(self._own.get(found["content"]), self.task.architecture)

    def network(self) -> Int8Network:
        """The solution, with its watermark."""
        committed = self.known().committed
        if committed is None:
            raise InputError("there is no solution yet")
        return network_of(self.content(), self.task.architecture, committed.seed)

    def samples(self) -> SampleSet:
        """The test set; raises ``PymlError`` unless it is served as it was sealed, and is as large as the task says."""
        rounds, place = self.desk.contracts.rounds, (self.task.number, self.number)
        digest = rounds.test_digest(*place)
        if digest is None:
            raise InputError("the transaction that opened the seal does not say where the test set is")
        raw = self._own.get(digest) if self._own.has(digest) else self.served.get(digest)
        samples = require_root(decode_samples(raw), rounds.round(*place).test_root, what="test set")
        if len(samples) != self.task.terms.samples:
            raise InputError("the test set has another size", expected=self.task.terms.samples, got=len(samples))
        self._own.put(raw)
        return samples

    def dispute_case(self, sample: int) -> DisputeCase:
        """What is known of a sample, for disputes about it."""
        if sample not in self._cases:
            committed = self.known().committed
            if committed is None:
                raise InputError("there is no solution yet")
            self._cases[sample] = DisputeCase.of(
                self.task.architecture, self.content(), committed.seed, self.samples(), sample
            )
        return self._cases[sample]

    def _answer(self, opened: Round, block: int) -> Send | None:
        """What is owed to challengers, where the optimistic verifier judges."""
        contracts, place, miner = self.desk.contracts, (self.task.number, self.number), self.desk.account.address
        if opened.verifier != contracts.optimistic.address or block < opened.last_block(Phase.REVEAL):
            return None
        if not contracts.optimistic.open_disputes(*place, miner) and not contracts.demands.open_demands(*place, miner):
            return None
        return next_answer(
            miner,
            block,
            disputes=contracts.optimistic.disputes(*place, since_block=opened.opened_block),
            demands=contracts.demands.demands(*place, since_block=opened.opened_block),
            content=self.content(),
            known=self.dispute_case,
        )

    @property
    def _own(self) -> BlobStore:
        return BlobStore(str(self.folder / "blobs"))

    def _train(self) -> bool:
        seed = self.desk.contracts.rounds.seed(self.task.number, self.number, self.desk.account.address)
        network = self.trainer(seed, self.folder / f"{seed.hex()[:16]}.checkpoint")
        content = content_of(network, self.task.architecture, seed)
        solution, digest = content.solution(), self._own.put(content.encode())
        self.desk.diary.note(
            "solution",
            seed=seed.hex(),
            salt=secrets.token_bytes(SALT_BYTES).hex(),
            content=digest,
            free_root=solution.free_root.hex(),
            free_count=solution.free_count,
            numbers_root=solution.numbers_root.hex(),
        )
        return True

    def _judge(self) -> bool:
        """Find out which samples are answered; near the end, without a usable test set, claim none."""
        try:
            answers = self.answers(self.samples())
        except PymlError as error:
            self.desk.report(f"no test set yet: {error.problem}")
            opened = self.desk.contracts.rounds.round(self.task.number, self.number)
            last = opened.last_block(Phase.REVEAL) - LAST_CHANCE_BLOCKS
            if self.desk.client.block_number() < last:
                return False
            answers = pack_answers(np.zeros(self.task.terms.samples, dtype=np.bool_))
        self.desk.diary.note("answers", answers=answers.hex())
        return True

    def answers(self, samples: SampleSet) -> bytes:
        """Which samples the solution answers; none, where they do not fit the network."""
        if samples.inputs.shape[1] != self.task.architecture.inputs or not samples.salts[0]:
            return pack_answers(np.zeros(len(samples), dtype=np.bool_))
        return pack_answers(predict(self.network(), samples.inputs) == samples.labels)

    def _publish(self) -> bool:
        self.served.put(self.content().encode())
        self.desk.diary.note("published")
        return True

    def _proof_of_answers(self) -> ExactProof | None:
        """What the exact verifier is shown, once there are answers worth it."""
        answers = self.desk.diary.last("answers")
        if self.task.terms.verifier != self.desk.contracts.exact.address:
            return None
        if self._proof is None and answers is not None and any(bytes.fromhex(answers["answers"])):
            place = (self.task.number, self.number, self.desk.account.address)
            self._proof = ExactProof(*place, self.task.architecture, self.content(), self.samples())
        return self._proof


def _committed(record: Record) -> Committed:
    solution = Solution(
        bytes.fromhex(record["free_root"]),
        int(record["free_count"]),
        bytes.fromhex(record["numbers_root"]),
        bytes.fromhex(record["content"]),
    )
    return Committed(bytes.fromhex(record["seed"]), solution, bytes.fromhex(record["salt"]))
