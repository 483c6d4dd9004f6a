"""The breast-cancer table as integers: the rows of scikit-learn, a split that leaks nothing, altered copies refused."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pyml.errors import DatasetError
from pyml.ml import datasets
from pyml.ml.datasets import Dataset, floats, integers, load

DIGEST = "3ee81f5abf5a6c160b64e35e06e9892ab0433354f8923c230ceb9cb97756b3f8"
ROWS, TEST_ROWS, FEATURES = 569, 113, 30

Table = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Measurements [rows, 30] and labels [rows]."""
Change = Callable[[NDArray[np.float64], NDArray[np.int64]], Table]

sklearn_datasets: Any = importlib.import_module("sklearn.datasets")  # it has no type stubs


def published() -> Table:
    """The table as scikit-learn gives it; copies that may be changed."""
    bunch = sklearn_datasets.load_breast_cancer()
    return np.array(bunch.data, dtype=np.float64), np.array(bunch.target, dtype=np.int64)


def alter(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """From now on scikit-learn gives the changed table."""
    rows, labels = change(*published())
    monkeypatch.setattr(sklearn_datasets, "load_breast_cancer", lambda: SimpleNamespace(data=rows, target=labels))


@pytest.fixture(scope="module")
def cancer() -> Dataset:
    return load("breast-cancer")


def is_test_row() -> NDArray[np.bool_]:
    return np.arange(ROWS) % 5 == 4


def test_digest_and_shape_are_pinned(cancer: Dataset) -> None:
    assert cancer.digest.hex() == DIGEST
    assert (cancer.train_images.shape, cancer.test_images.shape) == ((456, FEATURES), (TEST_ROWS, FEATURES))
    assert (cancer.features, cancer.classes, cancer.pixel_max, cancer.pixel_bits) == (FEATURES, 2, 255, 8)
    assert np.bincount(np.concatenate([cancer.train_labels, cancer.test_labels])).tolist() == [212, 357]


def test_every_row_is_in_one_split(cancer: Dataset) -> None:
    """Together the splits are the table, in order; no row of one, as integers, is in the other."""
    _, labels = published()
    joined = np.empty(ROWS, dtype=np.uint8)
    joined[~is_test_row()], joined[is_test_row()] = cancer.train_labels, cancer.test_labels
    assert joined.tolist() == labels.tolist()
    train, test = ({row.tobytes() for row in images} for images in (cancer.train_images, cancer.test_images))
    assert (len(train), len(test)) == (456, TEST_ROWS)
    assert not train & test


def test_integers_lead_back_to_the_measurements(cancer: Dataset) -> None:
    rows, _ = published()
    low, high = rows[~is_test_row()].min(axis=0), rows[~is_test_row()].max(axis=0)
    step = (high - low) / 255
    for images, wanted in ((cancer.train_images, rows[~is_test_row()]), (cancer.test_images, rows[is_test_row()])):
        error = np.abs(low + images * step - np.clip(wanted, low, high)) / step
        assert error.max() <= 0.5 + 1e-9
    assert cancer.train_images.min(axis=0).tolist() == [0] * FEATURES
    assert cancer.train_images.max(axis=0).tolist() == [255] * FEATURES


def test_the_test_rows_do_not_shape_the_map(cancer: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the test rows, the training rows come out the same; what is off the map is cut to its ends."""

    def stretch(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
        rows[is_test_row()] = 1e6
        rows[np.flatnonzero(is_test_row())[0]] = -1e6
        return rows, labels

    alter(monkeypatch, stretch)
    changed = datasets._breast_cancer()
    assert np.array_equal(changed.train_images, cancer.train_images)
    assert np.array_equal(changed.test_labels, cancer.test_labels)
    assert changed.test_images[0].tolist() == [0] * FEATURES
    assert (changed.test_images[1:] == 255).all()


def test_it_goes_where_images_go(cancer: Dataset) -> None:
    values = integers(cancer.test_images, pixel_max=cancer.pixel_max)
    assert (values.shape, values.dtype) == ((TEST_ROWS, FEATURES), np.int64)
    assert np.array_equal(integers(cancer.test_images, pixel_max=255, bits=4), values >> 4)
    scaled = floats(cancer.test_images, pixel_max=cancer.pixel_max)
    assert 0 <= scaled.min() < scaled.max() <= 1


def flip_label(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    labels[4] = 1 - labels[4]
    return rows, labels


def move_measurement(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    rows[4, 0] *= 1.05
    return rows, labels


def move_the_map(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    rows[0, 3] = 3000.0
    return rows, labels


def swap_rows(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    order = [1, 0, *range(2, ROWS)]
    return rows[order], labels[order]


def swap_columns(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    return rows[:, [1, 0, *range(2, FEATURES)]], labels


def lose_row(rows: NDArray[np.float64], labels: NDArray[np.int64]) -> Table:
    return rows[:-1], labels[:-1]


@pytest.mark.parametrize("change", [flip_label, move_measurement, move_the_map, swap_rows, swap_columns, lose_row])
def test_another_table_is_refused(change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    alter(monkeypatch, change)
    with pytest.raises(DatasetError) as caught:
        load("breast-cancer")
    got = caught.value.got
    assert got != DIGEST
    assert str(caught.value) == (
        f"breast-cancer: scikit-learn's copy is not the pinned one; expected digest {DIGEST}; got {got}. "
        "Install scikit-learn again."
    )


def test_an_unaltered_copy_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    alter(monkeypatch, lambda rows, labels: (rows, labels))
    assert load("breast-cancer").digest.hex() == DIGEST


def test_altered_digits_are_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    bunch = sklearn_datasets.load_digits()
    bunch.images[0, 0, 0] += 1
    monkeypatch.setattr(sklearn_datasets, "load_digits", lambda: bunch)
    with pytest.raises(DatasetError, match="digits: scikit-learn's copy is not the pinned one"):
        load("digits")


@pytest.mark.parametrize("name", ["breast_cancer", "Breast-Cancer", "breast-cancer/test", "breast-cancer\n", ""])
def test_names_that_are_nearly_right_are_refused(name: str) -> None:
    with pytest.raises(DatasetError, match="unknown data set; expected one of digits, breast-cancer, "):
        load(name)


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        (np.zeros(FEATURES, dtype=np.uint8), "must be non-empty unsigned bytes"),
        (np.zeros((TEST_ROWS, 0), dtype=np.uint8), "differ in shape"),
        (np.zeros((TEST_ROWS, FEATURES - 1), dtype=np.uint8), "differ in shape"),
        (np.zeros((TEST_ROWS, FEATURES)), "must be non-empty unsigned bytes"),
        (np.zeros((TEST_ROWS - 1, FEATURES), dtype=np.uint8), "every image needs one label"),
    ],
)
def test_tables_that_are_none_are_refused(cancer: Dataset, images: NDArray[Any], problem: str) -> None:
    train = cancer.train_images if images.ndim == 2 else np.zeros(FEATURES, dtype=np.uint8)
    with pytest.raises(DatasetError, match=problem):
        Dataset("table", train, cancer.train_labels, images, cancer.test_labels, classes=2, pixel_max=255)
