"""Whoever recomputes what others posted, and makes those pay who posted something false.

Source: DeepChain, section 3, *auditability*: any party can audit encrypted gradients and decryption shares. Each fault
has one remedy, tried once: bytes that are missing are demanded; numbers and proofs of the wrong form, and wrong
products, are shown; a false proof is disputed, down to the step that cannot be justified.

``aggregates_only`` is what members and workers do anyway, since they multiply for themselves: the rest is left to those
who come for the bounty.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence

from pyml.crypto.big_integers import common_divisor, read_big
from pyml.crypto.proof_pk import vector_root
from pyml.crypto.threshold_key_codec import N_PLACE, N_SQUARED_PLACE
from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.agent import Sends
from pyml.deepchain.challenger_steps import (
    Examination,
    ExamineAggregate,
    ExamineVector,
    next_examination,
    own_turn,
)
from pyml.deepchain.contents import (
    Remedy,
    key_element,
    multiply,
    number_tree,
    posted_proof,
    read_ciphertexts,
    read_content,
    read_numbers,
)
from pyml.deepchain.records import Dispute, Element, Factor, Fault, Phase, Subject, members
from pyml.deepchain.statement import Statement, statement_of
from pyml.deepchain.trace import Trace, run
from pyml.deepchain.upkeep import due_calls
from pyml.deepchain.view import View
from pyml.store.blobs import BlobStore

log = logging.getLogger(__name__)


class Challenger:
    """Looks at everything once, and follows its disputes to the end."""

    def __init__(self, sends: Sends, blobs: BlobStore, key: ThresholdKey, *, aggregates_only: bool = False) -> None:
        self.blobs = blobs
        self.key = key
        self._sends = sends
        self._aggregates_only = aggregates_only
        self._done: set[Examination] = set()
        self._traces: dict[int, Trace] = {}

    def act(self, view: View) -> bool:
        """Do one thing that is due; whether anything was done."""
        account = self._sends.account.address
        dispute = own_turn(view, account)
        if dispute is not None and self.name(view, dispute):
            return True
        found = next_examination(
            view, self._done, aggregates_only=self._aggregates_only, own_party=view.party_of(account)
        )
        if found is None:
            return not self._aggregates_only and self._sends.upkeep(view, due_calls(view))
        self._done.add(found)
        if isinstance(found, ExamineVector):
            self.examine_vector(view, found)
        else:
            self._examine_aggregate(view, found)
        return True

    def is_done(self, view: View) -> bool:
        """Once the group is over and no dispute is left."""
        return view.clock.phase is Phase.OVER and not view.disputes and not view.demands

    # --- vectors ---

    def examine_vector(self, view: View, looked_at: ExamineVector) -> None:
        """Find what is wrong with a vector, and do about it what can be done."""
        statement = statement_of(view, self.blobs, self.key, looked_at.subject, looked_at.party)
        if statement is None:
            return
        remedy = statement.finding.remedy
        log.info(
            "round %d: %s of member %d: %s", looked_at.round, looked_at.subject.name, looked_at.party, remedy.value
        )
        match remedy:
            case Remedy.NONE:
                return
            case Remedy.DEMAND:
                self._demand(view, looked_at.subject, looked_at.party)
            case Remedy.ELEMENT:
                self._show_element(view, statement)
            case Remedy.PROOF_FORM:
                self._show_proof(view, statement)
            case Remedy.DISPUTE:
                self.dispute(view, looked_at)

    def dispute(self, view: View, looked_at: ExamineVector) -> None:
        """Bond that a proof is false."""
        disputes, account = self._sends.contracts.disputes, self._sends.account
        subject, party = looked_at.subject, looked_at.party
        self._sends.attempt("dispute", lambda: disputes.dispute(view.group, party, subject, account=account))

    def _demand(self, view: View, subject: Subject, party: int) -> None:
        """One element, or the proof, which counts as one more: which one, nobody can know before."""
        elements = view.terms.count + (subject is not Subject.AGGREGATE)
        index = secrets.randbelow(elements)
        evidence, account = self._sends.contracts.evidence, self._sends.account
        self._sends.attempt("demand", lambda: evidence.demand(view.group, subject, party, index, account=account))

    def _show_element(self, view: View, statement: Statement) -> None:
        place, numbers = statement.finding.place, statement.finding.numbers
        element = Element(self.key.public.residue(numbers[place]), number_tree(self.key, numbers).path(place))
        fault = self._fault(statement, numbers[place], squared=statement.subject is Subject.GRADIENTS)
        evidence, account = self._sends.contracts.evidence, self._sends.account
        self._sends.attempt(
            "proveMalformed",
            lambda: evidence.prove_malformed(
                view.group, statement.party, statement.subject, place, element, fault, account=account
            ),
        )

    def _show_proof(self, view: View, statement: Statement) -> None:
        proof = posted_proof(self.blobs, self.key, statement.submission, view.terms.count, statement.subject)
        if proof is None:
            return
        of_gradients, width = statement.subject is Subject.GRADIENTS, self.key.public.width
        first = read_big(proof[: 2 * width if of_gradients else width])
        limit = self.key.public.n_squared if of_gradients else self.key.public.n
        number, value = 0, first
        if 0 < first < limit and common_divisor(first, self.key.public.n) == 1:
            number, value = 1, read_big(proof[2 * width : 3 * width] if of_gradients else proof[width : 2 * width])
        fault = self._fault(statement, value, squared=of_gradients and number == 0)
        evidence, account = self._sends.contracts.evidence, self._sends.account
        self._sends.attempt(
            "proveMalformedProof",
            lambda: evidence.prove_malformed_proof(
                view.group, statement.party, statement.subject, number, proof, fault, account=account
            ),
        )

    def _fault(self, statement: Statement, number: int, *, squared: bool) -> Fault:
        """Why a number is malformed: not reduced, or with a cofactor that makes it vanish modulo n."""
        n = self.key.public.n
        limit, place = (self.key.public.n_squared, N_SQUARED_PLACE) if squared else (n, N_PLACE)
        if number >= limit:
            return Fault(statement.submission, key_element(self.key, place))
        cofactor = n // common_divisor(number, n)
        order = key_element(self.key, N_PLACE)
        return Fault(statement.submission, order, self.key.public.residue(int(cofactor)))

    # --- disputes ---

    def name(self, view: View, dispute: Dispute) -> bool:
        """Name the leftmost node that differs from one's own trace, or the step where the equation fails."""
        trace = self._trace(view, dispute)
        if trace is None:
            return False
        disputes, account, number = self._sends.contracts.disputes, self._sends.account, dispute.number
        if dispute.trace_root == trace.root:
            return trace.failed is not None and self.pick(dispute, trace.failed)
        shown = view.history.opened.get(number, (dispute.trace_root,))
        child = first_difference(trace, dispute, shown)
        return self._sends.attempt("descend", lambda: disputes.descend(number, shown, child, account=account))

    def pick(self, dispute: Dispute, step: int) -> bool:
        """Name a step that the accused is to justify."""
        disputes, account = self._sends.contracts.disputes, self._sends.account
        return self._sends.attempt("pick", lambda: disputes.pick(dispute.number, step, account=account))

    def _trace(self, view: View, dispute: Dispute) -> Trace | None:
        if dispute.number not in self._traces:
            statement = statement_of(view, self.blobs, self.key, dispute.subject, dispute.party)
            if statement is None or statement.finding.proof is None:
                return None
            self._traces[dispute.number] = run(statement.program())
        return self._traces[dispute.number]

    # --- aggregates ---

    def _examine_aggregate(self, view: View, looked_at: ExamineAggregate) -> None:
        record, count, public = view.round, view.terms.count, self.key.public
        if record is None:
            return
        vectors = {
            party: read_ciphertexts(self.blobs, self.key, record.gradients[party], count)
            for party in members(record.collected)
        }
        if any(vector is None for vector in vectors.values()):
            return  # whose bytes are missing should have been asked for before
        known = {party: vector for party, vector in vectors.items() if vector is not None}
        expected = multiply(self.key, list(known.values()))
        if vector_root(public, expected) == looked_at.aggregate.root:
            self._require_served(view, looked_at)
            return
        data = read_content(self.blobs, looked_at.aggregate.content_digest, count * public.residue_bytes)
        claimed = () if data is None else read_numbers(self.key, data, count, Subject.AGGREGATE)
        if not claimed or vector_root(public, claimed) != looked_at.aggregate.root:
            self._demand(view, Subject.AGGREGATE, 0)
            return
        place = next(place for place in range(count) if claimed[place] != expected[place])
        self._show_wrong(view, place, claimed, known)

    def _require_served(self, view: View, looked_at: ExamineAggregate) -> None:
        """A right aggregate whose bytes are not there is no use to members who multiply late."""
        size = view.terms.count * self.key.public.residue_bytes
        if not self._aggregates_only and read_content(self.blobs, looked_at.aggregate.content_digest, size) is None:
            self._demand(view, Subject.AGGREGATE, 0)

    def _show_wrong(self, view: View, place: int, claimed: Sequence[int], vectors: dict[int, tuple[int, ...]]) -> None:
        record, public = view.round, self.key.public
        if record is None:
            return
        factors = [
            Factor(
                party,
                record.gradients[party],
                Element(public.residue(vector[place]), number_tree(self.key, vector).path(place)),
            )
            for party, vector in sorted(vectors.items())
        ]
        shown = Element(public.residue(claimed[place]), number_tree(self.key, claimed).path(place))
        modulus = key_element(self.key, N_SQUARED_PLACE)
        evidence, account = self._sends.contracts.evidence, self._sends.account
        self._sends.attempt(
            "proveWrongAggregate",
            lambda: evidence.prove_wrong_aggregate(view.group, place, modulus, shown, factors, account=account),
        )


def first_difference(trace: Trace, dispute: Dispute, shown: Sequence[bytes]) -> int:
    """Which of the nodes that were shown is the leftmost that differs from the trace's own."""
    if len(shown) == 1:
        return 0
    levels = (len(shown) - 1).bit_length()
    level = trace.program.depth - dispute.depth - levels
    first = dispute.position << levels
    own = trace.tree.levels[level][first : first + len(shown)]
    return next((child for child, (theirs, ours) in enumerate(zip(shown, own, strict=True)) if theirs != ours), 0)
