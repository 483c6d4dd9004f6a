"""Many multiples of the generator at once: known points, coincurve's own way, and numbers that are none."""

from __future__ import annotations

import pytest
from coincurve import PublicKey
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.libsecp256k1 import multiply_generator
from pyml.crypto.secp256k1 import ORDER

GENERATOR = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
"""x of G (SEC 2, section 2.4.1)."""


def scalars(*numbers: int) -> list[bytes]:
    return [number.to_bytes(32, "big") for number in numbers]


def test_one_and_its_opposite_give_the_generator_and_its_opposite() -> None:
    assert [point.hex() for point in multiply_generator(scalars(1, ORDER - 1))] == ["02" + GENERATOR, "03" + GENERATOR]
    assert multiply_generator([]) == []


@given(st.lists(st.integers(1, ORDER - 1), max_size=5))
def test_each_is_as_coincurve_makes_it_alone(numbers: list[int]) -> None:
    rows = scalars(*numbers)
    assert multiply_generator(rows) == [PublicKey.from_valid_secret(row).format() for row in rows]


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_numbers_out_of_range_give_no_point(number: int) -> None:
    with pytest.raises(ValueError, match=r"^a number that is multiplied is 0, or n or more$"):
        multiply_generator(scalars(1, number, 2))
