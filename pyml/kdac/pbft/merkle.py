"""Merkle trees over the payloads of a block, the twin of ``contracts/shared/MerkleTree.sol``.

Source: RFC 9162, section 2.1 (leaf and node prefixes), with Keccak-256. A node without a neighbour rises as it is, and
the header carries the number of leaves: no tree is read as one of another shape.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyml.errors import InputError
from pyml.kdac.pbft.keccak import ZERO, keccak256


def leaf(payload: bytes) -> bytes:
    """The digest of a payload, which is also its name in pools and windows."""
    return keccak256(b"\x00" + payload)


def root(leaves: Sequence[bytes]) -> bytes:
    """The root; zero for no leaves."""
    row = list(leaves)
    while len(row) > 1:
        row = _parents(row)
    return row[0] if row else ZERO


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The neighbours from leaf to root; ``InputError`` for an index that is not there."""
    if not 0 <= index < len(leaves):
        raise InputError("the block has no such message", expected=f"0 to {len(leaves) - 1}", got=index)
    found, row = list[bytes](), list(leaves)
    while len(row) > 1:
        if (index ^ 1) < len(row):
            found.append(row[index ^ 1])
        row, index = _parents(row), index // 2
    return tuple(found)


def verify_path(root_: bytes, count: int, index: int, leaf_: bytes, neighbours: Sequence[bytes]) -> bool:
    """Whether ``leaf_`` is the one at ``index`` of the ``count`` under the root."""
    if not 0 <= index < count:
        return False
    node, used = leaf_, 0
    while count > 1:
        if (index ^ 1) < count:
            if used == len(neighbours):
                return False
            neighbour, used = neighbours[used], used + 1
            node = _node(neighbour, node) if index % 2 else _node(node, neighbour)
        index, count = index // 2, (count + 1) // 2
    return used == len(neighbours) and node == root_


def _parents(row: list[bytes]) -> list[bytes]:
    pairs = [_node(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
    return pairs + row[-1:] if len(row) % 2 else pairs


def _node(left: bytes, right: bytes) -> bytes:
    return keccak256(b"\x01" + left + right)
