"""Averaged training without encryption: the baselines, and the plain twin of what runs on the chain.

``federation`` computes what DeepChain computes, in the clear: each party's update, encoded, added, averaged. The
encrypted rounds must give the same weights bit for bit, whichever parties were counted in. With ``encoding=None`` it is
centralised averaging in floats, as a trusted server would do it (McMahan et al. 2017, *FederatedAveraging*, with equal
shards). The paper has no such baseline; it compares with a party that trains alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from pyml.deepchain.fixed_point import Encoded, FixedPoint, Update
from pyml.deepchain.local_training import LocalTraining, Weights, load_weights, local_update, updated
from pyml.deepchain.privacy import GaussianNoise
from pyml.errors import InputError
from pyml.ml.datasets import Dataset
from pyml.ml.training import accuracy


@dataclass(frozen=True, slots=True, eq=False)
class AveragedRound:
    """The state after a round."""

    index: int
    weights: Weights
    clipped: int
    """Values that were beyond the clip, over all parties."""


def add_encoded(updates: Sequence[Encoded]) -> Encoded:
    """Σ e: what a product of ciphertexts decrypts to."""
    if not updates or any(update.shape != updates[0].shape for update in updates):
        raise InputError("updates of one round are of one length", got=[update.shape for update in updates])
    return np.add.reduce(np.stack(updates), axis=0, dtype=np.int64)


def next_weights(weights: Weights, sums: Encoded, count: int, encoding: FixedPoint) -> Weights:
    """The weights after a round from the decrypted sums of ``count`` parties: the one rule, encrypted or not."""
    return updated(weights, encoding.mean(sums, count))


def federation(
    model: nn.Module,
    initial: Weights,
    shards: Sequence[Dataset],
    training: LocalTraining,
    *,
    rounds: int,
    encoding: FixedPoint | None,
    noise: GaussianNoise | None = None,
    generator: np.random.Generator | None = None,
) -> Iterator[AveragedRound]:
    """Round after round of local training and averaging over all shards.

    With ``noise`` each party makes its update private first, drawing from ``generator`` (an experiment's; a real party
    draws from the system's).
    """
    if noise is not None and generator is None:
        raise InputError("noise needs a generator to be drawn from")
    weights = initial
    for index in range(1, rounds + 1):
        updates = [
            local_update(model, weights, rows, training, party=party, round_index=index)
            for party, rows in enumerate(shards)
        ]
        if noise is not None and generator is not None:
            updates = [noise.applied(update, generator) for update in updates]
        weights, cut = _averaged(weights, updates, encoding)
        yield AveragedRound(index, weights, cut)


def accuracy_on_test_rows(model: nn.Module, weights: Weights, dataset: Dataset) -> float:
    """Strict accuracy of the weights on the test rows."""
    load_weights(model, weights)
    return accuracy(model, dataset.test_images, dataset.test_labels, pixel_max=dataset.pixel_max)


def _averaged(weights: Weights, updates: Sequence[Update], encoding: FixedPoint | None) -> tuple[Weights, int]:
    if encoding is None:
        return updated(weights, np.mean(np.stack(updates), axis=0)), 0
    cut = [encoding.clipped(update) for update in updates]
    sums = add_encoded([encoding.encode(values) for values, _ in cut])
    return next_weights(weights, sums, len(updates), encoding), sum(count for _, count in cut)
