"""Messages and records as bytes: one encoding each, and whatever else comes is refused with one exception."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.kdac.ordering import MAX_PAYLOAD_BYTES, decode_payloads, encode_payloads
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.messages import (
    Blocks,
    Claim,
    Fetch,
    Forward,
    Hello,
    Message,
    Proposal,
    RoundChange,
    Status,
    Witness,
    prepared_digest,
)
from pyml.kdac.pbft.records import Base, Decided, Joining, Prepared, Record, Voted, decode_record, encode_record
from pyml.kdac.pbft.state import Settings
from pyml.kdac.pbft.votes import Certificate, Kind
from pyml.kdac.pbft.wire import MAX_FRAME_BYTES, decode, encode
from tests.kdac.pbft.simulator import NETWORK, MacKeys

ALL = [Settings(keys.index, 4, NETWORK, keys) for keys in MacKeys.all(4)]
BLOCK = Block(3, b"p" * 32, (b"first", b"second"))
EMPTY = Block(3, b"p" * 32, ())


def certificate(kind: Kind) -> Certificate:
    return Certificate.of(settings.vote(kind, 3, 1, BLOCK.digest) for settings in ALL[:3])


def messages() -> list[Message]:
    one = ALL[1]
    free = Claim(one.vote(Kind.ROUND_CHANGE, 3, 2, bytes(32)), None)
    locked = Claim(one.vote(Kind.ROUND_CHANGE, 3, 2, prepared_digest(1, BLOCK.digest)), (1, BLOCK.digest))
    bodies = (
        Forward((b"a", b"bc")),
        Status(9, b"n" * 16),
        Fetch(4),
        Hello(b"h" * 16),
        Witness(one.vote(Kind.PROPOSE, 3, 0, BLOCK.digest)),
        Blocks(((BLOCK, certificate(Kind.COMMIT)), (EMPTY, certificate(Kind.COMMIT)))),
        Blocks(()),
    )
    return [
        *(one.vote(kind, 3, 1, BLOCK.digest) for kind in (Kind.PREPARE, Kind.COMMIT, Kind.CHECKPOINT)),
        Proposal(one.vote(Kind.PROPOSE, 3, 0, BLOCK.digest), BLOCK, (), None),
        Proposal(one.vote(Kind.PROPOSE, 3, 2, BLOCK.digest), BLOCK, (free, locked), certificate(Kind.PREPARE)),
        RoundChange(free, None, None),
        RoundChange(locked, certificate(Kind.PREPARE), BLOCK),
        *map(one.signed, bodies),
    ]


@pytest.mark.parametrize("message", messages(), ids=lambda each: type(each).__name__)
def test_message_comes_back_and_no_other_bytes_are_it(message: Message) -> None:
    content = encode(message)
    assert decode(content) == message
    for at in range(len(content)):
        with pytest.raises(InputError):
            decode(content[:at])
    with pytest.raises(InputError, match="bytes after its end"):
        decode(content + b"\0")
    rng = random.Random(1)
    for _ in range(300):
        spoiled = bytearray(content)
        spoiled[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        try:
            found = decode(bytes(spoiled))
        except InputError:
            continue
        assert found != message
        assert encode(found) == bytes(spoiled), "one encoding"


@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_refused(content: bytes) -> None:
    with suppress(InputError):
        assert encode(decode(content)) == content


@given(st.sampled_from(sorted(Kind)), st.binary(max_size=300))
def test_any_tail_of_a_vote_is_a_message_or_refused(kind: Kind, tail: bytes) -> None:
    content = encode(ALL[0].vote(Kind.PREPARE, 3, 1, BLOCK.digest))
    content = bytes([kind]) + content[1:] + tail
    with suppress(InputError):
        assert encode(decode(content)) == content


def test_too_long_a_frame_is_refused_unread() -> None:
    with pytest.raises(InputError, match="a message is too long"):
        decode(bytes(MAX_FRAME_BYTES + 1))


@pytest.mark.parametrize(
    "record",
    [
        *map(Voted, messages()[:7]),
        Prepared(certificate(Kind.PREPARE), BLOCK),
        Decided(BLOCK, certificate(Kind.COMMIT)),
        Joining(0),
        Joining(12),
        Base(0, GENESIS, ()),
        Base(9, b"t" * 32, ((), ((b"l" * 32, 8), (b"m" * 32, 9)))),
    ],
    ids=lambda each: type(each).__name__,
)
def test_record_comes_back(record: Record) -> None:
    content = encode_record(record)
    assert decode_record(content) == record
    with pytest.raises(InputError):
        decode_record(content[:-1])
    with pytest.raises(InputError):
        decode_record(content + b"\0")


@pytest.mark.parametrize("content", [b"", b"\x06", b"\x00" * 40])
def test_unknown_record_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="a record of the log is of an unknown kind"):
        decode_record(content)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_payloads_come_back(payloads: list[bytes]) -> None:
    assert list(decode_payloads(encode_payloads(payloads))) == payloads


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0",
        b"\0\0\0\0",
        b"\0\0\0\x02a",
        b"\xff\xff\xff\xff",
        (MAX_PAYLOAD_BYTES + 1).to_bytes(4, "big") + bytes(70000),
    ],
)
def test_malformed_payloads_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="a list of payloads is malformed"):
        decode_payloads(content)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((0, GENESIS, ()), "out of range"),
        ((2**63, GENESIS, ()), "out of range"),
        ((1, b"short", ()), "out of range"),
        ((1, GENESIS, (b"twice", b"twice")), "the same payload twice"),
        ((1, GENESIS, (b"",)), "too long or empty"),
        ((1, GENESIS, (bytes(MAX_PAYLOAD_BYTES + 1),)), "too long or empty"),
        ((1, GENESIS, tuple(bytes([i]) * MAX_PAYLOAD_BYTES for i in range(65))), "too long or empty"),
        ((1, GENESIS, tuple(b"%d" % i for i in range(4097))), "out of range"),
    ],
)
def test_impossible_blocks_are_refused(arguments: tuple[int, bytes, tuple[bytes, ...]], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Block(*arguments)
