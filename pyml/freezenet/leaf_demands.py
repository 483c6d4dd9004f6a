"""Leaves of a solution on demand: what to ask for where a miner serves nothing, and how to answer.

Source: ``contracts/freezenet/ILeafDemands.sol``. Whoever has all leaves has the solution: ``content_from`` puts them
together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final

import numpy as np

from pyml.crypto.merkle import MerkleTree
from pyml.errors import InputError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.solution import AFFINE_BYTES, WORD_BYTES, Content
from pyml.freezenet.steps import Send

MAX_DEMAND: Final = 64
"""Most leaves of a demand."""


class Tree(IntEnum):
    """``ILeafDemands.Tree``: free weights, or the rest."""

    FREE = 0
    NUMBERS = 1


def leaf_counts(architecture: Architecture) -> dict[Tree, int]:
    """Leaves of each tree of a solution."""
    shapes = architecture.shapes
    row = -(-shapes[-1].fan_in // WORD_BYTES)
    numbers = sum(shape.fan_out for shape in shapes) + shapes[-1].fan_out * row
    return {Tree.FREE: -(-architecture.free_count // WORD_BYTES), Tree.NUMBERS: numbers}


def rows_of(architecture: Architecture) -> Iterator[tuple[Tree, int, int]]:
    """Everything there is, as demands: tree, first leaf, number of leaves."""
    for tree, count in leaf_counts(architecture).items():
        for first in range(0, count, MAX_DEMAND):
            yield tree, first, min(MAX_DEMAND, count - first)


def demand_leaves(
    task: int, number: int, miner: str, architecture: Architecture, *, row: tuple[Tree, int, int], fee_wei: int
) -> Send:
    """Demand one row of ``rows_of`` in round ``number``; the fee is ``feeFor`` its length, or more."""
    tree, first, length = row
    arguments = (task, number, miner, tuple(architecture.layers), int(tree), first, length)
    return Send("demands", "demand", arguments, fee_wei)


def serve_leaves(content: Content, number: int, *, row: tuple[Tree, int, int]) -> Send:
    """Answer demand ``number``."""
    tree, first, length = row
    leaves = content.free_leaves() if tree is Tree.FREE else content.numbers_leaves()
    path = MerkleTree.of(leaves).path(first, length)
    return Send("demands", "serve", (number, content.solution().as_tuple(), leaves[first : first + length], path))


def content_from(architecture: Architecture, leaves: Mapping[tuple[Tree, int], bytes]) -> Content:
    """The content of a solution of which all leaves, by tree and index, were served; raises ``InputError``."""
    counts = leaf_counts(architecture)
    missing = [(tree, i) for tree, count in counts.items() for i in range(count) if (tree, i) not in leaves]
    if missing:
        raise InputError("some leaves of the solution are missing", expected="all of them", got=len(missing))
    words = b"".join(leaves[Tree.FREE, i][::-1] for i in range(counts[Tree.FREE]))
    free = np.frombuffer(words, dtype=np.int8)[: architecture.free_count]
    channels = [shape.fan_out for shape in architecture.shapes]
    affine: list[bytes] = []
    for count in channels:
        start = sum(map(len, affine)) // AFFINE_BYTES
        affine.append(b"".join(leaves[Tree.NUMBERS, start + i] for i in range(count)))
    last = tuple(leaves[Tree.NUMBERS, i] for i in range(sum(channels), counts[Tree.NUMBERS]))
    return Content(free, tuple(affine), last)
