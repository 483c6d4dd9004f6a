"""A relay on real sockets: what it lets through, what it refuses, what it survives, and what it never learns."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pyml.crypto.scalars import multiply_point, public_of
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import ConfigError, InputError, ResourceError
from pyml.kdac import relay as relay_module
from pyml.kdac.channel import Channel
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.derivation import slot_at, tag_of
from pyml.kdac.expected import RETENTION_SLOTS
from pyml.kdac.message import Message, decode_cbor
from pyml.kdac.ordering import BackPressureError, Block, SingleNode
from pyml.kdac.outbox import Outbox, held_of
from pyml.kdac.paper_resolver import PaperResolver
from pyml.kdac.relay import RelaySettings
from pyml.kdac.relay_limits import RelayLimits, TokenBucket
from pyml.kdac.session_cache import SessionCache
from pyml.kdac.wire import (
    MAX_FRAME_BYTES,
    Ack,
    Announced,
    Connect,
    Exposed,
    Frame,
    Heartbeat,
    Ping,
    Pong,
    Refusal,
    Session,
    Welcome,
    announce,
    encode_frame,
)
from tests.kdac.friends import ALICE, BOB, SEED
from tests.kdac.network import NAME, befriend, eventually, new_identity, person, raw, read, relay


def now() -> int:
    return slot_at(time.time())


def sides() -> tuple[Channel, Channel]:
    return (
        Channel(ALICE, ChannelState.begin(BOB.public, SEED, now())),
        Channel(BOB, ChannelState.begin(ALICE.public, SEED, now())),
    )


def heartbeat(channel: Channel, welcome: Welcome) -> Heartbeat:
    keys = list(channel.expected(now()))
    return Heartbeat(
        tuple(
            announce(held.derived_private, tag, held.slot, relay=welcome.relay, challenge=welcome.challenge)
            for tag, held in keys
        )
    )


def message(channel: Channel, body: bytes = b"hello") -> Message:
    return decode_cbor(channel.send(now(), body))


async def refused(folder: Path, content: bytes | str, *, limits: RelayLimits | None = None) -> tuple[Frame, int]:
    """What the relay answers before it ends the connection, and the close code; others are served as before."""
    async with relay(folder, limits=limits) as node:
        async with raw(node.url) as (socket, _):
            await socket.send(content)
            answer = await read(socket)
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            code = socket.close_code or 0
        async with raw(node.url) as (socket, _):
            await socket.send(encode_frame(Ping(1)))
            assert await read(socket) == Pong(1)
    return answer, code


def test_message_reaches_who_has_the_key(tmp_path: Path) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        async with relay(tmp_path) as node, raw(node.url) as (sender, _), raw(node.url) as (receiver, welcome):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            assert await read(receiver) == Ack()
            sent = message(alice)
            await sender.send(encode_frame(Session(sent)))
            assert await read(receiver) == Session(sent)
            assert await read(sender) == Ack((sent.digest,))
            await receiver.send(encode_frame(Ack((sent.digest,))))
            await eventually(lambda: "kdac_messages_held 0.0" in node.metrics.text())
            await sender.send(sent.json.decode())
            assert await read(sender) == Ack((sent.digest,))
            await sender.send(encode_frame(Ping(5)))
            assert await read(sender) == Pong(5)
            assert bob.receive(sent, now()).content.body == b"hello"

    asyncio.run(scenario())


def test_held_until_announced_and_until_acknowledged(tmp_path: Path) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        sent = [message(alice) for _ in range(3)]
        async with relay(tmp_path) as node:
            async with raw(node.url) as (sender, _):
                for item in sent:
                    await sender.send(encode_frame(Session(item)))
                    await read(sender)
            await eventually(lambda: "kdac_messages_held 3.0" in node.metrics.text())
            async with raw(node.url) as (stranger, welcome):
                await stranger.send(encode_frame(Ack(tuple(item.digest for item in sent))))
                resume = welcome.resume
            for _ in range(2):  # not acknowledged: pushed to the next connection again
                async with raw(node.url) as (receiver, welcome):
                    await receiver.send(encode_frame(heartbeat(bob, welcome)))
                    assert await read(receiver) == Ack()
                    assert [await read(receiver) for _ in sent] == [Session(item) for item in sent]
                    resume = welcome.resume
            async with raw(node.url, Connect(resume)) as (receiver, welcome):
                assert welcome.resumed
                assert [await read(receiver) for _ in sent] == [Session(item) for item in sent]
            async with raw(node.url, Connect(resume)) as (_, welcome):
                assert not welcome.resumed  # a token works once

    asyncio.run(scenario())


def test_more_messages_than_a_client_acknowledges_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        limits = RelayLimits(unacknowledged_per_connection=2)
        async with relay(tmp_path, limits=limits) as node:
            async with raw(node.url) as (sender, _):
                sent = [message(alice) for _ in range(4)]
                for item in sent:
                    await sender.send(encode_frame(Session(item)))
                    await read(sender)
            await eventually(lambda: "kdac_messages_held 4.0" in node.metrics.text())
            async with raw(node.url) as (receiver, welcome):
                await receiver.send(encode_frame(heartbeat(bob, welcome)))
                assert await read(receiver) == Ack()
                assert [await read(receiver) for _ in range(2)] == [Session(item) for item in sent[:2]]
                await receiver.send(encode_frame(Ping(1)))
                assert await read(receiver) == Pong(1)
                await receiver.send(encode_frame(Ack((sent[0].digest, sent[1].digest))))
                assert [await read(receiver) for _ in range(2)] == [Session(item) for item in sent[2:]]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "malformed", "a frame is malformed"),
        (random.Random(7).randbytes(300), "malformed", "a frame"),
        ("{}", "malformed", "a session message is malformed"),
        (cbor2.dumps({"v": 2, "type": "ping", "n": 1}), "malformed", "another version"),
        (cbor2.dumps({"v": 1, "type": "teapot"}), "malformed", "unknown type"),
        (encode_frame(Connect()), "order", "does not send frames of this type"),
        (encode_frame(Pong(1)), "order", "does not send frames of this type"),
        (encode_frame(Heartbeat((Announced(bytes(16), now(), bytes(65)),))), "proof", "you do not have the key of 00"),
    ],
    ids=str,
)
def test_what_ends_a_connection(content: bytes | str, code: str, words: str, tmp_path: Path) -> None:
    answer, close_code = asyncio.run(refused(tmp_path, content))
    assert isinstance(answer, Refusal)
    assert (answer.code, close_code) == (code, 1008)
    assert words in answer.text


def test_oversized_frame(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with relay(tmp_path) as node, raw(node.url) as (socket, _):
            await socket.send(bytes(MAX_FRAME_BYTES + 1))
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1009

    asyncio.run(scenario())


def test_quota(tmp_path: Path) -> None:
    limits = RelayLimits(bytes_per_second=10.0)
    answer, code = asyncio.run(refused(tmp_path, encode_frame(Refusal("x", "y" * 150)), limits=limits))
    assert isinstance(answer, Refusal)
    assert (answer.code, code) == ("quota", 1008)


def test_too_many_keys(tmp_path: Path) -> None:
    keys = tuple(Announced(bytes(16), now(), bytes(65)) for _ in range(3))
    limits = RelayLimits(tags_burst=2.0)
    answer, _ = asyncio.run(refused(tmp_path, encode_frame(Heartbeat(keys)), limits=limits))
    assert answer == Refusal("quota", "too many keys announced: slow down")


def test_first_frame_and_silence(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = RelayLimits(idle_s=0.2, open_s=0.2)
        async with relay(tmp_path, limits=limits) as node:
            async with connect(node.url) as socket:
                await socket.send(encode_frame(Ping(1)))
                assert await read(socket) == Refusal("order", "the first frame is not of type connect")
            async with connect(node.url) as socket:
                answer = await read(socket)
                assert isinstance(answer, Refusal)
                assert answer.code == "idle"
            async with raw(node.url) as (socket, _):
                answer = await read(socket)
                assert isinstance(answer, Refusal)
                assert answer.code == "idle"

    asyncio.run(scenario())


def test_too_many_connections(tmp_path: Path) -> None:
    async def scenario() -> None:
        limits = RelayLimits(connections_per_address=1)
        async with relay(tmp_path, limits=limits) as node, raw(node.url), connect(node.url) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1013

    asyncio.run(scenario())


@pytest.mark.parametrize("shift", [-6, 6, -2, 2])
def test_stale_slot_is_refused_and_the_connection_stays(shift: int, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with relay(tmp_path) as node, raw(node.url) as (socket, _):
            stale = Message(now() + shift, ALICE.public, bytes(284))
            await socket.send(encode_frame(Session(stale)))
            answer = await read(socket)
            assert isinstance(answer, Refusal)
            assert (answer.code, answer.digest) == ("stale", stale.digest)
            assert "set your clock" in answer.text
            await socket.send(encode_frame(Heartbeat((Announced(bytes(16), now() + 7, bytes(65)),))))
            answer = await read(socket)
            assert isinstance(answer, Refusal)
            assert answer.code == "stale"
            await socket.send(encode_frame(Ping(3)))
            assert await read(socket) == Pong(3)

    asyncio.run(scenario())


def test_a_tag_cannot_be_squatted(tmp_path: Path) -> None:
    """Not with another key's proof, nor with the owner's, recorded on another connection or at another relay."""

    async def scenario() -> None:
        alice, bob = sides()
        async with relay(tmp_path) as node, raw(node.url) as (owner, welcome):
            genuine = heartbeat(bob, welcome)
            await owner.send(encode_frame(genuine))
            assert await read(owner) == Ack()
            for stolen in (
                genuine,
                heartbeat(bob, Welcome(b"x" * 32, welcome.challenge, now(), bytes(16), False)),
                Heartbeat(tuple(Announced(item.tag, item.slot, _own_proof(item)) for item in genuine.announced)),
            ):
                async with raw(node.url) as (thief, _):
                    await thief.send(encode_frame(stolen))
                    answer = await read(thief)
                    assert isinstance(answer, Refusal)
                    assert answer.code == "proof"
            async with raw(node.url) as (sender, _):
                sent = message(alice)
                await sender.send(encode_frame(Session(sent)))
                assert await read(owner) == Session(sent)

    def _own_proof(item: Announced) -> bytes:
        return announce(b"\x33" * 32, item.tag, item.slot, relay=NAME, challenge=bytes(32)).proof

    asyncio.run(scenario())


class Faulty(SingleNode):
    """Orders anything a faulty replica may have let in, and each message twice."""

    async def committed(self, after: int = 0) -> AsyncIterator[Block]:
        async for block in super().committed(after):
            junk = (b"\xff" * 40, Message(now() - RETENTION_SLOTS - 5, ALICE.public, bytes(284)).cbor)
            yield Block(block.height, block.digest, (*junk, *block.payloads, *block.payloads))


def test_what_a_faulty_replica_orders_is_delivered_once_or_not_at_all(tmp_path: Path) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        async with (
            relay(tmp_path, engine=Faulty(tmp_path / "b.journal")) as node,
            raw(node.url) as (receiver, welcome),
            raw(node.url) as (sender, _),
        ):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            await read(receiver)
            sent = message(alice)
            for _ in range(2):
                await sender.send(encode_frame(Session(sent)))
                assert await read(sender) == Ack((sent.digest,))
            assert await read(receiver) == Session(sent)
            await receiver.send(encode_frame(Ping(9)))
            assert await read(receiver) == Pong(9)

    asyncio.run(scenario())


class Unwilling:
    """An ordering engine that has no room."""

    async def submit(self, payload: bytes) -> int:
        raise BackPressureError("too many messages wait to be ordered")

    async def committed(self, after: int = 0) -> AsyncIterator[Block]:
        await asyncio.sleep(3600)
        yield Block(1, b"", ())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


def test_back_pressure_reaches_the_sender(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with relay(tmp_path, engine=Unwilling()) as node, raw(node.url) as (socket, _):
            sent = message(sides()[0])
            await socket.send(encode_frame(Session(sent)))
            assert await read(socket) == Refusal("busy", "too many messages wait to be ordered", sent.digest)

    asyncio.run(scenario())


def test_crash_between_commit_and_publish(tmp_path: Path) -> None:
    """The block is final, the relay dies before its outbox has it: another start delivers it, once."""

    async def scenario() -> None:
        alice, bob = sides()
        sent = message(alice)
        async with SingleNode(tmp_path / "blocks.journal") as engine:
            await engine.submit(sent.cbor)
        for _ in range(2):
            async with relay(tmp_path) as node, raw(node.url) as (receiver, welcome):
                await receiver.send(encode_frame(heartbeat(bob, welcome)))
                assert await read(receiver) == Ack()
                assert await read(receiver) == Session(sent)
        async with relay(tmp_path) as node, raw(node.url) as (receiver, welcome):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            assert [await read(receiver) for _ in range(2)] == [Ack(), Session(sent)]
            await receiver.send(encode_frame(Ack((sent.digest,))))
            await eventually(lambda: "kdac_messages_held 0.0" in node.metrics.text())
        async with relay(tmp_path) as node, raw(node.url) as (receiver, welcome):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            assert await read(receiver) == Ack()
            await receiver.send(encode_frame(Ping(2)))
            assert await read(receiver) == Pong(2)

    asyncio.run(scenario())


def test_full_disk_stops_delivery_and_not_the_relay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        alice, bob = sides()
        monkeypatch.setattr("pyml.kdac.relay_pipeline._RETRY_S", 0.05)
        async with (
            relay(tmp_path) as node,
            raw(node.url) as (receiver, welcome),
            raw(node.url) as (sender, _),
        ):
            await receiver.send(encode_frame(heartbeat(bob, welcome)))
            await read(receiver)
            base = node._pipeline._outbox._base
            base.execute("PRAGMA max_page_count = 1")  # SQLite says "database or disk is full", as on a full disk
            sent = [decode_cbor(alice.send(now(), bytes(15_000))) for _ in range(4)]
            for item in sent:
                await sender.send(encode_frame(Session(item)))
            await eventually(lambda: "kdac_outbox_unusable 1.0" in node.metrics.text())
            await receiver.send(encode_frame(Ping(2)))
            assert await read(receiver) == Pong(2)
            base.execute("PRAGMA max_page_count = 100000")
            got = [await read(receiver) for _ in sent]
            assert got == [Session(item) for item in sent]
            assert node.failure is None

    asyncio.run(scenario())


def test_outbox_on_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "o.sqlite")
    outbox._base.execute("PRAGMA max_page_count = 1")
    held = held_of(Message(now(), ALICE.public, bytes(16_412)).cbor)
    assert held is not None
    with pytest.raises(ResourceError, match="database or disk is full"):
        outbox.hold([held], since=0, height=1)
    assert outbox.height() == 0
    assert not outbox.knows(held.digest)
    outbox.close()


def test_paper_resolver_delivers_and_is_told_who_everybody_is(tmp_path: Path) -> None:
    async def scenario() -> None:
        scalar = b"\x07" * 32
        derived = multiply_point(BOB.public, scalar)
        sent = Message(now(), derived, bytes(284))
        chosen = RelaySettings(NAME, resolver="paper")
        async with (
            relay(tmp_path, settings=chosen) as node,
            raw(node.url) as (receiver, _),
            raw(node.url) as (sender, _),
        ):
            await receiver.send(encode_frame(Heartbeat((), (Exposed(BOB.public, scalar),))))
            assert await read(receiver) == Ack()
            await sender.send(encode_frame(Session(sent)))
            assert await read(receiver) == Session(sent)
            assert len(node._paper) == 1

    asyncio.run(scenario())


def test_bounded_tables(tmp_path: Path) -> None:
    """Keys, users that may come back, and what they announced: none grows beyond its limit."""

    async def scenario() -> None:
        limits = RelayLimits(live_tags=10, resumable=2, resumable_tags=6)
        async with relay(tmp_path, limits=limits) as node:
            for number in range(5):
                own = SigningKey.from_secret(bytes([number + 1]) * 32)
                channel = Channel(own, ChannelState.begin(ALICE.public, SEED, now()))
                async with raw(node.url) as (socket, welcome):
                    answers: list[Frame] = []
                    for _ in range(2):  # a key that is announced again is no second one
                        beat = Heartbeat(heartbeat(channel, welcome).announced[:6])
                        await socket.send(encode_frame(beat))
                        answers.append(await read(socket))
                    full = Refusal("busy", "the relay has no room for more keys")
                    assert answers == ([Ack(), Ack()] if number == 0 else [full, full])
            await eventually(lambda: len(node._registry) == 0)
            assert len(node._cache) == 10
            assert len(node._registry._resumable) == 2

    asyncio.run(scenario())


def test_paper_table_is_bounded_and_forgets() -> None:
    paper = PaperResolver(1)
    assert paper.expose(ALICE.public, b"\x01" * 32, 5, 1)
    assert paper.expose(ALICE.public, b"\x02" * 32, 6, 1)
    assert not paper.expose(BOB.public, b"\x01" * 32, 6, 2)
    assert paper.expire(6) == 1
    assert paper.resolve(0, multiply_point(ALICE.public, b"\x01" * 32)) is None
    assert paper.resolve(0, multiply_point(ALICE.public, b"\x02" * 32)) == 1
    assert paper.expire(7) == 1
    assert len(paper) == 0


def test_table_forgets_whole_slots() -> None:
    cache = SessionCache(2)
    tag = tag_of(ALICE.public)
    assert cache.announce(5, tag, 1)
    assert cache.announce(6, tag, 1)
    assert not cache.announce(7, tag, 1)
    assert (cache.resolve(5, ALICE.public), cache.resolve(7, ALICE.public)) == (1, None)
    assert cache.announce(5, tag, 2)
    assert cache.resolve(5, ALICE.public) == 2
    assert cache.expire(6) == 1
    assert (cache.resolve(5, ALICE.public), cache.resolve(6, ALICE.public), len(cache)) == (None, 1, 1)


def test_no_long_term_keys_otherwise(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with relay(tmp_path) as node, raw(node.url) as (socket, _):
            await socket.send(encode_frame(Heartbeat((), (Exposed(BOB.public, b"\x07" * 32),))))
            assert await read(socket) == Refusal("exposed", "this relay takes no long-term keys")

    asyncio.run(scenario())


def test_the_relay_learns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record every byte that the relay is sent and everything it stores; look for what it must not have."""
    received: list[bytes] = []
    module = relay_module
    real = module.decode_frame

    def recording(content: bytes | str) -> Frame:
        received.append(content.encode() if isinstance(content, str) else content)
        return real(content)

    async def scenario() -> tuple[bytes, bytes, list[bytes]]:
        for name in ("alice", "bob"):
            new_identity(tmp_path / name)
        async with (
            relay(tmp_path / "relay") as node,
            person(tmp_path / "alice", node.url) as alice,
            person(tmp_path / "bob", node.url) as bob,
        ):
            monkeypatch.setattr(module, "decode_frame", recording)
            await befriend(alice, bob, node.url)
            for number in range(8):
                alice.mailbox.enqueue("bob", b"the plaintext of alice %d" % number, sign=number % 2 == 0)
                bob.mailbox.enqueue("alice", b"the plaintext of bob %d" % number)
            await bob.until(8)
            await alice.until(8)
            seeds = [
                seed
                for who in (alice, bob)
                for friend in who.mailbox._friends
                for seed in friend.channel._state.ratchet.seeds.values()
            ]
            return alice.store.key.reveal, bob.store.key.reveal, seeds

    one, other, seeds = asyncio.run(scenario())
    private = (one, other)
    stored = b"".join(path.read_bytes() for path in sorted((tmp_path / "relay").iterdir()))
    seen = b"".join(received) + stored
    assert b"session" in seen
    public = [public_of(secret) for secret in private]
    for searched in (*private, *seeds, *public, *(key[1:] for key in public), b"plaintext", b"alice", b"bob"):
        for form in (searched, searched.hex().encode()):
            assert form not in seen


def test_metrics_and_tls(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    chosen = RelaySettings(NAME, host="localhost", metrics_port=0, certificate=certificate, private_key=key)

    async def scenario() -> None:
        async with relay(tmp_path, settings=chosen) as node:
            trust = ssl.create_default_context(cafile=certificate)
            assert node.url.startswith("wss://")
            async with connect(node.url, ssl=trust) as socket:
                await socket.send(encode_frame(Connect()))
                assert isinstance(await read(socket), Welcome)
            url = f"http://localhost:{node.metrics_port}/metrics"
            text = (await asyncio.to_thread(lambda: urllib.request.urlopen(url).read())).decode()
            assert 'kdac_frames_received_total{type="connect"} 1.0' in text
            with pytest.raises(ssl.SSLError):
                await connect(node.url, ssl=ssl.create_default_context())

    asyncio.run(scenario())


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def test_settings_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="limit idle_s is not positive"):
        RelayLimits(idle_s=0)
    (tmp_path / "bad.pem").write_text("no certificate")
    with pytest.raises(InputError, match="cannot be used"):
        RelaySettings(NAME, certificate=tmp_path / "bad.pem").tls()

    async def taken() -> None:
        async with relay(tmp_path) as node:
            again = RelaySettings(NAME, port=node.port)
            with pytest.raises(InputError, match="nothing can listen"):
                async with relay(tmp_path / "other", settings=again):
                    pass

    asyncio.run(taken())


@given(st.floats(0.1, 100), st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), max_size=50))
def test_a_bucket_never_gives_more_than_burst_and_rate(rate: float, takes: list[tuple[float, float]]) -> None:
    bucket, clock, taken = TokenBucket(rate, 10.0, 0.0), 0.0, 0.0
    for amount, pause in takes:
        clock += pause
        taken += amount if bucket.take(amount, clock) else 0.0
        assert taken <= 10.0 + rate * clock + 1e-6


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
@given(noise=st.lists(st.one_of(st.binary(max_size=200), st.text(max_size=100)), min_size=10, max_size=20))
def test_fuzzed_connections(noise: list[bytes | str], tmp_path: Path) -> None:
    """Each is answered or dropped; the relay goes on, and holds nothing of them."""

    async def scenario() -> None:
        folder = tmp_path / os.urandom(4).hex()
        async with relay(folder) as node:
            for content in noise:
                async with raw(node.url) as (socket, _):
                    await socket.send(content)
                    answer = await read(socket)
                    assert isinstance(answer, Refusal)
            await eventually(lambda: len(node._registry) == 0)
            assert node.failure is None
            assert not node._registry._by_address

    asyncio.run(scenario())


def test_tag_is_of_the_key() -> None:
    assert tag_of(ALICE.public) != tag_of(BOB.public)
