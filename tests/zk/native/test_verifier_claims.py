"""Linear forms of columns, masks and S against sums over the tables that they speak of."""

from __future__ import annotations

import random
from itertools import product

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_accuracy_claims import Inference, input_claims
from pyml.zk.native.verifier_claims import Claims, Term, blinding, column, entries, libra_sum, libra_value, merged
from pyml.zk.native.verifier_field import eq_table, horner, inner
from pyml.zk.native.verifier_layout import layout_of
from pyml.zk.native.verifier_packing import ENTRIES_A_ROW, Place

RNG = random.Random(1)
DEGREES = [4, 4, 7]


def scalars(count: int) -> list[int]:
    return [RNG.randrange(R) for _ in range(count)]


def weights_over_the_cube(term: Term, variables: int) -> list[int]:
    """A term's weights at every index: what its extension extends."""
    return [term.weight([index >> place & 1 for place in range(variables)]) for index in range(1 << variables)]


def test_a_weight_is_the_extension_of_its_table() -> None:
    sigma = scalars(6)
    for term in (
        column("W", Place(0, 16, 3), scalars(3), 5),
        entries(Place(0, 32, 5), {3: 7, 20: 11}),
        blinding(RNG.randrange(R)),
    ):
        assert term.weight(sigma) == inner(weights_over_the_cube(term, 6), eq_table(sigma))


def test_the_weights_of_a_column_give_its_value() -> None:
    table, point = scalars(64), scalars(3)
    term = column("stage 1", Place(0, 16, 3), point, 5)
    assert inner(weights_over_the_cube(term, 6), table) == 5 * inner(table[16:24], eq_table(point)) % R


def p_of(row: list[list[int]], constant: int, x: list[int]) -> int:
    return (constant + sum(horner([0, *part], each) for part, each in zip(row, x, strict=True))) % R


def test_libra_forms_are_the_sum_and_the_value_of_the_mask() -> None:
    constant, parts, table = RNG.randrange(R), [scalars(degree) for degree in DEGREES], [0] * 128
    table[ENTRIES_A_ROW * 2] = constant
    for t, part in enumerate(parts):
        table[ENTRIES_A_ROW * (2 + t) + 1 : ENTRIES_A_ROW * (2 + t) + 1 + len(part)] = part
    total = sum(p_of(parts, constant, list(x)) for x in product((0, 1), repeat=3)) % R
    assert sum(factor * table[index] for index, factor in libra_sum(2, DEGREES).items()) % R == total
    point = scalars(3)
    value = sum(factor * table[index] for index, factor in libra_value(2, DEGREES, point).items()) % R
    assert value == p_of(parts, constant, point)


def test_s_has_a_linear_weight() -> None:
    theta = RNG.randrange(R)
    weights = weights_over_the_cube(blinding(theta), 3)
    assert weights == [(1 + sum(pow(theta, t + 1, R) for t in range(3) if index >> t & 1)) % R for index in range(8)]


def test_claims_are_weighed_by_powers_of_gamma() -> None:
    gamma, point = RNG.randrange(R), scalars(3)
    claims = Claims(gamma)
    first, second = column("W", Place(0, 0, 3), point), column("W", Place(0, 8, 3), point)
    claims.add(5, first)
    claims.add(7, second, entries(Place(0, 0, 4), {1: 3}))
    sigma = scalars(4)
    assert claims.total == (5 + 7 * gamma) % R
    assert claims.weights(sigma) == {
        ("W", 0): (first.weight(sigma) + gamma * second.weight(sigma)) % R,
        ("stage 1", 0): gamma * 3 * eq_table(sigma)[1] % R,
    }


def test_forms_of_k_add_up() -> None:
    assert merged([{1: 2, 3: 4}, {3: R - 1}]) == {1: 2, 3: 3}


def input_defects(features: list[int], entries_of_xi: list[int], rho: int) -> list[int]:
    """What is missing in the two claims of section 10 for d_0 = 3, when the contract read ``features``."""
    shape = Shape(1, (3, 4, 3), (2,), (1, 2), 5, 2, 8, 4, data_in_witness=True)
    layout, evaluation = layout_of(shape), horner([*features, 1], rho)
    table = entries_of_xi + [0] * (256 - len(entries_of_xi))
    return [
        (inner(weights_over_the_cube(term, 8), table) - value) % R
        for value, term in input_claims(layout, Inference(rho, evaluation, 0))
    ]


def test_the_input_is_the_one_that_was_evaluated() -> None:
    rho = RNG.randrange(R)
    assert input_defects([3, 1, 2], [3, 1, 2], rho) == [0, 0]
    assert input_defects([3, 1, 2], [3, 2, 2], rho)[0]


def test_an_input_of_another_length_is_refused() -> None:
    """Two features pass the first claim with XI_2 = 1 and −1 in the place of the bias; four with one in it."""
    rho = RNG.randrange(R)
    first, second = input_defects([3, 1], [3, 1, 1, R - 1], rho)
    assert (first, bool(second)) == (0, True)
    assert all(input_defects([3, 1, 2, 0], [3, 1, 2, R - 1], rho))
