"""Somebody with a running client, in the event loop of a program: what demonstrations of the messenger are played with.

A new identity in an encrypted store, connected to relays, and the events that it has been shown. Programs that people
use keep their identity: ``pyml kdac init``, ``inbox``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pyml.errors import IntegrityError, KeystoreError, ResourceError
from pyml.kdac.client import Client, Event
from pyml.kdac.client_store import create_store, opened_store
from pyml.kdac.invitation import read_invitation
from pyml.kdac.mailbox import Befriended, Mailbox
from pyml.store.keystore import Secret

WAIT_S: Final = 30.0
_DAY_S: Final = 24 * 3600
_Kind = TypeVar("_Kind", bound=Event)


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """A mailbox, its client, and what it has shown."""

    mailbox: Mailbox
    client: Client
    events: list[Event]
    public: bytes

    async def next(self, kind: type[_Kind]) -> _Kind:
        """The next event of a kind; ``ResourceError`` if none comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while True:
                    for event in self.events:
                        if isinstance(event, kind):
                            self.events.remove(event)
                            return event
                    await asyncio.sleep(0.02)
        raise ResourceError(f"no {kind.__name__} came within {WAIT_S:.0f} s", hint="Is the machine very busy?")


@asynccontextmanager
async def new_person(folder: Path, *urls: str) -> AsyncGenerator[Person]:
    """A new identity, connected."""
    password = Secret(secrets.token_urlsafe(16).encode())
    public = create_store(folder, password)
    with opened_store(folder, password) as store:
        if not store.lock():
            raise KeystoreError(f"the store in {folder} is in use")
        events: list[Event] = []
        mailbox = Mailbox(store, time.time)
        client = Client(mailbox, urls, tell=events.append, clock=time.time)
        task = asyncio.create_task(client.run())
        try:
            yield Person(mailbox, client, events, public)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def befriend(alice: Person, bob: Person, urls: tuple[str, ...]) -> str:
    """Alice invites Bob, who accepts; the safety number that both see."""
    word = alice.mailbox.invite("bob", urls, int(time.time()) + _DAY_S).text
    alice.client.announce_soon()
    bob.mailbox.accept(read_invitation(word), "alice")
    bob.client.announce_soon()
    seen, other = await alice.next(Befriended), await bob.next(Befriended)
    if seen.safety != other.safety:
        raise IntegrityError("the two see different safety numbers", expected=seen.safety, got=other.safety)
    return seen.safety
