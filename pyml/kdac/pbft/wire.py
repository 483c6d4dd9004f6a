"""Messages and durable records as bytes. Decoding takes bytes from anybody: one exception, bounded work, one encoding.

All integers are big-endian. Every value has exactly one encoding, and what does not have it is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from pyml.crypto.secp256k1 import RECOVERABLE_BYTES
from pyml.errors import InputError
from pyml.kdac.ordering import decode_payloads, encode_payloads
from pyml.kdac.pbft.block import Block
from pyml.kdac.pbft.keccak import keccak256
from pyml.kdac.pbft.messages import (
    Blocks,
    Body,
    Claim,
    Fetch,
    Forward,
    Hello,
    Message,
    Proposal,
    RoundChange,
    Signed,
    Status,
    Witness,
)
from pyml.kdac.pbft.quorum import MAX_REPLICAS
from pyml.kdac.pbft.votes import MAX_HEIGHT, MAX_ROUND, Certificate, Kind, Vote

MAX_FRAME_BYTES: Final = 12 * 2**20
MAX_BLOCKS: Final = 64
"""Blocks in one answer."""
NONCE_BYTES: Final = 16
_VOTE: Final = struct.Struct(">BQI32sB65s")
_STATEMENT: Final = struct.Struct(">BQI32sB")
_HEADER: Final = struct.Struct(">Q32sI")
T = TypeVar("T")


class Reader:
    """Takes bytes from the front and refuses to go past the end."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._content):
            raise InputError("a message is cut short")
        return self._content[start : self._at]

    def number(self, size: int, below: int) -> int:
        found = int.from_bytes(self.take(size), "big")
        if found >= below:
            raise InputError("a message's number is out of range", expected=f"below {below}", got=found)
        return found

    @property
    def at_end(self) -> bool:
        return self._at == len(self._content)

    def end(self) -> None:
        if not self.at_end:
            raise InputError("a message has bytes after its end")


def encode(message: Message) -> bytes:
    """A message as the content of one frame."""
    if isinstance(message, Vote):
        return encode_vote(message)
    if isinstance(message, Proposal):
        claims = bytes([len(message.claims)]) + b"".join(map(_encode_claim, message.claims))
        certificate = _encode_optional(message.certificate, encode_certificate)
        return encode_vote(message.vote) + claims + certificate + encode_block(message.block)
    if isinstance(message, RoundChange):
        certificate = _encode_optional(message.certificate, encode_certificate)
        return _encode_claim(message.claim) + certificate + _encode_optional(message.block, encode_block)
    return encode_vote(message.vote) + encode_body(message.body)


def decode(content: bytes) -> Message:
    """The inverse of ``encode``; ``InputError`` for whatever it does not write."""
    if len(content) > MAX_FRAME_BYTES:
        raise InputError("a message is too long", expected=f"at most {MAX_FRAME_BYTES} bytes", got=len(content))
    reader = Reader(content)
    vote = read_vote(reader)
    message: Message
    if vote.kind is Kind.PROPOSE:
        claims = tuple(_read_claim(reader) for _ in range(reader.number(1, MAX_REPLICAS + 1)))
        certificate = _read_optional(reader, read_certificate)
        message = Proposal(vote, read_block(reader), claims, certificate)
    elif vote.kind is Kind.ROUND_CHANGE:
        claim = _read_prepared(reader, vote)
        message = RoundChange(claim, _read_optional(reader, read_certificate), _read_optional(reader, read_block))
    elif vote.kind in _BODIES:
        message = Signed(vote, _BODIES[vote.kind](reader))
    else:
        message = vote
    reader.end()
    return message


def body_digest(body: Body) -> bytes:
    """What the signature of a ``Signed`` message is over."""
    return keccak256(encode_body(body))


def body_kind(body: Body) -> Kind:
    return _KINDS[type(body)]


def encode_vote(vote: Vote) -> bytes:
    return _VOTE.pack(vote.kind, vote.height, vote.round, vote.digest, vote.sender, vote.signature)


def read_vote(reader: Reader) -> Vote:
    layout = _VOTE.unpack(reader.take(_VOTE.size))
    kind, height, round_, digest, sender, signature = layout
    _require_place(kind, height, round_)
    return Vote(Kind(kind), height, round_, digest, sender, signature)


def encode_certificate(certificate: Certificate) -> bytes:
    place = (certificate.kind, certificate.height, certificate.round, certificate.digest)
    signatures = (bytes([sender]) + signature for sender, signature in certificate.signatures)
    return _STATEMENT.pack(*place, len(certificate.signatures)) + b"".join(signatures)


def read_certificate(reader: Reader) -> Certificate:
    kind, height, round_, digest, count = _STATEMENT.unpack(reader.take(_STATEMENT.size))
    _require_place(kind, height, round_)
    if count > MAX_REPLICAS:
        raise InputError("a certificate has too many signatures", expected=f"at most {MAX_REPLICAS}", got=count)
    signatures = ((reader.number(1, 256), reader.take(RECOVERABLE_BYTES)) for _ in range(count))
    return Certificate(Kind(kind), height, round_, digest, tuple(signatures))


def encode_block(block: Block) -> bytes:
    payloads = encode_payloads(block.payloads)
    return _HEADER.pack(block.height, block.parent, len(payloads)) + payloads


def read_block(reader: Reader) -> Block:
    height, parent, size = _HEADER.unpack(reader.take(_HEADER.size))
    return Block(height, parent, decode_payloads(reader.take(size)))


def decode_certificate(content: bytes) -> Certificate:
    """A certificate by itself, for instance from a file."""
    return _whole(content, read_certificate)


def decode_block(content: bytes) -> Block:
    """A block by itself."""
    return _whole(content, read_block)


def decode_vote(content: bytes) -> Vote:
    """A vote by itself."""
    return _whole(content, read_vote)


def encode_body(body: Body) -> bytes:
    if isinstance(body, Forward):
        payloads = encode_payloads(body.payloads)
        return len(payloads).to_bytes(4, "big") + payloads
    if isinstance(body, Status):
        return body.height.to_bytes(8, "big") + body.nonce
    if isinstance(body, Fetch):
        return body.first.to_bytes(8, "big")
    if isinstance(body, Hello):
        return body.nonce
    if isinstance(body, Witness):
        return encode_vote(body.vote)
    pairs = (encode_block(block) + encode_certificate(certificate) for block, certificate in body.blocks)
    return bytes([len(body.blocks)]) + b"".join(pairs)


def _read_blocks(reader: Reader) -> Blocks:
    count = reader.number(1, MAX_BLOCKS + 1)
    return Blocks(tuple((read_block(reader), read_certificate(reader)) for _ in range(count)))


def _read_status(reader: Reader) -> Status:
    return Status(reader.number(8, MAX_HEIGHT), reader.take(NONCE_BYTES))


def _read_forward(reader: Reader) -> Forward:
    return Forward(decode_payloads(reader.take(reader.number(4, MAX_FRAME_BYTES))))


_BODIES: Final[dict[Kind, Callable[[Reader], Body]]] = {
    Kind.FORWARD: _read_forward,
    Kind.STATUS: _read_status,
    Kind.FETCH: lambda reader: Fetch(reader.number(8, MAX_HEIGHT)),
    Kind.BLOCKS: _read_blocks,
    Kind.HELLO: lambda reader: Hello(reader.take(NONCE_BYTES)),
    Kind.WITNESS: lambda reader: Witness(read_vote(reader)),
}
_KINDS: Final[dict[type[Body], Kind]] = {
    Forward: Kind.FORWARD,
    Status: Kind.STATUS,
    Fetch: Kind.FETCH,
    Blocks: Kind.BLOCKS,
    Hello: Kind.HELLO,
    Witness: Kind.WITNESS,
}


def _encode_claim(claim: Claim) -> bytes:
    prepared = claim.prepared
    tail = b"\x00" if prepared is None else b"\x01" + prepared[0].to_bytes(4, "big") + prepared[1]
    return encode_vote(claim.vote) + tail


def _read_claim(reader: Reader) -> Claim:
    return _read_prepared(reader, read_vote(reader))


def _read_prepared(reader: Reader, vote: Vote) -> Claim:
    present = reader.number(1, 2)
    return Claim(vote, (reader.number(4, MAX_ROUND), reader.take(32)) if present else None)


def _encode_optional(value: T | None, write: Callable[[T], bytes]) -> bytes:
    return b"\x00" if value is None else b"\x01" + write(value)


def _read_optional(reader: Reader, read: Callable[[Reader], T]) -> T | None:
    return read(reader) if reader.number(1, 2) else None


def _whole(content: bytes, read: Callable[[Reader], T]) -> T:
    reader = Reader(content)
    found = read(reader)
    reader.end()
    return found


def _require_place(kind: int, height: int, round_: int) -> None:
    if kind not in _KINDS_KNOWN or height >= MAX_HEIGHT or round_ >= MAX_ROUND:
        raise InputError("a vote is out of range", got=f"kind {kind}, height {height}, round {round_}")


_KINDS_KNOWN: Final[Sequence[int]] = tuple(Kind)
