"""One key and one address for each message, derived from a seed that two friends share.

Source: paper, section III-D, equations (1), (2) and table I; specification, section 1.3.

    h = SHA-256("KDAC/v1/derive" ‖ x ‖ direction ‖ slot ‖ counter) mod n        k_t = k·h mod n        K_t = h·K = k_t·G

Deviations. The paper hashes a seed of 64 bits with a millisecond timestamp; here x has 256 bits, and t is a slot and a
counter within it, because a receiver must announce its keys before they are used. The direction says which of the two
receives, so that no key serves both. A hash that is 0 modulo n, which happens once in 2^256, is refused.

K_t is computed in variable time: h is used once, and k never takes part. k_t takes part in constant-time operations
only, but for the product modulo n.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pyml.crypto.scalars import Point, multiply_point, multiply_scalars
from pyml.crypto.secp256k1 import ORDER, SECRET_BYTES
from pyml.errors import InputError

SEED_BYTES: Final = 32
TAG_BYTES: Final = 16
SLOT_S: Final = 600
"""Δ: seconds of a slot."""
MIN_SLOT: Final = 2**16
MAX_SLOT: Final = 2**32 - 1
"""Slots from 1971 to the year 83000: all have the same length in a message."""
MAX_COUNTER: Final = 2**32 - 1
_DERIVE: Final = b"KDAC/v1/derive"
_TAG: Final = b"KDAC/v1/tag"


class Direction(IntEnum):
    """Whose key is derived: that of the friend whose public key is the smaller or the greater string, or, before they
    are friends, the inviter's or the guest's."""

    TO_LOWER = 0
    TO_HIGHER = 1
    TO_INVITER = 2
    TO_GUEST = 3


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """t: a slot, and a counter within it."""

    slot: int
    counter: int

    def __post_init__(self) -> None:
        require_slot(self.slot)
        if not 0 <= self.counter <= MAX_COUNTER:
            raise InputError("a message counter is out of range", expected=f"0 to {MAX_COUNTER}", got=self.counter)


def require_slot(slot: int) -> int:
    """A slot from outside."""
    if not MIN_SLOT <= slot <= MAX_SLOT:
        raise InputError("a slot is out of range", expected=f"{MIN_SLOT} to {MAX_SLOT}", got=slot)
    return slot


def slot_at(unix_s: float) -> int:
    """The slot of a time."""
    return int(unix_s // SLOT_S)


def direction_to(receiver: bytes, sender: bytes) -> Direction:
    """Which way a message goes between two friends, who must have different keys."""
    if receiver == sender:
        raise InputError("both friends have the same key", hint="Nobody can be a friend of their own.")
    return Direction.TO_LOWER if receiver < sender else Direction.TO_HIGHER


def hash_scalar(seed: bytes, direction: Direction, slot: int, counter: int) -> bytes:
    """h, 32 bytes in [1, n-1]."""
    text = _DERIVE + seed + bytes((direction,)) + slot.to_bytes(8, "big") + counter.to_bytes(4, "big")
    h = int.from_bytes(hashlib.sha256(text).digest(), "big") % ORDER
    if h == 0:
        raise InputError("this moment has no key", hint="Use the next counter.")
    return h.to_bytes(SECRET_BYTES, "big")


def derive_private(key: bytes, seed: bytes, direction: Direction, slot: int, counter: int) -> bytes:
    """k_t, secret: whoever has it and the seed has k."""
    return multiply_scalars(key, hash_scalar(seed, direction, slot, counter))


def derive_public(public: bytes | Point, seed: bytes, direction: Direction, slot: int, counter: int) -> bytes:
    """K_t, compressed."""
    return multiply_point(public, hash_scalar(seed, direction, slot, counter))


def tag_of(derived: bytes) -> bytes:
    """The 16 bytes by which a relay knows K_t: a hash, so that tags are uniform although x-coordinates are not."""
    return hashlib.sha256(_TAG + derived).digest()[:TAG_BYTES]
