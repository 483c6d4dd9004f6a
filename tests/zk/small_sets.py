"""A small model of the digits and a test set of it in parts, without training."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pyml.ml.datasets import Dataset, integers, load
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.set_folder import SetFolder
from pyml.zk.statement import Numerics
from pyml.zk.witness import architecture_of

NUMERICS = Numerics(lookup_bits=8, committed_salts=9, lookup_salts=5)
DEGREE = 12
SAMPLES, PART_SAMPLES = 130, 60


def digits() -> Dataset:
    return load("digits")


def nearest_mean(dataset: Dataset) -> IntegerNetwork:
    """The class whose mean image m is nearest: the greatest of m·x − |m|²/2, in integers of five bits."""
    images = integers(dataset.train_images, pixel_max=dataset.pixel_max)
    labels = dataset.train_labels
    means = np.stack([images[labels == label].mean(axis=0) for label in range(dataset.classes)], axis=1)
    biases = -(means**2).sum(axis=0) / 2
    biases -= biases.mean()
    unit = 16
    layer = IntegerLayer(np.rint(means).astype(np.int64), np.rint(biases / unit).astype(np.int64), unit, 0)
    return IntegerNetwork((layer,), 5, dataset.pixel_max)


def small_set(path: Path, *, samples: int = SAMPLES, degree: int = DEGREE) -> SetFolder:
    """Parts that need three inner columns at this k, and a last, smaller one that needs two."""
    dataset = digits()
    return SetFolder.create(
        path,
        dataset,
        architecture_of(nearest_mean(dataset)),
        NUMERICS,
        part_samples=PART_SAMPLES,
        degree=degree,
        samples=samples,
    )
