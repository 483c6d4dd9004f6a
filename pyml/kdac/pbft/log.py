"""A replica's write-ahead log: journals of records, one after the other, each beginning with all that came before it.

``append`` returns after fsync, and only then may what depends on the records be sent. Behind a stable checkpoint a new
journal begins with a snapshot, and the old one goes: the log does not grow with the chain. A machine that dies while it
changes over leaves both, and the newest that has its snapshot counts. Torn tails: see ``pyml.store.journal``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pyml.errors import InputError
from pyml.files import fsync_folder
from pyml.kdac.pbft.records import Record, decode_record, encode_record
from pyml.store.journal import MAX_RECORD_BYTES, Journal, read_journal

LABEL: Final = "kdac.pbft.log.v1"
COMPLETE: Final = b"complete"
"""Marks the end of the snapshot that a journal begins with."""
_LENGTH_BYTES: Final = 4


class ReplicaLog:
    """The single writer of one replica's log."""

    def __init__(self, folder: Path) -> None:
        """Open the newest journal that is complete; ``InputError`` if another process has it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        found = _journals(folder)
        usable = [path for path in found if _is_complete(path)]
        self._number = _number(usable[-1]) if usable else 0
        self._journal = Journal(_path(folder, self._number), LABEL)
        self._remove_all_but(self._number)

    def records(self) -> Iterator[Record]:
        """Everything that was acknowledged, in order."""
        for content in self._journal.records():
            if content != COMPLETE:
                yield from _unpack(content)

    def append(self, records: Sequence[Record]) -> None:
        """Put records on disk; they are all there when this returns, and only whole ones ever."""
        for content in _packed(records):
            self._journal.append(content)

    def restart(self, snapshot: Sequence[Record]) -> None:
        """Begin a new journal with a snapshot and drop the old one."""
        number = self._number + 1
        path = _path(self._folder, number)
        path.unlink(missing_ok=True)
        journal = Journal(path, LABEL)
        try:
            for content in _packed(snapshot):
                journal.append(content)
            journal.append(COMPLETE)
        except BaseException:
            journal.close()
            path.unlink(missing_ok=True)
            raise
        self._journal.close()
        self._journal, self._number = journal, number
        self._remove_all_but(number)

    def close(self) -> None:
        self._journal.close()

    def _remove_all_but(self, number: int) -> None:
        for path in _journals(self._folder):
            if _number(path) != number:
                path.unlink()
        fsync_folder(self._folder)


def has_log(folder: Path) -> bool:
    """Whether a replica has ever recorded anything there."""
    return any(_is_complete(path) for path in _journals(folder))


def _is_complete(path: Path) -> bool:
    return any(content == COMPLETE for content in read_journal(path, LABEL))


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("log-*.journal"), key=_number)


def _path(folder: Path, number: int) -> Path:
    return folder / f"log-{number:08d}.journal"


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("log-")
    if not digits.isdigit():
        raise InputError(f"{path} is not a journal of a replica's log")
    return int(digits)


def _packed(records: Iterable[Record]) -> Iterator[bytes]:
    """Records in as few journal records as the journal's limit allows."""
    content = b""
    for record in records:
        encoded = encode_record(record)
        framed = len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded
        if content and len(content) + len(framed) > MAX_RECORD_BYTES:
            yield content
            content = b""
        content += framed
    if content:
        yield content


def _unpack(content: bytes) -> Iterator[Record]:
    at = 0
    while at < len(content):
        end = at + _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        yield decode_record(content[at + _LENGTH_BYTES : end])
        at = end
