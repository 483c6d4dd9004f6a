"""Connections between replicas: frames over TCP, each end known by its key, lost ones made again.

A replica sends on connections that it dials and receives on those that it accepts. Who accepts sends 32 random bytes;
who dials signs them with both numbers, so that the answer fits no other connection. Each frame is a message that
carries its own signature, so that a connection taken over later is worth nothing. Nothing is encrypted here: payloads
are ciphertexts, and TLS contexts may be given.

    frame = length u32, big-endian ‖ message

Bounds: one accepted connection for each peer and few that are unknown; frames of ``MAX_FRAME_BYTES``; messages of a
peer that wait to be heard (then its connection is not read, and TCP holds the peer back); bytes that wait to be sent to
a peer (then the oldest are dropped, as if the network had lost them: replicas say again what matters).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from pyml.errors import InputError, ResourceError
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.messages import Message, vote_of
from pyml.kdac.pbft.replica_set import Authenticator
from pyml.kdac.pbft.wire import MAX_FRAME_BYTES, decode

DOMAIN: Final = b"KDAC/v1/link"
NONCE_BYTES: Final = 32
ANSWER_BYTES: Final = 1 + 65
MAX_UNKNOWN: Final = 32
MAX_UNHEARD: Final = 512
"""Messages of one peer."""
MAX_UNSENT_BYTES: Final = 32 * 2**20
HANDSHAKE_S: Final = 5.0
_RETRY_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_LENGTH_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Tls:
    """``accepts`` and ``dials`` together, or neither."""

    accepts: ssl.SSLContext
    dials: ssl.SSLContext


def link_digest(network: bytes, nonce: bytes, *, dials: int, accepts: int) -> bytes:
    """What the dialling end signs."""
    return keccak256(DOMAIN + network + nonce + bytes([dials, accepts]))


Hear = Callable[[Message, Callable[[], None]], None]
"""Given a message, and what to call once it has been heard."""


class Links:
    """All connections of one replica."""

    def __init__(
        self,
        index: int,
        network: bytes,
        authenticator: Authenticator,
        *,
        listen: Address,
        peers: Mapping[int, Address],
        hear: Hear,
        tls: Tls | None = None,
    ) -> None:
        self._index, self._network, self._authenticator = index, network, authenticator
        self._listen, self._hear, self._tls = listen, hear, tls
        self._outboxes = {peer: _Outbox(address) for peer, address in peers.items()}
        self._accepted: dict[int, asyncio.StreamWriter] = {}
        self._unknown = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen and dial; ``ResourceError`` where the port is taken."""
        context = None if self._tls is None else self._tls.accepts
        try:
            self._server = await asyncio.start_server(self._accept, self._listen.host, self._listen.port, ssl=context)
        except OSError as error:
            place = f"{self._listen.host}:{self._listen.port}"
            raise ResourceError(f"replicas cannot be listened for on {place}: {error.strerror}") from error
        for peer, outbox in self._outboxes.items():
            self._tasks.add(asyncio.create_task(self._dial(peer, outbox)))

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in list(self._accepted.values()):
            writer.close()

    @property
    def connected(self) -> frozenset[int]:
        """The peers that this replica can send to at this moment."""
        return frozenset(peer for peer, outbox in self._outboxes.items() if outbox.is_connected)

    @property
    def dropped(self) -> int:
        """Messages that were dropped because a peer did not take them."""
        return sum(outbox.dropped for outbox in self._outboxes.values())

    def send(self, to: int | None, content: bytes) -> None:
        """Queue an encoded message for one peer or for all."""
        for peer, outbox in self._outboxes.items():
            if to is None or peer == to:
                outbox.put(content)

    async def _dial(self, peer: int, outbox: _Outbox) -> None:
        tries = 0
        while True:
            try:
                async with asyncio.timeout(HANDSHAKE_S):  # wait_for may swallow a cancellation before Python 3.12
                    reader, writer = await self._connect(peer, outbox.address)
            except (OSError, EOFError, TimeoutError):
                await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
                tries += 1
                continue
            tries = 0
            await outbox.use(reader, writer)
            await asyncio.sleep(_RETRY_S[0])

    async def _connect(self, peer: int, address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = None if self._tls is None else self._tls.dials
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
        try:
            _limit_silence(writer)
            nonce = await reader.readexactly(NONCE_BYTES)
            digest = link_digest(self._network, nonce, dials=self._index, accepts=peer)
            writer.write(bytes([self._index]) + self._authenticator.sign(digest))
            await writer.drain()
        except BaseException:
            writer.close()
            raise
        return reader, writer

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = None
        try:
            if self._unknown < MAX_UNKNOWN:
                self._unknown += 1
                try:
                    async with asyncio.timeout(HANDSHAKE_S):
                        peer = await self._identify(reader, writer)
                finally:
                    self._unknown -= 1
            if peer is not None:
                before = self._accepted.pop(peer, None)
                if before is not None:
                    before.close()
                self._accepted[peer] = writer
                await self._listen_to(peer, reader)
        except (OSError, EOFError, TimeoutError, InputError):
            pass  # whoever it was may dial again; what it was sent is said again
        finally:
            if peer is not None and self._accepted.get(peer) is writer:
                del self._accepted[peer]
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _identify(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
        nonce = token_bytes(NONCE_BYTES)
        writer.write(nonce)
        answer = await reader.readexactly(ANSWER_BYTES)
        peer, signature = answer[0], answer[1:]
        digest = link_digest(self._network, nonce, dials=peer, accepts=self._index)
        is_peer = peer in self._outboxes and self._authenticator.verify(peer, digest, signature)
        return peer if is_peer else None

    async def _listen_to(self, peer: int, reader: asyncio.StreamReader) -> None:
        room = asyncio.Semaphore(MAX_UNHEARD)
        while True:
            length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
            if length > MAX_FRAME_BYTES:
                raise InputError("a frame is too long", expected=f"at most {MAX_FRAME_BYTES} bytes", got=length)
            message = decode(await reader.readexactly(length))
            if vote_of(message).sender != peer:
                raise InputError("a replica speaks for another", expected=peer, got=vote_of(message).sender)
            await room.acquire()
            self._hear(message, room.release)


class _Outbox:
    """What is to be sent to one peer. While there is no connection nothing is kept: it would be stale when there is."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.is_connected = False
        self.dropped = 0
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._filled = asyncio.Event()

    def put(self, content: bytes) -> None:
        if not self.is_connected:
            self.dropped += 1
            return
        self._frames.append(content)
        self._size += len(content)
        while self._size > MAX_UNSENT_BYTES:
            self._size -= len(self._frames.popleft())
            self.dropped += 1
        self._filled.set()

    async def use(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send over a connection until it fails. The other end never writes: where reading ends, it is lost."""
        self.is_connected = True
        ends = {asyncio.create_task(self._drain(writer)), asyncio.create_task(_wait_for_end(reader))}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.is_connected = False
            self._frames.clear()
            self._size = 0
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
            writer.close()

    async def _drain(self, writer: asyncio.StreamWriter) -> None:
        while True:
            while self._frames:
                content = self._frames.popleft()
                self._size -= len(content)
                writer.write(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
                await writer.drain()
            self._filled.clear()
            await self._filled.wait()


async def _wait_for_end(reader: asyncio.StreamReader) -> None:
    await reader.read(1)


def _limit_silence(writer: asyncio.StreamWriter) -> None:
    """Give a connection up after some seconds without acknowledgement: a cut cable must not look like a slow peer."""
    connection = writer.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(HANDSHAKE_S * 1000))
