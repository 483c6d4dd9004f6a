"""The committed polynomials of one proof, in the document's order, and the claims about columns that lie in them.

Source: ``circuits/native_accuracy/SPEC.md``, sections 3 (packing, order of polynomials), 6 (SC-C) and 7 (weights on K).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.layout import MASKS_PER_ROW, SPARE_MASKS, MaskRows
from pyml.zk.native.masks import Libra, libra_sum_weights, libra_value_weights
from pyml.zk.native.packing import Column, Packing
from pyml.zk.native.reference.claims import Claim, Part
from pyml.zk.native.reference.multilinear import eq_table
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.transcript import PointWords


@dataclass(slots=True)
class Committed:
    """Polynomials with their blinds, and where each column lies among them."""

    powers: Powers
    degree: int
    polynomials: list[list[int]] = field(default_factory=list[list[int]])
    blinds: list[int] = field(default_factory=list[int])
    places: dict[str, Column] = field(default_factory=dict[str, Column])
    """``polynomial`` counts from the first of the proof."""

    def add(self, packing: Packing, columns: Mapping[str, Sequence[int]], blinds: Sequence[int]) -> list[PointWords]:
        """Append a stage; returns its points."""
        first = len(self.polynomials)
        self.polynomials += lay(packing, columns, self.degree)
        self.blinds += blinds
        for column in packing.columns:
            self.places[column.name] = Column(column.name, column.variables, first + column.polynomial, column.offset)
        return [
            self.powers.commit(polynomial, blind)
            for polynomial, blind in zip(self.polynomials[first:], blinds, strict=True)
        ]

    def part(self, name: str, weights: Sequence[int], start: int = 0) -> Part:
        """A form on a column's entries from ``start`` on."""
        place = self.places[name]
        return Part(place.polynomial, place.offset + start, weights)

    def at(self, name: str, point: Sequence[int], factor: int = 1) -> Part:
        """The form that gives factor · column(point)."""
        return self.part(name, [factor * weight % R for weight in eq_table(point)])


def lay(packing: Packing, columns: Mapping[str, Sequence[int]], degree: int) -> list[list[int]]:
    """The polynomials of a stage."""
    polynomials = [[0] * (1 << degree) for _ in range(packing.polynomials)]
    for column in packing.columns:
        entries = [entry % R for entry in columns[column.name]]
        if len(entries) != column.size:
            raise AssertionError("a column has as many entries as the layout says")
        polynomials[column.polynomial][column.offset : column.offset + column.size] = entries
    return polynomials


def libra_claims(
    committed: Committed, libra: Libra, row: int, sum_claim: int, point: Sequence[int], value_claim: int
) -> tuple[Claim, Claim]:
    """That the mask's sum and its value at a point are as sent; no secret enters the forms."""
    size = committed.places["K"].size
    whole = committed.part("K", libra_sum_weights(libra, row, size))
    at_point = committed.part("K", libra_value_weights(libra, row, size, point))
    return Claim(sum_claim, (whole,)), Claim(value_claim, (at_point,))


def spare_weights() -> list[int]:
    """The form whose value is K_T, on the spare row."""
    return [1] * SPARE_MASKS


def spare_part(committed: Committed, rows: MaskRows) -> Part:
    """Where it applies."""
    return committed.part("K", spare_weights(), rows.row_spare * MASKS_PER_ROW)


def cover_weights(theta: int, variables: int) -> list[int]:
    """The form on S whose value is K_S: 1 + Σ_t θ^(t+1)·x_t."""
    weights = [1]
    for variable in range(variables):
        weights += [weight + pow(theta, variable + 1, R) for weight in weights]
    return [weight % R for weight in weights]
