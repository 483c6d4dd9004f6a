"""What the prover commits with.

Source: ``circuits/native_accuracy/SPEC.md``, section 3: [f] = Σ_k f_k·[τ^k]_1 + b·H.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pyml.crypto.bn254 import SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import add_g1, multiply_g1
from pyml.errors import SrsError
from pyml.zk.native.generator import H
from pyml.zk.native.transcript import PointWords, point_words


class Powers(Protocol):
    """Commits to polynomials of at most ``size`` coefficients."""

    @property
    def size(self) -> int:
        """Powers of τ at hand."""
        ...

    def commit(self, coefficients: Sequence[int], blind: int) -> PointWords:
        """Σ_k f_k·[τ^k]_1 + blind·H."""
        ...


@dataclass(frozen=True, slots=True)
class ListedPowers:
    """[1]_1, [τ]_1, [τ²]_1, … of a ceremony; slow, which does for toy sizes."""

    points: tuple[Point, ...]

    @property
    def size(self) -> int:
        return len(self.points)

    def commit(self, coefficients: Sequence[int], blind: int) -> PointWords:
        """As the protocol says."""
        total = multiply_g1(H, blind)
        for coefficient, point in zip(coefficients, self.points, strict=False):
            if coefficient % SCALAR_MODULUS:
                total = add_g1(total, multiply_g1(point, coefficient))
        return point_words(total)


def require_size(powers: Powers, degree: int) -> None:
    """Raise ``SrsError`` unless polynomials of 2^degree coefficients can be committed to."""
    if powers.size < 1 << degree:
        raise SrsError("too few powers of tau for this shape", expected=f"at least 2^{degree}", got=powers.size)
