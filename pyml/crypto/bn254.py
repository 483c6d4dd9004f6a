"""The BN254 curve (alt_bn128) as far as reading commitments needs it: field, points, encodings.

Source: EIP-196 (curve, uncompressed big-endian encoding) and the halo2curves crate (compressed little-endian
encoding: 32 bytes of x, bit 255 set when y is odd, bit 254 set for the identity). No group arithmetic: proving and
verifying are the engine's work.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.errors import InputError

FIELD_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""q, the modulus of the coordinates."""
SCALAR_MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""r, the order of the group: the field that circuits compute in."""
FELT_BYTES = 32
POINT_BYTES = 64

_Y_IS_ODD = 1 << 255
_IS_IDENTITY = 1 << 254


@dataclass(frozen=True, slots=True)
class Point:
    """A finite point of G1, on the curve y² = x³ + 3."""

    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.x < FIELD_MODULUS and 0 <= self.y < FIELD_MODULUS):
            raise InputError("a coordinate is not reduced modulo the BN254 base field")
        if (self.y * self.y - self.x**3 - 3) % FIELD_MODULUS:
            raise InputError("a point is not on the BN254 curve")

    def encode(self) -> bytes:
        """x and y, 32 bytes each, big-endian: the form of EIP-196 and of proofs."""
        return self.x.to_bytes(FELT_BYTES, "big") + self.y.to_bytes(FELT_BYTES, "big")


def decode_point(data: bytes) -> Point:
    """Read 64 bytes as ``Point.encode`` writes them; raises ``InputError`` if they are not a finite point."""
    if len(data) != POINT_BYTES:
        raise InputError("a point has the wrong length", expected=f"{POINT_BYTES} bytes", got=len(data))
    return Point(int.from_bytes(data[:FELT_BYTES], "big"), int.from_bytes(data[FELT_BYTES:], "big"))


def decompress_point(data: bytes) -> Point:
    """Read halo2curves' 32 compressed bytes; raises ``InputError`` for the identity or an x off the curve."""
    if len(data) != FELT_BYTES:
        raise InputError("a compressed point has the wrong length", expected=f"{FELT_BYTES} bytes", got=len(data))
    word = int.from_bytes(data, "little")
    if word & _IS_IDENTITY:
        raise InputError("a commitment is the point at infinity")
    x = word & (_IS_IDENTITY - 1)
    square = (x**3 + 3) % FIELD_MODULUS
    y = pow(square, (FIELD_MODULUS + 1) // 4, FIELD_MODULUS)  # q = 3 mod 4
    if y * y % FIELD_MODULUS != square:
        raise InputError("a compressed point is not on the BN254 curve")
    if (y & 1) != bool(word & _Y_IS_ODD):
        y = FIELD_MODULUS - y
    return Point(x, y)


def encode_felt(value: int) -> str:
    """A field element as the engine's JSON writes it: 64 hexadecimal digits, little-endian; any integer is reduced."""
    return (value % SCALAR_MODULUS).to_bytes(FELT_BYTES, "little").hex()


def decode_felt(text: str) -> int:
    """Read ``encode_felt``'s form; raises ``InputError`` unless it is a reduced field element."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise InputError("a field element is not hexadecimal", got=text[:80]) from error
    value = int.from_bytes(data, "little")
    if len(data) != FELT_BYTES or value >= SCALAR_MODULUS:
        raise InputError("a field element is not 32 reduced bytes", got=text[:80])
    return value
