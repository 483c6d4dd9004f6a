"""A message and a file from one person to another, through relays that learn neither who writes nor what.

    python scripts/send_message.py                  four relay processes that agree and anchor their blocks on a devnet
    python scripts/send_message.py --relays 1       one relay, which orders by itself; no chain
    python scripts/send_message.py --text "…" --file photo.jpg
    python scripts/send_message.py --json

Source: Y. Chen, P. Liu, "Research on Blockchain Anonymous Communication Based on Key Derivation", with the changes that
docs/kdac.md names. Everything that the relays receive and store is searched for what they must not have. With four,
each relay's blocks are compared with what the chain has, and a forged certificate is offered to the contract.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pyml.chain.accounts import dev_signers
from pyml.chain.devnet import Devnet, DevNode
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.kdac.anchoring import verify
from pyml.kdac.client import Client, Event
from pyml.kdac.client_store import create_store, opened_store
from pyml.kdac.content import Kind
from pyml.kdac.files import decode_link, fetch_file, store_file
from pyml.kdac.invitation import read_invitation
from pyml.kdac.mailbox import Befriended, Entry, Mailbox
from pyml.kdac.ordering import SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.pbft.archive import read_archive
from pyml.kdac.relay import Relay, RelaySettings
from pyml.store.blobs import BlobStore
from pyml.store.keystore import Secret
from scripts.demonstration import Result, refusal, require, show_refused
from scripts.relay_network import RelayNetwork

WAIT_S = 30.0
DAY_S = 24 * 3600
_ADDRESSES: Final = "that nobody sees network addresses: relays do, unless the clients come through Tor"


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
async def running(folder: Path, *urls: str) -> AsyncGenerator[Person]:
    """A new identity, connected."""
    password = Secret(secrets.token_urlsafe(16).encode())
    public = create_store(folder, password)
    with opened_store(folder, password) as store:
        require(store.lock(), "nobody else uses the new store")
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


async def converse(alice: Person, bob: Person, urls: tuple[str, ...], text: str, file: Path, folder: Path) -> str:
    """Invite, accept, send, fetch; the safety number that both see."""
    blobs, target = BlobStore(str(folder / "blobs")), folder / "received"
    word = alice.mailbox.invite("bob", urls, int(time.time()) + DAY_S).text
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
    fetch_file(decode_link(link.body if isinstance(link, Entry) else b""), target, blobs)
    require(target.read_bytes() == file.read_bytes(), "the file has arrived whole")
    require(await alice.client.flush(WAIT_S), "the relay has ordered everything")
    return friend.safety if isinstance(friend, Befriended) else ""


def searched(places: Sequence[Path], hidden: Sequence[bytes]) -> int:
    """How many bytes relays have stored, after looking in each for what it must not have."""
    size = 0
    for place in places:
        stored = b"".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())
        for content in hidden:
            require(content not in stored, "the relay has neither texts nor long-term keys")
        size += len(stored)
    return size


async def demonstrate(folder: Path, text: str, file: Path) -> Result:
    """One relay, in this process."""
    began, place = time.monotonic(), folder / "relay"
    outbox = Outbox(place / "outbox.sqlite")
    async with (
        SingleNode(place / "blocks.journal") as engine,
        Relay(engine, outbox, RelaySettings(secrets.token_bytes(32)), clock=time.time) as relay,
        running(folder / "alice", relay.url) as alice,
        running(folder / "bob", relay.url) as bob,
    ):
        safety = await converse(alice, bob, (relay.url,), text, file, folder)
    outbox.close()
    hidden = (text.encode(), alice.public, bob.public, file.name.encode())
    return {
        "text": text,
        "file_bytes": file.stat().st_size,
        "safety_number": safety,
        "relays": 1,
        "relay_stored_bytes": searched([place], hidden),
        "not_shown": [_ADDRESSES, "that one relay cannot delay or drop messages: it can, four that agree cannot"],
        "seconds": round(time.monotonic() - began, 1),
    }


async def demonstrate_network(node: DevNode, folder: Path, text: str, file: Path) -> Result:
    """Four relay processes, anchored; Alice and Bob know two of them each."""
    began, network = time.monotonic(), await asyncio.to_thread(RelayNetwork, node, folder)
    every = range(len(network.urls))
    async with (
        network,
        running(folder / "alice", *network.urls[:2]) as alice,
        running(folder / "bob", *network.urls[2:]) as bob,
    ):
        safety = await converse(alice, bob, network.urls[2:], text, file, folder)
        height = await anchored_height(network)
        by_relay = [await asyncio.to_thread(network.metric, i, "blocks_anchored_total") for i in every]
    hidden = (text.encode(), alice.public, bob.public, file.name.encode())
    checked = await asyncio.to_thread(checked_anchors, network, height)
    return {
        "text": text,
        "file_bytes": file.stat().st_size,
        "safety_number": safety,
        "relays": len(network.urls),
        "relay_stored_bytes": searched([network.place(i) for i in every], hidden),
        "message_log": network.log.address,
        "blocks_anchored": height,
        "anchored_by_relay": by_relay,
        **checked,
        "not_shown": [_ADDRESSES, "that two relays of four may lie: one may"],
        "seconds": round(time.monotonic() - began, 1),
    }


async def anchored_height(network: RelayNetwork) -> int:
    """Wait until all relays have the same blocks, and all know that the chain has the last of them."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = [
                await asyncio.to_thread(network.metric, i, name)
                for i in range(len(network.urls))
                for name in ("decided_height", "anchored_height")
            ]
            if len({*found, await asyncio.to_thread(network.log.latest_height)}) == 1:
                return found[0]
            await asyncio.sleep(0.2)


def checked_anchors(network: RelayNetwork, height: int) -> dict[str, Any]:
    """Each block of each relay is the chain's; messages in them prove it; a forged certificate does not count."""
    messages = 0
    for i in range(len(network.urls)):
        blocks = list(read_archive(network.archive(i), 1, limit=height))
        require(len(blocks) == height, "every relay has every block")
        for number in range(1, height + 1):
            require(verify(network.archive(i), number, network.log, network.replicas).holds, "the chain has the block")
        messages = sum(len(item.block.payloads) for item in blocks)
    item = next(read_archive(network.archive(0), 1, limit=1))
    require(network.log.is_included(item.block, 0), "the contract finds a message in its block")
    (who, signature), *others = item.certificate.signatures
    forged = replace(item.certificate, signatures=((who, signature[:32] + bytes(32) + signature[64:]), *others))
    refused = {
        "a certificate with a false signature": refusal(
            lambda: network.log.require_certificate(item.block.header, forged), "SignatureInvalid"
        ),
        "a block that is anchored already": refusal(
            lambda: network.log.anchor(item.block.header, item.certificate, account=dev_signers(1)[0]),
            "HeightNotAbove",
        ),
    }
    return {"messages_in_blocks": messages, "refused": refused}


def show(result: dict[str, Any]) -> None:
    """The result as text."""
    print(f"Bob has read: {result['text']}")
    print(f"and has a file of {result['file_bytes']:,} bytes")
    print(f"safety number {result['safety_number']}")
    relays = "the relay" if result["relays"] == 1 else f"{result['relays']} relay processes"
    print(f"{relays} stored {result['relay_stored_bytes']:,} bytes; neither text, file name nor long-term key in them")
    if "message_log" in result:
        print(f"{result['messages_in_blocks']} messages in {result['blocks_anchored']} blocks, all of them anchored in")
        print(f"MessageLog {result['message_log']}; by relay: {', '.join(map(str, result['anchored_by_relay']))}")
        show_refused(result)
    print("not shown", *result["not_shown"], sep="\n  ")
    print(f"{result['seconds']} s")


def main() -> None:
    """Parse arguments and run."""
    parser = argparse.ArgumentParser(description="Send a message and a file through relays.")
    parser.add_argument("--text", default="Meet me where nobody sees us.", help="what Alice writes")
    parser.add_argument("--file", type=Path, default=Path(__file__), help="what she sends (default: this script)")
    parser.add_argument(
        "--relays", type=int, choices=(1, 4), default=4, help="4 agree and anchor (default), 1 is alone"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if asked.relays == 1:
                result = asyncio.run(demonstrate(folder, asked.text, asked.file))
            else:
                with Devnet(anvil=load_config().anvil) as node:
                    result = asyncio.run(demonstrate_network(node, folder, asked.text, asked.file))
    except PymlError as error:
        sys.exit(f"send_message: {error}")
    except TimeoutError:
        sys.exit(f"send_message: something that should come did not within {WAIT_S:.0f} s; is the machine very busy?")
    if asked.json:
        print(json.dumps(result))
    else:
        show(result)


if __name__ == "__main__":
    main()
