"""Arithmetic with numbers of thousands of bits: the one place that knows GMP.

GMP's integers behave as Python's and multiply several times faster; they are typed ``int`` here, and a caller that
hands one to code outside ``pyml.crypto`` and ``pyml.deepchain`` makes an ``int`` of it. Lists of powers are computed
without holding the interpreter's lock, so threads share the work between cores.

None of it runs in constant time: an exponent leaks to whoever measures this process precisely enough. Parties compute
on machines of their own, and docs/threat-model.md says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

import gmpy2

if TYPE_CHECKING:

    class _Gmp(Protocol):
        """The part of gmpy2 that is used; the package brings no annotations."""

        def mpz(self, value: int, /) -> int: ...
        def powmod(self, base: int, exponent: int, modulus: int, /) -> int: ...
        def powmod_base_list(self, bases: list[int], exponent: int, modulus: int, /) -> list[int]: ...
        def invert(self, value: int, modulus: int, /) -> int: ...
        def gcd(self, first: int, second: int, /) -> int: ...
        def is_prime(self, value: int, /) -> bool: ...
        def isqrt(self, value: int, /) -> int: ...
        def digits(self, value: int, base: int, /) -> str: ...

    _gmp: _Gmp
else:
    _gmp = gmpy2


def big(value: int) -> int:
    """The number in GMP's form."""
    return _gmp.mpz(value)


def read_big(data: bytes) -> int:
    """A number from big-endian bytes, in GMP's form."""
    return _gmp.mpz(int.from_bytes(data, "big"))


def digits(value: int, base: int) -> str:
    """The number's digits in a base of 37 to 62: 0 to 9, A to Z, a to z."""
    return _gmp.digits(value, base)


def power(base: int, exponent: int, modulus: int) -> int:
    """``base ** exponent % modulus``; a negative exponent needs an invertible base."""
    return _gmp.powmod(base, exponent, modulus)


def powers(bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
    """One power of many bases, without the interpreter's lock."""
    return _gmp.powmod_base_list(list(bases), exponent, modulus)


def inverse(value: int, modulus: int) -> int:
    """The inverse; raises ``ZeroDivisionError`` where there is none."""
    return _gmp.invert(value, modulus)


def common_divisor(first: int, second: int) -> int:
    """The greatest common divisor."""
    return _gmp.gcd(first, second)


def is_probable_prime(value: int) -> bool:
    """Miller-Rabin with 25 bases and a Lucas test (GMP's): wrong less often than 4^-25 on numbers drawn at random."""
    return _gmp.is_prime(value)


def product(factors: Iterable[int], modulus: int) -> int:
    """The product of all factors modulo ``modulus``; 1 of none."""
    result = _gmp.mpz(1)
    for factor in factors:
        result = result * factor % modulus
    return result


def products(columns: Sequence[Sequence[int]], modulus: int) -> list[int]:
    """The products of what stands at the same place in vectors of one length."""
    result = list(columns[0])
    for column in columns[1:]:
        result = [left * right % modulus for left, right in zip(result, column, strict=True)]
    return result
