"""Threshold decryption of Paillier ciphertexts by n-th roots: t of N parties open what t - 1 cannot.

Sources: Paillier (1999), section 5: the n-th root ρ of C mod n opens C = (1+n)^m · ρ^n; V. Shoup, "Practical Threshold
Signatures" (2000), which computes roots modulo n = pq with safe primes in shares. The scheme that DeepChain cites, of
P.-A. Fouque, G. Poupard and J. Stern (2000), is in ``fouque_poupard_stern``.

    n = pq, p = 2p'+1, q = 2q'+1;  d = n^-1 mod p'q', shared by a polynomial of degree t-1 modulo p'q': s_1 … s_N
    share of C         x_i = (C mod n)^(2Δ s_i) mod n,  Δ = N!
    combination        w = ∏ x_i^(2λ_i) mod n with λ_i = Δ · ∏ j/(j-i), so that w^n = C^δ mod n, δ = 4Δ²
    plaintext          (1+n)^(δm) = C^δ · w^(-n) mod n²

Deviation from DeepChain, which cites Fouque, Poupard and Stern: shares are modulo n with exponents of the length of n,
an eighth of the work, and half as long. The price: decryption also tells the root of the *aggregate*. Why that tells
nothing about the parts is argued in docs/deepchain-proofs.md, section 3. In return (m, w) is an opening that anyone can
check against C, without shares or their proofs.

The dealer is trusted: it knows the factors and could open everything, so it must be run by somebody whom all parties
trust, once. Its secret is never written; Python cannot overwrite it in memory, so it ends with the dealer's process.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import factorial, prod
from typing import Final

from pyml.crypto.big_integers import big, inverse, power, powers, products, read_big
from pyml.crypto.paillier import PublicKey, random_square, require_invertible
from pyml.crypto.safe_primes import is_safe_prime
from pyml.errors import InputError, IntegrityError

MIN_PARTIES: Final = 2
MAX_PARTIES: Final = 32
"""δ = 4(N!)² then fits 256 bits, which contracts count on."""

ListPower = Callable[[Sequence[int], int, int], list[int]]
"""``big_integers.powers``, or what spreads it over cores."""


@dataclass(frozen=True, slots=True)
class ThresholdKey:
    """What everybody knows: the key to encrypt to, and what shares are checked against."""

    public: PublicKey
    threshold: int
    v: int
    """Generates the squares modulo n."""
    verification: tuple[int, ...]
    """v_i = v^(Δ s_i) mod n, for i = 1 … N."""

    def __post_init__(self) -> None:
        require_group(self.parties, self.threshold)
        values = (self.v, *self.verification)
        require_invertible(values, self.public.n, what="verification key")
        if len(set(values)) != len(values):
            raise InputError("two parties have the same key", hint="The dealer must be run again.")

    @property
    def parties(self) -> int:
        return len(self.verification)

    @property
    def delta(self) -> int:
        """Δ = N!"""
        return factorial(self.parties)

    @property
    def opening_exponent(self) -> int:
        """δ = 4Δ²: an opening's root is one of C^δ."""
        return 4 * self.delta**2


@dataclass(frozen=True, slots=True, repr=False)
class KeyShare:
    """The secret of one party: s_i. It prints its place only."""

    index: int
    value: int

    def __repr__(self) -> str:
        return f"KeyShare(index={self.index})"


@dataclass(frozen=True, slots=True)
class Opening:
    """A plaintext, and the n-th root of C^δ modulo n that shows it."""

    plaintext: int
    root: int


def require_group(parties: int, threshold: int) -> None:
    """Raise ``InputError`` unless ``threshold`` of ``parties`` is a group that decrypts together."""
    if not MIN_PARTIES <= parties <= MAX_PARTIES:
        raise InputError(
            "the number of parties is out of range",
            expected=f"{MIN_PARTIES} to {MAX_PARTIES}",
            got=parties,
            hint="With one party its update would be decrypted alone." if parties == 1 else None,
        )
    if not 2 <= threshold <= parties:
        raise InputError("the threshold is out of range", expected=f"2 to {parties} (the parties)", got=threshold)


def deal(
    p: int,
    q: int,
    *,
    parties: int,
    threshold: int,
    exponent_bits: int,
    insecure: bool = False,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> tuple[ThresholdKey, list[KeyShare]]:
    """The trusted dealer: a fresh key from two safe primes, and a share for each party."""
    require_group(parties, threshold)
    # Of one length: then neither is half the other, and all prime factors of n and of its squares' order are large.
    if p == q or p.bit_length() != q.bit_length() or not (is_safe_prime(p) and is_safe_prime(q)):
        raise InputError("a threshold key needs two different safe primes of one length")
    n = int(p * q)
    order = (p // 2) * (q // 2)
    h0 = random_square(n, random_bits=random_bits)
    public = PublicKey(n, int(power(h0, n, n * n)), exponent_bits, insecure)
    coefficients = [inverse(n, order)]
    coefficients += [random_bits(order.bit_length() + 128) % order for _ in range(threshold - 1)]
    shares = [KeyShare(index, int(_polynomial(coefficients, index) % order)) for index in range(1, parties + 1)]
    v = random_square(n, random_bits=random_bits)
    delta = factorial(parties)
    verification = tuple(int(power(v, delta * share.value, n)) for share in shares)
    return ThresholdKey(public, threshold, int(v), verification), shares


def partial_decryptions(
    key: ThresholdKey, share: KeyShare, ciphertexts: Sequence[int], *, list_power: ListPower = powers
) -> list[int]:
    """The party's shares of these ciphertexts. Whoever calls has computed the aggregate himself, see the proofs."""
    n = big(key.public.n)
    return list_power([value % n for value in ciphertexts], 2 * key.delta * share.value, n)


def combine_roots(key: ThresholdKey, partials: Mapping[int, Sequence[int]]) -> list[int]:
    """The root w for each ciphertext from the shares of the first t parties given, by index.

    Raises ``InputError`` with fewer than t parties, unknown ones or rows of different length, and
    ``ZeroDivisionError`` never: shares that are not invertible are refused by ``decode_partials``.
    """
    unknown = [index for index in partials if not 1 <= index <= key.parties]
    if unknown or len(partials) < key.threshold:
        expected = f"shares of {key.threshold} of parties 1 to {key.parties}"
        raise InputError("too few or unknown shares", expected=expected, got=sorted(partials))
    chosen = sorted(partials)[: key.threshold]
    if len({len(partials[index]) for index in chosen}) != 1:
        raise InputError("shares are of different length", got=[len(partials[index]) for index in chosen])
    n = big(key.public.n)
    columns: list[list[int]] = []
    for index in chosen:
        exponent = 2 * lagrange(index, chosen, key.delta)
        column = powers(partials[index], abs(exponent), n)
        columns.append([inverse(value, n) for value in column] if exponent < 0 else column)
    return products(columns, n)


def open_ciphertexts(
    key: ThresholdKey, ciphertexts: Sequence[int], roots: Sequence[int], *, list_power: ListPower = powers
) -> list[Opening]:
    """Plaintexts from roots; raises ``IntegrityError`` with the first place where a share was false."""
    if len(ciphertexts) != len(roots):
        raise InputError("each ciphertext needs a root", expected=len(ciphertexts), got=len(roots))
    n, n_squared, delta = big(key.public.n), key.public.n_squared, key.opening_exponent
    hidden = list_power([inverse(root, n) for root in roots], n, n_squared)
    raised = powers(ciphertexts, delta, n_squared)
    unscale = inverse(delta, n)
    openings: list[Opening] = []
    for place, (left, right, root) in enumerate(zip(raised, hidden, roots, strict=True)):
        shown = left * right % n_squared - 1
        if shown % n:
            raise IntegrityError(f"a share of ciphertext {place} is false", hint="Check the proofs of the shares.")
        openings.append(Opening(shown // n * unscale % n, root))
    return openings


def decode_partials(key: ThresholdKey, data: bytes, *, count: int) -> list[int]:
    """Exactly ``count`` shares of hostile origin; ``InputError`` unless all are invertible modulo n."""
    width = key.public.width
    if len(data) != count * width:
        raise InputError("a vector of shares has the wrong size", expected=f"{count * width} bytes", got=len(data))
    values = [read_big(data[start : start + width]) for start in range(0, len(data), width)]
    require_invertible(values, key.public.n, what="share")
    return values


def encode_partials(key: ThresholdKey, partials: Sequence[int]) -> bytes:
    """Shares end to end."""
    return b"".join(int(value).to_bytes(key.public.width, "big") for value in partials)


def lagrange(index: int, chosen: Sequence[int], delta: int) -> int:
    """Δ times the coefficient of f(index) in f(0), a whole number."""
    others = [other for other in chosen if other != index]
    return delta * prod(others) // prod(other - index for other in others)


def _polynomial(coefficients: Sequence[int], point: int) -> int:
    value = 0
    for coefficient in reversed(coefficients):
        value = value * point + coefficient
    return value
