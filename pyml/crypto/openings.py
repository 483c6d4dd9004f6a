"""Checking that openings (m, w) belong to ciphertexts, all of a vector at once.

    (1+n)^(δ m_k) · w_k^n = C_k^δ mod n²   for all k

Source: M. Bellare, J. Garay and T. Rabin, "Fast Batch Verification for Modular Exponentiation and Digital Signatures"
(1998), the small exponents test; why it is sound here is in docs/deepchain-proofs.md, section 6. The verifier draws the
exponents itself, so they are hidden from whoever made the openings.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from pyml.crypto.big_integers import big, common_divisor, power, product
from pyml.crypto.multi_power import product_of_powers
from pyml.crypto.threshold_paillier import Opening, ThresholdKey

BATCH_BITS = 128


def verify_openings(
    key: ThresholdKey,
    ciphertexts: Sequence[int],
    openings: Sequence[Opening],
    *,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> bool:
    """Whether each opening is one of its ciphertext; a false one passes with probability 2^-128 at most.

    The ciphertexts are invertible modulo n² (``PublicKey.decode`` sees to it, and a product of such is).
    """
    n, n_squared, delta = big(key.public.n), key.public.n_squared, key.opening_exponent
    plaintexts = [opening.plaintext for opening in openings]
    roots = [opening.root for opening in openings]
    if len(openings) != len(ciphertexts) or not all(0 <= plaintext < n for plaintext in plaintexts):
        return False
    if not all(0 < root < n for root in roots) or common_divisor(product(roots, n), n) != 1:
        return False
    factors = [random_bits(BATCH_BITS) for _ in openings]
    total = sum(m * factor for m, factor in zip(plaintexts, factors, strict=True)) * delta % n
    root = product_of_powers(roots, factors, n)
    claimed = (1 + n * total) * power(root, n, n_squared) % n_squared
    # Both sides squared: a root may be off by a square root of one, which changes no plaintext.
    actual = power(product_of_powers(ciphertexts, factors, n_squared), delta, n_squared)
    return power(claimed, 2, n_squared) == power(actual, 2, n_squared)
