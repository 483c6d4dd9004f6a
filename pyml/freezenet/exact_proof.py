"""What the exact verifier is shown of a solution: weights in parts, all other numbers, samples in batches.

Source: ``contracts/freezenet/IExactVerifier.sol``. Each call goes on where the last one left off, so a proof that was
interrupted is taken up from the verifier's own progress. Parts and batches are as large as a transaction bears.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pyml.chain.transactions import MAX_TX_GAS
from pyml.crypto.merkle import MerkleTree
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.codes import CODES_PER_WORD
from pyml.freezenet.registries import Progress
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content
from pyml.freezenet.steps import Send

_GAS: Final = MAX_TX_GAS * 3 // 4
"""Leaves a quarter for the margin on the estimate and for what the counts below leave out."""
_PLACE_GAS: Final = 4_500
"""For one weight: a permutation, a shifted byte, its share of leaves, call data and code written."""
_PRODUCT_GAS: Final = 80
"""For one product of a sample."""
_SAMPLE_GAS: Final = 60_000
"""For a sample's call data, path and sums."""


@dataclass(frozen=True, eq=False)
class ExactProof:
    """All that is shown of one miner's solution in one round."""

    task: int
    round: int
    miner: str
    architecture: Architecture
    content: Content
    samples: SampleSet

    @cached_property
    def _tree(self) -> MerkleTree:
        return MerkleTree.of(self._leaves)

    @cached_property
    def _leaves(self) -> tuple[bytes, ...]:
        return self.content.free_leaves()

    @cached_property
    def _about(self) -> tuple[object, ...]:
        return (self.task, self.round, self.miner, [*self.architecture.layers])

    def next_call(self, progress: Progress) -> Send | None:
        """What is still to be shown; ``None`` if that is all, or the verdict stands."""
        if progress.verdict:
            return None
        if not progress.numbered:
            words = [int.from_bytes(word, "big") for word in self.content.last_words]
            shown = (self.content.solution().as_tuple(), list(self.content.affine), words)
            return Send("exact", "placeNumbers", (*self._about, *shown))
        if progress.placed < self.architecture.kernel_size:
            return Send(
                "exact", "place", (*self._about, self.content.solution().as_tuple(), self.part(progress.placed))
            )
        if progress.answered < len(self.samples):
            return Send("exact", "answer", (*self._about, self.batch(progress.answered)))
        return None

    def part(self, first: int) -> tuple[int, int, list[int], list[bytes]]:
        """``IExactVerifier.Part`` from weight ``first`` on."""
        count = min(self.architecture.kernel_size - first, _GAS // _PLACE_GAS)
        start, end = (free_before(self.architecture, index) for index in (first, first + count))
        if start == end:
            return (first, count, [], [])
        leaf, behind = start // CODES_PER_WORD, -(-end // CODES_PER_WORD)
        words = [int.from_bytes(word, "big") for word in self._leaves[leaf:behind]]
        return (first, count, words, list(self._tree.path(leaf, behind - leaf)))

    def batch(self, first: int) -> tuple[int, list[bytes], list[bytes]]:
        """``IExactVerifier.Batch`` from sample ``first`` on."""
        most = max(1, _GAS // (_PRODUCT_GAS * self.architecture.products + _SAMPLE_GAS))
        count = min(len(self.samples) - first, most)
        return (first, list(self.samples.leaves[first : first + count]), list(self.samples.tree.path(first, count)))


def free_before(architecture: Architecture, count: int) -> int:
    """Free weights among the first ``count`` of all kernels, codes first in each."""
    free = 0
    for stratum in architecture.strata:
        indices = min(count, stratum.size)
        free += max(0, indices - stratum.length)
        count -= indices
    return free
