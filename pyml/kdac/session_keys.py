"""The key that encrypts one message, agreed without an exchange.

Source: paper, section III-D, steps 4 and 5 and table I; specification, section 1.4. The paper writes S = K_A·K_Bt, a
product of two points, and S = K_B·K_A; the reading that both sides can compute is

    S = k_A·K_Bt = k_B·K_At = (k_B·h)·K_A

whose last form costs the receiver one multiplication. The paper's key is the exclusive or of the coordinates of S
(``paper.py``); here

    key = HKDF-SHA256(SHA-256(S), salt = x, "KDAC/v1/session" ‖ sender ‖ receiver ‖ K_Bt ‖ slot)

with S compressed. The specification takes the x-coordinate where this takes a hash of the point, because that is what
libsecp256k1 gives in constant time. x is the salt on purpose: it is secret, and without it S opens nothing.
"""

from __future__ import annotations

from typing import Final

from pyml.crypto.hkdf import derive_block
from pyml.crypto.scalars import Point, exchange

_SESSION: Final = b"KDAC/v1/session"


def sender_key(key: bytes, own: bytes, receiver: bytes, seed: bytes, derived: bytes, slot: int) -> bytes:
    """For the sender, whose keys are (``key``, ``own``); ``derived`` is K_Bt."""
    return _expand(exchange(key, derived), seed, own, receiver, derived, slot)


def receiver_key(
    derived_private: bytes, sender: bytes | Point, own: bytes, seed: bytes, derived: bytes, slot: int
) -> bytes:
    """For the receiver, from k_Bt = k_B·h: one multiplication."""
    public = sender.public if isinstance(sender, Point) else sender
    return _expand(exchange(derived_private, sender), seed, public, own, derived, slot)


def _expand(shared: bytes, seed: bytes, sender: bytes, receiver: bytes, derived: bytes, slot: int) -> bytes:
    info = _SESSION + sender + receiver + derived + slot.to_bytes(8, "big")
    return derive_block(shared, salt=seed, info=info)
