"""A posted vector with its proof, as both sides of a dispute see it: the program of its verification, and every number
with its path.

Only public bytes go in, so accused and challenger compute the same trace (``trace_programs``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyml.crypto.merkle import MerkleTree
from pyml.crypto.proof_cd import ProofCD, encode_cd
from pyml.crypto.proof_pk import ProofPK, encode_pk
from pyml.crypto.threshold_key_codec import key_tree
from pyml.crypto.threshold_paillier import ThresholdKey
from pyml.deepchain.aggregate import aggregate_of
from pyml.deepchain.contents import Finding, examine_gradients, examine_shares, number_tree
from pyml.deepchain.records import Element, Subject, Submission
from pyml.deepchain.trace import Origin, Program, Source
from pyml.deepchain.trace_programs import cd_program, key_numbers, modulus_place, pk_program
from pyml.deepchain.view import View
from pyml.errors import InputError
from pyml.store.blobs import BlobStore


@dataclass(frozen=True, slots=True)
class Statement:
    """What a member claims by a submission."""

    key: ThresholdKey
    subject: Subject
    party: int
    """Place among the members; its key share has the next number."""
    submission: Submission
    finding: Finding
    aggregate: tuple[int, ...]
    """What shares are of; empty for gradients."""
    context: bytes

    def program(self) -> Program:
        """Its verification step by step; ``InputError`` where the proof could not be read."""
        numbers, proof = self.finding.numbers, self.finding.proof
        if isinstance(proof, ProofPK):
            return pk_program(self.key, numbers, proof, context=self.context)
        if isinstance(proof, ProofCD):
            return cd_program(self.key, self.party + 1, self.aggregate, numbers, proof, context=self.context)
        raise InputError("there is no proof to verify")

    def proof_bytes(self) -> bytes:
        """The proof as it was posted."""
        proof = self.finding.proof
        if isinstance(proof, ProofPK):
            return encode_pk(self.key.public, proof)
        if isinstance(proof, ProofCD):
            return encode_cd(self.key, proof)
        raise InputError("there is no proof to show")

    def number(self, source: Source) -> Element:
        """A number of a posted tree, with its path; empty for what stands in no tree."""
        row = self._row(source.origin)
        if row is None:
            return Element()
        numbers, tree = row
        return Element(self.key.public.residue(numbers[source.place]), tree.path(source.place))

    def modulus(self, modulus: int) -> Element:
        """The modulus as an element of the key."""
        return self.number(Source(Origin.KEY, modulus_place(modulus, self.key)))

    def _row(self, origin: Origin) -> tuple[Sequence[int], MerkleTree] | None:
        if origin is Origin.KEY:
            return key_numbers(self.key), key_tree(self.key)
        rows = {Origin.VECTOR: self.finding.numbers, Origin.SHARE: self.finding.numbers,
                Origin.AGGREGATE: self.aggregate}  # fmt: skip
        numbers = rows.get(origin)
        return None if numbers is None else (numbers, number_tree(self.key, numbers))


def statement_of(view: View, blobs: BlobStore, key: ThresholdKey, subject: Subject, party: int) -> Statement | None:
    """What a member has posted in this run; ``None`` if it posted nothing, or the aggregate cannot be had."""
    record = view.round
    if record is None:
        return None
    context = view.context(party)
    if subject is Subject.GRADIENTS:
        submission = record.gradients.get(party)
        if submission is None:
            return None
        finding = examine_gradients(blobs, key, submission, view.terms.count, context=context)
        return Statement(key, subject, party, submission, finding, (), context)
    submission, aggregate = record.shares.get(party), aggregate_of(blobs, key, record, view.terms.count)
    if submission is None or aggregate is None:
        return None
    finding = examine_shares(blobs, key, submission, party + 1, aggregate, context=context)
    return Statement(key, subject, party, submission, finding, aggregate, context)
