"""Encrypted training and plain quantised averaging: the same weights, bit for bit, in every round.

Real threshold Paillier with an insecure small key, real training, no chain: what members do between submission and
weights, by the functions that they do it with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pyml.crypto.paillier import Encryptor
from pyml.crypto.proof_cd import prove_cd
from pyml.crypto.proof_pk import prove_pk
from pyml.crypto.threshold_paillier import KeyShare, ThresholdKey, partial_decryptions
from pyml.deepchain.aggregate import aggregate_of
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.averaging import federation
from pyml.deepchain.contents import gradients_content, post, shares_content
from pyml.deepchain.cores import Cores
from pyml.deepchain.dealer import deal_insecurely
from pyml.deepchain.local_training import LocalTraining, Weights, network
from pyml.deepchain.outcome import decrypt, packing_for, weights_after
from pyml.deepchain.records import Submission
from pyml.deepchain.shards import shard
from pyml.deepchain.trainer import TorchTrainer, encoded_update, initial_weights
from pyml.deepchain.view import RoundRecord
from pyml.ml.datasets import load
from pyml.store.blobs import BlobStore

PRIMES = Path(__file__).parents[1] / "vectors" / "deepchain_primes.json"
AGREED = Agreement(network="64-4-10", shards=4, iterations=3, batch_size=16)
Dealt = tuple[ThresholdKey, list[KeyShare]]


@pytest.fixture(scope="module")
def dealt() -> Dealt:
    """3 of 4, of 1024 bits."""
    return deal_insecurely(PRIMES, parties=4, threshold=3)


def context(party: int, round_index: int) -> bytes:
    return bytes([party, round_index]) * 16


class Round:
    """One round among the members named, in an in-memory store."""

    def __init__(self, dealt: Dealt, weights: Weights, index: int, members: tuple[int, ...]) -> None:
        self.key, self.shares = dealt
        self.blobs = BlobStore("memory://encrypted-training")
        self.weights, self.index, self.members = weights, index, members
        posted = {party: self.gradients(party) for party in members}
        mask = sum(1 << party for party in members)
        self.record = RoundRecord(index, 0, bytes(32), gradients=posted, collected=mask)
        self.count = packing_for(AGREED, self.key).count(len(weights))
        aggregate = aggregate_of(self.blobs, self.key, self.record, self.count)
        assert aggregate is not None
        self.aggregate = aggregate

    def gradients(self, party: int) -> Submission:
        codes = encoded_update(TorchTrainer(AGREED, party), AGREED, self.weights, round_index=self.index)
        plaintexts = packing_for(AGREED, self.key).pack(codes, length=len(self.weights))
        encrypted = Encryptor(self.key.public).encrypt(plaintexts)
        proof = prove_pk(self.key, encrypted, plaintexts, context=context(party, self.index))
        content = gradients_content(self.key, encrypted.ciphertexts, proof)
        return post(self.blobs, self.key, content, encrypted.ciphertexts)

    def share_of(self, party: int, *, false: bool = False) -> Submission:
        share = self.shares[party]
        partials = [int(each) for each in partial_decryptions(self.key, share, self.aggregate)]
        proof = prove_cd(self.key, share, self.aggregate, partials, context=context(party, self.index))
        if false:
            partials[0] = 4 * partials[0] % int(self.key.public.n)
        return post(self.blobs, self.key, shares_content(self.key, partials, proof), partials)

    def opened(self, shares: dict[int, Submission]) -> Weights | None:
        record = RoundRecord(self.index, 0, bytes(32), self.record.gradients, self.record.collected, shares=shares)
        contexts = {party: context(party, self.index) for party in shares}
        plaintexts = decrypt(self.blobs, self.key, record, self.aggregate, contexts, cores=Cores(1))
        if plaintexts is None:
            return None
        return weights_after(self.weights, plaintexts, len(self.members), AGREED, self.key)


def test_every_round_gives_the_weights_of_plain_averaging(dealt: Dealt) -> None:
    weights = initial_weights(AGREED, BlobStore("memory://encrypted-training"))
    rows = [shard(load("digits"), party, shards=AGREED.shards) for party in range(4)]
    training = LocalTraining(AGREED.iterations, AGREED.batch_size)
    plain = federation(network(AGREED.network), weights, rows, training, rounds=3, encoding=AGREED.encoding)
    for index, expected in enumerate(plain, start=1):
        made = Round(dealt, weights, index, (0, 1, 2, 3))
        openers = [party for party in range(4) if party != index % 4]  # other three in each round
        opened = made.opened({party: made.share_of(party) for party in openers})
        assert opened is not None
        assert np.array_equal(opened, expected.weights)
        weights = opened


def test_a_false_share_is_left_out_and_changes_nothing(dealt: Dealt) -> None:
    made = Round(dealt, initial_weights(AGREED, BlobStore("memory://encrypted-training")), 1, (0, 2, 3))
    honest = {party: made.share_of(party) for party in (0, 2, 3)}
    with_false = {0: honest[0], 1: made.share_of(1, false=True), 2: honest[2], 3: honest[3]}
    expected = made.opened(honest)
    opened = made.opened(with_false)
    assert expected is not None
    assert opened is not None
    assert np.array_equal(opened, expected)
    assert made.opened({0: honest[0], 1: made.share_of(1, false=True), 2: honest[2]}) is None


def test_too_few_shares_open_nothing(dealt: Dealt) -> None:
    made = Round(dealt, initial_weights(AGREED, BlobStore("memory://encrypted-training")), 1, (0, 1, 2))
    assert made.opened({party: made.share_of(party) for party in (0, 1)}) is None
    assert made.opened({}) is None


def test_slots_that_ran_over_leave_the_weights_as_they_were(dealt: Dealt) -> None:
    key, _ = dealt
    weights = initial_weights(AGREED, BlobStore("memory://encrypted-training"))
    packing = packing_for(AGREED, key)
    plaintexts = packing.pack(np.full(len(weights), AGREED.encoding.offset), length=len(weights))
    zero = weights_after(weights, plaintexts, 1, AGREED, key)
    assert np.array_equal(zero, weights)
    above = [*plaintexts[:-1], plaintexts[-1] + (1 << packing.slots * packing.slot_bits)]
    assert np.array_equal(weights_after(weights, above, 1, AGREED, key), weights)
    beyond = [plaintexts[0] + (1 << 17), *plaintexts[1:]]  # the first sum is that of more than one member
    assert np.array_equal(weights_after(weights, beyond, 1, AGREED, key), weights)
    moved = [plaintexts[0] + 1, *plaintexts[1:]]
    assert not np.array_equal(weights_after(weights, moved, 1, AGREED, key), weights)


def test_a_vector_that_is_lost_makes_no_aggregate(dealt: Dealt) -> None:
    made = Round(dealt, initial_weights(AGREED, BlobStore("memory://encrypted-training")), 1, (0, 1))
    made.blobs.remove(made.record.gradients[1].content_digest)
    assert aggregate_of(made.blobs, made.key, made.record, made.count) is None
