"""A product of powers with many bases, and powers of one base many times: both without a full power for each.

Sources: N. Pippenger, "On the Evaluation of Powers and Monomials" (1980), in the bucket form of Bernstein, Doumen,
Lange and Oosterwijk, "Faster batch forgery identification" (2012), section 4; E. Brickell, D. Gordon, K. McCurley and
D. Wilson, "Fast Exponentiation with Precomputation" (1992), with one table a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyml.crypto.big_integers import big, power
from pyml.errors import InputError

_FEW: Final = 6
"""Up to here single powers cost less than buckets."""


def product_of_powers(bases: Sequence[int], exponents: Sequence[int], modulus: int) -> int:
    """``bases[0] ** exponents[0] * bases[1] ** exponents[1] * …`` modulo ``modulus``; exponents are not negative."""
    if len(bases) != len(exponents):
        raise InputError("each base needs an exponent", expected=len(bases), got=len(exponents))
    result = big(1)
    if len(bases) <= _FEW:
        for base, exponent in zip(bases, exponents, strict=True):
            result = result * power(base, exponent, modulus) % modulus
        return result
    longest = max(exponent.bit_length() for exponent in exponents)
    width = _best_width(len(bases), longest)
    for position in range((longest + width - 1) // width - 1, -1, -1):
        result = power(result, 1 << width, modulus)
        result = result * _window(bases, exponents, position * width, width, modulus) % modulus
    return result


class FixedBase:
    """Powers of one base with exponents below 2^bits, from a table of all multiples in each window."""

    __slots__ = ("_bits", "_modulus", "_rows", "_width")

    def __init__(self, base: int, modulus: int, *, bits: int, width: int = 8) -> None:
        """Takes bits / width * 2^width multiplications once and as many numbers of memory."""
        self._bits, self._modulus, self._width = bits, modulus, width
        self._rows: list[list[int]] = []
        start = big(base) % modulus
        for _ in range(0, bits, width):
            row = [big(1)]
            for _ in range((1 << width) - 1):
                row.append(row[-1] * start % modulus)
            self._rows.append(row)
            start = row[-1] * start % modulus

    def power(self, exponent: int) -> int:
        """``base ** exponent`` modulo the modulus, one multiplication a window."""
        if not 0 <= exponent < 1 << self._bits:
            raise InputError("an exponent is out of the table's range", expected=f"0 to 2^{self._bits} - 1")
        mask, modulus, width = (1 << self._width) - 1, self._modulus, self._width
        digits = int(exponent)
        result = big(1)
        for row in self._rows:
            result = result * row[digits & mask] % modulus
            digits >>= width
        return result


def _best_width(count: int, bits: int) -> int:
    """The window for which fewest multiplications are needed: one a base and two a bucket in each window."""
    return min(range(2, 17), key=lambda width: -(-bits // width) * (count + (2 << width)))


def _window(bases: Sequence[int], exponents: Sequence[int], shift: int, width: int, modulus: int) -> int:
    """The product of the bases, each to the digit of its exponent at ``shift``."""
    buckets: list[int | None] = [None] * (1 << width)
    mask = (1 << width) - 1
    for base, exponent in zip(bases, exponents, strict=True):
        digit = int(exponent >> shift) & mask
        held = buckets[digit]
        buckets[digit] = base if held is None else held * base % modulus
    above, total = big(1), big(1)
    for held in reversed(buckets[1:]):  # each bucket's content ends in ``total`` as often as its digit says
        if held is not None:
            above = above * held % modulus
        total = total * above % modulus
    return total
