"""Local training: the paper's network, updates that can be computed again, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from pyml.deepchain.local_training import (
    LocalTraining,
    load_weights,
    local_update,
    network,
    updated,
    weights_of,
)
from pyml.deepchain.shards import shard
from pyml.errors import InputError, ModelError
from pyml.ml.datasets import load

TRAINING = LocalTraining(iterations=4, batch_size=16)


def test_the_papers_network_has_its_parameters() -> None:
    assert len(weights_of(network("cnn"))) == 10 * (3 * 3 + 1) + 128 * (1960 + 1) + 10 * (128 + 1) == 252_398


def test_an_update_is_computed_again_after_a_crash() -> None:
    rows = shard(load("digits"), 1, shards=4)
    model = network("digits-cnn")
    start = weights_of(model)
    first = local_update(model, start, rows, TRAINING, party=1, round_index=3)
    local_update(model, start, rows, TRAINING, party=1, round_index=4)
    again = local_update(network("digits-cnn", seed=9), start, rows, TRAINING, party=1, round_index=3)
    assert np.array_equal(first, again)
    assert np.abs(first).max() > 0


def test_rounds_and_parties_draw_batches_of_their_own() -> None:
    rows, model = shard(load("digits"), 0, shards=4), network("digits-mlp")
    start = weights_of(model)
    updates = [
        local_update(model, start, rows, TRAINING, party=party, round_index=index)
        for party, index in ((0, 1), (0, 2), (1, 1))
    ]
    assert not np.array_equal(updates[0], updates[1])
    assert not np.array_equal(updates[0], updates[2])


def test_the_rule_subtracts_the_mean() -> None:
    weights = np.array([1.0, -2.0], dtype=np.float32)
    assert updated(weights, np.array([0.25, -0.5])).tolist() == [0.75, -1.5]
    with pytest.raises(InputError, match="does not fit"):
        updated(weights, np.array([0.25]))


def test_divergence_is_named() -> None:
    rows, model = shard(load("digits"), 0, shards=4), network("digits-mlp")
    with pytest.raises(ModelError, match="diverged in round 7"):
        local_update(model, np.full_like(weights_of(model), np.inf), rows, TRAINING, party=0, round_index=7)


@pytest.mark.parametrize("size", [0, 1, 1209, 1211])
def test_weights_of_another_network_are_refused(size: int) -> None:
    with pytest.raises(ModelError, match="do not fit the network"):
        load_weights(network("digits-mlp"), np.zeros(size, dtype=np.float32))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iterations": 0},
        {"batch_size": 0},
        {"threads": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"positive|out of range"):
        LocalTraining(**wrong)  # pyright: ignore[reportArgumentType]
