"""The public file that turns a similar picture and a password back into a key: versioned, canonical, with a digest.

JSON with sorted keys, no spaces, one line; ``sha256`` covers everything else, so accidental damage is told apart from a
wrong picture and the file can be named on chain (``HelperRegistry.sol``). Against somebody who recomputes it, the
associated data of ``sealed`` is the whole file: a changed one opens to nothing, never to another key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from pyml.crypto.password import ScryptCost
from pyml.errors import InputError, IntegrityError
from pyml.files import read_bounded, write_atomically
from pyml.keys.fuzzy_commitment import BchCode
from pyml.keys.mask import mask_count

FORMAT = "pyml.keys.helper.v1"
MAX_IMAGES = 16
MAX_DIMENSIONS = 4096
SHARE_BYTES = 16
SALT_BYTES, NONCE_BYTES, SEALED_BYTES = 32, 12, 32 + 16
_MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class EnrolledImage:
    """What is published of one picture, all of it hidden by the password: a mask's place, a sketch, a share."""

    mask: bytes
    sketch: bytes
    share: bytes


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper file's content."""

    embedder: str
    """Name of the embedder, for people."""
    embedder_digest: bytes
    """SHA-256 over everything that its bits depend on."""
    dimensions: int
    code: BchCode
    cost: ScryptCost
    salt: bytes
    threshold: int
    """Pictures needed."""
    images: tuple[EnrolledImage, ...]
    nonce: bytes
    sealed: bytes
    """The wallet's entropy and its tag (AES-256-GCM)."""

    def __post_init__(self) -> None:
        lengths = (self.embedder_digest, 32), (self.salt, SALT_BYTES), (self.nonce, NONCE_BYTES)
        masks = mask_count(self.dimensions, self.code.n) if self.code.n <= self.dimensions <= MAX_DIMENSIONS else 1
        word_bytes = -(-self.code.n // 8)
        if (
            not 0 < len(self.embedder) <= 80
            or not self.embedder.isprintable()
            or not self.code.n <= self.dimensions <= MAX_DIMENSIONS
            or not 1 <= self.threshold <= len(self.images) <= MAX_IMAGES
            or any(len(value) != size for value, size in lengths)
            or len(self.sealed) != SEALED_BYTES
            or any(
                (len(image.mask), len(image.sketch), len(image.share)) != (number_bytes(masks), word_bytes, SHARE_BYTES)
                or int.from_bytes(image.mask, "big") >= masks
                for image in self.images
            )
        ):
            raise InputError("the helper's parts do not fit together", hint="Enrol again.")

    def context(self) -> bytes:
        """All but what is sealed: its associated data."""
        return _canonical({name: value for name, value in self._fields().items() if name != "sealed"})

    def digest(self) -> bytes:
        """SHA-256 of the content, as ``HelperRegistry`` records it."""
        return sha256(_canonical(self._fields())).digest()

    def to_json(self) -> bytes:
        return _canonical(self._fields() | {"sha256": self.digest().hex()}) + b"\n"

    def _fields(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "embedder": self.embedder,
            "embedder_sha256": self.embedder_digest.hex(),
            "dimensions": self.dimensions,
            "bch": {"n": self.code.n, "k": self.code.k},
            "scrypt": {"n": self.cost.n, "r": self.cost.r, "p": self.cost.p, "salt": self.salt.hex()},
            "threshold": self.threshold,
            "images": [
                {"mask": each.mask.hex(), "sketch": each.sketch.hex(), "share": each.share.hex()}
                for each in self.images
            ],
            "nonce": self.nonce.hex(),
            "sealed": self.sealed.hex(),
        }


def number_bytes(limit: int) -> int:
    """Bytes that hold every number below a limit."""
    return -(-(limit - 1).bit_length() // 8)


def write_helper(path: Path, helper: Helper) -> None:
    """Write a new file; an existing one is kept and refused."""
    try:
        write_atomically(path, helper.to_json(), exclusive=True)
    except FileExistsError as error:
        raise InputError(
            f"{path} exists already", hint="Name another file; keep the old one until it is empty."
        ) from error


def read_helper(path: Path) -> Helper:
    """The helper in a file; ``InputError`` where it is none, ``IntegrityError`` where its digest is wrong."""
    try:
        content = read_bounded(path, _MAX_BYTES)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    return parse_helper(content, str(path))


def parse_helper(content: bytes, origin: str = "helper") -> Helper:
    """As ``read_helper``, from bytes."""
    try:
        parsed: object = json.loads(content.decode("ascii"))
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise InputError(f"{origin} is not a helper file", expected=FORMAT)
    fields = cast("dict[str, Any]", parsed)
    if fields.get("format") != FORMAT:
        raise InputError(f"{origin} is of another version", expected=FORMAT, got=ascii(fields.get("format"))[:40])
    try:
        helper, stated = _helper(fields), fields["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{origin} is not a complete helper file") from error
    if stated != helper.digest().hex() or helper.to_json() != content:
        raise IntegrityError(f"{origin} has been damaged or altered", hint="Fetch the file again, or enrol anew.")
    return helper


def _helper(fields: dict[str, Any]) -> Helper:
    scrypt = fields["scrypt"]
    return Helper(
        embedder=_text(fields["embedder"]),
        embedder_digest=bytes.fromhex(fields["embedder_sha256"]),
        dimensions=_integer(fields["dimensions"]),
        code=BchCode(_integer(fields["bch"]["n"]), _integer(fields["bch"]["k"])),
        cost=ScryptCost(_integer(scrypt["n"]), _integer(scrypt["r"]), _integer(scrypt["p"])),
        salt=bytes.fromhex(scrypt["salt"]),
        threshold=_integer(fields["threshold"]),
        images=tuple(
            EnrolledImage(*(bytes.fromhex(each[name]) for name in ("mask", "sketch", "share")))
            for each in fields["images"]
        ),
        nonce=bytes.fromhex(fields["nonce"]),
        sealed=bytes.fromhex(fields["sealed"]),
    )


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
