"""Two people and a relay: friendship, text, files, being away, coming back."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.errors import InputError, IntegrityError, KeystoreError, ResourceError
from pyml.kdac.client_store import create_store, opened_store
from pyml.kdac.content import Kind
from pyml.kdac.derivation import tag_of
from pyml.kdac.files import decode_link, fetch_file, store_file
from pyml.kdac.mailbox import MAX_BODY_BYTES, Befriended, Entry, Mailbox, Rejected
from pyml.kdac.message import Message
from pyml.kdac.places import IN_FLIGHT
from pyml.store.blobs import BlobStore
from pyml.store.keystore import Secret
from tests.kdac.network import PASSWORD, SCRYPT_N, Person, befriend, eventually, new_identity, person, relay


def bodies(who: Person) -> list[bytes]:
    return [event.body for event in who.events if isinstance(event, Entry)]


def test_friends_write_text_and_files(tmp_path: Path) -> None:
    async def scenario() -> None:
        blobs = BlobStore(str(tmp_path / "blobs"))
        for name in ("alice", "bob"):
            new_identity(tmp_path / name)
        async with (
            relay(tmp_path / "relay") as node,
            person(tmp_path / "alice", node.url) as alice,
            person(tmp_path / "bob", node.url) as bob,
        ):
            await befriend(alice, bob, node.url)
            assert alice.mailbox.friends()[0]["safety_number"] == bob.mailbox.friends()[0]["safety_number"]
            for number in range(20):
                alice.mailbox.enqueue("bob", f"text {number}".encode())
            bob.mailbox.enqueue("alice", b"signed", sign=True)
            await bob.until(20)
            await alice.until(1)
            assert bodies(bob) == [f"text {number}".encode() for number in range(20)]
            signed = alice.events[0]
            assert isinstance(signed, Entry)
            assert signed.signed
            (tmp_path / "picture.bin").write_bytes(bytes(range(256)) * 300)
            link = store_file(tmp_path / "picture.bin", blobs)
            alice.mailbox.enqueue("bob", link.encode(), kind=Kind.FILE)
            await bob.until(21)
            received = bob.events[-1]
            assert isinstance(received, Entry)
            fetch_file(decode_link(received.body), tmp_path / "got.bin", blobs)
            assert (tmp_path / "got.bin").read_bytes() == (tmp_path / "picture.bin").read_bytes()
            await eventually(lambda: alice.mailbox.queued() == 0)
            assert [entry.outgoing for entry in alice.mailbox.history("bob")][:2] == [True, True]

    asyncio.run(scenario())


def test_away_and_back(tmp_path: Path) -> None:
    """Messages to somebody who is away; a relay that is away; both come back."""

    async def scenario() -> None:
        for name in ("alice", "bob"):
            new_identity(tmp_path / name)
        async with relay(tmp_path / "relay") as node, person(tmp_path / "alice", node.url) as alice:
            url, settings = node.url, node._settings
            async with person(tmp_path / "bob", url) as bob:
                await befriend(alice, bob, url)
            for number in range(7):
                alice.mailbox.enqueue("bob", str(number).encode())
            await eventually(lambda: alice.mailbox.queued() == 0)
        async with person(tmp_path / "alice", url) as alice, person(tmp_path / "bob", url) as bob:
            alice.mailbox.enqueue("bob", b"while the relay is away")
            await eventually(lambda: alice.client.problem is not None)
            again = type(settings)(settings.name, port=int(url.rpartition(":")[2]))
            async with relay(tmp_path / "relay", settings=again):
                await bob.until(8)
                assert sorted(bodies(bob)) == [
                    *(str(number).encode() for number in range(7)),
                    b"while the relay is away",
                ]
                await eventually(lambda: alice.mailbox.queued() == 0)

    asyncio.run(scenario())


def test_a_message_that_was_sealed_twice_arrives_once(tmp_path: Path) -> None:
    """The relay ordered it, no acknowledgement came for two slots: it is sealed again with its number."""
    clock = [time.time()]

    async def scenario() -> None:
        for name in ("alice", "bob"):
            new_identity(tmp_path / name)
        async with relay(tmp_path / "relay") as node:
            async with person(tmp_path / "alice", node.url) as alice, person(tmp_path / "bob", node.url) as bob:
                await befriend(alice, bob, node.url)
                await eventually(lambda: alice.mailbox.queued() == bob.mailbox.queued() == 0)
            with opened_store(tmp_path / "alice", PASSWORD) as store:
                assert store.lock()
                first = Mailbox(store, lambda: clock[0])
                first.enqueue("bob", b"once")
                (lost,) = first.outgoing()
                assert Mailbox(store, lambda: clock[0]).outgoing() == [lost]
                clock[0] += 1200
                (again,) = Mailbox(store, lambda: clock[0]).outgoing()
                assert lost.digest != again.digest
                with opened_store(tmp_path / "bob", PASSWORD) as other:
                    bob_box = Mailbox(other, lambda: clock[0])
                    list(bob_box.addresses())
                    assert isinstance(bob_box.take(again), Entry)
                    assert bob_box.take(lost) is None
                    assert bob_box.take(again) is None
                    assert len(bob_box.history("alice")) == 1

    asyncio.run(scenario())


def test_a_clock_that_is_an_hour_off(tmp_path: Path) -> None:
    async def scenario() -> None:
        new_identity(tmp_path / "alice")
        async with (
            relay(tmp_path / "relay") as node,
            person(tmp_path / "alice", node.url, clock=lambda: time.time() + 3600) as alice,
        ):
            await eventually(lambda: alice.client.problem is not None)
            assert "clock and the relay's differ too much" in str(alice.client.problem)

    asyncio.run(scenario())


def test_no_relay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with person(new_identity(tmp_path / "alice")):
            pass

    with pytest.raises(InputError, match="no relay is named"):
        asyncio.run(scenario())


def test_store_is_sealed(tmp_path: Path) -> None:
    new_identity(tmp_path / "alice")
    with opened_store(tmp_path / "alice", PASSWORD) as store:
        store.add("history", ["bob", False, 0, "text", b"a secret that is long enough", False])
        assert "alice" not in repr(store)
    written = b"".join(path.read_bytes() for path in (tmp_path / "alice").iterdir())
    assert b"a secret that is long enough" not in written
    with pytest.raises(KeystoreError, match="wrong password"), opened_store(tmp_path / "alice", Secret(b"no")):
        pass
    with pytest.raises(KeystoreError, match="already exists"):
        create_store(tmp_path / "alice", PASSWORD, scrypt_n=SCRYPT_N)
    with pytest.raises(KeystoreError, match="has no kdac identity"), opened_store(tmp_path / "nobody", PASSWORD):
        pass


@pytest.mark.parametrize("change", ["byte", "swap", "kind", "noise", "cut"])
def test_corrupt_store_is_one_clear_error(change: str, tmp_path: Path) -> None:
    new_identity(tmp_path / "alice")
    path = tmp_path / "alice" / "records.sqlite"
    with opened_store(tmp_path / "alice", PASSWORD) as store:
        for number in range(3):
            store.add("history", ["bob", False, number, "text", b"body", False])
    if change == "noise":
        path.write_bytes(b"this is no database " * 500)
    elif change == "cut":
        path.write_bytes(path.read_bytes()[:6000])
    else:
        base = sqlite3.connect(path)
        statement = {
            "byte": "UPDATE records SET sealed = x'00' || substr(sealed, 2) WHERE number = 1",
            "swap": "UPDATE records SET sealed = (SELECT sealed FROM records WHERE number = 2) WHERE number = 1",
            "kind": "UPDATE records SET kind = 'friend' WHERE number = 1",
        }[change]
        base.execute(statement)
        base.commit()
        base.close()

    def use() -> None:
        with opened_store(tmp_path / "alice", PASSWORD) as store:
            Mailbox(store, time.time).history()

    with pytest.raises(IntegrityError, match=r"has been altered|is damaged"):
        use()


def test_one_process_at_a_time_changes_friendships(tmp_path: Path) -> None:
    new_identity(tmp_path / "alice")
    with opened_store(tmp_path / "alice", PASSWORD) as one, opened_store(tmp_path / "alice", PASSWORD) as other:
        assert one.lock()
        assert one.lock()
        assert not other.lock()
        other.add("queue", ["anything"])


def test_what_a_guest_writes_at_once_reaches_a_host_who_is_away(tmp_path: Path) -> None:
    """The guest is a friend before the host knows: what it writes then must find an open slot hours later."""
    clock = [1_785_000_000.0]

    def handed_over(source: Mailbox, target: Mailbox) -> list[object]:
        list(target.addresses())
        events: list[object] = []
        for message in source.outgoing():
            events.append(target.take(message))
            list(target.addresses())
            source.sent(message.digest)
        return events

    for name in ("alice", "bob"):
        new_identity(tmp_path / name)
    with opened_store(tmp_path / "alice", PASSWORD) as one, opened_store(tmp_path / "bob", PASSWORD) as other:
        alice, bob = Mailbox(one, lambda: clock[0]), Mailbox(other, lambda: clock[0])
        bob.accept(alice.invite("bob", (), 2_000_000_000), "alice")
        assert handed_over(bob, alice) == [None]
        (befriended,) = handed_over(alice, bob)
        assert isinstance(befriended, Befriended)
        bob.enqueue("alice", b"already writing")
        on_the_way = bob.outgoing()
        clock[0] += 20 * 600
        list(alice.addresses())
        assert isinstance(alice.take(on_the_way[0]), Befriended)
        assert alice.take(on_the_way[0]) is None  # a copy of the confirmation makes no second friend
        list(alice.addresses())
        received = alice.take(on_the_way[1])
        assert isinstance(received, Entry)
        assert received.body == b"already writing"
        assert len(alice.friends()) == 1


def friends_without_sockets(alice: Mailbox, bob: Mailbox) -> None:
    bob.accept(alice.invite("bob", (), 2_000_000_000), "alice")
    for source, target in ((bob, alice), (alice, bob), (bob, alice)):
        list(target.addresses())
        for message in source.outgoing():
            target.take(message)
            source.sent(message.digest)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Mailbox, Mailbox, list[float]]]:
    """Alice's mailbox, Bob's, and the time of both."""
    clock = [1_785_000_000.0]
    for name in ("alice", "bob"):
        new_identity(tmp_path / name)
    with opened_store(tmp_path / "alice", PASSWORD) as one, opened_store(tmp_path / "bob", PASSWORD) as other:
        alice, bob = Mailbox(one, lambda: clock[0]), Mailbox(other, lambda: clock[0])
        friends_without_sockets(alice, bob)
        yield alice, bob, clock


def test_the_first_of_a_place_goes_alone_and_few_wait_for_a_relay(pair: tuple[Mailbox, Mailbox, list[float]]) -> None:
    alice, _, clock = pair
    for number in range(3 * IN_FLIGHT):
        alice.enqueue("bob", str(number).encode())
    (first,) = alice.outgoing()
    assert alice.outgoing() == [first]
    alice.sent(first.digest)
    assert len(alice.outgoing()) == IN_FLIGHT
    clock[0] += 1200  # nothing is acknowledged: all are sealed again, the first alone
    (again,) = alice.outgoing()
    alice.sent(again.digest)
    assert len({message.digest for message in alice.outgoing()}) == IN_FLIGHT
    assert all(message.slot == again.slot for message in alice.outgoing())


def test_a_burnt_slot_hides_nothing_from_somebody_who_was_away(pair: tuple[Mailbox, Mailbox, list[float]]) -> None:
    """Of the messages of one slot only the last came to be ordered; hours later it is found all the same."""
    alice, bob, clock = pair
    for number in range(IN_FLIGHT + 1):
        alice.enqueue("bob", str(number).encode())
    (first,) = alice.outgoing()
    alice.sent(first.digest)
    *_, ordered = alice.outgoing()
    alice.sent(ordered.digest)
    held = [first, ordered]
    clock[0] += 20 * 600
    while alice.queued():
        for message in alice.outgoing():
            alice.sent(message.digest)
            held.append(message)
    found = delivered(bob, held)
    assert sorted(found) == sorted(str(number).encode() for number in range(IN_FLIGHT + 1))


def delivered(receiver: Mailbox, held: list[Message]) -> list[bytes]:
    """As a relay does: what is announced, until nothing more is."""
    found = list[bytes]()
    while True:
        tags = {tag for tag, _, _ in receiver.addresses()}
        ready = [message for message in held if tag_of(message.derived) in tags]
        if not ready:
            return found
        for message in ready:
            event = receiver.take(message)
            held.remove(message)
            if isinstance(event, Entry):
                found.append(event.body)


def test_who_only_reads_is_written_to_without_end(
    pair: tuple[Mailbox, Mailbox, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The window fills, and what is beyond it stays in the queue; receipts, which nobody sees, open it again."""
    monkeypatch.setattr("pyml.kdac.places.WINDOW", 40)
    monkeypatch.setattr("pyml.kdac.channel.RECEIPT_AFTER", 16)
    alice, bob, _ = pair
    for number in range(100):
        alice.enqueue("bob", str(number).encode())
    held, found = list[Message](), list[bytes]()
    while messages := alice.outgoing():
        for message in messages:
            alice.sent(message.digest)
            held.append(message)
    assert (len(held), alice.queued()) == (40, 60)
    for _ in range(20):
        found += delivered(bob, held)
        assert delivered(alice, receipts := bob.outgoing()) == []
        for message in bob.outgoing():
            bob.sent(message.digest)
        assert receipts == []
        while messages := alice.outgoing():
            for message in messages:
                alice.sent(message.digest)
                held.append(message)
    assert sorted(found) == sorted(str(number).encode() for number in range(100))
    assert alice.queued() == 0
    assert len(alice.history("bob")) == len(bob.history("alice")) == 100


def test_too_long_for_the_queue(pair: tuple[Mailbox, Mailbox, list[float]]) -> None:
    alice, bob, _ = pair
    alice.enqueue("bob", bytes(MAX_BODY_BYTES), sign=True)
    (message,) = alice.outgoing()
    assert delivered(bob, [message]) == [bytes(MAX_BODY_BYTES)]
    with pytest.raises(InputError, match="too long; expected at most"):
        alice.enqueue("bob", bytes(MAX_BODY_BYTES + 1))


def test_a_friends_junk_is_refused_once_and_spoils_nothing(tmp_path: Path) -> None:
    for name in ("alice", "bob"):
        new_identity(tmp_path / name)
    with opened_store(tmp_path / "alice", PASSWORD) as one, opened_store(tmp_path / "bob", PASSWORD) as other:
        alice, bob = Mailbox(one, time.time), Mailbox(other, time.time)
        bob.accept(alice.invite("bob", (), 2_000_000_000), "alice")
        for source, target in ((bob, alice), (alice, bob), (bob, alice)):
            list(target.addresses())
            for message in source.outgoing():
                target.take(message)
                source.sent(message.digest)
        alice.enqueue("bob", b"this is no link", kind=Kind.FILE)
        alice.enqueue("bob", b"text \xff that is not UTF-8")
        list(bob.addresses())
        (junk,) = alice.outgoing()
        alice.sent(junk.digest)
        (text,) = alice.outgoing()
        assert bob.take(junk) == Rejected("a link to a file is malformed")
        assert bob.take(junk) is None
        assert isinstance(bob.take(text), Entry)
        assert [entry.kind for entry in bob.history()] == [Kind.TEXT]
        altered = Message(text.slot, text.derived, text.sealed[:-1] + bytes((text.sealed[-1] ^ 1,)))
        assert bob.take(altered) is None


def test_full_disk_is_one_clear_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    new_identity(tmp_path / "alice")
    with opened_store(tmp_path / "alice", PASSWORD) as store:
        store.add("history", ["small"])
        store._base.execute("PRAGMA max_page_count = 1")  # SQLite says "database or disk is full"
        with pytest.raises(ResourceError, match="disk is full"):
            store.add("history", [bytes(100_000)])
        store._base.execute("PRAGMA max_page_count = 1000")
        assert [fields for _, fields in store.records("history")] == [["small"]]


def test_names_and_strangers(tmp_path: Path) -> None:
    new_identity(tmp_path / "alice")
    with opened_store(tmp_path / "alice", PASSWORD) as store:
        mailbox = Mailbox(store, time.time)
        with pytest.raises(InputError, match="there is no friend 'bob'; expected one of: nobody yet"):
            mailbox.enqueue("bob", b"hello")
        mailbox.invite("bob", (), 2_000_000_000)
        with pytest.raises(InputError, match="with the name 'bob'"):
            mailbox.invite("bob", (), 2_000_000_000)
        for name in ("", " ", "x" * 61, "a\nb"):
            with pytest.raises(InputError, match="name is not usable"):
                mailbox.invite(name, (), 2_000_000_000)
        with pytest.raises(InputError, match="expired"):
            mailbox.accept(Mailbox(store, time.time).invite("carol", (), 1), "dave")
