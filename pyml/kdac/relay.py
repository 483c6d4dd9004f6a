"""A relay node: a WebSocket server that takes messages, has them ordered, and hands them to whoever proves the address.

Source: paper, section III-E and figures 5 and 6 (Netty there, ``websockets`` here); specification, section 2. What it
learns: when messages of which size go to which one-time address, and from which network address a client announces
which of them. What it never has: plaintext, senders, long-term keys, or two addresses' common owner but for what a
connection announces together. TLS comes from certificate files; without, it belongs behind something that has them.

A frame that is malformed, a proof that is false or a quota that is exceeded ends the connection, with one error frame.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from pyml.errors import InputError, PymlError
from pyml.kdac.connections import Connection, Registry
from pyml.kdac.derivation import slot_at, tag_of
from pyml.kdac.expected import RETENTION_SLOTS
from pyml.kdac.message import Message
from pyml.kdac.ordering import OrderingEngine
from pyml.kdac.outbox import Outbox
from pyml.kdac.paper_resolver import PaperResolver
from pyml.kdac.relay_limits import RelayLimits
from pyml.kdac.relay_metrics import MetricsEndpoint, RelayMetrics
from pyml.kdac.relay_pipeline import DeliveryQueue, Pipeline
from pyml.kdac.session_cache import SessionCache
from pyml.kdac.wire import (
    MAX_FRAME_BYTES,
    Ack,
    Announced,
    Connect,
    Exposed,
    Frame,
    FrameError,
    Heartbeat,
    Ping,
    Pong,
    Refusal,
    Session,
    Welcome,
    decode_frame,
    encode_frame,
)

_LOG: Final = logging.getLogger(__name__)
_HOUSEKEEPING_S: Final = 30.0
_PROOFS_AT_ONCE: Final = 16
"""Signatures checked before others get their turn: half a millisecond."""
_TEXT: Final = 200
_FAREWELL_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Where a relay listens and how it finds receivers. ``name`` is 32 bytes that clients sign in heartbeats."""

    name: bytes
    host: str = "127.0.0.1"
    port: int = 0
    metrics_port: int | None = None
    certificate: Path | None = None
    private_key: Path | None = None
    resolver: Literal["table", "paper"] = "table"
    limits: RelayLimits = field(default_factory=RelayLimits)

    def tls(self) -> ssl.SSLContext | None:
        """From the certificate files; ``InputError`` if they are not a pair."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.private_key)
        except (OSError, ssl.SSLError) as error:
            raise InputError(f"the certificate {self.certificate} cannot be used: {error}") from error
        return context


class _DropError(Exception):
    """The connection ends, for a reason that the client is told."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(code, text[:_TEXT])


class Relay:
    """Use as an asynchronous context manager; engine and outbox belong to the caller."""

    def __init__(
        self,
        engine: OrderingEngine,
        outbox: Outbox,
        settings: RelaySettings,
        *,
        clock: Callable[[], float],
        queue: DeliveryQueue | None = None,
    ) -> None:
        limits = settings.limits
        self._settings, self._clock = settings, clock
        self.metrics = RelayMetrics()
        self._cache = SessionCache(limits.live_tags)
        self._paper = PaperResolver(limits.live_tags)
        self._registry = Registry(limits)
        self._pipeline = Pipeline(
            engine,
            outbox,
            limits=limits,
            metrics=self.metrics,
            route=self._route,
            slot=self._slot,
            queue=queue,
        )
        self._submissions: set[asyncio.Task[None]] = set()
        self._server: Server | None = None
        self._endpoint: MetricsEndpoint | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.metrics.watch("connections", "Clients connected", lambda: len(self._registry))
        self.metrics.watch("live_tags", "Keys that can be received at", lambda: len(self._cache))
        self.metrics.watch("messages_held", "Messages not yet fetched", lambda: len(outbox))

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            raise InputError("the relay is not running")
        return int(next(iter(self._server.sockets)).getsockname()[1])

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"{'wss' if self._settings.certificate else 'ws'}://{self._settings.host}:{self.port}"

    @property
    def metrics_port(self) -> int | None:
        """The port of the metrics endpoint, if there is one."""
        return None if self._endpoint is None else self._endpoint.port

    @property
    def failure(self) -> BaseException | None:
        """Why delivery stopped, if it did: the relay must be restarted then."""
        ended = [task for task in self._tasks if task.done() and not task.cancelled()]
        return next((task.exception() for task in ended), None)

    async def __aenter__(self) -> Self:
        settings, limits = self._settings, self._settings.limits
        try:
            self._server = await serve(
                self._serve,
                settings.host,
                settings.port,
                ssl=settings.tls(),
                compression=None,  # lengths of compressed ciphertext and of addresses would tell them apart
                max_size=MAX_FRAME_BYTES,
                max_queue=16,
                open_timeout=limits.open_s,
                ping_interval=None,  # heartbeats do that
                logger=_LOG,
            )
        except OSError as error:
            raise InputError(f"nothing can listen at {settings.host}:{settings.port}: {error.strerror}") from error
        if settings.metrics_port is not None:
            self._endpoint = MetricsEndpoint(self.metrics, settings.host, settings.metrics_port)
        self._tasks = [asyncio.create_task(self._pipeline.run()), asyncio.create_task(self._keep_house())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in [*self._tasks, *self._submissions]:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._submissions, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._endpoint is not None:
            self._endpoint.close()
        await self._pipeline.close()

    def _slot(self) -> int:
        return slot_at(self._clock())

    def _route(self, slot: int, derived: bytes) -> Connection | None:
        resolver = self._paper if self._settings.resolver == "paper" else self._cache
        return self._registry.connection(resolver.resolve(slot, derived))

    async def _serve(self, socket: ServerConnection) -> None:
        address = str(socket.remote_address[0]) if socket.remote_address else ""
        if not self._registry.has_room(address):
            self.metrics.dropped.labels("full").inc()
            await socket.close(1013, "too many connections")
            return
        connection: Connection | None = None
        with suppress(ConnectionClosed):
            try:
                connection = await self._opened(socket, address)
                await self._converse(socket, connection)
            except _DropError as drop:
                await self._drop(socket, drop.refusal)
            except TimeoutError:
                await self._drop(socket, Refusal("idle", "nothing was heard from you for too long"))
            finally:
                if connection is not None:
                    self._registry.close(connection)

    async def _opened(self, socket: ServerConnection, address: str) -> Connection:
        async with asyncio.timeout(self._settings.limits.open_s):
            frame = self._decoded(await socket.recv())
        if not isinstance(frame, Connect):
            raise _DropError("order", "the first frame is not of type connect")
        connection, resumed = self._registry.open(socket, address, frame.resume, self._clock())
        name, slot = self._settings.name, self._slot()
        connection.offer(Welcome(name, connection.challenge, slot, connection.resume, resumed))
        return connection

    async def _converse(self, socket: ServerConnection, connection: Connection) -> None:
        writer = asyncio.create_task(connection.write())
        try:
            await self._refill(connection)
            while True:
                async with asyncio.timeout(self._settings.limits.idle_s):
                    content = await socket.recv()
                now = self._clock()
                if not connection.frames.take(1, now) or not connection.volume.take(len(content), now):
                    raise _DropError("quota", "too many frames or bytes: slow down")
                await self._answer(connection, self._decoded(content))
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            with suppress(ConnectionClosed, TimeoutError):
                async with asyncio.timeout(_FAREWELL_S):
                    while not connection.queue.empty():
                        await socket.send(connection.queue.get_nowait() or connection.acknowledgement())

    def _decoded(self, content: bytes | str) -> Frame:
        try:
            frame = decode_frame(content)
        except FrameError as error:
            raise _DropError("malformed", str(error)) from None
        self.metrics.received.labels(type(frame).__name__.lower()).inc()
        return frame

    async def _answer(self, connection: Connection, frame: Frame) -> None:
        match frame:
            case Session(message):
                self._submit(connection, message)
            case Heartbeat(announced, exposed):
                await self._heartbeat(connection, announced, exposed)
            case Ack(digests):
                if self._pipeline.acknowledge(connection, digests):
                    await self._refill(connection)
            case Ping(number):
                self._tell(connection, Pong(number))
            case _:
                raise _DropError("order", "a client does not send frames of this type here")

    def _submit(self, connection: Connection, message: Message) -> None:
        slot = self._slot()
        if abs(message.slot - slot) > 1:
            text = f"the message is of slot {message.slot}, the relay's clock says {slot}: set your clock"
            self._refuse(connection, Refusal("stale", text, message.digest))
            return
        if len(self._submissions) >= 2 * self._settings.limits.unordered:  # copies of what is on its way count too
            self._refuse(connection, Refusal("busy", "too many messages wait to be ordered", message.digest))
            return
        task = asyncio.create_task(self._ordered(connection, message))
        self._submissions.add(task)
        task.add_done_callback(self._submissions.discard)

    async def _ordered(self, connection: Connection, message: Message) -> None:
        try:
            await self._pipeline.submit(message)
        except PymlError as error:
            self._refuse(connection, Refusal("busy", str(error)[:_TEXT], message.digest))
        else:
            connection.tell_ordered(message.digest)

    async def _heartbeat(
        self, connection: Connection, announced: tuple[Announced, ...], exposed: tuple[Exposed, ...]
    ) -> None:
        slot = self._slot()
        if not connection.tags.take(len(announced) + len(exposed), self._clock()):
            raise _DropError("quota", "too many keys announced: slow down")
        if any(not slot - RETENTION_SLOTS <= item.slot <= slot + 2 for item in announced):
            self._refuse(connection, Refusal("stale", f"a key is of another time, the relay's slot is {slot}"))
            return
        if exposed and self._settings.resolver != "paper":
            self._refuse(connection, Refusal("exposed", "this relay takes no long-term keys"))
            return
        await self._prove(connection, announced)
        fresh = [item.tag for item in announced]
        for item in announced:
            if self._cache.owner(item.slot, item.tag) == connection.user:
                continue
            if not self._cache.announce(item.slot, item.tag, connection.user):
                self._refuse(connection, Refusal("busy", "the relay has no room for more keys"))
                return
            connection.addresses.setdefault(item.slot, []).append(item.tag)
        fresh += self._expose(connection, exposed, slot)
        self.metrics.announced.inc(len(fresh))
        self._tell(connection, Ack())
        await self._pipeline.refill(connection, fresh)

    async def _prove(self, connection: Connection, announced: tuple[Announced, ...]) -> None:
        for number, item in enumerate(announced):
            if not item.is_valid(self._settings.name, connection.challenge):
                raise _DropError("proof", f"you do not have the key of {item.tag.hex()}")
            if number % _PROOFS_AT_ONCE == _PROOFS_AT_ONCE - 1:
                await asyncio.sleep(0)

    def _expose(self, connection: Connection, exposed: tuple[Exposed, ...], slot: int) -> list[bytes]:
        try:
            tags = [tag_of(item.derived) for item in exposed]
        except InputError as error:
            raise _DropError("malformed", str(error)) from None
        for item in exposed:
            if not self._paper.expose(item.public, item.scalar, slot, connection.user):
                raise _DropError("busy", "the relay has no room for more keys")
        return tags

    async def _refill(self, connection: Connection) -> None:
        connection.lagging = False
        await self._pipeline.refill(connection, [tag for tags in connection.addresses.values() for tag in tags])

    def _tell(self, connection: Connection, frame: Frame) -> None:
        if not connection.offer(frame):
            self.metrics.dropped.labels("slow").inc()
            task = asyncio.ensure_future(connection.socket.close(1008, "you read too slowly"))
            self._submissions.add(task)
            task.add_done_callback(self._submissions.discard)

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        self.metrics.refused.labels(refusal.code).inc()
        self._tell(connection, refusal)

    async def _drop(self, socket: ServerConnection, refusal: Refusal) -> None:
        self.metrics.dropped.labels(refusal.code).inc()
        with suppress(TimeoutError):  # who does not read is not waited for
            async with asyncio.timeout(_FAREWELL_S):
                await socket.send(encode_frame(refusal))
        await socket.close(1008, refusal.code)

    async def _keep_house(self) -> None:
        while True:
            oldest = self._slot() - RETENTION_SLOTS
            self._cache.expire(oldest)
            self._paper.expire(oldest)
            self._registry.expire(oldest)
            with suppress(PymlError):
                await asyncio.to_thread(self._pipeline.expire)
            await asyncio.sleep(_HOUSEKEEPING_S)
