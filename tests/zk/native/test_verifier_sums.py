"""Section 6 over the whole cube: an honest network's sums are what is claimed, and each broken relation moves them.

The columns are made here, from the relations N1 to N6, apart from the reference prover. At a corner of the cube a
column is an entry, so the sum of the summand over all corners must be λ^(L+5)·count, and SC-B's the target at ρ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_field import eq_table, inner, last
from pyml.zk.native.verifier_layout import layout_of, weight_layout_of
from pyml.zk.native.verifier_sums import (
    MainPoint,
    main_summand,
    product_summand,
    product_targets,
    valid,
    weights_summand,
    zero_extension,
)

SHAPE = Shape(3, (4, 3, 3), (2,), (2, 1), limb_bits=5, margin_limbs=2, degree=8, weight_bits=4)
LAYOUT = layout_of(SHAPE)
HALF, BASE = 1 << 4, 1 << 5
INPUTS = [[3, 0, 1, 2], [1, 3, 0, 1], [2, 2, 2, 0], [0, 0, 0, 0]]
FIRST = [[1, -2, 3], [4, -1, 2], [-3, 5, 1], [2, 2, -4], [1, -3, 2]]  # the last row is the bias
SECOND = [[2, -1, 3], [-2, 4, 1], [1, 1, -3], [3, 0, -2]]
RNG = random.Random(5)
ALPHA, BETA, LAMBDA, MU = (RNG.randrange(R) for _ in range(4))
TAU = [RNG.randrange(R) for _ in range(LAYOUT.v)]
Table = dict[tuple[int, ...], int]
"""Entries by sample and neuron, class, limb."""


@dataclass
class Columns:
    """What a prover commits to; zero where nothing is written."""

    l0: Table = field(default_factory=dict)
    l1: Table = field(default_factory=dict)
    r: Table = field(default_factory=dict)
    z: Table = field(default_factory=dict)
    ml: Table = field(default_factory=dict)
    c: Table = field(default_factory=dict)
    y: Table = field(default_factory=dict)
    count: int = 0


def honest() -> Columns:
    """N1 to N6 for INPUTS, three samples of four."""
    columns = Columns()
    for i, sample in enumerate(INPUTS):
        hidden = [inner_int([*sample, 2], [row[m] for row in FIRST]) for m in range(3)] + [0]
        for m, h in enumerate(hidden):
            low = (h << 3) + (1 << 9)
            columns.l0[i, m], columns.l1[i, m] = low % BASE, low // BASE
            columns.r[i, m] = max(columns.l1[i, m] - HALF, 0)
            assert columns.r[i, m] == max(h >> 2, 0)
        logits = [inner_int([*(columns.r[i, m] for m in range(3)), 1], [row[j] for row in SECOND]) for j in range(3)]
        columns.z.update({(i, j): z for j, z in enumerate(logits)})
    labels = [max(range(3), key=lambda j: columns.z[i, j]) for i in range(3)]
    labels[1] = (labels[1] + 1) % 3  # a wrong answer
    for i, label in enumerate(labels):
        columns.y[i, label] = 1
        margins = [columns.z[i, label] - columns.z[i, j] - 1 + (j == label) for j in range(3)]
        if min(margins) >= 0:
            columns.c[(i,)] = 1
            columns.count += 1
            columns.ml.update({(i, j, q): d >> 5 * q & 31 for j, d in enumerate(margins) for q in range(2)})
    assert columns.count == 2
    return columns


def inner_int(left: list[int], right: list[int]) -> int:
    return sum(a * b for a, b in zip(left, right, strict=True))


def table_row(a: int, b: int, tag: int) -> int:
    return (ALPHA + a + BETA * b + BETA * BETA * tag) % R


def inverse(value: int) -> int:
    return pow(value, -1, R)


def sum_over_the_cube(columns: Columns) -> int:
    """Σ of the summand without p_A, with the helpers that belong to these columns."""
    looked_up = [table_row(columns.l0[i, m], 0, 0) for i, m in product(range(4), range(4))]
    looked_up += [table_row(columns.l1[i, m], columns.r[i, m], 1) for i, m in product(range(4), range(4))]
    looked_up += [table_row(columns.ml.get((i, j, q), 0), 0, 0) for i, j, q in product(range(4), range(4), range(2))]
    rows = [table_row(t, 0, 0) for t in range(BASE)] + [table_row(u, max(u - HALF, 0), 1) for u in range(BASE)]
    total = 0
    for corner in product((0, 1), repeat=LAYOUT.v):
        at = MainPoint(ALPHA, BETA, TAU, LAMBDA, corner)
        i, m = index(last(corner, LAYOUT.ni)), index(last(corner, 4)[:2])  # neurons and classes are four both
        q, t = index(last(corner, 5)[:1]), index(last(corner, LAYOUT.table))
        l0, l1, r, ml = columns.l0[i, m], columns.l1[i, m], columns.r[i, m], columns.ml.get((i, m, q), 0)
        helper = inverse(table_row(l0, 0, 0)) + inverse(table_row(l1, r, 1))
        sent = {"G_1": helper, "L0_1": l0, "L1_1": l1, "R_1": r, "ML": ml, "c": columns.c.get((i,), 0)}
        sent |= {"Z": columns.z.get((i, m), 0), "Y": columns.y.get((i, m), 0), "GM": inverse(table_row(ml, 0, 0))}
        sent |= {"M": looked_up.count(rows[t]), "GT": looked_up.count(rows[t]) * inverse(rows[t])}
        total += main_summand(LAYOUT, at, sent)
    return total % R


def index(coordinates: Sequence[int]) -> int:
    return sum(bit << place for place, bit in enumerate(coordinates))


def is_claimed(columns: Columns) -> bool:
    return sum_over_the_cube(columns) == pow(LAMBDA, SHAPE.hidden_layers + 5, R) * columns.count % R


def test_an_honest_sum_is_the_count() -> None:
    assert LAYOUT.v == 6
    assert is_claimed(honest())


def low_limb(columns: Columns) -> None:
    columns.l0[0, 0] += BASE
    columns.l1[0, 0] -= 1


def relu(columns: Columns) -> None:
    columns.r[0, 0] += 1


def untagged(columns: Columns) -> None:
    """(31, 0) is a row of the table, but one without the tag of a ReLU."""
    columns.l1[0, 0], columns.r[0, 0] = 31, 0


def false_margin(columns: Columns) -> None:
    """The wrong answer is claimed, with a negative limb that makes N4 hold."""
    label = next(j for j in range(3) if columns.y.get((1, j)))
    columns.c[(1,)] = 1
    columns.count += 1
    for j in range(3):
        columns.ml[1, j, 0] = columns.z[1, label] - columns.z[1, j] - 1 + (j == label)


def empty_margin(columns: Columns) -> None:
    """The wrong answer is claimed, with limbs in range."""
    columns.c[(1,)] = 1
    columns.count += 1


def tie(columns: Columns) -> None:
    """Two logits are equal: the margin of the other class is −1."""
    label = next(j for j in range(3) if columns.y.get((0, j)))
    columns.z[0, (label + 1) % 3] = columns.z[0, label]


def no_bit(columns: Columns) -> None:
    """c = 2 with doubled margins counts an answer twice."""
    columns.c[(0,)] = 2
    columns.count += 1
    for j, q in product(range(3), range(2)):
        columns.ml[0, j, q] *= 2


def over_count(columns: Columns) -> None:
    columns.count += 1


def padded_row(columns: Columns) -> None:
    """Row 3 is no sample: its c may be anything in {0, 1} that satisfies N4, and is not counted."""
    columns.c[(3,)] = 1
    columns.count += 1


def class_beyond(columns: Columns) -> None:
    """A margin limb of a class that does not exist."""
    columns.ml[0, 3, 0] = 1


@pytest.mark.parametrize(
    "forge",
    [low_limb, relu, untagged, false_margin, empty_margin, tie, no_bit, over_count, padded_row, class_beyond],
)
def test_each_broken_relation_moves_the_sum(forge: Callable[[Columns], None]) -> None:
    columns = honest()
    forge(columns)
    assert not is_claimed(columns)


def test_claiming_less_is_allowed() -> None:
    columns = honest()
    columns.c[(0,)], columns.count = 0, columns.count - 1
    columns.ml = {place: limb for place, limb in columns.ml.items() if place[0] != 0}
    assert is_claimed(columns)


def product_values(columns: Columns, rho: list[int], corner: tuple[int, ...]) -> dict[str, int]:
    """Message 8 at a corner of SC-B's cube, without masks."""
    samples, outputs = eq_table(last(rho, 2)), eq_table(last(rho, 4)[:2])
    values = dict[str, int]()
    for layer, (weights, width) in enumerate(((FIRST, 4), (SECOND, 3)), start=1):
        k = index(last(corner, LAYOUT.nk[layer - 1]))
        entering = [INPUTS[i][k] if layer == 1 and k < width else columns.r.get((i, k), 0) for i in range(4)]
        if layer == 1 and k >= width:
            entering = [0] * 4
        extended = zero_extension(LAYOUT, layer, corner)
        assert extended == int(k < 1 << LAYOUT.input_variables[layer - 1])
        values["X" if layer == 1 else "R'_1"] = inner(samples, entering) * extended
        row = weights[k] if k <= width else [0] * 3
        values[f"W_{layer}"] = inner(outputs[:3], row)
    return values


def products_match(columns: Columns) -> bool:
    rho = [RNG.randrange(R) for _ in range(LAYOUT.v)]
    at_rho = eq_table(last(rho, 4))
    sent = {
        name: inner(at_rho, (table.get((place >> 2, place & 3), 0) for place in range(16)))
        for name, table in (("L0_1", columns.l0), ("L1_1", columns.l1), ("Z", columns.z))
    }
    claim = sum(pow(MU, k, R) * target for k, target in enumerate(product_targets(LAYOUT, sent))) % R
    corners = product((0, 1), repeat=LAYOUT.rounds_b)
    return claim == sum(product_summand(LAYOUT, MU, c, product_values(columns, rho, c)) for c in corners) % R


def test_products_are_the_pre_activations_and_the_logits() -> None:
    assert LAYOUT.nk == (3, 2)
    assert products_match(honest())


@pytest.mark.parametrize("forge", [low_limb, relu, tie])
def test_a_wrong_product_is_no_sum(forge: Callable[[Columns], None]) -> None:
    columns = honest()
    forge(columns)
    assert products_match(columns) == (forge is low_limb)  # a limb out of range is the lookup's business


def test_the_last_layer_reads_what_the_lookup_gave() -> None:
    columns = honest()
    columns.z[2, 1] += 1
    assert not products_match(columns)


WEIGHTS = weight_layout_of(SHAPE)


def weight_table() -> list[int]:
    """W: the layers' blocks as section 3 packs them, W_1 (2 + 3 variables) before W_2 (2 + 2)."""
    table = [0] * (1 << WEIGHTS.nw)
    for offset, rows in ((0, FIRST), (32, SECOND)):
        for k, row in enumerate(rows):
            table[offset + 4 * k : offset + 4 * k + 3] = row
    return table


def test_valid_is_where_weights_lie() -> None:
    inside = [valid(WEIGHTS, [place >> bit & 1 for bit in range(WEIGHTS.nw)]) for place in range(1 << WEIGHTS.nw)]
    expected = [0] * len(inside)
    for offset, inputs in ((0, 5), (32, 4)):
        for k, m in product(range(inputs), range(3)):
            expected[offset + 4 * k + m] = 1
    assert inside == expected
    sigma = [RNG.randrange(R) for _ in range(WEIGHTS.nw)]
    assert valid(WEIGHTS, sigma) == inner(inside, eq_table(sigma))


def weights_sum(table: list[int]) -> int:
    """Σ of section 9's summand without p_A."""
    shifted = [(ALPHA + entry + 8) % R for entry in table]
    rows = [(ALPHA + row) % R for row in range(16)]
    tau, total = [RNG.randrange(R) for _ in range(WEIGHTS.v)], 0
    for corner in product((0, 1), repeat=WEIGHTS.v):
        place, row = index(last(corner, WEIGHTS.nw)), index(last(corner, 4))
        found = shifted.count(rows[row])
        sent = {"GW": inverse(shifted[place]), "W": table[place], "GT": found * inverse(rows[row]), "M": found}
        total += weights_summand(WEIGHTS, MainPoint(ALPHA, BETA, tau, LAMBDA, corner), sent)
    return total % R


@pytest.mark.parametrize(("place", "entry"), [(0, 8), (0, -9), (3, 1), (20, 1), (35, 1), (48, 1), (63, R - 1)])
def test_weights_out_of_range_or_beside_the_layers_move_the_sum(place: int, entry: int) -> None:
    table = weight_table()
    assert weights_sum(table) == 0
    table[place] = entry
    assert weights_sum(table) != 0
