"""Which numbers have been seen: a window that moves forward, one bit a number, of bounded size.

Source: RFC 4303, section 3.4.3 (anti-replay window); specification, section 1.5.
"""

from __future__ import annotations

from typing import Final, NamedTuple

WINDOW: Final = 1024
_ALL: Final = (1 << WINDOW) - 1


class SequenceWindow(NamedTuple):
    """``mask`` has bit i set if ``highest - i`` was seen."""

    highest: int = -1
    mask: int = 0

    def is_new(self, number: int) -> bool:
        """Whether a number may still be accepted: not seen, and not so old that nobody knows."""
        behind = self.highest - number
        return number >= 0 and (behind < 0 or (behind < WINDOW and not self.mask >> behind & 1))

    def add(self, number: int) -> SequenceWindow:
        """The window after a number that is new."""
        ahead = number - self.highest
        if ahead > 0:
            kept = self.mask << ahead if ahead < WINDOW else 0
            return SequenceWindow(number, (kept | 1) & _ALL)
        return SequenceWindow(self.highest, self.mask | 1 << -ahead)

    @property
    def low(self) -> int:
        """The lowest number that has not come and still may."""
        unseen = ~self.mask & (1 << min(WINDOW, self.highest + 1)) - 1
        return self.highest + 1 - unseen.bit_length()

    def pass_below(self, floor: int) -> SequenceWindow:
        """The window after its sender has said that nothing below a number comes any more."""
        if floor > self.highest:
            return SequenceWindow(floor - 1, (1 << min(WINDOW, floor)) - 1)
        below = _ALL << self.highest + 1 - floor if floor > self.low else 0
        return SequenceWindow(self.highest, (self.mask | below) & (1 << min(WINDOW, self.highest + 1)) - 1)
