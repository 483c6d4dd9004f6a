"""The soundness error of the native protocol, challenge by challenge: the numbers of ``docs/zk-native-security.md``.

Source: ``circuits/native_accuracy/SPEC.md``; the argument for each row is in the document. A row bounds, in units of
1 / |F|, the probability that a false statement stops being false at a challenge. Nothing is measured here: the bounds
follow from degrees, and from the number of entries that are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_layout import Layout, layout_of, weight_layout_of

CEREMONY_DEGREE: Final = 1 << 28
"""Powers of the perpetual powers of tau: a prover may commit to polynomials of this degree, whatever n is."""
FEATURES: Final = 1 << 13
"""Longest input that ``contracts/zk/Features.sol`` reads."""
BIAS: Final = -(-(2**256) // SCALAR_MODULUS) * SCALAR_MODULUS / 2**256
"""How much likelier than 1 / r the likeliest challenge is: a hash of 256 bits modulo r."""


@dataclass(frozen=True, slots=True)
class Row:
    """One challenge, or the challenges that one message gives: ``bound`` / |F| bounds its error."""

    challenges: str
    what: str
    bound: int

    @property
    def bits(self) -> float:
        """−log2 of the error, the bias of the hash included."""
        return log2(SCALAR_MODULUS) - log2(self.bound * BIAS)


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of one protocol; ``rows`` are messages, so that the largest is what one query to the hash can win."""

    rows: tuple[Row, ...]

    @property
    def total(self) -> Row:
        """The interactive protocol's error: the sum, each round of a sumcheck counted."""
        return Row("total", "interactive", sum(row.bound * _rounds(row) for row in self.rows))

    @property
    def largest(self) -> Row:
        return max(self.rows, key=lambda row: row.bound)

    def after_queries(self, query_bits: int) -> float:
        """−log2 of the non-interactive error after 2^query_bits hashes: each query tries the largest row once."""
        return self.largest.bits - query_bits


def accuracy_table(shape: Shape) -> Table:
    """Accuracy, or inference if the data are in the witness."""
    layout, layers = layout_of(shape), shape.hidden_layers
    looked_up = sum(2 << (each + layout.ni) for each in layout.nh) + (1 << layout.tm)
    claims = 4 * layers + 5 + 1 + 2 * layers + 1 + 6 + (2 if shape.data_in_witness else 1)
    rows = [
        Row("α, β", "a looked-up tuple is not in the table, or a denominator is 0", 3 * (looked_up + 2**layout.table)),
        Row("τ, λ", "a relation that fails somewhere vanishes at τ, or in the batch", layout.v + layers + 5),
        *_rounds_of("ρ", "SC-A; a product differs from its limbs but not at ρ", layout.v, 4 + 1, 7 + 1),
    ]
    if layers:
        rows.append(Row("μ", "a layer's product is wrong but the batch is right", layers))
    rows += [
        *_rounds_of("r", "SC-B", layout.rounds_b, 2, 4),
        Row("γ", "a claim is false but the batch is true", claims - 1),
        *_end(shape.degree),
    ]
    return Table((*_input(layout), *rows))


def weights_table(shape: Shape) -> Table:
    """The proof of section 9."""
    layout = weight_layout_of(shape)
    looked_up = (1 << layout.nw) + (1 << shape.weight_bits)
    rows = [
        Row("α", "a weight is out of range, or a denominator is 0", 2 * looked_up),
        Row("τ, λ", "a relation that fails somewhere vanishes at τ, or in the batch", layout.v + 3),
        *_rounds_of("ρ", "SC-A", layout.v, 3, 5),
        Row("γ", "a claim is false but the batch is true", 7),
        *_end(shape.degree),
    ]
    return Table(tuple(rows))


def simulation_bits(n: int) -> float:
    """−log2 of how many challenges, at most, leave a message without a mask: degree of a minor of the rank tests.

    2n + 13 forms of S and the spare row, each of degree below 2^(n+1) in challenges and τ; vA and vB are zero at two
    values of one challenge each.
    """
    return log2(SCALAR_MODULUS) - log2(((2 * n + 13) << (n + 1)) + 4)


def as_markdown(named: Sequence[tuple[str, Table]]) -> str:
    """One table a protocol, as the document holds them."""
    return "\n\n".join(f"{name}\n\n{_markdown(table)}" for name, table in named)


def _markdown(table: Table) -> str:
    lines = ["| challenge | what it might miss | error · r | bits |", "|---|---|---|---|"]
    lines += [f"| {row.challenges} | {row.what} | {row.bound} | {row.bits:.1f} |" for row in table.rows]
    lines.append(f"| **total, interactive** | | {table.total.bound} | {table.total.bits:.1f} |")
    lines.append(f"| **after 2^80 hashes** | 2^80 · largest row | | {table.after_queries(80):.1f} |")
    return "\n".join(lines)


def _input(layout: Layout) -> list[Row]:
    if not layout.shape.data_in_witness:
        return []
    missed = "the features are others, or of another number"
    return [Row("context ρ", missed, max(FEATURES, 1 << layout.nx) + (1 << layout.nx))]


def _rounds_of(name: str, what: str, rounds: int, bound: int, last: int) -> list[Row]:
    """The rounds of a sumcheck; those that are alike share a row that says how many they are."""
    return [
        Row(f"{name}: {rounds - 1} rounds, each", what, bound),
        Row(f"{name}: last round", f"{what.split(';')[0]}, with masks", last),
    ]


def _end(n: int) -> list[Row]:
    b = 1 << (n + 1) // 2
    return [
        Row(f"σ: {n} rounds, each", "SC-C", 2),
        Row("a", "h is not the folded rows, but is at a", CEREMONY_DEGREE),
        Row("ξ", "one inner product is wrong, not both together", 1),
        Row("z", "division by X^b − a; degree of g; inner products", 5 * CEREMONY_DEGREE + b + 2),
        Row("δ", "one of four openings is wrong, not all together", 3),
        Row("y_M", "the common quotient is wrong, but not at y_M", CEREMONY_DEGREE + 3),
        Row("ω", "one of two openings is wrong, not both together", 1),
    ]


def _rounds(row: Row) -> int:
    return int(row.challenges.split(": ")[1].split()[0]) if row.challenges.endswith("each") else 1
