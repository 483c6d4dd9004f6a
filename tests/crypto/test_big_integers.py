"""GMP's numbers against Python's."""

from __future__ import annotations

from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.big_integers import (
    big,
    common_divisor,
    inverse,
    is_probable_prime,
    power,
    powers,
    product,
    products,
    read_big,
)

numbers = st.integers(1, 2**300)
moduli = st.integers(3, 2**300).map(lambda value: value | 1)


@given(base=numbers, exponent=st.integers(0, 2**200), modulus=moduli)
def test_powers_are_pythons(base: int, exponent: int, modulus: int) -> None:
    assert power(base, exponent, modulus) == pow(base, exponent, modulus)
    assert powers([base, base + 1], exponent, modulus) == [
        pow(base, exponent, modulus),
        pow(base + 1, exponent, modulus),
    ]


@given(value=numbers, modulus=moduli)
def test_an_inverse_multiplies_to_one_or_does_not_exist(value: int, modulus: int) -> None:
    assert common_divisor(value, modulus) == gcd(value, modulus)
    if gcd(value, modulus) == 1:
        assert inverse(value, modulus) * value % modulus == 1
    else:
        with pytest.raises(ZeroDivisionError):
            inverse(value, modulus)


@given(rows=st.lists(st.tuples(numbers, numbers), min_size=1, max_size=5), modulus=moduli)
def test_products_are_those_of_all_factors(rows: list[tuple[int, int]], modulus: int) -> None:
    expected = [1 % modulus, 1 % modulus]
    for row in rows:
        expected = [left * right % modulus for left, right in zip(expected, row, strict=True)]
    assert [value % modulus for value in products(rows, modulus)] == expected
    assert product([row[0] for row in rows], modulus) % modulus == expected[0]


def test_bytes_are_read_big_endian_and_strings_of_zeros_are_zero() -> None:
    assert read_big(b"\x01\x00") == 256
    assert read_big(b"") == 0 == big(0)


@pytest.mark.parametrize("value", [0, 1, 4, 561, 2**127 - 3, 3215031751])
def test_numbers_that_are_not_prime_are_not_taken_for_such(value: int) -> None:
    assert not is_probable_prime(value)
    assert is_probable_prime(2**127 - 1)
