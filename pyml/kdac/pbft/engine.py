"""A replica at work: the state machine of ``replica`` with a log, an archive, timers and connections.

One task hears events one after the other. What several of them lead to is carried out together: first all records, with
one fsync, then everything else. So no vote leaves before it is on disk, however the machine dies.

    async with PbftEngine(options) as engine:
        await engine.submit(payload)
        async for block in engine.committed(after): ...
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from secrets import token_bytes
from types import TracebackType
from typing import Final, Self

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError, PymlError, ResourceError
from pyml.kdac.ordering import BackPressureError, Block, require_payload
from pyml.kdac.pbft import merkle, replica
from pyml.kdac.pbft.archive import Archive
from pyml.kdac.pbft.links import Address, Links, Tls
from pyml.kdac.pbft.log import ReplicaLog, has_log
from pyml.kdac.pbft.messages import Blocks, Message
from pyml.kdac.pbft.records import Decided
from pyml.kdac.pbft.replica_set import KeyAuthenticator, ReplicaSet
from pyml.kdac.pbft.state import (
    Accuse,
    Deliver,
    Effect,
    Event,
    Persist,
    Received,
    RoundTimeout,
    Send,
    Serve,
    SetTimer,
    Settings,
    Stabilise,
    Start,
    State,
    Submitted,
    Tick,
)
from pyml.kdac.pbft.votes import Evidence
from pyml.kdac.pbft.wire import MAX_BLOCKS, NONCE_BYTES, encode

MAX_AT_ONCE: Final = 256
"""Events that are carried out together."""
FORWARD_BYTES: Final = 1024 * 1024
SERVE_BYTES: Final = 4 * 2**20
READ: Final = 64


class Beginning(Enum):
    """What a replica without a log is. It must be said: one that lost its disk must not vote as if it were new."""

    RESUME = "resume"
    """A log is expected."""
    NEW = "new"
    """It has never run."""
    REJOIN = "rejoin"
    """It has run and lost its disk: it stays silent until it cannot contradict itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """``batch`` and ``duplicate_window`` must be the same at all replicas: they decide which blocks are acceptable."""

    replicas: ReplicaSet
    key: SigningKey
    folder: Path
    listen: Address
    peers: Mapping[int, Address]
    """Where to dial each other replica, by number."""
    beginning: Beginning = Beginning.RESUME
    batch: int = 500
    round_ms: int = 1000
    tick_ms: int = 500
    duplicate_window: int = 512
    checkpoint_interval: int = 64
    tls: Tls | None = None

    def settings(self) -> Settings:
        """What the state machine is told; ``InputError`` if the peers are not the other replicas."""
        index, n = self.replicas.index(self.key.public), len(self.replicas.keys)
        if set(self.peers) != set(range(n)) - {index}:
            raise InputError("the peers are not the other replicas", expected=f"{n - 1} of them", got=len(self.peers))
        return Settings(
            index,
            n,
            self.replicas.network,
            KeyAuthenticator(self.replicas, self.key),
            batch=self.batch,
            round_ms=self.round_ms,
            tick_ms=self.tick_ms,
            duplicate_window=self.duplicate_window,
            checkpoint_interval=self.checkpoint_interval,
        )


@dataclass(frozen=True, slots=True)
class Health:
    """For people and metrics."""

    height: int
    round: int
    waiting: int
    connected: int
    dropped: int
    stable_height: int
    accused: int
    is_silent: bool


@dataclass(slots=True)
class _Inbox:
    """Events that wait; what comes from a peer is released when it has been heard."""

    events: deque[tuple[Event, Callable[[], None] | None]] = field(
        default_factory=deque[tuple[Event, Callable[[], None] | None]]
    )
    filled: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, event: Event, release: Callable[[], None] | None = None) -> None:
        self.events.append((event, release))
        self.filled.set()

    async def take(self) -> list[Event]:
        while not self.events:
            self.filled.clear()
            await self.filled.wait()
        taken = list[Event]()
        while self.events and len(taken) < MAX_AT_ONCE:
            event, release = self.events.popleft()
            taken.append(event)
            if release is not None:
                release()
        return taken


class PbftEngine:
    """See the module, and ``ordering.OrderingEngine`` for what it promises."""

    def __init__(self, options: Options) -> None:
        self._options, self._settings = options, options.settings()
        self._inbox = _Inbox()
        self._submitted: dict[bytes, bytes] = {}
        self._waiting: dict[bytes, asyncio.Future[int]] = {}
        self._timers: dict[type, asyncio.TimerHandle] = {}
        self._new_block = asyncio.Condition()
        self._failure: BaseException | None = None
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._links: Links | None = None
        self._log: ReplicaLog | None = None
        self._archive: Archive | None = None
        self._state: State = replica.initial(self._settings)

    # What a relay uses

    async def submit(self, payload: bytes) -> int:
        require_payload(payload)
        self._require_running()
        leaf = merkle.leaf(payload)
        height = self._state.window.height_of(leaf)
        if height is not None:
            return height
        future = self._waiting.get(leaf)
        if future is None:
            self._require_room(len(payload))
            future = self._waiting[leaf] = asyncio.get_running_loop().create_future()
            if not self._submitted:
                self._inbox.put(Submitted(()))  # a mark: what is there when it is reached goes together
            self._submitted[leaf] = payload
        return await asyncio.shield(future)

    async def committed(self, after: int = 0) -> AsyncIterator[Block]:
        archive = self._require_archive()
        while True:
            found = await asyncio.to_thread(archive.read, after + 1, limit=READ, limit_bytes=SERVE_BYTES)
            for decided in found:
                after = decided.block.height
                yield Block(after, decided.block.digest, decided.block.payloads)
            async with self._new_block:
                while archive.height <= after and self._failure is None:
                    await self._new_block.wait()
            if archive.height <= after:
                self._require_running()

    # What an anchoring or a watching process uses

    @property
    def index(self) -> int:
        return self._settings.index

    async def decided(self, first: int, *, limit: int = READ) -> list[Decided]:
        """Blocks with their certificates, for instance to anchor them on a chain."""
        archive = self._require_archive()
        return await asyncio.to_thread(archive.read, first, limit=limit, limit_bytes=SERVE_BYTES)

    async def flush(self) -> None:
        """Let other processes that read the archive see all blocks that are decided by now."""
        await asyncio.to_thread(self._require_archive().flush)

    async def evidence(self) -> list[Evidence]:
        """Replicas that contradicted themselves, with proof."""
        return await asyncio.to_thread(self._require_archive().evidence)

    def health(self) -> Health:
        state, links = self._state, self._links
        return Health(
            state.height,
            state.round,
            len(state.pool),
            len(links.connected) if links is not None else 0,
            links.dropped if links is not None else 0,
            state.stable.height if state.stable is not None else 0,
            len({sender for sender, _ in state.accused}),
            state.is_silent,
        )

    # Life

    async def __aenter__(self) -> Self:
        folder = self._options.folder
        is_new = not has_log(folder)
        if is_new and self._options.beginning is Beginning.RESUME:
            raise InputError(
                f"{folder} has no log of this replica",
                hint="Begin as new if it has never run; rejoin if its disk was lost: it must not vote twice.",
            )
        try:
            await asyncio.to_thread(self._open, folder, is_new)
            self._links = Links(
                self._settings.index,
                self._settings.network,
                self._settings.authenticator,
                listen=self._options.listen,
                peers=self._options.peers,
                hear=self._hear,
                tls=self._options.tls,
            )
            await self._links.start()
        except BaseException:
            await self._close()
            raise
        self._inbox.put(Start(token_bytes(NONCE_BYTES)))
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_stopping = True  # not cancelled: a thread may be writing to the log
        self._inbox.put(Tick())
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        await self._fail(ResourceError("the ordering engine is not running", hint="Restart the relay."))
        await self._close()

    def _open(self, folder: Path, is_new: bool) -> None:
        self._log = ReplicaLog(folder)
        self._archive = Archive(folder / "blocks.sqlite")
        records = list(self._log.records())
        self._archive.add([record for record in records if isinstance(record, Decided)])
        if is_new:
            rejoins = self._options.beginning is Beginning.REJOIN
            self._state = replica.initial(self._settings, joining=rejoins)
            self._log.restart(replica.snapshot(self._state))
        else:
            self._state = replica.restore(self._settings, records)
        if self._archive.height < self._state.height:
            raise InputError(
                "the block archive is older than the log",
                expected=f"height {self._state.height}",
                got=self._archive.height,
                hint="Restore it, or remove the replica's folder and rejoin.",
            )

    async def _close(self) -> None:
        if self._links is not None:
            await self._links.stop()
        for timer in self._timers.values():
            timer.cancel()
        for store in (self._log, self._archive):
            if store is not None:
                await asyncio.to_thread(store.close)

    # Events

    def _hear(self, message: Message, release: Callable[[], None]) -> None:
        self._inbox.put(Received(message), release)

    async def _run(self) -> None:
        try:
            while not self._is_stopping:
                await self._hear_all(await self._inbox.take())
        except BaseException as error:
            await self._fail(error)
            if not isinstance(error, PymlError):
                raise

    async def _hear_all(self, events: Sequence[Event]) -> None:
        effects = list[Effect]()
        for event in events:
            for item in self._expanded(event):
                self._state, new = replica.step(self._state, item)
                effects += new
            await asyncio.sleep(0)  # a relay shares this loop: a large block must not hold it up for long
        await asyncio.to_thread(self._store, effects)
        await self._carry_out(effects)

    def _expanded(self, event: Event) -> list[Event]:
        """The mark of ``submit`` stands for all payloads that have come since, in frames of a bounded size."""
        if not isinstance(event, Submitted):
            return [event]
        payloads, self._submitted = self._submitted, {}
        found, part, size = list[Event](), list[bytes](), 0
        for payload in payloads.values():
            if part and size + len(payload) > FORWARD_BYTES:
                found.append(Submitted(tuple(part)))
                part, size = [], 0
            part.append(payload)
            size += len(payload)
        return [*found, Submitted(tuple(part))] if part else found

    def _store(self, effects: Sequence[Effect]) -> None:
        """In a thread: everything that must be on disk first."""
        log, archive = self._log, self._require_archive()
        records = [effect.record for effect in effects if isinstance(effect, Persist)]
        if log is None:
            return
        if records:
            log.append(records)
        archive.add([record for record in records if isinstance(record, Decided)])
        for effect in effects:
            if isinstance(effect, Accuse):
                archive.accuse(effect.evidence)
        if any(isinstance(effect, Stabilise) for effect in effects):
            archive.flush()
            log.restart(replica.snapshot(self._state))

    async def _carry_out(self, effects: Sequence[Effect]) -> None:
        has_blocks = False
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect.to, effect.message)
            elif isinstance(effect, SetTimer):
                self._set_timer(effect)
            elif isinstance(effect, Serve):
                await self._serve(effect)
            elif isinstance(effect, Deliver):
                has_blocks = True
                self._resolve(effect.decided)
        if has_blocks:
            async with self._new_block:
                self._new_block.notify_all()

    def _send(self, to: int | None, message: Message) -> None:
        if self._links is not None:
            self._links.send(to, encode(message))

    def _set_timer(self, effect: SetTimer) -> None:
        kind = type(effect.timer)
        if kind in self._timers:
            self._timers[kind].cancel()
        loop = asyncio.get_running_loop()
        self._timers[kind] = loop.call_later(effect.delay_ms / 1000, self._on_timer, effect.timer)

    def _on_timer(self, timer: RoundTimeout | Tick) -> None:
        self._inbox.put(timer)

    async def _serve(self, effect: Serve) -> None:
        archive = self._require_archive()
        found = await asyncio.to_thread(archive.read, effect.first, limit=MAX_BLOCKS, limit_bytes=SERVE_BYTES)
        if found:
            blocks = Blocks(tuple((item.block, item.certificate) for item in found))
            self._send(effect.to, self._settings.signed(blocks))

    def _resolve(self, decided: Decided) -> None:
        for leaf in decided.block.leaves:
            future = self._waiting.pop(leaf, None)
            if future is not None and not future.done():
                future.set_result(decided.block.height)

    async def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ResourceError(f"the ordering engine stopped: {error}"))
                future.exception()  # nobody may wait for it any more
        self._waiting.clear()
        async with self._new_block:
            self._new_block.notify_all()

    # Refusals

    def _require_running(self) -> None:
        if self._failure is not None:
            raise ResourceError(f"the ordering engine stopped: {self._failure}") from self._failure
        if self._task is None:
            raise ResourceError("the ordering engine is not running", hint="Start it first.")

    def _require_room(self, size: int) -> None:
        payloads, room = self._state.pool.room(self._settings.index)
        queued = sum(map(len, self._submitted.values())) if room < SERVE_BYTES else 0
        if len(self._submitted) >= payloads or queued + size > room:
            raise BackPressureError("too many messages wait to be ordered", hint="Send again in a moment.")

    def _require_archive(self) -> Archive:
        if self._archive is None:
            raise ResourceError("the ordering engine is not running", hint="Start it first.")
        return self._archive
