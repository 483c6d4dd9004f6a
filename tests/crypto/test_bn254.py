"""Points and field elements against an independent implementation, the engine, and hostile bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import (
    FIELD_MODULUS,
    SCALAR_MODULUS,
    Point,
    decode_felt,
    decode_point,
    decompress_point,
    encode_felt,
)
from pyml.errors import InputError

GENERATOR = Point(1, 2)
# 2·G and 3·G as EIP-196's precompile gives them.
DOUBLE = Point(
    0x030644E72E131A029B85045B68181585D97816A916871CA8D3C208C16D87CFD3,
    0x15ED738C0E0A7C92E7845F96B2AE9C0A68A6A449E3538FC7FF3EBF7A5A18A2C4,
)
TRIPLE = Point(
    0x0769BF9AC56BEA3FF40232BCB1B6BD159315D84715B8E679F2D355961915ABF0,
    0x2AB799BEE0489429554FDB7C8D086475319E63B40B9C5B57CDF1FF3DD9FE2261,
)


def affine_sum(first: Point, second: Point) -> Point:
    """The chord-and-tangent law by its textbook formulas; for points whose sum is finite."""
    if first == second:
        slope = 3 * first.x**2 * pow(2 * first.y, -1, FIELD_MODULUS)
    else:
        slope = (second.y - first.y) * pow(second.x - first.x, -1, FIELD_MODULUS)
    x = (slope**2 - first.x - second.x) % FIELD_MODULUS
    return Point(x, (slope * (first.x - x) - first.y) % FIELD_MODULUS)


def multiple(scalar: int) -> Point:
    """scalar·G for 0 < scalar < r, by doubling."""
    result: Point | None = None
    power = GENERATOR
    while scalar:
        if scalar & 1:
            result = power if result is None else affine_sum(result, power)
        scalar >>= 1
        if scalar:
            power = affine_sum(power, power)
    assert result is not None
    return result


def compress(point: Point) -> bytes:
    return (point.x | (point.y & 1) << 255).to_bytes(32, "little")


SCALARS = st.integers(1, SCALAR_MODULUS - 1)


def test_known_multiples() -> None:
    assert multiple(2) == DOUBLE
    assert multiple(3) == TRIPLE
    assert multiple(SCALAR_MODULUS - 1) == Point(1, FIELD_MODULUS - 2)  # -G: r is the order


@given(SCALARS)
def test_multiples_agree_with_py_ecc(scalar: int) -> None:
    bn128 = pytest.importorskip("py_ecc.bn128")
    x, y = bn128.multiply(bn128.G1, scalar)
    assert multiple(scalar) == Point(int(x), int(y))


@given(SCALARS)
def test_both_encodings_round_trip(scalar: int) -> None:
    point = multiple(scalar)
    assert decode_point(point.encode()) == point
    assert decompress_point(compress(point)) == point
    negative = Point(point.x, FIELD_MODULUS - point.y)
    assert decompress_point(compress(negative)) == negative
    assert compress(negative) != compress(point)


def test_the_uncompressed_form_is_that_of_eip_196() -> None:
    assert GENERATOR.encode() == bytes(31) + b"\x01" + bytes(31) + b"\x02"
    assert decode_point(bytes(31) + b"\x01" + bytes(31) + b"\x02") == GENERATOR


@given(st.binary(min_size=64, max_size=64))
def test_bytes_are_a_point_or_refused(data: bytes) -> None:
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    if x < FIELD_MODULUS and y < FIELD_MODULUS and (y * y - x**3 - 3) % FIELD_MODULUS == 0:
        assert decode_point(data) == Point(x, y)
    else:
        with pytest.raises(InputError, match=r"a coordinate is not reduced|a point is not on the BN254 curve"):
            decode_point(data)


@given(SCALARS, st.integers(0, 511))
def test_a_flipped_bit_is_another_point_or_refused(scalar: int, bit: int) -> None:
    data = bytearray(multiple(scalar).encode())
    data[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(InputError, match=r"a coordinate is not reduced|a point is not on the BN254 curve"):
        decode_point(bytes(data))  # one coordinate alone never leads to another point by a bit (y² and x³ are fixed)


@pytest.mark.parametrize(
    ("x", "y", "problem"),
    [
        (1, 3, "a point is not on the BN254 curve"),
        (0, 0, "a point is not on the BN254 curve"),
        (1 + FIELD_MODULUS, 2, "a coordinate is not reduced"),
        (1, 2 + FIELD_MODULUS, "a coordinate is not reduced"),
        (-1, 2, "a coordinate is not reduced"),
        (1, 2 - FIELD_MODULUS, "a coordinate is not reduced"),
    ],
)
def test_pairs_off_the_curve_are_refused(x: int, y: int, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Point(x, y)


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_wrong_lengths_are_refused(length: int) -> None:
    with pytest.raises(InputError, match="a point has the wrong length") as refusal:
        decode_point(bytes(length))
    assert (refusal.value.expected, refusal.value.got) == ("64 bytes", length)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (bytes(31), "a compressed point has the wrong length"),
        (bytes(33), "a compressed point has the wrong length"),
        ((1 << 254).to_bytes(32, "little"), "a commitment is the point at infinity"),
        ((1 | 1 << 254).to_bytes(32, "little"), "a commitment is the point at infinity"),
        ((1 << 255 | 1 << 254).to_bytes(32, "little"), "a commitment is the point at infinity"),
        ((4).to_bytes(32, "little"), "a compressed point is not on the BN254 curve"),  # 67 is no square
        ((FIELD_MODULUS + 1).to_bytes(32, "little"), "a coordinate is not reduced"),
    ],
)
def test_bad_compressed_points_are_refused(data: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        decompress_point(data)


@given(st.integers())
def test_field_elements_round_trip_modulo_r(value: int) -> None:
    assert decode_felt(encode_felt(value)) == value % SCALAR_MODULUS
    assert len(encode_felt(value)) == 64


def test_field_elements_are_little_endian() -> None:
    assert encode_felt(1) == "01" + "00" * 31
    assert encode_felt(-1) == (SCALAR_MODULUS - 1).to_bytes(32, "little").hex()


@pytest.mark.parametrize(
    "text",
    [
        "", "01", "zz" * 32, "00" * 31, "00" * 33, SCALAR_MODULUS.to_bytes(32, "little").hex(), "ff" * 32,
        "0x" + "00" * 32,
    ],
)  # fmt: skip
def test_what_is_no_field_element_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="a field element is not"):
        decode_felt(text)


def test_moduli_are_those_of_the_curve() -> None:
    # BN parameter u: q = 36u⁴ + 36u³ + 24u² + 6u + 1, r = q - 6u².
    u = 4965661367192848881
    assert 36 * u**4 + 36 * u**3 + 24 * u**2 + 6 * u + 1 == FIELD_MODULUS
    assert FIELD_MODULUS - 6 * u**2 == SCALAR_MODULUS
