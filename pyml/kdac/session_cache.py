"""Who receives at a derived key: one dictionary a slot, from tag to user.

Source: paper, section III-D and III-E.1 ("store it to the cache map with the user key as the key"); specification,
section 2. A lookup takes the time of two dictionary reads however many users there are, and a slot that is over goes as
a whole. A tag is one 16-byte string and a user one number that all of the user's tags share: see
``bench/results/kdac_lookup.json`` for what a million of them take. Tags come here with a proof of possession, so the
last announcement of one wins: it is its owner's, on a newer connection.
"""

from __future__ import annotations

from typing import Protocol

from pyml.kdac.derivation import tag_of


class Resolver(Protocol):
    """Finds the user that receives at a derived key."""

    def resolve(self, slot: int, derived: bytes) -> int | None: ...


class SessionCache:
    """At most ``capacity`` live tags."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._size = capacity, 0
        self._slots: dict[int, dict[bytes, int]] = {}

    def __len__(self) -> int:
        return self._size

    def owner(self, slot: int, tag: bytes) -> int | None:
        """Who announced a tag last."""
        tags = self._slots.get(slot)
        return None if tags is None else tags.get(tag)

    def announce(self, slot: int, tag: bytes, user: int) -> bool:
        """Record a proved tag; ``False`` if there is no room."""
        tags = self._slots.setdefault(slot, {})
        if tag not in tags:
            if self._size >= self._capacity:
                return False
            self._size += 1
        tags[tag] = user
        return True

    def resolve(self, slot: int, derived: bytes) -> int | None:
        """The user, or nobody."""
        return self.owner(slot, tag_of(derived))

    def expire(self, before: int) -> int:
        """Forget the slots before one; how many tags went."""
        old = [slot for slot in self._slots if slot < before]
        gone = sum(len(self._slots.pop(slot)) for slot in old)
        self._size -= gone
        return gone
