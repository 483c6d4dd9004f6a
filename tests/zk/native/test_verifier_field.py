"""Closed forms against sums over the cube."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.verifier_field import (
    below,
    eq,
    eq_at,
    eq_table,
    geometric,
    geometric_below,
    horner,
    inner,
    invert,
    last,
    lg,
)

scalars = st.integers(0, R - 1)
points = st.lists(scalars, min_size=0, max_size=5)


def bits(index: int, count: int) -> list[int]:
    return [index >> place & 1 for place in range(count)]


def test_lg_is_the_ceiling() -> None:
    assert [lg(count) for count in (1, 2, 3, 4, 5, 8, 9, 1024, 1025)] == [0, 1, 2, 2, 3, 3, 4, 10, 11]


def test_the_last_of_none_is_empty() -> None:
    assert list(last([1, 2, 3], 0)) == []
    assert list(last([1, 2, 3], 2)) == [2, 3]


@given(points)
def test_eq_at_is_eq_of_the_bits(point: list[int]) -> None:
    for index, entry in enumerate(eq_table(point)):
        assert entry == eq_at(index, point) == eq(bits(index, len(point)), point)


def test_variable_0_is_the_lowest_bit() -> None:
    assert eq_table([5, 7]) == [(1 - 5) * (1 - 7) % R, 5 * (1 - 7) % R, (1 - 5) * 7 % R, 35]


def test_an_index_outside_the_cube_is_refused() -> None:
    with pytest.raises(ValueError, match="4 has more than 2 bits"):
        eq_at(4, [1, 2])


@given(points, scalars, st.integers(0, 40))
def test_sums_below_a_bound(point: list[int], ratio: int, bound: int) -> None:
    table = eq_table(point)
    assert geometric(ratio, point) == sum(pow(ratio, k, R) * entry for k, entry in enumerate(table)) % R
    expected = sum(pow(ratio, k, R) * entry for k, entry in enumerate(table[:bound])) % R
    assert geometric_below(bound, ratio, point) == expected
    assert below(bound, point) == sum(table[:bound]) % R


@given(points, scalars)
def test_horner_and_inner(values: list[int], x: int) -> None:
    assert horner(values, x) == inner(values, [pow(x, k, R) for k in range(len(values))])


def test_there_is_no_inverse_of_zero() -> None:
    assert invert(3) * 3 % R == 1
    with pytest.raises(ValueError, match="not invertible"):
        invert(R)
