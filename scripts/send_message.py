"""A message and a file from one person to another, through a relay that learns neither who writes nor what.

    python scripts/send_message.py                  a relay and two people of its own
    python scripts/send_message.py --text "…" --file photo.jpg
    python scripts/send_message.py --json

Source: Y. Chen, P. Liu, "Research on Blockchain Anonymous Communication Based on Key Derivation", with the changes that
docs/kdac.md names. Everything that the relay receives and stores is searched for what it must not have.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyml.errors import PymlError
from pyml.kdac.client import Client, Event
from pyml.kdac.client_store import create_store, opened_store
from pyml.kdac.content import Kind
from pyml.kdac.files import decode_link, fetch_file, store_file
from pyml.kdac.invitation import read_invitation
from pyml.kdac.mailbox import Befriended, Entry, Mailbox
from pyml.kdac.ordering import SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.relay import Relay, RelaySettings
from pyml.store.blobs import BlobStore
from pyml.store.keystore import Secret
from scripts.demonstration import require

WAIT_S = 30.0
DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """Somebody with a running client, and what it has shown."""

    mailbox: Mailbox
    client: Client
    events: list[Event]
    public: bytes

    async def next(self, kind: type[Event]) -> Event:
        """The next event of a kind."""
        async with asyncio.timeout(WAIT_S):
            while True:
                for event in self.events:
                    if isinstance(event, kind):
                        self.events.remove(event)
                        return event
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(folder: Path, url: str) -> AsyncGenerator[Person]:
    """A new identity, connected."""
    password = Secret(secrets.token_urlsafe(16).encode())
    public = create_store(folder, password)
    with opened_store(folder, password) as store:
        require(store.lock(), "nobody else uses the new store")
        events: list[Event] = []
        mailbox = Mailbox(store, time.time)
        client = Client(mailbox, (url,), tell=events.append, clock=time.time)
        task = asyncio.create_task(client.run())
        try:
            yield Person(mailbox, client, events, public)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def demonstrate(folder: Path, text: str, file: Path) -> dict[str, Any]:
    """Invite, accept, send, fetch; then look at what the relay has."""
    blobs, began = BlobStore(str(folder / "blobs")), time.monotonic()
    outbox = Outbox(folder / "relay" / "outbox.sqlite")
    async with (
        SingleNode(folder / "relay" / "blocks.journal") as engine,
        Relay(engine, outbox, RelaySettings(secrets.token_bytes(32)), clock=time.time) as relay,
        running(folder / "alice", relay.url) as alice,
        running(folder / "bob", relay.url) as bob,
    ):
        word = alice.mailbox.invite("bob", (relay.url,), int(time.time()) + DAY_S).text
        alice.client.announce_soon()
        bob.mailbox.accept(read_invitation(word), "alice")
        bob.client.announce_soon()
        friend = await alice.next(Befriended)
        await bob.next(Befriended)
        alice.mailbox.enqueue("bob", text.encode(), sign=True)
        received = await bob.next(Entry)
        require(isinstance(received, Entry) and received.body == text.encode(), "the text has arrived")
        require(isinstance(received, Entry) and received.signed, "it is signed by Alice")
        alice.mailbox.enqueue("bob", store_file(file, blobs).encode(), kind=Kind.FILE)
        link = await bob.next(Entry)
        target = folder / "received"
        fetch_file(decode_link(link.body if isinstance(link, Entry) else b""), target, blobs)
        require(target.read_bytes() == file.read_bytes(), "the file has arrived whole")
        require(await alice.client.flush(WAIT_S), "the relay has ordered everything")
    outbox.close()
    stored = b"".join(path.read_bytes() for path in (folder / "relay").iterdir())
    for hidden in (text.encode(), alice.public, bob.public, file.name.encode()):
        require(hidden not in stored, "the relay has neither texts nor long-term keys")
    return {
        "text": text,
        "file_bytes": file.stat().st_size,
        "safety_number": friend.safety if isinstance(friend, Befriended) else "",
        "relay_stored_bytes": len(stored),
        "not_shown": [
            "that nobody sees network addresses: the relay does, unless the clients come through Tor",
            "that one relay cannot delay or drop messages: it can, four that agree cannot",
        ],
        "seconds": round(time.monotonic() - began, 1),
    }


def show(result: dict[str, Any]) -> None:
    """The result as text."""
    print(f"Bob has read: {result['text']}")
    print(f"and has a file of {result['file_bytes']:,} bytes")
    print(f"safety number {result['safety_number']}")
    print(f"the relay stored {result['relay_stored_bytes']:,} bytes; neither text, file name nor long-term key in them")
    print("not shown", *result["not_shown"], sep="\n  ")
    print(f"{result['seconds']} s")


def main() -> None:
    """Parse arguments and run."""
    parser = argparse.ArgumentParser(description="Send a message and a file through a relay.")
    parser.add_argument("--text", default="Meet me where nobody sees us.", help="what Alice writes")
    parser.add_argument("--file", type=Path, default=Path(__file__), help="what she sends (default: this script)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            result = asyncio.run(demonstrate(Path(folder), asked.text, asked.file))
    except PymlError as error:
        sys.exit(f"send_message: {error}")
    if asked.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
