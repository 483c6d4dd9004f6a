"""What is inside a message: text or the link to a file, its number, and what the ratchet and a signature need.

Source: specification, sections 1.5 and 1.6: ``{type: text|file, seq, body, signature?}``, in deterministic CBOR, with
``offer`` and ``ready`` for the ratchet (``ratchet.py``), and ``got``, ``floor`` and ``past`` so that nothing is lost
when it moves (``places.py``). The signature is optional because it lets the receiver prove to others who wrote: without
it, whoever holds k_B and x can write messages to B in A's name, B included.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Final, NamedTuple, cast

import cbor2

from pyml.crypto import secp256k1
from pyml.crypto.scalars import is_compressed
from pyml.crypto.secp256k1 import RECOVERABLE_BYTES, SigningKey
from pyml.errors import InputError, IntegrityError
from pyml.kdac.derivation import MAX_COUNTER, MAX_SLOT
from pyml.kdac.places import MAX_PLACES, PastPlace

_SIGNED: Final = b"KDAC/v1/signature"
_REQUIRED: Final = frozenset({"type", "seq", "body"})
_KNOWN: Final = _REQUIRED | {"offer", "ready", "signature", "got", "floor", "past"}
_MAX_SEQUENCE: Final = 2**63 - 1
_GOT_BYTES: Final = 12
"""Both numbers of ``got`` have a fixed length: every message has it, and a string is read faster than a list."""


class Kind(StrEnum):
    """What a message's body is."""

    TEXT = "text"
    FILE = "file"
    RECEIPT = "receipt"
    """No body: it only confirms."""


_KINDS: Final[dict[object, Kind]] = {kind.value: kind for kind in Kind}


class Got(NamedTuple):
    """What the sender confirms: it lacks number ``low`` and none below, and listens in slots from ``open_from``."""

    low: int
    open_from: int


class Content(NamedTuple):
    """A tuple, because two are made for each message.

    ``offer`` is an ephemeral public key for the next epoch, ``ready`` says that the sender can receive in it.
    ``floor`` is the lowest of the sender's numbers that may still come, ``past`` where it wrote in the epoch before.
    """

    kind: Kind
    sequence: int
    body: bytes
    offer: bytes | None = None
    ready: bool = False
    signature: bytes | None = None
    got: Got | None = None
    floor: int = 0
    past: tuple[PastPlace, ...] = ()

    def encode(self) -> bytes:
        """Deterministic CBOR, fields that are absent left out."""
        fields: dict[str, object] = {"seq": self.sequence, "body": self.body, "type": self.kind.value}
        if self.offer is not None:
            fields["offer"] = self.offer
        if self.ready:
            fields["ready"] = True
        if self.got is not None:
            fields["got"] = self.got.low.to_bytes(8, "big") + self.got.open_from.to_bytes(4, "big")
        if self.floor:
            fields["floor"] = self.floor
        if self.past:
            fields["past"] = [list(place) for place in self.past]
        if self.signature is not None:
            fields["signature"] = self.signature
        return cbor2.dumps(fields)


def decode_content(encoded: bytes) -> Content:
    """What a friend wrote; ``IntegrityError`` if it is no content, because it was authentic."""
    try:
        parsed: object = cbor2.loads(encoded)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError):
        raise IntegrityError("a message's content is malformed") from None
    fields = cast("dict[object, object]", parsed) if isinstance(parsed, dict) else {}
    if not _REQUIRED <= fields.keys() <= _KNOWN:
        raise IntegrityError("a message's content has the wrong fields")
    name, sequence, body = fields["type"], fields["seq"], fields["body"]
    kind = _KINDS.get(name) if isinstance(name, str) else None
    floor = fields.get("floor", 0)
    offer, ready, signature = fields.get("offer"), fields.get("ready", False), fields.get("signature")
    if (
        kind is None
        or type(sequence) is not int
        or not 0 <= sequence <= _MAX_SEQUENCE
        or type(floor) is not int
        or not 0 <= floor <= _MAX_SEQUENCE
        or not isinstance(body, bytes)
        or not isinstance(ready, bool)
        or not (offer is None or (isinstance(offer, bytes) and is_compressed(offer)))
        or not (signature is None or (isinstance(signature, bytes) and len(signature) == RECOVERABLE_BYTES))
    ):
        raise IntegrityError("a message's content has a field of the wrong form")
    past = _past(fields["past"]) if "past" in fields else ()
    return Content(kind, sequence, body, offer, ready, signature, _got(fields.get("got")), floor, past)


def _got(found: object) -> Got | None:
    if found is None:
        return None
    if isinstance(found, bytes) and len(found) == _GOT_BYTES:
        low, open_from = int.from_bytes(found[:8], "big"), int.from_bytes(found[8:], "big")
        if low <= _MAX_SEQUENCE:
            return Got(low, open_from)
    raise IntegrityError("a message's content has a field of the wrong form")


def _past(found: object) -> tuple[PastPlace, ...]:
    if not isinstance(found, list) or len(cast("list[object]", found)) > MAX_PLACES:
        raise IntegrityError("a message's content has a field of the wrong form")
    bounds = MAX_SLOT, MAX_COUNTER, _MAX_SEQUENCE
    return tuple(PastPlace(*_numbers(place, bounds)) for place in cast("list[object]", found))


def _numbers(found: object, bounds: tuple[int, ...]) -> list[int]:
    numbers = cast("list[int]", found) if isinstance(found, list) else []
    if len(numbers) != len(bounds):
        raise IntegrityError("a message's content has a field of the wrong form")
    for number, bound in zip(numbers, bounds, strict=True):
        if type(number) is not int or not 0 <= number <= bound:
            raise IntegrityError("a message's content has a field of the wrong form")
    return numbers


def sign_content(content: Content, key: SigningKey, receiver: bytes, header: bytes) -> bytes:
    """The sender's signature of a content without one, for this receiver and this header."""
    return key.sign_recoverable(_digest(content, key.public, receiver, header))


def is_signed_by(content: Content, sender: bytes, receiver: bytes, header: bytes) -> bool:
    """Whether the content carries the sender's signature."""
    if content.signature is None:
        return False
    bare = content._replace(signature=None)
    try:
        return secp256k1.recover(_digest(bare, sender, receiver, header), content.signature) == sender
    except InputError:
        return False


def _digest(content: Content, sender: bytes, receiver: bytes, header: bytes) -> bytes:
    return hashlib.sha256(_SIGNED + sender + receiver + hashlib.sha256(header).digest() + content.encode()).digest()
