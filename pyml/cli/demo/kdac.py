"""The parties talk through four relays that agree, and that learn neither who writes nor what; one of them is killed.

Source: Y. Chen, P. Liu, "Research on Blockchain Anonymous Communication Based on Key Derivation", with the changes that
docs/kdac.md names. The relays are processes of their own. Everything that they store is searched for what they must not
have, each relay's blocks are compared with what the chain has, and a forged certificate is offered to the contract.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pyml.chain.accounts import dev_signers
from pyml.cli.demo.story import Chapter, Chart, Setting, require
from pyml.cli.terminal import stopwatch
from pyml.errors import ResourceError
from pyml.kdac.anchoring import verify
from pyml.kdac.mailbox import Entry
from pyml.kdac.pbft.archive import read_archive
from pyml.kdac.person import Person, befriend, new_person
from pyml.kdac.relay_network import RelayNetwork

TITLE: Final = "The parties talk, and the relays cannot tell who writes to whom"
ADDRESSES: Final = "that nobody sees network addresses: relays do, unless the clients come through Tor"
KILLED: Final = 0
LINES: Final = (
    ("The model is certified. Shall we sell it?", "At noon, by the north gate."),
    ("Relay 0 is dead.", "Three more carry on."),
)
_WAIT_S: Final = 60.0


def tell(setting: Setting, chapter: Chapter) -> None:
    """Two parties talk before and after a relay dies; then everything that is left of it is looked at."""
    setting.begin("kdac: deploying; four relays start")
    folder = setting.place("kdac")
    network = RelayNetwork(setting.devnet, folder)
    relays = range(len(network.urls))
    height, hidden = asyncio.run(_talk(setting, chapter, network, folder))
    setting.begin("kdac: looking into what the relays have stored, and what the chain has")
    size = searched([network.place(i) for i in relays], hidden)
    chapter.tell("stored by the relays", f"{size:,} bytes; neither texts nor long-term keys in them")
    messages = check_anchors(chapter, network, height)
    chapter.tell("anchored", f"{messages} messages in {height} blocks, in MessageLog {network.log.address}")
    chapter.not_shown += [ADDRESSES, "that two relays of four may lie: one may"]


async def _talk(
    setting: Setting, chapter: Chapter, network: RelayNetwork, folder: Path
) -> tuple[int, tuple[bytes, ...]]:
    """The height that is anchored in the end, and what the relays must not have."""
    urls, bars = network.urls, dict[str, float]()
    async with (
        network,
        new_person(folder / "alice", *urls[:2]) as alice,
        new_person(folder / "bob", *urls[2:]) as bob,
    ):
        setting.begin("kdac: party 0 invites party 1, who accepts")
        safety = await befriend(alice, bob, urls[2:])
        chapter.tell("invitation accepted", f"both see the safety number {safety}")
        for number, (line, reply) in enumerate(LINES):
            if number:
                setting.begin(f"kdac: relay {KILLED} is killed")
                await network.stop(KILLED, signal.SIGKILL)
                chapter.tell(f"relay {KILLED} killed", "three of four go on")
            when = "after the kill" if number else "before the kill"
            bars[f"message {when}"] = await _say(alice, "bob", bob, line)
            bars[f"answer {when}"] = await _say(bob, "alice", alice, reply)
        chapter.tell("messages and answers", f"{2 * len(LINES)} arrived, signed by their senders")
        await network.start(KILLED)
        setting.begin(f"kdac: relay {KILLED} is back and catches up")
        height = await anchored_height(network)
    chapter.tell(f"relay {KILLED} started again", f"it has all {height} blocks")
    chapter.charts.append(Chart("From sending to reading", "seconds", bars))
    texts = (text.encode() for pair in LINES for text in pair)
    return height, (*texts, alice.public, bob.public)


async def _say(sender: Person, friend: str, receiver: Person, text: str) -> float:
    """Send a signed text and wait until it is read; how long that took."""
    elapsed = stopwatch()
    sender.mailbox.enqueue(friend, text.encode(), sign=True)
    entry = await receiver.next(Entry)
    while entry.outgoing:
        entry = await receiver.next(Entry)
    require(entry.body == text.encode() and entry.signed, "the text has arrived, signed by its sender")
    return round(elapsed(), 3)


def searched(places: Sequence[Path], hidden: Sequence[bytes]) -> int:
    """How many bytes relays have stored, after looking in each for what it must not have."""
    size = 0
    for place in places:
        stored = b"".join(path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file())
        for content in hidden:
            require(content not in stored, "the relay has neither texts nor long-term keys")
        size += len(stored)
    return size


async def anchored_height(network: RelayNetwork) -> int:
    """Wait until all relays have the same blocks, and all know that the chain has the last of them."""
    try:
        async with asyncio.timeout(_WAIT_S):
            while True:
                found = [
                    await asyncio.to_thread(network.metric, i, name)
                    for i in range(len(network.urls))
                    for name in ("decided_height", "anchored_height")
                ]
                if len({*found, await asyncio.to_thread(network.log.latest_height)}) == 1:
                    return found[0]
                await asyncio.sleep(0.2)
    except TimeoutError as error:
        raise ResourceError(
            f"the relays' blocks are not all anchored after {_WAIT_S:.0f} s", hint="Is the machine very busy?"
        ) from error


def check_anchors(chapter: Chapter, network: RelayNetwork, height: int) -> int:
    """Each block of each relay is the chain's; messages in them prove it; a forged certificate does not count.

    Returns how many messages there are.
    """
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
    chapter.refuse(
        "a certificate with a false signature",
        lambda: network.log.require_certificate(item.block.header, forged),
        "SignatureInvalid",
    )
    chapter.refuse(
        "a block that is anchored already",
        lambda: network.log.anchor(item.block.header, item.certificate, account=dev_signers(1)[0]),
        "HeightNotAbove",
    )
    return messages
