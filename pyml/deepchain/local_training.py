"""What a party does between two rounds: some steps of stochastic gradient descent on its own rows.

Source: DeepChain, section 5 and table 2: learning rate 0.5, batches of 64, 1,500 iterations of which each round of 100
shares fifteen. The table's "1 epoch" fits no reading: 1,500 batches of 64 are 96,000 rows, and a party holds 5,500.

A party's update is a function of the round's weights, its rows, its seed and the round's number, and of nothing
else: a process that was killed computes the same update again. (On the same machine and PyTorch; another may differ in
the last bits of an *update*. The average is exact everywhere, see ``fixed_point``.)
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from pyml.deepchain.fixed_point import Update
from pyml.errors import InputError, ModelError
from pyml.ml.datasets import Dataset, floats
from pyml.ml.networks import cnn, parse_shapes
from pyml.ml.training import deterministic

Weights = NDArray[np.float32]
"""All parameters of a network in the order of ``nn.Module.parameters``, flat."""

NETWORKS = {
    "cnn": "1x28x28:c10k3p1-max2-128-10",  # the paper's: 252,398 parameters
    "mlp": "784-32-10",
    "digits-cnn": "1x8x8:c4k3p1-max2-16-10",
    "digits-mlp": "64-16-10",
}
"""Networks by name; anything that ``pyml.ml.networks.parse_shapes`` reads does as well."""


@dataclass(frozen=True, slots=True)
class LocalTraining:
    """How a party trains in one round. All parties of a group agree on it, apart from the seed."""

    iterations: int = 15
    batch_size: int = 64
    learning_rate: float = 0.5
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if min(self.iterations, self.batch_size, self.threads) < 1:
            raise InputError("iterations, batch size and threads are positive", got=self)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError("the learning rate is positive and finite", got=self.learning_rate)
        if not 0 <= self.seed < 2**63:
            raise InputError("the seed is out of range", expected="0 to 2^63 - 1", got=self.seed)


def network(name: str, *, seed: int = 0) -> nn.Sequential:
    """A network of ``NETWORKS`` or of a description, with the initial weights W_0 that the seed gives."""
    return cnn(parse_shapes(NETWORKS.get(name, name)), seed=seed)


def weights_of(model: nn.Module) -> Weights:
    """A copy of all parameters."""
    return parameters_to_vector(model.parameters()).detach().cpu().numpy().astype(np.float32)


def load_weights(model: nn.Module, weights: Weights) -> None:
    """Put parameters into a network; ``ModelError`` if they are not as many as it has."""
    wanted = sum(parameter.numel() for parameter in model.parameters())
    if weights.shape != (wanted,):
        raise ModelError("weights do not fit the network", expected=f"{wanted} numbers", got=weights.shape)
    with torch.no_grad():
        vector_to_parameters(torch.from_numpy(np.array(weights, dtype=np.float32)), model.parameters())


def updated(weights: Weights, mean: Update) -> Weights:
    """W_i = W_(i-1) - mean of ΔW_(i,j), computed in float64 and rounded once."""
    if weights.shape != mean.shape:
        raise InputError("the average does not fit the weights", expected=weights.shape, got=mean.shape)
    return (weights.astype(np.float64) - mean).astype(np.float32)


def local_update(
    model: nn.Module, weights: Weights, rows: Dataset, training: LocalTraining, *, party: int, round_index: int
) -> Update:
    """ΔW of one party in one round; the network serves as working space and ends with the party's own weights.

    ``ModelError`` where the loss is not finite.
    """
    with deterministic(torch.device("cpu"), training.threads):
        load_weights(model, weights)
        model.train()
        inputs = torch.from_numpy(floats(rows.train_images, pixel_max=rows.pixel_max))
        labels = torch.from_numpy(rows.train_labels.astype(np.int64))
        optimiser = torch.optim.SGD(model.parameters(), lr=training.learning_rate)
        generator = torch.Generator().manual_seed(_batch_seed(training.seed, party, round_index))
        for _ in range(training.iterations):
            chosen = torch.randperm(len(inputs), generator=generator)[: training.batch_size]
            optimiser.zero_grad(set_to_none=True)
            loss = nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen])
            if not math.isfinite(loss.item()):
                raise ModelError(
                    f"local training diverged in round {round_index}",
                    hint=f"Lower the learning rate (now {training.learning_rate:g}).",
                )
            loss.backward()
            optimiser.step()
    return weights.astype(np.float64) - weights_of(model).astype(np.float64)


def _batch_seed(seed: int, party: int, round_index: int) -> int:
    text = f"pyml.deepchain.batches.v1 {seed} {party} {round_index}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big")
