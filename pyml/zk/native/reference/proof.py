"""What a prover hands over."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyml.zk.native.transcript import PointWords, words_of


@dataclass(frozen=True, slots=True)
class NativeProof:
    """The words of a proof, C_W first; and, to compare implementations by, the challenges that it met."""

    commitment: PointWords
    words: tuple[int, ...]
    """All but the two of C_W."""
    challenges: dict[str, int] = field(default_factory=dict[str, int], compare=False)

    def encode(self) -> bytes:
        """The form that a contract reads."""
        return words_of([*self.commitment, *self.words])


@dataclass(frozen=True, slots=True)
class InferenceProof:
    """A proof about one secret input, and the public values that it is about."""

    rho: int
    evaluation: int
    label: int
    proof: NativeProof
