"""Who is connected: users by number, their connections, and tokens with which a user comes back.

Source: paper, section III-E.1 ("establishing and maintaining connections for online users"); specification, section 2.
A user is a number that a relay gives to whoever connects; it stands for nobody outside. The cache maps tags to users
and this maps users to connections, so that a client that comes back within its slots announces nothing again.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from secrets import token_bytes
from typing import Final, Protocol

from pyml.kdac.relay_limits import RelayLimits, TokenBucket
from pyml.kdac.wire import CHALLENGE_BYTES, MAX_DIGESTS, RESUME_BYTES, Ack, Frame, encode_frame

_QUEUE: Final = 256
"""Small frames that wait for a slow reader."""


class Socket(Protocol):
    """What a connection needs of a WebSocket."""

    async def send(self, message: bytes, /) -> None: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...


@dataclass(slots=True, eq=False)
class Connection:
    """One client. What it is sent goes through a bounded queue to a task of its own."""

    socket: Socket
    address: str
    user: int
    resume: bytes
    frames: TokenBucket
    volume: TokenBucket
    tags: TokenBucket
    challenge: bytes = field(default_factory=lambda: token_bytes(CHALLENGE_BYTES), repr=False)
    delivered: dict[bytes, None] = field(default_factory=dict[bytes, None])
    """Digests pushed and not acknowledged; a client can acknowledge no others."""
    lagging: bool = False
    """Whether something was not pushed because too much is unacknowledged."""
    addresses: dict[int, list[bytes]] = field(default_factory=dict[int, list[bytes]])
    """What the user announced, by slot: the strings that the cache has, not copies."""
    queue: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue[bytes])

    ordered: list[bytes] = field(default_factory=list[bytes])
    """Digests of its messages that are final and of which it is not told yet."""

    def tell_ordered(self, digest: bytes) -> None:
        """Acknowledge a message; many share a frame."""
        self.ordered.append(digest)
        if len(self.ordered) == 1:
            self.queue.put_nowait(b"")

    def offer(self, frame: Frame | bytes) -> bool:
        """Queue a frame; ``False`` if the client does not keep up."""
        if self.queue.qsize() >= _QUEUE + len(self.delivered):
            return False
        self.queue.put_nowait(frame if isinstance(frame, bytes) else encode_frame(frame))
        return True

    async def write(self) -> None:
        """Send what is queued, until cancelled or the socket closes."""
        while True:
            await self.socket.send(await self.queue.get() or self.acknowledgement())

    def acknowledgement(self) -> bytes:
        """A frame for what is final."""
        digests, self.ordered = self.ordered[:MAX_DIGESTS], self.ordered[MAX_DIGESTS:]
        if self.ordered:
            self.queue.put_nowait(b"")
        return encode_frame(Ack(tuple(digests)))


class Registry:
    """All connections of a relay, within its limits."""

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._numbers = itertools.count(1)
        self._by_user: dict[int, Connection] = {}
        self._by_address: Counter[str] = Counter()
        self._resumable: OrderedDict[bytes, tuple[int, dict[int, list[bytes]]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_user)

    def has_room(self, address: str) -> bool:
        """Whether one more connection from an address may open."""
        limits = self._limits
        return len(self) < limits.connections and self._by_address[address] < limits.connections_per_address

    def open(self, socket: Socket, address: str, resume: bytes | None, now: float) -> tuple[Connection, bool]:
        """A connection for a new user, or for the one that the token names; whether it was taken up."""
        known = None if resume is None else self._resumable.pop(resume, None)
        user = next(self._numbers) if known is None else known[0]
        limits = self._limits
        connection = Connection(
            socket,
            address,
            user,
            token_bytes(RESUME_BYTES),
            frames=TokenBucket(limits.frames_per_second, limits.frames_per_second * 10, now),
            volume=TokenBucket(limits.bytes_per_second, limits.bytes_per_second * 10, now),
            tags=TokenBucket(limits.tags_per_second, limits.tags_burst, now),
        )
        if known is not None:
            connection.addresses = known[1]
        self._by_user[user] = connection
        self._by_address[address] += 1
        return connection, known is not None

    def close(self, connection: Connection) -> None:
        """Forget a connection; its user may come back with the token."""
        if self._by_user.get(connection.user) is connection:
            del self._by_user[connection.user]
            self._keep(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def expire(self, before: int) -> None:
        """Forget addresses of slots before one."""
        kept = [connection.addresses for connection in self._by_user.values()]
        for addresses in (*kept, *(addresses for _, addresses in self._resumable.values())):
            for slot in [slot for slot in addresses if slot < before]:
                del addresses[slot]

    def _keep(self, connection: Connection) -> None:
        """Number and addresses alone: neither socket nor queue outlives the connection."""
        if sum(map(len, connection.addresses.values())) <= self._limits.resumable_tags:
            self._resumable[connection.resume] = connection.user, connection.addresses
            if len(self._resumable) > self._limits.resumable:
                self._resumable.popitem(last=False)

    def connection(self, user: int | None) -> Connection | None:
        """Of a user, if connected."""
        return None if user is None else self._by_user.get(user)
