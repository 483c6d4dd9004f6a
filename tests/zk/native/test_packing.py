"""Columns laid end to end: disjoint, aligned, largest first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import CircuitError
from pyml.zk.native.packing import lg, pack


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9), st.integers(0, 2))
def test_columns_are_aligned_disjoint_and_leave_no_gap(variables: list[int], first: int) -> None:
    degree = 6
    packing = pack([(f"c{place}", count) for place, count in enumerate(variables)], degree, first)
    taken = set[int]()
    for column in packing.columns:
        assert column.offset % column.size == 0
        start = (column.polynomial - first << degree) + column.offset
        assert start + column.size <= packing.polynomials << degree
        entries = set(range(start, start + column.size))
        assert not entries & taken
        taken |= entries
    assert taken == set(range(sum(1 << count for count in variables)))
    assert [column.variables for column in packing.columns] == sorted(variables, reverse=True)


def test_equal_sizes_keep_their_order() -> None:
    packing = pack([("a", 1), ("b", 3), ("c", 1), ("d", 3)], 3)
    assert [column.name for column in packing.columns] == ["b", "d", "a", "c"]
    assert [column.polynomial for column in packing.columns] == [0, 1, 2, 2]
    assert packing["c"].offset == 2
    assert packing.polynomials == 3


def test_a_column_larger_than_a_polynomial_is_refused() -> None:
    with pytest.raises(CircuitError) as refused:
        pack([("a", 5)], 4)
    assert refused.value.problem == "column a does not fit a polynomial"
    assert (refused.value.expected, refused.value.got) == ("at most 2^4", "2^5")


@pytest.mark.parametrize(("number", "logarithm"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_logarithms_are_rounded_up(number: int, logarithm: int) -> None:
    assert lg(number) == logarithm
