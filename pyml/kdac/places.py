"""What a sender remembers of where it has written, until the receiver has confirmed it: so that no epoch ends too soon.

Source: an addition to specification, section 1.6; Signal's Double Ratchet sends the length of the previous chain (PN)
for the same purpose. A place is an epoch and a slot, and its counters begin with 0. Each message says, inside the
ciphertext, how many addresses its sender has used in each place of the epoch before that is not confirmed; the receiver
keeps exactly the missing keys when it erases that epoch's seed. Each message also confirms: the lowest number that has
not come, and the first slot in which its sender still listens. Bounds, between friends who keep to them:

    WINDOW        numbers beyond the lowest unconfirmed one: later messages stay in the sender's queue
    UNCONFIRMED   messages unconfirmed when an epoch ends, in at most MAX_PLACES places: the epoch goes on until then
    IN_FLIGHT     messages sealed and not yet acknowledged by a relay; of a place's messages the first goes alone

An address is lost for good, and its message sealed elsewhere, only while its message is in flight, so at most
``IN_FLIGHT`` of a place are: a receiver that looks one further ahead than that always sees the next that has come, and
never keeps more than ``MAX_SKIPPED`` keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pyml.kdac.replay import WINDOW

IN_FLIGHT: Final = 16
UNCONFIRMED: Final = 64
MAX_PLACES: Final = 8
MAX_SKIPPED: Final = UNCONFIRMED + MAX_PLACES * IN_FLIGHT


class Place(NamedTuple):
    """How many addresses were used in a place, and the numbers of the messages there."""

    used: int
    first: int
    last: int


class PastPlace(NamedTuple):
    """A place of the epoch before, as its sender tells: all numbers up to ``last`` have come when it is over."""

    slot: int
    used: int
    last: int


@dataclass(slots=True)
class SentPlaces:
    """Changed by ``Channel`` only. ``confirmed`` is the lowest number that the friend does not have."""

    places: dict[tuple[int, int], Place] = field(default_factory=dict[tuple[int, int], Place])
    confirmed: int = 0
    _open_from: int = field(default=0, init=False)
    _lowest: int | None = field(init=False)
    _told: tuple[int, tuple[PastPlace, ...]] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._lowest = min((held.first for held in self.places.values()), default=None)

    def note(self, epoch: int, slot: int, counter: int, number: int) -> None:
        """An address is used."""
        at = epoch, slot
        _, first, last = self.places.get(at) or (0, number, number)
        self.places[at] = Place(counter + 1, min(first, number), max(last, number))
        if self._lowest is None or number < self._lowest:
            self._lowest = number

    def confirm(self, low: int, open_from: int, sequence: int) -> None:
        """The friend has every number below ``low`` and does not listen in slots before ``open_from`` any more."""
        if low <= self.confirmed and open_from <= self._open_from:
            return
        self.confirmed, self._open_from = max(self.confirmed, min(low, sequence)), max(self._open_from, open_from)
        over = [at for at, held in self.places.items() if held.last < self.confirmed or at[1] < open_from]
        for at in over:
            del self.places[at]
        if over:
            self.__post_init__()
            self._told = None

    def floor(self, sequence: int) -> int:
        """The lowest number that may still come: those below have, or are lost for good."""
        return max(self.confirmed, sequence if self._lowest is None else self._lowest)

    def has_room(self, sequence: int) -> bool:
        """Whether the next number is within the receiver's window."""
        return sequence - self.floor(sequence) < WINDOW

    def may_end_epoch(self, sequence: int) -> bool:
        """Whether what is on its way is little enough for the receiver to keep keys for."""
        return sequence - self.floor(sequence) <= UNCONFIRMED and len(self.places) <= MAX_PLACES

    def past(self, epoch: int) -> tuple[PastPlace, ...]:
        """The unconfirmed places of an epoch that is over, oldest first."""
        if self._told is not None and self._told[0] == epoch:
            return self._told[1]
        found = sorted((slot, held) for (of, slot), held in self.places.items() if of == epoch)
        self._told = epoch, tuple(PastPlace(slot, held.used, held.last) for slot, held in found)
        return self._told[1]
