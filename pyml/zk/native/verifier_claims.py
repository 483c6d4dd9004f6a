"""Claims about linear forms of committed tables, and what they weigh together at the last point σ.

Source: ``circuits/native_accuracy/SPEC.md``, section 6 (SC-C) and section 7 (weights on K and S). A claim says that the
sum of its terms, each a table times weights, is its value; claim j counts γ^j.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.verifier_field import eq_table, horner, inner
from pyml.zk.native.verifier_packing import ENTRIES_A_ROW, Place

StageName = Literal["stage 1", "S", "stage 2", "data", "W"]
Source = tuple[StageName, int]
"""Which committed polynomial."""
Weight = Callable[[Sequence[int]], int]
"""The extension of a table of weights, at σ."""


@dataclass(frozen=True, slots=True)
class Term:
    """One committed polynomial's part in a claim."""

    source: Source
    weight: Weight


class Claims:
    """Claims 0, 1, 2, … in the order of section 6."""

    def __init__(self, gamma: int) -> None:
        self._gamma = gamma
        self._power = 1
        self._terms: list[tuple[int, Term]] = []
        self.total = 0
        """Σ γ^j·value_j: what SC-C starts from."""
        self.count = 0

    def add(self, value: int, *terms: Term) -> None:
        """The next claim."""
        self.total = (self.total + self._power * value) % R
        self._terms.extend((self._power, term) for term in terms)
        self._power = self._power * self._gamma % R
        self.count += 1

    def weights(self, sigma: Sequence[int]) -> dict[Source, int]:
        """w_p(σ) for every polynomial p that a claim speaks of."""
        return {source: self.weight(source, sigma) for source in dict.fromkeys(term.source for _, term in self._terms)}

    def weight(self, source: Source, sigma: Sequence[int]) -> int:
        """w_p(σ) of one polynomial."""
        return sum(power * term.weight(sigma) for power, term in self._terms if term.source == source) % R


def column(stage: StageName, place: Place, point: Sequence[int], factor: int = 1) -> Term:
    """A column at a point, times a factor."""
    return Term((stage, place.polynomial), lambda sigma: factor * place.weight(point, sigma) % R)


def entries(place: Place, coefficients: Mapping[int, int]) -> Term:
    """A sum of entries of column K, at index e + 16·row."""

    def weight(sigma: Sequence[int]) -> int:
        table = eq_table(sigma[: place.variables])
        return inner(coefficients.values(), (table[index] for index in coefficients)) * place.prefix(sigma) % R

    return Term(("stage 1", place.polynomial), weight)


def blinding(theta: int) -> Term:
    """S with weights 1 + Σ_t θ^(t+1)·x_t: the claim K_S."""
    return Term(("S", 0), lambda sigma: horner([1, *sigma], theta))


def libra_sum(row: int, degrees: Sequence[int]) -> dict[int, int]:
    """K_A or K_B's first part: Σ_cube p = 2^v·a + 2^(v−1)·Σ p_{t,e}, of the polynomial that begins at ``row``."""
    return _libra(row, degrees, 1 << len(degrees), [[1 << len(degrees) - 1] * degree for degree in degrees])


def libra_value(row: int, degrees: Sequence[int], point: Sequence[int]) -> dict[int, int]:
    """p_A(ρ) or p_B(r) = a + Σ_t Σ_{e ≥ 1} p_{t,e}·x_t^e."""
    powers = [[pow(x, e, R) for e in range(1, d + 1)] for d, x in zip(degrees, point, strict=True)]
    return _libra(row, degrees, 1, powers)


def merged(parts: Iterable[Mapping[int, int]]) -> dict[int, int]:
    """The sum of linear forms of K."""
    result: dict[int, int] = {}
    for part in parts:
        for index, coefficient in part.items():
            result[index] = (result.get(index, 0) + coefficient) % R
    return result


def _libra(row: int, degrees: Sequence[int], constant: int, factors: Sequence[Sequence[int]]) -> dict[int, int]:
    found = {ENTRIES_A_ROW * row: constant}
    for t, degree in enumerate(degrees):
        for e in range(1, degree + 1):
            found[e + ENTRIES_A_ROW * (row + t)] = factors[t][e - 1]
    return found
