"""Shards: disjoint, equal, the same for everybody who names the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from pyml.deepchain.shards import pooled, shard, training_rows
from pyml.errors import InputError
from pyml.ml.datasets import load


def test_shards_are_disjoint_parts_of_the_pool() -> None:
    digits = load("digits")
    parts = [shard(digits, index, shards=4, seed=3) for index in range(4)]
    together = np.concatenate([part.train_images for part in parts])
    assert all(len(part.train_images) == training_rows(digits) // 4 for part in parts)
    assert np.array_equal(together, pooled(digits, 4, shards=4, seed=3).train_images)
    rows = {image.tobytes() for image in digits.train_images}
    assert {image.tobytes() for image in together} <= rows
    # digits has 1,297 distinct images or a few less: a row taken twice would show
    assert len({image.tobytes() for image in together}) >= len(together) - (len(digits.train_images) - len(rows))


def test_another_seed_deals_otherwise() -> None:
    digits = load("digits")
    first, again, other = (shard(digits, 0, shards=4, seed=seed) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    assert np.array_equal(first.test_images, digits.test_images)


@pytest.mark.parametrize(("index", "shards"), [(-1, 4), (4, 4), (0, 0), (0, 10_000)])
def test_no_such_shard(index: int, shards: int) -> None:
    with pytest.raises(InputError, match="no such shard"):
        shard(load("digits"), index, shards=shards)


@pytest.mark.parametrize("count", [0, 5])
def test_a_pool_has_some_of_the_shards(count: int) -> None:
    with pytest.raises(InputError, match="more shards than there are"):
        pooled(load("digits"), count, shards=4)
