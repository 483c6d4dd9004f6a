"""A client's sockets: announce, receive, send, and come back by itself.

Source: specification, section 2; issue: "offline queue, automatic reconnection". Two connections, so that a relay does
not see which addresses belong to whoever sends: one announces and receives, the other sends and announces nothing. They
go to different relays if there are several. Both come from one network address: see docs/kdac.md on Tor.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from pyml.errors import InputError, PymlError
from pyml.kdac.derivation import slot_at
from pyml.kdac.mailbox import Befriended, Entry, Mailbox, Rejected
from pyml.kdac.wire import (
    MAX_ANNOUNCED,
    MAX_FRAME_BYTES,
    Ack,
    Announced,
    Connect,
    Frame,
    Heartbeat,
    Ping,
    Refusal,
    Session,
    Welcome,
    announce,
    decode_frame,
    encode_frame,
)

_LOG: Final = logging.getLogger(__name__)
_HEARTBEAT_S: Final = 20.0
_POLL_S: Final = 0.3
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 30.0
_RESEND_S: Final = 15.0
_SIGNED_AT_ONCE: Final = 16

Event = Entry | Befriended | Rejected


class Watcher(Protocol):
    """Who is told what happens."""

    def __call__(self, event: Event, /) -> None: ...


class Client:
    """Runs a mailbox against relays until cancelled."""

    def __init__(
        self,
        mailbox: Mailbox,
        relays: tuple[str, ...],
        *,
        tell: Watcher,
        clock: Callable[[], float],
        tls: ssl.SSLContext | None = None,
        heartbeat_s: float = _HEARTBEAT_S,
    ) -> None:
        if not relays:
            raise InputError("no relay is named", expected="--relay URL", hint="`pyml kdac relay` runs one.")
        self._mailbox, self._relays, self._tell, self._clock, self._tls = mailbox, relays, tell, clock, tls
        self._heartbeat_s = heartbeat_s
        self._announced: set[bytes] = set()
        self._new_addresses = asyncio.Event()
        self._room = asyncio.Event()
        self.caught_up = asyncio.Event()
        """Set once everything is announced to a relay."""
        self.problem: str | None = None
        """Why no relay can be used at present."""

    async def run(self) -> None:
        """Receive and send until cancelled, reconnecting with growing pauses."""
        await _until_one_ends(self._persist(self._receive, 0), self._persist(self._send, len(self._relays) - 1))

    def announce_soon(self) -> None:
        """Addresses have been added to the mailbox."""
        self._new_addresses.set()

    async def flush(self, timeout_s: float) -> bool:
        """Whether everything queued was acknowledged within a time; receives meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._mailbox.queued():
                    await asyncio.sleep(_POLL_S / 3)
        return not self._mailbox.queued()

    async def _persist(self, use: Callable[[ClientConnection, Welcome], Awaitable[None]], first: int) -> None:
        wait = _FIRST_WAIT_S
        for number in itertools.count(first):
            try:
                async with self._connected(self._relays[number % len(self._relays)]) as (socket, welcome):
                    wait, self.problem = _FIRST_WAIT_S, None
                    await use(socket, welcome)
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                self.problem = self.problem or f"no relay answers: {type(error).__name__}"
                _LOG.info("relay lost: %s", type(error).__name__)
            except InvalidURI as error:
                raise InputError(f"this is not a relay's URL: {error.uri}", expected="ws:// or wss://") from error
            except PymlError as error:
                self.problem = str(error)
                _LOG.info("relay refused: %s", error)
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_S)

    @asynccontextmanager
    async def _connected(self, url: str) -> AsyncGenerator[tuple[ClientConnection, Welcome]]:
        tls = self._tls if url.startswith("wss://") else None
        async with connect(url, ssl=tls, compression=None, max_size=MAX_FRAME_BYTES, ping_interval=None) as socket:
            await socket.send(encode_frame(Connect()))
            async with asyncio.timeout(10):
                frame = decode_frame(await socket.recv())
            if isinstance(frame, Refusal):
                raise InputError(f"the relay refuses: {frame.text}")
            if not isinstance(frame, Welcome):
                raise InputError("the relay did not greet", got=type(frame).__name__)
            slot = slot_at(self._clock())
            if abs(frame.slot - slot) > 1:
                raise InputError(
                    "this machine's clock and the relay's differ too much",
                    expected=f"slot {frame.slot}",
                    got=slot,
                    hint="Set the clock; a slot has ten minutes.",
                )
            yield socket, frame

    async def _receive(self, socket: ClientConnection, welcome: Welcome) -> None:
        self._announced.clear()
        await _until_one_ends(self._listen(socket), self._beat(socket, welcome))

    async def _listen(self, socket: ClientConnection) -> None:
        async for content in socket:
            await self._took(socket, decode_frame(content))

    async def _took(self, socket: ClientConnection, frame: Frame) -> None:
        if isinstance(frame, Session):
            event = self._mailbox.take(frame.message)
            await socket.send(encode_frame(Ack((frame.message.digest,))))
            self._new_addresses.set()
            if event is not None:
                self._tell(event)
        elif isinstance(frame, Refusal):
            raise InputError(f"the relay refuses: {frame.text}")

    async def _beat(self, socket: ClientConnection, welcome: Welcome) -> None:
        """Announce what is new, at once when something came and now and then in any case."""
        while True:
            self._new_addresses.clear()
            fresh = [item for item in self._mailbox.addresses() if item[0] not in self._announced]
            for start in range(0, max(len(fresh), 1), MAX_ANNOUNCED):
                part = await self._signed(fresh[start : start + MAX_ANNOUNCED], welcome)
                await socket.send(encode_frame(Heartbeat(part)))
            self._announced |= {tag for tag, _, _ in fresh}
            self.caught_up.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._heartbeat_s):
                    await self._new_addresses.wait()
                continue
            self._mailbox.settle()

    async def _signed(self, items: list[tuple[bytes, int, bytes]], welcome: Welcome) -> tuple[Announced, ...]:
        made = list[Announced]()
        for tag, slot, private in items:
            made.append(announce(private, tag, slot, relay=welcome.relay, challenge=welcome.challenge))
            if len(made) % _SIGNED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return tuple(made)

    async def _send(self, socket: ClientConnection, _: Welcome) -> None:
        offered: dict[bytes, float] = {}
        await _until_one_ends(self._acknowledgements(socket, offered), self._offer(socket, offered))

    async def _offer(self, socket: ClientConnection, offered: dict[bytes, float]) -> None:
        pinged = asyncio.get_running_loop().time()
        while True:
            self._room.clear()
            await self._hand_over(socket, offered)
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._room.wait()  # until a relay has ordered something
            now = asyncio.get_running_loop().time()
            if now - pinged > self._heartbeat_s:
                pinged = now
                await socket.send(encode_frame(Ping(0)))

    async def _hand_over(self, socket: ClientConnection, offered: dict[bytes, float]) -> None:
        now = asyncio.get_running_loop().time()
        messages = self._mailbox.outgoing()
        for message in messages:
            if now - offered.get(message.digest, now - _RESEND_S) >= _RESEND_S:
                offered[message.digest] = now
                await socket.send(encode_frame(Session(message)))
        waiting = {message.digest for message in messages}
        for digest in [digest for digest in offered if digest not in waiting]:
            del offered[digest]

    async def _acknowledgements(self, socket: ClientConnection, offered: dict[bytes, float]) -> None:
        async for content in socket:
            frame = decode_frame(content)
            if isinstance(frame, Ack):
                for digest in frame.digests:
                    self._mailbox.sent(digest)
                self._room.set()
            elif isinstance(frame, Refusal):
                if frame.digest is None or frame.code == "stale":
                    raise InputError(f"the relay refuses: {frame.text}")
                offered[frame.digest] = asyncio.get_running_loop().time() - _RESEND_S + 1.0


async def _until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run side by side; when one ends the others are cancelled, and its error is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
