"""Keys exactly as the paper makes them. UNSAFE: whoever has a similar image, or guesses it, has the key.

Source: arXiv 1711.04069, Algorithm 1: activations of the last layer → bits → (with a password: PBKDF2) → private key.
The figures of how it falls are in docs/keys.md; for keys that hold value there is ``pyml.keys.vault``.

What the paper leaves open, decided here: bits are read most significant first; "concatenate the secret with a password,
taking bit-length into consideration" is 32 bytes of secret, then the password; PBKDF2 runs with HMAC-SHA-512; a secret
outside [1, n-1] is refused, where reducing it would give two images one key without a word.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import pbkdf2_hmac
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyml.crypto.secp256k1 import SECRET_BYTES, KeyRangeError, SigningKey, is_secret
from pyml.errors import InputError
from pyml.keys.fuzzy_commitment import Bits
from pyml.store.keystore import Secret

WARNING: Final = (
    "UNSAFE: keys derived directly from an embedding fall to whoever has a similar input or a list of likely ones. "
    "Send no funds to them."
)
"""To be shown wherever this mode is offered."""
CODE_BITS: Final = 8 * SECRET_BYTES
THRESHOLD: Final = 0.5
"""An activation of exactly ½ is a one."""
ITERATIONS: Final = 210_000
"""OWASP's Password Storage Cheat Sheet (2023) for PBKDF2 with HMAC-SHA-512."""
SALT: Final = b"pyml.keys.paper.v1"
"""Public and the same for all, so that image and password suffice; one dictionary then serves against every key."""
_MAX_ITERATIONS: Final = 2**31 - 1
_SHOWN_ROWS: Final = 10


def bits(activations: ArrayLike) -> Bits:
    """Activations in [0, 1], shape (…, 256), as zeros and ones: v ≥ ½ is 1. Raises ``InputError`` for NaN."""
    values = np.asarray(activations)
    if values.ndim == 0 or values.shape[-1] != CODE_BITS:
        raise InputError("activations have the wrong shape", expected=f"(…, {CODE_BITS})", got=values.shape)
    # NaN is the least and the greatest of its array, and fails both.
    if values.dtype.kind not in "fiub" or (values.size and not (values.min() >= 0 and values.max() <= 1)):
        raise InputError("activations are not those of a sigmoid", expected=f"{CODE_BITS} numbers from 0 to 1")
    return (values >= THRESHOLD).view(np.uint8)


def secret_of(bits: Bits) -> Secret:
    """256 bits, most significant first, as 32 bytes; not yet known to be a private key."""
    return Secret(_pack(bits, 1).tobytes())


def stretch(secret: Secret, password: Secret, *, salt: bytes = SALT, iterations: int = ITERATIONS) -> Secret:
    """PBKDF2-HMAC-SHA-512 over the secret and, after it, the password: 32 bytes.

    Raises ``InputError`` for no password, one that ends with a zero byte (HMAC would not see it), or no iteration.
    """
    if not password.reveal or password.reveal.endswith(b"\0"):
        raise InputError("the password is not usable", expected="at least one byte, and no zero byte at the end")
    if not 1 <= iterations <= _MAX_ITERATIONS:
        raise InputError("the number of iterations is out of range", expected=f"1 to {_MAX_ITERATIONS}", got=iterations)
    return Secret(pbkdf2_hmac("sha512", secret.reveal + password.reveal, salt, iterations, SECRET_BYTES))


def derive(
    activations: ArrayLike, *, password: Secret | None = None, salt: bytes = SALT, iterations: int = ITERATIONS
) -> SigningKey:
    """Algorithm 1 for one input: 256 activations to a key; raises ``KeyRangeError`` if they give none."""
    secret = secret_of(bits(activations))
    if password is not None:
        secret = stretch(secret, password, salt=salt, iterations=iterations)
    return SigningKey.from_secret(secret)


def derive_many(
    activations: ArrayLike,
    *,
    password: Secret | None = None,
    salt: bytes = SALT,
    iterations: int = ITERATIONS,
    workers: int = 1,
) -> list[SigningKey]:
    """``derive`` for each row of (n, 256); raises ``KeyRangeError`` that names the rows that give no key.

    ``workers`` threads share the stretching, which is all of the work when there is a password.
    """
    rows = _pack(bits(activations), 2).tobytes()
    secrets = [rows[start : start + SECRET_BYTES] for start in range(0, len(rows), SECRET_BYTES)]
    if password is not None:
        with ThreadPoolExecutor(workers) as pool:  # PBKDF2 runs outside the interpreter's lock
            task = partial(stretch, password=password, salt=salt, iterations=iterations)
            secrets = [stretched.reveal for stretched in pool.map(task, map(Secret, secrets))]
    refused = [row for row, secret in enumerate(secrets) if not is_secret(secret)]
    if refused:
        del rows, secrets  # tracebacks may be shown with the locals of each frame
        raise KeyRangeError(
            f"{len(refused)} of the embeddings give no private key",
            expected="codes that are numbers from 1 to n-1",
            got=f"others in rows {', '.join(map(str, refused[:_SHOWN_ROWS]))}{', …' * (len(refused) > _SHOWN_ROWS)}",
            hint="A code of zeros or ones throughout means that the network's activations are saturated.",
        )
    return [SigningKey.from_secret(secret) for secret in secrets]


def _pack(code: Bits, dimensions: int) -> NDArray[np.uint8]:
    if code.ndim != dimensions or code.shape[-1] != CODE_BITS or code.dtype.kind not in "iub":
        shape = "(n, 256)" if dimensions == 2 else "(256,)"
        raise InputError("a code has the wrong shape", expected=f"zeros and ones, {shape}", got=code.shape)
    if not bool(np.all((code == 0) | (code == 1))):
        raise InputError("a code has other digits than zero and one")
    return np.packbits(code, axis=-1, bitorder="big")
