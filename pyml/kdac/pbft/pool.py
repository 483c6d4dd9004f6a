"""Payloads that wait for their order; immutable, and bounded for each replica that they came from.

A replica that floods the others fills its own share of their pools and nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pool:
    """``waiting``: by leaf, the payload and who brought it, in order of arrival."""

    limit: int
    """Payloads that one origin may have here."""
    limit_bytes: int
    waiting: Mapping[bytes, tuple[bytes, int]] = field(default_factory=dict[bytes, tuple[bytes, int]])
    shares: Mapping[int, tuple[int, int]] = field(default_factory=dict[int, tuple[int, int]])
    """Count and bytes for each origin."""

    def __len__(self) -> int:
        return len(self.waiting)

    def room(self, origin: int) -> tuple[int, int]:
        """Payloads and bytes that the origin may still bring."""
        count, size = self.shares.get(origin, (0, 0))
        return self.limit - count, self.limit_bytes - size

    def add(self, payloads: Iterable[tuple[bytes, bytes]], origin: int) -> Pool:
        """With those (leaf, payload) that are new and for which the origin has room."""
        waiting = dict(self.waiting)
        count, size = self.shares.get(origin, (0, 0))
        for leaf, payload in payloads:
            if leaf in waiting or count >= self.limit or size + len(payload) > self.limit_bytes:
                continue
            waiting[leaf] = (payload, origin)
            count, size = count + 1, size + len(payload)
        return Pool(self.limit, self.limit_bytes, waiting, {**self.shares, origin: (count, size)})

    def remove(self, leaves: Iterable[bytes]) -> Pool:
        """Without the payloads that have been ordered."""
        waiting, shares = dict(self.waiting), dict(self.shares)
        for leaf in leaves:
            found = waiting.pop(leaf, None)
            if found is not None:
                payload, origin = found
                count, size = shares[origin]
                shares[origin] = (count - 1, size - len(payload))
        return Pool(self.limit, self.limit_bytes, waiting, shares)

    def batch(self, limit: int, limit_bytes: int) -> tuple[bytes, ...]:
        """The oldest payloads, within both limits."""
        found, size = list[bytes](), 0
        for payload, _ in self.waiting.values():
            size += len(payload)
            if len(found) == limit or size > limit_bytes:
                break
            found.append(payload)
        return tuple(found)

    def of(self, origin: int) -> tuple[bytes, ...]:
        """The leaves that an origin brought, oldest first."""
        return tuple(leaf for leaf, (_, whose) in self.waiting.items() if whose == origin)
