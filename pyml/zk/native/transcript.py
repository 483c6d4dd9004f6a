"""The Fiat-Shamir transcript of the native proof: one hash state, words of 32 bytes.

Source: ``circuits/native_accuracy/SPEC.md``, section 5. ``Messages`` is the prover's side: it keeps what was sent, in
order, and the challenges by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from eth_utils.crypto import keccak

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.crypto.bn254 import Point as CurvePoint
from pyml.crypto.challenges import word

PointWords = tuple[int, int]
"""Affine x and y; (0, 0) is the infinite point."""


@dataclass(slots=True)
class Transcript:
    """state ← keccak256(state ‖ words); a challenge is the state modulo r."""

    state: bytes

    def absorb(self, words: Sequence[int]) -> None:
        """Take what the prover sends."""
        self.state = keccak(self.state + words_of(words))

    def challenge(self) -> int:
        """The state modulo r, after an ``absorb``."""
        return int.from_bytes(self.state, "big") % SCALAR_MODULUS

    def squeeze(self) -> int:
        """A further challenge after the same message."""
        self.state = keccak(self.state)
        return self.challenge()


@dataclass(slots=True)
class Messages:
    """What the prover has sent so far; each message is absorbed before anything that depends on it is drawn."""

    transcript: Transcript
    words: list[int] = field(default_factory=list[int])
    challenges: dict[str, int] = field(default_factory=dict[str, int])

    def send(self, *words: int) -> None:
        """One message of scalars."""
        self.words.extend(words)
        self.transcript.absorb(words)

    def send_points(self, points: Sequence[PointWords]) -> None:
        """One message of points."""
        self.send(*(coordinate for point in points for coordinate in point))

    def challenge(self, name: str) -> int:
        """The challenge that follows a message."""
        self.challenges[name] = self.transcript.challenge()
        return self.challenges[name]

    def squeeze(self, name: str) -> int:
        """A further one."""
        self.challenges[name] = self.transcript.squeeze()
        return self.challenges[name]


def words_of(words: Sequence[int]) -> bytes:
    """Numbers as 32 bytes each, big-endian."""
    return b"".join(word(number) for number in words)


def point_words(point: CurvePoint | None) -> PointWords:
    """A point as two words."""
    return (0, 0) if point is None else (point.x, point.y)
