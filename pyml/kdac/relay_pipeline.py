"""From a message that came in to one that its receiver has: order, hold, resolve, push, forget.

Source: paper, section III-E.3 and figure 5; specification, section 2. The steps between a final block and the outbox
are one transaction; everything after it can be done again. A message that nobody can receive at present stays in the
outbox until somebody announces its key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from pyml.errors import PymlError, ResourceError
from pyml.kdac.connections import Connection
from pyml.kdac.expected import RETENTION_SLOTS
from pyml.kdac.message import Message
from pyml.kdac.ordering import BackPressureError, Block, OrderingEngine
from pyml.kdac.outbox import Held, Outbox, held_of
from pyml.kdac.relay_limits import RelayLimits
from pyml.kdac.relay_metrics import RelayMetrics

_LOG: Final = logging.getLogger(__name__)
_RETRY_S: Final = 1.0
_FLUSH_S: Final = 0.05


class DeliveryQueue(Protocol):
    """A broker between final blocks and the outbox (``rabbitmq.py``); without one, blocks go there directly."""

    async def publish(self, payloads: Sequence[bytes]) -> None:
        """Return once the broker has all of them for good."""
        ...

    async def consume(self, take: Callable[[Sequence[bytes]], asyncio.Future[None]]) -> None:
        """Hand over what the broker holds, and confirm to it after ``take`` is done; until cancelled."""
        ...


class Pipeline:
    """``route`` finds who is connected and receives at an address."""

    def __init__(
        self,
        engine: OrderingEngine,
        outbox: Outbox,
        *,
        limits: RelayLimits,
        metrics: RelayMetrics,
        route: Callable[[int, bytes], Connection | None],
        slot: Callable[[], int],
        queue: DeliveryQueue | None = None,
    ) -> None:
        self._engine, self._outbox, self._queue = engine, outbox, queue
        self._limits, self._metrics, self._route, self._slot = limits, metrics, route, slot
        self._ordering: dict[bytes, asyncio.Task[int]] = {}
        self._fetched: dict[bytes, None] = {}
        self._held = 0

    async def submit(self, message: Message) -> None:
        """Return once the message is in a final block; the same message again waits for the same order."""
        if self._held >= self._limits.held_messages:
            raise ResourceError("the relay holds too many messages that nobody has fetched", hint="Try another relay.")
        task = self._ordering.get(message.digest)
        if task is None:
            if len(self._ordering) >= self._limits.unordered:
                raise BackPressureError("too many messages wait to be ordered", hint="Send it again in a second.")
            digest = message.digest
            task = asyncio.create_task(self._order(message.cbor))
            self._ordering[digest] = task
            task.add_done_callback(lambda _: self._ordering.pop(digest, None))
        await asyncio.shield(task)

    async def run(self) -> None:
        """Deliver final blocks until cancelled; goes on after a full disk."""
        jobs = [self._follow(), self._flush()]
        if self._queue is not None:
            jobs.append(self._queue.consume(lambda payloads: asyncio.ensure_future(self._take(payloads, None))))
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)

    async def refill(self, connection: Connection, tags: Sequence[bytes]) -> None:
        """Push what is held for addresses, as far as the client keeps up."""
        if tags:
            for held in await asyncio.to_thread(self._outbox.waiting, tags):
                self._push(held, connection)

    def acknowledge(self, connection: Connection, digests: Sequence[bytes]) -> bool:
        """A client has stored messages; whether there is room for those that had to wait. Others' stay untouched."""
        own = [digest for digest in dict.fromkeys(digests) if digest in connection.delivered]
        for digest in own:
            del connection.delivered[digest]
        self._fetched.update(dict.fromkeys(own))
        self._metrics.fetched.inc(len(own))
        enough = len(connection.delivered) <= self._limits.unacknowledged_per_connection // 2
        return connection.lagging and enough

    def expire(self) -> None:
        """Forget what is older than the retention time."""
        self._metrics.expired.inc(self._outbox.expire(self._slot() - RETENTION_SLOTS))
        self._held = len(self._outbox)

    async def close(self) -> None:
        """Write down what was fetched."""
        for task in list(self._ordering.values()):
            task.cancel()
        await asyncio.gather(*self._ordering.values(), return_exceptions=True)
        with suppress(PymlError):  # what is not removed is pushed again, and its receiver knows it
            self._outbox.remove(list(self._fetched))

    async def _order(self, payload: bytes) -> int:
        with self._metrics.seconds.time():
            return await self._engine.submit(payload)

    async def _follow(self) -> None:
        async for block in self._engine.committed(await asyncio.to_thread(self._outbox.height)):
            self._metrics.ordered.inc(len(block.payloads))
            await self._deliver(block)

    async def _deliver(self, block: Block) -> None:
        if self._queue is None:
            await self._take(block.payloads, block.height)
            return
        await self._queue.publish(block.payloads)
        await self._take((), block.height)

    async def _take(self, payloads: Sequence[bytes], height: int | None) -> None:
        """Into the outbox, whatever it takes, and on to whoever is there."""
        messages = [held for payload in payloads if (held := held_of(payload)) is not None]
        while True:
            since = self._slot() - RETENTION_SLOTS
            try:
                fresh = await asyncio.to_thread(self._outbox.hold, messages, since=since, height=height)
                break
            except ResourceError as error:
                _LOG.warning("outbox unusable: %s", error.problem)
                self._metrics.degraded.set(1)
                await asyncio.sleep(_RETRY_S)
        self._metrics.degraded.set(0)
        self._held += len(fresh)
        for held in fresh:
            connection = self._route(held.slot, held.derived)
            if connection is not None:
                self._push(held, connection)

    def _push(self, held: Held, connection: Connection) -> None:
        if held.digest in connection.delivered or held.digest in self._fetched:
            return
        if len(connection.delivered) >= self._limits.unacknowledged_per_connection or not connection.offer(held.body):
            connection.lagging = True
            return
        connection.delivered[held.digest] = None
        self._metrics.pushed.inc()

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_S)
            digests = list(self._fetched)
            with suppress(ResourceError):
                if digests:
                    await asyncio.to_thread(self._outbox.remove, digests)
                    self._forget(digests)

    def _forget(self, digests: Sequence[bytes]) -> None:
        for digest in digests:
            del self._fetched[digest]
        self._held = max(0, self._held - len(digests))
