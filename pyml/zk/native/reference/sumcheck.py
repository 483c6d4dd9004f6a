"""The sum-check protocol over terms of different sizes, with Libra's mask and with masked columns.

Source: ``circuits/native_accuracy/SPEC.md``, sections 2 (suffix rule), 5 (form of a round) and 7 (masks). Variable 0 is
bound first; a term over t of v variables depends on the last t only and carries the factor 2^-(v-t), so that its sum
over the whole cube is its own sum. In the last round every masked column stands for column + (x - x²)·mask: on the cube
that is the column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.masks import Libra
from pyml.zk.native.reference.multilinear import fold, repeat_low
from pyml.zk.native.reference.univariate import horner, interpolate
from pyml.zk.native.transcript import Messages

_HALF = pow(2, -1, R)


class Term:
    """One summand: a polynomial in the entries of tables of 2^t scalars at the same place."""

    def __init__(
        self,
        value: Callable[[Sequence[int]], int],
        tables: Sequence[Sequence[int]],
        masks: Sequence[int] = (),
        factor: int = 1,
    ) -> None:
        """``masks`` are those of the first tables; the others have none."""
        self.value = value
        self.masks = [*masks, *[0] * (len(tables) - len(masks))]
        self.tables = [list(table) for table in tables]
        self.factor = factor % R
        if len(tables[0]) == 1:  # no variable of its own: takes the last, in which its masks are
            self.tables = [repeat_low(table, 1) for table in tables]
            self.factor = factor * _HALF % R
        self.variables = len(self.tables[0]).bit_length() - 1

    def total(self) -> int:
        """The sum over the term's own variables that are still free."""
        return self.factor * sum(map(self.value, zip(*self.tables, strict=True))) % R

    def round_values(self, degree: int, last: bool) -> list[int]:
        """At X = 0 … degree for the variable to be bound, the others summed over."""
        values: list[int] = []
        for x in range(degree + 1):
            offsets = [(x - x * x) * mask if last else 0 for mask in self.masks]
            lines = [
                [low + x * (high - low) + offset for low, high in zip(table[::2], table[1::2], strict=True)]
                for table, offset in zip(self.tables, offsets, strict=True)
            ]
            values.append(self.factor * sum(map(self.value, zip(*lines, strict=True))) % R)
        return values

    def final(self, last_factor: int) -> int:
        """The value when all variables are bound, masks included."""
        entry = [table[0] + last_factor * mask for table, mask in zip(self.tables, self.masks, strict=True)]
        return self.factor * self.value(entry) % R

    def bind(self, value: int) -> None:
        """Bind the lowest free variable."""
        self.tables = [fold(table, value) for table in self.tables]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a sum-check ends."""

    point: tuple[int, ...]
    claim: int
    """What the summand must be there."""
    value: int
    """What it is there: the same, if the first claim was true."""

    @property
    def last_factor(self) -> int:
        """x - x² at the last challenge: how much of each mask an evaluation there contains."""
        return (self.point[-1] - self.point[-1] ** 2) % R


def run_sumcheck(
    messages: Messages, name: str, claim: int, terms: Sequence[Term], degrees: Sequence[int], libra: Libra | None
) -> Outcome:
    """All rounds; challenges are named ``name_t``. Nothing here checks that the claim is true: verifiers do."""
    rounds, point = len(degrees), list[int]()
    for turn, degree in enumerate(degrees):
        values = [0] * (degree + 1)
        free = rounds - turn
        for term in terms:
            values = [(a + b) % R for a, b in zip(values, _turn_values(term, free, rounds, degree), strict=True)]
        if libra is not None:
            values = [(a + _libra_value(libra, point, x)) % R for x, a in enumerate(values)]
        coefficients = interpolate(range(degree + 1), values)
        messages.send(coefficients[0], *coefficients[2:])
        challenge = messages.challenge(f"{name}_{turn}")
        coefficients[1] = (claim - 2 * coefficients[0] - sum(coefficients[2:])) % R
        claim = horner(coefficients, challenge)
        point.append(challenge)
        for term in terms:
            if term.variables >= free:
                term.bind(challenge)
    factor = (point[-1] - point[-1] ** 2) % R
    value = sum(pow(_HALF, rounds - term.variables, R) * term.final(factor) for term in terms)
    return Outcome(tuple(point), claim, (value + (0 if libra is None else libra.at(point))) % R)


def _turn_values(term: Term, free: int, rounds: int, degree: int) -> list[int]:
    """What a term adds to the round in which ``free`` variables are left."""
    if term.variables < free:  # does not depend on this variable: half of its share of the claim at each end
        share = term.total() * pow(_HALF, rounds - free + 1, R) % R
        return [share] * (degree + 1)
    factor = pow(_HALF, rounds - term.variables, R)
    return [factor * value % R for value in term.round_values(degree, last=free == 1)]


def _libra_value(libra: Libra, point: Sequence[int], x: int) -> int:
    """Σ p(point, x, y) over the variables y that follow."""
    turn, rounds = len(point), len(libra.rounds)
    following = rounds - turn - 1
    fixed = libra.constant + sum(libra.univariate(variable, at) for variable, at in enumerate(point))
    later = sum(map(sum, libra.rounds[turn + 1 :]))
    return ((fixed + libra.univariate(turn, x) << following) + (later << following >> 1)) % R
