"""Plain averaged training: near to the float average, the same for everybody, better than alone."""

from __future__ import annotations

import numpy as np
import pytest

from pyml.deepchain.averaging import accuracy_on_test_rows, add_encoded, federation, next_weights
from pyml.deepchain.fixed_point import FixedPoint
from pyml.deepchain.local_training import LocalTraining, network, weights_of
from pyml.deepchain.privacy import GaussianNoise
from pyml.deepchain.shards import shard
from pyml.errors import InputError
from pyml.ml.datasets import load

TRAINING = LocalTraining(iterations=10, batch_size=32, learning_rate=0.3)


def test_together_is_better_than_alone_and_as_good_as_in_floats() -> None:
    digits, model = load("digits"), network("digits-mlp")
    start = weights_of(model)
    shards = [shard(digits, index, shards=50) for index in range(4)]
    last = {
        name: list(federation(model, start, rows, TRAINING, rounds=25, encoding=encoding))[-1].weights
        for name, rows, encoding in (
            ("encoded", shards, FixedPoint(16, 0.5)),
            ("floats", shards, None),
            ("alone", shards[:1], None),
        )
    }
    found = {name: accuracy_on_test_rows(model, weights, digits) for name, weights in last.items()}
    assert abs(found["encoded"] - found["floats"]) <= 0.01  # 500 test rows: five of them
    assert found["encoded"] > found["alone"] + 0.02
    assert np.abs(last["encoded"] - last["floats"]).max() < 25 * 0.5 / FixedPoint(16, 0.5).scale * 100


def test_a_round_is_a_function_of_the_sum_alone() -> None:
    encoding = FixedPoint(16, 0.25)
    generator = np.random.default_rng(1)
    weights = generator.normal(size=50).astype(np.float32)
    updates = [encoding.encode(generator.uniform(-0.25, 0.25, 50)) for _ in range(5)]
    forwards = next_weights(weights, add_encoded(updates), 5, encoding)
    backwards = next_weights(weights, add_encoded(updates[::-1]), 5, encoding)
    assert np.array_equal(forwards, backwards)
    assert not np.array_equal(forwards, next_weights(weights, add_encoded(updates[:4]), 4, encoding))


def test_wrong_sized_updates_are_refused() -> None:
    with pytest.raises(InputError, match="of one length"):
        add_encoded([np.zeros(3, dtype=np.int64), np.zeros(4, dtype=np.int64)])
    with pytest.raises(InputError, match="of one length"):
        add_encoded([])


def test_noise_needs_something_to_draw_from() -> None:
    model = network("digits-mlp")
    rounds = federation(model, weights_of(model), [], TRAINING, rounds=1, encoding=None, noise=GaussianNoise(1.0, 1.0))
    with pytest.raises(InputError, match="needs a generator"):
        next(rounds)
