"""Labelled image sets as integer arrays with a digest, from bundled data, a folder, a cache or the public source.

Every set is the same kind of value whatever its source: unsigned bytes and labels, split into train and test. The
digest covers the decoded arrays (not the files), so two sources agree on it exactly when they hold the same numbers.

Splits are fixed and use no random numbers; bundled sets must have the digest pinned here, others that of their files:

* ``digits``: scikit-learn's bundled 8x8 digits, pixels 0..16, rows 0..1296 train and the last 500 test (other writers).
* ``breast-cancer``: scikit-learn's bundled Wisconsin set; every fifth row is test. Each of the 30 measurements is
  mapped to 0..255 by the minimum and maximum of the training rows (clipped, rounded half to even). A row of such a
  table is an image of shape (30,).
* ``mnist``, ``fashion-mnist``, ``cifar10``: the published splits (``pyml.ml.sources`` says where they come from).
"""

# scikit-learn has no type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.errors import DatasetError
from pyml.ml.sources import SOURCES, Progress, RawSplits, read_source

NAMES = ("digits", "breast-cancer", *SOURCES)
"""Every name that ``load`` knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Images uint8 [samples, *shape] with values 0..pixel_max, labels uint8 [samples] below ``classes``."""

    name: str
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    classes: int
    pixel_max: int

    def __post_init__(self) -> None:
        if self.train_images.shape[1:] != self.test_images.shape[1:]:
            raise DatasetError(f"{self.name}: train and test images differ in shape")
        if not 1 <= self.pixel_max <= 255 or not 2 <= self.classes <= 256:
            raise DatasetError(f"{self.name}: pixel range or class count is out of range")
        for images, labels in ((self.train_images, self.train_labels), (self.test_images, self.test_labels)):
            if images.dtype != np.uint8 or labels.dtype != np.uint8 or images.ndim < 2 or 0 in images.shape:
                raise DatasetError(f"{self.name}: images and labels must be non-empty unsigned bytes")
            if labels.shape != images.shape[:1]:
                raise DatasetError(
                    f"{self.name}: every image needs one label", expected=len(images), got=list(labels.shape)
                )
            if labels.max() >= self.classes or images.max() > self.pixel_max:
                raise DatasetError(f"{self.name}: a label or a pixel is out of range")
            images.setflags(write=False)
            labels.setflags(write=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        return self.train_images.shape[1:]

    @property
    def features(self) -> int:
        """Numbers in one flattened image."""
        return int(np.prod(self.shape))

    @property
    def pixel_bits(self) -> int:
        """Width of a pixel: the least b with pixel_max < 2**b."""
        return self.pixel_max.bit_length()

    @property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes: classes, pixel range, then shape and bytes of each of the four arrays."""
        state = hashlib.sha256(b"pyml.dataset.v1")
        state.update(self.classes.to_bytes(4, "big") + self.pixel_max.to_bytes(4, "big"))
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            state.update(array.ndim.to_bytes(4, "big") + b"".join(size.to_bytes(8, "big") for size in array.shape))
            state.update(np.ascontiguousarray(array).tobytes())
        return state.digest()

    def __repr__(self) -> str:
        sizes = f"{len(self.train_images)}+{len(self.test_images)}"
        return f"Dataset({self.name!r}, {sizes} of {self.shape}, {self.classes} classes)"


def integers(images: NDArray[np.uint8], *, pixel_max: int, bits: int | None = None) -> NDArray[np.int64]:
    """Flattened images as int64 [samples, features]; ``bits`` drops low bits (floor) to fit that width."""
    drop = input_shift(pixel_max, bits)
    return (images.reshape(len(images), -1) >> drop).astype(np.int64)


def input_shift(pixel_max: int, bits: int | None) -> int:
    """How many low bits of a pixel ``integers`` drops."""
    if bits is not None and bits < 1:
        raise DatasetError("an input needs at least one bit", got=bits)
    return 0 if bits is None else max(0, pixel_max.bit_length() - bits)


def floats(images: NDArray[np.uint8], *, pixel_max: int) -> NDArray[np.float32]:
    """Flattened images as float32 [samples, features] in [0, 1]: what networks train on."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(pixel_max)


def load(
    name: str,
    data_dir: Path | None = None,
    *,
    download: bool = False,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """The named set; raises ``DatasetError`` where it is absent, malformed or not the pinned bytes.

    Looked for in ``data_dir``, then ``cache_dir``, then (with ``download``) at the public source, which fills
    ``cache_dir``. Bundled sets need none of them.
    """
    if name in _BUNDLED:
        return _load_bundled(name)
    if name not in SOURCES:
        raise DatasetError("unknown data set", expected=f"one of {', '.join(NAMES)}", got=name)
    raw: RawSplits = read_source(name, data_dir, download=download, cache_dir=cache_dir, progress=progress)
    return Dataset(name, *raw, classes=10, pixel_max=255)


def _load_bundled(name: str) -> Dataset:
    make, pinned = _BUNDLED[name]
    dataset = make()
    if dataset.digest.hex() != pinned:
        raise DatasetError(
            f"{name}: scikit-learn's copy is not the pinned one",
            expected=f"digest {pinned}",
            got=dataset.digest.hex(),
            hint="Install scikit-learn again.",
        )
    return dataset


def _digits() -> Dataset:
    from sklearn.datasets import load_digits  # heavy import, late

    bunch: Any = load_digits()
    images = np.asarray(bunch.images).astype(np.uint8)
    labels = np.asarray(bunch.target).astype(np.uint8)
    split = len(images) - 500
    return Dataset("digits", images[:split], labels[:split], images[split:], labels[split:], classes=10, pixel_max=16)


def _breast_cancer() -> Dataset:
    from sklearn.datasets import load_breast_cancer  # heavy import, late

    bunch: Any = load_breast_cancer()
    rows, labels = np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target).astype(np.uint8)
    test = np.arange(len(rows)) % 5 == 4
    low, high = rows[~test].min(axis=0), rows[~test].max(axis=0)
    scaled = np.rint(np.clip((rows - low) / (high - low), 0.0, 1.0) * 255).astype(np.uint8)
    return Dataset("breast-cancer", scaled[~test], labels[~test], scaled[test], labels[test], classes=2, pixel_max=255)


_BUNDLED: dict[str, tuple[Callable[[], Dataset], str]] = {
    "digits": (_digits, "f7746d2745893f952b4760a74eb359dc1eae69df82a4d7238cb88873c1bdc000"),
    "breast-cancer": (_breast_cancer, "3ee81f5abf5a6c160b64e35e06e9892ab0433354f8923c230ceb9cb97756b3f8"),
}
