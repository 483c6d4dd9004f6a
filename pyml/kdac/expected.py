"""The addresses at which one friend's next messages may arrive, and the keys kept for those of past epochs.

Source: specification, sections 1.3, 1.5 and 1.6. A receiver announces addresses ahead: for each epoch and slot the
counters that have not come, up to some beyond the highest that has. Each opens one message, once. Slots stay open
for ``HOLD_SLOTS``, because a relay that was cut off delivers late, or since the receiver was last connected, but no
longer than relays keep messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyml.crypto.scalars import public_of
from pyml.kdac.derivation import (
    MAX_COUNTER,
    Direction,
    derive_private,
    tag_of,
)

HOLD_SLOTS: Final = 36
"""Six hours: how long a slot stays open although its receiver is connected."""
RETENTION_SLOTS: Final = 1008
"""A week: how long relays keep what nobody fetched."""
RECENT_SLOTS: Final = 2
LOOKAHEAD: Final = 4
"""Addresses beyond the highest counter received, in recent slots; one in older ones."""
MAX_SKIPPED: Final = 512
"""Keys kept for a friend's messages of past epochs."""


@dataclass(frozen=True, slots=True, repr=False)
class Expected:
    """An address: its moment, k_t, K_t and, once its epoch is past, the message's key."""

    epoch: int
    slot: int
    counter: int
    derived_private: bytes
    derived: bytes
    message_key: bytes | None = None


class ExpectedTable:
    """Tag → address, made as slots pass. ``received`` maps (epoch, slot) to a mask of the counters that have come."""

    def __init__(
        self,
        key: bytes,
        direction: Direction,
        received: dict[tuple[int, int], int],
        skipped: dict[bytes, Expected],
        *,
        lookahead: int = LOOKAHEAD,
    ) -> None:
        self._lookahead = lookahead
        self._key, self._direction, self._received, self.skipped = key, direction, received, skipped
        self.live: dict[bytes, Expected] = {}
        self._made: dict[tuple[int, int], int] = {}

    def __contains__(self, tag: bytes) -> bool:
        return tag in self.live or tag in self.skipped

    def find(self, tag: bytes) -> Expected | None:
        """The address of a tag."""
        return self.live.get(tag) or self.skipped.get(tag)

    def refresh(self, seeds: dict[int, bytes], first_slots: dict[int, int], now: int, open_from: int) -> None:
        """Make what is missing for the slots from ``open_from`` to the next, and forget what is older."""
        start = max(open_from, now - RETENTION_SLOTS)
        for tag in [tag for tag, held in self.live.items() if held.slot < start]:
            del self.live[tag]
        for tag in [tag for tag, held in self.skipped.items() if held.slot < start]:
            del self.skipped[tag]
        for place in [place for place in self._received if place[1] < start]:
            del self._received[place]
        for place in [place for place in self._made if place[1] < start]:
            del self._made[place]
        for epoch, seed in seeds.items():
            for slot in range(max(start, first_slots.get(epoch, start) - 1), now + 2):
                self._extend(epoch, seed, slot, self._lookahead if slot >= now - RECENT_SLOTS else 1)

    def consume(self, tag: bytes) -> None:
        """An address has served: it never opens anything again."""
        self.skipped.pop(tag, None)
        held = self.live.pop(tag, None)
        if held is not None:
            place = held.epoch, held.slot
            self._received[place] = self._received.get(place, 0) | 1 << held.counter

    def retire(self, epoch: int) -> Iterator[tuple[bytes, Expected]]:
        """Take all addresses of an epoch out, newest last."""
        for place in [place for place in self._made if place[0] == epoch]:
            del self._made[place]
        for place in [place for place in self._received if place[0] == epoch]:
            del self._received[place]
        found = sorted((held.slot, held.counter, tag) for tag, held in self.live.items() if held.epoch == epoch)
        for _, _, tag in found:
            yield tag, self.live.pop(tag)

    def skip(self, tag: bytes, held: Expected) -> None:
        """Keep an address of a past epoch, with its key; the oldest goes when there are too many."""
        self.skipped[tag] = held
        while len(self.skipped) > MAX_SKIPPED:
            del self.skipped[next(iter(self.skipped))]

    def _extend(self, epoch: int, seed: bytes, slot: int, ahead: int) -> None:
        mask = self._received.get((epoch, slot), 0)
        made, wanted = self._made.get((epoch, slot), 0), min(mask.bit_length() + ahead, MAX_COUNTER)
        for counter in range(made, wanted):
            if not mask >> counter & 1:
                derived_private = derive_private(self._key, seed, self._direction, slot, counter)
                derived = public_of(derived_private)
                self.live[tag_of(derived)] = Expected(epoch, slot, counter, derived_private, derived)
        self._made[epoch, slot] = max(made, wanted)
