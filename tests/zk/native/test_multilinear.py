"""Tables and their extensions: variable 0 is the lowest bit, and is bound first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.reference.multilinear import (
    bits,
    eq,
    eq_table,
    evaluate,
    fold,
    inner,
    invert_all,
    repeat_low,
)
from pyml.zk.native.reference.univariate import add, divide_by_root, horner, interpolate, multiply, scale

SCALARS = st.integers(0, R - 1)


@given(st.lists(SCALARS, min_size=8, max_size=8), st.lists(SCALARS, min_size=3, max_size=3))
def test_an_evaluation_is_the_sum_over_the_cube(table: list[int], point: list[int]) -> None:
    by_sum = sum(entry * eq(bits(index, 3), point) for index, entry in enumerate(table)) % R
    assert evaluate(table, point) == by_sum == inner(table, eq_table(point))
    assert evaluate(fold(table, point[0]), point[1:]) == by_sum
    assert evaluate(repeat_low(table, 2), [5, 7, *point]) == by_sum


def test_the_first_coordinate_is_the_lowest_bit() -> None:
    assert evaluate([10, 11, 12, 13], [1, 0]) == 11
    assert eq_table([1, 0]) == [0, 1, 0, 0]
    assert bits(6, 4) == [0, 1, 1, 0]


def test_a_point_of_another_length_is_refused() -> None:
    with pytest.raises(AssertionError):
        evaluate([1, 2, 3, 4], [5])


@given(st.lists(st.integers(1, R - 1), max_size=6))
def test_inverses_are_inverses(values: list[int]) -> None:
    assert [a * b % R for a, b in zip(values, invert_all(values), strict=True)] == [1] * len(values)


def test_zero_has_no_inverse() -> None:
    with pytest.raises(ValueError, match="not invertible"):
        invert_all([3, 0])


@given(st.lists(SCALARS, min_size=1, max_size=6), SCALARS)
def test_division_by_a_root_leaves_the_value(coefficients: list[int], root: int) -> None:
    quotient = divide_by_root(coefficients, root)
    back = add(multiply(quotient, [-root, 1]), [horner(coefficients, root)])
    assert back[: len(coefficients)] == coefficients
    assert not any(back[len(coefficients) :])


@given(st.lists(SCALARS, min_size=4, max_size=4))
def test_interpolation_goes_through_its_points(values: list[int]) -> None:
    coefficients = interpolate([3, 0, 7, R - 1], values)
    assert [horner(coefficients, x) for x in (3, 0, 7, R - 1)] == values
    assert [horner(scale(2, coefficients), x) for x in (3, 0)] == [2 * value % R for value in values[:2]]
