"""Merkle trees of a known number of leaves, with paths for one leaf or several in a row.

Source: RFC 6962 (Certificate Transparency), section 2.1, with keccak256 for SHA-256:

    leaf  keccak256(0x00 ‖ content)
    node  keccak256(0x01 ‖ left ‖ right)

so that no node passes for a leaf. On each level neighbours are hashed in pairs; a last one without a neighbour rises as
it is, which gives RFC 6962's split at the greatest power of two. Deviation: an empty tree has no root here.

``contracts/shared/MerkleTree.sol`` is the twin of this module in Solidity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from pyml.errors import InputError

HASH_BYTES: Final = 32

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf."""
    return keccak(_LEAF + content)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return keccak(_NODE + left + right)


@dataclass(frozen=True, slots=True, eq=False)
class MerkleTree:
    """All levels of a tree, the leaves' hashes first; made by ``of``."""

    levels: tuple[tuple[bytes, ...], ...]

    @classmethod
    def of(cls, leaves: Sequence[bytes]) -> MerkleTree:
        """The tree above these contents; raises ``InputError`` if there are none."""
        return cls.above([leaf_hash(content) for content in leaves])

    @classmethod
    def above(cls, hashes: Sequence[bytes]) -> MerkleTree:
        """The tree above leaves, or a row of nodes, of these hashes; raises ``InputError`` if there are none."""
        if not hashes:
            raise InputError("a Merkle tree has at least one leaf", got=0)
        levels = [tuple(hashes)]
        while len(levels[-1]) > 1:
            levels.append(tuple(_parents(levels[-1])))
        return cls(tuple(levels))

    @property
    def root(self) -> bytes:
        return self.levels[-1][0]

    @property
    def count(self) -> int:
        """How many leaves there are."""
        return len(self.levels[0])

    def path(self, first: int, length: int = 1) -> tuple[bytes, ...]:
        """What else ``root_of`` needs for leaves ``first`` to ``first + length - 1``; raises ``InputError``."""
        _require_row(first, length, self.count)
        found = list[bytes]()
        last = first + length - 1
        for level in self.levels[:-1]:
            if first % 2 == 1:
                found.append(level[first - 1])
            if last % 2 == 0 and last + 1 < len(level):
                found.append(level[last + 1])
            first, last = first // 2, last // 2
        return tuple(found)


def root_of(leaves: Sequence[bytes], *, first: int, count: int, path: Sequence[bytes]) -> bytes:
    """The root above leaves ``first``, ``first + 1``, … of a tree of ``count``.

    A path of hostile origin gives another root, or raises ``InputError`` if it is of the wrong length.
    """
    _require_row(first, len(leaves), count)
    if any(len(sibling) != HASH_BYTES for sibling in path):
        raise InputError("a Merkle path has an element that is no hash", expected=f"{HASH_BYTES} bytes each")
    rest = iter(path)
    hashes = [leaf_hash(content) for content in leaves]
    while count > 1:
        if first % 2 == 1:
            first -= 1
            hashes.insert(0, _next(rest, path))
        if len(hashes) % 2 == 1 and first + len(hashes) < count:
            hashes.append(_next(rest, path))
        hashes = list(_parents(hashes))
        first, count = first // 2, (count + 1) // 2
    used = len(path) - sum(1 for _ in rest)
    if used != len(path):
        raise InputError("a Merkle path is too long", expected=used, got=len(path))
    return hashes[0]


def _parents(level: Sequence[bytes]) -> Iterator[bytes]:
    for i in range(0, len(level) - 1, 2):
        yield node_hash(level[i], level[i + 1])
    if len(level) % 2 == 1:
        yield level[-1]


def _next(rest: Iterator[bytes], path: Sequence[bytes]) -> bytes:
    for sibling in rest:
        return sibling
    raise InputError("a Merkle path is too short", got=len(path))


def _require_row(first: int, length: int, count: int) -> None:
    if length < 1 or not 0 <= first <= count - length:
        raise InputError("leaves are out of range", expected=f"a row within {count} leaves", got=(first, length))
