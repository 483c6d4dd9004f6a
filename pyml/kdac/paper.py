"""The paper's protocol to the letter, for vectors and comparison: never used to send anything.

Source: paper, section III-D, steps 2 to 5 and table I.

    x: 64 bits        x_t = HASH(x ‖ t), t in milliseconds        k_t = k·x_t mod n        K_t = x_t·K
    S = k_A·K_Bt = k_B·K_At        KS = x(S) xor y(S)

What the paper leaves open: HASH is SHA-256, x ‖ t is two numbers of 8 bytes, and the 64-bit x is the beginning of
SHA-256(x_lo ‖ x_hi). "Xor point S to get a 256-bit integer" is read as the exclusive or of its coordinates. Its two
flaws that tests show: x can be guessed from one pair (K, K_t), and both directions of a moment share S.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

from pyml.crypto.scalars import multiply_point, multiply_scalars
from pyml.crypto.secp256k1 import COMPRESSED_BYTES, ORDER, uncompressed
from pyml.errors import InputError

SEED_BYTES: Final = 8


def seed_64(one: bytes, other: bytes) -> bytes:
    """x from x_A and x_B: 64 bits."""
    return hashlib.sha256(b"".join(sorted((one, other)))).digest()[:SEED_BYTES]


def hashed_seed(seed: bytes, timestamp_ms: int) -> bytes:
    """x_t."""
    if len(seed) != SEED_BYTES:
        raise InputError("the paper's seed has 64 bits", expected=f"{SEED_BYTES} bytes", got=len(seed))
    h = int.from_bytes(hashlib.sha256(seed + timestamp_ms.to_bytes(8, "big")).digest(), "big") % ORDER
    return h.to_bytes(32, "big")


def derive_private(key: bytes, seed: bytes, timestamp_ms: int) -> bytes:
    """k_t."""
    return multiply_scalars(key, hashed_seed(seed, timestamp_ms))


def derive_public(public: bytes, seed: bytes, timestamp_ms: int) -> bytes:
    """K_t."""
    return multiply_point(public, hashed_seed(seed, timestamp_ms))


def session_key(private: bytes, public: bytes) -> bytes:
    """KS from k_A and K_Bt, or from k_B and K_At. In variable time: compatibility only."""
    point = uncompressed(multiply_point(public, private))
    return bytes(x ^ y for x, y in zip(point[1:33], point[33:], strict=True))


def guess_seed(public: bytes, derived: bytes, timestamp_ms: int, candidates: Iterable[bytes]) -> bytes | None:
    """What an observer of one pair (K, K_t) does: try seeds until one fits."""
    if len(derived) != COMPRESSED_BYTES:
        raise InputError("a derived key is compressed", expected=f"{COMPRESSED_BYTES} bytes", got=len(derived))
    return next((seed for seed in candidates if derive_public(public, seed, timestamp_ms) == derived), None)
