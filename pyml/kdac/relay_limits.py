"""What one client, and all of them, may take of a relay; and the buckets that measure it.

Source: specification, section 2 ("idle timeout; quotas; bounded memory"). Every structure of a relay that a stranger
can make grow has its bound here or in ``wire.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from pyml.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Counts are for the whole relay unless their name says otherwise."""

    connections: int = 10_000
    connections_per_address: int = 200
    live_tags: int = 4_000_000
    resumable: int = 10_000
    """Users that may come back without announcing again."""
    resumable_tags: int = 2_000
    """Of one of them; who has more announces again."""
    held_messages: int = 1_000_000
    unordered: int = 4_000
    """Messages that wait for their order."""
    unacknowledged_per_connection: int = 512
    frames_per_second: float = 200.0
    """Of one connection, with a burst of ten seconds."""
    bytes_per_second: float = 1_000_000.0
    tags_per_second: float = 50.0
    """Announcements cost a signature check each; the burst is ``tags_burst``."""
    tags_burst: float = 20_000.0
    idle_s: float = 90.0
    open_s: float = 10.0

    def __post_init__(self) -> None:
        for item in fields(self):
            if getattr(self, item.name) <= 0:
                raise ConfigError(f"the relay's limit {item.name} is not positive", got=getattr(self, item.name))


class TokenBucket:
    """A rate with a burst. Time is given, in seconds."""

    __slots__ = ("_burst", "_last", "_left", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._left, self._last = rate, burst, burst, now

    def take(self, amount: float, now: float) -> bool:
        """Whether so much may be taken now; if so it is."""
        self._left = min(self._burst, self._left + max(0.0, now - self._last) * self._rate)
        self._last = now
        if amount > self._left:
            return False
        self._left -= amount
        return True
