"""Connections between replicas: who may speak, for whom, and what ends a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyml.kdac.pbft.engine import Options, PbftEngine
from pyml.kdac.pbft.links import MAX_UNKNOWN, NONCE_BYTES, Address, link_digest
from pyml.kdac.pbft.messages import Forward
from pyml.kdac.pbft.wire import MAX_FRAME_BYTES, encode
from tests.kdac.pbft.test_engine import KEYS, options_for


@dataclass
class Dialled:
    """A connection; ``ended`` is done once the other side has closed it."""

    writer: asyncio.StreamWriter
    ended: asyncio.Task[bytes]

    def write(self, content: bytes) -> None:
        self.writer.write(content)


@asynccontextmanager
async def dialled(options: Options, *, sender: int, key: int, accepts: int = 0) -> AsyncGenerator[Dialled]:
    """A connection as replica ``sender`` with the key of another, perhaps."""
    reader, writer = await asyncio.open_connection(options.listen.host, options.listen.port)
    nonce = await reader.readexactly(NONCE_BYTES)
    digest = link_digest(options.replicas.network, nonce, dials=sender, accepts=accepts)
    writer.write(bytes([sender]) + KEYS[key].sign_recoverable(digest))
    try:
        yield Dialled(writer, asyncio.create_task(reader.read()))
    finally:
        writer.close()


def frame(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def forward(options: list[Options], sender: int, payload: bytes) -> bytes:
    return frame(encode(options[sender].settings().signed(Forward((payload,)))))


async def is_ended(connection: Dialled, *, within_s: float = 5.0) -> bool:
    done, _ = await asyncio.wait({connection.ended}, timeout=within_s)
    return bool(done)


async def waiting(engine: PbftEngine, count: int) -> None:
    async with asyncio.timeout(10):
        while engine.health().waiting < count:
            await asyncio.sleep(0.01)


def test_replica_is_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with PbftEngine(options[0]) as engine, dialled(options[0], sender=2, key=2) as writer:
            writer.write(forward(options, 2, b"a message"))
            await waiting(engine, 1)
            assert not await is_ended(writer, within_s=0.1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sender", "key", "accepts"),
    [(2, 3, 0), (2, 2, 1), (0, 0, 0), (9, 2, 0)],
    ids=["another's number", "meant for another", "itself", "nobody's number"],
)
def test_who_is_not_the_replica_it_says_is_ended(tmp_path: Path, sender: int, key: int, accepts: int) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with PbftEngine(options[0]), dialled(options[0], sender=sender, key=key, accepts=accepts) as writer:
            assert await is_ended(writer)

    asyncio.run(scenario())


@pytest.mark.parametrize("what", ["speaks for another", "too long", "no message"])
def test_false_frame_ends_the_connection(tmp_path: Path, what: str) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        contents = {
            "speaks for another": forward(options, 3, b"as another"),
            "too long": (MAX_FRAME_BYTES + 1).to_bytes(4, "big"),
            "no message": frame(b"no message"),
        }
        async with PbftEngine(options[0]) as engine, dialled(options[0], sender=2, key=2) as writer:
            writer.write(contents[what])
            assert await is_ended(writer)
            assert engine.health().waiting == 0
            async with dialled(options[0], sender=2, key=2) as again:
                again.write(forward(options, 2, b"in its own name"))
                await waiting(engine, 1)

    asyncio.run(scenario())


def test_body_with_a_false_signature_is_not_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        content = bytearray(forward(options, 2, b"a message"))
        content[-1] ^= 1
        async with PbftEngine(options[0]) as engine, dialled(options[0], sender=2, key=2) as writer:
            writer.write(bytes(content))
            writer.write(forward(options, 2, b"another"))
            await waiting(engine, 1)
            assert engine.health().waiting == 1

    asyncio.run(scenario())


def test_second_connection_replaces_the_first(tmp_path: Path) -> None:
    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        async with PbftEngine(options[0]) as engine, dialled(options[0], sender=2, key=2) as first:
            first.write(forward(options, 2, b"first"))
            await waiting(engine, 1)
            async with dialled(options[0], sender=2, key=2) as second:
                second.write(forward(options, 2, b"second"))
                await waiting(engine, 2)
                assert await is_ended(first)

    asyncio.run(scenario())


def test_few_strangers_are_let_wait(tmp_path: Path) -> None:
    """Those who say nothing hold a bounded number of places, and no replica that has one."""

    async def scenario() -> None:
        options = options_for(tmp_path, 4)
        address = options[0].listen
        async with PbftEngine(options[0]), dialled(options[0], sender=2, key=2) as writer:
            await asyncio.sleep(0.1)
            streams = [await _silent(address) for _ in range(MAX_UNKNOWN + 8)]
            refused = [reader for reader, _ in streams if await _is_refused(reader)]
            assert len(refused) >= 8
            assert not await is_ended(writer, within_s=0.1)
            for _, silent in streams:
                silent.close()

    asyncio.run(scenario())


async def _silent(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(address.host, address.port)


async def _is_refused(reader: asyncio.StreamReader) -> bool:
    """Whether the connection ends without a challenge."""
    try:
        async with asyncio.timeout(2):
            return not await reader.read(NONCE_BYTES)
    except TimeoutError:
        return False
