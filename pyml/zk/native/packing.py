"""Columns laid end to end in polynomials of 2^n coefficients.

Source: ``circuits/native_accuracy/SPEC.md``, section 3, *Packing*. Columns come in order of size, largest first, and
sizes are powers of two: so each lies within one polynomial, at a multiple of its own size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.errors import CircuitError


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column of 2^variables entries lies."""

    name: str
    variables: int
    polynomial: int
    """Index within its stage."""
    offset: int

    @property
    def size(self) -> int:
        return 1 << self.variables


@dataclass(frozen=True, slots=True)
class Packing:
    """The columns of one stage in the order of their places."""

    columns: tuple[Column, ...]
    polynomials: int

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


def pack(named: Sequence[tuple[str, int]], degree: int, first: int = 0) -> Packing:
    """Places for columns given as (name, variables), from polynomial ``first`` on."""
    place = 0
    columns: list[Column] = []
    for name, variables in sorted(named, key=lambda column: -column[1]):  # stable: equal sizes keep their order
        if variables > degree:
            raise CircuitError(
                f"column {name} does not fit a polynomial", expected=f"at most 2^{degree}", got=f"2^{variables}"
            )
        columns.append(Column(name, variables, first + (place >> degree), place % (1 << degree)))
        place += 1 << variables
    return Packing(tuple(columns), -(-place >> degree))


def lg(number: int) -> int:
    """⌈log2⌉ of a positive number."""
    return (number - 1).bit_length()
