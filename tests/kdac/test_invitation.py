"""From an invitation to a seed that both have, and everything that must not lead there."""

from __future__ import annotations

import base64
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, IntegrityError
from pyml.kdac import rendezvous
from pyml.kdac.derivation import tag_of
from pyml.kdac.invitation import Guest, Host, Invitation, read_invitation, safety_number
from pyml.kdac.message import SEALED_LENGTHS, Message, decode_cbor
from tests.kdac.friends import ALICE, BOB, SLOT

RELAYS = ("wss://relay.example:7000", "ws://127.0.0.1:7001")
INVITATION = Invitation.make(ALICE, RELAYS, 2_000_000_000)
MALLORY = SigningKey.from_secret(b"\x0d" * 32)


def exchanged() -> tuple[Host, Guest]:
    guest = Guest.accept(BOB, read_invitation(INVITATION.text))
    return Host.answer(ALICE, INVITATION, guest.acceptance), guest


def test_both_have_the_same_seed() -> None:
    host, guest = exchanged()
    established, proof = guest.finish(BOB, host.reply)
    assert established.friend == ALICE.public
    assert host.confirm(proof).friend == BOB.public
    assert host.established.seed == established.seed


def test_each_exchange_gives_another_seed() -> None:
    assert exchanged()[0].established.seed != exchanged()[0].established.seed


@pytest.mark.parametrize("part", ["acceptance", "reply", "confirmation"])
def test_altered_messages_are_refused(part: str) -> None:
    host, guest = exchanged()
    _, proof = guest.finish(BOB, host.reply)
    content = {"acceptance": guest.acceptance, "reply": host.reply, "confirmation": proof}[part]
    for place in range(len(content)):
        altered = content[:place] + bytes((content[place] ^ 1,)) + content[place + 1 :]
        steps: dict[str, Callable[[bytes], object]] = {
            "acceptance": lambda changed: Host.answer(ALICE, INVITATION, changed),
            "reply": lambda changed: guest.finish(BOB, changed),
            "confirmation": host.confirm,
        }
        with pytest.raises((IntegrityError, InputError)):  # InputError: the altered key is no point
            steps[part](altered)


def test_a_reply_to_another_acceptance_is_refused() -> None:
    host, _ = exchanged()
    other = Guest.accept(BOB, INVITATION)
    with pytest.raises(IntegrityError, match="reply to an acceptance is not the inviter's"):
        other.finish(BOB, host.reply)


def test_an_impostor_cannot_reply() -> None:
    guest = Guest.accept(BOB, INVITATION)
    with pytest.raises(IntegrityError, match="does not open"):
        Host.answer(MALLORY, INVITATION, guest.acceptance)
    own = Invitation.make(MALLORY, RELAYS, INVITATION.expires)
    reply = Host.answer(MALLORY, own, Guest.accept(BOB, own).acceptance).reply
    with pytest.raises(IntegrityError, match="not the inviter's"):
        guest.finish(BOB, reply)


def test_own_and_expired_invitations() -> None:
    with pytest.raises(InputError, match="is your own"):
        Guest.accept(ALICE, INVITATION)
    INVITATION.require_fresh(1_999_999_999)
    with pytest.raises(InputError, match="has expired"):
        INVITATION.require_fresh(2_000_000_000)


def test_text_survives() -> None:
    assert read_invitation(f"  {INVITATION.text}\n") == INVITATION
    assert ALICE.reveal.hex() not in repr(INVITATION)


def test_another_signer_is_noticed() -> None:
    fields = [ALICE.public, INVITATION.token, list(RELAYS), INVITATION.expires + 1, INVITATION.signature]
    text = "kdac1-" + base64.urlsafe_b64encode(cbor2.dumps(fields)).decode().rstrip("=")
    with pytest.raises(InputError, match="has been altered"):
        read_invitation(text)


@given(st.data())
def test_altered_text_is_no_invitation(data: st.DataObject) -> None:
    text = INVITATION.text
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_ é"))
    altered = text[:place] + letter + text[place + 1 :]
    if altered.strip() != text:
        with pytest.raises(InputError, match=r"not an invitation|has been altered"):
            read_invitation(altered)


@given(st.one_of(st.text(max_size=80), st.binary(max_size=80).map(lambda noise: "kdac1-" + noise.hex())))
def test_noise_is_no_invitation(text: str) -> None:
    with pytest.raises(InputError, match="not an invitation"):
        read_invitation(text)


def test_rendezvous_looks_like_any_message() -> None:
    guest = Guest.accept(BOB, INVITATION)
    message = rendezvous.seal(INVITATION, rendezvous.ACCEPTANCE, ALICE.public, guest.acceptance, SLOT)
    assert len(message.sealed) in SEALED_LENGTHS
    assert decode_cbor(message.cbor) == message
    address = rendezvous.address(INVITATION, rendezvous.ACCEPTANCE, ALICE, SLOT)
    assert SigningKey.from_secret(address).public == message.derived
    assert rendezvous.unseal(address, message) == guest.acceptance
    for other in (
        rendezvous.address(INVITATION, rendezvous.CONFIRMATION, ALICE, SLOT),
        rendezvous.address(INVITATION, rendezvous.ACCEPTANCE, ALICE, SLOT + 1),
        rendezvous.address(Invitation.make(ALICE, (), 1), rendezvous.ACCEPTANCE, ALICE, SLOT),
    ):
        with pytest.raises(IntegrityError, match="does not open"):
            rendezvous.unseal(other, message)
    moved = Message(SLOT + 1, message.derived, message.sealed)
    with pytest.raises(IntegrityError, match="does not open"):
        rendezvous.unseal(address, moved)
    assert ALICE.public not in message.cbor
    assert BOB.public not in message.cbor
    assert tag_of(message.derived) != tag_of(ALICE.public)


def test_rendezvous_is_bounded() -> None:
    with pytest.raises(InputError, match="too long"):
        rendezvous.seal(INVITATION, rendezvous.REPLY, BOB.public, bytes(17_000), SLOT)


def test_safety_numbers() -> None:
    number = safety_number(ALICE.public, BOB.public)
    assert number == safety_number(BOB.public, ALICE.public)
    assert number != safety_number(ALICE.public, MALLORY.public)
    assert len(number.replace(" ", "")) == 30
