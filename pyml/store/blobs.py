"""Bytes stored under their SHA-256, in a local folder or in anything else that fsspec reaches by URL.

The chain holds digests and this store holds the bytes, so nothing here is trusted: every read is hashed again and
refused with ``IntegrityError`` if it differs. Names are built from validated digests only, never from outside text.
A blob appears whole or not at all (temporary name, then rename), and storing one that is present but damaged mends it.
"""

# fsspec has no type stubs.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import errno
import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NewType

import fsspec
from fsspec.implementations.local import LocalFileSystem

from pyml.errors import InputError, IntegrityError, ResourceError, ToolMissingError
from pyml.files import raise_write_error, write_atomically
from pyml.store.hints import HintStore

BlobDigest = NewType("BlobDigest", str)
"""SHA-256 as 64 lower-case hexadecimal digits; made by ``require_blob_digest`` or by storing."""

DEFAULT_GET_LIMIT = 256 * 2**20
DEFAULT_FETCH_LIMIT = 64 * 2**30
_CHUNK = 1 << 20
_HEX = frozenset("0123456789abcdef")


def require_blob_digest(text: str | bytes) -> BlobDigest:
    """A digest from outside: 32 bytes, or 64 lower-case hexadecimal digits with or without ``0x``."""
    shown = text.hex() if isinstance(text, bytes) else text.removeprefix("0x")
    if len(shown) != 64 or not _HEX.issuperset(shown):
        raise InputError("not a blob digest", expected="64 lower-case hexadecimal digits", got=ascii(text)[:80])
    return BlobDigest(shown)


def digest_of(content: bytes) -> BlobDigest:
    """The digest under which ``content`` is stored."""
    return BlobDigest(hashlib.sha256(content).hexdigest())


class BlobStore:
    """A content-addressed store at an fsspec URL: ``file:///…``, ``memory://…``, ``s3://bucket/…``, or a plain path."""

    def __init__(self, url: str) -> None:
        try:
            filesystem, root = fsspec.url_to_fs(url)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        except ImportError as error:
            raise ToolMissingError(
                f"the blob store's protocol needs a package: {error}", hint="Install it, or use a file:// URL."
            ) from error
        except ValueError as error:
            raise InputError(f"the blob store's URL is not usable: {error}", got=_scheme(url)) from error
        self._filesystem: Any = filesystem
        self._root = str(root).rstrip("/")  # pyright: ignore[reportUnknownArgumentType]

    def __repr__(self) -> str:  # a URL may carry credentials
        return f"BlobStore({type(self._filesystem).__name__})"

    @property
    def hints(self) -> HintStore:
        """A place beside the blobs for answers that prove themselves."""
        return HintStore(self._filesystem, f"{self._root}/hints")

    def put(self, content: bytes) -> BlobDigest:
        """Store ``content``; storing the same bytes again changes nothing."""
        digest = digest_of(content)
        self._store(digest, lambda target: target.write(content), len(content))
        return digest

    def put_file(self, path: Path) -> BlobDigest:
        """Store a file without holding it in memory; refuses one that changes meanwhile."""
        try:
            with path.open("rb") as source:
                return self._put_seekable(source, str(path))
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist") from error
        except (IsADirectoryError, PermissionError) as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error

    def put_stream(self, source: BinaryIO) -> BlobDigest:
        """Store what ``source`` yields until its end; it is spooled to disk to learn the digest first."""
        with tempfile.TemporaryFile() as spool:
            try:
                shutil.copyfileobj(source, spool, _CHUNK)
                spool.flush()
            except OSError as error:
                raise_write_error(Path(tempfile.gettempdir()), error)
            return self._put_seekable(spool, "stream")

    def get(self, digest: str | bytes, *, max_bytes: int = DEFAULT_GET_LIMIT) -> bytes:
        """The blob's bytes, verified; ``InputError`` if absent or larger than ``max_bytes``."""
        chunks: list[bytes] = []
        self._read(require_blob_digest(digest), chunks.append, max_bytes)
        return b"".join(chunks)

    def fetch(self, digest: str | bytes, target: Path, *, max_bytes: int = DEFAULT_FETCH_LIMIT) -> None:
        """Write the verified blob to ``target`` in one step, without holding it in memory."""
        wanted = require_blob_digest(digest)

        def copy(stream: BinaryIO) -> None:
            self._read(wanted, stream.write, max_bytes)

        write_atomically(target, copy)

    def has(self, digest: str | bytes) -> bool:
        """Whether a blob of this name is present (its content is verified when read)."""
        return bool(self._filesystem.exists(self._path(require_blob_digest(digest))))

    def remove(self, digest: str | bytes) -> None:
        """Forget a blob; absent ones are no error."""
        path = self._path(require_blob_digest(digest))
        if self._filesystem.exists(path):
            self._filesystem.rm_file(path)

    def digests(self) -> Iterator[BlobDigest]:
        """Every blob present, in order; temporary and foreign files are passed over."""
        if not self._filesystem.exists(self._root or "/"):
            return
        for found in sorted(str(name) for name in self._filesystem.find(self._root)):
            folder, _, rest = found[len(self._root) :].strip("/").partition("/")
            name = folder + rest
            if len(folder) == 2 and len(name) == 64 and _HEX.issuperset(name):
                yield BlobDigest(name)

    def _path(self, digest: BlobDigest) -> str:
        return f"{self._root}/{digest[:2]}/{digest[2:]}"

    def _put_seekable(self, source: BinaryIO, name: str) -> BlobDigest:
        source.seek(0)
        whole = hashlib.sha256()
        while chunk := source.read(_CHUNK):
            whole.update(chunk)
        digest, size = BlobDigest(whole.hexdigest()), source.tell()

        def copy(target: BinaryIO) -> None:
            source.seek(0)
            state = hashlib.sha256()
            while chunk := source.read(_CHUNK):
                state.update(chunk)
                target.write(chunk)
            if state.hexdigest() != digest:
                raise IntegrityError(
                    f"{name} changed while it was being stored", expected=digest, got=state.hexdigest()
                )

        self._store(digest, copy, size)
        return digest

    def _store(self, digest: BlobDigest, write: Callable[[BinaryIO], object], size: int) -> None:
        if self._is_intact(digest, size):
            return
        path = self._path(digest)
        if isinstance(self._filesystem, LocalFileSystem):
            write_atomically(Path(path), lambda stream: _discard(write(stream)))
            return
        temporary = f"{self._root}/.{digest[:16]}.{secrets.token_hex(8)}.tmp"
        try:
            self._filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            with self._filesystem.open(temporary, "wb") as stream:
                write(stream)
            self._filesystem.mv(temporary, path)
        except BaseException as error:
            # Some stores commit what was written when a file closes, also after a failure.
            if self._filesystem.exists(temporary):
                self._filesystem.rm_file(temporary)
            if isinstance(error, OSError):
                raise_write_error(Path(path), error)
            raise

    def _is_intact(self, digest: BlobDigest, size: int) -> bool:
        if not self.has(digest):
            return False
        try:
            self._read(digest, _discard, size)
        except (IntegrityError, InputError):
            return False
        return True

    def _read(self, digest: BlobDigest, take: Callable[[bytes], object], max_bytes: int) -> None:
        state, size = hashlib.sha256(), 0
        for chunk in self._chunks(digest):
            size += len(chunk)
            if size > max_bytes:
                raise InputError(f"blob {digest} is larger than allowed", expected=f"at most {max_bytes} bytes")
            state.update(chunk)
            take(chunk)
        if state.hexdigest() != digest:
            raise IntegrityError(
                f"blob {digest} is damaged", expected=f"sha256 {digest}", got=state.hexdigest(), hint="Store it again."
            )

    def _chunks(self, digest: BlobDigest) -> Iterator[bytes]:
        try:
            with self._filesystem.open(self._path(digest), "rb") as stream:
                while chunk := stream.read(_CHUNK):
                    yield chunk
        except FileNotFoundError as error:
            raise InputError(f"blob {digest} is not in the store", hint="Store it, or name another store.") from error
        except OSError as error:
            if error.errno == errno.EIO:
                raise ResourceError(f"blob {digest} cannot be read: {error.strerror}") from error
            raise InputError(f"blob {digest} cannot be read: {error.strerror or error}") from error


def _discard(_: object) -> None:
    return None


def _scheme(url: str) -> str:
    return url.split("://", 1)[0] + "://…" if "://" in url else "a path"
