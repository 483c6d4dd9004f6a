"""What a member shows when it is disputed, or when bytes of it are demanded.

Everything is computed again from what was posted: an accused needs no secret and no memory. How a dispute goes is in
docs/deepchain-disputes.md; a member that computed as it should justifies every step.
"""

from __future__ import annotations

from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.agent import Sends
from pyml.deepchain.contents import number_tree
from pyml.deepchain.records import Demand, Dispute, Element, Turn
from pyml.deepchain.statement import Statement, statement_of
from pyml.deepchain.trace import Origin, Trace, justify, run
from pyml.deepchain.view import View
from pyml.errors import InputError
from pyml.store.blobs import BlobStore


class Accused:
    """Answers for one account."""

    def __init__(self, sends: Sends, blobs: BlobStore, key: ThresholdKey) -> None:
        self._sends = sends
        self._blobs = blobs
        self._key = key
        self._prepared: dict[int, tuple[Statement, Trace]] = {}

    def answer(self, view: View, dispute: Dispute) -> bool:
        """Make the turn that is due; ``False`` if it cannot be made."""
        prepared = self._prepare(view, dispute)
        if prepared is None:
            return False
        statement, trace = prepared
        disputes, account, number = self._sends.contracts.disputes, self._sends.account, dispute.number
        match dispute.turn:
            case Turn.TRACE:
                return self._sends.attempt("trace", lambda: disputes.trace(number, trace.root, account=account))
            case Turn.OPEN:
                levels = min(disputes.levels_at_once(), trace.program.depth - dispute.depth)
                shown = descendants(trace, dispute.depth, dispute.position, levels)
                return self._sends.attempt("open", lambda: disputes.open(number, shown, account=account))
            case Turn.JUSTIFY:
                step = justification(statement, trace, dispute.position)
                return self._sends.attempt("justify", lambda: disputes.justify(number, step, account=account))
            case _:
                return False

    def serve(self, view: View, demand: Demand) -> bool:
        """Show a number that is demanded; ``False`` where its bytes are lost."""
        statement = statement_of(view, self._blobs, self._key, demand.subject, demand.accused)
        if statement is None or not statement.finding.numbers:
            return False
        numbers = statement.finding.numbers
        if demand.index == len(numbers):
            shown = Element(statement.proof_bytes())
        else:
            path = number_tree(self._key, numbers).path(demand.index)
            shown = Element(self._key.public.residue(numbers[demand.index]), path)
        serve, account = self._sends.contracts.evidence.serve, self._sends.account
        return self._sends.attempt("serve", lambda: serve(demand.number, statement.submission, shown, account=account))

    def trace(self, statement: Statement) -> Trace:
        """All states of the verification."""
        return run(statement.program())

    def _prepare(self, view: View, dispute: Dispute) -> tuple[Statement, Trace] | None:
        """A trace is computed once a dispute: it is what a whole verification costs."""
        if dispute.number not in self._prepared:
            statement = statement_of(view, self._blobs, self._key, dispute.subject, dispute.party)
            if statement is None or statement.finding.proof is None:
                return None
            self._prepared[dispute.number] = (statement, self.trace(statement))
        return self._prepared[dispute.number]


def descendants(trace: Trace, depth: int, position: int, levels: int) -> list[bytes]:
    """The 2^levels nodes that a node at a depth below the root is made of."""
    level = trace.program.depth - depth - levels
    if level < 0:
        raise InputError("a trace has no nodes so deep", got=(depth, levels))
    first = position << levels
    return list(trace.tree.levels[level][first : first + (1 << levels)])


def justification(statement: Statement, trace: Trace, place: int) -> tuple[object, ...]:
    """``IDisputes.Justification`` of a step, as the contract takes it."""
    shown, source = justify(trace, place), trace.program.step(place).source
    residue = statement.key.public.residue
    if source.origin is Origin.STATE:
        operand = Element(residue(shown.operand), shown.state_path)
    else:
        operand = statement.number(source)
    return (
        statement.submission.as_tuple(),
        statement.proof_bytes(),
        residue(shown.before),
        residue(shown.after),
        list(shown.path),
        statement.modulus(trace.program.modulus).as_tuple(),
        operand.as_tuple(),
    )
