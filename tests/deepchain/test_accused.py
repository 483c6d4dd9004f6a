"""Both sides of a dispute without a chain: the descent ends where a forged trace departs, true steps are justified."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from pyml.crypto.merkle import leaf_hash, root_of
from pyml.crypto.threshold_key_codec import key_tree
from pyml.deepchain.accused import descendants, justification
from pyml.deepchain.agent import Sends
from pyml.deepchain.challenger import first_difference
from pyml.deepchain.contents import Remedy, gradients_content, post
from pyml.deepchain.faults import ForgingAccused, altered
from pyml.deepchain.records import Dispute, Phase, Subject, Turn
from pyml.deepchain.statement import Statement, statement_of
from pyml.deepchain.trace import Kind, Origin, Trace, justify, run, verify_step
from pyml.deepchain.view import View
from pyml.errors import InputError
from pyml.store.blobs import BlobStore
from tests.deepchain.small_group import PLAINTEXTS, dealt
from tests.deepchain.views import ACCOUNTS, POSTED, TERMS, view_in

LEVELS = 5


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path))


def viewed(blobs: BlobStore, *, false: bool) -> View:
    """A run in which member 1 has posted gradients, of which the first is not what was proved if ``false``."""
    from pyml.crypto.paillier import Encryptor
    from pyml.crypto.proof_pk import prove_pk

    key, _ = dealt()
    empty = view_in(Phase.COLLECTING, terms=replace(TERMS, count=len(PLAINTEXTS)))
    row = Encryptor(key.public).encrypt(PLAINTEXTS)
    proof = prove_pk(key, row, PLAINTEXTS, context=empty.context(1))
    numbers = list(row.ciphertexts)
    if false:
        numbers[0] = altered(numbers[0], int(key.public.n))
    submission = post(blobs, key, gradients_content(key, numbers, proof), numbers)
    return view_in(Phase.COLLECTING, terms=empty.terms, record={"gradients": {1: submission}})


def stated(blobs: BlobStore, *, false: bool) -> Statement:
    found = statement_of(viewed(blobs, false=false), blobs, dealt()[0], Subject.GRADIENTS, 1)
    assert found is not None
    return found


def descended(own: Trace, theirs: Trace) -> int:
    """The leaf at which the challenger's descent ends, by the turns that the contract asks for."""
    dispute = Dispute(0, ACCOUNTS[0], 0, Turn.DESCEND, Subject.GRADIENTS, 1, 0, 5, 2, 0, 0, theirs.root, b"")
    shown: tuple[bytes, ...] = (theirs.root,)
    while True:
        child = first_difference(own, dispute, shown)
        levels = (len(shown) - 1).bit_length()
        depth, position = dispute.depth + levels, dispute.position << levels | child
        node = shown[child]
        if depth == own.program.depth:
            assert node == theirs.tree.levels[0][position]
            return position
        dispute = replace(dispute, depth=depth, position=position)
        shown = tuple(descendants(theirs, depth, position, min(LEVELS, own.program.depth - depth)))
        assert node == _above(shown)


def _above(nodes: tuple[bytes, ...]) -> bytes:
    from pyml.crypto.merkle import node_hash

    row = list(nodes)
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def test_a_forged_trace_is_followed_to_where_it_departs(blobs: BlobStore) -> None:
    statement = stated(blobs, false=True)
    assert statement.finding.remedy is Remedy.DISPUTE
    own = run(statement.program())
    forging = ForgingAccused(cast("Sends", None), blobs, dealt()[0])
    forged = forging.trace(statement)
    assert own.failed is not None
    assert forged.program.step(own.failed).kind is Kind.EQUAL
    assert verify_step(statement.program(), forged.root, justify(forged, own.failed)), "its comparison holds"
    leaf = descended(own, forged)
    assert leaf == own.program.length - 1, "the last product was replaced"
    assert not verify_step(statement.program(), forged.root, justify(forged, leaf - 1))


def test_a_true_trace_justifies_every_kind_of_step(blobs: BlobStore) -> None:
    statement = stated(blobs, false=False)
    assert statement.finding.remedy is Remedy.NONE
    trace, key = run(statement.program()), dealt()[0]
    assert trace.failed is None
    places = {step.source.origin: place for place, step in enumerate(trace.program.steps())}
    assert set(places) >= {Origin.NONE, Origin.KEY, Origin.VECTOR, Origin.STATE, Origin.PROOF}
    for origin, place in places.items():
        submission, proof, before, after, path, modulus, operand = cast("Any", justification(statement, trace, place))
        assert submission == statement.submission.as_tuple()
        assert proof == statement.proof_bytes()
        leaves = 1 << trace.program.depth
        assert root_of([before, after], first=place, count=leaves, path=path) == trace.root
        assert root_of([modulus[0]], first=0, count=8, path=modulus[1]) == key_tree(key).root
        step = trace.program.step(place)
        if origin is Origin.VECTOR:
            assert root_of([operand[0]], first=step.source.place, count=3, path=operand[1]) == submission[0]
        if origin is Origin.STATE:
            assert root_of([operand[0]], first=step.source.place, count=leaves, path=operand[1]) == trace.root
        if origin in (Origin.NONE, Origin.PROOF):
            assert operand == (b"", [])
        assert leaf_hash(before) == trace.tree.levels[0][place]


def test_what_was_not_posted_has_no_statement(blobs: BlobStore) -> None:
    key, _ = dealt()
    view = viewed(blobs, false=False)
    assert statement_of(view, blobs, key, Subject.GRADIENTS, 0) is None
    assert statement_of(view, blobs, key, Subject.SHARES, 1) is None
    lost = view_in(Phase.COLLECTING, record={"gradients": {1: POSTED}})
    found = statement_of(lost, blobs, key, Subject.GRADIENTS, 1)
    assert found is not None
    assert found.finding.remedy is Remedy.DEMAND
    for unreadable in (found.program, found.proof_bytes):
        with pytest.raises(InputError, match="no proof"):
            unreadable()


def test_a_trace_has_no_nodes_below_its_leaves(blobs: BlobStore) -> None:
    trace = run(stated(blobs, false=False).program())
    with pytest.raises(InputError, match="no nodes so deep"):
        descendants(trace, trace.program.depth, 0, 1)
