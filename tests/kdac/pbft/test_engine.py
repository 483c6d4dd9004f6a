"""Replicas with real keys, sockets, logs and archives, in one process: what the simulator leaves out."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, ResourceError
from pyml.kdac.ordering import BackPressureError, Block
from pyml.kdac.pbft.engine import Beginning, Options, PbftEngine
from pyml.kdac.pbft.links import Address
from pyml.kdac.pbft.log import has_log
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of
from pyml.kdac.pbft.votes import Kind

KEYS = sorted((SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(1, 5)), key=lambda k: address_of(k.public))


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def options_for(folder: Path, n: int, *, chain_id: int = 0) -> list[Options]:
    replicas = ReplicaSet.of((key.public for key in KEYS[:n]), chain_id=chain_id)
    addresses = [Address("127.0.0.1", port) for port in free_ports(n)]
    return [
        Options(
            replicas=replicas,
            key=KEYS[i],
            folder=folder / str(i),
            listen=addresses[i],
            peers={j: addresses[j] for j in range(n) if j != i},
            beginning=Beginning.NEW,
            batch=10,
            round_ms=400,
            tick_ms=100,
            checkpoint_interval=4,
        )
        for i in range(n)
    ]


@asynccontextmanager
async def running(options: Sequence[Options]) -> AsyncGenerator[list[PbftEngine]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(PbftEngine(each)) for each in options]


async def first_payloads(engine: PbftEngine, count: int, *, after: int = 0) -> list[Block]:
    """Blocks until they hold so many payloads."""
    blocks, found = list[Block](), 0
    async with asyncio.timeout(60):
        async for block in engine.committed(after):
            blocks.append(block)
            found += len(block.payloads)
            if found >= count:
                return blocks
    raise AssertionError("unreachable")


@pytest.mark.parametrize("n", [1, 4])
def test_replicas_order_alike(tmp_path: Path, n: int) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, n)
        async with running(options) as engines:
            heights = await asyncio.gather(*(engines[k % n].submit(b"message %d" % k) for k in range(60)))
            logs = await asyncio.gather(*(first_payloads(engine, 60) for engine in engines))
            assert all(log == logs[0] for log in logs)
            payloads = [payload for block in logs[0] for payload in block.payloads]
            assert sorted(payloads) == sorted(b"message %d" % k for k in range(60))
            for k, height in enumerate(heights):
                assert b"message %d" % k in logs[0][height - 1].payloads
            assert await engines[0].submit(b"message 0") == heights[0], "an answer, not another order"
            for decided in await engines[0].decided(1):
                certificate = decided.certificate
                assert certificate.kind is Kind.COMMIT
                assert certificate.verify(options[0].replicas, options[0].replicas.network, n)

    asyncio.run(scenario())


def test_a_quorum_goes_on_and_the_fourth_catches_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with running(options[:3]) as engines:
            await asyncio.gather(*(engines[k % 3].submit(b"early %d" % k) for k in range(30)))
            async with PbftEngine(options[3]) as fourth:
                blocks = await first_payloads(fourth, 30)
                assert blocks == await first_payloads(engines[0], 30)
                height = await fourth.submit(b"late")
                assert height > blocks[-1].height
        resumed = [replace(each, beginning=Beginning.RESUME) for each in options]
        async with running(resumed) as engines:
            height = await engines[2].submit(b"after a restart of all")
            blocks = await first_payloads(engines[3], 1, after=height - 1)
            assert blocks[0].payloads == (b"after a restart of all",)
            assert len(list((tmp_path / "0").glob("log-*.journal"))) == 1

    asyncio.run(scenario())


def test_rejoining_replica_is_silent_then_votes(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with running(options[:3]) as engines:
            await asyncio.gather(*(engines[k % 3].submit(b"early %d" % k) for k in range(5)))
            async with PbftEngine(replace(options[3], beginning=Beginning.REJOIN)) as fourth:
                assert fourth.health().is_silent
                async with asyncio.timeout(60):
                    for k in itertools.count():
                        await engines[k % 3].submit(b"then %d" % k)
                        if not fourth.health().is_silent:
                            break
                        await asyncio.sleep(0.02)
                assert fourth.health().connected == 3
                await fourth.submit(b"its own")

    asyncio.run(scenario())


def test_replica_without_log_must_say_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = replace(options_for(tmp_path, 1)[0], beginning=Beginning.RESUME)
        with pytest.raises(InputError, match=r"has no log of this replica.*rejoin if its disk was lost"):
            async with PbftEngine(options):
                pass

    asyncio.run(scenario())


def test_lost_disk_is_not_resumed_and_rejoining_outlives_a_restart(tmp_path: Path) -> None:
    async def scenario() -> None:
        new = options_for(tmp_path, 1)[0]
        async with PbftEngine(new) as engine:
            await engine.submit(b"message")
            assert not engine.health().is_silent
        shutil.rmtree(new.folder)
        resume = replace(new, beginning=Beginning.RESUME)
        with pytest.raises(InputError, match=r"has no log of this replica.*must not vote twice"):
            async with PbftEngine(resume):
                pass
        assert not has_log(new.folder), "the refusal leaves nothing that could be resumed"
        for options in (replace(new, beginning=Beginning.REJOIN), resume, new):
            async with PbftEngine(options) as engine:
                assert engine.health().is_silent

    asyncio.run(scenario())


def test_stranger_key_and_wrong_peers_are_refused(tmp_path: Path) -> None:
    options = options_for(tmp_path, 4)[0]
    with pytest.raises(InputError, match="this key is no replica's"):
        PbftEngine(replace(options, key=SigningKey.random()))
    with pytest.raises(InputError, match="the peers are not the other replicas; expected 3 of them; got 0"):
        PbftEngine(replace(options, peers={}))


@pytest.mark.parametrize("payload", [b"", bytes(64 * 1024 + 1)])
def test_payload_of_wrong_length_is_refused(tmp_path: Path, payload: bytes) -> None:
    async def scenario() -> None:
        async with running(options_for(tmp_path, 1)) as (engine,):
            with pytest.raises(InputError, match="a message cannot be ordered: wrong length"):
                await engine.submit(payload)

    asyncio.run(scenario())


def test_back_pressure_without_a_quorum(tmp_path: Path) -> None:
    """Nothing can be decided, so that what is submitted piles up to its bound, and no further."""

    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with PbftEngine(options[0]) as engine:
            waiting = [asyncio.create_task(engine.submit(b"message %d" % k)) for k in range(4096)]
            async with asyncio.timeout(60):
                while engine.health().waiting < 4096:
                    await asyncio.sleep(0.05)
            with pytest.raises(BackPressureError, match="too many messages wait"):
                await engine.submit(b"one too many")
        for task in waiting:
            with pytest.raises(ResourceError, match="the ordering engine stopped"):
                await task

    asyncio.run(scenario())


def test_stopped_engine_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        engine = PbftEngine(options_for(tmp_path, 1)[0])
        with pytest.raises(ResourceError, match="the ordering engine is not running"):
            await engine.submit(b"message")
        async with engine:
            await engine.submit(b"message")
        with pytest.raises(ResourceError, match="the ordering engine stopped"):
            await engine.submit(b"another")

    asyncio.run(scenario())


def test_taken_port_is_named(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 1)[0]
        async with PbftEngine(options):
            with pytest.raises(ResourceError, match=f"127.0.0.1:{options.listen.port}"):
                async with PbftEngine(replace(options, folder=tmp_path / "other")):
                    pass

    asyncio.run(scenario())


async def _hostile(address: Address, content: bytes) -> bytes:
    """Connects, sends, and says what came back until the connection was closed."""
    reader, writer = await asyncio.open_connection(address.host, address.port)
    writer.write(content)
    async with asyncio.timeout(60):
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
    writer.close()
    return answer


@pytest.mark.parametrize(
    "content", [b"GET / HTTP/1.1\r\n\r\n" + bytes(100), bytes(66), b"\xff" * 4096], ids=["web", "zeros", "ones"]
)
def test_stranger_is_disconnected(tmp_path: Path, content: bytes) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)[0]
        async with PbftEngine(options):
            assert len(await _hostile(options.listen, content)) in (0, 32), "nothing but a challenge"

    asyncio.run(scenario())
