"""What a replica must not forget: written and fsynced before anything that depends on it leaves the machine.

VOTED      a message of one's own: no other vote for the same place is ever signed
PREPARED   a block and the quorum's prepares for it: the lock that a round change carries
DECIDED    a block and the quorum's commits
JOINING    the replica lost its disk and does not vote, up to a height once it is known (0 until then)
BASE       where the log begins: height, digest and the duplicate window
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyml.errors import InputError
from pyml.kdac.pbft.block import Block
from pyml.kdac.pbft.messages import Message
from pyml.kdac.pbft.votes import Certificate
from pyml.kdac.pbft.wire import (
    Reader,
    decode,
    encode,
    encode_block,
    encode_certificate,
    read_block,
    read_certificate,
)


@dataclass(frozen=True, slots=True)
class Voted:
    message: Message


@dataclass(frozen=True, slots=True)
class Prepared:
    certificate: Certificate
    block: Block


@dataclass(frozen=True, slots=True)
class Decided:
    block: Block
    certificate: Certificate


@dataclass(frozen=True, slots=True)
class Joining:
    silent_until: int
    """0 while the others have not yet said how far they are."""


@dataclass(frozen=True, slots=True)
class Base:
    height: int
    tip: bytes
    pieces: tuple[tuple[tuple[bytes, int], ...], ...]
    """Of the duplicate window: leaves and their heights."""


Record: TypeAlias = Voted | Prepared | Decided | Joining | Base


def encode_record(record: Record) -> bytes:
    if isinstance(record, Voted):
        return b"\x01" + encode(record.message)
    if isinstance(record, Prepared):
        return b"\x02" + encode_block(record.block) + encode_certificate(record.certificate)
    if isinstance(record, Decided):
        return b"\x03" + encode_block(record.block) + encode_certificate(record.certificate)
    if isinstance(record, Joining):
        return b"\x04" + record.silent_until.to_bytes(8, "big")
    rows = (
        len(row).to_bytes(4, "big") + b"".join(leaf + at.to_bytes(8, "big") for leaf, at in row)
        for row in record.pieces
    )
    return b"\x05" + record.height.to_bytes(8, "big") + record.tip + b"".join(rows)


def decode_record(content: bytes) -> Record:
    """The inverse; ``InputError`` for anything else: a log is one's own, so that this means damage."""
    kind, rest = content[:1], content[1:]
    if kind == b"\x01":
        return Voted(decode(rest))
    reader = Reader(rest)
    record: Record
    if kind in (b"\x02", b"\x03"):
        block, certificate = read_block(reader), read_certificate(reader)
        record = Prepared(certificate, block) if kind == b"\x02" else Decided(block, certificate)
    elif kind == b"\x04":
        record = Joining(reader.number(8, 2**63))
    elif kind == b"\x05":
        height, tip, rows = reader.number(8, 2**63), reader.take(32), list[tuple[tuple[bytes, int], ...]]()
        while not reader.at_end:
            count = reader.number(4, 2**31)
            rows.append(tuple((reader.take(32), reader.number(8, 2**63)) for _ in range(count)))
        record = Base(height, tip, tuple(rows))
    else:
        raise InputError("a record of the log is of an unknown kind", got=kind.hex())
    reader.end()
    return record
