"""The paper's forwarding to the letter: for each message, derive and compare for every user. For comparison only.

Source: paper, section III-D ("the key derivation algorithm is used for efficient comparison and screening to determine
the initial public key of the message recipient"). Heartbeats hand the relay each user's long-term key K and the hashed
seeds x_t, so it also learns who everybody is, which the table of proved tags does not need.
"""

from __future__ import annotations

from pyml.crypto.scalars import multiply_point


class PaperResolver:
    """Linear in the number of users: 10⁶ of them take some 20 s a message."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._users: dict[bytes, tuple[int, dict[bytes, int]]] = {}

    def __len__(self) -> int:
        return len(self._users)

    def expose(self, public: bytes, scalar: bytes, slot: int, user: int) -> bool:
        """Record a heartbeat's long-term key and hashed seed; ``False`` if there is no room."""
        if public not in self._users and len(self._users) >= self._capacity:
            return False
        scalars = self._users[public][1] if public in self._users else {}
        scalars[scalar] = slot
        self._users[public] = user, scalars
        return True

    def resolve(self, slot: int, derived: bytes) -> int | None:  # noqa: ARG002 the paper has no slots
        """Derive for every user until one fits."""
        for public, (user, scalars) in self._users.items():
            for scalar in scalars:
                if multiply_point(public, scalar) == derived:
                    return user
        return None

    def expire(self, before: int) -> int:
        """Forget hashed seeds announced before a slot; how many went."""
        gone = 0
        for public, (user, scalars) in list(self._users.items()):
            kept = {scalar: slot for scalar, slot in scalars.items() if slot >= before}
            gone += len(scalars) - len(kept)
            if kept:
                self._users[public] = user, kept
            else:
                del self._users[public]
        return gone
