"""Safe primes p = 2p' + 1 with p' prime, for the modulus of a threshold key.

Source: V. Shoup, "Practical Threshold Signatures" (2000), section 3: with safe primes the squares modulo n form a
cyclic group whose order p'q' has no small divisor. Search: a run of candidates p' from a random start, sieved for small
divisors of p' and of 2p' + 1 together, then tested. The first that passes is taken, so a prime behind a long gap is
somewhat likelier; with 2^(bits - 3) starts that costs a few bits of the primes' entropy.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Final

from pyml.crypto.big_integers import big, is_probable_prime, power
from pyml.errors import InputError

MIN_BITS: Final = 64

_RUN: Final = 1 << 19
"""Candidates sieved together: odd numbers from a random start."""
_SIEVE_LIMIT: Final = 1 << 19
_TOLD_EVERY: Final = 64
"""Candidates between two reports of progress."""


def safe_prime(
    bits: int, *, random_bits: Callable[[int], int] = secrets.randbits, progress: Callable[[int], None] | None = None
) -> int:
    """A safe prime of exactly ``bits`` bits whose two highest bits are one, so that two give a product of 2·bits.

    ``progress`` is called now and then with the number of candidates tested so far; what it raises ends the search.
    """
    if bits < MIN_BITS:
        raise InputError("a safe prime is too short", expected=f"at least {MIN_BITS} bits", got=bits)
    tested = 0
    while True:
        for half in _sieved(_start(bits - 1, random_bits), bits - 1):
            tested += 1
            if progress is not None and tested % _TOLD_EVERY == 0:
                progress(tested)
            if is_safe_prime(2 * half + 1):
                return int(2 * half + 1)


def is_safe_prime(value: int) -> bool:
    """Whether value, above 5, and (value - 1) / 2 are both (very probably) prime."""
    half = big(value) // 2
    if value < 7 or value % 4 != 3:
        return False
    fermat = power(2, half - 1, half) == 1  # alone refuses nearly every candidate, at the price of one power
    return fermat and is_probable_prime(half) and is_probable_prime(big(value))


def _start(bits: int, random_bits: Callable[[int], int]) -> int:
    """An odd number with its two highest bits set."""
    return big(random_bits(bits) | 3 << (bits - 2) | 1)


def _sieved(start: int, bits: int) -> Iterator[int]:
    """Odd numbers from ``start`` on for which neither they nor twice them plus one have a small divisor."""
    open_ = bytearray(b"\x01") * _RUN
    for prime in _small_primes():
        if prime.bit_length() >= bits:
            break
        inverse_of_two = (prime + 1) // 2
        first = -start * inverse_of_two % prime  # start + 2i = 0
        second = (-1 - 2 * start) * inverse_of_two * inverse_of_two % prime  # 2(start + 2i) + 1 = 0
        for offset in (int(first), int(second)):
            open_[offset::prime] = bytes(len(range(offset, _RUN, prime)))
    position = open_.find(1)
    while position >= 0:
        candidate = start + 2 * position
        if candidate.bit_length() > bits:
            return
        yield candidate
        position = open_.find(1, position + 1)


def _small_primes() -> Iterator[int]:
    """The odd primes below the limit."""
    sieve = bytearray(b"\x01") * _SIEVE_LIMIT
    for value in range(3, int(_SIEVE_LIMIT**0.5) + 1, 2):
        if sieve[value]:
            sieve[value * value :: 2 * value] = bytes(len(range(value * value, _SIEVE_LIMIT, 2 * value)))
    return (value for value in range(3, _SIEVE_LIMIT, 2) if sieve[value])
