"""Four relay processes anchored on the devnet: texts arrive, blocks are on the chain, relays die and go on anchoring,
and what was tampered with is refused by the contract and by whoever looks from outside.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pyml.chain.devnet import DevNode
from pyml.cli.main import app
from pyml.errors import ContractRevertedError
from pyml.kdac.mailbox import Entry
from pyml.kdac.pbft.archive import read_archive
from pyml.kdac.relay_network import RelayNetwork
from tests.kdac.network import Person, befriend, new_identity, person


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.1)


async def tell(alice: Person, bob: Person, text: bytes) -> None:
    """A message that arrives."""
    alice.mailbox.enqueue("bob", text)
    await until(lambda: text in [event.body for event in bob.events if isinstance(event, Entry)])


async def talk(network: RelayNetwork, folder: Path) -> int:
    """Relays 2 and 3 carry it all; 0 and 1, which anchor, are killed one after the other and come back."""
    urls, log = network.urls[2:], network.log
    async with (
        person(new_identity(folder / "alice"), *urls, heartbeat_s=1.0) as alice,
        person(new_identity(folder / "bob"), *urls, heartbeat_s=1.0) as bob,
    ):
        await befriend(alice, bob, urls[0])
        await until(lambda: log.latest_height() > 0)
        for i in (0, 1):  # while one is away the other goes on; the second time, that is the one that was away
            await network.stop(i, signal.SIGKILL)
            seen = await asyncio.to_thread(log.latest_height)
            await tell(alice, bob, b"while %d is away" % i)
            await until(partial(_is_above, network, seen))
            await network.start(i)
        await tell(alice, bob, b"both are back")
        height = 0
        while not 0 < height == await asyncio.to_thread(log.latest_height):
            await asyncio.sleep(0.2)
            height = await asyncio.to_thread(network.metric, 0, "decided_height")
        return height


def _is_above(network: RelayNetwork, height: int) -> bool:
    return network.log.latest_height() > height


@pytest.fixture(scope="module")
def anchored(node: DevNode, tmp_path_factory: pytest.TempPathFactory) -> RelayNetwork:
    """A network that has been used, and has stopped: what it left behind."""
    folder = tmp_path_factory.mktemp("network")

    async def work() -> RelayNetwork:
        network = RelayNetwork(node, folder, anchoring=(0, 1))
        async with network:
            height = await asyncio.wait_for(talk(network, folder), 120)
        assert network.log.latest_height() == height
        return network

    return asyncio.run(work())


def verified(network: RelayNetwork, archive: Path, height: int, node: DevNode) -> Result:
    words = ["kdac", "verify-anchor", str(archive), str(height), "--network", str(network.file), "--rpc", node.url]
    return CliRunner().invoke(app, [*words, "--json"])


def test_every_block_of_a_relay_that_did_not_anchor_is_on_the_chain(anchored: RelayNetwork, node: DevNode) -> None:
    blocks = list(read_archive(anchored.archive(3), 1, limit=1000))
    assert len(blocks) == anchored.log.latest_height()
    for item in blocks:
        done = verified(anchored, anchored.archive(3), item.block.height, node)
        assert done.exit_code == 0, done.output
        shown = json.loads(done.stdout)
        assert (shown["anchored"], shown["by_height"]) == (True, item.block.height)
        assert (shown["digest"], shown["messages"]) == (item.block.digest.hex(), len(item.block.payloads))
        assert shown["signers"] >= 3


def test_certificate_that_was_tampered_with_is_refused_by_the_contract(anchored: RelayNetwork) -> None:
    item = next(read_archive(anchored.archive(2), 1, limit=1))
    assert anchored.log.require_certificate(item.block.header, item.certificate) == item.block.digest
    for at in (0, 40):  # in r and in s
        (who, signature), *others = item.certificate.signatures
        spoiled = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        forged = replace(item.certificate, signatures=((who, spoiled), *others))
        with pytest.raises(ContractRevertedError) as refusal:
            anchored.log.require_certificate(item.block.header, forged)
        assert refusal.value.name in {"SignatureInvalid", "SignerUnknown", "SignersNotAscending"}


@pytest.mark.parametrize("column", ["certificate", "content"])
def test_archive_that_was_tampered_with_is_seen_from_outside(
    anchored: RelayNetwork, node: DevNode, tmp_path: Path, column: str
) -> None:
    copy = tmp_path / "blocks.sqlite"
    shutil.copy(anchored.archive(2), copy)
    with sqlite3.connect(copy) as database:
        (content,) = database.execute(f"SELECT {column} FROM block WHERE height = 1").fetchone()
        spoiled = content[:-1] + bytes([content[-1] ^ 1])
        database.execute(f"UPDATE block SET {column} = ? WHERE height = 1", (spoiled,))
    done = verified(anchored, copy, 1, node)
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["reason"] == "its certificate is not one by a quorum of these replicas"
