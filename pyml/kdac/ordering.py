"""What a relay asks of whatever orders its messages, and the smallest engine that gives it.

Source: paper, section III-C ("block security synchronization") and III-E.3, step 1; specification, section 3. Engines:

    SingleNode                 this module: one machine, one journal; tolerates crashes and no fault but that
    pbft.engine.PbftEngine     n replicas, of which fewer than a third may be Byzantine
    evm.EvmEngine              an EVM chain; its consensus is what the chain has

All keep one contract, on which a relay's exactly-once delivery rests:

- A block is final when it is yielded: it is on disk here, and no other block of that height is ever yielded anywhere.
- Heights grow. A consumer keeps the last height that it has dealt with in the same transaction as what it did with it,
  and gives it to ``committed`` when it starts again.
- ``submit`` returns once the payload is in a block that is final here. If it raises or the process dies the payload
  may still be ordered, later: the caller submits again until it returns. A payload is in at most one of any
  ``duplicate_window`` blocks that follow each other; a consumer that must never see one twice keeps digests for longer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from pyml.errors import InputError, ResourceError
from pyml.store.journal import Journal

MAX_PAYLOAD_BYTES: Final = 64 * 1024
MAX_BLOCK_BYTES: Final = 4 * 2**20
"""Sum of a block's payloads."""
SINGLE_NODE_WINDOW: Final = 1024
_LABEL: Final = "kdac.ordering.single.v1"
_LENGTH_BYTES: Final = 4


class BackPressureError(ResourceError):
    """Too many payloads wait for their order: submit again later."""


@dataclass(frozen=True, slots=True)
class Block:
    """Payloads in the order that everybody agrees on. ``digest`` names the block among all engines' replicas."""

    height: int
    digest: bytes
    payloads: tuple[bytes, ...]


class OrderingEngine(Protocol):
    """Started and stopped as an asynchronous context manager."""

    async def submit(self, payload: bytes) -> int:
        """The height of the block that holds the payload, once it is final here.

        ``InputError`` for a payload that is empty or longer than ``MAX_PAYLOAD_BYTES``, ``BackPressureError`` if too
        many wait.
        """
        ...

    def committed(self, after: int = 0) -> AsyncIterator[Block]:
        """Every final block above height ``after``, oldest first, then each new one as it becomes final."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SingleNode:
    """Order of arrival on one machine. A block is a record of the journal and final after its fsync.

    All blocks stay in memory, so this is for a small relay; a ``PbftEngine`` of one replica keeps them on disk.
    """

    def __init__(self, path: Path, *, batch: int = 500) -> None:
        self._path, self._batch = path, batch
        self._blocks: list[Block] = []
        self._heights: dict[bytes, int] = {}
        self._waiting: dict[bytes, asyncio.Future[int]] = {}
        self._queue: dict[bytes, bytes] = {}
        self._work = asyncio.Event()
        self._new_block = asyncio.Condition()
        self._journal: Journal | None = None
        self._task: asyncio.Task[None] | None = None

    async def submit(self, payload: bytes) -> int:
        require_payload(payload)
        digest = hashlib.sha256(payload).digest()
        known = self._heights.get(digest)
        if known is not None:
            return known
        if self._task is None or self._task.done():
            raise ResourceError("the ordering engine is not running", hint="Restart the relay.")
        if len(self._queue) >= self._batch * 8:
            raise BackPressureError("too many messages wait to be ordered", expected=f"at most {self._batch * 8}")
        if digest not in self._waiting:
            self._waiting[digest] = asyncio.get_running_loop().create_future()
            self._queue[digest] = payload
            self._work.set()
        return await asyncio.shield(self._waiting[digest])

    async def committed(self, after: int = 0) -> AsyncIterator[Block]:
        while True:
            async with self._new_block:
                while len(self._blocks) <= after:
                    await self._new_block.wait()
            for block in self._blocks[after:]:
                after = block.height
                yield block

    async def __aenter__(self) -> Self:
        self._journal = Journal(self._path, _LABEL)
        for record in self._journal.records():
            self._append(decode_payloads(record))
        self._task = asyncio.create_task(self._order())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._journal is not None:
            self._journal.close()
        for future in self._waiting.values():
            future.cancel()

    async def _order(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._queue:
                await self._commit(self._next_batch())

    def _next_batch(self) -> list[bytes]:
        digests, size = list[bytes](), 0
        for digest, payload in self._queue.items():
            size += len(payload)
            if len(digests) == self._batch or size > MAX_BLOCK_BYTES:
                break
            digests.append(digest)
        return digests

    async def _commit(self, digests: Sequence[bytes]) -> None:
        payloads = tuple(self._queue[digest] for digest in digests)
        journal = self._journal
        if journal is None:
            raise ResourceError("the ordering engine is not running", hint="Restart the relay.")
        try:
            await asyncio.to_thread(journal.append, encode_payloads(payloads))
        except BaseException as error:
            for future in self._waiting.values():
                future.set_exception(ResourceError(f"the order could not be recorded: {error}"))
                future.exception()  # nobody may wait for it any more
            self._waiting.clear()
            raise
        block = self._append(payloads)
        for digest in digests:
            del self._queue[digest]
            future = self._waiting.pop(digest)
            if not future.done():
                future.set_result(block.height)
        async with self._new_block:
            self._new_block.notify_all()

    def _append(self, payloads: tuple[bytes, ...]) -> Block:
        parent = self._blocks[-1].digest if self._blocks else bytes(32)
        height = len(self._blocks) + 1
        block = Block(height, hashlib.sha256(parent + encode_payloads(payloads)).digest(), payloads)
        self._blocks.append(block)
        for payload in payloads:
            self._heights[hashlib.sha256(payload).digest()] = height
        if height > SINGLE_NODE_WINDOW:
            for payload in self._blocks[height - SINGLE_NODE_WINDOW - 1].payloads:
                self._heights.pop(hashlib.sha256(payload).digest(), None)
        return block


def require_payload(payload: bytes) -> None:
    """Raises ``InputError`` unless the payload may be ordered."""
    if not 1 <= len(payload) <= MAX_PAYLOAD_BYTES:
        expected = f"1 to {MAX_PAYLOAD_BYTES} bytes"
        raise InputError("a message cannot be ordered: wrong length", expected=expected, got=len(payload))


def encode_payloads(payloads: Sequence[bytes]) -> bytes:
    """Each after its length in four bytes, big-endian."""
    return b"".join(len(payload).to_bytes(_LENGTH_BYTES, "big") + payload for payload in payloads)


def decode_payloads(content: bytes) -> tuple[bytes, ...]:
    """The inverse; ``InputError`` for anything that ``encode_payloads`` does not write."""
    found, at = list[bytes](), 0
    while at < len(content):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(content[at:start], "big")
        if start > len(content) or not start < end <= min(len(content), start + MAX_PAYLOAD_BYTES):
            raise InputError("a list of payloads is malformed", got=f"{len(content)} bytes")
        found.append(content[start:end])
        at = end
    return tuple(found)
