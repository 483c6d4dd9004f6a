"""The addresses at which one friend's next messages may arrive, and the keys kept for those of past epochs.

Source: specification, sections 1.3, 1.5 and 1.6. A receiver announces addresses ahead: for each epoch and slot the
counters that have not come, up to some beyond the highest that has. Each opens one message, once. Slots stay open
for ``HOLD_SLOTS``, because a relay that was cut off delivers late, or since the receiver was last connected, but no
longer than relays keep messages. When an epoch's seed goes, the keys of exactly those addresses stay that its sender
says it used and that have not come (``places.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pyml.crypto.scalars import public_of
from pyml.errors import IntegrityError
from pyml.kdac.derivation import (
    MAX_COUNTER,
    Direction,
    derive_private,
    tag_of,
)
from pyml.kdac.places import IN_FLIGHT, MAX_SKIPPED, PastPlace

HOLD_SLOTS: Final = 36
"""Six hours: how long a slot stays open although its receiver is connected."""
RETENTION_SLOTS: Final = 1008
"""A week: how long relays keep what nobody fetched."""
RECENT_SLOTS: Final = 2
LOOKAHEAD: Final = IN_FLIGHT + 1
"""Addresses beyond the highest counter received; one in an older slot in which nothing has been."""


@dataclass(frozen=True, slots=True, repr=False)
class Expected:
    """An address: its moment, k_t, K_t and, once its epoch is past, the message's key."""

    epoch: int
    slot: int
    counter: int
    derived_private: bytes
    derived: bytes
    message_key: bytes | None = None
    last: int = 0
    """Once its epoch is past: the highest number in its place."""


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
        self.forget(start)
        for epoch, seed in seeds.items():
            for slot in range(max(start, first_slots.get(epoch, start) - 1), now + 2):
                self._extend(epoch, seed, slot, recent=slot >= now - RECENT_SLOTS)

    def forget(self, start: int) -> None:
        """Close the slots before one."""
        for tag in [tag for tag, held in self.live.items() if held.slot < start]:
            del self.live[tag]
        for tag in [tag for tag, held in self.skipped.items() if held.slot < start]:
            del self.skipped[tag]
        for place in [place for place in self._received if place[1] < start]:
            del self._received[place]
        for place in [place for place in self._made if place[1] < start]:
            del self._made[place]

    def consume(self, tag: bytes) -> None:
        """An address has served: it never opens anything again."""
        self.skipped.pop(tag, None)
        held = self.live.pop(tag, None)
        if held is not None:
            place = held.epoch, held.slot
            self._received[place] = self._received.get(place, 0) | 1 << held.counter

    def require_bounded(self, epoch: int, past: tuple[PastPlace, ...]) -> None:
        """``IntegrityError`` if a friend wrote further ahead than friends do: its message changes nothing then."""
        missing = len(self.skipped)
        for slot, count, _ in past:
            mask = self._received.get((epoch, slot), 0)
            if mask.bit_length() > count:
                raise IntegrityError(
                    "a friend says that it wrote less than has come", expected=mask.bit_length(), got=count
                )
            missing += count - mask.bit_count()
        if missing > MAX_SKIPPED:
            expected = f"at most {MAX_SKIPPED}"
            raise IntegrityError("a friend wrote too far ahead in an epoch", expected=expected, got=missing)

    def retire(self, epoch: int, seed: bytes, past: tuple[PastPlace, ...]) -> list[tuple[bytes, Expected]]:
        """Take all addresses of an epoch out; those at which something may still come, by what its sender says."""
        found = list[tuple[bytes, Expected]]()
        for slot, count, last in past:
            mask = self._received.get((epoch, slot), 0)
            for counter in range(count):
                if not mask >> counter & 1:
                    tag, held = self._address(epoch, seed, slot, counter)
                    found.append((tag, replace(held, last=last)))
        for table in (self._made, self._received):
            for place in [place for place in table if place[0] == epoch]:
                del table[place]
        self.live = {tag: held for tag, held in self.live.items() if held.epoch != epoch}
        return found

    def settle(self, low: int) -> None:
        """Forget the keys of places all of whose messages have come, some of them at other addresses."""
        for tag in [tag for tag, held in self.skipped.items() if held.last < low]:
            del self.skipped[tag]

    def _extend(self, epoch: int, seed: bytes, slot: int, *, recent: bool) -> None:
        mask = self._received.get((epoch, slot), 0)
        ahead = self._lookahead if recent or mask else 1  # the first of a place goes alone
        made, wanted = self._made.get((epoch, slot), 0), min(mask.bit_length() + ahead, MAX_COUNTER)
        for counter in range(made, wanted):
            if not mask >> counter & 1:
                tag, held = self._address(epoch, seed, slot, counter)
                self.live[tag] = held
        self._made[epoch, slot] = max(made, wanted)

    def _address(self, epoch: int, seed: bytes, slot: int, counter: int) -> tuple[bytes, Expected]:
        derived_private = derive_private(self._key, seed, self._direction, slot, counter)
        derived = public_of(derived_private)
        return tag_of(derived), Expected(epoch, slot, counter, derived_private, derived)
