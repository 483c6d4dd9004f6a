"""Decided blocks with their certificates, and evidence against replicas, in one SQLite file.

A block is on disk in the log before it comes here; the archive is written through before the log is cut. So it may lag
behind after a crash, by what the log still has, and never has a gap.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from pyml.errors import InputError, IntegrityError, ResourceError
from pyml.kdac.pbft.records import Decided
from pyml.kdac.pbft.votes import Evidence
from pyml.kdac.pbft.wire import (
    decode_block,
    decode_certificate,
    decode_vote,
    encode_block,
    encode_certificate,
    encode_vote,
)

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS block (height INTEGER PRIMARY KEY, content BLOB NOT NULL, certificate BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS evidence (first BLOB NOT NULL, second BLOB NOT NULL, PRIMARY KEY (first, second));
"""


class Archive:
    """One writer, used from several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_TABLES)
            self._database.execute("BEGIN")
            (height,) = self._database.execute("SELECT COALESCE(MAX(height), 0) FROM block").fetchone()
        except sqlite3.DatabaseError as error:
            raise IntegrityError(
                f"the block archive {path} cannot be used: {error}",
                hint="Move it away and start the replica with its log: it fetches the blocks again.",
            ) from error
        self._height = int(height)

    @property
    def height(self) -> int:
        """The last height that is here."""
        return self._height

    def add(self, decided: Sequence[Decided]) -> None:
        """Blocks that follow the last one; those that are here already are passed over."""
        rows = [
            (item.block.height, encode_block(item.block), encode_certificate(item.certificate))
            for item in decided
            if item.block.height > self._height
        ]
        if rows and [row[0] for row in rows] != list(range(self._height + 1, self._height + 1 + len(rows))):
            raise IntegrityError("blocks to archive do not follow the last one", expected=self._height + 1)
        with self._lock:
            _execute(self._database, "INSERT INTO block VALUES (?, ?, ?)", rows)
        self._height += len(rows)

    def read(self, first: int, *, limit: int, limit_bytes: int) -> list[Decided]:
        """Blocks from a height on, at least one if there is one, within both limits."""
        found, size = list[Decided](), 0
        with self._lock:
            cursor = self._database.execute(
                "SELECT content, certificate FROM block WHERE height >= ? ORDER BY height LIMIT ?", (first, limit)
            )
            for content, certificate in cursor:
                size += len(content) + len(certificate)
                if found and size > limit_bytes:
                    break
                found.append(Decided(decode_block(content), decode_certificate(certificate)))
        return found

    def accuse(self, evidence: Evidence) -> None:
        """Keep two votes that contradict each other."""
        row = (encode_vote(evidence.first), encode_vote(evidence.second))
        with self._lock:
            _execute(self._database, "INSERT OR IGNORE INTO evidence VALUES (?, ?)", [row])

    def evidence(self) -> list[Evidence]:
        with self._lock:
            rows = self._database.execute("SELECT first, second FROM evidence").fetchall()
        return [Evidence(decode_vote(first), decode_vote(second)) for first, second in rows]

    def flush(self) -> None:
        """Everything added is on disk when this returns."""
        with self._lock:
            _execute(self._database, "COMMIT")
            self._database.execute("BEGIN")

    def close(self) -> None:
        with self._lock:
            _execute(self._database, "COMMIT")
            self._database.close()


def read_archive(path: Path, first: int, *, limit: int) -> Iterator[Decided]:
    """Blocks from a height on without a gap, from a file that a replica may be writing to: those it has flushed.

    ``InputError`` for what is no archive, or holds what is no block: the file may be a stranger's.
    """
    if not path.is_file():
        raise InputError(f"there is no block archive {path}", expected="replica/blocks.sqlite in a relay's folder")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute(
                "SELECT height, content, certificate FROM block WHERE height >= ? ORDER BY height LIMIT ?",
                (first, limit),
            )
            for expected, (height, content, certificate) in enumerate(rows, first):
                decided = Decided(decode_block(bytes(content)), decode_certificate(bytes(certificate)))
                if not height == expected == decided.block.height:
                    return
                yield decided
    except (sqlite3.DatabaseError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no block archive: {error}") from error


def _execute(database: sqlite3.Connection, statement: str, rows: Sequence[tuple[object, ...]] | None = None) -> None:
    try:
        if rows is None:
            database.execute(statement)
        else:
            database.executemany(statement, rows)
    except sqlite3.OperationalError as error:
        raise ResourceError(
            f"the block archive cannot be written: {error}", hint="Free disk space, restart."
        ) from error
