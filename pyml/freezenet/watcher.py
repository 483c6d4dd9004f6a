"""What anybody may do for a round, as pure steps: fix its beacon, enrol what was accepted, settle, cancel, collect.

None of it needs trust or brings anything in; a round in which every miner is asleep still ends as it should.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyml.freezenet.miner import BEACON_BLOCKS
from pyml.freezenet.registries import Entry, Phase, Round, Status, Verdict
from pyml.freezenet.steps import Finish, Send, Step, Wait


@dataclass(frozen=True, slots=True)
class Seen:
    """What the chain shows of a round."""

    block: int
    task: int
    number: int
    round: Round
    entries: Mapping[str, tuple[Entry, Verdict]]
    """By miner, of all who committed."""


def next_step(seen: Seen, *, acts: bool) -> Step:
    """What to do now; without ``acts``, only wait for the end."""
    opened, place, phase = seen.round, (seen.task, seen.number), seen.round.phase(seen.block)
    if opened.status != Status.OPEN:
        due = next((miner for miner, (entry, _) in seen.entries.items() if _is_due(entry, opened.status)), None)
        if acts and due is not None:
            return Send("rounds", "collect", (*place, due))
        return Finish("settled" if opened.status == Status.SETTLED else "cancelled")
    if not acts:
        return Wait(seen.block + 1, "the round goes on")
    if _can_cancel(opened, phase):
        return Send("rounds", "cancel", place)
    if phase is None:
        return Send("rounds", "settle", place)
    if phase == Phase.COMMIT and not opened.beacon_fixed:
        return Send("rounds", "reopen" if seen.block + 1 > opened.opened_block + BEACON_BLOCKS else "fixBeacon", place)
    if phase == Phase.ENROL:
        for miner, (entry, verdict) in seen.entries.items():
            if entry.revealed and not entry.enrolled and not entry.closed and verdict == Verdict.ACCEPTED:
                return Send("rounds", "enrol", (*place, miner))
    return Wait(seen.block + 1, f"the {phase.name.lower()} phase")


def _can_cancel(opened: Round, phase: Phase | None) -> bool:
    if opened.commitments == 0:
        return phase != Phase.COMMIT
    return phase not in (Phase.COMMIT, Phase.TEST) and not opened.test_revealed


def _is_due(entry: Entry, status: Status) -> bool:
    """Whether a miner's part of an ended round still lies there."""
    return not entry.closed and (entry.enrolled if status == Status.SETTLED else not entry.revealed)
