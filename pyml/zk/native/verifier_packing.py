"""Where a column lies in the polynomials of its stage, and a mask in column K.

Source: ``circuits/native_accuracy/SPEC.md``, section 3 (packing) and section 7. Derived apart from the prover's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import CircuitError
from pyml.zk.native.verifier_field import eq, eq_at, lg

ENTRIES_A_ROW: Final = 16
"""Of column K, section 7."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column of ``variables`` variables at ``offset`` of a polynomial of its stage, section 3."""

    polynomial: int
    offset: int
    variables: int

    def prefix(self, sigma: Sequence[int]) -> int:
        """pre(σ) = eq(o / 2^t, σ[t:])."""
        return eq_at(self.offset >> self.variables, sigma[self.variables :])

    def weight(self, point: Sequence[int], sigma: Sequence[int]) -> int:
        """What a claim at ``point`` weighs at σ: eq(point, σ[:t])·pre(σ), section 6."""
        return eq(point, sigma[: self.variables]) * self.prefix(sigma) % R


@dataclass(frozen=True, slots=True)
class Stage:
    """Columns that were committed to together, and how many polynomials hold them."""

    places: Mapping[str, Place]
    polynomials: int

    def __getitem__(self, column: str) -> Place:
        return self.places[column]


def pack(columns: Iterable[tuple[str, int]], degree: int, first: int = 0) -> Stage:
    """Lay columns end to end, those of most variables first, from polynomial ``first`` on (section 3, packing)."""
    places: dict[str, Place] = {}
    at = first << degree
    for name, variables in sorted(columns, key=lambda column: -column[1]):  # sorted() is stable
        if variables > degree:
            raise CircuitError(f"column {name} does not fit", expected=f"at most {degree} variables", got=variables)
        places[name] = Place(at >> degree, at & ((1 << degree) - 1), variables)
        at += 1 << variables
    return Stage(places, -(-at >> degree))


@dataclass(frozen=True, slots=True)
class MaskRows:
    """Column K: which row holds what, section 7."""

    main: int
    """v rows of p_A."""
    products: int
    """nk rows of p_B; none in a proof of weights."""
    main_masks: int
    product_masks: int

    @property
    def first_product(self) -> int:
        """Row of a_B."""
        return self.main

    @property
    def first_main_mask(self) -> int:
        return self.main + self.products

    @property
    def first_product_mask(self) -> int:
        return self.first_main_mask + -(-self.main_masks // ENTRIES_A_ROW)

    @property
    def spare(self) -> int:
        """The row of K_T."""
        return self.first_product_mask + -(-self.product_masks // ENTRIES_A_ROW)

    @property
    def variables(self) -> int:
        return lg(ENTRIES_A_ROW) + lg(self.spare + 1)
