"""Secrets at rest: one file each, encrypted with AES-256-GCM under a key that scrypt derives from a password.

File layout, version 1: one line of canonical JSON, then ciphertext and tag.

    {"cipher":"aes-256-gcm","format":"pyml.keystore.v1","kdf":"scrypt","label":…,"n":…,"nonce":…,"p":…,"r":…,"salt":…}

The header line, exactly as stored, is the cipher's associated data, so that no field can be altered; ``label`` says
what the secret is for and must be named again to open it, so that files cannot be swapped. Salt and nonce are fresh
for each write, and the password is hashed under a prefix before scrypt sees it. Ethereum accounts keep their own
format (``eth-account``); this one is for every other secret.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pyml.crypto.password import ScryptCost, stretch
from pyml.errors import InputError, KeystoreError
from pyml.files import write_atomically

_FORMAT = "pyml.keystore.v1"
_FIELDS = {"cipher", "format", "kdf", "label", "n", "nonce", "p", "r", "salt"}
_FINGERPRINT_KEY = secrets.token_bytes(32)
_HEADER_LIMIT = 4096
_TAG_BYTES = 16

SECRET_LIMIT = 16 * 2**20
"""Largest secret in bytes."""
SCRYPT_N = 2**17
"""Default cost: 128 MiB and about half a second."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Bytes that must not be shown; prints as a fingerprint that is meaningful within one process only."""

    reveal: bytes

    def __repr__(self) -> str:
        mark = blake2b(self.reveal, digest_size=4, key=_FINGERPRINT_KEY).hexdigest()
        return f"Secret({len(self.reveal)} bytes, #{mark})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(self.reveal, other.reveal)

    def __hash__(self) -> int:
        return hash(blake2b(self.reveal, key=_FINGERPRINT_KEY).digest())

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Secret is not pickled: pass its keystore file instead")


def save_secret(
    path: Path,
    secret: Secret,
    password: Secret,
    *,
    label: str,
    overwrite: bool = False,
    scrypt_n: int = SCRYPT_N,
) -> None:
    """Encrypt ``secret`` to ``path`` (mode 0600, in one step); an existing file is kept unless ``overwrite``."""
    if len(secret.reveal) > SECRET_LIMIT:
        raise KeystoreError("the secret is too long", expected=f"at most {SECRET_LIMIT} bytes", got=len(secret.reveal))
    _require_label(label)
    header: dict[str, Any] = {
        "cipher": "aes-256-gcm",
        "format": _FORMAT,
        "kdf": "scrypt",
        "label": label,
        "n": scrypt_n,
        "nonce": secrets.token_hex(12),
        "p": 1,
        "r": 8,
        "salt": secrets.token_hex(32),
    }
    _require_cost(path, header)
    line = _canonical(header)
    sealed = AESGCM(_derive(password, header)).encrypt(bytes.fromhex(header["nonce"]), secret.reveal, line)
    try:
        write_atomically(path, line + b"\n" + sealed, mode=0o600, exclusive=not overwrite)
    except FileExistsError as error:
        raise KeystoreError(f"{path} already exists", hint="Name another file, or overwrite it on purpose.") from error


def load_secret(path: Path, password: Secret, *, label: str) -> Secret:
    """Decrypt ``path``; raises ``KeystoreError`` on a wrong password, label, tampering or loose permissions."""
    content = _read(path)
    line, newline, sealed = content.partition(b"\n")
    header = _parse_header(path, line) if newline else None
    if header is None or len(sealed) < _TAG_BYTES:
        raise KeystoreError(f"{path} is not a complete pyml keystore file")
    if header["label"] != label:
        raise KeystoreError(f"{path} holds another kind of secret", expected=label, got=header["label"])
    try:
        plain = AESGCM(_derive(password, header)).decrypt(bytes.fromhex(header["nonce"]), sealed, line)
    except InvalidTag:
        raise KeystoreError(f"{path} does not open: wrong password, or the file has been altered") from None
    return Secret(plain)


def change_password(path: Path, old: Secret, new: Secret, *, label: str, scrypt_n: int = SCRYPT_N) -> None:
    """Re-encrypt ``path`` under ``new``; the file opens with one of the two passwords at every moment."""
    save_secret(path, load_secret(path, old, label=label), new, label=label, overwrite=True, scrypt_n=scrypt_n)


def _read(path: Path) -> bytes:
    limit = _HEADER_LIMIT + 1 + SECRET_LIMIT + _TAG_BYTES
    try:
        mode = path.stat().st_mode
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except FileNotFoundError as error:
        raise KeystoreError(f"{path} does not exist") from error
    except OSError as error:
        raise KeystoreError(f"{path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise KeystoreError(
            f"{path} is open to other users", expected="mode 600", got=f"{mode & 0o777:o}", hint=f"chmod 600 {path}"
        )
    if len(content) > limit:
        raise KeystoreError(f"{path} is too long for a keystore file", expected=f"at most {limit} bytes")
    return content


def _parse_header(path: Path, line: bytes) -> dict[str, Any]:
    try:
        parsed: object = json.loads(line.decode("ascii")) if len(line) <= _HEADER_LIMIT else None
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise KeystoreError(f"{path} is not a pyml keystore file")
    header = cast("dict[str, Any]", parsed)
    if header.get("format") != _FORMAT:
        raise KeystoreError(f"{path} is of another version", expected=_FORMAT, got=ascii(header.get("format"))[:40])
    lengths = {"salt": 64, "nonce": 24}
    if (
        set(header) != _FIELDS
        or header["cipher"] != "aes-256-gcm"
        or header["kdf"] != "scrypt"
        or not isinstance(header["label"], str)
        or not all(type(header[name]) is int for name in "nrp")
        or not all(_is_hex(header[name], size) for name, size in lengths.items())
        or _canonical(header) != line
    ):
        raise KeystoreError(f"{path} has a malformed header")
    _require_cost(path, header)
    return header


def _require_cost(path: Path, header: dict[str, Any]) -> ScryptCost:
    """Bounds on scrypt's cost: a hostile file must not ask for all memory, nor a caller for next to no work."""
    try:
        return ScryptCost(header["n"], header["r"], header["p"])
    except InputError as error:
        raise KeystoreError(f"{path} has scrypt costs out of range", expected=error.expected, got=error.got) from error


def _require_label(label: str) -> None:
    if not label or len(label) > 200 or not label.isascii() or not label.isprintable():
        raise KeystoreError("the label is not usable", expected="1 to 200 printable ASCII characters")


def _derive(password: Secret, header: dict[str, Any]) -> bytes:
    cost = ScryptCost(header["n"], header["r"], header["p"])
    return stretch(password.reveal, purpose=_FORMAT.encode(), salt=bytes.fromhex(header["salt"]), cost=cost)


def _canonical(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _is_hex(value: object, length: int) -> bool:
    return isinstance(value, str) and len(value) == length and set(value) <= set("0123456789abcdef")
