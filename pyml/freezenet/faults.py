"""Miners who cheat in a round, to show what it costs them. For development chains, and for nothing else.

    bluff        says that random numbers answer every sample
    weight       says so too, and shows in a dispute what it would need: weights that it did not commit to
    activation   says so too, and shows activations that its weights do not give
    unserved     says so too, and serves its numbers to nobody, so that nobody could tell
    copy         commits to what a victim committed to, and opens it with what that one shows
    silence      commits, and never reveals

Each is the real miner but for what it lies about, and proves as far as it gets: ``pyml freezenet mine --play KIND``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.chain.transactions import checked_address
from pyml.errors import ContractRevertedError, PymlError
from pyml.freezenet.activations import trace_sample
from pyml.freezenet.answers import pack_answers
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.dispute import DisputeCase
from pyml.freezenet.encoding import pack_words
from pyml.freezenet.inference import Int8Network, logits
from pyml.freezenet.miner import PUBLISH
from pyml.freezenet.miner_process import MinerProcess
from pyml.freezenet.node import Desk
from pyml.freezenet.registries import Task
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content, network_of
from pyml.freezenet.steps import Finish, Send, Step, Wait
from pyml.store.blobs import BlobStore

_TRIES: Final = 10_000
_SALT: Final = slice(4 + 6 * 32, 4 + 7 * 32)
"""Of the call data of ``reveal``: behind selector, task, round and the four words of the solution."""


class Bluffer(MinerProcess):
    """Says that every sample is answered."""

    def answers(self, samples: SampleSet) -> bytes:
        return pack_answers(np.ones(len(samples), dtype=np.bool_))


class WrongWeight(Bluffer):
    """Shows the last layer with weights that give the label."""

    def dispute_case(self, sample: int) -> DisputeCase:
        case = super().dispute_case(sample)
        last = case.network.layers[-1]
        weight = np.full_like(last.weight, -128)
        weight[:, self.samples().labels[sample]] = 127
        network = Int8Network((*case.network.layers[:-1], replace(last, weight=weight)))
        return replace(case, network=network, trace=trace_sample(network, self.samples().inputs[sample]))


class WrongActivation(Bluffer):
    """Shows what the last layer would have to read to give the label."""

    def dispute_case(self, sample: int) -> DisputeCase:
        case = super().dispute_case(sample)
        last, label = case.network.layers[-1], int(self.samples().labels[sample])
        wanted = inputs_for(last.weight, label)
        shown = (*case.trace.outputs[:-1], wanted)
        given = logits(Int8Network((last,)), wanted[None])[0]
        trace = replace(case.trace, reads=(case.trace.reads[0], *shown), outputs=shown, logits=tuple(map(int, given)))
        return replace(case, trace=trace)


def inputs_for(weight: NDArray[np.int8], label: int) -> NDArray[np.int8]:
    """Inputs, none negative, of which a last layer [inputs, classes] makes a class: found as a perceptron learns."""
    weights, wanted = weight.astype(np.float64), np.zeros(len(weight))
    for _ in range(_TRIES):
        inputs = np.floor(wanted * (127 / max(wanted.max(), 1.0))).astype(np.int8)
        sums = inputs @ weights
        rival = int(np.where(np.arange(len(sums)) == label, -np.inf, sums).argmax())
        if sums[label] > sums[rival]:
            return inputs
        wanted = np.maximum(0, wanted + weights[:, label] - weights[:, rival])
    raise PymlError("these weights never give the label")


class Unserved(Bluffer):
    """Serves nothing, not even on demand."""

    def next_step(self) -> Step:
        return Finish("hidden") if self.seen().entry.revealed else super().next_step()

    def work(self, name: str) -> bool:
        if name != PUBLISH:
            return super().work(name)
        self.desk.diary.note("published")  # a lie
        return True


class Silent(MinerProcess):
    """Leaves after committing."""

    def next_step(self) -> Step:
        return Finish("silent") if self.seen().entry.committed else super().next_step()


class Copier(MinerProcess):
    """Commits to what its victim committed to, and opens it as its owner does."""

    victim = ""

    def next_step(self) -> Step:
        seen, rounds, place = self.seen(), self.desk.contracts.rounds, (self.task.number, self.number)
        own = self.desk.account.address
        if not seen.entry.committed:
            copied = rounds.entry(*place, self.victim)
            if not copied.committed:
                return Wait(seen.block + 1, "the victim commits")
            return Send("rounds", "commit", (*place, copied.digest), seen.round.miner_bond)
        if (shown := self._shown()) is None:
            return Wait(seen.block + 1, "the victim reveals")
        try:
            rounds.call("reveal", *place, *shown, sender=own)
        except ContractRevertedError as error:
            return Finish(error.name)
        raise PymlError("a copied solution was taken for one's own", hint="This is a bug in pyml; please report it.")

    def _shown(self) -> tuple[object, ...] | None:
        """Solution, salt and answers of whoever made the commitment."""
        rounds, place = self.desk.contracts.rounds, (self.task.number, self.number)
        copied = rounds.entry(*place, self.desk.account.address).digest
        for event in rounds.events(*place, ("SolutionRevealed",), since_block=self.desk.contracts.since_block):
            data = self.desk.client.transaction_input(event.log.tx_hash) or b""
            (found,) = (each for each in rounds.revealed(*place) if each.miner == event.arguments["miner"])
            if found.solution.commitment(data[_SALT], found.miner) == copied:
                return (found.solution.as_tuple(), data[_SALT], found.answers)
        return None


MINER_FAULTS: Final[dict[str, type[MinerProcess]]] = {
    "bluff": Bluffer,
    "weight": WrongWeight,
    "activation": WrongActivation,
    "unserved": Unserved,
    "copy": Copier,
    "silence": Silent,
}


def untrained(architecture: Architecture, seed: bytes) -> Int8Network:
    """Random weights of the task's shape, with the watermark that they must have; sums go on as they are."""
    drawn, shapes = np.random.default_rng(int.from_bytes(seed[:8], "big")), architecture.shapes
    free = drawn.integers(-128, 128, architecture.free_count, dtype=np.int8)
    last = drawn.integers(-128, 128, (shapes[-1].fan_out, shapes[-1].fan_in), dtype=np.int8)
    affine = tuple(b"\x00\x01\x00\x00\x00\x00" * shape.fan_out for shape in shapes)  # multiplier 1, bias 0
    words = tuple(word.tobytes() for row in pack_words(last) for word in row)
    return network_of(Content(free, affine, words), architecture, seed)


def faulty_miner(
    kind: str, desk: Desk, task: Task, number: int, served: BlobStore, folder: Path, *, victim: str | None = None
) -> MinerProcess:
    """One of ``MINER_FAULTS``, who trains nothing; ``victim`` is the address of whom a copier copies."""

    def trainer(seed: bytes, _: Path) -> Int8Network:
        return untrained(task.architecture, seed)

    role = MINER_FAULTS[kind](desk, task, number, served, folder, trainer)
    if isinstance(role, Copier):
        role.victim = checked_address(victim or "")
    return role
