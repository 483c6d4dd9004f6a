"""Answers that prove themselves, left where others look for them: saved work, and never needed.

Beside the blobs, but found by what they answer and not by their digest. Nothing is trusted: whoever reads a hint checks
it and does the work itself if it is absent, damaged or false; so writing one never fails loudly. Names are 32 bytes and
a number, never outside text.
"""

# fsspec has no type stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from fsspec.implementations.local import LocalFileSystem

from pyml.errors import InputError, PymlError
from pyml.files import write_atomically

_TOPIC_BYTES: Final = 32


class HintStore:
    """Hints below a folder of an fsspec file system; ``BlobStore.hints`` gives those beside its blobs."""

    def __init__(self, filesystem: Any, root: str) -> None:
        self._filesystem = filesystem
        self._root = root

    def __repr__(self) -> str:  # a URL may carry credentials
        return f"HintStore({type(self._filesystem).__name__})"

    def put(self, topic: bytes, number: int, content: bytes) -> bool:
        """Leave a hint, in place of an older one; whether it could be left."""
        path = self._path(topic, number)
        try:
            if isinstance(self._filesystem, LocalFileSystem):
                write_atomically(Path(path), content)
            else:
                self._put_remote(path, content)
        except (OSError, PymlError):
            return False
        return True

    def get(self, topic: bytes, number: int, *, size: int) -> bytes | None:
        """A hint of exactly ``size`` bytes; ``None`` if there is none. Its content is for the caller to check."""
        try:
            with self._filesystem.open(self._path(topic, number), "rb") as stream:
                content: bytes = stream.read(size + 1)
        except OSError:
            return None
        return content if len(content) == size else None

    def _put_remote(self, path: str, content: bytes) -> None:
        temporary = f"{self._root}/.{secrets.token_hex(8)}.tmp"
        self._filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with self._filesystem.open(temporary, "wb") as stream:
            stream.write(content)
        self._filesystem.mv(temporary, path)

    def _path(self, topic: bytes, number: int) -> str:
        if len(topic) != _TOPIC_BYTES or number < 0:
            raise InputError("a hint has no such name", expected=f"{_TOPIC_BYTES} bytes and a number from 0")
        return f"{self._root}/{topic.hex()}/{number}"
