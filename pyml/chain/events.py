"""Read events so that every one that stays on chain is delivered once, in order, and reorganisations are noticed.

``follow`` is pure: it takes a ``LogSource`` and a ``Cursor`` and yields pages. A page carries new events up to a
confirmed block and the cursor to store together with their effects. When a block that was delivered has left the
chain, a page with ``rewound_to`` comes first: undo everything after that block, then go on.

A range counts only if it hangs together: the block before it must still be the cursor's (by parent hash) and its
last block the same before and after the logs were fetched. As a block's hash commits to all blocks before it,
every log between was then on that one chain. Of earlier blocks the cursor keeps some hashes, dense near its end
and thinner further back, so that a rewind finds a common ancestor without asking for every block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pyml.chain.client import Client
from pyml.chain.rpc import RpcError
from pyml.chain.transactions import Block, Log
from pyml.errors import ChainError, InputError, IntegrityError

MAX_SPAN: Final = 2_000
"""Blocks asked for at once, at most; public nodes commonly allow this many."""
_DENSE: Final = 16
_UNSTABLE_TRIES: Final = 10


class TooManyLogsError(ChainError):
    """The node refuses the range because it is too long or holds too many logs."""


class LogSource(Protocol):
    """What the reader asks of a chain."""

    def head_number(self) -> int: ...
    def block(self, number: int) -> Block | None: ...
    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        """In chain order; raises ``TooManyLogsError``."""
        ...


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block that was delivered."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Everything before ``next_block`` was delivered; ``trail`` holds some delivered blocks, oldest first."""

    start_block: int
    trail: tuple[BlockRef, ...] = ()

    def __post_init__(self) -> None:
        numbers = [ref.number for ref in self.trail]
        if self.start_block < 0 or numbers != sorted(set(numbers)) or any(n < self.start_block for n in numbers):
            raise InputError("event cursor is malformed", expected="rising block numbers from its start")

    @property
    def last(self) -> BlockRef | None:
        return self.trail[-1] if self.trail else None

    @property
    def next_block(self) -> int:
        return self.trail[-1].number + 1 if self.trail else self.start_block

    def advanced(self, ref: BlockRef) -> Cursor:
        """The cursor after delivering up to ``ref``."""
        return Cursor(self.start_block, _thinned((*self.trail, ref)))

    def rewound(self, count: int) -> Cursor:
        """The cursor with its last ``count`` references dropped."""
        return Cursor(self.start_block, self.trail[: len(self.trail) - count])

    def to_json(self) -> str:
        """For a file or database; ``decode_cursor`` reads it."""
        return json.dumps({"start_block": self.start_block, "trail": [[ref.number, ref.hash] for ref in self.trail]})


def decode_cursor(text: str) -> Cursor:
    """Raises ``IntegrityError`` unless ``text`` came from ``Cursor.to_json``."""
    try:
        raw = json.loads(text)
        trail = tuple(BlockRef(int(number), str(block_hash)) for number, block_hash in raw["trail"])
        return Cursor(int(raw["start_block"]), trail)
    except (ValueError, KeyError, TypeError, InputError) as error:
        raise IntegrityError("stored event cursor cannot be read") from error


@dataclass(frozen=True, slots=True)
class Page:
    """One step of reading; store ``cursor`` in the same transaction as what ``logs`` cause."""

    cursor: Cursor
    logs: tuple[Log, ...] = ()
    rewound_to: int | None = None
    """If set, blocks above this number were replaced: undo their events (``start_block - 1`` means all)."""


def follow(source: LogSource, cursor: Cursor, *, confirmations: int = 1, max_span: int = MAX_SPAN) -> Iterator[Page]:
    """Yield pages until every block with that many confirmations (1: the head itself) is delivered, then stop.

    Call it again later with the last page's cursor. Raises ``ChainError`` if the node keeps contradicting itself.
    """
    if confirmations < 1 or max_span < 1:
        raise InputError("confirmations and span must be positive", got=f"{confirmations} and {max_span}")
    span, unstable = max_span, 0
    while True:
        dropped = _replaced(source, cursor)
        if dropped:
            cursor = cursor.rewound(dropped)
            yield Page(cursor, rewound_to=cursor.next_block - 1)
            continue
        last_confirmed = source.head_number() - confirmations + 1
        first = cursor.next_block
        if first > last_confirmed:
            return
        last = min(first + span - 1, last_confirmed)
        try:
            page = _range(source, cursor, first, last)
        except TooManyLogsError:
            if first == last:
                raise
            span = (last - first + 1) // 2
            continue
        if page is None:  # the chain changed while we read: look again
            unstable += 1
            if unstable > _UNSTABLE_TRIES:
                raise ChainError("the node keeps changing its answers about the same blocks", got=f"block {last}")
            continue
        unstable, span = 0, min(span * 2, max_span)
        cursor = page.cursor
        yield page


def _range(source: LogSource, cursor: Cursor, first: int, last: int) -> Page | None:
    """The page for a closed range, or ``None`` if its parts do not belong to one chain that continues the cursor."""
    before = source.block(last)
    logs = source.logs(first, last)
    begin, after = source.block(first), source.block(last)
    if before is None or after is None or begin is None or before.hash != after.hash:
        return None
    if cursor.last is not None and begin.parent_hash != cursor.last.hash:
        return None
    for log in logs:
        if not first <= log.block_number <= last:
            raise ChainError("the node sent logs of other blocks than asked for", got=f"block {log.block_number}")
        if log.block_number == last and log.block_hash != after.hash:
            return None
    ordered = tuple(sorted(logs, key=lambda log: (log.block_number, log.log_index)))
    return Page(cursor.advanced(BlockRef(last, after.hash)), ordered)


def _replaced(source: LogSource, cursor: Cursor) -> int:
    """How many references at the trail's end are no longer on the chain.

    A node that does not have a block yet says nothing about it (it may lag behind), unless an older one is replaced.
    """
    contradicted = False
    for dropped, ref in enumerate(reversed(cursor.trail)):
        block = source.block(ref.number)
        if block is not None and block.hash == ref.hash:
            return dropped if contradicted else 0
        contradicted = contradicted or block is not None
    return len(cursor.trail) if contradicted else 0


def _thinned(trail: tuple[BlockRef, ...]) -> tuple[BlockRef, ...]:
    """All of the newest references, and further back about one for each doubling of the distance."""
    newest = trail[-1].number
    kept: list[BlockRef] = list(trail[-_DENSE:])
    distance = newest - kept[0].number
    for ref in reversed(trail[:-_DENSE]):
        if newest - ref.number >= 2 * distance:
            kept.insert(0, ref)
            distance = newest - ref.number
    if kept[0] != trail[0]:
        kept.insert(0, trail[0])
    return tuple(kept)


_TOO_MANY = re.compile(
    r"too many|more than \d+|limit(ed)? (to|exceeded)|exceed|query returned|range.*(large|wide|too)|response size", re.I
)


class NodeLogs:
    """``LogSource`` over a ``Client``, for some contracts and events (all of them when left out)."""

    def __init__(self, client: Client, *, addresses: tuple[str, ...] = (), topics: tuple[bytes, ...] = ()) -> None:
        self._client = client
        self._addresses = addresses
        self._topics = topics

    def head_number(self) -> int:
        return self._client.block_number()

    def block(self, number: int) -> Block | None:
        return self._client.block(number)

    def logs(self, first_block: int, last_block: int) -> tuple[Log, ...]:
        try:
            return self._client.logs(first_block, last_block, addresses=self._addresses, topics=self._topics)
        except RpcError as error:
            if error.code == -32005 or _TOO_MANY.search(error.text):
                raise TooManyLogsError(f"logs of blocks {first_block} to {last_block} refused: {error.text}") from error
            raise
