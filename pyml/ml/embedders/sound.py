"""The sound embedder that ships with pyml: a log-mel picture to 256 features by a small network in integers.

Trained by ``scripts/train_sound_embedder.py`` on spoken digits of four people, which that script cuts, joins and bends.
They are of the Free Spoken Digit Dataset (Zohar Jackson and contributors), given under CC BY-SA 4.0
(https://creativecommons.org/licenses/by-sa/4.0/). No recording can be had back from the weights; whether they are an
adaptation in the sense of that licence is for others to say, and so ``sound.npz``, unlike the rest of pyml, is given
under CC BY-SA 4.0 as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from pyml.ml.embedders.fixed_point import FixedPointNetwork, digest
from pyml.ml.embedders.log_mel import log_mel

WEIGHTS = "sound.npz"
TRAINED_ON = ("george", "jackson", "lucas", "nicolas")
"""Speakers of ``pyml.ml.spoken_digits`` whose recordings the weights have seen: measure with the others."""


class SoundEmbedder:
    """Samples int16 [n] at 8 kHz, a tenth of a second to a minute; loudness does not count."""

    name = "pyml sound 1"

    def __init__(self, weights: bytes | None = None) -> None:
        content = _shipped() if weights is None else weights
        self._network = FixedPointNetwork.from_bytes(content)
        self.digest = digest(content)

    @property
    def dimensions(self) -> int:
        return self._network.dimensions

    def embed(self, items: Sequence[NDArray[np.int16]]) -> NDArray[np.int64]:
        """``InputError`` for silence or a wrong length."""
        if not items:
            return np.empty((0, self.dimensions), np.int64)
        return self._network.features(np.stack([log_mel(item) for item in items]))


@cache
def _shipped() -> bytes:
    return (resources.files("pyml.ml.embedders") / WEIGHTS).read_bytes()
