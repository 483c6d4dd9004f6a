"""A network that was trained as the paper does, as an embedder of pictures: its activations around ½ as integers.

A feature is positive exactly where the paper's bit is one (``pyml.keys.paper``: an activation of ½ or more), and the
further from 0 the further the activation is from ½; so paper mode and vault mode can be measured on one network. One
picture at a time, on however many threads torch has: floating-point sums, so that another machine may find another bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.keys.picture_sets import PIXEL_MAX, as_image
from pyml.ml.siamese import CODE, Siamese, activations
from pyml.ml.siamese_file import read_siamese

FRACTION_BITS = 24
"""Of a 32-bit float between ½ and 1."""


class SiamesePictures:
    """RGB pictures, squeezed to the network's input."""

    dimensions = CODE

    def __init__(self, network: Siamese, name: str = "siamese") -> None:
        self._network = network
        self.name = name
        state = hashlib.sha256(b"pyml.embedder.siamese.v1" + repr(network.architecture).encode())
        for part, values in sorted(network.state_dict().items()):
            state.update(part.encode() + b"\0" + values.numpy().tobytes())
        self.digest = state.digest()

    @classmethod
    def open(cls, path: Path) -> SiamesePictures:
        """From the file that training wrote."""
        return cls(read_siamese(path), path.stem)

    def embed(self, items: Sequence[Image.Image]) -> NDArray[np.int64]:
        images = np.stack([as_image(item, self._network.architecture) for item in items])
        found = np.concatenate(list(activations(self._network, images, pixel_max=PIXEL_MAX, batch=1)))
        return np.floor((found.astype(np.float64) - 0.5) * (1 << FRACTION_BITS)).astype(np.int64) + 1
