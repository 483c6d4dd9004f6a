"""The seed that two friends share, from 32 bytes of each, and the proof that both have the same.

Source: paper, section III-D, step 2; specification, section 1.2. The paper combines x_A and x_B "using the relevant
algorithms" into 64 bits, which can be guessed from one observed pair (K, K_t): here

    x = HKDF-SHA256(x_lo ‖ x_hi, salt = SHA-256(K_lo ‖ K_hi), "KDAC/v1/seed")            32 bytes

with lo and hi by the public keys as strings. Forward secrecy is an addition (``ratchet.py``):

    x_(e+1) = HKDF-SHA256(DH(eph_A, eph_B), salt = x_e, "KDAC/v1/epoch" ‖ e+1 ‖ eph_lo ‖ eph_hi)
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pyml.crypto.scalars import exchange, public_of
from pyml.errors import InputError
from pyml.kdac.derivation import SEED_BYTES

_SEED: Final = b"KDAC/v1/seed"
_EPOCH: Final = b"KDAC/v1/epoch"
_CONFIRM: Final = b"KDAC/v1/confirm"


def combine(first: tuple[bytes, bytes], second: tuple[bytes, bytes]) -> bytes:
    """x from (K_A, x_A) and (K_B, x_B), in either order."""
    if first[0] == second[0]:
        raise InputError("both friends have the same key", hint="Nobody can be a friend of their own.")
    if len(first[1]) != SEED_BYTES or len(second[1]) != SEED_BYTES:
        raise InputError("a share of the seed has the wrong length", expected=f"{SEED_BYTES} bytes")
    (low, x_low), (high, x_high) = sorted((first, second))
    salt = hashlib.sha256(low + high).digest()
    return HKDF(SHA256(), SEED_BYTES, salt, _SEED).derive(x_low + x_high)


def confirmation(seed: bytes, owner: bytes, transcript: bytes) -> bytes:
    """What the owner of a public key shows to prove that it has the seed of this exchange."""
    key = HKDF(SHA256(), 32, None, _CONFIRM).derive(seed)
    return hmac.digest(key, owner + transcript, "sha256")


def next_seed(seed: bytes, epoch: int, ephemeral: bytes, other: bytes) -> bytes:
    """x of ``epoch`` from the one before, an ephemeral private key and the friend's ephemeral public key."""
    low, high = sorted((public_of(ephemeral), other))
    info = _EPOCH + epoch.to_bytes(8, "big") + low + high
    return HKDF(SHA256(), SEED_BYTES, seed, info).derive(exchange(ephemeral, other))
