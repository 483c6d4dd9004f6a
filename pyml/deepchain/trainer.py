"""One party's training as the agreement has it: weights in, encoded update out.

Everything between the network and the encryption: local training (PyTorch here, or a Flower app), optional noise,
clipping, encoding. It asks for no chain and no key.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from pyml.deepchain.agreement import Agreement
from pyml.deepchain.averaging import accuracy_on_test_rows
from pyml.deepchain.fixed_point import Encoded, Update
from pyml.deepchain.local_training import LocalTraining, Weights, local_update, network, weights_of
from pyml.deepchain.privacy import GaussianNoise
from pyml.deepchain.shards import shard
from pyml.errors import InputError
from pyml.ml.datasets import Dataset, load
from pyml.store.blobs import BlobStore

MAX_PARAMETERS = 1 << 26


class LocalTrainer(Protocol):
    """Whatever computes a party's update."""

    def local_update(self, weights: Weights, *, round_index: int) -> Update:
        """ΔW in that round."""
        ...


@dataclass(frozen=True, slots=True)
class TorchTrainer:
    """Training on the party's shard with the agreed network."""

    agreement: Agreement
    party: int
    """Index from 0."""
    data_dir: Path | None = None

    def local_update(self, weights: Weights, *, round_index: int) -> Update:
        """ΔW in that round."""
        agreed = self.agreement
        rows = _rows(agreed.data, self.data_dir, self.party, agreed.shards, agreed.seed)
        training = LocalTraining(agreed.iterations, agreed.batch_size, agreed.learning_rate, agreed.seed)
        model = network(agreed.network, seed=agreed.seed)
        return local_update(model, weights, rows, training, party=self.party, round_index=round_index)

    def accuracy(self, weights: Weights) -> float:
        """On the data set's test rows."""
        model = network(self.agreement.network, seed=self.agreement.seed)
        return accuracy_on_test_rows(model, weights, load(self.agreement.data, self.data_dir))


@lru_cache(maxsize=4)
def _rows(name: str, folder: Path | None, party: int, shards: int, seed: int) -> Dataset:
    """A party's shard, read once a process."""
    return shard(load(name, folder), party, shards=shards, seed=seed)


def encoded_update(
    trainer: LocalTrainer,
    agreement: Agreement,
    weights: Weights,
    *,
    round_index: int,
    noise: GaussianNoise | None = None,
    generator: np.random.Generator | None = None,
) -> Encoded:
    """The party's update as whole numbers, ready to be packed and encrypted."""
    update = trainer.local_update(weights, round_index=round_index)
    if noise is not None:
        if generator is None:
            raise InputError("noise needs a generator to be drawn from")
        update = noise.applied(update, generator)
    cut, _ = agreement.encoding.clipped(update)
    return agreement.encoding.encode(cut)


def initial_weights(agreement: Agreement, blobs: BlobStore) -> Weights:
    """W_0: from the seed, or from the agreed blob."""
    if not agreement.weights:
        return weights_of(network(agreement.network, seed=agreement.seed))
    return decode_weights(blobs.get(agreement.weights, max_bytes=4 * MAX_PARAMETERS + 1024))


def encode_weights(weights: Weights) -> bytes:
    """Weights as bytes of NumPy's format: what a group's result is stored as."""
    content = io.BytesIO()
    np.save(content, weights.astype("<f4"), allow_pickle=False)
    return content.getvalue()


def decode_weights(content: bytes) -> Weights:
    """One finite row of float32; ``InputError`` on anything else."""
    try:
        weights = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"these bytes are not weights: {error}") from error
    if weights.dtype != np.dtype("<f4") or weights.ndim != 1 or not 0 < weights.size <= MAX_PARAMETERS:
        raise InputError("weights are one row of 32-bit floats", got=f"{weights.dtype} {weights.shape}")
    if not bool(np.isfinite(weights).all()):
        raise InputError("the weights hold NaN or infinity")
    return weights
