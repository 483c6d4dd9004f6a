"""How many independent messages the masks of a proof can reach: the rank of messages by masks.

Every message of the protocol is, at fixed challenges, a polynomial in the masks: affine in all but those of evaluations
together, and of degree 2 in each of the latter. Differences of whole runs of the prover therefore give derivatives
exactly. Points count by their logarithms. If the rank is the number of messages that the verifier's equations leave
free, every transcript that satisfies these is reached from every witness: nothing about the weights shows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.masks import Libra, Masks
from pyml.zk.native.transcript import Transcript

Vector = list[int]
Run = Callable[[Masks], Sequence[int]]
"""The words of a proof made with these masks, at challenges that are always the same."""

_HALF: Final = pow(2, -1, R)


class FixedChallenges(Transcript):
    """Challenges that no message changes."""

    def __init__(self, seed: int) -> None:
        super().__init__(bytes(32))
        self._source = random.Random(seed)

    def absorb(self, words: Sequence[int]) -> None:
        self._next = self._source.randrange(R)

    def challenge(self) -> int:
        return self._next

    def squeeze(self) -> int:
        self._next = self._source.randrange(R)
        return self._next


def mask_rank(run: Run, masks: Masks, directions: int, *, seed: int = 1) -> int:
    """Rank over all evaluation masks and ``directions`` random directions among the others."""
    rng = random.Random(seed)
    base = run(masks)
    rows = [_slope(run, masks, place) for place in range(len(masks.masks_a) + len(masks.masks_b))]
    for _ in range(directions):
        moved = run(_moved(masks, rng))
        rows.append([(after - before) % R for after, before in zip(moved, base, strict=True)])
    return rank(rows)


def rank(rows: Sequence[Vector]) -> int:
    """By elimination modulo r."""
    left, found = [row[:] for row in rows], 0
    while left:
        pivot_row = left.pop()
        pivot = next((place for place, entry in enumerate(pivot_row) if entry), None)
        if pivot is None:
            continue
        found += 1
        inverse = pow(pivot_row[pivot], -1, R)
        for row in left:
            if row[pivot]:
                factor = row[pivot] * inverse % R
                row[pivot:] = [(a - factor * b) % R for a, b in zip(row[pivot:], pivot_row[pivot:], strict=True)]
    return found


def _slope(run: Run, masks: Masks, place: int) -> Vector:
    """Derivative along one evaluation mask: exact for degree 2."""
    up, down = (run(_evaluation_mask_moved(masks, place, step)) for step in (1, -1))
    return [(a - b) * _HALF % R for a, b in zip(up, down, strict=True)]


def _evaluation_mask_moved(masks: Masks, place: int, step: int) -> Masks:
    both = [*masks.masks_a, *masks.masks_b]
    both[place] = (both[place] + step) % R
    return replace(masks, masks_a=tuple(both[: len(masks.masks_a)]), masks_b=tuple(both[len(masks.masks_a) :]))


def _moved(masks: Masks, rng: random.Random) -> Masks:
    """All masks but those of evaluations, moved at random; what is empty or zero throughout stays so."""

    def moved(numbers: Sequence[int]) -> tuple[int, ...]:
        return tuple((number + rng.randrange(R)) % R for number in numbers) if any(numbers) else tuple(numbers)

    def moved_libra(libra: Libra) -> Libra:
        return Libra((libra.constant + rng.randrange(R)) % R, tuple(map(moved, libra.rounds)))

    return replace(
        masks,
        libra_a=moved_libra(masks.libra_a),
        libra_b=None if masks.libra_b is None else moved_libra(masks.libra_b),
        spares=moved(masks.spares),
        cover=moved(masks.cover),
        blinds=moved(masks.blinds),
    )
