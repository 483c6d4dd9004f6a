"""Append-only journal of byte records: acknowledged means on disk, and damage is never mistaken for a crash.

File: magic, label (what the journal is for), then records:

    length u32 | CRC-32 of label, index and length u32 | payload | chain, 32 bytes

with chain_i = SHA-256(chain_(i-1) | length | payload) and chain_0 the hash of the file header. All integers are
big-endian. ``append`` returns only after fsync.

A process or machine that dies while appending leaves a *torn tail*: a record cut short, or one whose end from some
sector boundary on reads as zeros because the file grew before its blocks were written. Opening cuts it off; it was
never acknowledged. Anything else that does not check is damage and raises ``IntegrityError``: the length has a
checksum of its own, so a damaged length cannot pass for a short file. A file that a third party cut at a record
boundary is a valid shorter journal; who needs to notice keeps ``head`` elsewhere and compares.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pyml.errors import InputError, IntegrityError, ResourceError
from pyml.files import fsync_folder, raise_write_error, write_atomically

MAX_RECORD_BYTES = 16 * 2**20
"""Longest payload."""

_MAGIC = b"PYMLJRN1"
_FRAME = struct.Struct(">II")
_CHAIN_BYTES = 32
_SECTOR = 512
_UNWRITTEN_BYTES = 8
"""So many zeros at least before a bad record passes for an unwritten one: a chain value ends so once in 2**64."""


@dataclass(frozen=True, slots=True)
class JournalHead:
    """How many records there are, and the chain value that fixes them all."""

    count: int
    chain: bytes


class Journal:
    """The single writer of one journal file; use as a context manager."""

    def __init__(self, path: Path, label: str) -> None:
        """Create or open ``path``, take its lock, check every record and cut off a torn tail."""
        header = _header(label)
        self._path = path
        self._label = label
        if not path.exists():
            with contextlib.suppress(FileExistsError):  # another process was quicker
                write_atomically(path, header, mode=0o600, exclusive=True)
        try:
            self._file: BinaryIO = path.open("r+b", buffering=0)
        except OSError as error:
            raise InputError(f"journal {path} cannot be opened: {error.strerror}") from error
        try:
            self._lock()
            scan = _Scan(self._file, path, label)
            for _ in scan:
                pass
            self._head, self._end = scan.head, scan.end
            self._cut()
        except BaseException:
            self._file.close()
            raise

    @property
    def head(self) -> JournalHead:
        """Count and chain value after the last acknowledged record."""
        return self._head

    def append(self, payload: bytes) -> int:
        """Add a record and return its index once it is on disk; on failure the journal is as it was."""
        if self._file.closed:
            raise InputError(f"journal {self._path} is closed")
        if len(payload) > MAX_RECORD_BYTES:
            raise InputError("the record is too long", expected=f"at most {MAX_RECORD_BYTES} bytes", got=len(payload))
        index = self._head.count
        length = struct.pack(">I", len(payload))
        chain = _next_chain(self._head.chain, length, payload)
        record = length + _frame_check(self._label, index, length) + payload + chain
        try:
            self._write(record)
            os.fsync(self._file.fileno())
        except BaseException as error:
            self._undo()
            if isinstance(error, OSError):
                raise_write_error(self._path, error)
            raise
        self._end += len(record)
        self._head = JournalHead(index + 1, chain)
        return index

    def records(self) -> Iterator[bytes]:
        """Every acknowledged record from the first, checked again while reading."""
        yield from read_journal(self._path, self._label)

    def close(self) -> None:
        """Give up the lock; closing twice is no error."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"journal {self._path} is in use", hint="Another pyml process writes to it: wait for it or stop it."
            ) from error
        except OSError as error:
            raise ResourceError(f"journal {self._path} cannot be locked: {error.strerror}") from error

    def _cut(self) -> None:
        try:
            if os.fstat(self._file.fileno()).st_size > self._end:
                self._file.truncate(self._end)
                os.fsync(self._file.fileno())
            fsync_folder(self._path.parent)  # a creator that died may not have got this far
        except OSError as error:
            raise_write_error(self._path, error)

    def _write(self, record: bytes) -> None:
        if os.fstat(self._file.fileno()).st_size != self._end:  # an interrupt came between write and acknowledgement
            self._file.truncate(self._end)
        self._file.seek(self._end)
        view = memoryview(record)
        while view:
            written = self._file.write(view)
            view = view[written:]

    def _undo(self) -> None:
        """Take back a failed append; if even that fails, close, so that nothing is appended after an unknown tail."""
        try:
            self._file.truncate(self._end)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.close()


def read_journal(path: Path, label: str) -> Iterator[bytes]:
    """The records of a journal without taking its lock; a torn tail ends the reading and stays on disk."""
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"journal {path} cannot be opened: {error.strerror}") from error
    with stream:
        yield from _Scan(stream, path, label)


class _Scan:
    """One checked pass over a journal; ``head`` and ``end`` describe the records yielded so far."""

    def __init__(self, stream: BinaryIO, path: Path, label: str) -> None:
        header = _header(label)
        self._stream, self._path, self._label = stream, path, label
        self._size = os.fstat(stream.fileno()).st_size
        stream.seek(0)
        found = stream.read(len(header))
        if found[: len(_MAGIC)] != _MAGIC:
            raise IntegrityError(f"{path} is not a pyml journal, or its header is damaged")
        if found != header:
            raise IntegrityError(f"journal {path} is of another kind, or its header is damaged", expected=label)
        self.head = JournalHead(0, hashlib.sha256(header).digest())
        self.end = len(header)

    def __iter__(self) -> Iterator[bytes]:
        while self.end < self._size:
            payload = self._next()
            if payload is None:
                return
            yield payload

    def _next(self) -> bytes | None:
        """The record at ``end``, or None where only a torn tail is left."""
        left = self._size - self.end
        frame = self._read(min(left, _FRAME.size))
        if left < _FRAME.size:
            return None
        length = frame[:4]
        if frame[4:] != _frame_check(self._label, self.head.count, length):
            boundary = (self.end // _SECTOR + 1) * _SECTOR
            if self._is_unwritten(self.end) or (boundary < self.end + _FRAME.size and self._is_unwritten(boundary)):
                return None
            raise self._damaged("its length has a wrong checksum")
        (size,) = struct.unpack(">I", length)
        if size > MAX_RECORD_BYTES:
            raise self._damaged("its length is out of range")
        total = _FRAME.size + size + _CHAIN_BYTES
        if left < total:
            return None
        body = self._read(size + _CHAIN_BYTES)
        payload, chain = body[:size], body[size:]
        if chain != _next_chain(self.head.chain, length, payload):
            boundary = (self._size - _UNWRITTEN_BYTES) // _SECTOR * _SECTOR
            if left == total and self._is_unwritten(max(boundary, self.end + _FRAME.size)):
                return None
            raise self._damaged("its checksum is wrong")
        self.head, self.end = JournalHead(self.head.count + 1, chain), self.end + total
        return payload

    def _is_unwritten(self, start: int) -> bool:
        """Whether the file is zeros from ``start`` to its end, and enough of them not to be chance."""
        self._stream.seek(start)
        return self._size - start >= _UNWRITTEN_BYTES and not any(self._read(self._size - start))

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            chunk = self._stream.read(size - len(content))
            if not chunk:
                raise self._damaged("the file became shorter while it was read")
            content += chunk
        return content

    def _damaged(self, what: str) -> IntegrityError:
        return IntegrityError(
            f"journal {self._path}: record {self.head.count} at byte {self.end} is damaged: {what}",
            hint="Restore the file from a copy; nothing has been changed.",
        )


def _header(label: str) -> bytes:
    encoded = label.encode("utf-8")
    if not 1 <= len(encoded) <= 200:
        raise InputError("a journal's label is 1 to 200 bytes", got=len(encoded))
    return _MAGIC + struct.pack(">H", len(encoded)) + encoded


def _frame_check(label: str, index: int, length: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(label.encode("utf-8") + struct.pack(">Q", index) + length))


def _next_chain(chain: bytes, length: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(chain + length + payload).digest()
