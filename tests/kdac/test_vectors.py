"""Vectors of protocol and paper, computed again by an implementation that shares no code with pyml."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import cbor2
import pytest

from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac import paper
from pyml.kdac.channel import Channel
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.content import decode_content
from pyml.kdac.derivation import derive_private, derive_public, direction_to, hash_scalar, tag_of
from pyml.kdac.message import decode_cbor, decode_json
from pyml.kdac.seed import combine, next_seed
from pyml.kdac.session_keys import receiver_key, sender_key
from tests.kdac import oracle

FOLDER = Path(__file__).parents[1] / "vectors"
V1 = json.loads((FOLDER / "kdac_v1.json").read_text(encoding="utf-8"))
PAPER = json.loads((FOLDER / "kdac_paper.json").read_text(encoding="utf-8"))


def unhex(vector: dict[str, Any]) -> dict[str, Any]:
    plain = {"id", "comment", "flags", "slot", "counter", "epoch", "t_ms", "json"}
    return {name: value if name in plain else bytes.fromhex(value) for name, value in vector.items()}


@pytest.mark.parametrize("vector", V1["derivations"], ids=lambda vector: vector["id"])
def test_derivation(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    sender, receiver = SigningKey.from_secret(v["k_sender"]), SigningKey.from_secret(v["k_receiver"])
    slot, counter, direction = v["slot"], v["counter"], direction_to(receiver.public, sender.public)
    assert v["flags"] == [direction.name]
    assert combine((sender.public, v["x_sender"]), (receiver.public, v["x_receiver"])) == v["x"]
    assert hash_scalar(v["x"], direction, slot, counter) == v["h"]
    assert derive_private(v["k_receiver"], v["x"], direction, slot, counter) == v["k_t"]
    assert derive_public(receiver.public, v["x"], direction, slot, counter) == v["K_t"]
    assert tag_of(v["K_t"]) == v["tag"]
    assert sender_key(v["k_sender"], sender.public, receiver.public, v["x"], v["K_t"], slot) == v["result"]
    assert receiver_key(v["k_t"], sender.public, receiver.public, v["x"], v["K_t"], slot) == v["result"]


@pytest.mark.parametrize("vector", V1["derivations"], ids=lambda vector: vector["id"])
def test_derivation_by_the_oracle(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    a, b = int.from_bytes(v["k_sender"], "big"), int.from_bytes(v["k_receiver"], "big")
    K_A, K_B = oracle.public(a), oracle.public(b)
    x = oracle.seed((K_A, v["x_sender"]), (K_B, v["x_receiver"]))
    h = oracle.scalar(x, 0 if K_B < K_A else 1, v["slot"], v["counter"])
    K_t = oracle.public(b * h % oracle.N)
    assert (x, h.to_bytes(32, "big"), K_t, oracle.tag(K_t)) == (v["x"], v["h"], v["K_t"], v["tag"])
    S = oracle.times(oracle.decompress(K_t), a)
    assert oracle.times(oracle.decompress(K_A), b * h % oracle.N) == S
    assert oracle.session_key(S, x, K_A, K_B, K_t, v["slot"]) == v["result"]


@pytest.mark.parametrize("vector", V1["epochs"], ids=lambda vector: vector["id"])
def test_epoch(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    assert next_seed(v["x"], v["epoch"], v["ephemeral"], v["other"]) == v["result"]
    own = int.from_bytes(v["ephemeral"], "big")
    assert oracle.next_seed(v["x"], v["epoch"], own, v["other"]) == v["result"]


@pytest.mark.parametrize("vector", V1["messages"], ids=lambda vector: vector["id"])
def test_message(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    sender, receiver = SigningKey.from_secret(v["k_sender"]), SigningKey.from_secret(v["k_receiver"])
    message = decode_cbor(v["cbor"])
    assert decode_json(v["json"].encode()) == message
    assert message.digest == hashlib.sha256(v["cbor"]).digest() == v["result"]
    channel = Channel(receiver, ChannelState.begin(sender.public, v["x"], v["slot"]))
    assert message.derived in [held.derived for _, held in channel.expected(v["slot"])]
    received = channel.receive(message, v["slot"])
    assert received.content.body == v["body"]
    assert received.signed == ("signed" in v["flags"])


@pytest.mark.parametrize("vector", V1["messages"], ids=lambda vector: vector["id"])
def test_message_by_the_oracle(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    a, b = int.from_bytes(v["k_sender"], "big"), int.from_bytes(v["k_receiver"], "big")
    K_A, K_B = oracle.public(a), oracle.public(b)
    h = oracle.scalar(v["x"], 0 if K_B < K_A else 1, v["slot"], 0)
    fields = cbor2.loads(v["cbor"])
    assert fields["K"] == oracle.public(b * h % oracle.N)
    S = oracle.times(oracle.decompress(K_A), b * h % oracle.N)
    content = cbor2.loads(oracle.open_message(fields, oracle.session_key(S, v["x"], K_A, K_B, fields["K"], v["slot"])))
    assert (content["body"], content["seq"], content["type"]) == (v["body"], 0, "text")
    assert content["got"] == bytes(8) + (v["slot"] - 1).to_bytes(4, "big")
    assert content.keys() <= {"body", "seq", "type", "got", "signature"}


@pytest.mark.parametrize("vector", V1["contents"], ids=lambda vector: vector["id"])
def test_content(vector: dict[str, Any]) -> None:
    encoded = bytes.fromhex(vector["result"])
    assert encoded == oracle.content(vector)
    content = decode_content(encoded)
    assert content.encode() == encoded
    assert (content.kind, content.sequence, content.ready) == (vector["type"], vector["seq"], vector["ready"])
    assert content.body.hex() == vector["body"]
    assert content.offer == (None if vector["offer"] is None else bytes.fromhex(vector["offer"]))
    assert (list(content.got or ()), content.floor) == (vector["got"], vector["floor"])
    assert [list(place) for place in content.past] == vector["past"]


@pytest.mark.parametrize("vector", PAPER["vectors"], ids=lambda vector: vector["id"])
def test_paper(vector: dict[str, Any]) -> None:
    v = unhex(vector)
    t, a, b = int(v["t_ms"]), int.from_bytes(v["k_A"], "big"), int.from_bytes(v["k_B"], "big")
    K_A, K_B = oracle.public(a), oracle.public(b)
    assert paper.seed_64(v["x_A"], v["x_B"]) == paper.seed_64(v["x_B"], v["x_A"]) == v["x"]
    h = oracle.paper_scalar(v["x"], t)
    assert paper.derive_private(v["k_B"], v["x"], t) == (b * h % oracle.N).to_bytes(32, "big") == v["k_Bt"]
    assert paper.derive_public(K_B, v["x"], t) == oracle.public(b * h % oracle.N) == v["K_Bt"]
    assert paper.session_key(v["k_A"], v["K_Bt"]) == oracle.paper_session_key(a, v["K_Bt"]) == v["result"]
    assert paper.session_key(v["k_B"], paper.derive_public(K_A, v["x"], t)) == v["result"]
