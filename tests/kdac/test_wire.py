"""Frames: every one survives the wire, and nothing else is taken for one."""

from __future__ import annotations

import json

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.scalars import public_of
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.kdac.derivation import TAG_BYTES, tag_of
from pyml.kdac.message import MAX_MESSAGE_BYTES, SEALED_LENGTHS, Message, decode_cbor, decode_json, peek_cbor
from pyml.kdac.wire import (
    MAX_ANNOUNCED,
    MAX_FRAME_BYTES,
    Ack,
    Announced,
    Connect,
    Exposed,
    Frame,
    FrameError,
    Heartbeat,
    Ping,
    Pong,
    Refusal,
    Session,
    Welcome,
    announce,
    decode_frame,
    encode_frame,
)

SLOT = 2_900_000
KEY = SigningKey.from_secret(bytes(31) + b"\x05")
MESSAGE = Message(SLOT, KEY.public, bytes(range(256)) + bytes(28))
FRAMES: list[Frame] = [
    Connect(),
    Connect(bytes(16)),
    Welcome(bytes(32), bytes(32), SLOT, bytes(16), True),
    Heartbeat(),
    Heartbeat((Announced(bytes(16), SLOT, bytes(65)),), (Exposed(KEY.public, KEY.reveal),)),
    Session(MESSAGE),
    Ack(),
    Ack((bytes(32), b"\1" * 32)),
    Refusal("stale", "your clock is off", bytes(32)),
    Refusal("busy", "later"),
    Ping(7),
    Pong(2**64 - 1),
]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: type(frame).__name__)
def test_frame_survives(frame: Frame) -> None:
    assert decode_frame(encode_frame(frame)) == frame


def test_session_in_json() -> None:
    assert decode_frame(MESSAGE.json.decode()) == Session(MESSAGE)


@pytest.mark.parametrize("size", sorted(SEALED_LENGTHS))
def test_cbor_is_deterministic_cbor(size: int) -> None:
    message = Message(SLOT, KEY.public, bytes(size))
    fields = {"K": KEY.public, "m": bytes(size), "t": SLOT, "v": 1, "type": "session"}
    assert cbor2.loads(message.cbor) == fields
    assert cbor2.dumps(fields, canonical=True) == message.cbor
    assert peek_cbor(message.cbor) == (SLOT, KEY.public)
    assert json.loads(message.json)["K"] == KEY.public.hex()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "a frame is malformed"),
        (b"\xff", "a frame is malformed"),
        (b"\x81" * 60_000, "a frame is malformed"),
        (cbor2.dumps([1]), "a frame is malformed"),
        (cbor2.dumps({"type": "ping", "n": 1}), "a frame is of another version"),
        (cbor2.dumps({"v": 2, "type": "ping", "n": 1}), "a frame is of another version"),
        (cbor2.dumps({"v": True, "type": "ping", "n": 1}), "a frame is of another version"),
        (cbor2.dumps({"v": 1, "type": "session"}), "a frame has an unknown type"),
        (cbor2.dumps({"v": 1, "type": ["ping"]}), "a frame has an unknown type"),
        (cbor2.dumps({"v": 1, "type": "ping", "n": 1, "x": 2}), "a frame of type ping has unknown fields"),
        (cbor2.dumps({"v": 1, "type": "ping"}), "a frame of type ping is malformed"),
        (cbor2.dumps({"v": 1, "type": "ping", "n": -1}), "a frame of type ping is malformed"),
        (cbor2.dumps({"v": 1, "type": "ack", "digests": [b"short"]}), "a frame of type ack is malformed"),
        (cbor2.dumps({"v": 1, "type": "connect", "resume": bytes(15)}), "a frame of type connect is malformed"),
        (cbor2.dumps({"v": 1, "type": "heartbeat", "keys": [[bytes(16), 5, bytes(65)]]}), "a slot is out of range"),
        (
            cbor2.dumps({"v": 1, "type": "heartbeat", "keys": [0] * (MAX_ANNOUNCED + 1)}),
            "a frame lists too many items",
        ),
        (
            cbor2.dumps({"v": 1, "type": "heartbeat", "keys": [], "paper": [[KEY.public, bytes(32)]]}),
            "a frame of type heartbeat is malformed",
        ),
        (cbor2.dumps({"v": 1, "type": "error", "code": "x" * 201, "text": ""}), "a frame of type error is malformed"),
        (b"x" * (MAX_FRAME_BYTES + 1), "a frame is too long"),
        ("x" * (MAX_FRAME_BYTES + 1), "a frame is too long"),
        ("{", "a session message is malformed"),
        ("[" * 20_000, "a session message is malformed"),
        ("\ud800", "a text frame is not UTF-8"),
        (MESSAGE.json.decode().replace('"v":1', '"v":2'), "a session message is of another version"),
        (MESSAGE.json.decode().replace('"v":1', '"v": 1'), "a session message is not in its one form"),
        (MESSAGE.json.decode().replace('"v":1', '"v":1,"v":1'), "a session message is not in its one form"),
        (MESSAGE.json.decode().upper(), "a session message is malformed"),
        (MESSAGE.cbor[:-1], "a session message is malformed"),
        (MESSAGE.cbor + b"\0", "a session message is malformed"),
        (MESSAGE.cbor.replace(b"\x61v\x01", b"\x61v\x02"), "a session message is malformed"),
        (MESSAGE.cbor.replace(SLOT.to_bytes(4, "big"), bytes(4)), "a message's slot is out of range"),
    ],
    ids=str,
)
def test_malformed_frames_are_refused(content: bytes | str, problem: str) -> None:
    with pytest.raises(FrameError) as refused:
        decode_frame(content)
    assert refused.value.problem == problem


@given(st.one_of(st.binary(max_size=600), st.text(max_size=300)))
def test_noise_is_refused_or_decodes_to_itself(content: bytes | str) -> None:
    try:
        frame = decode_frame(content)
    except FrameError:
        return
    assert decode_frame(encode_frame(frame)) == frame


@given(st.sampled_from(FRAMES), st.data())
def test_changed_frames_never_crash(frame: Frame, data: st.DataObject) -> None:
    content = bytearray(encode_frame(frame))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(content)))
    for changed in (bytes(content), bytes(content[:cut]), bytes(content[cut:])):
        try:
            decode_frame(changed)
        except FrameError:
            continue


@given(st.data())
def test_two_strings_are_never_one_message(data: st.DataObject) -> None:
    content = bytearray(MESSAGE.cbor)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    try:
        changed = decode_cbor(bytes(content))
    except InputError:
        return
    assert changed.cbor == bytes(content)
    assert changed.digest != MESSAGE.digest


def test_json_that_is_too_long() -> None:
    with pytest.raises(InputError, match="too long; expected at most 24576 bytes"):
        decode_json(b" " * (MAX_MESSAGE_BYTES + 1))


def test_announcement_proves_the_key() -> None:
    tag, relay, challenge = tag_of(public_of(KEY.reveal)), b"r" * 32, b"c" * 32
    made = announce(KEY.reveal, tag, SLOT, relay=relay, challenge=challenge)
    assert made.is_valid(relay, challenge)
    assert not made.is_valid(b"s" * 32, challenge)
    assert not made.is_valid(relay, b"d" * 32)
    assert not Announced(tag, SLOT + 1, made.proof).is_valid(relay, challenge)
    assert not Announced(bytes(TAG_BYTES), SLOT, made.proof).is_valid(relay, challenge)
    for bit in range(0, 65 * 8, 7):
        proof = bytearray(made.proof)
        proof[bit // 8] ^= 1 << bit % 8
        assert not Announced(tag, SLOT, bytes(proof)).is_valid(relay, challenge)
