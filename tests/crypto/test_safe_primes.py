"""Safe primes: found, of the right length, and nothing else taken for one."""

from __future__ import annotations

import random
from math import isqrt

import pytest

from pyml.crypto.safe_primes import is_safe_prime, safe_prime
from pyml.errors import InputError
from tests.crypto.insecure_group import primes


def is_prime(value: int) -> bool:
    return value > 1 and all(value % divisor for divisor in range(2, isqrt(value) + 1))


def test_all_numbers_below_a_bound_are_judged_right() -> None:
    expected = [value for value in range(7, 4000) if is_prime(value) and is_prime((value - 1) // 2)]
    assert [value for value in range(4000) if is_safe_prime(value)] == expected


@pytest.mark.parametrize("bits", [64, 65, 128, 256])
def test_a_found_prime_has_its_length_and_its_two_highest_bits(bits: int) -> None:
    found = safe_prime(bits, random_bits=random.Random(bits).getrandbits)
    assert is_safe_prime(found)
    assert found >> (bits - 2) == 3
    assert type(found) is int


def test_progress_is_told_and_may_end_the_search() -> None:
    class StoppedError(Exception):
        pass

    def stop(tested: int) -> None:
        assert tested % 64 == 0
        raise StoppedError

    with pytest.raises(StoppedError):
        safe_prime(1024, random_bits=random.Random(3).getrandbits, progress=stop)


def test_published_primes_are_safe_primes_of_their_length() -> None:
    for bits in (512, 1024, 1536):
        assert all(is_safe_prime(prime) and prime.bit_length() == bits for prime in primes(bits))


@pytest.mark.parametrize("bits", [0, 8, 63])
def test_short_primes_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match=r"^a safe prime is too short"):
        safe_prime(bits)
