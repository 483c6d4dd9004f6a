"""A set-up whose τ is known: commitments cost one multiplication. For tests only: whoever knows τ opens anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.crypto.bn254_group import G1, add_g1, multiply_g1, multiply_g2
from pyml.zk.native.generator import H
from pyml.zk.native.reference.univariate import horner
from pyml.zk.native.transcript import PointWords, point_words


@dataclass(frozen=True, slots=True)
class ToyPowers:
    """[f] = f(τ)·G + b·H, exactly."""

    tau: int
    size: int = 1 << 12

    def commit(self, coefficients: Sequence[int], blind: int) -> PointWords:
        assert len(coefficients) <= self.size
        return point_words(
            add_g1(multiply_g1(G1, horner(coefficients, self.tau)), multiply_g1(H, blind % SCALAR_MODULUS))
        )

    @property
    def tau_g2(self) -> tuple[int, int, int, int]:
        """[τ]_2 as a verifying key has it."""
        point = multiply_g2(self.tau)
        return (point.x[1], point.x[0], point.y[1], point.y[0])


@dataclass(frozen=True, slots=True)
class ExponentPowers:
    """Commits with the logarithm of the commitment to G, as if H = h·G: what relations between points come to."""

    tau: int
    h: int
    size: int = 1 << 12

    def commit(self, coefficients: Sequence[int], blind: int) -> PointWords:
        assert len(coefficients) <= self.size
        return (horner(coefficients, self.tau) + blind * self.h) % SCALAR_MODULUS, 0
