"""The author's own figures, to stand beside ours: the paper's network on CIFAR-10, one seed.

Source: FreezeNet, section 3.5 and the author's published data (specification, section 3). Accuracies are read from the
data of figure 1; of figure 2 the text says only where it ends; of figure 3 how many epochs honest training takes to
60 % for each that transfer takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

AFTER_100_EPOCHS: Final[Mapping[float, float]] = MappingProxyType(
    {
        0.0: 0.882,
        0.1: 0.867,
        0.2: 0.844,
        0.3: 0.830,
        0.4: 0.805,
        0.5: 0.784,
        0.6: 0.737,
        0.7: 0.655,
        0.8: 0.396,
        0.9: 0.377,
        1.0: 0.100,
    }
)
"""Test accuracy by watermarked fraction."""
AFTER_10_EPOCHS: Final[Mapping[float, float]] = MappingProxyType({0.0: 0.784, 0.1: 0.596, 0.5: 0.242, 0.7: 0.205})
CHANCE_FROM: Final = 0.1
"""Section 3.5: more than 10 % watermarked, and a trained network answers at random (figure 2)."""
TRANSFER_TARGET: Final = 0.6
TRANSFER_SPEED_UP: Final[Mapping[float, float]] = MappingProxyType({0.1: 12.0, 0.2: 2.6, 0.5: 1.13, 0.7: 1.0})
"""Honest epochs for each attacker's epoch to ``TRANSFER_TARGET`` (figure 3); at 0.7 it is at most this."""
EPOCHS: Final = 100
EARLY_EPOCHS: Final = 10
