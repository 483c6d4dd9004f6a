"""Labelled samples as contracts read them: a training set that everybody has, a test set that nobody sees in time.

Source: specification, section 5. A leaf is a sample's inputs, a byte each, its label in two bytes, big-endian, and for
a test set a salt of 32 bytes: without salts, whoever guesses a sample could check it against a path that a dispute has
shown. A set is served as one blob:

    "FZNSET01" | samples u32 | inputs u32 | salt bytes of a sample u8 | leaves, one behind the other

A test set is sealed before the round begins as keccak256(abi.encode(root, salt)). The salt of that seal is the set's
digest: it is as unknown as the salts of its samples, and the transaction that opens the seal then says where the set is
to be had.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.crypto.merkle import MerkleTree
from pyml.errors import DatasetError
from pyml.store.blobs import BlobDigest, digest_of

MAGIC: Final = b"FZNSET01"
SALT_BYTES: Final = 32
MAX_SAMPLES: Final = 1 << 22
MAX_LABEL: Final = (1 << 16) - 1

_HEADER: Final = struct.Struct(">8sIIB")
_LABEL: Final = struct.Struct(">H")


@dataclass(frozen=True, eq=False)
class SampleSet:
    """Samples int8 [count, inputs], labels [count], and for each a salt of 32 bytes, or none."""

    inputs: NDArray[np.int8]
    labels: NDArray[np.int64]
    salts: tuple[bytes, ...]

    def __post_init__(self) -> None:
        count = len(self.labels)
        if self.inputs.dtype != np.int8 or self.inputs.ndim != 2 or len(self.inputs) != count or not count > 0:
            raise DatasetError("samples and labels do not fit", expected="int8 [count, inputs], labels [count]")
        if count > MAX_SAMPLES:
            raise DatasetError("there are too many samples", expected=f"at most {MAX_SAMPLES}", got=count)
        if self.labels.min() < 0 or self.labels.max() > MAX_LABEL:
            raise DatasetError("a label is out of range", expected=f"0 to {MAX_LABEL}", got=int(self.labels.max()))
        if len(self.salts) != count or any(len(salt) not in (0, SALT_BYTES) for salt in self.salts):
            raise DatasetError("every sample needs a salt of its own, or none", expected=f"{SALT_BYTES} bytes each")
        if len({len(salt) for salt in self.salts}) != 1:
            raise DatasetError("some samples are salted, and some are not")

    @classmethod
    def plain(cls, inputs: NDArray[np.int8], labels: NDArray[Any]) -> SampleSet:
        """A training set."""
        return cls(inputs, labels.astype(np.int64), (b"",) * len(labels))

    @classmethod
    def salted(cls, inputs: NDArray[np.int8], labels: NDArray[Any]) -> SampleSet:
        """A test set, with fresh salts."""
        return cls(inputs, labels.astype(np.int64), tuple(secrets.token_bytes(SALT_BYTES) for _ in range(len(labels))))

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def leaves(self) -> tuple[bytes, ...]:
        """What the tree stands on."""
        rows = zip(self.inputs, self.labels, self.salts, strict=True)
        return tuple(row.tobytes() + _LABEL.pack(int(label)) + salt for row, label, salt in rows)

    @cached_property
    def tree(self) -> MerkleTree:
        return MerkleTree.of(self.leaves)

    @cached_property
    def content(self) -> bytes:
        """As it is stored."""
        header = _HEADER.pack(MAGIC, len(self), self.inputs.shape[1], len(self.salts[0]))
        return header + b"".join(self.leaves)

    @property
    def digest(self) -> BlobDigest:
        return digest_of(self.content)

    @property
    def seal(self) -> bytes:
        """What a sponsor opens a round with, of a salted set."""
        return seal_of(self.tree.root, bytes.fromhex(self.digest))


def seal_of(root: bytes, salt: bytes) -> bytes:
    """keccak256(abi.encode(root, salt))."""
    return keccak(encode(["bytes32", "bytes32"], [root, salt]))


def decode_samples(raw: bytes) -> SampleSet:
    """A set from outside; raises ``DatasetError`` on anything that is not one."""
    if len(raw) < _HEADER.size:
        raise DatasetError("not a set of samples: it is too short", got=f"{len(raw)} bytes")
    magic, count, width, salt_bytes = _HEADER.unpack_from(raw)
    size = width + _LABEL.size + salt_bytes
    if magic != MAGIC or not 0 < count <= MAX_SAMPLES or width == 0 or salt_bytes not in (0, SALT_BYTES):
        raise DatasetError("not a set of samples: its header is malformed")
    if len(raw) != _HEADER.size + count * size:
        raise DatasetError(
            "a set of samples has the wrong length", expected=f"{_HEADER.size + count * size} bytes", got=len(raw)
        )
    rows = np.frombuffer(raw, dtype=np.uint8, offset=_HEADER.size).reshape(count, size)
    labels = rows[:, width].astype(np.int64) << 8 | rows[:, width + 1]
    salts = tuple(row.tobytes() for row in rows[:, width + 2 :])
    return SampleSet(rows[:, :width].view(np.int8).copy(), labels, salts)


def require_root(samples: SampleSet, root: bytes, *, what: str) -> SampleSet:
    """The set, if it is the one of this root; raises ``DatasetError``."""
    if samples.tree.root != root:
        raise DatasetError(
            f"the {what} has a wrong checksum", expected="0x" + root.hex(), got="0x" + samples.tree.root.hex()
        )
    return samples
