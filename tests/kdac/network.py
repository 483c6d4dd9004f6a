"""A relay and clients in one event loop, for tests: real sockets, real files, short waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from pyml.kdac.client import Client, Event
from pyml.kdac.client_store import ClientStore, create_store, opened_store
from pyml.kdac.mailbox import Mailbox
from pyml.kdac.ordering import OrderingEngine, SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.relay import Relay, RelaySettings
from pyml.kdac.relay_limits import RelayLimits
from pyml.kdac.wire import Connect, Frame, Welcome, decode_frame, encode_frame
from pyml.store.keystore import Secret

NAME = b"relay under test".ljust(32, b"\0")
PASSWORD = Secret(b"correct horse")
SCRYPT_N = 2**14
WAIT_S = 20.0


@asynccontextmanager
async def relay(
    folder: Path,
    *,
    limits: RelayLimits | None = None,
    engine: OrderingEngine | None = None,
    clock: Callable[[], float] = time.time,
    settings: RelaySettings | None = None,
) -> AsyncGenerator[Relay]:
    """A relay of one node with its files in a folder."""
    chosen = settings or RelaySettings(NAME, limits=limits or RelayLimits())
    async with AsyncExitStack() as stack:
        order = await stack.enter_async_context(engine or SingleNode(folder / "blocks.journal"))
        outbox = Outbox(folder / "outbox.sqlite")
        stack.callback(outbox.close)
        yield await stack.enter_async_context(Relay(order, outbox, chosen, clock=clock))


@dataclass
class Person:
    """A running client and what it was told."""

    mailbox: Mailbox
    store: ClientStore
    client: Client
    events: list[Event] = field(default_factory=list[Event])

    async def until(self, count: int) -> list[Event]:
        """Wait for so many events."""
        await eventually(lambda: len(self.events) >= count)
        return self.events


def new_identity(folder: Path) -> Path:
    """An identity that opens fast."""
    create_store(folder, PASSWORD, scrypt_n=SCRYPT_N)
    return folder


@asynccontextmanager
async def person(
    folder: Path, *urls: str, clock: Callable[[], float] = time.time, heartbeat_s: float = 5.0
) -> AsyncGenerator[Person]:
    """A client with the identity in a folder."""
    with opened_store(folder, PASSWORD) as store:
        assert store.lock()
        mailbox, events = Mailbox(store, clock), list[Event]()
        client = Client(mailbox, urls, tell=events.append, clock=clock, heartbeat_s=heartbeat_s)
        task = asyncio.create_task(client.run())
        try:
            yield Person(mailbox, store, client, events)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.01)


async def befriend(alice: Person, bob: Person, url: str) -> None:
    """Invite, accept, and wait for both."""
    invitation = alice.mailbox.invite("bob", (url,), int(time.time()) + 600)
    bob.mailbox.accept(invitation, "alice")
    alice.client.announce_soon()
    bob.client.announce_soon()
    await alice.until(1)
    await bob.until(1)
    alice.events.clear()
    bob.events.clear()


async def read(socket: ClientConnection) -> Frame:
    """The next frame."""
    async with asyncio.timeout(WAIT_S):
        return decode_frame(await socket.recv())


@asynccontextmanager
async def raw(url: str, opening: Frame | None = None) -> AsyncGenerator[tuple[ClientConnection, Welcome]]:
    """A bare connection that has been greeted."""
    async with connect(url, compression=None) as socket:
        await socket.send(encode_frame(opening or Connect()))
        welcome = await read(socket)
        assert isinstance(welcome, Welcome)
        yield socket, welcome
