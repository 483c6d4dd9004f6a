"""What a miner hands in: the content of a solution, the roots it is known by, and the commitment to them.

The content is what the watermark leaves: the free weights of all kernels in the order of their permutations, then each
layer's multipliers and biases, six bytes a channel, then the words of the last layer's weights. Its length follows from
the task, so nothing in it says how long anything is:

    "FZNSOL01" | free weights, a byte each | multipliers and biases | words of the last layer

It is served under its SHA-256. The roots are those of ``IRounds.Solution``, and the commitment is

    keccak256(abi.encode(solution, salt, miner))

with the miner in it: a copied commitment opens for nobody else. The watermark is not in the content; whoever knows the
seed puts it in, so a solution cannot be without it (specification, section 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.crypto.merkle import MerkleTree
from pyml.errors import InputError, IntegrityError, ModelError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.codes import CODES_PER_WORD
from pyml.freezenet.encoding import encode_affine, encode_weights, layer_tuple, pack_words
from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.freezenet.strata import assemble, free_weights, kernels_of, verify_watermark, watermark
from pyml.store.blobs import digest_of

MAGIC: Final = b"FZNSOL01"
AFFINE_BYTES: Final = 6
WORD_BYTES: Final = 32
HASH_BYTES: Final = 32

_SOLUTION_TYPE: Final = "(bytes32,uint64,bytes32,bytes32)"
_AFFINE: Final = np.dtype([("multiplier", ">i2"), ("bias", ">i4")])


@dataclass(frozen=True, slots=True)
class Solution:
    """What a solution is known by on chain: ``IRounds.Solution``."""

    free_root: bytes
    free_count: int
    numbers_root: bytes
    content_digest: bytes

    def __post_init__(self) -> None:
        hashes = (self.free_root, self.numbers_root, self.content_digest)
        if any(type(each) is not bytes or len(each) != HASH_BYTES for each in hashes):
            raise InputError("a solution's roots and digest are 32 bytes each")
        if type(self.free_count) is not int or not 0 <= self.free_count < 2**64:
            raise InputError("a solution's number of free weights is out of range", got=self.free_count)

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            bytes(raw["freeRoot"]), int(raw["freeCount"]), bytes(raw["numbersRoot"]), bytes(raw["contentDigest"])
        )

    def as_tuple(self) -> tuple[bytes, int, bytes, bytes]:
        return (self.free_root, self.free_count, self.numbers_root, self.content_digest)

    @property
    def hash(self) -> bytes:
        """keccak256(abi.encode(solution)): what a round keeps of it once it is revealed."""
        return keccak(encode([_SOLUTION_TYPE], [self.as_tuple()]))

    def commitment(self, salt: bytes, miner: str) -> bytes:
        """What a miner bonds before the test set is known; the salt hides it."""
        if len(salt) != HASH_BYTES:
            raise InputError("a commitment's salt has the wrong length", expected=HASH_BYTES, got=len(salt))
        return keccak(encode([_SOLUTION_TYPE, "bytes32", "address"], [self.as_tuple(), salt, miner]))


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """All numbers of a network that its miner chose."""

    free: NDArray[np.int8]
    affine: tuple[bytes, ...]
    """Multipliers and biases of each layer."""
    last_words: tuple[bytes, ...]
    """The last layer's weights, neuron by neuron."""

    def encode(self) -> bytes:
        """As it is stored."""
        return b"".join((MAGIC, self.free.tobytes(), *self.affine, *self.last_words))

    def free_leaves(self) -> tuple[bytes, ...]:
        """Words of 32 free weights; what is left over of the last is zero."""
        padded = np.zeros((-(-len(self.free) // CODES_PER_WORD), CODES_PER_WORD), dtype=np.int8)
        padded.reshape(-1)[: len(self.free)] = self.free
        return tuple(word.tobytes() for word in pack_words(padded)[:, 0])

    def numbers_leaves(self) -> tuple[bytes, ...]:
        """A leaf for each channel of each layer, then one for each word of the last layer."""
        channels = (
            layer[start : start + AFFINE_BYTES] for layer in self.affine for start in range(0, len(layer), AFFINE_BYTES)
        )
        return (*channels, *self.last_words)

    def solution(self) -> Solution:
        """The roots and the digest of this content; a task with nothing free gives a zero root."""
        leaves = self.free_leaves()
        root = MerkleTree.of(leaves).root if leaves else bytes(HASH_BYTES)
        digest = bytes.fromhex(digest_of(self.encode()))
        return Solution(root, len(self.free), MerkleTree.of(self.numbers_leaves()).root, digest)


def content_length(architecture: Architecture) -> int:
    """How many bytes a solution of the task takes."""
    shapes = architecture.shapes
    return (
        len(MAGIC)
        + architecture.free_count
        + AFFINE_BYTES * sum(shape.fan_out for shape in shapes)
        + WORD_BYTES * shapes[-1].fan_out * _row_words(architecture)
    )


def content_of(network: Int8Network, architecture: Architecture, seed: bytes) -> Content:
    """What a miner hands in of a trained network; ``ModelError`` unless it is of the task and holds its watermark."""
    if tuple(layer_tuple(layer) for layer in network.layers) != architecture.layers:
        raise ModelError(
            "the network is not of the task's architecture", expected="the hash 0x" + architecture.hash.hex()
        )
    marks, kernels = watermark(seed, architecture.strata), kernels_of(network)
    if not verify_watermark(marks, kernels):
        raise ModelError("the network does not hold the watermark of its seed")
    last = encode_weights(network.layers[-1])
    return Content(
        free_weights(marks, kernels),
        tuple(encode_affine(layer) for layer in network.layers),
        tuple(last[start : start + WORD_BYTES] for start in range(0, len(last), WORD_BYTES)),
    )


def decode_content(raw: bytes, architecture: Architecture) -> Content:
    """Content from outside; raises ``InputError`` unless it is of the task's length."""
    expected = content_length(architecture)
    if raw[: len(MAGIC)] != MAGIC or len(raw) != expected:
        raise InputError(
            "not a solution of this task", expected=f"{expected} bytes that begin with {MAGIC!r}", got=len(raw)
        )
    start = len(MAGIC) + architecture.free_count
    free = np.frombuffer(raw[len(MAGIC) : start], dtype=np.int8)
    affine: list[bytes] = []
    for shape in architecture.shapes:
        affine.append(raw[start : start + AFFINE_BYTES * shape.fan_out])
        start += AFFINE_BYTES * shape.fan_out
    words = tuple(raw[place : place + WORD_BYTES] for place in range(start, len(raw), WORD_BYTES))
    return Content(free, tuple(affine), words)


def require_content(raw: bytes, architecture: Architecture, solution: Solution) -> Content:
    """Content that is the one of a revealed solution, leaf by leaf; raises ``InputError`` or ``IntegrityError``."""
    content = decode_content(raw, architecture)
    found = content.solution()
    if found != solution:
        raise IntegrityError(
            "the content served is not what was committed to",
            expected=f"roots 0x{solution.free_root.hex()} and 0x{solution.numbers_root.hex()}",
            got=f"0x{found.free_root.hex()} and 0x{found.numbers_root.hex()}",
        )
    return content


def network_of(content: Content, architecture: Architecture, seed: bytes) -> Int8Network:
    """The whole network: the watermark of the seed, and what the miner chose."""
    kernels = assemble(watermark(seed, architecture.strata), content.free)
    layers: list[Int8Layer] = []
    for index, (raw, shape) in enumerate(zip(architecture.layers, architecture.shapes, strict=True)):
        affine = np.frombuffer(content.affine[index], dtype=_AFFINE)
        flat = kernels[index] if index < len(kernels) else _last_kernel(content, architecture)
        layers.append(
            Int8Layer(
                np.ascontiguousarray(flat.reshape(shape.fan_out, shape.fan_in).T),
                affine["multiplier"].astype(np.int16),
                affine["bias"].astype(np.int32),
                shift=raw[10],
                relu=raw[11],
                convolution=shape.convolution,
                pool=shape.pool,
            )
        )
    return Int8Network(tuple(layers))


def _last_kernel(content: Content, architecture: Architecture) -> NDArray[np.int8]:
    shape = architecture.shapes[-1]
    words = np.frombuffer(b"".join(content.last_words), dtype=np.int8).reshape(shape.fan_out, -1, WORD_BYTES)
    return words[:, :, ::-1].reshape(shape.fan_out, -1)[:, : shape.fan_in]


def _row_words(architecture: Architecture) -> int:
    return -(-architecture.shapes[-1].fan_in // CODES_PER_WORD)
