"""A published file of weights, known by its digest: from a folder, or downloaded into it whole and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.request import urlopen

from pyml.errors import ModelError
from pyml.files import write_atomically

Progress: TypeAlias = Callable[[str, float], None]

_CHUNK = 1 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """Where a file is published, its exact size in bytes, and its SHA-256 (hex)."""

    name: str
    url: str
    size: int
    sha256: str


def fetch_pinned(file: PinnedFile, folder: Path, *, progress: Progress | None = None) -> Path:
    """The file in ``folder``, which is filled where it is missing.

    Raises ``ModelError`` where it cannot be downloaded, or where its bytes, there or here, are not the published ones.
    """
    path = folder / file.name
    if path.exists():
        _require_digest(path, file)
    else:
        write_atomically(path, lambda stream: _download(file, stream, progress))
    return path


def _download(file: PinnedFile, stream: BinaryIO, progress: Progress | None) -> None:
    digest, done = hashlib.sha256(), 0
    for chunk in _chunks(file.url):
        done += len(chunk)
        if done > file.size:
            raise ModelError(f"{file.url} sends more than was published", expected=f"{file.size} bytes")
        digest.update(chunk)
        stream.write(chunk)
        if progress is not None:
            progress(f"downloading {file.name}", done / file.size)
    _require_equal(digest.hexdigest(), file, origin=file.url)


def _chunks(url: str) -> Iterator[bytes]:
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - a URL of this package, checked by digest
            while chunk := answer.read(_CHUNK):
                yield chunk
    except (OSError, HTTPException, ValueError) as error:
        raise ModelError(
            f"{url} could not be downloaded: {error}",
            hint="Check the network, or fetch the file by other means and name it instead.",
        ) from error


def _require_digest(path: Path, file: PinnedFile) -> None:
    try:
        with path.open("rb") as stream:
            got = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}") from error
    _require_equal(got, file, origin=str(path))


def _require_equal(got: str, file: PinnedFile, *, origin: str) -> None:
    if got != file.sha256:
        raise ModelError(
            f"{origin} is not the published file",
            expected=f"sha256 {file.sha256}",
            got=got,
            hint="It is damaged or has been changed: fetch it again.",
        )
