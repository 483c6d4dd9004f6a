"""SC-C: every remaining claim is a linear form of committed coefficients; their random sum becomes one evaluation.

Source: ``circuits/native_accuracy/SPEC.md``, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.reference.multilinear import evaluate
from pyml.zk.native.reference.sumcheck import Outcome, Term, run_sumcheck
from pyml.zk.native.transcript import Messages


@dataclass(frozen=True, slots=True)
class Part:
    """Coefficients ``offset``, ``offset + 1``, … of one polynomial, each times a weight."""

    polynomial: int
    offset: int
    weights: Sequence[int]

    def scaled(self, factor: int) -> Part:
        """The part times a number."""
        return Part(self.polynomial, self.offset, [factor * weight % R for weight in self.weights])


@dataclass(frozen=True, slots=True)
class Claim:
    """A linear form of the committed coefficients, and its value."""

    value: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Combination:
    """Where SC-C ends: F = Σ w_p(σ)·P_p must be y at σ."""

    outcome: Outcome
    weights: tuple[int, ...]
    """w_p(σ) of each polynomial."""
    coefficients: tuple[int, ...]
    """Of F."""


def run_combination(
    messages: Messages, claims: Sequence[Claim], polynomials: Sequence[Sequence[int]], gamma: int, degree: int
) -> Combination:
    """SC-C over ``degree`` variables, for polynomials of 2^degree coefficients."""
    weights = _weight_tables(claims, len(polynomials), gamma, 1 << degree)
    terms = [
        Term(lambda entry: entry[0] * entry[1], [polynomial, weight])
        for polynomial, weight in zip(polynomials, weights, strict=True)
    ]
    total, power = 0, 1
    for claim in claims:
        total, power = (total + power * claim.value) % R, power * gamma % R
    outcome = run_sumcheck(messages, "sigma", total, terms, [2] * degree, libra=None)
    at_point = tuple(evaluate(weight, outcome.point) for weight in weights)
    combined = [0] * (1 << degree)
    for factor, polynomial in zip(at_point, polynomials, strict=True):
        combined = [(have + factor * entry) % R for have, entry in zip(combined, polynomial, strict=True)]
    return Combination(outcome, at_point, tuple(combined))


def _weight_tables(claims: Sequence[Claim], polynomials: int, gamma: int, size: int) -> list[list[int]]:
    """w_p over the cube: claim j with coefficient γ^j."""
    tables = [[0] * size for _ in range(polynomials)]
    power = 1
    for claim in claims:
        for part in claim.parts:
            table = tables[part.polynomial]
            for place, weight in enumerate(part.weights, part.offset):
                table[place] = (table[place] + power * weight) % R
        power = power * gamma % R
    return tables
