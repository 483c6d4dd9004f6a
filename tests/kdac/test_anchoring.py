"""Anchoring on a devnet: blocks with real certificates from an archive; nodes that are away, rivals, forgeries."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pyml.chain.accounts import Signer, signer_from_environment
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet
from pyml.chain.sending import SendPolicy
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import ContractRevertedError, InputError
from pyml.kdac.anchoring import Anchoring, Verdict, bound_log, verify
from pyml.kdac.pbft.archive import Archive, read_archive
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.records import Decided
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of
from pyml.kdac.pbft.votes import Certificate, Kind, Vote, signed_digest
from pyml.kdac.registries import MessageLog, addresses_of, anchor, replica_set
from pyml.kdac.relay_metrics import RelayMetrics

QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
KEYS = sorted(
    (SigningKey.from_secret(bytes(31) + bytes([i])) for i in range(11, 15)), key=lambda k: address_of(k.public)
)
PUBLIC = [key.public for key in KEYS]


class Source:
    """A replica's archive without the replica."""

    def __init__(self, path: Path, blocks: list[Decided]) -> None:
        self.path, self._archive = path, Archive(path)
        self._archive.add(blocks)
        self._archive.flush()

    async def decided(self, first: int, *, limit: int) -> list[Decided]:
        return self._archive.read(first, limit=limit, limit_bytes=2**20)

    async def flush(self) -> None:
        self._archive.flush()


class World:
    """A log of its own, its replicas, and a chain of blocks that they have signed."""

    def __init__(self, devnet: Devnet) -> None:
        self.accounts = devnet.accounts
        self.log = MessageLog.deploy(
            Client.connect(devnet.url, policy=QUICK), list(addresses_of(PUBLIC)), account=devnet.accounts[0]
        )
        self.replicas = replica_set(self.log, PUBLIC)

    def blocks(self, count: int, salt: str = "") -> list[Decided]:
        found, parent = list[Decided](), GENESIS
        for height in range(1, count + 1):
            block = Block(height, parent, (f"{salt}{height}".encode(), b"and another"))
            found.append(Decided(block, certified(self.replicas, block)))
            parent = block.digest
        return found

    def anchoring(
        self, source: Source, account: Signer | None = None, *, every: int = 1
    ) -> tuple[Anchoring, RelayMetrics]:
        metrics = RelayMetrics()
        return (
            Anchoring(
                source,
                lambda: self.log,
                account or self.accounts[1],
                metrics=metrics,
                every=every,
                poll_s=0.02,
                retry_s=0.02,
            ),
            metrics,
        )

    def verdict(self, source: Source, height: int) -> Verdict:
        return verify(source.path, height, self.log, self.replicas)


def certified(replicas: ReplicaSet, block: Block, *, count: int = 3) -> Certificate:
    digest = signed_digest(replicas.network, Kind.COMMIT, block.height, 0, block.digest)
    votes = (
        Vote(Kind.COMMIT, block.height, 0, block.digest, i, KEYS[i].sign_recoverable(digest)) for i in range(count)
    )
    return Certificate.of(votes)


def flipped(item: Decided) -> Decided:
    """One bit of the first signature is another."""
    (who, signature), *others = item.certificate.signatures
    spoiled = bytes([signature[0] ^ 1]) + signature[1:]
    return Decided(item.block, replace(item.certificate, signatures=((who, spoiled), *others)))


def counted(metrics: RelayMetrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"kdac_{name}", labels) or 0.0


def has_failed(metrics: RelayMetrics, error: str = "ContractRevertedError") -> bool:
    """Twice: a failure does not end it."""
    return counted(metrics, "anchor_failures_total", error=error) >= 2


async def running(holds: Callable[[], bool], *jobs: Anchoring) -> None:
    """Run until something holds."""
    tasks = [asyncio.create_task(job.run()) for job in jobs]
    try:
        async with asyncio.timeout(30):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.02)
                assert not any(task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture
def world(devnet: Devnet) -> World:
    return World(devnet)


def test_blocks_are_anchored_in_order_and_once(world: World, tmp_path: Path) -> None:
    blocks = world.blocks(5)
    first, metrics = world.anchoring(Source(tmp_path / "a", blocks[:3]))
    asyncio.run(running(lambda: counted(metrics, "anchored_height") == 3, first))
    assert counted(metrics, "blocks_anchored_total") == 3
    again, resumed = world.anchoring(Source(tmp_path / "b", blocks))
    asyncio.run(running(lambda: counted(resumed, "anchored_height") == 5, again))
    assert counted(resumed, "blocks_anchored_total") == 2
    for item in blocks:
        found = world.log.find(item.block.height)
        assert found is not None
        assert (found.digest, found.count) == (item.block.digest, 2)
        assert world.log.is_included(item.block, 1)
    assert world.log.find(6) is None


def test_rivals_anchor_each_block_once_and_neither_calls_it_a_failure(world: World, tmp_path: Path) -> None:
    blocks = world.blocks(8)
    pairs = [world.anchoring(Source(tmp_path / str(i), blocks), world.accounts[i]) for i in (1, 2, 3)]
    asyncio.run(running(lambda: world.log.latest_height() == 8, *(job for job, _ in pairs)))
    client = world.log.client
    events = client.logs(0, client.block_number(), addresses=(world.log.address,))
    assert len(events) == 8
    assert "anchor_failures_total{" not in "".join(metrics.text() for _, metrics in pairs)


def test_one_in_three_fixes_those_before(world: World, tmp_path: Path) -> None:
    source = Source(tmp_path / "a", world.blocks(7))
    job, _ = world.anchoring(source, every=3)
    asyncio.run(running(lambda: world.log.latest_height() == 6, job))
    assert [world.log.find(height) is not None for height in range(1, 8)] == [False, False, True] * 2 + [False]
    verdict = world.verdict(source, 4)
    assert verdict.holds
    assert (verdict.messages, verdict.signers) == (2, 3)
    assert verdict.covered_by is not None
    assert verdict.covered_by.height == 6
    assert world.verdict(source, 7).reason == "no anchored block follows it without a gap"
    with pytest.raises(InputError, match="has no block of height 8"):
        world.verdict(source, 8)
    with pytest.raises(InputError, match="one in so many; expected 1 or more"):
        world.anchoring(source, every=0)


def test_forged_certificate_is_refused_counted_and_seen_from_outside(world: World, tmp_path: Path) -> None:
    honest = world.blocks(1)[0]
    forged = flipped(honest)
    with pytest.raises(ContractRevertedError) as refusal:
        world.log.anchor(forged.block.header, forged.certificate, account=world.accounts[1])
    assert refusal.value.name in {"SignatureInvalid", "SignerUnknown", "SignersNotAscending"}
    few = Decided(honest.block, certified(world.replicas, honest.block, count=2))
    for number, item in enumerate((forged, few)):
        source = Source(tmp_path / str(number), [item])
        job, metrics = world.anchoring(source)
        asyncio.run(running(partial(has_failed, metrics), job))
        assert world.log.latest_height() == 0
        assert world.verdict(source, 1).reason == "its certificate is not one by a quorum of these replicas"


def test_another_block_on_the_chain_is_noticed(world: World, tmp_path: Path) -> None:
    theirs, ours = world.blocks(2), world.blocks(2, "ours ")
    assert anchor(world.log, theirs[0].block, theirs[0].certificate, world.accounts[1])
    source = Source(tmp_path / "a", ours)
    verdict = world.verdict(source, 1)
    assert not verdict.holds
    assert verdict.reason == "the chain has another block there"
    job, metrics = world.anchoring(source)
    # the second does not follow from what is there
    asyncio.run(running(partial(has_failed, metrics), job))
    assert world.log.latest_height() == 1


def test_node_that_is_away_is_counted_and_waited_for(world: World, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}"
    metrics, is_back = RelayMetrics(), False

    def open_log() -> MessageLog:
        return world.log if is_back else MessageLog.at(Client.connect(dead, timeout_s=0.2), world.log.address)

    source = Source(tmp_path / "a", world.blocks(2))
    job = Anchoring(source, open_log, world.accounts[1], metrics=metrics, poll_s=0.02, retry_s=0.02)

    def failures() -> float:
        return counted(metrics, "anchor_failures_total", error="RpcUnavailableError")

    async def work() -> None:
        nonlocal is_back
        await job.prepare()
        assert failures() == 1
        await running(lambda: failures() >= 3, job)
        is_back = True
        await running(lambda: counted(metrics, "anchored_height") == 2, job)

    asyncio.run(work())
    assert world.log.latest_height() == 2


def test_account_without_money_and_node_that_dies_do_not_end_it(tmp_path: Path) -> None:
    with Devnet() as node:
        world = World(node)
        source = Source(tmp_path / "a", world.blocks(2))
        poor, unpaid = world.anchoring(source, signer_from_environment("0x" + "77" * 32, 31337))
        asyncio.run(running(partial(has_failed, unpaid, "InsufficientFundsError"), poor))
        assert world.log.latest_height() == 0
        job, metrics = world.anchoring(source)
        asyncio.run(running(lambda: counted(metrics, "anchored_height") == 2, job))
    asyncio.run(running(partial(has_failed, metrics, "RpcUnavailableError"), job))


def test_log_of_others_is_refused_before_the_relay_starts(world: World, tmp_path: Path) -> None:
    others = replace(world.replicas, chain_id=world.replicas.chain_id + 1)
    job = Anchoring(
        Source(tmp_path / "a", []),
        lambda: bound_log(world.log, others),
        world.accounts[1],
        metrics=RelayMetrics(),
    )
    with pytest.raises(InputError, match="made for other replicas"):
        asyncio.run(job.prepare())
    assert bound_log(world.log, world.replicas) is world.log


def test_archive_of_a_stranger(world: World, tmp_path: Path) -> None:
    blocks = world.blocks(4)
    source = Source(tmp_path / "good", blocks)
    assert list(read_archive(source.path, 2, limit=2)) == blocks[1:3]
    with pytest.raises(InputError, match="there is no block archive"):
        list(read_archive(tmp_path / "absent", 1, limit=1))
    (tmp_path / "noise").write_bytes(b"no database " * 100)
    with pytest.raises(InputError, match="is no block archive"):
        list(read_archive(tmp_path / "noise", 1, limit=1))
    with sqlite3.connect(tmp_path / "bad") as bad:
        bad.execute("CREATE TABLE block (height INTEGER PRIMARY KEY, content, certificate)")
        bad.execute("INSERT INTO block VALUES (1, x'00ff', 'text')")
    with pytest.raises(InputError):
        list(read_archive(tmp_path / "bad", 1, limit=1))
    with sqlite3.connect(source.path) as holed:
        holed.execute("DELETE FROM block WHERE height = 3")
    assert list(read_archive(source.path, 2, limit=9)) == blocks[1:2]
