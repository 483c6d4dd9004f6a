"""HKDF-SHA256 for one key of 32 bytes, at a third of the cost of a general implementation.

Source: RFC 5869; RFC 2104 (HMAC). HMAC is written out over ``hashlib.sha256``: OpenSSL's own takes longer to set up
than to compute for inputs as short as these. Tests compare it with two other implementations.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from pyml.errors import InputError

_BLOCK_BYTES: Final = 64
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def derive_block(secret: bytes, *, salt: bytes, info: bytes) -> bytes:
    """32 bytes. ``salt`` may be secret and has at most 64 bytes."""
    if len(salt) > _BLOCK_BYTES:
        raise InputError("a salt is too long", expected=f"at most {_BLOCK_BYTES} bytes", got=len(salt))
    return _hmac(_hmac(salt, secret), info + b"\1")


def _hmac(key: bytes, message: bytes) -> bytes:
    """For a key of at most one block."""
    block = key.ljust(_BLOCK_BYTES, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + message).digest()).digest()
