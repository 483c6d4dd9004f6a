"""A friendship: what arrives is what was sent, once, from the right friend; nothing else arrives."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, IntegrityError
from pyml.kdac.channel import MAX_AHEAD, Channel, ReplayError, UnknownAddressError
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.content import Content, Kind, decode_content
from pyml.kdac.derivation import MIN_SLOT, Moment, derive_public, direction_to, hash_scalar, slot_at, tag_of
from pyml.kdac.expected import HOLD_SLOTS, LOOKAHEAD, MAX_SKIPPED, RETENTION_SLOTS
from pyml.kdac.message import Message, decode_cbor, decode_json
from pyml.kdac.padding import BUCKETS, MAX_CONTENT_BYTES, pad, unpad
from pyml.kdac.ratchet import EPOCH_MESSAGES
from pyml.kdac.replay import WINDOW, SequenceWindow
from tests.kdac.friends import ALICE, BOB, SEED, SLOT, channels, opened, reopened


def test_both_ways_and_after_reopening() -> None:
    alice, bob = channels()
    for number in range(6):
        text = f"message {number}".encode()
        assert opened(bob, alice.send(SLOT, text)).content.body == text
        assert opened(alice, bob.send(SLOT, text, kind=Kind.FILE)).content.kind is Kind.FILE
        alice, bob = reopened(alice, ALICE), reopened(bob, BOB)
    assert alice.missing == bob.missing == 0


@given(st.data())
def test_any_schedule_loses_nothing_that_arrives(data: st.DataObject) -> None:
    """Sends and deliveries in any order within the window, across slots and epochs, with reopening in between."""
    alice, bob = channels()
    slot, number = SLOT, 0
    waiting: dict[str, list[tuple[bytes, bytes]]] = {"alice": [], "bob": []}
    for action in data.draw(st.lists(st.sampled_from(["a", "b", "A", "B", "slot", "reopen"]), max_size=80)):
        if action in "ab":
            sender, queue = (alice, waiting["bob"]) if action == "a" else (bob, waiting["alice"])
            if len(queue) < LOOKAHEAD:
                number += 1
                queue.append((str(number).encode(), sender.send(slot, str(number).encode())))
        elif action in "AB":
            receiver, queue = (alice, waiting["alice"]) if action == "A" else (bob, waiting["bob"])
            if queue:
                body, message = queue.pop(data.draw(st.integers(0, len(queue) - 1)))
                assert opened(receiver, message, slot).content.body == body
                with pytest.raises(UnknownAddressError):
                    receiver.receive(decode_cbor(message), slot)
        elif action == "slot":
            slot += 1
        else:
            alice, bob = reopened(alice, ALICE), reopened(bob, BOB)
    for receiver, queue in ((alice, waiting["alice"]), (bob, waiting["bob"])):
        for body, message in queue:
            assert opened(receiver, message, slot).content.body == body


def test_epochs_move_and_old_seeds_go() -> None:
    alice, bob = channels()
    for slot in range(SLOT, SLOT + 8):
        opened(bob, alice.send(slot, b"there"), slot)
        opened(alice, bob.send(slot, b"and back"), slot)
    for side in (alice, bob):
        ratchet = side._state.ratchet
        assert ratchet.sending >= 6
        assert len(ratchet.seeds) <= 3
        assert SEED not in side.state()


def test_a_busy_epoch_ends_within_its_slot() -> None:
    alice, bob = channels()
    for _ in range(EPOCH_MESSAGES + 4):
        opened(bob, alice.send(SLOT, b"there"))
        opened(alice, bob.send(SLOT, b"and back"))
    assert alice._state.ratchet.sending > 1


def test_a_message_of_a_past_epoch_opens_with_its_kept_key() -> None:
    alice, bob = channels()
    late = alice.send(SLOT, b"late")
    while 1 in bob._state.ratchet.seeds:
        SLOT_LATER = SLOT + 2
        opened(bob, alice.send(SLOT_LATER, b"there"), SLOT_LATER)
        opened(alice, bob.send(SLOT_LATER, b"and back"), SLOT_LATER)
    bob = reopened(bob, BOB)
    assert opened(bob, late, SLOT + 2).content.body == b"late"
    with pytest.raises(UnknownAddressError):
        opened(bob, late, SLOT + 2)


def test_keys_kept_are_bounded() -> None:
    alice, bob = channels()
    for slot in range(SLOT, SLOT + 120):
        opened(bob, alice.send(slot, b"there"), slot)
        opened(alice, bob.send(slot, b"and back"), slot)
    for side in (alice, bob):
        assert len(side._state.skipped) <= MAX_SKIPPED
        assert len(side.state()) < 200_000


def test_offline_for_days() -> None:
    alice, bob = channels()
    messages = [alice.send(SLOT + hours * 6, b"news") for hours in range(60)]
    now = SLOT + 60 * 6
    for message in messages:
        assert opened(bob, message, now).content.body == b"news"


def test_addresses_are_bounded_and_close() -> None:
    alice, _ = channels()
    far = SLOT + 10 * RETENTION_SLOTS
    assert len(list(alice.expected(far))) <= RETENTION_SLOTS + 5 * LOOKAHEAD
    alice.close_slots(far)
    assert len(list(alice.expected(far))) <= HOLD_SLOTS + 5 * LOOKAHEAD


def test_refused_messages_change_nothing() -> None:
    alice, bob = channels()
    message = decode_cbor(alice.send(SLOT, b"whole"))
    list(bob.expected(SLOT))
    before = bob.state()
    for place in range(0, len(message.sealed), 13):
        altered = bytearray(message.sealed)
        altered[place] ^= 1
        with pytest.raises(IntegrityError, match="does not open"):
            bob.receive(Message(message.slot, message.derived, bytes(altered)), SLOT)
    with pytest.raises(UnknownAddressError):
        bob.receive(Message(SLOT + 1, message.derived, message.sealed), SLOT)
    negated = bytes((message.derived[0] ^ 1,)) + message.derived[1:]
    with pytest.raises(UnknownAddressError):
        bob.receive(Message(SLOT, negated, message.sealed), SLOT)
    assert bob.state() == before
    assert bob.receive(message, SLOT).content.body == b"whole"


def test_a_number_that_has_come_is_refused_at_another_address() -> None:
    """A copy of the sender's state sends number 0 again, at an address that is free."""
    alice, bob = channels()
    copy = reopened(alice, ALICE)
    opened(bob, alice.send(SLOT, b"first"))
    copy._state.counter = 1
    with pytest.raises(ReplayError, match="number 0"):
        opened(bob, copy.send(SLOT, b"again"))


def test_another_friend_cannot_use_the_address() -> None:
    _, bob = channels()
    mallory, _ = channels(seed=bytes(32))
    with pytest.raises(UnknownAddressError):
        opened(bob, mallory.send(SLOT, b"hello"))


def test_signature_holds_the_sender() -> None:
    alice, bob = channels()
    assert opened(bob, alice.send(SLOT, b"signed", sign=True)).signed
    assert not opened(bob, alice.send(SLOT, b"not", sign=False)).signed


def test_a_clock_that_goes_back_repeats_no_address() -> None:
    alice, _ = channels()
    sent = [alice.send(slot, b"x") for slot in (SLOT + 5, SLOT, SLOT + 5, SLOT - 60)]
    assert len({decode_cbor(message).derived for message in sent}) == 4


def test_prepared_messages_are_the_same_messages() -> None:
    alice, bob = channels()
    alice.prepare(SLOT, 3)
    for body in (b"1", b"2", b"3", b"4"):
        assert opened(bob, alice.send(SLOT, body)).content.body == body
    alice.prepare(SLOT + 1, 2)
    assert opened(bob, alice.send(SLOT + 2, b"5"), SLOT + 2).content.body == b"5"
    with pytest.raises(InputError, match="too many keys ahead"):
        alice.prepare(SLOT, MAX_AHEAD + 1)


@given(st.binary(max_size=4200))
def test_padding(content: bytes) -> None:
    padded = pad(content)
    assert len(padded) in BUCKETS
    assert unpad(padded) == content


@pytest.mark.parametrize(
    "padded", [b"", bytes(256), b"\x80", b"\x80".ljust(255, b"\0"), b"\x80".ljust(1024, b"\0"), b"\1" * 256]
)
def test_wrong_padding(padded: bytes) -> None:
    with pytest.raises(IntegrityError, match="not padded"):
        unpad(padded)


def test_too_long_for_a_message() -> None:
    assert len(pad(bytes(MAX_CONTENT_BYTES))) == BUCKETS[-1]
    with pytest.raises(InputError, match="too long; expected at most 16383 bytes"):
        pad(bytes(MAX_CONTENT_BYTES + 1))


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=200))
def test_window_accepts_each_number_once(numbers: list[int]) -> None:
    window, seen = SequenceWindow(), set[int]()
    for number in numbers:
        fresh = number not in seen and number > max(seen, default=-1) - WINDOW
        assert window.is_new(number) == fresh
        if fresh:
            window = window.add(number)
            seen.add(number)
    assert window.mask < 1 << WINDOW


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ([], "wrong fields"),
        ({"type": "text", "seq": 0}, "wrong fields"),
        ({"type": "text", "seq": 0, "body": b"", "x": 1}, "wrong fields"),
        ({"type": "video", "seq": 0, "body": b""}, "wrong form"),
        ({"type": ["text"], "seq": 0, "body": b""}, "wrong form"),
        ({"type": "text", "seq": -1, "body": b""}, "wrong form"),
        ({"type": "text", "seq": True, "body": b""}, "wrong form"),
        ({"type": "text", "seq": 0, "body": "str"}, "wrong form"),
        ({"type": "text", "seq": 0, "body": b"", "offer": bytes(33)}, "wrong form"),
        ({"type": "text", "seq": 0, "body": b"", "ready": 1}, "wrong form"),
        ({"type": "text", "seq": 0, "body": b"", "signature": bytes(64)}, "wrong form"),
    ],
)
def test_malformed_content(fields: object, problem: str) -> None:
    with pytest.raises(IntegrityError, match=problem):
        decode_content(cbor2.dumps(fields))


@given(st.binary(max_size=100))
def test_content_from_noise(noise: bytes) -> None:
    try:
        content = decode_content(noise)
    except IntegrityError:
        return
    assert isinstance(content, Content)


@given(st.binary(min_size=1, max_size=60))
def test_states_of_other_programs(noise: bytes) -> None:
    with pytest.raises(IntegrityError, match="state cannot be read"):
        ChannelState.decode(noise)


def test_moments_and_directions() -> None:
    assert slot_at(1_785_000_599) == 2_975_000
    with pytest.raises(InputError, match="slot is out of range"):
        Moment(MIN_SLOT - 1, 0)
    with pytest.raises(InputError, match="counter is out of range"):
        Moment(SLOT, -1)
    with pytest.raises(InputError, match="same key"):
        direction_to(ALICE.public, ALICE.public)
    with pytest.raises(InputError, match="not a point"):
        derive_public(b"\2" + bytes(31) + b"\5", SEED, direction_to(ALICE.public, BOB.public), SLOT, 0)


@given(st.integers(0, 2**32 - 1), st.integers(0, 1), st.integers(MIN_SLOT, 2**32 - 1))
def test_every_part_of_the_moment_counts(counter: int, way: int, slot: int) -> None:
    directions = direction_to(ALICE.public, BOB.public), direction_to(BOB.public, ALICE.public)
    h = hash_scalar(SEED, directions[way], slot, counter)
    assert h != hash_scalar(SEED, directions[1 - way], slot, counter)
    assert h != hash_scalar(SEED, directions[way], slot ^ 1, counter)
    assert h != hash_scalar(SEED, directions[way], slot, counter ^ 1)
    assert h != hash_scalar(SEED[:-1] + b"\0", directions[way], slot, counter)


def test_json_form_arrives_too() -> None:
    alice, bob = channels()
    message = decode_json(decode_cbor(alice.send(SLOT, b"text form")).json)
    assert bob.is_expected(tag_of(message.derived)) is False
    assert opened(bob, message.cbor).content.body == b"text form"


def test_nothing_shows_a_key() -> None:
    alice, _ = channels()
    _, address = next(iter(alice.expected(SLOT)))
    for shown in (repr(alice), repr(alice._state), repr(alice._state.ratchet), repr(address)):
        assert SEED.hex() not in shown
        assert ALICE.reveal.hex() not in shown
        assert BOB.public.hex() not in shown
        assert repr(SEED) not in shown
    assert isinstance(alice, Channel)
