"""Arithmetic in both groups of BN254, and hashing to the first: what makes tags that a contract can check.

Sources: EIP-196 and EIP-197 (curve, twist, generators, encodings); Jacobian formulas "dbl-2009-l" and "add-2007-bl" of
the Explicit-Formulas Database. Pairings are the business of the EVM's precompile. Not constant in time.

``hash_to_g1`` tries x = keccak256(seed ‖ counter) mod q for counter 0, 1, … until x³ + 3 is a square, and takes the
even root. A contract repeats that with one modular power an attempt, two attempts on average. The order of G1 is prime,
so every point of the curve is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from pyml.crypto.big_integers import big, inverse, power
from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS, Point
from pyml.crypto.challenges import word
from pyml.errors import InputError

G1: Final = Point(1, 2)

Fp2 = tuple[int, int]
"""real + imaginary · i with i² = -1."""


@dataclass(frozen=True, slots=True)
class PointG2:
    """A finite point of G2, on the twist y² = x³ + 3/(9+i)."""

    x: Fp2
    y: Fp2

    def __post_init__(self) -> None:
        if not all(0 <= part < FIELD_MODULUS for part in (*self.x, *self.y)):
            raise InputError("a coordinate is not reduced modulo the BN254 base field")
        cubed = _add2(_mul2(_mul2(self.x, self.x), self.x), _TWIST_B)
        if _mul2(self.y, self.y) != cubed:
            raise InputError("a point is not on the twist of BN254")

    def encode(self) -> bytes:
        """EIP-197's order: imaginary part first, x before y, 32 bytes each."""
        return b"".join(word(int(part)) for part in (self.x[1], self.x[0], self.y[1], self.y[0]))


def multiply_g1(point: Point, scalar: int) -> Point | None:
    """``scalar`` times a point; ``None`` is the point at infinity."""
    result: _Jacobian = _INFINITY
    addend: _Jacobian = (big(point.x), big(point.y), big(1))
    scalar %= SCALAR_MODULUS
    while scalar:
        if scalar & 1:
            result = _add(result, addend)
        addend = _double(addend)
        scalar >>= 1
    return _affine(result)


def add_g1(left: Point | None, right: Point | None) -> Point | None:
    """The sum of two points, either of which may be infinity."""
    if left is None or right is None:
        return right if left is None else left
    return _affine(_add((big(left.x), big(left.y), big(1)), (big(right.x), big(right.y), big(1))))


def combine_g1(points: Sequence[Point], scalars: Sequence[int]) -> Point | None:
    """The sum of all scalars times their points (Straus: the doublings are shared); ``None`` is infinity."""
    terms = [
        (scalar % SCALAR_MODULUS, (big(point.x), big(point.y), big(1)))
        for point, scalar in zip(points, scalars, strict=True)
    ]
    result: _Jacobian = _INFINITY
    for place in reversed(range(SCALAR_MODULUS.bit_length())):
        result = _double(result)
        for scalar, addend in terms:
            if scalar >> place & 1:
                result = _add(result, addend)
    return _affine(result)


def multiply_g2(scalar: int) -> PointG2:
    """``scalar`` times EIP-197's generator of G2; raises ``InputError`` for a multiple of the group's order."""
    scalar %= SCALAR_MODULUS
    if scalar == 0:
        raise InputError("the scalar gives the point at infinity")
    result: tuple[Fp2, Fp2] | None = None
    for bit in bin(scalar)[2:]:
        if result is not None:
            result = _chord2(result, result)
        if bit == "1":
            result = _G2 if result is None else _chord2(result, _G2)
    if result is None:
        raise AssertionError("a nonzero scalar has a bit")
    return PointG2(_plain(result[0]), _plain(result[1]))


def hash_to_g1(seed: bytes) -> tuple[Point, int]:
    """The point that a seed names, and the counter at which it was found."""
    counter = 0
    while True:
        x = big(int.from_bytes(keccak(seed + word(counter)), "big")) % FIELD_MODULUS
        square = (x**3 + 3) % FIELD_MODULUS
        y = power(square, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)  # q = 3 mod 4
        if y * y % FIELD_MODULUS == square:
            return Point(int(x), int(FIELD_MODULUS - y if y & 1 else y)), counter
        counter += 1


_Jacobian = tuple[int, int, int]
_INFINITY: Final[_Jacobian] = (1, 1, 0)
_G2: Final[tuple[Fp2, Fp2]] = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    q = FIELD_MODULUS
    a, b = x * x % q, y * y % q
    c = b * b % q
    d = 2 * ((x + b) * (x + b) - a - c) % q
    e = 3 * a
    out = (e * e - 2 * d) % q
    return out, (e * (d - out) - 8 * c) % q, 2 * y * z % q


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    if left[2] == 0 or right[2] == 0:
        return right if left[2] == 0 else left
    (x1, y1, z1), (x2, y2, z2), q = left, right, FIELD_MODULUS
    z11, z22 = z1 * z1 % q, z2 * z2 % q
    u1, u2 = x1 * z22 % q, x2 * z11 % q
    s1, s2 = y1 * z2 * z22 % q, y2 * z1 * z11 % q
    h, r = (u2 - u1) % q, (s2 - s1) % q
    if h == 0:
        return _double(left) if r == 0 else _INFINITY
    i = 4 * h * h % q
    j, v = h * i % q, u1 * i % q
    r = 2 * r % q
    x3 = (r * r - j - 2 * v) % q
    return x3, (r * (v - x3) - 2 * s1 * j) % q, 2 * h * z1 * z2 % q


def _affine(point: _Jacobian) -> Point | None:
    x, y, z = point
    if z == 0:
        return None
    by_z = inverse(z, FIELD_MODULUS)
    by_z2 = by_z * by_z % FIELD_MODULUS
    return Point(int(x * by_z2 % FIELD_MODULUS), int(y * by_z2 * by_z % FIELD_MODULUS))


def _chord2(left: tuple[Fp2, Fp2], right: tuple[Fp2, Fp2]) -> tuple[Fp2, Fp2]:
    """The affine sum; never called with opposite points, since partial sums of a scalar below r are below r."""
    (x1, y1), (x2, y2) = left, right
    if left == right:
        slope = _mul2(_scale2(_mul2(x1, x1), 3), _inverse2(_scale2(y1, 2)))
    else:
        slope = _mul2(_sub2(y2, y1), _inverse2(_sub2(x2, x1)))
    x3 = _sub2(_sub2(_mul2(slope, slope), x1), x2)
    return x3, _sub2(_mul2(slope, _sub2(x1, x3)), y1)


def _add2(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] + b[0]) % FIELD_MODULUS, (a[1] + b[1]) % FIELD_MODULUS


def _sub2(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] - b[0]) % FIELD_MODULUS, (a[1] - b[1]) % FIELD_MODULUS


def _mul2(a: Fp2, b: Fp2) -> Fp2:
    return (a[0] * b[0] - a[1] * b[1]) % FIELD_MODULUS, (a[0] * b[1] + a[1] * b[0]) % FIELD_MODULUS


def _scale2(a: Fp2, factor: int) -> Fp2:
    return a[0] * factor % FIELD_MODULUS, a[1] * factor % FIELD_MODULUS


def _inverse2(a: Fp2) -> Fp2:
    norm = inverse((a[0] * a[0] + a[1] * a[1]) % FIELD_MODULUS, FIELD_MODULUS)
    return a[0] * norm % FIELD_MODULUS, -a[1] * norm % FIELD_MODULUS


def _plain(a: Fp2) -> Fp2:
    return int(a[0]), int(a[1])


_TWIST_B: Final[Fp2] = _plain(_mul2((3, 0), _inverse2((9, 1))))
