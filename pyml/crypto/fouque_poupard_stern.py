"""Threshold Paillier as DeepChain cites it: shares modulo n², kept to compare with ``threshold_paillier``.

Source: P.-A. Fouque, G. Poupard and J. Stern, "Sharing Decryption in the Context of Voting or Lotteries" (2000),
section 4, with g = 1+n:

    secret      β·m for a random β, shared by a polynomial of degree t-1 modulo n·m, m = p'q'; θ = β·m mod n is public
    share       C_i = C^(2Δ s_i) mod n²
    plaintext   L(∏ C_i^(2λ_i)) · (4Δ²θ)^-1 mod n,  L(u) = (u - 1)/n

It tells nothing of the root of what is decrypted. Its shares are twice as long and take about eight times the work, and
only shares can tell whether a plaintext is right. No proofs are made here: the protocol uses the other scheme.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial

from pyml.crypto.big_integers import big, inverse, powers, products
from pyml.crypto.paillier import PublicKey
from pyml.crypto.safe_primes import is_safe_prime
from pyml.crypto.threshold_paillier import KeyShare, ListPower, lagrange, require_group
from pyml.errors import InputError, IntegrityError


@dataclass(frozen=True, slots=True)
class SquaredKey:
    """What a combiner knows."""

    public: PublicKey
    parties: int
    threshold: int
    theta: int


def deal_squared(
    public: PublicKey,
    p: int,
    q: int,
    *,
    parties: int,
    threshold: int,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> tuple[SquaredKey, list[KeyShare]]:
    """The trusted dealer, for a key to encrypt to that exists."""
    require_group(parties, threshold)
    if p * q != public.n or p == q or not (is_safe_prime(p) and is_safe_prime(q)):
        raise InputError("the primes are not those of the key")
    order = (p // 2) * (q // 2)
    modulus = order * public.n
    secret = order * (1 + random_bits(public.n.bit_length() + 128) % (public.n - 1))
    coefficients = [secret, *(random_bits(modulus.bit_length() + 128) % modulus for _ in range(threshold - 1))]
    shares = [
        KeyShare(index, int(sum(c * index**power for power, c in enumerate(coefficients)) % modulus))
        for index in range(1, parties + 1)
    ]
    return SquaredKey(public, parties, threshold, int(secret % public.n)), shares


def squared_partials(
    key: SquaredKey, share: KeyShare, ciphertexts: Sequence[int], *, list_power: ListPower = powers
) -> list[int]:
    """The party's shares."""
    return list_power(ciphertexts, 2 * factorial(key.parties) * share.value, key.public.n_squared)


def combine_squared(key: SquaredKey, partials: Mapping[int, Sequence[int]]) -> list[int]:
    """Plaintexts from the shares of the first t parties given; ``IntegrityError`` where a share is false."""
    if len(partials) < key.threshold or any(not 1 <= index <= key.parties for index in partials):
        expected = f"shares of {key.threshold} of parties 1 to {key.parties}"
        raise InputError("too few or unknown shares", expected=expected, got=sorted(partials))
    n, n_squared, delta = big(key.public.n), key.public.n_squared, factorial(key.parties)
    chosen = sorted(partials)[: key.threshold]
    columns: list[list[int]] = []
    for index in chosen:
        exponent = 2 * lagrange(index, chosen, delta)
        column = powers(partials[index], abs(exponent), n_squared)
        columns.append([inverse(value, n_squared) for value in column] if exponent < 0 else column)
    unscale = inverse(4 * delta**2 * key.theta, n)
    plaintexts: list[int] = []
    for place, value in enumerate(products(columns, n_squared)):
        if (value - 1) % n:
            raise IntegrityError(f"a share of ciphertext {place} is false")
        plaintexts.append(int((value - 1) // n * unscale % n))
    return plaintexts
