"""Frames between client and relay: one WebSocket message each.

Source: paper, section III-E.1 (heartbeat, request connection and session messages); specification, section 2.

    client → relay     connect  heartbeat  session  ack  ping
    relay → client     welcome  session  ack  error  pong

A session frame is the message itself (``message.py``): binary in CBOR, text in JSON. All other frames are CBOR maps
with ``v``, ``type`` and their own fields, in binary. An ``ack`` from a relay says that a message is ordered for good;
from a client, that it has been stored and may be forgotten. Whatever does not decode is an ``InputError``.

A heartbeat announces derived keys: a tag, its slot and a signature by k_t of (relay, challenge of this connection, tag,
slot), from which the relay recovers K_t. So nobody announces a key that is not theirs, here or at another relay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import cbor2

from pyml.crypto.scalars import is_compressed, multiply_point
from pyml.crypto.secp256k1 import RECOVERABLE_BYTES, SECRET_BYTES, SigningKey, is_secret, recover
from pyml.errors import InputError
from pyml.kdac.derivation import MAX_SLOT, MIN_SLOT, TAG_BYTES, tag_of
from pyml.kdac.message import VERSION, Message, decode_cbor, decode_json, is_cbor

MAX_FRAME_BYTES: Final = 64 * 1024
MAX_ANNOUNCED: Final = 512
"""Keys in one heartbeat."""
MAX_DIGESTS: Final = 512
CHALLENGE_BYTES: Final = 32
DIGEST_BYTES: Final = 32
RESUME_BYTES: Final = 16
_MAX_TEXT: Final = 200
_ANNOUNCE: Final = b"KDAC/v1/announce"


class FrameError(InputError):
    """A frame from the other side is malformed: the connection ends."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A derived key that the client can receive at."""

    tag: bytes
    slot: int
    proof: bytes

    def is_valid(self, relay: bytes, challenge: bytes) -> bool:
        """Whether whoever made this has k_t."""
        try:
            return tag_of(recover(_announced_digest(relay, challenge, self.tag, self.slot), self.proof)) == self.tag
        except InputError:
            return False


@dataclass(frozen=True, slots=True)
class Exposed:
    """The paper's heartbeat: a long-term key and the hashed seed of a moment, for ``resolver = "paper"`` only."""

    public: bytes
    scalar: bytes

    @property
    def derived(self) -> bytes:
        """K_t; ``InputError`` if the key is no point."""
        return multiply_point(self.public, self.scalar)


@dataclass(frozen=True, slots=True)
class Connect:
    """Opens a connection; ``resume`` takes up an earlier one, with what it announced."""

    resume: bytes | None = None


@dataclass(frozen=True, slots=True)
class Welcome:
    """The relay's name and clock, what to sign in heartbeats, and how to resume."""

    relay: bytes
    challenge: bytes
    slot: int
    resume: bytes
    resumed: bool


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Keeps the connection alive and announces keys."""

    announced: tuple[Announced, ...] = ()
    exposed: tuple[Exposed, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A message, on its way to the relay or from it."""

    message: Message


@dataclass(frozen=True, slots=True)
class Ack:
    """Messages that are ordered, or stored, by digest; or, without any, a heartbeat that was taken."""

    digests: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An ``error`` frame: a code, a line for people, and the message that it is about."""

    code: str
    text: str
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    number: int


@dataclass(frozen=True, slots=True)
class Pong:
    number: int


Frame: TypeAlias = Connect | Welcome | Heartbeat | Session | Ack | Refusal | Ping | Pong


def announce(derived_private: bytes, tag: bytes, slot: int, *, relay: bytes, challenge: bytes) -> Announced:
    """Announce a derived key on this connection."""
    key = SigningKey.from_secret(derived_private)
    return Announced(tag, slot, key.sign_recoverable(_announced_digest(relay, challenge, tag, slot)))


def encode_frame(frame: Frame) -> bytes:
    """The frame in binary."""
    match frame:
        case Session(message):
            return message.cbor
        case Connect(resume):
            return _map("connect", {} if resume is None else {"resume": resume})
        case Welcome(relay, challenge, slot, resume, resumed):
            fields = {"relay": relay, "challenge": challenge, "slot": slot, "resume": resume, "resumed": resumed}
            return _map("welcome", fields)
        case Heartbeat(announced, exposed):
            rows = [[item.tag, item.slot, item.proof] for item in announced]
            paper = [[item.public, item.scalar] for item in exposed]
            return _map("heartbeat", {"keys": rows} | ({"paper": paper} if paper else {}))
        case Ack(digests):
            return _map("ack", {"digests": list(digests)})
        case Refusal(code, text, digest):
            return _map("error", {"code": code, "text": text} | ({} if digest is None else {"digest": digest}))
        case Ping(number):
            return _map("ping", {"n": number})
        case Pong(number):
            return _map("pong", {"n": number})


def decode_frame(content: bytes | str) -> Frame:
    """Untrusted content of one WebSocket message; ``FrameError`` if it is no frame."""
    if len(content) > MAX_FRAME_BYTES:
        raise FrameError("a frame is too long", expected=f"at most {MAX_FRAME_BYTES} bytes", got=len(content))
    try:
        if isinstance(content, str):
            return Session(decode_json(content.encode()))
        if is_cbor(content):
            return Session(decode_cbor(content))
    except InputError as error:
        raise FrameError(error.problem, expected=error.expected, got=error.got) from None
    except UnicodeEncodeError:
        raise FrameError("a text frame is not UTF-8") from None
    return _decode_map(content)


def _map(kind: str, fields: Mapping[str, Any]) -> bytes:
    return cbor2.dumps({"v": VERSION, "type": kind, **fields})


def _decode_map(content: bytes) -> Frame:
    try:
        parsed: object = cbor2.loads(content)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError, MemoryError):
        raise FrameError("a frame is malformed", expected="CBOR", got=f"{len(content)} bytes") from None
    if not isinstance(parsed, dict):
        raise FrameError("a frame is malformed", expected="a CBOR map")
    fields = cast("dict[object, object]", parsed)
    version, kind = fields.pop("v", None), fields.pop("type", None)
    if type(version) is not int or version != VERSION:
        raise FrameError("a frame is of another version", expected=VERSION, got=ascii(version)[:20])
    if not isinstance(kind, str) or kind not in _DECODERS:
        raise FrameError("a frame has an unknown type", expected=f"one of {sorted(_DECODERS)}", got=ascii(kind)[:20])
    known, decode = _DECODERS[kind]
    if not fields.keys() <= known:
        raise FrameError(f"a frame of type {kind} has unknown fields", expected=sorted(known))
    try:
        return decode(cast("dict[str, object]", fields))
    except (InputError, KeyError, ValueError, TypeError) as error:
        problem = error.problem if isinstance(error, InputError) else f"a frame of type {kind} is malformed"
        raise FrameError(problem) from None


def _connect(fields: dict[str, object]) -> Frame:
    return Connect(_bytes(fields["resume"], RESUME_BYTES) if "resume" in fields else None)


def _welcome(fields: dict[str, object]) -> Frame:
    resumed = fields["resumed"]
    if not isinstance(resumed, bool):
        raise ValueError("resumed")
    relay, challenge = _bytes(fields["relay"], 32), _bytes(fields["challenge"], CHALLENGE_BYTES)
    return Welcome(relay, challenge, _slot(fields["slot"]), _bytes(fields["resume"], RESUME_BYTES), resumed)


def _heartbeat(fields: dict[str, object]) -> Frame:
    announced = tuple(
        Announced(_bytes(tag, TAG_BYTES), _slot(slot), _bytes(proof, RECOVERABLE_BYTES))
        for tag, slot, proof in _rows(fields["keys"], MAX_ANNOUNCED)
    )
    return Heartbeat(announced, tuple(_exposed(*row) for row in _rows(fields.get("paper", []), MAX_ANNOUNCED)))


def _exposed(public: object, scalar: object) -> Exposed:
    if not isinstance(public, bytes) or not is_compressed(public):
        raise ValueError("public")
    if not is_secret(checked := _bytes(scalar, SECRET_BYTES)):
        raise ValueError("scalar")
    return Exposed(public, checked)


def _ack(fields: dict[str, object]) -> Frame:
    return Ack(tuple(_bytes(digest, DIGEST_BYTES) for digest in _rows(fields["digests"], MAX_DIGESTS)))


def _refusal(fields: dict[str, object]) -> Frame:
    code, text, digest = fields["code"], fields["text"], fields.get("digest")
    if not isinstance(code, str) or not isinstance(text, str) or max(len(code), len(text)) > _MAX_TEXT:
        raise ValueError("text")
    return Refusal(code, text, None if digest is None else _bytes(digest, DIGEST_BYTES))


def _number(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**64:
        raise ValueError("number")
    return value


def _slot(value: object) -> int:
    slot = _number(value)
    if not MIN_SLOT <= slot <= MAX_SLOT:
        raise InputError("a slot is out of range")
    return slot


def _bytes(value: object, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise ValueError("bytes")
    return value


def _rows(value: object, limit: int) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("list")
    rows = cast("list[Any]", value)
    if len(rows) > limit:
        raise InputError("a frame lists too many items")
    return rows


def _announced_digest(relay: bytes, challenge: bytes, tag: bytes, slot: int) -> bytes:
    return hashlib.sha256(_ANNOUNCE + relay + challenge + tag + slot.to_bytes(8, "big")).digest()


_DECODERS: Final[dict[str, tuple[frozenset[str], Callable[[dict[str, object]], Frame]]]] = {
    "connect": (frozenset({"resume"}), _connect),
    "welcome": (frozenset({"relay", "challenge", "slot", "resume", "resumed"}), _welcome),
    "heartbeat": (frozenset({"keys", "paper"}), _heartbeat),
    "ack": (frozenset({"digests"}), _ack),
    "error": (frozenset({"code", "text", "digest"}), _refusal),
    "ping": (frozenset({"n"}), lambda fields: Ping(_number(fields["n"]))),
    "pong": (frozenset({"n"}), lambda fields: Pong(_number(fields["n"]))),
}
