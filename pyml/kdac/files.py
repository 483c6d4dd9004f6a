"""Files: encrypted under a key of their own, stored by digest, and found through a message.

Source: paper, section III-D ("if it is a file it will be encrypted and uploaded to the file system to get the link");
specification, section 1.5. Pieces of 1 MiB, each AES-256-GCM with its number and whether it is the last in the nonce
(STREAM, Hoang et al., CRYPTO 2015): none can be left out, moved or added. The store sees ciphertext, and the file's
length rounded up to 64 KiB; the link, with the key, travels inside a message.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from secrets import token_bytes
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, BinaryIO, Final, cast

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pyml.errors import InputError, IntegrityError
from pyml.files import write_atomically
from pyml.store.blobs import BlobDigest, BlobStore, require_blob_digest

PIECE_BYTES: Final = 2**20
MAX_FILE_BYTES: Final = 2**32
_STEP: Final = 64 * 1024
_TAG_BYTES: Final = 16
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, repr=False)
class FileLink:
    """What a message of kind file carries; secret, because of the key."""

    digest: BlobDigest
    key: bytes
    size: int
    name: str

    def encode(self) -> bytes:
        return cbor2.dumps([bytes.fromhex(self.digest), self.key, self.size, self.name])


def decode_link(content: bytes) -> FileLink:
    """The body of a friend's message; ``IntegrityError`` if it is no link."""
    try:
        digest, key, size, name = cast("list[Any]", cbor2.loads(content))
        sound = isinstance(key, bytes) and len(key) == 32 and type(size) is int and 0 <= size <= MAX_FILE_BYTES
        if not sound or not isinstance(name, str) or not isinstance(digest, bytes):
            raise ValueError("fields")
        return FileLink(require_blob_digest(digest), key, size, safe_name(name))
    except (cbor2.CBORError, ValueError, TypeError, InputError, RecursionError, OverflowError):
        raise IntegrityError("a link to a file is malformed") from None


def safe_name(name: str) -> str:
    """The last part of a name from outside, fit for a folder of ours."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*/')[:_MAX_NAME]
    return kept.lstrip(".") or "file"


def store_file(path: Path, blobs: BlobStore) -> FileLink:
    """Encrypt a file piece by piece into the store."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise InputError("the file is too long", expected=f"at most {MAX_FILE_BYTES} bytes", got=size)
        key = token_bytes(32)
        with path.open("rb") as source, TemporaryFile() as sealed:
            size = sum(_seal(source, sealed, AESGCM(key)))
            sealed.seek(0)
            digest = blobs.put_stream(cast("BinaryIO", sealed))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return FileLink(digest, key, size, safe_name(path.name))


def fetch_file(link: FileLink, target: Path, blobs: BlobStore) -> None:
    """Decrypt a file out of the store; nothing is written unless all of it is right, and nothing is overwritten."""
    with TemporaryDirectory() as folder:
        sealed = Path(folder) / "sealed"
        blobs.fetch(link.digest, sealed, max_bytes=2 * MAX_FILE_BYTES)

        def write(stream: BinaryIO) -> None:
            with sealed.open("rb") as source:
                for piece in _opened(source, link):
                    stream.write(piece)

        try:
            write_atomically(target, write, mode=0o600, exclusive=True)
        except FileExistsError as error:
            raise InputError(f"{target} exists already", hint="Name another file or folder.") from error


def _seal(source: BinaryIO, target: BinaryIO, cipher: AESGCM) -> Iterator[int]:
    index, piece = 0, source.read(PIECE_BYTES)
    while True:
        following = source.read(PIECE_BYTES)
        target.write(cipher.encrypt(_nonce(index, last=not following), _filled(piece), None))
        yield len(piece)
        if not following:
            return
        index, piece = index + 1, following


def _opened(source: BinaryIO, link: FileLink) -> Iterator[bytes]:
    cipher, left, index = AESGCM(link.key), link.size, 0
    piece = source.read(PIECE_BYTES + _TAG_BYTES)
    while True:
        following = source.read(PIECE_BYTES + _TAG_BYTES)
        try:
            plain = cipher.decrypt(_nonce(index, last=not following), piece, None)
        except InvalidTag:
            raise IntegrityError("a file does not open: it is not the one that was sent") from None
        yield plain[: min(left, PIECE_BYTES)]
        left -= min(left, PIECE_BYTES)
        if not following:
            break
        index, piece = index + 1, following
    if left:
        raise IntegrityError("a file is shorter than its link says")


def _filled(piece: bytes) -> bytes:
    """A short piece up to the next 64 KiB."""
    return piece.ljust(max(-(-len(piece) // _STEP), 1) * _STEP, b"\0")


def _nonce(index: int, *, last: bool) -> bytes:
    return index.to_bytes(11, "big") + bytes((last,))
