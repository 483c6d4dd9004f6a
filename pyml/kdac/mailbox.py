"""A client without its sockets: friends, what waits to be sent, what has come, and which addresses to announce.

Every step that the network sees is in the store first: a message before it leaves, one that came before it is
acknowledged. A message that the relay has not acknowledged when its slot is over is sealed again, with the same number,
for the present one; its receiver takes it once. How many wait for a relay at once, and how far they may run ahead of
what the friend has confirmed, is bounded (``places.py``): the rest stays in the queue. Somebody who only reads confirms
now and then by a message of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from pyml.crypto.scalars import public_of
from pyml.errors import InputError, IntegrityError
from pyml.kdac import rendezvous
from pyml.kdac.channel import Channel, ReplayError, UnknownAddressError
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.client_store import ClientStore
from pyml.kdac.content import Kind
from pyml.kdac.derivation import slot_at, tag_of
from pyml.kdac.files import decode_link
from pyml.kdac.introductions import Introduction
from pyml.kdac.invitation import Established, Guest, Invitation, read_invitation, safety_number
from pyml.kdac.message import Message, decode_cbor
from pyml.kdac.padding import MAX_CONTENT_BYTES
from pyml.kdac.places import IN_FLIGHT

MAX_QUEUED: Final = 10_000
MAX_BODY_BYTES: Final = MAX_CONTENT_BYTES - 512
"""What is beside it in a message takes less than the rest."""
_MAX_NAME: Final = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the history. ``body`` is a text, or a file's link in CBOR."""

    friend: str
    outgoing: bool
    time: int
    kind: Kind
    body: bytes
    signed: bool


@dataclass(frozen=True, slots=True)
class Befriended:
    """An invitation has led to a friendship."""

    name: str
    safety: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something came that is no message: why, for people."""

    reason: str


@dataclass(slots=True, repr=False)
class _Friend:
    number: int
    name: str
    channel: Channel
    ordered: tuple[int, int] | None = None
    """Place of the last message that a relay has ordered."""


@dataclass(slots=True, repr=False)
class _Meeting:
    number: int
    introduction: Introduction


class Mailbox:
    """Needs the store's lock for everything but ``enqueue`` and ``history``."""

    def __init__(self, store: ClientStore, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._friends = [
            _Friend(number, name, Channel(store.key, ChannelState.decode(state)))
            for number, (name, state) in cast("Iterator[tuple[int, Any]]", store.records("friend"))
        ]
        self._meetings = [
            _Meeting(number, Introduction.from_record(fields)) for number, fields in store.records("meeting")
        ]
        self._addresses: dict[bytes, tuple[_Meeting, int, bytes]] = {}
        self._queue: dict[int, list[Any]] = {}
        self._last_queued = 0
        self._sealed: dict[int, Message] = {}
        self._numbers: dict[bytes, int] = {}
        self._places: dict[int, tuple[_Friend, tuple[int, int]]] = {}

    @property
    def slot(self) -> int:
        """Of the present time."""
        return slot_at(self._clock())

    def friends(self) -> list[dict[str, object]]:
        """Names, keys, safety numbers."""
        own = self._store.key.public
        return [
            {
                "name": friend.name,
                "key": friend.channel.friend.hex(),
                "safety_number": safety_number(own, friend.channel.friend),
                "missing": friend.channel.missing,
            }
            for friend in self._friends
        ]

    def invite(self, name: str, relays: tuple[str, ...], expires: int) -> Invitation:
        """A new invitation, whose answer is awaited."""
        invitation = Invitation.make(self._store.key, relays, expires)
        self._meet(Introduction(invitation, self._free_name(name), self.slot))
        return invitation

    def accept(self, invitation: Invitation, name: str) -> None:
        """Answer an invitation; the answer is queued."""
        invitation.require_fresh(self._clock())
        if any(friend.channel.friend == invitation.inviter for friend in self._friends):
            raise InputError("the inviter is a friend already", hint="pyml kdac friends shows them.")
        guest = Guest.accept(self._store.key, invitation)
        with self._store.transaction():
            number = self._meet(Introduction(invitation, self._free_name(name), self.slot, guest=guest))
            step = [number, rendezvous.ACCEPTANCE, invitation.inviter, guest.acceptance, invitation.text]
            self._store.add("queue", ["meeting", *step])

    def enqueue(self, name: str, body: bytes, *, kind: Kind = Kind.TEXT, sign: bool = False) -> None:
        """Queue a message; it leaves when a relay can be reached."""
        if sum(1 for _ in self._store.records("queue", last=MAX_QUEUED)) >= MAX_QUEUED:
            raise InputError("too many messages wait to be sent", expected=f"at most {MAX_QUEUED}")
        number = next((friend.number for friend in self._friends if friend.name == name), None)
        if number is None:
            known = ", ".join(friend.name for friend in self._friends) or "nobody yet"
            raise InputError(f"there is no friend {name!r}", expected=f"one of: {known}")
        if len(body) > MAX_BODY_BYTES:
            expected = f"at most {MAX_BODY_BYTES} bytes"
            raise InputError("the message is too long", expected=expected, got=len(body), hint="Send it as a file.")
        with self._store.transaction():
            self._store.add("queue", _waiting(number, kind, body, sign=sign))
            self._remember(Entry(name, True, int(self._clock()), kind, body, sign))

    def history(self, name: str | None = None, *, last: int = 200) -> list[Entry]:
        """The last lines, with one friend or all."""
        found = [_entry(fields) for _, fields in self._store.records("history", last=None if name else last)]
        return [entry for entry in found if name is None or entry.friend == name][-last:]

    def queued(self) -> int:
        """How many messages no relay has acknowledged."""
        return sum(1 for _ in self._store.records("queue"))

    def addresses(self) -> Iterator[tuple[bytes, int, bytes]]:
        """Tag, slot and private key of everything that may be received at."""
        now = self.slot
        for friend in self._friends:
            for tag, held in friend.channel.expected(now):
                yield tag, held.slot, held.derived_private
        for meeting in self._meetings:
            for slot, private in meeting.introduction.addresses(self._store.key, now):
                tag = tag_of(public_of(private))
                self._addresses[tag] = meeting, meeting.introduction.expects, private
                yield tag, slot, private

    def outgoing(self) -> list[Message]:
        """What to hand to a relay now, sealed for the present slot and saved; as much as may be on its way at once."""
        for number, fields in self._store.records("queue", after=self._last_queued):
            waiting = cast("list[Any]", fields)
            self._queue[number], self._last_queued = waiting, number
            if waiting[0] == "friend" and waiting[-1] is not None:
                self._keep(number, decode_cbor(waiting[-1]))
        now = self.slot
        self._sealed = {number: message for number, message in self._sealed.items() if message.slot >= now - 1}
        on_the_way = Counter(self._queue[number][1] for number in self._sealed if self._queue[number][0] == "friend")
        for number, fields in self._queue.items():
            if number in self._sealed:
                continue
            if fields[0] == "meeting":
                _, _, step, receiver, body, text = fields
                self._keep(number, rendezvous.seal(read_invitation(text), step, receiver, body, now))
                continue
            friend = next(friend for friend in self._friends if friend.number == fields[1])
            if self._may_leave(friend, fields, on_the_way[friend.number], now):
                self._keep(number, self._seal(friend, number, fields, now))
                on_the_way[friend.number] += 1
        return list(self._sealed.values())

    def sent(self, digest: bytes) -> None:
        """A relay has ordered a message."""
        number = self._numbers.pop(digest, None)
        if number is not None and number in self._queue:
            self._store.remove("queue", number)
            del self._queue[number]
            self._sealed.pop(number, None)
            if number in self._places:
                friend, friend.ordered = self._places.pop(number)

    def take(self, message: Message) -> Entry | Befriended | Rejected | None:
        """A message that came: its text or file, a friendship, or nothing new. It may be acknowledged afterwards."""
        tag = tag_of(message.derived)
        try:
            for friend in self._friends:
                if friend.channel.is_expected(tag):
                    return self._take_from(friend, message)
            meeting = self._addresses.get(tag)
            return None if meeting is None else self._introduce(*meeting, message)
        except (ReplayError, UnknownAddressError):
            return None
        except (IntegrityError, InputError) as error:
            return Rejected(str(error))

    def settle(self) -> None:
        """All addresses are announced and nothing more is coming: close old slots."""
        for friend in self._friends:
            friend.channel.close_slots(self.slot)
            self._save(friend)

    def _take_from(self, friend: _Friend, message: Message) -> Entry | None:
        try:
            received = friend.channel.receive(message, self.slot)
        except ReplayError:
            self._save(friend)
            raise
        content = received.content
        if content.kind is Kind.FILE:
            try:
                decode_link(content.body)
            except IntegrityError:
                self._save(friend)
                raise
        if content.kind is Kind.RECEIPT:
            self._save(friend)
            return None
        entry = Entry(friend.name, False, int(self._clock()), content.kind, content.body, received.signed)
        with self._store.transaction():
            if friend.channel.take_owed_receipt():
                self._store.add("queue", _waiting(friend.number, Kind.RECEIPT, b"", sign=False))
            self._save(friend)
            self._remember(entry)
        return entry

    def _introduce(self, meeting: _Meeting, step: int, private: bytes, message: Message) -> Befriended | None:
        introduction = meeting.introduction
        if introduction.expects != step or all(item is not meeting for item in self._meetings):
            return None  # a copy of a step that has been taken
        established, answer = introduction.advance(self._store.key, private, message)
        with self._store.transaction():
            if answer is not None:
                self._store.add("queue", ["meeting", meeting.number, *answer, introduction.invitation.text])
            if established is None:
                self._store.put("meeting", meeting.number, introduction.record())
                return None
            self._store.remove("meeting", meeting.number)
            self._befriend(introduction.name, established, introduction.since)
        self._meetings = [item for item in self._meetings if item is not meeting]
        self._addresses = {tag: held for tag, held in self._addresses.items() if held[0] is not meeting}
        return Befriended(introduction.name, safety_number(self._store.key.public, established.friend))

    def _befriend(self, name: str, established: Established, since: int) -> None:
        """From the slot in which the introduction began: the other side may have written long before we know."""
        state = ChannelState.begin(established.friend, established.seed, since)
        number = self._store.add("friend", [name, state.encode()])
        self._friends.append(_Friend(number, name, Channel(self._store.key, state)))

    def _meet(self, introduction: Introduction) -> int:
        number = self._store.add("meeting", introduction.record())
        self._meetings.append(_Meeting(number, introduction))
        return number

    def _may_leave(self, friend: _Friend, fields: list[Any], on_the_way: int, now: int) -> bool:
        """Within the bounds of ``places.py``; the first message of a place goes alone."""
        room = IN_FLIGHT if friend.ordered == friend.channel.place(now) else 1
        return on_the_way < room and (fields[5] is not None or friend.channel.has_room)

    def _seal(self, friend: _Friend, number: int, fields: list[Any], now: int) -> Message:
        _, _, kind, body, sign, sequence, _ = fields
        if sequence is None or sequence < friend.channel.floor:
            sequence = friend.channel.number()
        self._places[number] = friend, friend.channel.place(now)
        content = friend.channel.send(now, body, kind=Kind(kind), sign=sign, number=sequence)
        fields[5:] = sequence, content
        with self._store.transaction():
            self._store.put("queue", number, fields)
            self._save(friend)
        return decode_cbor(content)

    def _keep(self, number: int, message: Message) -> None:
        self._sealed[number], self._numbers[message.digest] = message, number

    def _save(self, friend: _Friend) -> None:
        self._store.put("friend", friend.number, [friend.name, friend.channel.state()])

    def _remember(self, entry: Entry) -> None:
        fields = [entry.friend, entry.outgoing, entry.time, entry.kind.value, entry.body, entry.signed]
        self._store.add("history", fields)

    def _free_name(self, name: str) -> str:
        taken = {friend.name for friend in self._friends} | {item.introduction.name for item in self._meetings}
        if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
            raise InputError("a friend's name is not usable", expected=f"1 to {_MAX_NAME} printable letters")
        if name in taken:
            raise InputError(f"there is a friend or an invitation with the name {name!r}", hint="Choose another.")
        return name


def _waiting(number: int, kind: Kind, body: bytes, *, sign: bool) -> list[Any]:
    """A record of the queue; its last fields are the message's number and form once it is sealed."""
    return ["friend", number, kind.value, body, sign, None, None]


def _entry(fields: object) -> Entry:
    friend, outgoing, time, kind, body, signed = cast("list[Any]", fields)
    return Entry(friend, outgoing, time, Kind(kind), body, signed)
