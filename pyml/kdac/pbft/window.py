"""Which payloads the last blocks had, by leaf, so that none is ordered twice.

A fixed number of pieces, each of the same number of blocks, cut at fixed heights: what is in it depends on nothing but
the blocks, is the same at every replica, and is changed by copying one piece. Acceptance of a block depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

PIECES: Final = 16
"""Full pieces that are kept beside the one that grows."""


@dataclass(frozen=True, slots=True)
class Window:
    """At least the last ``blocks`` blocks, and less than a sixteenth more than them and one."""

    blocks: int
    pieces: tuple[Mapping[bytes, int], ...] = ()
    """Heights by leaf; oldest first, the last one grows."""

    @property
    def piece_blocks(self) -> int:
        return -(-self.blocks // PIECES)

    def add(self, height: int, leaves: Iterable[bytes]) -> Window:
        """With the block of the next height."""
        new = dict.fromkeys(leaves, height)
        if (height - 1) % self.piece_blocks == 0 or not self.pieces:
            return Window(self.blocks, (*self.pieces[-PIECES:], new))
        return Window(self.blocks, (*self.pieces[:-1], {**self.pieces[-1], **new}))

    def height_of(self, leaf: bytes) -> int | None:
        """Where a payload was ordered; ``None`` if that was not within the window."""
        return next((piece[leaf] for piece in self.pieces if leaf in piece), None)

    def has_any(self, leaves: Iterable[bytes]) -> bool:
        return any(leaf in piece for leaf in leaves for piece in self.pieces)
