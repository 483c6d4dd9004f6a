"""Two friends for tests."""

from __future__ import annotations

from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac.channel import Channel, Received
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.message import decode_cbor

SLOT = 2_975_000
SEED = bytes(range(32))
ALICE = SigningKey.from_secret(b"\x0a" * 32)
BOB = SigningKey.from_secret(b"\x0b" * 32)


def channels(seed: bytes = SEED) -> tuple[Channel, Channel]:
    """Alice's side and Bob's."""
    return (
        Channel(ALICE, ChannelState.begin(BOB.public, seed, SLOT)),
        Channel(BOB, ChannelState.begin(ALICE.public, seed, SLOT)),
    )


def reopened(channel: Channel, own: SigningKey) -> Channel:
    """As it comes back from the store."""
    return Channel(own, ChannelState.decode(channel.state()))


def opened(channel: Channel, message: bytes, slot: int = SLOT) -> Received:
    """Receive in a slot whose addresses have been made."""
    list(channel.expected(slot))
    return channel.receive(decode_cbor(message), slot)
