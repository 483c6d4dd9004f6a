"""What is wrong with a submission is found, and called by the remedy that the contract has for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from pyml.crypto.big_integers import products
from pyml.crypto.proof_cd import prove_cd
from pyml.crypto.proof_pk import vector_root
from pyml.crypto.threshold_paillier import partial_decryptions
from pyml.deepchain.contents import (
    Content,
    Remedy,
    examine_gradients,
    examine_shares,
    gradients_content,
    multiply,
    post,
    posted_proof,
    read_ciphertexts,
    read_shares,
    shares_content,
)
from pyml.deepchain.faults import altered
from pyml.deepchain.records import Subject, Submission
from pyml.store.blobs import BlobStore
from tests.deepchain.small_group import CONTEXT, dealt, encrypted, gradients

COUNT = 3


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path))


def remedy(blobs: BlobStore, submission: Submission, context: bytes = CONTEXT, count: int = COUNT) -> Remedy:
    return examine_gradients(blobs, dealt()[0], submission, count, context=context).remedy


def posted(blobs: BlobStore, numbers: list[int]) -> Submission:
    """Other ciphertexts under the proof of the true ones."""
    key, _ = dealt()
    return post(blobs, key, gradients_content(key, numbers, encrypted()[1]), numbers)


def test_true_gradients_have_no_fault(blobs: BlobStore) -> None:
    made = gradients(blobs)
    assert remedy(blobs, made.submission) is Remedy.NONE
    key, _ = dealt()
    assert read_ciphertexts(blobs, key, made.submission, COUNT) == made.encrypted.ciphertexts
    assert posted_proof(blobs, key, made.submission, COUNT, Subject.GRADIENTS) == made.content.proof


def test_a_proof_that_is_replayed_is_false(blobs: BlobStore) -> None:
    made = gradients(blobs)
    assert remedy(blobs, made.submission, context=b"\x2b" * 32) is Remedy.DISPUTE


def test_a_ciphertext_that_was_not_proved_is_disputed(blobs: BlobStore) -> None:
    numbers = list(encrypted()[0].ciphertexts)
    numbers[1] = altered(numbers[1], int(dealt()[0].public.n))
    assert remedy(blobs, posted(blobs, numbers)) is Remedy.DISPUTE
    assert remedy(blobs, posted(blobs, numbers[::-1])) is Remedy.DISPUTE


def test_numbers_that_are_no_ciphertexts_are_shown(blobs: BlobStore) -> None:
    key, _ = dealt()
    true = list(encrypted()[0].ciphertexts)
    for bad in (0, int(key.public.n), int(key.public.n_squared), 3 * int(key.public.n)):
        submission = posted(blobs, [true[0], bad, true[2]])
        finding = examine_gradients(blobs, key, submission, COUNT, context=CONTEXT)
        assert (finding.remedy, finding.place) == (Remedy.ELEMENT, 1)
        assert read_ciphertexts(blobs, key, submission, COUNT) is None


def test_proofs_of_the_wrong_form_are_shown(blobs: BlobStore) -> None:
    key, _ = dealt()
    made = gradients(blobs)
    numbers = key.public.encode(made.encrypted.ciphertexts)
    zero_a = bytes(key.public.residue_bytes) + made.content.proof[key.public.residue_bytes :]
    content = Content(numbers + zero_a, len(numbers))
    assert remedy(blobs, post(blobs, key, content, made.encrypted.ciphertexts)) is Remedy.PROOF_FORM


def test_bytes_that_are_missing_or_others_are_demanded(blobs: BlobStore) -> None:
    made = gradients(blobs)
    wrong = {
        "absent": replace(made.submission, content_digest=bytes(32)),
        "another vector": replace(made.submission, vector_root=bytes(32)),
        "another proof": replace(made.submission, proof_digest=keccak(b"")),
    }
    assert {name: remedy(blobs, each) for name, each in wrong.items()} == dict.fromkeys(wrong, Remedy.DEMAND)
    assert remedy(blobs, made.submission, count=COUNT + 1) is Remedy.DEMAND
    key, _ = dealt()
    assert posted_proof(blobs, key, wrong["another proof"], COUNT, Subject.GRADIENTS) is None


def test_a_flipped_bit_anywhere_is_noticed(blobs: BlobStore) -> None:
    made = gradients(blobs)
    for place in range(0, len(made.content.data), 97):
        data = bytearray(made.content.data)
        data[place] ^= 1
        digest = bytes.fromhex(blobs.put(bytes(data)))
        assert remedy(blobs, replace(made.submission, content_digest=digest)) is Remedy.DEMAND


def test_shares_are_examined_like_gradients(blobs: BlobStore) -> None:
    key, shares = dealt()
    aggregate = multiply(key, [encrypted()[0].ciphertexts] * 2)
    partials = [int(each) for each in partial_decryptions(key, shares[1], aggregate)]
    proof = prove_cd(key, shares[1], aggregate, partials, context=CONTEXT)

    def found(numbers: list[int], *, index: int = 2, context: bytes = CONTEXT) -> Remedy:
        submission = post(blobs, key, shares_content(key, numbers, proof), numbers)
        return examine_shares(blobs, key, submission, index, aggregate, context=context).remedy

    assert found(partials) is Remedy.NONE
    assert found(partials, index=1) is Remedy.DISPUTE, "another member's"
    assert found(partials, context=bytes(32)) is Remedy.DISPUTE, "replayed"
    assert found([4 * partials[0] % int(key.public.n), *partials[1:]]) is Remedy.DISPUTE
    assert found([0, *partials[1:]]) is Remedy.ELEMENT
    true = post(blobs, key, shares_content(key, partials, proof), partials)
    assert read_shares(blobs, key, true, COUNT) == tuple(partials)
    other = multiply(key, [encrypted()[0].ciphertexts] * 3)
    assert examine_shares(blobs, key, true, 2, other, context=CONTEXT).remedy is Remedy.DISPUTE, "of other ciphertexts"
    assert examine_shares(blobs, key, true, 2, aggregate[:2], context=CONTEXT).remedy is Remedy.DEMAND


def test_an_aggregate_is_the_product_in_any_order() -> None:
    key, _ = dealt()
    row = encrypted()[0].ciphertexts
    assert multiply(key, [row, row[::-1]]) == multiply(key, [row[::-1], row])
    assert list(multiply(key, [row, row])) == products([list(row), list(row)], key.public.n_squared)
    assert vector_root(key.public, multiply(key, [row])) == vector_root(key.public, row)
