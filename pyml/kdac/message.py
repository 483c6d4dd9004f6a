"""A session message as the network sees it, in JSON and in CBOR.

Source: paper, section III-D, "message transmission flow"; specification, section 1.5.

    {v: 1, type: "session", t: slot, K: K_Bt, m: nonce ‖ AES-256-GCM ciphertext ‖ tag}

The counter of t stays away: it would tell how much somebody writes, and the receiver finds the message by K. Both forms
are canonical: of two different byte strings at most one decodes to a message, so that a digest names it. In CBOR (RFC
8949, section 4.2.1) every field has a fixed length but m, which has one of four; a relay finds K by its place.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Final, cast

from pyml.crypto.scalars import is_compressed
from pyml.errors import InputError
from pyml.kdac.derivation import MAX_SLOT, MIN_SLOT
from pyml.kdac.padding import BUCKETS

VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = NONCE_BYTES + TAG_BYTES
SEALED_LENGTHS: Final = frozenset(bucket + OVERHEAD_BYTES for bucket in BUCKETS)
MAX_MESSAGE_BYTES: Final = 24 * 1024
"""Longest form: 16 KiB in base64 in JSON."""

_HEAD: Final = b"\xa5\x61K\x58\x21"  # map of five; "K": 33 bytes
_MIDDLE: Final = b"\x61m\x59"  # "m": bytes, whose length takes two bytes
_SLOT: Final = b"\x61t\x1a"  # "t": a number of four bytes
_TAIL: Final = b"\x61v\x01\x64type\x67session"
_AT_SEALED: Final = len(_HEAD) + 33 + len(_MIDDLE) + 2
_AFTER_SEALED: Final = len(_SLOT) + 4 + len(_TAIL)
_HEADER: Final = b"KDAC/v1/header"


@dataclass(frozen=True, slots=True)
class Message:
    """Slot, derived key of the receiver, sealed content."""

    slot: int
    derived: bytes
    sealed: bytes

    def __post_init__(self) -> None:
        if not MIN_SLOT <= self.slot <= MAX_SLOT:
            raise InputError("a message's slot is out of range", expected=f"{MIN_SLOT} to {MAX_SLOT}", got=self.slot)
        if not is_compressed(self.derived):
            raise InputError("a message's key is not a compressed point", got=f"{len(self.derived)} bytes")
        if len(self.sealed) not in SEALED_LENGTHS:
            expected = f"one of {sorted(SEALED_LENGTHS)} bytes"
            raise InputError("a message's content has a length that is none", expected=expected, got=len(self.sealed))

    @property
    def cbor(self) -> bytes:
        """The binary form."""
        return encode_cbor(self.slot, self.derived, self.sealed)

    @property
    def json(self) -> bytes:
        """The text form."""
        fields = {
            "K": self.derived.hex(),
            "m": base64.b64encode(self.sealed).decode("ascii"),
            "t": self.slot,
            "type": "session",
            "v": VERSION,
        }
        return json.dumps(fields, separators=(",", ":")).encode("ascii")

    @property
    def digest(self) -> bytes:
        """Names the message, whichever form it has."""
        return hashlib.sha256(self.cbor).digest()


def header(slot: int, derived: bytes) -> bytes:
    """What the cipher authenticates beside the content: the same for both forms."""
    return _HEADER + bytes((VERSION,)) + slot.to_bytes(8, "big") + derived


def encode_cbor(slot: int, derived: bytes, sealed: bytes) -> bytes:
    """The binary form of parts that are known to be valid."""
    length = len(sealed).to_bytes(2, "big")
    return b"".join((_HEAD, derived, _MIDDLE, length, sealed, _SLOT, slot.to_bytes(4, "big"), _TAIL))


def is_cbor(content: bytes) -> bool:
    """Whether bytes begin as a binary session message does."""
    return content.startswith(_HEAD)


def decode_cbor(content: bytes) -> Message:
    """Untrusted bytes; ``InputError`` for anything that ``Message.cbor`` does not give."""
    slot, derived = peek_cbor(content)
    return Message(slot, derived, content[_AT_SEALED:-_AFTER_SEALED])


def peek_cbor(content: bytes) -> tuple[int, bytes]:
    """Slot and key of untrusted bytes that have the form of a message: what a relay needs, without a copy of m."""
    end = len(content) - _AFTER_SEALED
    if (
        content[:5] != _HEAD
        or content[38:41] != _MIDDLE
        or content[41:43] != (end - _AT_SEALED & 0xFFFF).to_bytes(2, "big")
        or end - _AT_SEALED not in SEALED_LENGTHS
        or content[end : end + 3] != _SLOT
        or content[end + 7 :] != _TAIL
        or content[5] not in {2, 3}
    ):
        raise InputError("a session message is malformed", expected="canonical CBOR, version 1", got=_shown(content))
    slot = int.from_bytes(content[end + 3 : end + 7], "big")
    if slot < MIN_SLOT:
        raise InputError("a message's slot is out of range", expected=f"{MIN_SLOT} to {MAX_SLOT}", got=slot)
    return slot, content[5:38]


def decode_json(content: bytes) -> Message:
    """Untrusted bytes; ``InputError`` for anything that ``Message.json`` does not give."""
    if len(content) > MAX_MESSAGE_BYTES:
        expected = f"at most {MAX_MESSAGE_BYTES} bytes"
        raise InputError("a session message is too long", expected=expected, got=len(content))
    try:
        parsed: object = json.loads(content)
        if not isinstance(parsed, dict):
            raise ValueError("not an object")
        fields = cast("dict[str, object]", parsed)
        version, slot, key, sealed = fields["v"], fields["t"], fields["K"], fields["m"]
        if type(version) is not int or version != VERSION:
            raise InputError("a session message is of another version", expected=VERSION, got=ascii(version)[:20])
        if type(slot) is not int or not isinstance(key, str) or not isinstance(sealed, str):
            raise ValueError("a field has the wrong type")
        message = Message(slot, bytes.fromhex(key), base64.b64decode(sealed, validate=True))
    except (ValueError, KeyError, RecursionError):
        raise InputError("a session message is malformed", expected="JSON, version 1", got=_shown(content)) from None
    if message.json != content:
        raise InputError("a session message is not in its one form", expected="sorted keys, no spaces, lower case")
    return message


def _shown(content: bytes) -> str:
    return f"{len(content)} bytes"
