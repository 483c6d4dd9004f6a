"""Messages ordered by an EVM chain: ``contracts/kdac/MessageQueue.sol`` and JSON-RPC, nothing else.

For relays beside a consortium chain whose consensus is Byzantine fault tolerant (docs/besu.md). A block here is one of
the chain's that has messages; its height is the chain's. With the consensus of Besu QBFT or GoQuorum a block is final
when it is there, and one confirmation is right; on a chain that may reorganise, ask for more, and know that finality is
then a matter of probability: if a block that was handed out is replaced, the engine stops and says so.

Deviation from ``ordering``: a payload is ordered once for ever, not for a window, because the contract remembers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import groupby
from types import TracebackType
from typing import Final, Self

from pyml.chain.accounts import Signer
from pyml.chain.events import Cursor, NodeLogs, follow
from pyml.chain.transactions import Log
from pyml.errors import ChainError, PymlError, ResourceError
from pyml.kdac.ordering import BackPressureError, Block, require_payload
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.registries import MessageQueue

MAX_BATCH: Final = 64
MAX_BATCH_BYTES: Final = 128 * 1024
"""Of one transaction's payloads; below the 128 KiB that nodes accept once the ABI's share is added."""
MAX_WAITING: Final = 4096
_RETRY_S: Final = 1.0
_OVERHEAD_BYTES: Final = 96


class EvmEngine:
    """See the module, and ``ordering.OrderingEngine`` for what it promises. Each relay has an account of its own."""

    def __init__(
        self,
        queue: MessageQueue,
        account: Signer,
        *,
        since_block: int,
        confirmations: int = 1,
        poll_s: float = 0.5,
    ) -> None:
        self._queue, self._account = queue, account
        self._since, self._confirmations, self._poll_s = since_block, confirmations, poll_s
        self._waiting: dict[bytes, asyncio.Future[int]] = {}
        self._unposted: dict[bytes, bytes] = {}
        self._work = asyncio.Event()
        self._failure: BaseException | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def submit(self, payload: bytes) -> int:
        require_payload(payload)
        self._require_running()
        digest = keccak256(payload)
        future = self._waiting.get(digest)
        if future is None:
            if len(self._waiting) >= MAX_WAITING:
                raise BackPressureError("too many messages wait to be ordered", hint="Send again in a moment.")
            future = self._waiting[digest] = asyncio.get_running_loop().create_future()
            try:
                height = await asyncio.to_thread(self._find, payload)
            except BaseException:
                self._waiting.pop(digest, None)
                future.cancel()
                raise
            if height is not None:
                self._settle(digest, height)
            else:
                self._unposted[digest] = payload
                self._work.set()
        return await asyncio.shield(future)

    async def committed(self, after: int = 0) -> AsyncIterator[Block]:
        cursor = Cursor(max(after + 1, self._since))
        while True:
            blocks, cursor = await asyncio.to_thread(self._read, cursor)
            for block in blocks:
                yield block
            self._require_running()
            if not blocks:
                await asyncio.sleep(self._poll_s)

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._queue.require_deployed)
        self._tasks = [asyncio.create_task(self._guard(job)) for job in (self._post, self._follow)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail(ResourceError("the ordering engine is not running", hint="Restart the relay."))

    async def _guard(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, (PymlError, asyncio.CancelledError)):
                raise

    async def _post(self) -> None:
        """Post what waits, again after a failure: what is there already keeps its place."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._unposted:
                batch = self._next_batch()
                payloads = [self._unposted[digest] for digest in batch]
                try:
                    await asyncio.to_thread(self._queue.post, payloads, account=self._account)
                except ChainError:  # the node is away, or the account has no money: messages wait
                    await asyncio.sleep(_RETRY_S)
                    continue
                for digest in batch:
                    self._unposted.pop(digest, None)

    async def _follow(self) -> None:
        """Tell those who wait. The first look is at the newest block: what is older was found when it was submitted."""
        start = await asyncio.to_thread(self._queue.client.block_number)
        async for block in self.committed(max(start - self._confirmations, 0)):
            for payload in block.payloads:
                self._settle(keccak256(payload), block.height)

    def _settle(self, digest: bytes, height: int) -> None:
        self._unposted.pop(digest, None)
        future = self._waiting.pop(digest, None)
        if future is not None and not future.done():
            future.set_result(height)

    def _next_batch(self) -> Sequence[bytes]:
        found, size = list[bytes](), 0
        for digest, payload in self._unposted.items():
            size += len(payload) + _OVERHEAD_BYTES
            if found and (len(found) == MAX_BATCH or size > MAX_BATCH_BYTES):
                break
            found.append(digest)
        return found

    def _find(self, payload: bytes) -> int | None:
        """Where a payload was ordered before; ``None`` if it was not, or not yet finally."""
        queue = self._queue
        if queue.index_of(payload) is None:
            return None
        digest = keccak256(payload)
        for page in follow(self._logs(), Cursor(self._since), confirmations=self._confirmations):
            for log in page.logs:
                event = queue.decode_log(log)
                if event is not None and bytes(event.arguments["digest"]) == digest:
                    return log.block_number
        return None

    def _read(self, cursor: Cursor) -> tuple[list[Block], Cursor]:
        """The next blocks with messages, and from where to go on."""
        try:
            for page in follow(self._logs(), cursor, confirmations=self._confirmations):
                if page.rewound_to is not None:
                    raise ResourceError(
                        "the chain replaced a block that was final here",
                        got=f"above {page.rewound_to}",
                        hint="Use a chain with finality, or more confirmations.",
                    )
                cursor = page.cursor
                if page.logs:
                    return list(self._blocks(page.logs)), cursor
        except ChainError:  # the node is away: ask again
            pass
        return [], cursor

    def _logs(self) -> NodeLogs:
        queue = self._queue
        return NodeLogs(queue.client, addresses=(queue.address,), topics=(queue.topic("MessagePosted"),))

    def _blocks(self, logs: Sequence[Log]) -> Iterator[Block]:
        for (number, block_hash), group in groupby(logs, key=lambda log: (log.block_number, log.block_hash)):
            events = filter(None, map(self._queue.decode_log, group))
            payloads = tuple(bytes(event.arguments["payload"]) for event in events)
            yield Block(number, bytes.fromhex(str(block_hash).removeprefix("0x")), payloads)

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ResourceError(f"the ordering engine stopped: {error}"))
                future.exception()  # nobody may wait for it any more
        self._waiting.clear()

    def _require_running(self) -> None:
        if self._failure is not None:
            raise ResourceError(f"the ordering engine stopped: {self._failure}") from self._failure
        if not self._tasks:
            raise ResourceError("the ordering engine is not running", hint="Start it first.")
