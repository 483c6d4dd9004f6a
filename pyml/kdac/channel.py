"""One side of a friendship: makes messages, opens messages, and remembers what must never happen twice.

Source: paper, section III-D, steps 3 to 5; specification, sections 1.3 to 1.6. No clock, no file, no socket: time comes
as a slot, and whoever holds a channel saves ``state()`` before a message made by it leaves, so that no address is used
twice. The nonce is random all the same: a state restored from a copy then repeats an address, not a key stream.

``prepare`` derives keys ahead: what is left to do when a message is sent is one pass of AES-256-GCM.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from secrets import token_bytes
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pyml.crypto.scalars import Point
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, IntegrityError
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.content import Content, Got, Kind, decode_content, is_signed_by, sign_content
from pyml.kdac.derivation import derive_public, direction_to, require_slot, tag_of
from pyml.kdac.expected import HOLD_SLOTS, LOOKAHEAD, RETENTION_SLOTS, Expected, ExpectedTable
from pyml.kdac.message import NONCE_BYTES, Message, encode_cbor, header
from pyml.kdac.padding import pad, unpad
from pyml.kdac.places import PastPlace
from pyml.kdac.session_keys import receiver_key, sender_key

MAX_AHEAD: Final = 4096
"""Most keys that ``prepare`` makes."""
RECEIPT_AFTER: Final = 256
"""Messages after which one is due that only confirms, if nothing else was sent: well before the sender must stop."""


class UnknownAddressError(InputError):
    """A message's address is none of ours: a replay, an old one, or somebody else's."""


class ReplayError(InputError):
    """A message's number has been seen, or is too old to tell."""


class Received(NamedTuple):
    """A message from this friend; ``signed`` if the friend can be held to it before others."""

    content: Content
    slot: int
    signed: bool


@dataclass(frozen=True, slots=True, repr=False)
class _Prepared:
    counter: int
    derived: bytes
    header: bytes
    nonce: bytes
    cipher: AESGCM


class Channel:
    """Own key, friend's key, and the state between them. Shows neither.

    ``lookahead`` is how many messages of a slot may be on their way before the first of them has come.
    """

    def __init__(self, own: SigningKey, state: ChannelState, *, lookahead: int = LOOKAHEAD) -> None:
        self._own, self._state = own, state
        self._public = own.public
        self._ahead: deque[_Prepared] = deque()
        self._point = Point(state.friend)
        self._direction = direction_to(state.friend, self._public)
        back = direction_to(self._public, state.friend)
        self._table = ExpectedTable(own.reveal, back, state.received, state.skipped, lookahead=lookahead)

    def __repr__(self) -> str:
        return f"Channel(epoch={self._state.ratchet.sending})"

    def state(self) -> bytes:
        """Everything but the own key, secret: to be encrypted where it is kept."""
        return self._state.encode()

    @property
    def friend(self) -> bytes:
        """The friend's public key."""
        return self._state.friend

    @property
    def missing(self) -> int:
        """How many of the friend's messages, before the last that came, have not: yet, or for good."""
        return self._state.window.highest + 1 - self._state.taken

    @property
    def has_room(self) -> bool:
        """Whether the friend has confirmed enough for another number; a message beyond must wait, or may be refused."""
        return self._state.sent.has_room(self._state.sequence)

    @property
    def floor(self) -> int:
        """Own messages with lower numbers have come or are lost for good: one that waits needs a new number."""
        return self._state.sent.floor(self._state.sequence)

    def take_owed_receipt(self) -> bool:
        """Whether so much has come since the last message was sent that a receipt is due; asked again, it is not."""
        owed = self._state.heard >= RECEIPT_AFTER
        self._state.heard = 0 if owed else self._state.heard
        return owed

    def place(self, slot: int) -> tuple[int, int]:
        """Epoch and slot of the next message. The second of a place must not leave before the first is ordered."""
        return self._state.ratchet.sending, max(slot, self._state.slot)

    def number(self) -> int:
        """Reserve the next message's number, for one that may have to be sent again in a later slot."""
        self._state.sequence += 1
        return self._state.sequence - 1

    def send(
        self, slot: int, body: bytes, *, kind: Kind = Kind.TEXT, sign: bool = False, number: int | None = None
    ) -> bytes:
        """The next message, in CBOR. Save the state before it leaves.

        Without a reserved number it gets the next; the receiver takes each number once, however often it is sent.
        """
        state = self._state
        self._move_to(slot)
        offer = state.ratchet.on_send(state.slot)
        made = self._ahead.popleft() if self._ahead else self._prepared(state.counter)
        sequence = self.number() if number is None else number
        state.sent.note(state.ratchet.sending, state.slot, made.counter, sequence)
        content = Content(kind, sequence, body, offer, state.ratchet.ready, None, *self._progress(slot))
        if sign:
            signature = sign_content(content, self._own, state.friend, made.header)
            content = content._replace(signature=signature)
        padded = pad(content.encode())
        state.counter, state.heard = made.counter + 1, 0
        return encode_cbor(state.slot, made.derived, made.nonce + made.cipher.encrypt(made.nonce, padded, made.header))

    def prepare(self, slot: int, count: int) -> None:
        """Derive keys for the next ``count`` messages of a slot, if they are sent in it and in this epoch."""
        if not 0 <= count <= MAX_AHEAD:
            raise InputError("too many keys ahead", expected=f"at most {MAX_AHEAD}", got=count)
        self._move_to(slot)
        while len(self._ahead) < count:
            self._ahead.append(self._prepared(self._state.counter + len(self._ahead)))

    def expected(self, now: int) -> Iterator[tuple[bytes, Expected]]:
        """Addresses to announce: at most those of the retention time, the next slot included."""
        ratchet = self._state.ratchet
        self._table.refresh(ratchet.seeds, ratchet.first_slots, require_slot(now), self._state.open_from)
        yield from self._table.skipped.items()
        yield from self._table.live.items()

    def close_slots(self, now: int) -> None:
        """Nothing older than the hold time comes any more: call it once everything open was announced and fetched."""
        self._state.open_from = max(self._state.open_from, now - HOLD_SLOTS)
        self._table.forget(self._state.open_from)

    def is_expected(self, tag: bytes) -> bool:
        """Whether an announced address belongs to this friend."""
        return tag in self._table

    def receive(self, message: Message, now: int) -> Received:
        """Open a message; a refused one changes nothing, but that a copy uses its address up.

        ``expected`` must have been asked in this slot.
        """
        tag = tag_of(message.derived)
        held = self._table.find(tag)
        if held is None or held.slot != message.slot or held.derived != message.derived:
            raise UnknownAddressError("a message has an address that is not expected")
        bound = header(message.slot, message.derived)
        nonce, sealed = message.sealed[:NONCE_BYTES], message.sealed[NONCE_BYTES:]
        try:
            content = decode_content(unpad(AESGCM(self._message_key(held)).decrypt(nonce, sealed, bound)))
        except InvalidTag:
            raise IntegrityError("a message does not open: it has been altered, or is not from this friend") from None
        if not self._state.window.is_new(content.sequence):
            self._table.consume(tag)
            raise ReplayError("a message has come before", got=f"number {content.sequence}")
        signed = is_signed_by(content, self.friend, self._public, bound)
        if content.signature is not None and not signed:
            raise IntegrityError("a message's signature is not the friend's")
        if held.epoch - 1 in self._state.ratchet.seeds:
            self._table.require_bounded(held.epoch - 1, content.past)
        self._table.consume(tag)
        self._follow(held.epoch, content, now)
        return Received(content, message.slot, signed)

    def _progress(self, slot: int) -> tuple[Got, int, tuple[PastPlace, ...]]:
        """What the friend must know to confirm, to forget, and to keep the right keys."""
        state = self._state
        got = Got(state.window.low, max(state.open_from, slot - RETENTION_SLOTS))
        floor = state.sent.floor(state.sequence)
        past = state.sent.past(state.ratchet.sending - 1) if state.ratchet.sending > 1 else ()
        return got, floor if floor > state.sent.confirmed else 0, past

    def _follow(self, epoch: int, content: Content, now: int) -> None:
        """Take note of numbers; let the ratchet learn; keep the keys of what may still come before a seed goes."""
        state, ratchet = self._state, self._state.ratchet
        state.window = state.window.add(content.sequence)
        if content.floor:
            state.window = state.window.pass_below(content.floor)
        state.heard, state.taken = state.heard + 1, state.taken + 1
        if content.got is not None:
            state.sent.confirm(*content.got, state.sequence)
        sending = ratchet.sending
        may_end = (content.ready or epoch > sending) and state.sent.may_end_epoch(state.sequence)
        for old in ratchet.on_receive(epoch, content.offer, now, ready=content.ready, may_end=may_end):
            for tag, held in self._table.retire(old, ratchet.seeds[old], content.past if old == epoch - 1 else ()):
                self._table.skipped[tag] = replace(held, message_key=self._message_key(held))
            ratchet.retire(old)
        if self._table.skipped:
            self._table.settle(state.window.low)
        if ratchet.sending != sending:
            self._ahead.clear()
            state.counter = 0

    def _message_key(self, held: Expected) -> bytes:
        if held.message_key is not None:
            return held.message_key
        seed = self._state.ratchet.seeds[held.epoch]
        return receiver_key(held.derived_private, self._point, self._public, seed, held.derived, held.slot)

    def _move_to(self, slot: int) -> None:
        """A new slot begins with counter 0; a clock that goes back does not bring old addresses again."""
        if require_slot(slot) > self._state.slot:
            self._state.slot, self._state.counter = slot, 0
            self._state.sent.confirm(0, slot - RETENTION_SLOTS, self._state.sequence)
            self._ahead.clear()

    def _prepared(self, counter: int) -> _Prepared:
        state, public = self._state, self._public
        slot, seed = state.slot, state.ratchet.seeds[state.ratchet.sending]
        derived = derive_public(self._point, seed, self._direction, slot, counter)
        key = sender_key(self._own.reveal, public, state.friend, seed, derived, slot)
        return _Prepared(counter, derived, header(slot, derived), token_bytes(NONCE_BYTES), AESGCM(key))
