"""Paillier's encryption with Damgård, Jurik and Nielsen's short random exponents: C = (1+n)^m · h^r mod n².

Sources: P. Paillier, "Public-Key Cryptosystems Based on Composite Degree Residuosity Classes" (1999); I. Damgård,
M. Jurik and J. B. Nielsen, "A Generalization of Paillier's Public-Key System with Applications to Electronic Voting"
(2010), section 4.2. Here h = h0^n mod n² for a random square h0 modulo n, so C is an ordinary Paillier ciphertext of m
whose n-th root modulo n is h0^r.

Two assumptions carry secrecy (docs/deepchain-proofs.md): n-th powers modulo n² cannot be told from other numbers, and
h0^r for r of ``exponent_bits`` bits cannot be told from a random square modulo n. The exponent has 448 bits by default:
twice the 224 that the best generic attack, Pollard's kangaroo, needs to stay above 2^112 steps.

DeepChain (section 4.2.4) writes g^m · k^n with one g for each value; g = 1+n makes the first factor a multiplication.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyml.crypto.big_integers import big, common_divisor, inverse, power, product, read_big
from pyml.crypto.multi_power import FixedBase
from pyml.errors import InputError

BITS: Final = (2048, 3072)
"""Lengths of n that are secure: NIST's 112 and 128 bits."""
INSECURE_BITS: Final = (1024,)
"""For tests and for the paper's figures only."""
EXPONENT_BITS: Final = 448
MIN_EXPONENT_BITS: Final = 224
MAX_EXPONENT_BITS: Final = 4096


@dataclass(frozen=True, slots=True)
class PublicKey:
    """n, and h, whose powers hide a plaintext."""

    n: int
    h: int
    exponent_bits: int = EXPONENT_BITS
    insecure: bool = False
    """Whether a modulus of 1024 bits is meant."""

    def __post_init__(self) -> None:
        bits, allowed = self.n.bit_length(), INSECURE_BITS if self.insecure else BITS
        if bits not in allowed:
            raise InputError(
                "a Paillier modulus has the wrong length",
                expected=f"{' or '.join(map(str, allowed))} bits",
                got=bits,
                hint="1024 bits are insecure and must be asked for as such." if bits in INSECURE_BITS else None,
            )
        if self.n % 2 == 0 or not 1 < self.h < self.n * self.n or common_divisor(self.h, self.n) != 1:
            raise InputError("a Paillier key is malformed", expected="n odd, h invertible modulo n²")
        if not MIN_EXPONENT_BITS <= self.exponent_bits <= MAX_EXPONENT_BITS:
            raise InputError(
                "the length of the random exponent is out of range",
                expected=f"{MIN_EXPONENT_BITS} to {MAX_EXPONENT_BITS} bits",
                got=self.exponent_bits,
            )

    @property
    def n_squared(self) -> int:
        return big(self.n) * self.n

    @property
    def width(self) -> int:
        """Bytes of a number modulo n."""
        return self.n.bit_length() // 8

    @property
    def residue_bytes(self) -> int:
        """Bytes of a number modulo n²: a ciphertext, and a leaf of any tree."""
        return 2 * self.width

    def residue(self, value: int) -> bytes:
        """A number below n² in ``residue_bytes`` bytes, big-endian."""
        return int(value).to_bytes(self.residue_bytes, "big")

    def encode(self, ciphertexts: Sequence[int]) -> bytes:
        """Ciphertexts end to end."""
        return b"".join(map(self.residue, ciphertexts))

    def decode(self, data: bytes, *, count: int) -> list[int]:
        """Exactly ``count`` ciphertexts of hostile origin; ``InputError`` unless all are invertible modulo n²."""
        size = self.residue_bytes
        if len(data) != count * size:
            raise InputError("an encrypted vector has the wrong size", expected=f"{count * size} bytes", got=len(data))
        values = [read_big(data[start : start + size]) for start in range(0, len(data), size)]
        require_invertible(values, self.n_squared, what="ciphertext")
        return values


def require_invertible(values: Sequence[int], modulus: int, *, what: str) -> None:
    """Raise ``InputError``, with the place, unless all numbers are invertible and reduced modulo ``modulus``."""
    outside = next((place for place, value in enumerate(values) if not 0 < value < modulus), None)
    if outside is None and common_divisor(product(values, modulus), modulus) != 1:
        outside = next(place for place, value in enumerate(values) if common_divisor(value, modulus) != 1)
    if outside is not None:
        raise InputError(f"{what} {outside} is not invertible below its modulus")


@dataclass(frozen=True, slots=True)
class Encrypted:
    """Ciphertexts with the random exponents that their owner needs to prove something about them."""

    ciphertexts: tuple[int, ...]
    exponents: tuple[int, ...]

    def __repr__(self) -> str:
        return f"Encrypted({len(self.ciphertexts)} ciphertexts)"


class Encryptor:
    """Encrypts to one key, with a table of powers of h: 7 MB at 2048 bits."""

    __slots__ = ("_random_bits", "_table", "key")

    def __init__(self, key: PublicKey, *, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self.key = key
        self._random_bits = random_bits
        self._table = FixedBase(key.h, key.n_squared, bits=key.exponent_bits)

    def encrypt(self, plaintexts: Sequence[int]) -> Encrypted:
        """One ciphertext for each plaintext below n, with fresh exponents."""
        exponents = [self._random_bits(self.key.exponent_bits) for _ in plaintexts]
        return Encrypted(tuple(self.encrypt_with(plaintexts, exponents)), tuple(exponents))

    def encrypt_with(self, plaintexts: Sequence[int], exponents: Sequence[int]) -> list[int]:
        """The same with given exponents, which must never be used twice."""
        n, n_squared = big(self.key.n), self.key.n_squared
        if any(not 0 <= message < n for message in plaintexts):
            raise InputError("a plaintext is out of range", expected="0 to n - 1")
        table = self._table
        return [
            (1 + n * message) * table.power(exponent) % n_squared
            for message, exponent in zip(plaintexts, exponents, strict=True)
        ]


def random_square(n: int, *, random_bits: Callable[[int], int] = secrets.randbits) -> int:
    """A uniform square modulo n, up to 2^-128, that generates all of them if n is a product of two safe primes."""
    while True:
        root = random_bits(n.bit_length() + 128) % n
        square = power(root, 2, n)
        if common_divisor(square, n) == 1 and common_divisor(square - 1, n) == 1:
            return square


def decrypt_with_order(key: PublicKey, ciphertext: int, order: int) -> int:
    """The plaintext, for whoever knows a multiple of the order of the n-th powers: the dealer, and tests."""
    n, n_squared = big(key.n), key.n_squared
    lifted = power(ciphertext, order, n_squared)
    return (lifted - 1) // n * inverse(order, n) % n
