"""The two sides of a dispute about one sample, as pure steps: the state on chain in, the next transaction out.

Source: ``contracts/freezenet/IOptimisticVerifier.sol``, whose twin this is. The chain keeps what has been fixed
(``Dispute``), and events what was shown last (``TurnTaken``'s content); together with the solution, the sample and a
trace of the network on it, they determine each side's move. A miner shows what his trace says. A challenger compares it
with his own and names the first difference; where there is none he has nothing to say, and should not have begun.

Nothing here is kept between moves: a process that died looks at the chain and goes on.

    case = DisputeCase.of(architecture, content, seed, samples, sample)      either side, from public data
    if dispute.turn.miners: step = miner_move(case, number, dispute)
    else:                   step = challenger_move(case, number, dispute, shown)

Before that, ``refuted_samples`` says which samples a miner falsely claims, ``challenge`` and ``demand_leaves`` begin,
``serve_leaves`` answers a demand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from eth_abi.abi import decode
from numpy.typing import NDArray

from pyml.crypto.merkle import MerkleTree, leaf_hash
from pyml.errors import InputError
from pyml.freezenet.activations import LANES, SampleTrace, trace_sample
from pyml.freezenet.answers import unpack_answers
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.inference import Int8Network, predict
from pyml.freezenet.operand_proof import Ground, OperandProver, ground_of
from pyml.freezenet.product_steps import (
    accumulators,
    decode_accumulators,
    encode_accumulators,
    neuron_of,
    operand_words,
    step_operands,
)
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content, Solution, network_of
from pyml.freezenet.steps import Send

SAMPLE_TAIL: Final = 34
"""Bytes of a sample's leaf behind its inputs: label and salt."""


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
    def miners(self) -> bool:
        """Whether the miner is to move."""
        return self % 2 == 1

    @property
    def challengers(self) -> bool:
        """Whether the challenger is to move."""
        return self % 2 == 0 and self not in (Turn.NONE, Turn.OVER)


@dataclass(frozen=True, slots=True)
class Dispute:
    """``IOptimisticVerifier.Dispute``: what the turns so far have fixed."""

    challenger: str
    deadline: int
    turn: Turn
    layer: int
    level: int
    operand: int
    miner: str
    task_id: int
    round: int
    sample: int
    index: int
    step: int
    start: int
    end: int
    count: int
    turn_blocks: int
    node: bytes
    source: bytes

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain: what ``disputeOf`` answers."""
        return cls(
            challenger=str(raw["challenger"]),
            deadline=int(raw["deadline"]),
            turn=Turn(raw["turn"]),
            layer=int(raw["layer"]),
            level=int(raw["level"]),
            operand=int(raw["operand"]),
            miner=str(raw["miner"]),
            task_id=int(raw["taskId"]),
            round=int(raw["round"]),
            sample=int(raw["sample"]),
            index=int(raw["index"]),
            step=int(raw["step"]),
            start=int(raw["start"]),
            end=int(raw["end"]),
            count=int(raw["count"]),
            turn_blocks=int(raw["turnBlocks"]),
            node=bytes(raw["node"]),
            source=bytes(raw["source"]),
        )


@dataclass(frozen=True, eq=False)
class DisputeCase:
    """What a side knows of a solution and a sample, and its own trace of the network on it.

    Of an honest miner and of a challenger these are the same. ``network`` is what the trace is of.
    """

    architecture: Architecture
    content: Content
    seed: bytes
    sample: bytes
    path: tuple[bytes, ...]
    network: Int8Network
    trace: SampleTrace

    @classmethod
    def of(
        cls, architecture: Architecture, content: Content, seed: bytes, samples: SampleSet, sample: int
    ) -> DisputeCase:
        """From what is public: the content of a solution, the miner's seed, and the revealed test set."""
        if not 0 <= sample < len(samples):
            raise InputError("there is no such sample", expected=f"0 to {len(samples) - 1}", got=sample)
        network = network_of(content, architecture, seed)
        trace = trace_sample(network, samples.inputs[sample])
        return cls(architecture, content, seed, samples.leaves[sample], samples.tree.path(sample), network, trace)

    @cached_property
    def solution(self) -> Solution:
        """What the content is known by."""
        return self.content.solution()

    @property
    def layers(self) -> tuple[object, ...]:
        """As contracts take them."""
        return tuple(self.architecture.layers)

    @property
    def sample_leaf(self) -> bytes:
        return leaf_hash(self.sample)

    @cached_property
    def prover(self) -> OperandProver:
        return OperandProver(self.architecture, self.content, self.seed, self.sample, self.trace)

    def ground(self, layer: int) -> Ground:
        """What a layer's operands follow from."""
        inputs = self.sample_leaf if layer == 0 else self.trace.roots[layer - 1]
        return ground_of(self.architecture, layer, inputs=inputs, seed=self.seed, solution=self.solution)


def refuted_samples(network: Int8Network, samples: SampleSet, answers: bytes) -> NDArray[np.int64]:
    """Samples that a miner claims to answer, and the network does not, in order; raises ``InputError``."""
    claimed = unpack_answers(answers, len(samples))
    return np.flatnonzero(claimed & (predict(network, samples.inputs) != samples.labels))


def challenge(task: int, number: int, miner: str, *, sample: int, answers: bytes, bond_wei: int) -> Send:
    """Begin a dispute in round ``number``; the bond is the miner's (``IRounds.bondOf``)."""
    return Send("optimistic", "challenge", (task, number, miner, sample, answers), bond_wei)


def miner_move(case: DisputeCase, number: int, dispute: Dispute) -> Send | None:
    """The miner's next transaction in dispute ``number``; ``None`` where it is not his turn."""
    move = _MINER_MOVES.get(dispute.turn)
    return None if move is None else _send(number, dispute.turn, move(case, dispute))


def challenger_move(case: DisputeCase, number: int, dispute: Dispute, shown: bytes) -> Send | None:
    """The challenger's next transaction; ``None`` where it is not his turn, or nothing that is shown is wrong.

    ``shown`` is the content of the dispute's last ``TurnTaken``.
    """
    move = _CHALLENGER_MOVES.get(dispute.turn)
    picked = None if move is None else move(case, dispute, shown)
    return None if picked is None else _send(number, dispute.turn, picked)


def _send(number: int, turn: Turn, arguments: tuple[object, ...]) -> Send:
    return Send("optimistic", _FUNCTIONS[turn], (number, *arguments))


def _trace(case: DisputeCase, _dispute: Dispute) -> tuple[object, ...]:
    trace = case.trace
    return case.layers, case.solution.as_tuple(), trace.roots, trace.logits, case.sample, case.path


def _open(case: DisputeCase, dispute: Dispute) -> tuple[object, ...]:
    return (case.trace.children(dispute.layer, dispute.level, dispute.index),)


def _open_leaf(case: DisputeCase, dispute: Dispute) -> tuple[object, ...]:
    return (case.trace.words[dispute.layer][dispute.index],)


def _sums(case: DisputeCase, dispute: Dispute) -> tuple[object, ...]:
    layer = case.network.layers[dispute.layer]
    shown = encode_accumulators(accumulators(layer, case.trace.reads[dispute.layer], dispute.index))
    shapes = case.architecture.shapes
    leaf = sum(shape.fan_out for shape in shapes[: dispute.layer]) + neuron_of(shapes[dispute.layer], dispute.index)
    leaves = case.content.numbers_leaves()
    return case.layers, case.solution.as_tuple(), shown, leaves[leaf], MerkleTree.of(leaves).path(leaf)


def _operands(case: DisputeCase, dispute: Dispute) -> tuple[object, ...]:
    layer, reads = case.network.layers[dispute.layer], case.trace.reads[dispute.layer]
    return operand_words(*step_operands(layer, reads, dispute.index, dispute.step))


def _prove(case: DisputeCase, dispute: Dispute) -> tuple[object, ...]:
    content, path = case.prover.prove(dispute.layer, dispute.index, dispute.step, dispute.operand)
    return case.ground(dispute.layer).as_tuple(), content, path


def _pick_layer(case: DisputeCase, _dispute: Dispute, shown: bytes) -> tuple[object, ...] | None:
    roots, logits = decode(["bytes32[]", "int256[]"], shown)
    layer = _first_difference(case.trace.roots, roots)
    logit = None if layer is not None else _first_difference(case.trace.logits, logits)
    if layer is None and logit is None:
        return None
    picked = len(roots) if layer is None else layer
    return case.layers, picked, logit or 0, roots, logits, case.sample_leaf


def _pick_child(case: DisputeCase, dispute: Dispute, shown: bytes) -> tuple[object, ...] | None:
    (children,) = decode(["bytes32[]"], shown)
    child = _first_difference(case.trace.children(dispute.layer, dispute.level, dispute.index), children)
    return None if child is None else (child, children[child], MerkleTree.above(children).path(child))


def _pick_value(case: DisputeCase, dispute: Dispute, _shown: bytes) -> tuple[object, ...] | None:
    lane = _first_difference(case.trace.words[dispute.layer][dispute.index], dispute.node)
    return None if lane is None else (case.layers, lane)


def _pick_step(case: DisputeCase, dispute: Dispute, shown: bytes) -> tuple[object, ...] | None:
    (raw,) = decode(["bytes"], shown)
    layer = case.network.layers[dispute.layer]
    own = accumulators(layer, case.trace.reads[dispute.layer], dispute.index)
    step = _first_difference(own, decode_accumulators(raw))
    return None if step is None else (step, raw)


def _pick_operand(case: DisputeCase, dispute: Dispute, shown: bytes) -> tuple[object, ...] | None:
    weights, values = decode(["uint256", "uint256"], shown)
    own_weights, own_values = _operands(case, dispute)
    if values != own_values:
        return LANES, weights, values
    lane = _first_difference(_bytes_of(own_weights), _bytes_of(weights))
    return None if lane is None else (lane, weights, values)


def _bytes_of(word: object) -> bytes:
    """Weight i of a word at i."""
    return int(str(word)).to_bytes(LANES, "little")


def _first_difference(own: Sequence[object], shown: Sequence[object]) -> int | None:
    pairs = zip(own, shown, strict=True)
    return next((place for place, (mine, theirs) in enumerate(pairs) if mine != theirs), None)


_MINER_MOVES: Final[dict[Turn, Callable[[DisputeCase, Dispute], tuple[object, ...]]]] = {
    Turn.TRACE: _trace,
    Turn.OPEN: _open,
    Turn.OPEN_LEAF: _open_leaf,
    Turn.SUMS: _sums,
    Turn.OPERANDS: _operands,
    Turn.PROVE: _prove,
}
_CHALLENGER_MOVES: Final[dict[Turn, Callable[[DisputeCase, Dispute, bytes], tuple[object, ...] | None]]] = {
    Turn.PICK_LAYER: _pick_layer,
    Turn.PICK_CHILD: _pick_child,
    Turn.PICK_VALUE: _pick_value,
    Turn.PICK_STEP: _pick_step,
    Turn.PICK_OPERAND: _pick_operand,
}
_FUNCTIONS: Final = {
    Turn.TRACE: "trace",
    Turn.PICK_LAYER: "pickLayer",
    Turn.OPEN: "open",
    Turn.PICK_CHILD: "pickChild",
    Turn.OPEN_LEAF: "openLeaf",
    Turn.PICK_VALUE: "pickValue",
    Turn.SUMS: "sums",
    Turn.PICK_STEP: "pickStep",
    Turn.OPERANDS: "operands",
    Turn.PICK_OPERAND: "pickOperand",
    Turn.PROVE: "prove",
}
