"""Public keys of many secrets, from libsecp256k1 itself: the one place that calls what coincurve calls.

Source: libsecp256k1, ``include/secp256k1.h``; ``PublicKey.from_valid_secret`` and ``format`` of coincurve 21 in a loop.
coincurve makes four objects for each key; here all keys go through the same two places in memory, which hold nothing
secret. The multiplication is the same, in constant time, and reads each secret where it lies.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from coincurve.context import GLOBAL_CONTEXT

if TYPE_CHECKING:

    class _Library(Protocol):
        """The part of libsecp256k1 that is used; the package brings no annotations."""

        SECP256K1_EC_COMPRESSED: int

        def secp256k1_ec_pubkey_create(self, context: Any, point: Any, secret: bytes, /) -> int: ...
        def secp256k1_ec_pubkey_serialize(self, context: Any, to: Any, size: Any, point: Any, form: int, /) -> int: ...

    class _Memory(Protocol):
        """The part of cffi that is used."""

        def new(self, kind: str, value: Any = None, /) -> Any: ...
        def buffer(self, place: Any, /) -> Any: ...

    _library: _Library
    _memory: _Memory
else:
    from coincurve._libsecp256k1 import ffi as _memory
    from coincurve._libsecp256k1 import lib as _library

_COMPRESSED_BYTES: Final = 33


def multiply_generator(secrets: Iterable[bytes]) -> list[bytes]:
    """The compressed point k·G for each k, 32 bytes that are a number in [1, n-1]: the caller has made sure of it."""
    context: Any = GLOBAL_CONTEXT.ctx  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    point = _memory.new("secp256k1_pubkey *")
    place, size = _memory.new(f"unsigned char [{_COMPRESSED_BYTES}]"), _memory.new("size_t *", _COMPRESSED_BYTES)
    shown = _memory.buffer(place)
    points: list[bytes] = []
    for secret in secrets:
        if not _library.secp256k1_ec_pubkey_create(context, point, secret):
            raise ValueError("a number that is multiplied is 0, or n or more")
        _library.secp256k1_ec_pubkey_serialize(context, place, size, point, _library.SECP256K1_EC_COMPRESSED)
        points.append(shown[:])
    return points
