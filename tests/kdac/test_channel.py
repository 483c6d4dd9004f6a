"""A friendship: what arrives is what was sent, once, from the right friend; nothing else arrives."""

from __future__ import annotations

from random import Random

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, IntegrityError
from pyml.kdac.channel import MAX_AHEAD, Channel, ReplayError, UnknownAddressError
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.content import Content, Kind, decode_content
from pyml.kdac.derivation import MIN_SLOT, Moment, derive_public, direction_to, hash_scalar, slot_at, tag_of
from pyml.kdac.expected import HOLD_SLOTS, LOOKAHEAD, RECENT_SLOTS, RETENTION_SLOTS
from pyml.kdac.message import Message, decode_cbor, decode_json
from pyml.kdac.padding import BUCKETS, MAX_CONTENT_BYTES, pad, unpad
from pyml.kdac.places import IN_FLIGHT, MAX_PLACES, MAX_SKIPPED, UNCONFIRMED, Place
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


class Held:
    """What a relay holds for one side: it hands over what is announced, in any order."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes]] = []
        self.begun: set[tuple[int, int]] = set()
        self.burnt: dict[tuple[int, int], int] = {}

    def add(self, sender: Channel, slot: int, body: bytes, *, burn: bool) -> None:
        """By the rules of ``places.py``: the first of a place is ordered, and at most ``IN_FLIGHT`` are not."""
        place = sender.place(slot)
        message = sender.send(slot, body)
        if burn and place in self.begun and self.burnt.get(place, 0) < IN_FLIGHT:
            self.burnt[place] = self.burnt.get(place, 0) + 1
            again = sender.send(slot, body, number=sender._state.sequence - 1)
            self.messages.append((body, again))
        else:
            self.messages.append((body, message))
        self.begun.add(place)

    def announced(self, receiver: Channel, slot: int) -> list[int]:
        list(receiver.expected(slot))
        tags = [tag_of(decode_cbor(message).derived) for _, message in self.messages]
        return [number for number, tag in enumerate(tags) if receiver.is_expected(tag)]

    def hand_over(self, receiver: Channel, slot: int, number: int) -> None:
        body, message = self.messages.pop(number)
        assert receiver.receive(decode_cbor(message), slot).content.body == body
        with pytest.raises(UnknownAddressError):
            receiver.receive(decode_cbor(message), slot)

    def empty(self, receiver: Channel, slot: int) -> None:
        while self.messages:
            ready = self.announced(receiver, slot)
            assert ready, "something that came is never asked for"
            self.hand_over(receiver, slot, ready[-1])


@given(st.data())
def test_any_schedule_loses_nothing(data: st.DataObject) -> None:
    """Sends, deliveries in any order, addresses that never serve, slots, epochs, and reopening in between."""
    alice, bob = channels()
    slot, number = SLOT, 0
    for_alice, for_bob = Held(), Held()
    actions = st.sampled_from(["a", "aaaaaaaaaaaa", "bbbbbb", "x", "b", "A", "B", "AB", "slot", "away", "reopen"])
    for action in data.draw(st.lists(actions, max_size=60)):
        if action in {"slot", "away"}:
            slot += 1 if action == "slot" else RECENT_SLOTS + 2
        elif action == "reopen":
            alice, bob = reopened(alice, ALICE), reopened(bob, BOB)
        else:
            for one in action:
                number += 1
                if one in "abx":
                    sender, held = (bob, for_alice) if one == "b" else (alice, for_bob)
                    held.add(sender, slot, str(number).encode(), burn=one == "x")
                    continue
                receiver, held = (alice, for_alice) if one == "A" else (bob, for_bob)
                if ready := held.announced(receiver, slot):
                    held.hand_over(receiver, slot, data.draw(st.sampled_from(ready)))
        for side in (alice, bob):
            assert len(side._state.skipped) <= MAX_SKIPPED
    for_alice.empty(alice, slot)
    for_bob.empty(bob, slot)
    assert alice._state.window.low == bob._state.sequence
    assert bob._state.window.low == alice._state.sequence


def talk(alice: Channel, bob: Channel, slot: int, rounds: int) -> None:
    """Alice and Bob write and read in turn."""
    for _ in range(rounds):
        opened(bob, alice.send(slot, b"there"), slot)
        opened(alice, bob.send(slot, b"and back"), slot)


@pytest.mark.parametrize("order", ["first", "last", "shuffled"])
def test_a_whole_window_of_an_old_epoch_arrives_after_its_end(order: str) -> None:
    alice, bob = channels()
    held = [(body, alice.send(SLOT, body)) for body in (b"%d" % number for number in range(UNCONFIRMED - 8))]
    talk(alice, bob, SLOT + 1, 6)
    assert 1 not in bob._state.ratchet.seeds
    assert SEED not in bob.state()
    assert len(bob._state.skipped) == len(held)
    if order != "first":
        held.reverse()
    if order == "shuffled":
        Random(1).shuffle(held)
    for body, message in held:
        bob = reopened(bob, BOB)
        assert opened(bob, message, SLOT + 1).content.body == body
        with pytest.raises(UnknownAddressError):
            opened(bob, message, SLOT + 1)
    assert not bob._state.skipped
    assert bob.missing == 0


def test_an_epoch_does_not_end_while_more_is_on_its_way_than_keys_are_kept_for() -> None:
    alice, bob = channels()
    held = Held()
    for number in range(UNCONFIRMED + 1):
        held.add(alice, SLOT, b"%d" % number, burn=False)
    talk(alice, bob, SLOT + 1, 6)
    assert alice._state.ratchet.sending == 1
    assert 1 in bob._state.ratchet.seeds
    held.empty(bob, SLOT + 1)
    talk(alice, bob, SLOT + 1, 2)
    assert alice._state.ratchet.sending > 1
    assert 1 not in bob._state.ratchet.seeds
    assert not bob._state.skipped


def test_keys_of_addresses_that_never_serve_go_once_the_rest_has_come() -> None:
    alice, bob = channels()
    first = alice.send(SLOT, b"first")
    for _ in range(5):
        alice.send(SLOT, b"second", number=1)
    alice.number()
    second = alice.send(SLOT, b"second", number=1)
    talk(alice, bob, SLOT + 1, 6)
    assert len(bob._state.skipped) == 7
    opened(bob, second, SLOT + 1)
    assert len(bob._state.skipped) == 6
    opened(bob, first, SLOT + 1)
    assert not bob._state.skipped


def test_what_is_lost_for_good_does_not_hold_up_the_rest() -> None:
    """Slots are closed before their messages come: the friend learns it, and neither side waits for them."""
    alice, bob = channels()
    for number in range(WINDOW):
        alice.send(SLOT, b"%d" % number)
    assert not alice.has_room
    later = SLOT + HOLD_SLOTS + 1
    bob.close_slots(later)
    opened(alice, bob.send(later, b"hello"), later)
    assert alice.has_room
    assert alice.floor == WINDOW
    talk(alice, bob, later, 6)
    talk(alice, bob, later + 1, 6)
    assert bob.missing == WINDOW
    assert bob._state.window.low == alice._state.sequence
    assert alice._state.ratchet.sending > 1


@pytest.mark.parametrize(
    ("claimed", "problem"),
    [
        (Place(2**32 - 1, 0, 9), "too far ahead"),
        (Place(MAX_SKIPPED + 3, 0, 9), "too far"),
        (Place(1, 0, 9), "less than"),
    ],
)
def test_a_friend_cannot_make_us_keep_more(claimed: Place, problem: str) -> None:
    alice, bob = channels()
    list(bob.expected(SLOT))
    for message in [alice.send(SLOT, b"x") for _ in range(3)][1:]:
        opened(bob, message)
    while alice._state.ratchet.sending == 1:
        opened(bob, alice.send(SLOT + 1, b"there"), SLOT + 1)
        opened(alice, bob.send(SLOT + 1, b"and back"), SLOT + 1)
    truth = reopened(alice, ALICE)
    alice._state.sent.places[1, SLOT] = claimed
    list(bob.expected(SLOT + 1))
    before = bob.state()
    with pytest.raises(IntegrityError, match=problem):
        opened(bob, alice.send(SLOT + 1, b"much"), SLOT + 1)
    assert bob.state() == before
    assert opened(bob, truth.send(SLOT + 1, b"true"), SLOT + 1).content.body == b"true"


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
        low = next(low for low in range(max(window.highest + 1 - WINDOW, 0), window.highest + 2) if low not in seen)
        assert window.low == low
    assert window.mask < 1 << WINDOW


@given(st.lists(st.integers(0, 3 * WINDOW), max_size=50), st.integers(0, 4 * WINDOW))
def test_window_passes_what_comes_no_more(numbers: list[int], floor: int) -> None:
    window = SequenceWindow()
    for number in numbers:
        window = window.add(number) if window.is_new(number) else window
    passed = window.pass_below(floor)
    assert passed.low >= floor
    assert passed.highest == max(window.highest, floor - 1)
    for number in (floor - 1, floor, floor + 1, window.highest, window.highest + 1, *numbers):
        assert passed.is_new(number) == (number >= floor and window.is_new(number))


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


WRONG_PROGRESS: dict[str, tuple[object, ...]] = {
    "got": (1, [1, 2], b"", bytes(11), bytes(13), b"\x80" + bytes(11), "123456789012"),
    "floor": (-1, 2**63, True, None, [0]),
    "past": (0, [1], [[1, 2]], [[1, 2, -3]], [[2**32, 1, 1]], [[1, 2**32, 1]], [[1, 1, 1]] * (MAX_PLACES + 1)),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG_PROGRESS for value in WRONG_PROGRESS[name]]
)
def test_malformed_progress(name: str, value: object) -> None:
    with pytest.raises(IntegrityError, match="wrong form"):
        decode_content(cbor2.dumps({"type": "text", "seq": 0, "body": b"", name: value}))


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
