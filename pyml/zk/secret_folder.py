"""A folder for witness files: readable by this user only, in memory where there is room, gone at the end.

A killed process cannot tidy up. It held a lock on its folder, which the kernel let go of; whoever makes the next folder
removes those of the same user that nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  # a memory file system: secrets never reach a disk
_PREFIX = "pyml-witness-"


@contextmanager
def secret_folder(size: int) -> Generator[Path]:
    """A folder with room for ``size`` bytes."""
    roomy = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * size
    parent = _MEMORY if roomy else Path(tempfile.gettempdir())
    for place in {_MEMORY, parent}:
        _remove_abandoned(place)
    folder, handle = _make_locked(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _make_locked(parent: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(FileNotFoundError):  # another process took it for abandoned before it was locked
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or held by a living process
            if folder.stat(follow_symlinks=False).st_uid != os.getuid():
                continue
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)
