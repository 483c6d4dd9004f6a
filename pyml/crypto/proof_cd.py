"""Proof_CD: a party's decryption shares are what its key makes of the ciphertexts. One proof for a vector.

    statement   x_k² = (C_k^4)^σ and v_i = v^σ modulo n, with known σ = Δ s_i, for k = 0 … l-1
    batch       ε_k, 128 bits each, from keccak256(domain ‖ context ‖ key ‖ roots of all C_k, x_k ‖ l ‖ i)
                X = ∏ C_k^ε_k, Y = ∏ x_k^ε_k mod n
    commit      a = X^4ρ, b = v^ρ, ρ of |n| + |Δ| + 256 bits
    challenge   c from keccak256(domain ‖ batch ‖ a ‖ b), 128 bits
    respond     r = ρ - c·σ, a whole number, drawn again if negative
    accept      X^4r · Y^2c = a and v^r · v_i^c = b modulo n

Source: DeepChain, section 4.2.4, ``Proof_CD``, after V. Shoup (2000), section 2.2. Deviations: modulo n, since shares
are (``threshold_paillier``); bound to its context, to the key and to all ciphertexts; one proof for a vector; ``a`` and
``b`` are in the proof and the response subtracts, so that a dispute can take the check apart. Why it is sound, with
small batch factors and numbers of low order: docs/deepchain-proofs.md, section 5.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pyml.crypto.big_integers import common_divisor, power, read_big
from pyml.crypto.challenges import (
    CHALLENGE_BITS,
    SLACK_BITS,
    challenges,
    domain,
    first_bits,
    require_context,
    seed_of,
    word,
)
from pyml.crypto.multi_power import product_of_powers
from pyml.crypto.proof_pk import MAX_CIPHERTEXTS, vector_root
from pyml.crypto.threshold_key_codec import key_tree, owns
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey
from pyml.errors import InputError, ProofError

DOMAIN: Final = domain("pyml.deepchain.proof-cd.v1")
BATCH_DOMAIN: Final = domain("pyml.deepchain.proof-cd.batch.v1")


@dataclass(frozen=True, slots=True)
class ProofCD:
    """A proof for one vector of shares."""

    a: int
    b: int
    r: int


def r_bytes(key: ThresholdKey) -> int:
    """Length of r: the exponent Δ s_i, the challenge and the slack."""
    return (key.public.n.bit_length() + key.delta.bit_length() + CHALLENGE_BITS + SLACK_BITS + 7) // 8


def prove_cd(
    key: ThresholdKey,
    share: KeyShare,
    ciphertexts: Sequence[int],
    partials: Sequence[int],
    *,
    context: bytes,
    random_bits: Callable[[int], int] = secrets.randbits,
) -> ProofCD:
    """A proof for shares just made; raises ``ProofError`` if they cannot be of this key."""
    if not owns(key, share) or len(partials) != len(ciphertexts) or not 0 < len(partials) <= MAX_CIPHERTEXTS:
        raise ProofError("the shares are not of this key and of these ciphertexts")
    n = key.public.n
    batch = cd_batch(key, share.index, ciphertexts, partials, context=context)
    x4 = power(product_of_powers(ciphertexts, challenges(batch, len(partials)), n), 4, n)
    while True:
        rho = random_bits(8 * r_bytes(key))
        a, b = power(x4, rho, n), power(key.v, rho, n)
        r = rho - cd_challenge(key, batch, a, b) * key.delta * share.value
        if r >= 0:  # fails with probability 2^-128
            return ProofCD(int(a), int(b), int(r))


def verify_cd(
    key: ThresholdKey,
    index: int,
    ciphertexts: Sequence[int],
    partials: Sequence[int],
    proof: ProofCD,
    *,
    context: bytes,
) -> bool:
    """Whether party ``index`` made these shares of these ciphertexts, all of them invertible (``decode_partials``)."""
    fits = 1 <= index <= key.parties and 0 < len(partials) == len(ciphertexts) <= MAX_CIPHERTEXTS
    if not fits or not _in_range(key, proof):
        return False
    n = key.public.n
    batch = cd_batch(key, index, ciphertexts, partials, context=context)
    c = cd_challenge(key, batch, proof.a, proof.b)
    if power(key.v, proof.r, n) * power(key.verification[index - 1], c, n) % n != proof.b:
        return False
    factors = challenges(batch, len(partials))
    x, y = product_of_powers(ciphertexts, factors, n), product_of_powers(partials, factors, n)
    return power(x, 4 * proof.r, n) * power(y, 2 * c, n) % n == proof.a


def cd_batch(
    key: ThresholdKey, index: int, ciphertexts: Sequence[int], partials: Sequence[int], *, context: bytes
) -> bytes:
    """What the batch factors come from."""
    roots = vector_root(key.public, ciphertexts) + vector_root(key.public, partials)
    return seed_of(BATCH_DOMAIN, require_context(context), key_tree(key).root, roots, word(len(partials)), word(index))


def cd_challenge(key: ThresholdKey, batch: bytes, a: int, b: int) -> int:
    """The challenge c."""
    width = key.public.width
    return first_bits(seed_of(DOMAIN, batch, int(a).to_bytes(width, "big"), int(b).to_bytes(width, "big")))


def encode_cd(key: ThresholdKey, proof: ProofCD) -> bytes:
    """a ‖ b ‖ r: 803 bytes at 2048 bits and ten parties."""
    width = key.public.width
    return proof.a.to_bytes(width, "big") + proof.b.to_bytes(width, "big") + proof.r.to_bytes(r_bytes(key), "big")


def decode_cd(key: ThresholdKey, data: bytes) -> ProofCD:
    """Read hostile bytes; ``InputError`` for a wrong length or numbers out of range."""
    width = key.public.width
    if len(data) != 2 * width + r_bytes(key):
        raise InputError("a Proof_CD has the wrong length", expected=2 * width + r_bytes(key), got=len(data))
    parts = data[:width], data[width : 2 * width], data[2 * width :]
    proof = ProofCD(*(int(read_big(part)) for part in parts))
    if not _in_range(key, proof):
        raise InputError("a Proof_CD is out of range", expected="a and b invertible modulo n")
    return proof


def _in_range(key: ThresholdKey, proof: ProofCD) -> bool:
    n = key.public.n
    fits = 0 < proof.a < n and 0 < proof.b < n and 0 <= proof.r < 1 << 8 * r_bytes(key)
    return fits and common_divisor(proof.a * proof.b, n) == 1
