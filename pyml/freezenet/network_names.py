"""Architectures by name, as commands and experiments ask for them.

``paper`` is the paper's network for CIFAR-10 (section 3.5, figures 4 and 5), ``cnn`` and ``mlp`` are small ones for
grey images, which train on a laptop in seconds (specification, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final

from pyml.errors import ModelError
from pyml.freezenet.trainable import LayerPlan, paper_cnn, small_cnn, small_mlp

NAMES: Final = ("mlp", "cnn", "paper")
_PAPER_SHAPE: Final = (3, 32, 32)
_PAPER_CLASSES: Final = 10
_MAX_SIDE: Final = 64


def plans_named(name: str, shape: Sequence[int], *, classes: int, integer: bool) -> tuple[LayerPlan, ...]:
    """The named architecture for images of ``shape``; ``ModelError`` where there is none, or it does not take them.

    The paper's network is the published one only in float: see ``pyml.freezenet.trainable``.
    """
    if name == "mlp":
        return small_mlp(prod(shape), classes=classes)
    if name == "cnn":
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] % 4 or shape[0] > _MAX_SIDE:
            raise ModelError(
                "the small CNN does not take these images",
                expected=f"square grey ones of a side that 4 divides, {_MAX_SIDE} at most",
                got="×".join(map(str, shape)),
                hint="Choose --network mlp or paper.",
            )
        return small_cnn(shape[0], classes)
    if name == "paper":
        if tuple(shape) != _PAPER_SHAPE or classes != _PAPER_CLASSES:
            raise ModelError(
                "the paper's network takes the images of CIFAR-10",
                expected="3×32×32 in 10 classes",
                got=f"{'×'.join(map(str, shape))} in {classes}",
                hint="Choose --network cnn or mlp, or --data cifar10.",
            )
        return paper_cnn(as_published=not integer)
    raise ModelError("unknown network", expected=", ".join(NAMES), got=name)
