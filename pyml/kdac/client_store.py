"""What a client keeps: one keystore file for its keys, one SQLite file of sealed records, one lock.

Source: specification, section 1; issue: "encrypted local store (SQLite + keystore)". The keystore holds the private key
and a random key for the records; each record is AES-256-GCM under it with its kind and number authenticated, so that
none can be altered or take another's place. SQLite sees kinds, numbers and lengths. A record that does not open is an
``IntegrityError``; nothing is ever repaired by guessing. A store that was put back whole, from an older copy, opens:
its friends' addresses have then been used, and relays hold nothing for them.

Anybody may add to the queue; only who has the lock changes anything else, because a friendship's state must not fork.
"""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_bytes
from typing import BinaryIO, Final, cast

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pyml.crypto.secp256k1 import SECRET_BYTES, SigningKey
from pyml.errors import InputError, IntegrityError, KeystoreError, ResourceError
from pyml.store.keystore import SCRYPT_N, Secret, load_secret, save_secret

_LABEL: Final = "kdac.identity.v1"
_KEY_FILE: Final = "identity.keystore"
_BASE_FILE: Final = "records.sqlite"
_LOCK_FILE: Final = "lock"
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, sealed BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_kind ON records (kind, number);
"""
_NONCE_BYTES: Final = 12


class ClientStore:
    """An open store. Close it, or use it as a context manager through ``opened``."""

    def __init__(self, folder: Path, secret: Secret) -> None:
        content = secret.reveal
        if len(content) != 2 * SECRET_BYTES:
            raise KeystoreError(f"{folder / _KEY_FILE} holds no kdac identity")
        self.key = SigningKey.from_secret(content[:SECRET_BYTES])
        self._cipher = AESGCM(content[SECRET_BYTES:])
        self._folder = folder
        self._lock: BinaryIO | None = None
        self._base = sqlite3.connect(folder / _BASE_FILE, isolation_level=None, timeout=30)
        self._base.text_factory = bytes  # a damaged record may call itself a text
        with self._guarded():
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.execute("PRAGMA secure_delete = ON")  # erased seeds are overwritten, in this file
            self._base.executescript(_SCHEMA)

    def __repr__(self) -> str:
        return "ClientStore()"

    def lock(self) -> bool:
        """Become the only one that changes friendships; ``False`` if another process is."""
        if self._lock is None:
            handle = (self._folder / _LOCK_FILE).open("ab", buffering=0)
            try:
                fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                return False
            self._lock = cast("BinaryIO", handle)
        return True

    def add(self, kind: str, fields: object) -> int:
        """A new record; its number."""
        with self.transaction():
            cursor = self._base.execute("INSERT INTO records (kind, sealed) VALUES (?, x'')", (kind,))
            number = int(cursor.lastrowid or 0)
            self._write(kind, number, fields)
        return number

    def put(self, kind: str, number: int, fields: object) -> None:
        """Replace a record."""
        with self.transaction():
            self._write(kind, number, fields)

    def remove(self, kind: str, number: int) -> None:
        """Erase a record."""
        with self._guarded():
            self._base.execute("DELETE FROM records WHERE kind = ? AND number = ?", (kind, number))

    def records(self, kind: str, *, last: int | None = None, after: int = 0) -> Iterator[tuple[int, object]]:
        """All records of a kind, oldest first; or the ``last`` so many."""
        query = "SELECT number, sealed FROM records WHERE kind = ? AND number > ? ORDER BY number DESC LIMIT ?"
        with self._guarded():
            rows = self._base.execute(query, (kind, after, -1 if last is None else last)).fetchall()
        for number, sealed in reversed(rows):
            yield number, self._open(kind, number, sealed)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Everything inside is written, or nothing; may be nested."""
        if self._base.in_transaction:
            yield
            return
        with self._guarded():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Give the files back."""
        self._base.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _write(self, kind: str, number: int, fields: object) -> None:
        nonce = token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, cbor2.dumps(fields), _place(kind, number))
        self._base.execute("UPDATE records SET sealed = ? WHERE number = ? AND kind = ?", (sealed, number, kind))

    def _open(self, kind: str, number: int, sealed: bytes) -> object:
        try:
            if not isinstance(sealed, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] SQLite keeps anything
                raise ValueError("not bytes")
            nonce = sealed[:_NONCE_BYTES]
            return cast("object", cbor2.loads(self._cipher.decrypt(nonce, sealed[_NONCE_BYTES:], _place(kind, number))))
        except (InvalidTag, ValueError, cbor2.CBORError):
            raise IntegrityError(
                f"record {number} of {self._folder / _BASE_FILE} has been altered",
                hint="Restore the folder from a copy, or make a new identity.",
            ) from None

    @contextmanager
    def _guarded(self) -> Generator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ResourceError(f"{self._folder / _BASE_FILE} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            hint = "Restore the folder from a copy, or make a new identity."
            raise IntegrityError(f"{self._folder / _BASE_FILE} is damaged: {error}", hint=hint) from error


def create_store(folder: Path, password: Secret, *, scrypt_n: int = SCRYPT_N) -> bytes:
    """A new identity in a folder that has none; its public key."""
    key = SigningKey.random()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(f"{folder} cannot be made: {error.strerror}") from error
    secret = Secret(key.reveal + token_bytes(SECRET_BYTES))
    save_secret(folder / _KEY_FILE, secret, password, label=_LABEL, scrypt_n=scrypt_n)
    (folder / _BASE_FILE).touch(mode=0o600)
    return key.public


@contextmanager
def opened_store(folder: Path, password: Secret) -> Generator[ClientStore]:
    """The store in a folder."""
    if not (folder / _KEY_FILE).exists():
        raise KeystoreError(f"{folder} has no kdac identity", hint="pyml kdac init makes one.")
    store = ClientStore(folder, load_secret(folder / _KEY_FILE, password, label=_LABEL))
    try:
        yield store
    finally:
        store.close()


def _place(kind: str, number: int) -> bytes:
    return f"kdac.record.v1 {kind} {number}".encode()
