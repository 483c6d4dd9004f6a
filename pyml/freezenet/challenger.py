"""A challenger's part in a round, as pure steps: examine solutions, dispute what is false, demand what is hidden.

A challenger bonds nothing unless it has found a sample that a miner falsely claims; then it can name the first
difference in every turn, so its bond comes back with half of the miner's. One challenge of a solution is enough. What
it has found is in its journal; which disputes and demands are its own, it reads from the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pyml.freezenet.architecture import Architecture
from pyml.freezenet.challenges import Case, Demand
from pyml.freezenet.dispute import DisputeCase, challenge, challenger_move
from pyml.freezenet.leaf_demands import demand_leaves, rows_of
from pyml.freezenet.registries import Phase, Revealed, Round, Status
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work

EXAMINE = "examine "
"""Begins the name of the work on a miner's solution; the miner's address follows."""
FEE_MARGIN = 2
"""Times the least fee, because the base fee may rise before the demand is mined."""

Verdict = Literal["fine", "false", "hidden"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of examining a solution: ``sample`` is one that it falsely claims."""

    verdict: Verdict
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the chain shows to a challenger."""

    block: int
    task: int
    number: int
    round: Round
    open: Sequence[Revealed]
    """Solutions whose bonds are not decided yet."""
    disputes: Sequence[Case]
    demands: Sequence[Demand]
    fee: int
    """Least fee for demanding a row of leaves."""
    hidden: frozenset[str]
    """Miners of whom leaves were not shown in time."""
    withdrawal: Send | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a challenger has found, by miner, and what it knows of their samples."""

    challenger: str
    architecture: Architecture
    findings: Mapping[str, Finding]
    case_of: Callable[[Revealed, int], DisputeCase]


def next_step(known: Known, seen: Seen) -> Step:
    """What to do now."""
    if seen.round.status != Status.OPEN:
        return _to_leave(known, seen)
    for revealed in seen.open:
        step = _about(known, seen, revealed)
        if step is not None:
            return step
    phase = seen.round.phase(seen.block)
    if phase is None:
        return Send("rounds", "settle", (seen.task, seen.number)) if seen.round.test_revealed else _cancel(seen)
    if phase in (Phase.COMMIT, Phase.TEST):
        return Wait(seen.round.last_block(Phase.TEST), "solutions are revealed")
    return Wait(seen.block + 1, f"the {phase.name.lower()} phase ends")


def _about(known: Known, seen: Seen, revealed: Revealed) -> Step | None:
    """What is to be done about one solution."""
    own = [case for case in seen.disputes if _is_ours(known, case, revealed)]
    for case in own:
        if not case.is_over:
            return _take_turn(known, seen, revealed, case)
    finding = known.findings.get(revealed.miner)
    if finding is None:
        return Work(EXAMINE + revealed.miner)
    in_time = seen.round.phase(seen.block) == Phase.CHALLENGE
    if finding.verdict == "false" and not own and in_time:
        return challenge(
            seen.task,
            seen.number,
            revealed.miner,
            sample=finding.sample,
            answers=revealed.answers,
            bond_wei=seen.round.miner_bond,
        )
    return _demand(known, seen, revealed) if finding.verdict == "hidden" else None


def _take_turn(known: Known, seen: Seen, revealed: Revealed, case: Case) -> Step | None:
    if case.is_late(seen.block):
        return Send("optimistic", "claimTimeout", (case.number,)) if case.dispute.turn.miners else None
    if case.dispute.turn.challengers:
        return challenger_move(known.case_of(revealed, case.dispute.sample), case.number, case.dispute, case.shown)
    return None


def _demand(known: Known, seen: Seen, revealed: Revealed) -> Step | None:
    """Rows of leaves one after the other: the first that is not shown is enough."""
    if revealed.miner in seen.hidden:
        return Send("optimistic", "rejectHidden", (seen.task, seen.number, revealed.miner))
    own = [each for each in seen.demands if (each.miner, each.demander) == (revealed.miner, known.challenger)]
    for demand in own:
        if demand.is_late(seen.block):
            return Send("demands", "claimUnserved", (demand.number,))
        if demand.open:
            return None
    asked = {demand.row for demand in own}
    row = next((row for row in rows_of(known.architecture) if row not in asked), None)
    if row is None:  # all of it was shown on chain
        return Work(EXAMINE + revealed.miner)
    if not _may_demand(seen):
        return None
    return demand_leaves(
        seen.task, seen.number, revealed.miner, known.architecture, row=row, fee_wei=FEE_MARGIN * seen.fee
    )


def _may_demand(seen: Seen) -> bool:
    """Demands are taken in the first half of the challenge phase."""
    first, last = seen.round.first_block(Phase.CHALLENGE), seen.round.last_block(Phase.CHALLENGE)
    return first <= seen.block + 1 <= last - (last + 1 - first) // 2


def _to_leave(known: Known, seen: Seen) -> Step:
    """Disputes that the round's end has left open are closed, and what is ours is taken out."""
    for case in seen.disputes:
        if case.dispute.challenger == known.challenger and case.is_late(seen.block) and case.dispute.turn.miners:
            return Send("optimistic", "claimTimeout", (case.number,))
    return seen.withdrawal or Finish("settled" if seen.round.status == Status.SETTLED else "cancelled")


def _cancel(seen: Seen) -> Send:
    return Send("rounds", "cancel", (seen.task, seen.number))


def _is_ours(known: Known, case: Case, revealed: Revealed) -> bool:
    return (case.dispute.challenger, case.dispute.miner) == (known.challenger, revealed.miner)
