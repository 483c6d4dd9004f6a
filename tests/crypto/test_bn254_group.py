"""Both groups of BN254 against py_ecc, and hashing to the first."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import bn128

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import G1, PointG2, add_g1, combine_g1, hash_to_g1, multiply_g1, multiply_g2
from pyml.errors import InputError

scalars = st.integers(0, SCALAR_MODULUS - 1)
ECC = cast("Any", bn128)


def oracle_g1(scalar: int) -> tuple[int, int] | None:
    found = ECC.multiply(ECC.G1, scalar)
    return None if found is None else (int(found[0]), int(found[1]))


def coordinates(point: Point | None) -> tuple[int, int] | None:
    return None if point is None else (point.x, point.y)


@given(scalars)
def test_multiples_of_the_generator_are_the_oracles(scalar: int) -> None:
    assert coordinates(multiply_g1(G1, scalar)) == oracle_g1(scalar)


@given(scalars, scalars)
def test_scalars_add(a: int, b: int) -> None:
    assert add_g1(multiply_g1(G1, a), multiply_g1(G1, b)) == multiply_g1(G1, a + b)


@given(scalars)
def test_a_point_and_its_opposite_cancel(a: int) -> None:
    assert add_g1(multiply_g1(G1, a), multiply_g1(G1, -a)) is None
    doubled = multiply_g1(G1, 2 * a)
    assert add_g1(multiply_g1(G1, a), multiply_g1(G1, a)) == doubled


@given(st.lists(st.tuples(scalars, scalars), max_size=4))
def test_a_combination_is_the_sum_of_its_multiples(terms: list[tuple[int, int]]) -> None:
    points = [multiply_g1(G1, logarithm) or G1 for logarithm, _ in terms]
    expected = None
    for point, (_, scalar) in zip(points, terms, strict=True):
        expected = add_g1(expected, multiply_g1(point, scalar))
    assert combine_g1(points, [scalar for _, scalar in terms]) == expected


def test_a_combination_may_cancel_or_double() -> None:
    assert combine_g1([], []) is None
    assert combine_g1([G1, G1], [5, SCALAR_MODULUS - 5]) is None
    assert combine_g1([G1, G1], [5, 5]) == multiply_g1(G1, 10)


def test_the_order_gives_infinity() -> None:
    assert multiply_g1(G1, SCALAR_MODULUS) is None
    assert add_g1(None, None) is None
    assert add_g1(None, G1) == G1 == add_g1(G1, None)
    with pytest.raises(InputError, match=r"^the scalar gives the point at infinity$"):
        multiply_g2(SCALAR_MODULUS)


@pytest.mark.parametrize("scalar", [1, 2, 3, 2**128 + 1, SCALAR_MODULUS - 1])
def test_multiples_in_the_second_group_are_the_oracles(scalar: int) -> None:
    expected = ECC.multiply(ECC.G2, scalar)
    found = multiply_g2(scalar)
    assert found.x == tuple(int(part) for part in expected[0].coeffs)
    assert found.y == tuple(int(part) for part in expected[1].coeffs)


def test_encoding_is_that_of_eip_197() -> None:
    data = multiply_g2(1).encode()
    assert int.from_bytes(data[:32], "big") == int(ECC.G2[0].coeffs[1])
    assert int.from_bytes(data[32:64], "big") == int(ECC.G2[0].coeffs[0])


@given(st.binary(max_size=64))
def test_a_hash_is_the_first_point_found(seed: bytes) -> None:
    point, counter = hash_to_g1(seed)
    assert point.y % 2 == 0
    assert 0 <= counter < 200
    assert hash_to_g1(seed) == (point, counter)


def test_hashes_of_different_seeds_differ() -> None:
    points = {hash_to_g1(bytes([byte]))[0] for byte in range(64)}
    assert len(points) == 64
    assert len({hash_to_g1(bytes([byte]))[1] for byte in range(64)}) > 2


def test_points_off_the_twist_are_refused() -> None:
    good = multiply_g2(5)
    with pytest.raises(InputError, match=r"^a point is not on the twist of BN254$"):
        PointG2(good.x, (good.y[0] ^ 1, good.y[1]))
    with pytest.raises(InputError, match=r"^a coordinate is not reduced modulo the BN254 base field$"):
        PointG2((good.x[0] + FIELD_MODULUS, good.x[1]), good.y)
