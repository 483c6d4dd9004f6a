"""A relay puts the blocks that its replicas decide on a chain, with certificates: ``contracts/kdac/MessageLog.sol``.

Source: issue, "four relay processes anchored on the devnet". Beside ordering, never in its way: it reads decided
blocks from the replica's archive, one at a time, and keeps nothing of its own. How far it is, it asks the chain, so
that it can be killed at any moment. Several relays may anchor; whoever comes second is refused, at no harm, and goes
on to the next height. A node that is away, or an account without money, is counted, logged and tried again.

Heights that are multiples of ``every`` are anchored. A block names its parent by digest, so that each anchored one
fixes all before it: ``verify`` walks from a block to the first anchored one that follows. ``MessageLog.isIncluded``
knows the anchored ones only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from pyml.chain.accounts import Signer
from pyml.chain.rpc import RpcUnavailableError
from pyml.errors import InputError, PymlError
from pyml.kdac.pbft.archive import read_archive
from pyml.kdac.pbft.records import Decided
from pyml.kdac.pbft.replica_set import ReplicaSet
from pyml.kdac.pbft.votes import Kind
from pyml.kdac.registries import AnchoredBlock, MessageLog, anchor
from pyml.kdac.relay_metrics import RelayMetrics

POLL_S: Final = 1.0
RETRY_S: Final = 5.0
MAX_WALK: Final = 4096
"""Blocks between one that is verified and the anchored one that covers it."""
_LOG: Final = logging.getLogger(__name__)


class DecidedBlocks(Protocol):
    """What anchoring asks of a replica; ``pbft.engine.PbftEngine`` has it."""

    async def decided(self, first: int, *, limit: int) -> list[Decided]: ...

    async def flush(self) -> None: ...


class Anchoring:
    """Run ``run`` as a task. ``open_log`` is tried until the node answers."""

    def __init__(
        self,
        source: DecidedBlocks,
        open_log: Callable[[], MessageLog],
        account: Signer,
        *,
        metrics: RelayMetrics,
        every: int = 1,
        poll_s: float = POLL_S,
        retry_s: float = RETRY_S,
    ) -> None:
        if every < 1:
            raise InputError("blocks are anchored one in so many", expected="1 or more", got=every)
        self._source, self._open_log, self._account = source, open_log, account
        self._metrics, self._every, self._poll_s, self._retry_s = metrics, every, poll_s, retry_s
        self._log: MessageLog | None = None

    async def prepare(self) -> None:
        """Find mistakes before the relay starts: another chain, no contract, other replicas. A node may be away."""
        try:
            self._log = await asyncio.to_thread(self._open_log)
        except RpcUnavailableError as error:
            self._note(error)

    async def run(self) -> None:
        """Anchor until cancelled."""
        while True:
            try:
                pause = 0.0 if await self.step() else self._poll_s
            except PymlError as error:
                self._note(error)
                pause = self._retry_s
            # relays that look at different moments seldom pay for the same block
            await asyncio.sleep(pause * (0.5 + secrets.randbelow(1000) / 1000))

    async def step(self) -> bool:
        """Deal with the next block; False if there is none yet."""
        if self._log is None:
            self._log = await asyncio.to_thread(self._open_log)
        log = self._log
        latest = await asyncio.to_thread(log.latest_height)
        self._metrics.anchored_height.set(latest)
        found = await self._source.decided((latest // self._every + 1) * self._every, limit=1)
        if not found:
            return False
        done = await asyncio.to_thread(anchor, log, found[0].block, found[0].certificate, self._account)
        if done:
            self._metrics.anchored.inc()
            self._metrics.anchored_height.set(found[0].block.height)
            await self._source.flush()  # so that other processes find in the archive what the chain has
        return True

    def _note(self, error: PymlError) -> None:
        self._metrics.anchor_failures.labels(type(error).__name__).inc()
        _LOG.warning("blocks are not anchored at present: %s", error)


def bound_log(log: MessageLog, replicas: ReplicaSet) -> MessageLog:
    """The log itself, if it was made for these replicas and is where they think; else ``InputError``."""
    if log.network() != replicas.network:
        raise InputError(
            "the message log was made for other replicas, or is not the network file's",
            expected=replicas.network.hex(),
            got=log.network().hex(),
        )
    return log


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``verify`` found. ``reason`` is empty if the chain has the block; else it says why that cannot be said."""

    height: int
    digest: bytes
    messages: int
    signers: int
    covered_by: AnchoredBlock | None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return not self.reason


def verify(archive: Path, height: int, log: MessageLog, replicas: ReplicaSet) -> Verdict:
    """Whether the block of a height in a relay's archive is what a quorum signed and what the chain has.

    Believes the replicas' public keys and the node's word about the contract's state; the archive may be anybody's.
    ``InputError`` if it has no such block.
    """
    latest, parent, first = log.latest_height(), b"", None
    for item in read_archive(archive, height, limit=MAX_WALK):
        if first is None:
            first = item
            if not _is_certified(item, replicas):
                return _verdict(first, None, "its certificate is not one by a quorum of these replicas")
        elif item.block.parent != parent or item.block.height > latest:
            break
        parent = item.block.digest
        found = log.find(item.block.height) if item.block.height <= latest else None
        if found is not None:
            differs = found.digest != item.block.digest
            return _verdict(first, found, "the chain has another block there" if differs else "")
    if first is None:
        raise InputError(f"{archive} has no block of height {height}", hint="The last ones show once anchored.")
    return _verdict(first, None, "no anchored block follows it without a gap")


def _is_certified(item: Decided, replicas: ReplicaSet) -> bool:
    certificate, block = item.certificate, item.block
    statement = (certificate.kind, certificate.height, certificate.digest)
    if statement != (Kind.COMMIT, block.height, block.digest):
        return False
    return certificate.verify(replicas, replicas.network, len(replicas.keys))


def _verdict(item: Decided, covered_by: AnchoredBlock | None, reason: str) -> Verdict:
    block = item.block
    return Verdict(
        block.height, block.digest, len(block.payloads), len(item.certificate.signatures), covered_by, reason
    )
