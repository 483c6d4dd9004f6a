"""Where inviter and guest meet before they share a seed: addresses that the invitation's token gives.

An addition to the paper, which leaves open how x_A and x_B travel. For the relay these are session messages like any
other: K_t = h·K of the receiver, with h from the token, and m an ECIES box for K_t, as long as other messages are. The
guest's acceptance goes to the inviter's key, the reply to the guest's, the confirmation to the inviter's again.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pyml.crypto import ecies
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.kdac.derivation import SEED_BYTES, Direction, derive_private, derive_public
from pyml.kdac.invitation import Invitation
from pyml.kdac.message import SEALED_LENGTHS, Message, header

ACCEPTANCE: Final = 0
REPLY: Final = 1
CONFIRMATION: Final = 2
"""The steps, which are also the counters of their addresses."""
_LABEL: Final = b"KDAC/v1/rendezvous"
_LENGTH_BYTES: Final = 2


def _seed(invitation: Invitation) -> bytes:
    return HKDF(SHA256(), SEED_BYTES, invitation.digest, _LABEL).derive(invitation.token)


def _direction(step: int) -> Direction:
    return Direction.TO_GUEST if step == REPLY else Direction.TO_INVITER


def seal(invitation: Invitation, step: int, receiver: bytes, body: bytes, slot: int) -> Message:
    """One step's message."""
    derived = derive_public(receiver, _seed(invitation), _direction(step), slot, step)
    room = (length - ecies.OVERHEAD_BYTES for length in sorted(SEALED_LENGTHS))
    size = next((length for length in room if length >= len(body) + _LENGTH_BYTES), None)
    if size is None:
        raise InputError("a message of an invitation is too long", got=len(body))
    padded = (len(body).to_bytes(_LENGTH_BYTES, "big") + body).ljust(size, b"\0")
    return Message(slot, derived, ecies.encrypt(derived, padded, context=header(slot, derived)))


def address(invitation: Invitation, step: int, key: SigningKey, slot: int) -> bytes:
    """The private key of the address at which its owner expects a step's message."""
    return derive_private(key.reveal, _seed(invitation), _direction(step), slot, step)


def unseal(derived_private: bytes, message: Message) -> bytes:
    """The body; ``IntegrityError`` for a message that is not for this address."""
    key = SigningKey.from_secret(derived_private)
    padded = ecies.decrypt(key, message.sealed, context=header(message.slot, message.derived))
    size = int.from_bytes(padded[:_LENGTH_BYTES], "big")
    return padded[_LENGTH_BYTES : _LENGTH_BYTES + size]
