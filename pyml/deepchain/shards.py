"""Who holds which rows of a data set: disjoint shards of equal size, drawn from one seed.

Source: DeepChain, section 5: MNIST cut into 55,000 rows for training, 5,000 for validation and 10,000 for testing; ten
parties hold 5,500 rows each. The last 5,000 rows of the published training set are the validation rows here; the paper
does not say which ones they are.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pyml.errors import InputError
from pyml.ml.datasets import Dataset

MNIST_TRAINING_ROWS = 55_000
PAPER_PARTIES = 10


def training_rows(dataset: Dataset) -> int:
    """Rows that are shared out: all but MNIST's validation rows."""
    return MNIST_TRAINING_ROWS if dataset.name == "mnist" else len(dataset.train_images)


def shard(dataset: Dataset, index: int, *, shards: int = PAPER_PARTIES, seed: int = 0) -> Dataset:
    """The shard ``index`` (from 0) of ``shards`` equal ones, as a data set with the same test rows."""
    rows = training_rows(dataset)
    if not 1 <= shards <= rows or not 0 <= index < shards:
        raise InputError("no such shard", expected=f"0 to {shards - 1} of at most {rows} shards", got=index)
    size = rows // shards
    order = np.random.default_rng(seed).permutation(rows)
    return _rows(dataset, order[index * size : (index + 1) * size])


def pooled(dataset: Dataset, count: int, *, shards: int = PAPER_PARTIES, seed: int = 0) -> Dataset:
    """The first ``count`` shards together: what somebody who was trusted with all of it would train on."""
    if not 1 <= count <= shards:
        raise InputError("more shards than there are", expected=f"1 to {shards}", got=count)
    rows = training_rows(dataset)
    order = np.random.default_rng(seed).permutation(rows)
    return _rows(dataset, order[: count * (rows // shards)])


def _rows(dataset: Dataset, chosen: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Dataset:
    return replace(dataset, train_images=dataset.train_images[chosen], train_labels=dataset.train_labels[chosen])
