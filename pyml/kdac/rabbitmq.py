"""A RabbitMQ broker between final blocks and the outbox, for relays whose delivery is spread over machines.

Source: paper, section III-E.3, step 2 ("placing messages that have completed consensus synchronization into the
RabbitTemplate"); specification, section 2. A quorum queue keeps messages on several brokers (Raft: crashes, not
Byzantine faults). A block counts as delivered here once the broker has confirmed every message of it; a message leaves
the broker once the outbox has it. In between it may come twice, and the outbox takes it once.

``aio-pika`` is the optional dependency ``rabbitmq``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pyml.errors import ResourceError, ToolMissingError

if TYPE_CHECKING:
    from aio_pika.abc import AbstractIncomingMessage, AbstractRobustChannel, AbstractRobustConnection

_PREFETCH: Final = 500
_GATHER_S: Final = 0.01
_RETRY_S: Final = 1.0


class RabbitQueue:
    """One quorum queue of one relay. Use as an asynchronous context manager."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._connection: AbstractRobustConnection | None = None
        self._channel: AbstractRobustChannel | None = None

    def __repr__(self) -> str:  # the URL has a password
        return f"RabbitQueue({self._name})"

    async def __aenter__(self) -> Self:
        try:
            import aio_pika
        except ImportError as error:
            hint = "pip install 'pyml[rabbitmq]', or leave --queue out."
            raise ToolMissingError("delivery through RabbitMQ needs aio-pika", hint=hint) from error
        try:
            self._connection = await aio_pika.connect_robust(self._url, timeout=10)
            channel = await self._connection.channel(publisher_confirms=True)
            await channel.set_qos(prefetch_count=_PREFETCH)
            await channel.declare_queue(self._name, durable=True, arguments={"x-queue-type": "quorum"})
        except (OSError, aio_pika.exceptions.AMQPError, ValueError) as error:
            raise ResourceError(f"the broker cannot be used: {type(error).__name__}", hint="Check --queue.") from None
        self._channel = channel  # type: ignore[assignment]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, payloads: Sequence[bytes]) -> None:
        """Return once the broker has confirmed every payload; it is asked again until it does."""
        import aio_pika

        pending: list[bytes] = list(payloads)
        while pending:
            sent = [self._publish_one(aio_pika.Message(body, delivery_mode=2)) for body in pending]
            results = await asyncio.gather(*sent, return_exceptions=True)
            failed: list[bytes] = [
                item for item, done in zip(pending, results, strict=True) if isinstance(done, BaseException)
            ]
            if failed:
                await asyncio.sleep(1.0)
            pending = failed

    async def _publish_one(self, message: Any) -> None:
        await self._opened.default_exchange.publish(message, routing_key=self._name, mandatory=True, timeout=30)

    async def consume(self, take: Callable[[Sequence[bytes]], asyncio.Future[None]]) -> None:
        """Hand over messages in groups, each confirmed to the broker after ``take``; until cancelled."""
        queue = await self._opened.get_queue(self._name)
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await queue.consume(arrived.put)  # pyright: ignore[reportUnknownMemberType]
        while True:
            group = [await arrived.get()]
            await asyncio.sleep(_GATHER_S)
            while not arrived.empty() and len(group) < _PREFETCH:
                group.append(arrived.get_nowait())
            await take([message.body for message in group])
            for message in group:
                await _confirm(message)

    @property
    def _opened(self) -> Any:  # the edge of aio-pika's types
        if self._channel is None:
            raise ResourceError("the broker is not connected")
        return self._channel


async def _confirm(message: AbstractIncomingMessage) -> None:
    """A confirmation that is lost with the connection makes the broker send the message again, which is harmless."""
    import aio_pika

    try:
        await message.ack()
    except (aio_pika.exceptions.AMQPError, OSError):
        return
