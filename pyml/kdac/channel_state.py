"""What one side of a friendship remembers, and how it is written: deterministic CBOR, to be encrypted at rest."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from typing import Any, Final, cast

import cbor2

from pyml.crypto.scalars import is_compressed
from pyml.errors import InputError, IntegrityError
from pyml.kdac.derivation import SEED_BYTES, require_slot
from pyml.kdac.expected import Expected
from pyml.kdac.places import Place, SentPlaces
from pyml.kdac.ratchet import Ratchet
from pyml.kdac.replay import SequenceWindow

_VERSION: Final = 2


@dataclass(slots=True, repr=False)
class ChannelState:
    """Changed by ``Channel`` only."""

    friend: bytes
    ratchet: Ratchet
    open_from: int
    """First slot in which messages may still arrive."""
    slot: int
    """Of the last message sent, or when the friendship began."""
    counter: int = 0
    sequence: int = 0
    window: SequenceWindow = field(default_factory=SequenceWindow)
    received: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])
    skipped: dict[bytes, Expected] = field(default_factory=dict[bytes, Expected])
    sent: SentPlaces = field(default_factory=SentPlaces)
    heard: int = 0
    """Messages received since the last one sent."""
    taken: int = 0
    """Messages received."""

    @classmethod
    def begin(cls, friend: bytes, seed: bytes, slot: int) -> ChannelState:
        """A new friendship, with the seed of its first epoch."""
        if not is_compressed(friend) or len(seed) != SEED_BYTES:
            raise InputError("a friendship begins with a public key and a seed of 32 bytes")
        return cls(friend, Ratchet({1: seed}, first_slots={1: slot}), require_slot(slot) - 1, slot)

    def encode(self) -> bytes:
        """Everything, secrets included."""
        ratchet = self.ratchet
        fields: dict[str, Any] = {
            "version": _VERSION,
            "friend": self.friend,
            "open": self.open_from,
            "sent": [self.slot, self.counter, self.sequence],
            "window": [self.window.highest, self.window.mask],
            "received": [[*place, mask] for place, mask in self.received.items()],
            "skipped": [[tag, *astuple(held)] for tag, held in self.skipped.items()],
            "places": [[*at, *place] for at, place in self.sent.places.items()],
            "progress": [self.sent.confirmed, self.heard, self.taken],
            "seeds": ratchet.seeds,
            "ratchet": [ratchet.sending, ratchet.first_slots, ratchet.carried, ratchet.offer, ratchet.offer_secret],
        }
        return cbor2.dumps(fields)

    @classmethod
    def decode(cls, content: bytes) -> ChannelState:
        """The inverse, of bytes that a store has authenticated; ``IntegrityError`` if they are of another program."""
        try:
            fields = cast("dict[str, Any]", cbor2.loads(content))
            if fields["version"] != _VERSION:
                raise ValueError("another version")
            confirmed, heard, taken = fields["progress"]
            places = {(epoch, slot): Place(*held) for epoch, slot, *held in fields["places"]}
            return cls(
                fields["friend"],
                Ratchet(fields["seeds"], *fields["ratchet"]),
                fields["open"],
                *fields["sent"],
                window=SequenceWindow(*fields["window"]),
                received={(epoch, slot): mask for epoch, slot, mask in fields["received"]},
                skipped={tag: Expected(*held) for tag, *held in fields["skipped"]},
                sent=SentPlaces(places, confirmed),
                heard=heard,
                taken=taken,
            )
        except (cbor2.CBORError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise IntegrityError("a friendship's state cannot be read", hint="Invite the friend again.") from error
