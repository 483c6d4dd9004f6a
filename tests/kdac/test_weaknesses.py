"""The weaknesses that the specification names: each shown, open or closed."""

from __future__ import annotations

import hashlib

import pytest

from pyml.crypto.scalars import multiply_point, public_of
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import IntegrityError
from pyml.kdac import paper
from pyml.kdac.channel import Channel, UnknownAddressError
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.derivation import derive_private, derive_public, direction_to, hash_scalar, tag_of
from pyml.kdac.message import decode_cbor
from pyml.kdac.session_keys import receiver_key
from tests.kdac.friends import ALICE, BOB, SEED, SLOT, channels, opened, reopened

TO_BOB = direction_to(BOB.public, ALICE.public)
TO_ALICE = direction_to(ALICE.public, BOB.public)


def inverse(h: bytes) -> bytes:
    return pow(int.from_bytes(h, "big"), -1, ORDER).to_bytes(32, "big")


def test_open_seed_and_one_derived_private_key_give_the_private_key() -> None:
    """A friend has the seed: no k_t ever leaves. Heartbeats prove k_t by signatures, which do not show it."""
    k_t = derive_private(BOB.reveal, SEED, TO_BOB, SLOT, 0)
    h = int.from_bytes(hash_scalar(SEED, TO_BOB, SLOT, 0), "big")
    stolen = int.from_bytes(k_t, "big") * pow(h, -1, ORDER) % ORDER
    assert stolen.to_bytes(32, "big") == BOB.reveal


def test_open_seed_and_one_raw_point_give_every_point() -> None:
    """S = h·(k_A·K_B). Points are never stored; one message's key, a hash of S, says nothing about another's."""

    def point(counter: int) -> bytes:
        return multiply_point(derive_public(BOB.public, SEED, TO_BOB, SLOT, counter), ALICE.reveal)

    static = multiply_point(point(0), inverse(hash_scalar(SEED, TO_BOB, SLOT, 0)))
    assert multiply_point(static, hash_scalar(SEED, TO_BOB, SLOT, 1)) == point(1)
    key, raw = (
        receiver_key(derive_private(BOB.reveal, SEED, TO_BOB, SLOT, 0), ALICE.public, BOB.public, SEED, K_t, SLOT)
        for K_t in (derive_public(BOB.public, SEED, TO_BOB, SLOT, 0), BOB.public)
    )
    assert key not in {hashlib.sha256(point(0)).digest(), raw, point(0)[1:]}


def test_open_receiver_forges_from_the_sender_unless_signatures_are_asked_for() -> None:
    """k_B and x make a message in A's name: S needs only one of the two private keys."""
    _, bob = channels()
    state = ChannelState.begin(BOB.public, SEED, SLOT)

    class Forger(Channel):
        """Alice's side without Alice's key: S = k_B·h·K_A."""

        def _prepared(self, counter: int):
            made = super()._prepared(counter)
            derived = derive_private(BOB.reveal, SEED, TO_BOB, SLOT, counter)
            key = receiver_key(derived, ALICE.public, BOB.public, SEED, made.derived, SLOT)
            return type(made)(counter, made.derived, made.header, made.nonce, type(made.cipher)(key))

    forger = Forger(SigningKey.from_secret(b"\x0c" * 32), state)
    forger._direction = TO_BOB
    received = opened(bob, forger.send(SLOT, b"I owe you everything"))
    assert received.content.body == b"I owe you everything"
    assert not received.signed
    with pytest.raises(IntegrityError, match="signature is not the friend's"):
        opened(bob, forger.send(SLOT, b"and this is signed", sign=True))


def test_closed_by_a_signature() -> None:
    """Which the forger above cannot make; a signed message shows who wrote."""
    alice, bob = channels()
    assert opened(bob, alice.send(SLOT, b"mine", sign=True)).signed


def test_closed_both_directions_have_their_own_keys() -> None:
    """In the paper, A's and B's messages of one moment share S, hence the key."""
    seed, t = b"\1" * 8, 1_700_000_000_000
    to_bob = paper.session_key(ALICE.reveal, paper.derive_public(BOB.public, seed, t))
    to_alice = paper.session_key(BOB.reveal, paper.derive_public(ALICE.public, seed, t))
    assert to_bob == to_alice
    assert hash_scalar(SEED, TO_BOB, SLOT, 0) != hash_scalar(SEED, TO_ALICE, SLOT, 0)


def test_closed_the_seed_cannot_be_guessed_from_one_pair() -> None:
    """The paper's seed has 64 bits. An observer of (K, K_t) finds it among those it tries; here, one of 2^20."""
    t, seed = 1_700_000_000_000, (0xBEEF).to_bytes(8, "big")
    observed = paper.derive_public(BOB.public, seed, t)
    tried = (number.to_bytes(8, "big") for number in range(0xBE00, 0xBF00))
    assert paper.guess_seed(BOB.public, observed, t, tried) == seed
    assert len(SEED) * 8 == 256


def test_closed_stolen_keys_open_no_message_of_a_past_epoch() -> None:
    """k_A, k_B, both states and everything that was sent: S can be computed, the erased seed that salts it cannot."""
    alice, bob = channels()
    recorded = decode_cbor(alice.send(SLOT, b"secret of the past"))
    opened(bob, recorded.cbor)
    for slot in range(SLOT + 1, SLOT + 5):
        opened(bob, alice.send(slot, b"there"), slot)
        opened(alice, bob.send(slot, b"and back"), slot)
    thief = reopened(bob, BOB)
    list(thief.expected(SLOT + 5))
    with pytest.raises(UnknownAddressError):
        thief.receive(recorded, SLOT + 5)
    for state in (alice.state(), bob.state()):
        assert SEED not in state
        assert tag_of(recorded.derived) not in state
    assert public_of(BOB.reveal) == BOB.public


def test_open_a_friend_links_what_it_wrote() -> None:
    """Who shares the seed recognises the other's addresses; a third party's are as good as random."""
    alice, bob = channels()
    known = {derive_public(BOB.public, SEED, TO_BOB, SLOT, counter) for counter in range(4)}
    assert decode_cbor(alice.send(SLOT, b"linked")).derived in known
    assert {held.derived for _, held in bob.expected(SLOT)} & known
    stranger = {derive_public(BOB.public, bytes(32), TO_BOB, SLOT, counter) for counter in range(4)}
    assert not stranger & known
