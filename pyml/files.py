"""Files that are either wholly written or not there: temporary file, fsync, rename, fsync of the folder.

Below every layer but ``errors``, because checkpoints, data sets and stores all need it. A failed write (disk full,
file too large, interrupted) leaves neither the target changed nor a temporary file behind; a killed process can leave
only a file named ``.<target>.<random>.tmp`` which nothing reads.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import BinaryIO, NoReturn

from pyml.errors import InputError, ResourceError

_EXHAUSTED = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def write_atomically(
    path: Path, content: bytes | Callable[[BinaryIO], None], *, mode: int = 0o644, exclusive: bool = False
) -> None:
    """Put ``content`` (bytes, or a function that writes them) at ``path``, replacing what was there in one step.

    Folders are made as needed. With ``exclusive`` an existing file is kept and ``FileExistsError`` raised.
    ``ResourceError`` when the disk or quota is full, ``InputError`` when the place cannot be written at all; whatever
    else ``content`` raises passes through.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:64]}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise_write_error(path, error)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            if callable(content):
                content(stream)
            else:
                stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if exclusive:
            os.link(temporary, path)  # unlike a rename, fails where the name is taken
            temporary.unlink()
        else:
            temporary.replace(path)
        fsync_folder(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not (exclusive and isinstance(error, FileExistsError)):
            raise_write_error(path, error)
        raise


def files_in(folder: Path, suffixes: Collection[str], *, what: str) -> list[Path]:
    """Files right in a folder with one of the suffixes (lower case, any case in the names), sorted by name.

    ``InputError`` where the folder cannot be read or has none; ``what`` says what they are, for people.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from error
    if not found:
        raise InputError(f"{folder} has no {what}", expected=", ".join(sorted(suffixes)))
    return found


def read_bounded(path: Path, limit: int) -> bytes:
    """All of a file that came from outside: ``ValueError`` beyond ``limit`` bytes, ``OSError`` if it cannot be read.

    What is read is counted, not what the file system says: a pipe may be handed in, and a device has no end.
    """
    with path.open("rb") as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} bytes")
    return content


def fsync_folder(folder: Path) -> None:
    """Make a created, renamed or removed entry of ``folder`` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def raise_write_error(path: Path, error: OSError) -> NoReturn:
    """Raise the ``PymlError`` for a failed write: ``ResourceError`` if space ran out, else ``InputError``."""
    if error.errno in _EXHAUSTED:
        raise ResourceError(
            f"no room to write {path}: {error.strerror}", hint="Free disk space or raise the quota, then run it again."
        ) from error
    raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
