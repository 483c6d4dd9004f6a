"""SC-A: the lookup, the margins, the count and the answers' bits as terms of one sum.

Source: ``circuits/native_accuracy/SPEC.md``, sections 4 (N2 to N6) and 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.layout import Layout
from pyml.zk.native.reference.multilinear import eq_table, repeat_low
from pyml.zk.native.reference.sumcheck import Term

Columns = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class LookupChallenges:
    """α and β."""

    alpha: int
    beta: int

    def limb(self, value: int) -> int:
        """Denominator of (value, 0, 0)."""
        return (self.alpha + value) % R

    def activation(self, high: int, output: int) -> int:
        """Denominator of (high, output, 1)."""
        return (self.alpha + high + self.beta * output + self.beta**2) % R


def lookup_table(layout: Layout, lookup: LookupChallenges) -> list[int]:
    """DT: the denominator of every row of the table."""
    size = 1 << layout.shape.limb_bits
    limbs = [lookup.limb(row) for row in range(size)]
    return limbs + [lookup.activation(row, max(row - size // 2, 0)) for row in range(size)]


@dataclass(frozen=True, slots=True)
class ConstraintChallenges:
    """What SC-A is about: α, β, τ, λ."""

    lookup: LookupChallenges
    tau: tuple[int, ...]
    lam: int

    def eq(self, variables: int) -> list[int]:
        """eq(x, τ) over the last variables."""
        return eq_table(self.tau[len(self.tau) - variables :])


def constraint_terms(
    layout: Layout, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges
) -> list[Term]:
    """The summand of SC-A without p_A; ``columns`` has Z and Y too."""
    layers = [_layer_term(layout, layer, columns, masks, challenges) for layer in layout.hidden_layers]
    return [
        *layers,
        _margin_term(layout, columns, masks, challenges),
        _table_term(layout, columns, masks, challenges),
        _choice_term(layout, columns, masks, challenges),
        _bit_term(layout, columns, masks, challenges),
    ]


def _layer_term(
    layout: Layout, layer: int, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges
) -> Term:
    """N2 for L0, N3: G = 1/D0 + 1/D1."""
    lookup, factor = challenges.lookup, pow(challenges.lam, layer, R)

    def value(entry: Sequence[int]) -> int:
        g, low, high, output, eq = entry
        d0, d1 = lookup.limb(low), lookup.activation(high, output)
        return g + factor * eq % R * (g * d0 % R * d1 - d0 - d1)

    names = [f"{name}_{layer}" for name in ("G", "L0", "L1", "R")]
    eq = challenges.eq(layout.nh(layer) + layout.ni)
    return Term(value, [*(columns[name] for name in names), eq], [masks[name] for name in names])


def _margin_term(layout: Layout, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges) -> Term:
    """N2 for ML: GM = 1/(α + ML); and the right-hand side of N4."""
    lookup, lam, shape = challenges.lookup, challenges.lam, layout.shape
    helper, margin = pow(lam, layout.hidden + 1, R), pow(lam, layout.hidden + 3, R)
    places = [1 << shape.limb_bits * q if q < shape.margin_limbs else 0 for q in range(1 << layout.nq)]
    weight = [eq * place % R for eq in challenges.eq(layout.logits) for place in places]

    def value(entry: Sequence[int]) -> int:
        g, limb, eq, w = entry
        return g + helper * eq % R * (g * lookup.limb(limb) - 1) - margin * w % R * limb

    eq = challenges.eq(layout.nq + layout.logits)
    return Term(value, [columns["GM"], columns["ML"], eq, weight], [masks["GM"], masks["ML"]])


def _table_term(layout: Layout, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges) -> Term:
    """GT = M / DT."""
    factor = pow(challenges.lam, layout.hidden + 2, R)

    def value(entry: Sequence[int]) -> int:
        g, count, denominator, eq = entry
        return -g + factor * eq % R * (g * denominator - count)

    table = lookup_table(layout, challenges.lookup)
    return Term(value, [columns["GT"], columns["M"], table, challenges.eq(layout.table)], [masks["GT"], masks["M"]])


def _choice_term(layout: Layout, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges) -> Term:
    """The left-hand side of N4, and N6."""
    lam, classes = challenges.lam, layout.shape.widths[-1]
    margin, count = pow(lam, layout.hidden + 3, R), pow(lam, layout.hidden + 5, R)
    of_class = eq_table(challenges.tau[len(challenges.tau) - layout.logits :][: layout.nc])
    of_class[classes:] = [0] * (len(of_class) - classes)
    a = sum(of_class) % R
    share = a * pow(1 << layout.nc, -1, R) % R

    def value(entry: Sequence[int]) -> int:
        c, z, y, eq, e = entry
        return c * (margin * eq % R * ((a * y - e) % R * z + e * y - share) + count * y)

    tables = [
        repeat_low(columns["c"], layout.nc),
        columns["Z"],
        columns["Y"],
        repeat_low(challenges.eq(layout.ni), layout.nc),
        of_class * (1 << layout.ni),
    ]
    return Term(value, tables, [masks["c"], masks["Z"]])


def _bit_term(layout: Layout, columns: Columns, masks: Mapping[str, int], challenges: ConstraintChallenges) -> Term:
    """N5."""
    factor = pow(challenges.lam, layout.hidden + 4, R)

    def value(entry: Sequence[int]) -> int:
        c, eq = entry
        return factor * eq % R * (c * c - c)

    return Term(value, [columns["c"], challenges.eq(layout.ni)], [masks["c"]])
