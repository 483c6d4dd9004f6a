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
from pathlib import Path
from typing import Any

from pyml.chain.devnet import Devnet, DevNode
from pyml.cli.demo.kdac import ADDRESSES, TITLE, anchored_height, check_anchors, searched
from pyml.cli.demo.story import Chapter, require
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.kdac.content import Kind
from pyml.kdac.files import decode_link, fetch_file, store_file
from pyml.kdac.mailbox import Entry
from pyml.kdac.ordering import SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.person import WAIT_S, Person, befriend, new_person
from pyml.kdac.relay import Relay, RelaySettings
from pyml.kdac.relay_network import RelayNetwork
from pyml.store.blobs import BlobStore
from scripts.demonstration import Result, show_refused


async def converse(alice: Person, bob: Person, urls: tuple[str, ...], text: str, file: Path, folder: Path) -> str:
    """Invite, accept, send, fetch; the safety number that both see."""
    blobs, target = BlobStore(str(folder / "blobs")), folder / "received"
    safety = await befriend(alice, bob, urls)
    alice.mailbox.enqueue("bob", text.encode(), sign=True)
    received = await bob.next(Entry)
    require(received.body == text.encode(), "the text has arrived")
    require(received.signed, "it is signed by Alice")
    alice.mailbox.enqueue("bob", store_file(file, blobs).encode(), kind=Kind.FILE)
    link = await bob.next(Entry)
    fetch_file(decode_link(link.body), target, blobs)
    require(target.read_bytes() == file.read_bytes(), "the file has arrived whole")
    require(await alice.client.flush(WAIT_S), "the relay has ordered everything")
    return safety


async def demonstrate(folder: Path, text: str, file: Path) -> Result:
    """One relay, in this process."""
    began, place = time.monotonic(), folder / "relay"
    outbox = Outbox(place / "outbox.sqlite")
    async with (
        SingleNode(place / "blocks.journal") as engine,
        Relay(engine, outbox, RelaySettings(secrets.token_bytes(32)), clock=time.time) as relay,
        new_person(folder / "alice", relay.url) as alice,
        new_person(folder / "bob", relay.url) as bob,
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
        "not_shown": [ADDRESSES, "that one relay cannot delay or drop messages: it can, four that agree cannot"],
        "seconds": round(time.monotonic() - began, 1),
    }


async def demonstrate_network(node: DevNode, folder: Path, text: str, file: Path) -> Result:
    """Four relay processes, anchored; Alice and Bob know two of them each."""
    began, network = time.monotonic(), await asyncio.to_thread(RelayNetwork, node, folder)
    every, chapter = range(len(network.urls)), Chapter("kdac", TITLE)
    async with (
        network,
        new_person(folder / "alice", *network.urls[:2]) as alice,
        new_person(folder / "bob", *network.urls[2:]) as bob,
    ):
        safety = await converse(alice, bob, network.urls[2:], text, file, folder)
        height = await anchored_height(network)
        by_relay = [await asyncio.to_thread(network.metric, i, "blocks_anchored_total") for i in every]
    hidden = (text.encode(), alice.public, bob.public, file.name.encode())
    messages = await asyncio.to_thread(check_anchors, chapter, network, height)
    return {
        "text": text,
        "file_bytes": file.stat().st_size,
        "safety_number": safety,
        "relays": len(network.urls),
        "relay_stored_bytes": searched([network.place(i) for i in every], hidden),
        "message_log": network.log.address,
        "blocks_anchored": height,
        "anchored_by_relay": by_relay,
        "messages_in_blocks": messages,
        "refused": {each.attempt: each.answer for each in chapter.refused},
        "not_shown": [ADDRESSES, "that two relays of four may lie: one may"],
        "seconds": round(time.monotonic() - began, 1),
    }


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
