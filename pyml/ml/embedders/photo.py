"""The embedder that ships with pyml: photographs to 256 features by a small network in integers.

Trained by ``scripts/train_photo_embedder.py`` on pictures made by rule, without a single photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.ml.embedders.fixed_point import FixedPointNetwork, digest

WEIGHTS = "photo.npz"
SIDE = 64


class PhotoEmbedder:
    """RGB pictures; the whole picture is squeezed to a square, so that aspect ratio does not count."""

    name = "pyml photo 1"

    def __init__(self, weights: bytes | None = None) -> None:
        content = _shipped() if weights is None else weights
        self._network = FixedPointNetwork.from_bytes(content)
        self.digest = digest(content)

    @property
    def dimensions(self) -> int:
        return self._network.dimensions

    def embed(self, items: Sequence[Image.Image]) -> NDArray[np.int64]:
        return self._network.features(np.stack([thumbnail(item, self._network.side) for item in items]))


def thumbnail(picture: Image.Image, side: int = SIDE) -> NDArray[np.uint8]:
    """uint8 [side, side, 3]: means over boxes, by Pillow in integers; smaller pictures are enlarged first."""
    method = Image.Resampling.BOX if min(picture.size) >= 2 * side else Image.Resampling.BICUBIC
    return np.asarray(picture.convert("RGB").resize((side, side), method))


@cache
def _shipped() -> bytes:
    return (resources.files("pyml.ml.embedders") / WEIGHTS).read_bytes()
