"""A party's training as agreed: repeatable updates, weights as bytes."""

from __future__ import annotations

import numpy as np
import pytest

from pyml.deepchain.agreement import Agreement
from pyml.deepchain.averaging import federation
from pyml.deepchain.local_training import LocalTraining, network
from pyml.deepchain.privacy import GaussianNoise
from pyml.deepchain.shards import shard
from pyml.deepchain.trainer import TorchTrainer, decode_weights, encode_weights, encoded_update, initial_weights
from pyml.errors import InputError
from pyml.ml.datasets import load
from pyml.store.blobs import BlobStore

AGREED = Agreement(shards=4, iterations=3, batch_size=16)


def test_trainers_do_what_the_plain_federation_does() -> None:
    blobs = BlobStore("memory://test-trainer")
    start = initial_weights(AGREED, blobs)
    codes = [encoded_update(TorchTrainer(AGREED, party), AGREED, start, round_index=1) for party in range(3)]
    mean = AGREED.encoding.mean(np.sum(codes, axis=0), 3)
    digits = load("digits")
    plain = federation(
        network(AGREED.network),
        start,
        [shard(digits, party, shards=4) for party in range(3)],
        LocalTraining(3, 16),
        rounds=1,
        encoding=AGREED.encoding,
    )
    assert np.array_equal(next(plain).weights, (start.astype(np.float64) - mean).astype(np.float32))


def test_noise_changes_every_value() -> None:
    start = initial_weights(AGREED, BlobStore("memory://test-trainer"))
    trainer, noise = TorchTrainer(AGREED, 0), GaussianNoise(1.0, 0.1)
    quiet = encoded_update(trainer, AGREED, start, round_index=1)
    noisy = encoded_update(trainer, AGREED, start, round_index=1, noise=noise, generator=np.random.default_rng(0))
    assert (quiet != noisy).mean() > 0.9
    with pytest.raises(InputError, match="needs a generator"):
        encoded_update(trainer, AGREED, start, round_index=1, noise=noise)


def test_weights_come_from_an_agreed_blob() -> None:
    blobs = BlobStore("memory://test-trainer")
    weights = np.arange(5, dtype=np.float32)
    agreed = Agreement(network="flower", weights=blobs.put(encode_weights(weights)))
    assert np.array_equal(initial_weights(agreed, blobs), weights)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        encode_weights(np.arange(5, dtype=np.float32))[:-1],
        encode_weights(np.array([np.nan], dtype=np.float32)),
        encode_weights(np.zeros((2, 2), dtype=np.float32)),
        encode_weights(np.zeros(0, dtype=np.float32)),
    ],
)
def test_other_bytes_are_no_weights(content: bytes) -> None:
    with pytest.raises(InputError, match="weights"):
        decode_weights(content)
