"""Products of powers and tables against the definition."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.multi_power import FixedBase, product_of_powers
from pyml.errors import InputError

MODULUS = 2**521 - 1


def by_definition(bases: list[int], exponents: list[int], modulus: int) -> int:
    result = 1 % modulus
    for base, exponent in zip(bases, exponents, strict=True):
        result = result * pow(base, exponent, modulus) % modulus
    return result


@given(st.lists(st.tuples(st.integers(0, 2**300), st.integers(0, 2**140)), max_size=40))
def test_a_product_of_powers_is_the_product_of_the_powers(pairs: list[tuple[int, int]]) -> None:
    bases, exponents = [base for base, _ in pairs], [exponent for _, exponent in pairs]
    assert product_of_powers(bases, exponents, MODULUS) == by_definition(bases, exponents, MODULUS)


@pytest.mark.parametrize("exponents", [[0] * 9, [1] * 9, [0] * 8 + [2**128 - 1], list(range(9))])
def test_exponents_at_the_ends_of_windows(exponents: list[int]) -> None:
    bases = list(range(2, 11))
    assert product_of_powers(bases, exponents, MODULUS) == by_definition(bases, exponents, MODULUS)


def test_many_bases_use_wide_windows() -> None:
    generator = random.Random(1)
    bases = [generator.randrange(MODULUS) for _ in range(700)]
    exponents = [generator.getrandbits(128) for _ in bases]
    assert product_of_powers(bases, exponents, MODULUS) == by_definition(bases, exponents, MODULUS)


def test_each_base_needs_an_exponent() -> None:
    with pytest.raises(InputError, match=r"^each base needs an exponent; expected 2; got 1$"):
        product_of_powers([1, 2], [3], MODULUS)


@given(exponent=st.integers(0, 2**70 - 1), width=st.integers(1, 9))
def test_a_table_gives_the_power(exponent: int, width: int) -> None:
    assert FixedBase(7, MODULUS, bits=70, width=width).power(exponent) == pow(7, exponent, MODULUS)


@pytest.mark.parametrize("exponent", [-1, 2**70])
def test_a_table_refuses_exponents_beyond_it(exponent: int) -> None:
    with pytest.raises(InputError, match=r"^an exponent is out of the table's range"):
        FixedBase(7, MODULUS, bits=70).power(exponent)
