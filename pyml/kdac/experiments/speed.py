"""Claim of the abstract: "the efficiency of the derived key algorithm is roughly in the same order of magnitude as that
of the 256-bit AES symmetric encryption algorithm". Timed side by side, in one run, on one core.

What is compared with what. A key for one message is derived where AES would take a fresh random one: so AES-256-GCM and
ChaCha20-Poly1305 draw key and nonce for each call. A complete message has a body that fills the 1 KiB bucket.
"""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from pyml.crypto.scalars import exchange, public_of
from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac import paper
from pyml.kdac.channel import MAX_AHEAD, Channel
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.derivation import Direction, derive_private, derive_public, direction_to, tag_of
from pyml.kdac.experiments.timing import Step, time_steps
from pyml.kdac.message import decode_cbor
from pyml.kdac.wire import announce

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES: Final = {"1 KiB": 2**10, "16 KiB": 2**14, "128 KiB": 2**17, "1 MiB": 2**20}
BODY_BYTES: Final = 930
"""A body with which content and padding take 1 KiB."""
SLOT: Final = 2_975_000
AES_1K: Final = "AES-256-GCM 1 KiB"
_BATCH: Final = 100


def cipher_steps(sizes: Mapping[str, int] = SIZES) -> dict[str, Step]:
    """Both ciphers, each call with a fresh key and nonce."""
    found: dict[str, Step] = {}
    for cipher, make in (("AES-256-GCM", AESGCM), ("ChaCha20-Poly1305", ChaCha20Poly1305)):
        for label, size in sizes.items():
            calls = max(2, min(500, 2**21 // size))
            found[f"{cipher} {label}"] = Step(_encryption(make, os.urandom(size)), calls)
    return found


def _encryption(make: Callable[[bytes], AESGCM | ChaCha20Poly1305], plain: bytes) -> Callable[[], object]:
    return lambda: make(os.urandom(32)).encrypt(os.urandom(12), plain, None)


def derivation_steps() -> dict[str, Step]:
    """Derivation of private and public keys, and one exchange."""
    own, friend, seed = SigningKey.random(), SigningKey.random(), os.urandom(32)
    direction, counters = direction_to(own.public, friend.public), cycle(range(2**20))
    secret, public, old = own.reveal, friend.public, os.urandom(8)
    return {
        "private derivation": Step(lambda: derive_private(secret, seed, direction, SLOT, next(counters)), 500),
        "private derivation, paper": Step(lambda: paper.derive_private(secret, old, next(counters)), 500),
        "public derivation": Step(lambda: derive_public(public, seed, direction, SLOT, next(counters)), 100),
        "announce an address": Step(lambda: _announcement(secret, seed, direction, next(counters)), 50),
        "ECDH": Step(lambda: exchange(secret, public), 100),
    }


def _announcement(secret: bytes, seed: bytes, direction: Direction, counter: int) -> object:
    derived = derive_private(secret, seed, direction, SLOT, counter)
    return announce(derived, tag_of(public_of(derived)), SLOT, relay=bytes(32), challenge=bytes(32))


class _Pair:
    """Two friends whose messages are timed. A pair serves until its slot has carried a round, then takes the next."""

    def __init__(self) -> None:
        one, other, seed = SigningKey.random(), SigningKey.random(), os.urandom(32)
        self.sender = Channel(one, ChannelState.begin(other.public, seed, SLOT))
        self.receiver = Channel(other, ChannelState.begin(one.public, seed, SLOT), lookahead=_BATCH)
        self.body, self.slot = os.urandom(BODY_BYTES), SLOT
        self.waiting: list[bytes] = []

    def next_slot(self, _: int) -> None:
        self.slot += 1

    def prepare_sender(self, count: int) -> None:
        self.next_slot(count)
        self.sender.prepare(self.slot, min(count, MAX_AHEAD))

    def prepare_receiver(self, count: int) -> None:
        self.next_slot(count)
        self.waiting = [self.sender.send(self.slot, self.body) for _ in range(count)][::-1]
        list(self.receiver.expected(self.slot))

    def send(self) -> bytes:
        return self.sender.send(self.slot, self.body)

    def receive(self) -> object:
        return self.receiver.receive(decode_cbor(self.waiting.pop()), self.slot)


def message_steps() -> dict[str, Step]:
    """Complete messages. A receiver derives its addresses when it announces them, before the message comes."""
    ordinary, ahead, receiving = _Pair(), _Pair(), _Pair()
    return {
        "complete send": Step(ordinary.send, _BATCH, ordinary.next_slot),
        "complete send, keys ahead": Step(ahead.send, _BATCH, ahead.prepare_sender),
        "complete receive": Step(receiving.receive, _BATCH, receiving.prepare_receiver),
    }


def run(*, rounds: int = 20, progress: Callable[[float], None] | None = None) -> dict[str, Any]:
    """Microseconds of everything, and the claim judged."""
    steps = {**derivation_steps(), **message_steps(), **cipher_steps()}
    micros = time_steps(steps, rounds=rounds, progress=progress)
    return {
        "rows": [{"step": name, "microseconds": round(value, 3)} for name, value in micros.items()],
        "verdicts": judge(micros),
    }


def judge(micros: Mapping[str, float]) -> dict[str, Any]:
    """The claim for derivation alone, for whole messages, and where whole messages begin to keep it."""
    aes = micros[AES_1K]
    per_byte = (micros["AES-256-GCM 1 MiB"] - aes) / (SIZES["1 MiB"] - SIZES["1 KiB"])
    send = micros["complete send"]
    return {
        "private derivation / AES-256-GCM 1 KiB": round(micros["private derivation"] / aes, 2),
        "complete send / AES-256-GCM 1 KiB": round(send / aes, 1),
        "complete send with keys ahead / AES-256-GCM 1 KiB": round(micros["complete send, keys ahead"] / aes, 2),
        "AES-256-GCM takes as long as a send at KiB": round((send - aes) / per_byte / 1024, 1),
        "claim holds for derivation": micros["private derivation"] <= 10 * aes,
        "claim holds for a complete send": send <= 10 * aes,
        "claim holds with keys ahead": micros["complete send, keys ahead"] <= 10 * aes,
    }


def draw(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Bars on a logarithmic axis."""

    def paint(figure: Figure) -> None:
        rows = sorted(result["rows"], key=lambda row: float(row["microseconds"]))
        axes = figure.subplots()
        colours = ["tab:grey" if "GCM" in row["step"] or "Poly" in row["step"] else "tab:blue" for row in rows]
        axes.barh([row["step"] for row in rows], [row["microseconds"] for row in rows], color=colours)
        axes.set_xscale("log")
        axes.set_xlabel("µs a call, one core")

    return paint
