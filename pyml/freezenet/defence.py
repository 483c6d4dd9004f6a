"""What a miner owes to those who doubt its solution: served leaves, and its turns in disputes, as pure steps.

A miner who computed as it should has an answer to everything, and only has to be there in time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyml.freezenet.challenges import Case, Demand
from pyml.freezenet.dispute import DisputeCase, miner_move
from pyml.freezenet.leaf_demands import serve_leaves
from pyml.freezenet.solution import Content
from pyml.freezenet.steps import Send

Known = Callable[[int], DisputeCase]
"""What the miner knows of a sample, by its index."""


def next_answer(
    miner: str, block: int, *, disputes: Sequence[Case], demands: Sequence[Demand], content: Content, known: Known
) -> Send | None:
    """The first answer that is due; ``None`` if nobody waits for one."""
    for demand in demands:
        if demand.miner == miner and demand.open and not demand.is_late(block):
            return serve_leaves(content, demand.number, row=demand.row)
    for case in disputes:
        if case.dispute.miner != miner or case.is_over:
            continue
        if case.is_late(block):
            if case.dispute.turn.challengers:
                return Send("optimistic", "claimTimeout", (case.number,))
        elif case.dispute.turn.miners:
            return miner_move(known(case.dispute.sample), case.number, case.dispute)
    return None


def withdrawal(rounds: int, optimistic: int, demands: int) -> Send | None:
    """Takes out what lies at one of the contracts that keep value, given what does at each, in wei."""
    if rounds:
        return Send("rounds", "withdraw", ())
    if optimistic:
        return Send("optimistic", "withdraw", ())
    return Send("demands", "withdraw", ()) if demands else None
