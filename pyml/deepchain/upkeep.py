"""Which calls are due that anybody may make: collecting, appending, expiring, settling, paying out.

Every role makes those it has an interest in. A call that another made first is refused by the contract and changes
nothing, so nobody needs to know who will. Beginning is left to the sponsor, who knows for how many workers to wait
(``is_ready``). Pure: from a view to the name of a call and its arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.deepchain.records import Clock, Phase, Subject, Turn
from pyml.deepchain.view import View


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one of the contracts."""

    contract: str
    """``trading``, ``processing``, ``disputes`` or ``evidence``."""
    function: str
    arguments: tuple[int, ...]


def due_calls(view: View) -> tuple[Call, ...]:
    """Everything that is due in the next block, in order."""
    return (*_overdue(view), *_phase_calls(view))


def claims(view: View, account: str) -> tuple[Call, ...]:
    """What pays an account out, once the group is over."""
    if view.clock.phase is not Phase.OVER:
        return ()
    party, worker = view.party_of(account), view.worker_of(account)
    found: list[Call] = []
    if party is not None and ("party", party) not in view.history.claimed:
        found.append(Call("trading", "claim", (view.group, party)))
    if worker is not None and ("worker", worker) not in view.history.claimed:
        found.append(Call("processing", "claim", (view.group, worker)))
    return tuple(found)


def is_ready(view: View, workers: int) -> bool:
    """Whether every member has joined, and so many workers enlisted."""
    return view.history.joined == (1 << view.clock.parties) - 1 and len(view.history.workers) >= workers


def _overdue(view: View) -> tuple[Call, ...]:
    """Turns of disputes and demands that were missed."""
    late = view.next_block
    turns = [
        each
        for each in view.disputes
        if each.turn is not Turn.OVER and (late > each.deadline or not _is_accusable(view, each.subject, each.party))
    ]
    unserved = [each for each in view.demands if late > each.deadline]
    return (
        *(Call("disputes", "claimTimeout", (each.number,)) for each in turns),
        *(Call("evidence", "claimUnserved", (each.number,)) for each in unserved),
    )


def _is_accusable(view: View, subject: Subject, party: int) -> bool:
    """Whether the member has not been convicted by another meanwhile."""
    mask = view.masks.submitted if subject is Subject.GRADIENTS else view.masks.shared
    return bool(mask >> party & 1)


def _phase_calls(view: View) -> tuple[Call, ...]:
    clock, group = view.clock, (view.group,)
    match clock.phase:
        case Phase.COLLECTING if _passed(view, 2):
            return (Call("trading", "collect", group),)
        case Phase.DECRYPTING if _passed(view, 2) and not view.block.pending:
            return (Call("trading", "settle", group),)
        case Phase.AGGREGATING:
            return _block_calls(view)
        case _:
            return ()


def _passed(view: View, place: int) -> bool:
    """Whether a deadline of the phase is over, and nothing holds it."""
    return view.next_block > view.deadlines[place] and view.clock.pending == 0


def _block_calls(view: View) -> tuple[Call, ...]:
    group, block = (view.group,), view.block
    if view.draw is None:
        return (Call("processing", "expire", group),)  # too few workers are left: the round is run again
    if view.next_block <= view.block_deadlines[0] or (view.is_posted and block.pending):
        return ()
    if view.is_posted and is_signed(view) and view.next_block <= view.block_deadlines[1]:
        return (Call("processing", "append", group),)
    return (Call("processing", "expire", group),)


def is_signed(view: View) -> bool:
    """Whether more than two thirds of the committee signed."""
    return 3 * view.block.signed.bit_count() > 2 * view.block.committee.bit_count()


def is_open(clock: Clock) -> bool:
    """Whether the group still trains."""
    return clock.phase in (Phase.COLLECTING, Phase.AGGREGATING, Phase.DECRYPTING)
