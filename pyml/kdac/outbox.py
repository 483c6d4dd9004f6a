"""Messages that are ordered and not yet stored by their receiver: one SQLite file, exactly once.

Source: paper, section III-E.3; specification, section 2. The height of the last block is written in the transaction
that holds its messages: after a crash between commit and delivery the relay goes on from that height, and a message
that is already here, or was and has been fetched, is not taken again. Messages leave when their receiver has stored
them, or after the retention time; their digests stay until then, so that a copy that is ordered later is not new.

Nothing here needs hiding: addresses used once and ciphertext, as every relay of the network sees them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from pyml.errors import InputError, IntegrityError, ResourceError
from pyml.kdac.derivation import tag_of
from pyml.kdac.message import decode_cbor

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS progress (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), height INTEGER NOT NULL);
INSERT OR IGNORE INTO progress VALUES (1, 0);
CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY, slot INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_by_slot ON seen (slot);
CREATE TABLE IF NOT EXISTS held (
    number INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE, tag BLOB NOT NULL, slot INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS held_by_tag ON held (tag);
"""
_CHUNK: Final = 500
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Held:
    """A message in the outbox."""

    digest: bytes
    slot: int
    derived: bytes
    body: bytes


def held_of(payload: bytes) -> Held | None:
    """An ordered payload as a message; ``None`` for what a faulty replica got ordered."""
    try:
        message = decode_cbor(payload)
    except InputError:
        return None
    return Held(message.digest, message.slot, message.derived, payload)


class Outbox:
    """Use from any thread; one call at a time has the file."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise InputError(f"the outbox {path} cannot be opened: {error}") from error
        with self._guarded():
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")  # a height is on disk before the next block is asked for
            version = self._base.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, _VERSION}:
                raise IntegrityError(f"the outbox {path} is of another version", expected=_VERSION, got=version)
            self._base.executescript(_SCHEMA)
            self._base.execute(f"PRAGMA user_version = {_VERSION}")

    def height(self) -> int:
        """Of the last block whose messages are here."""
        with self._guarded():
            return int(self._base.execute("SELECT height FROM progress").fetchone()[0])

    def hold(self, messages: Iterable[Held], *, since: int, height: int | None = None) -> list[Held]:
        """Take the messages that are new and not of a slot before ``since``; with a block's height, or from a queue."""
        with self._transaction():
            fresh = [message for message in messages if message.slot >= since and self._is_new(message)]
            self._base.executemany(
                "INSERT INTO held (digest, tag, slot, body) VALUES (?, ?, ?, ?)",
                [(item.digest, tag_of(item.derived), item.slot, item.body) for item in fresh],
            )
            if height is not None:
                self._base.execute("UPDATE progress SET height = max(height, ?)", (height,))
        return fresh

    def waiting(self, tags: Sequence[bytes]) -> list[Held]:
        """What is held for any of the tags, oldest first."""
        rows: list[tuple[int, bytes]] = []
        with self._guarded():
            for start in range(0, len(tags), _CHUNK):
                part = list(tags[start : start + _CHUNK])
                marks = ",".join("?" * len(part))
                query = f"SELECT number, body FROM held WHERE tag IN ({marks})"  # noqa: S608 only question marks
                rows += self._base.execute(query, part).fetchall()
        return [held for _, body in sorted(rows) if (held := held_of(body)) is not None]

    def knows(self, digest: bytes) -> bool:
        """Whether a message is here or was."""
        with self._guarded():
            return self._base.execute("SELECT 1 FROM seen WHERE digest = ?", (digest,)).fetchone() is not None

    def remove(self, digests: Sequence[bytes]) -> None:
        """Forget messages that their receiver has stored."""
        with self._transaction():
            self._base.executemany("DELETE FROM held WHERE digest = ?", [(digest,) for digest in digests])

    def expire(self, before: int) -> int:
        """Forget everything of slots before one; how many messages nobody had fetched."""
        with self._transaction():
            gone = self._base.execute("DELETE FROM held WHERE slot < ?", (before,)).rowcount
            self._base.execute("DELETE FROM seen WHERE slot < ?", (before,))
        return gone

    def __len__(self) -> int:
        with self._guarded():
            return int(self._base.execute("SELECT count(*) FROM held").fetchone()[0])

    def close(self) -> None:
        """Give the file back; closing twice is no error."""
        with self._lock:
            self._base.close()

    def _is_new(self, message: Held) -> bool:
        row = message.digest, message.slot
        return self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", row).rowcount == 1

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._guarded():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _guarded(self) -> Generator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                hint = "Free disk space; the relay goes on by itself."
                raise ResourceError(f"the outbox {self._path} cannot be used: {error}", hint=hint) from error
            except sqlite3.DatabaseError as error:
                hint = "Move the file away: the relay fetches the blocks again."
                raise IntegrityError(f"the outbox {self._path} is damaged: {error}", hint=hint) from error
