"""Messages a second through one relay process, from a sender's socket to a receiver's, by size of block.

One node that orders by itself, clients and relay in one process on one core: what the relay's own work costs. Four
replicas in processes of their own are measured by ``bench/kdac_relay.py``.
"""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import ClientConnection, connect

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.kdac.derivation import slot_at, tag_of
from pyml.kdac.message import OVERHEAD_BYTES, Message
from pyml.kdac.ordering import SingleNode
from pyml.kdac.outbox import Outbox
from pyml.kdac.relay import Relay, RelaySettings
from pyml.kdac.relay_limits import RelayLimits
from pyml.kdac.wire import (
    MAX_DIGESTS,
    Ack,
    Connect,
    Heartbeat,
    Session,
    Welcome,
    announce,
    decode_frame,
    encode_frame,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCHES: Final = (1, 50, 500)
_ADDRESSES: Final = 64
_UNORDERED: Final = 1_000
"""Messages that the sender has on the way."""


def run(
    *,
    messages: int = 2_000,
    batches: tuple[int, ...] = BATCHES,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Rates and latencies; fewer messages where each is a block of its own."""
    rows: list[dict[str, Any]] = []
    for number, batch in enumerate(batches):
        count = messages if batch > 1 else max(1, messages // 10)
        rows.append(asyncio.run(_measure(batch, count)))
        if progress is not None:
            progress((number + 1) / len(batches))
    rates = {f"messages a second, blocks of {row['batch']}": row["per_second"] for row in rows}
    return {"rows": rows, "verdicts": rates}


async def _measure(batch: int, count: int) -> dict[str, Any]:
    generous = RelayLimits(
        frames_per_second=1e6, bytes_per_second=1e9, unacknowledged_per_connection=count + 1, unordered=8 * batch
    )
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder) / "outbox.sqlite")
        settings = RelaySettings(bytes(32), limits=generous)
        async with (
            SingleNode(Path(folder) / "blocks.journal", batch=batch) as engine,
            Relay(engine, outbox, settings, clock=time.time) as relay,
            connect(relay.url, compression=None) as sender,
            connect(relay.url, compression=None) as receiver,
        ):
            seconds, latencies = await _exchange(sender, receiver, count, ahead=min(_UNORDERED, 4 * batch))
        outbox.close()
    return {
        "batch": batch,
        "messages": count,
        "per_second": round(count / seconds),
        "p50_ms": round(latencies[count // 2] * 1e3, 1),
        "p99_ms": round(latencies[min(count - 1, count * 99 // 100)] * 1e3, 1),
    }


async def _exchange(
    sender: ClientConnection, receiver: ClientConnection, count: int, *, ahead: int
) -> tuple[float, list[float]]:
    slot, keys = slot_at(time.time()), [SigningKey.random() for _ in range(_ADDRESSES)]
    await _greeted(sender)
    welcome = await _greeted(receiver)
    announced = tuple(
        announce(key.reveal, tag_of(key.public), slot, relay=welcome.relay, challenge=welcome.challenge) for key in keys
    )
    await receiver.send(encode_frame(Heartbeat(announced)))
    if decode_frame(await receiver.recv()) != Ack():
        raise InputError("the relay did not take the keys")
    messages = [
        Message(slot, keys[number % _ADDRESSES].public, number.to_bytes(256 + OVERHEAD_BYTES, "big"))
        for number in range(count)
    ]
    sent: dict[bytes, float] = {}
    room = asyncio.Semaphore(ahead)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(_send(sender, messages, sent, room))
        group.create_task(_release(sender, count, room))
        arrived = group.create_task(_receive(receiver, count))
    took = time.perf_counter() - started
    return took, sorted(moment - sent[digest] for digest, moment in arrived.result().items())


async def _greeted(socket: ClientConnection) -> Welcome:
    await socket.send(encode_frame(Connect()))
    frame = decode_frame(await socket.recv())
    if not isinstance(frame, Welcome):
        raise InputError("the relay did not greet")
    return frame


async def _send(
    socket: ClientConnection, messages: list[Message], sent: dict[bytes, float], room: asyncio.Semaphore
) -> None:
    for message in messages:
        await room.acquire()
        sent[message.digest] = time.perf_counter()
        await socket.send(encode_frame(Session(message)))


async def _release(socket: ClientConnection, count: int, room: asyncio.Semaphore) -> None:
    while count:
        frame = decode_frame(await socket.recv())
        if not isinstance(frame, Ack):
            raise InputError("the relay refused a message")
        for _ in frame.digests:
            room.release()
        count -= len(frame.digests)


async def _receive(socket: ClientConnection, count: int) -> dict[bytes, float]:
    arrived: dict[bytes, float] = {}
    stored: list[bytes] = []
    while len(arrived) < count:
        frame = decode_frame(await socket.recv())
        if isinstance(frame, Session):
            arrived[frame.message.digest] = time.perf_counter()
            stored.append(frame.message.digest)
            if len(stored) >= MAX_DIGESTS // 4 or len(arrived) == count:
                await socket.send(encode_frame(Ack(tuple(stored))))
                stored.clear()
    return arrived


def draw(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Rate and latency by size of block."""

    def paint(figure: Figure) -> None:
        rows = result["rows"]
        left, right = figure.subplots(1, 2)
        names = [str(row["batch"]) for row in rows]
        left.bar(names, [row["per_second"] for row in rows])
        left.set_xlabel("messages a block, at most")
        left.set_ylabel("messages a second")
        right.bar(names, [row["p99_ms"] for row in rows], color="tab:grey", label="p99")
        right.bar(names, [row["p50_ms"] for row in rows], color="tab:blue", label="p50")
        right.set_ylabel("ms from sender to receiver")
        right.legend()

    return paint
