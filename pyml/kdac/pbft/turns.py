"""How long a leader is waited for: the time of its turn, less if it let its last ones pass.

The paper's polling gives every n-th turn to a replica that is down, for good; the full time for each would be most of
what one faulty replica costs. So the turn of a leader that let one pass is an eighth as long, and a sixty-fourth from
the second in a row on. None of this is a vote: it moves one replica's own timer, is not on disk, and what may be
proposed, prepared or committed does not depend on it.

Nobody can keep a correct leader short:

- Only one's own timer counts against a leader, and only with the leader's turn begun. Round changes of others, f + 1
  of them too, count for nothing here, so that no f replicas can have anybody suspected by talking. They can by hiding
  payloads from a leader, which then has nothing to propose; the first payload of anybody else ends that.
- A proposal in time clears its leader. A proposal that comes late, however late, clears it too if its turn was one of
  those cut short: the lateness may be ours. So once messages arrive within the time of a full turn, a correct leader
  that has something to propose gets a full turn again, soon after the first that it was not given.
- A full turn that was missed is not excused by a proposal that came after it. So a leader that is late on purpose gets
  the full time for every second turn at most, and would hold others up longer by being just in time, which no timer
  can forbid.
- Turns from the second time round the leaders on (rounds n and more of a height) are full for everybody: ``consensus``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

SHORTER: Final = 8
"""By how much each missed turn shortens the next one."""
MAX_SHORTENINGS: Final = 2


@dataclass(frozen=True, slots=True)
class Missed:
    """Turns that a leader let pass, one after the other, and the height of the first, which was full."""

    count: int
    height: int


@dataclass(frozen=True, slots=True)
class Turns:
    """``missed``: by replica, those that have not been heard since."""

    missed: Mapping[int, Missed] = field(default_factory=dict[int, Missed])

    def is_short(self, leader: int) -> bool:
        return leader in self.missed

    def time_for(self, leader: int, full_ms: int) -> int:
        """How long to wait for a leader whose turn would be ``full_ms`` long without any doubt about it."""
        missed = self.missed.get(leader)
        shortenings = min(missed.count, MAX_SHORTENINGS) if missed is not None else 0
        return max(1, full_ms // SHORTER**shortenings)

    def let_pass(self, leader: int, height: int) -> Turns:
        """After a turn in which nothing came."""
        missed = self.missed.get(leader, Missed(0, height))
        return Turns({**self.missed, leader: Missed(missed.count + 1, missed.height)})

    def used(self, leader: int) -> Turns:
        """After a proposal in time."""
        return self._without(leader) if leader in self.missed else self

    def heard_late(self, leader: int, height: int) -> Turns:
        """After a proposal for a turn that is over."""
        missed = self.missed.get(leader)
        return self._without(leader) if missed is not None and height > missed.height else self

    def _without(self, leader: int) -> Turns:
        return Turns({replica: missed for replica, missed in self.missed.items() if replica != leader})
