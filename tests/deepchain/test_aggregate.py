"""The aggregate: the product of what was posted, and a share of it only if every vector in it is proved."""

from __future__ import annotations

import pytest

from pyml.crypto.paillier import Encrypted
from pyml.crypto.proof_pk import prove_pk
from pyml.deepchain.aggregate import aggregate_of, all_proved
from pyml.deepchain.contents import gradients_content, post
from pyml.deepchain.records import Submission
from pyml.deepchain.view import RoundRecord
from pyml.store.blobs import BlobStore
from tests.crypto.insecure_group import insecure_group

GROUP = insecure_group()
KEY = GROUP.key
CONTEXTS = {party: bytes([party]) * 32 for party in range(4)}


def posted(blobs: BlobStore, party: int, *, row: Encrypted | None = None, context: bytes | None = None) -> Submission:
    """A member's gradients; by default honest ones."""
    made = row or GROUP.encrypted[party]
    proof = prove_pk(KEY, made, GROUP.plaintexts[party], context=context or CONTEXTS[party])
    return post(blobs, KEY, gradients_content(KEY, made.ciphertexts, proof), made.ciphertexts)


def record_of(gradients: dict[int, Submission]) -> RoundRecord:
    return RoundRecord(1, 0, bytes(32), gradients=gradients, collected=sum(1 << party for party in gradients))


@pytest.fixture
def blobs() -> BlobStore:
    return BlobStore("memory://aggregates")


def test_the_aggregate_is_the_product_of_all(blobs: BlobStore) -> None:
    record = record_of({party: posted(blobs, party) for party in range(4)})
    assert aggregate_of(blobs, KEY, record, 3) == tuple(GROUP.aggregate)
    assert all_proved(blobs, KEY, record, 3, contexts=CONTEXTS)


def test_a_vector_made_of_anothers_has_no_proof(blobs: BlobStore) -> None:
    """Member 1 doubles what member 0 posted, and shows the proof that it can make."""
    doubled = tuple(value * value % KEY.public.n_squared for value in GROUP.encrypted[0].ciphertexts)
    copied = Encrypted(doubled, GROUP.encrypted[1].exponents)
    record = record_of({0: posted(blobs, 0), 1: posted(blobs, 1, row=copied)})
    assert aggregate_of(blobs, KEY, record, 3) is not None  # nothing else is wrong with it
    assert not all_proved(blobs, KEY, record, 3, contexts=CONTEXTS)


def test_a_proof_of_another_member_or_round_is_none(blobs: BlobStore) -> None:
    for other in (CONTEXTS[2], b"\x77" * 32):
        record = record_of({0: posted(blobs, 0), 1: posted(blobs, 1, context=other)})
        assert not all_proved(blobs, KEY, record, 3, contexts=CONTEXTS)


def test_bytes_that_are_not_served_are_not_proved(blobs: BlobStore) -> None:
    missing = Submission(bytes(32), bytes(32), b"\x01" * 32)
    record = record_of({0: posted(blobs, 0), 1: missing})
    assert not all_proved(blobs, KEY, record, 3, contexts=CONTEXTS)
    assert aggregate_of(blobs, KEY, record, 3) is None
