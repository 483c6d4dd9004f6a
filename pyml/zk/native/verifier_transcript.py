"""Reading a proof word by word, and the challenges that it gives: what was sent fixes what was asked.

Source: ``circuits/native_accuracy/SPEC.md``, sections 2 and 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from eth_utils.crypto import keccak

from pyml.crypto.bn254 import FELT_BYTES, Point
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.challenges import word
from pyml.errors import InputError
from pyml.zk.native.refusal import Refusal, RefusedError
from pyml.zk.native.verifier_field import horner

INFINITE: Final = bytes(2 * FELT_BYTES)
"""A data polynomial that is zero, section 3."""


def digest(parts: Iterable[bytes]) -> bytes:
    """keccak256 of words."""
    return keccak(b"".join(parts))


class Messages:
    """The words of a proof in their order; each is checked as it is read."""

    def __init__(self, proof: bytes, words: int) -> None:
        if len(proof) != words * FELT_BYTES:
            raise RefusedError(Refusal.LENGTH)
        self._proof = proof
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read."""
        return len(self._proof) - self._at

    def scalars(self, count: int) -> list[int]:
        """The next words as scalars below r."""
        values = [self._word() for _ in range(count)]
        if any(value >= R for value in values):
            raise RefusedError(Refusal.SCALAR)
        return values

    def points(self, count: int) -> list[Point]:
        """The next pairs of words as finite points of the curve."""
        try:
            return [Point(self._word(), self._word()) for _ in range(count)]
        except InputError:
            raise RefusedError(Refusal.POINT) from None

    def _word(self) -> int:
        start, self._at = self._at, self._at + FELT_BYTES
        return int.from_bytes(self._proof[start : self._at], "big")


class Transcript:
    """The state of section 5. Messages are read through it, so that none can be used without being absorbed."""

    def __init__(self, start: bytes, messages: Messages) -> None:
        self._state = start
        self._messages = messages

    def absorb_scalars(self, count: int) -> list[int]:
        """Read the next scalars, together one message."""
        values = self._messages.scalars(count)
        self._state = digest([self._state, *map(word, values)])
        return values

    def absorb_points(self, count: int) -> list[Point]:
        """Read the next points, together one message."""
        values = self._messages.points(count)
        self._state = digest([self._state, *(point.encode() for point in values)])
        return values

    def challenge(self) -> int:
        return int.from_bytes(self._state, "big") % R

    def squeeze(self) -> int:
        self._state = digest([self._state])
        return self.challenge()

    def sumcheck(self, claim: int, degrees: Sequence[int]) -> tuple[int, list[int]]:
        """One round for each degree: the claim that is left, and the point. c_1 is what the claim leaves for it."""
        point: list[int] = []
        for degree in degrees:
            c0, *higher = self.absorb_scalars(degree)
            c1 = claim - 2 * c0 - sum(higher)
            x = self.challenge()
            claim = horner([c0, c1, *higher], x)
            point.append(x)
        return claim, point
