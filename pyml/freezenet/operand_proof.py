"""What proves one operand of a step: the end of every dispute.

A weight is a code of the watermark, which follows from the seed and its position, or a number of the solution under
one of its roots. Activations are a leaf of the layer before, or bytes of the sample. What is not there, a channel
beyond the last or a place outside the input, is zero and needs no proof.

``contracts/freezenet/OperandProof.sol`` is the twin of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyml.crypto.merkle import MerkleTree
from pyml.freezenet.activations import LANES, Image, SampleTrace
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.binding import tensor_seed
from pyml.freezenet.codes import CODES_PER_WORD
from pyml.freezenet.encoding import LayerTuple
from pyml.freezenet.feistel import inverse_position
from pyml.freezenet.product_steps import ProductStep, step_at, weight_position
from pyml.freezenet.solution import Content, Solution

Proof: TypeAlias = tuple[bytes, tuple[bytes, ...]]
"""Content of a leaf, and its path."""
NO_PROOF: Proof = (b"", ())


@dataclass(frozen=True, slots=True)
class Ground:
    """What one layer's operands follow from: ``OperandProof.Ground``, field by field."""

    layer: LayerTuple
    first: bool
    last: bool
    inputs: bytes
    root: bytes
    leaves: int
    before: int
    share: int
    seed: bytes

    def as_tuple(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


def ground_of(architecture: Architecture, number: int, *, inputs: bytes, seed: bytes, solution: Solution) -> Ground:
    """Of layer ``number``; ``inputs`` is the root of what it reads, or the hash of the sample's leaf."""
    layer, last = architecture.layers[number], number + 1 == len(architecture.layers)
    if last:
        channels = sum(shape.fan_out for shape in architecture.shapes)
        leaves = channels + architecture.shapes[-1].fan_out * _row_words(architecture)
        return Ground(layer, number == 0, last, inputs, solution.numbers_root, leaves, channels, 0, bytes(32))
    strata = architecture.strata
    return Ground(
        layer,
        number == 0,
        last,
        inputs,
        solution.free_root,
        -(-architecture.free_count // CODES_PER_WORD),
        sum(stratum.free for stratum in strata[:number]),
        strata[number].length,
        tensor_seed(seed, number),
    )


@dataclass(frozen=True, eq=False)
class OperandProver:
    """Whoever has a solution, the sample and its trace can prove any operand of it."""

    architecture: Architecture
    content: Content
    seed: bytes
    sample: bytes
    trace: SampleTrace

    def prove(self, number: int, index: int, step: int, lane: int) -> Proof:
        """For a weight, ``lane`` 0 to 31, or the activations, 32, of a step of a value of layer ``number``."""
        found = step_at(self.architecture.shapes[number], index, step)
        if lane == LANES:
            return self._activations(number, found)
        if found.group * LANES + lane >= Image.read_by(self.architecture.shapes[number]).channels:
            return NO_PROOF
        position = weight_position(self.architecture.shapes[number], found, lane)
        if number + 1 == len(self.architecture.layers):
            return self._last_weight(position)
        stratum = self.architecture.strata[number]
        free = inverse_position(tensor_seed(self.seed, number), stratum.size, position) - stratum.length
        if free < 0:
            return NO_PROOF
        free += sum(before.free for before in self.architecture.strata[:number])
        return _leaf_proof(self.content.free_leaves(), free // CODES_PER_WORD)

    def _activations(self, number: int, step: ProductStep) -> Proof:
        if not step.inside:
            return NO_PROOF
        if number == 0:
            return self.sample, ()
        leaf = Image.read_by(self.architecture.shapes[number]).leaf_at(step.row, step.column, step.group)
        return b"", self.trace.trees[number - 1].path(leaf)

    def _last_weight(self, position: int) -> Proof:
        neuron, weight = divmod(position, self.architecture.shapes[-1].fan_in)
        channels = sum(shape.fan_out for shape in self.architecture.shapes)
        leaf = channels + neuron * _row_words(self.architecture) + weight // CODES_PER_WORD
        return _leaf_proof(self.content.numbers_leaves(), leaf)


def _leaf_proof(leaves: tuple[bytes, ...], index: int) -> Proof:
    return leaves[index], MerkleTree.of(leaves).path(index)


def _row_words(architecture: Architecture) -> int:
    return -(-architecture.shapes[-1].fan_in // CODES_PER_WORD)
