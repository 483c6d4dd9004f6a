"""Passwords made costly to guess: scrypt (RFC 7914), with bounds on the cost that a file from outside may name.

scrypt keys an HMAC with the password, for which "x" and "x\\0" are the same; hashed under its purpose first, they
differ, and one password gives unrelated keys to different kinds of file.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pyml.errors import InputError, KeystoreError, ResourceError

N_MIN, N_MAX, R_MAX, P_MAX = 2**14, 2**20, 16, 4


@dataclass(frozen=True, slots=True)
class ScryptCost:
    """Memory is 128·n·r bytes, time is proportional to n·r·p; ``InputError`` outside the bounds."""

    n: int
    r: int = 8
    p: int = 1

    def __post_init__(self) -> None:
        n, r, p = self.n, self.r, self.p
        if not (N_MIN <= n <= N_MAX and n & (n - 1) == 0 and 8 <= r <= R_MAX and 1 <= p <= P_MAX):
            raise InputError(
                "scrypt costs are out of range",
                expected=f"n a power of two in [{N_MIN}, {N_MAX}], r 8 to {R_MAX}, p 1 to {P_MAX}",
                got=f"n={n}, r={r}, p={p}",
            )


def stretch(password: bytes, *, purpose: bytes, salt: bytes, cost: ScryptCost, length: int = 32) -> bytes:
    """``length`` bytes of key; ``KeystoreError`` for an empty password, ``ResourceError`` where memory is short."""
    if not password:
        raise KeystoreError("the password is empty")
    kdf = Scrypt(salt=salt, length=length, n=cost.n, r=cost.r, p=cost.p)
    try:
        return kdf.derive(sha256(purpose + b" password" + password).digest())
    except MemoryError as error:
        raise ResourceError(f"not enough memory for scrypt: it takes {128 * cost.n * cost.r // 2**20} MiB") from error
