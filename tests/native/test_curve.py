"""Points against the project's own group arithmetic, keccak, hashing to the curve, and refused encodings."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import G1, add_g1, hash_to_g1, multiply_g1
from pyml.zk.native.core import Core
from pyml.zk.native.generator import H

INFINITY = bytes(64)
same_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
scalars = st.integers(0, 3) | st.integers(0, SCALAR_MODULUS - 1) | st.sampled_from([SCALAR_MODULUS - 1, 2**253])


def encoded(point: Point | None) -> bytes:
    return point.encode() if point else INFINITY


@same_path
@given(a=scalars, b=scalars)
@example(a=0, b=0)
@example(a=0, b=5)
@example(a=7, b=7)
@example(a=7, b=SCALAR_MODULUS - 7)
def test_group_law(any_path: Core, a: int, b: int) -> None:
    p, q = multiply_g1(G1, a), multiply_g1(G1, b)
    assert any_path.point_multiply(G1.encode(), a.to_bytes(32, "big")) == encoded(p)
    assert any_path.point_add(encoded(p), encoded(q)) == encoded(add_g1(p, q))
    assert any_path.point_add(encoded(p), any_path.point_negate(encoded(p))) == INFINITY


@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=bytes(135))
@example(data=bytes(136))
@example(data=bytes(137))
@example(data=bytes(272))
def test_keccak(core: Core, data: bytes) -> None:
    assert core.keccak256(data) == keccak(data)


def test_the_blinding_generator_is_that_of_the_protocol(any_path: Core) -> None:
    assert any_path.blinding_generator() == H.encode()


@given(seed=st.binary(max_size=40))
def test_hashing_to_the_curve(core: Core, seed: bytes) -> None:
    assert core.hash_to_curve(seed) == hash_to_g1(seed)[0].encode()


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")


NOT_POINTS = {
    "off the curve": _word(1) + _word(3),
    "x only": _word(1) + _word(0),
    "y only": _word(0) + _word(2),
    "x not reduced": _word(1 + FIELD_MODULUS) + _word(2),
    "y not reduced": _word(1) + _word(2 + FIELD_MODULUS),
    "infinity not reduced": _word(FIELD_MODULUS) + _word(0),
    "little-endian": (1).to_bytes(32, "little") + (2).to_bytes(32, "little"),
    "all ones": b"\xff" * 64,
}


@pytest.mark.parametrize("data", NOT_POINTS.values(), ids=NOT_POINTS)
def test_what_is_not_a_canonical_point_is_refused(any_path: Core, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^p is not a point of the curve$"):
        any_path.point_negate(data)
    with pytest.raises(ValueError, match=r"^points is not a point of the curve at place 1$"):
        any_path.msm(G1.encode() + data, any_path.vec_powers("fr", _word(2), 2))


@pytest.mark.parametrize("length", [0, 32, 63, 65, 128])
def test_points_of_another_length_are_refused(core: Core, length: int) -> None:
    with pytest.raises(ValueError, match=f"^p must have 64 bytes, not {length}$"):
        core.point_negate(bytes(length))


@given(bit=st.integers(0, 511))
def test_a_flipped_bit_leaves_the_curve(core: Core, bit: int) -> None:
    data = bytearray(H.encode())
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match=r"^p is not a point of the curve$"):
        core.point_negate(bytes(data))
