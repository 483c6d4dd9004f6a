"""Write tests/vectors/kdac_v1.json and kdac_paper.json anew, after a change of protocol: a new version, then.

    python scripts/regenerate_kdac_vectors.py        a second

Keys and seeds come from the names of the vectors; nonces are random, as they always are. tests/kdac/oracle.py, which
shares no code with pyml, computes the same numbers again.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pyml.crypto.scalars import public_of
from pyml.crypto.secp256k1 import SigningKey
from pyml.files import write_atomically
from pyml.kdac import paper
from pyml.kdac.channel import Channel
from pyml.kdac.channel_state import ChannelState
from pyml.kdac.content import Content, Got, Kind
from pyml.kdac.derivation import derive_private, derive_public, direction_to, hash_scalar, tag_of
from pyml.kdac.message import decode_cbor
from pyml.kdac.places import PastPlace
from pyml.kdac.seed import combine, next_seed
from pyml.kdac.session_keys import sender_key

FOLDER: Final = Path(__file__).parents[1] / "tests" / "vectors"
SLOTS: Final = (65_536, 2_975_000, 2**32 - 1)
COUNTERS: Final = (0, 1, 2**32 - 1)
SIZES: Final = (0, 5, 180, 900, 4000, 16_200)
TIMES_MS: Final = (0, 1_700_000_000_000, 2**63)


def made(name: str) -> bytes:
    """Secret-looking bytes that everybody can make."""
    return hashlib.sha256(b"kdac vector " + name.encode()).digest()


def derivations() -> list[dict[str, Any]]:
    """Both directions at the ends of the ranges."""
    found: list[dict[str, Any]] = []
    for number, (slot, counter) in enumerate((slot, counter) for slot in SLOTS for counter in COUNTERS):
        sender, receiver = (SigningKey.from_secret(made(f"{who} {number}")) for who in ("sender", "receiver"))
        seed = combine((sender.public, made(f"xs {number}")), (receiver.public, made(f"xr {number}")))
        direction = direction_to(receiver.public, sender.public)
        derived = derive_public(receiver.public, seed, direction, slot, counter)
        found.append(
            {
                "id": f"derive-{number}",
                "comment": "K_t of the receiver, and the key of the message sent to it",
                "flags": [direction.name],
                "k_sender": sender.reveal.hex(),
                "k_receiver": receiver.reveal.hex(),
                "x_sender": made(f"xs {number}").hex(),
                "x_receiver": made(f"xr {number}").hex(),
                "slot": slot,
                "counter": counter,
                "x": seed.hex(),
                "h": hash_scalar(seed, direction, slot, counter).hex(),
                "k_t": derive_private(receiver.reveal, seed, direction, slot, counter).hex(),
                "K_t": derived.hex(),
                "tag": tag_of(derived).hex(),
                "result": sender_key(sender.reveal, sender.public, receiver.public, seed, derived, slot).hex(),
            }
        )
    return found


def epochs() -> list[dict[str, Any]]:
    """Steps of the ratchet."""
    found: list[dict[str, Any]] = []
    for epoch in (1, 2, 2**40):
        seed, own, other = (made(f"{what} {epoch}") for what in ("x", "eph", "peer"))
        result = next_seed(seed, epoch, own, public_of(other))
        found.append(
            {
                "id": f"epoch-{epoch}",
                "comment": "x of an epoch from the one before",
                "flags": [],
                "epoch": epoch,
                "x": seed.hex(),
                "ephemeral": own.hex(),
                "other": public_of(other).hex(),
                "result": result.hex(),
            }
        )
    return found


def messages() -> list[dict[str, Any]]:
    """Whole messages, one a padding bucket and more, half of them signed."""
    found: list[dict[str, Any]] = []
    for number, size in enumerate(SIZES):
        sender, receiver = (SigningKey.from_secret(made(f"{who} m{number}")) for who in ("sender", "receiver"))
        seed, slot = made(f"seed m{number}"), 2_975_000 + number
        body = (made("body") * (size // 32 + 1))[:size]
        channel = Channel(sender, ChannelState.begin(receiver.public, seed, slot))
        message = decode_cbor(channel.send(slot, body, kind=Kind.TEXT, sign=number % 2 == 1))
        found.append(
            {
                "id": f"message-{number}",
                "comment": "first message of a friendship",
                "flags": ["signed"] if number % 2 else [],
                "k_sender": sender.reveal.hex(),
                "k_receiver": receiver.reveal.hex(),
                "x": seed.hex(),
                "slot": slot,
                "body": body.hex(),
                "cbor": message.cbor.hex(),
                "json": message.json.decode(),
                "result": message.digest.hex(),
            }
        )
    return found


def contents() -> list[dict[str, Any]]:
    """What is inside a message that comes in the middle of a talk."""
    offer = public_of(made("offer"))
    past = (PastPlace(2_975_000, 33, 41), PastPlace(2_975_003, 2, 43))
    cases = {
        "confirms": Content(Kind.TEXT, 7, b"body", got=Got(5, 2_974_964)),
        "offers": Content(Kind.FILE, 44, b"link", offer, ready=True, got=Got(2**40, 2_974_964)),
        "epoch before": Content(Kind.TEXT, 44, b"body", got=Got(0, 2_974_999), floor=9, past=past),
        "receipt": Content(Kind.RECEIPT, 2**63 - 1, b"", got=Got(256, 2**32 - 1)),
    }
    return [
        {
            "id": name,
            "comment": "CBOR before padding; got, floor and past are explained in pyml/kdac/places.py",
            "flags": [],
            "type": content.kind.value,
            "seq": content.sequence,
            "body": content.body.hex(),
            "offer": None if content.offer is None else content.offer.hex(),
            "ready": content.ready,
            "got": content.got,
            "floor": content.floor,
            "past": content.past,
            "result": content.encode().hex(),
        }
        for name, content in cases.items()
    ]


def paper_vectors() -> list[dict[str, Any]]:
    """The paper to the letter."""
    found: list[dict[str, Any]] = []
    for number, moment in enumerate(TIMES_MS):
        a, b = made(f"paper a {number}"), made(f"paper b {number}")
        x_a, x_b = made(f"paper xa {number}"), made(f"paper xb {number}")
        seed = paper.seed_64(x_a, x_b)
        derived = paper.derive_public(public_of(b), seed, moment)
        found.append(
            {
                "id": f"paper-{number}",
                "comment": "A writes to B",
                "flags": ["unsafe"],
                "k_A": a.hex(),
                "k_B": b.hex(),
                "x_A": x_a.hex(),
                "x_B": x_b.hex(),
                "t_ms": str(moment),
                "x": seed.hex(),
                "k_Bt": paper.derive_private(b, seed, moment).hex(),
                "K_Bt": derived.hex(),
                "result": paper.session_key(a, derived).hex(),
            }
        )
    return found


def main() -> None:
    """Write both files."""
    comment = "Made by scripts/regenerate_kdac_vectors.py; bytes are hexadecimal."
    protocol = {"derivations": derivations(), "epochs": epochs(), "messages": messages(), "contents": contents()}
    write(FOLDER / "kdac_v1.json", protocol, comment)
    write(FOLDER / "kdac_paper.json", {"vectors": paper_vectors()}, comment)


def write(path: Path, content: dict[str, Any], comment: str) -> None:
    """As the other vectors are written."""
    write_atomically(path, json.dumps({"comment": comment, **content}, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
