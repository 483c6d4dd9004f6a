"""Training of the small networks that ship with pyml, and how they become integers.

Two edits of one thing are to have features in the same direction, those of different things not (InfoNCE: van den Oord,
Li and Vinyals 2018; as in SimCLR: Chen et al. 2020). Training in floats repeats to the bit on one machine only; what
comes out is integers (``fixed_point``), which give the same codes on all.
"""

# torch's annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pyml.ml.embedders.fixed_point import FixedPointNetwork, quantised

TEMPERATURE = 0.07
_RATE = 2e-3


def small_network(side: int, channels: int, widths: Sequence[int], dimensions: int) -> nn.Sequential:
    """Convolutions of stride 2, a dense layer, and features of mean 0 and variance 1 over a batch."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    cells = (side >> len(widths)) ** 2
    dense = nn.Linear(channels * cells, dimensions, bias=False)
    return nn.Sequential(*layers, nn.Flatten(), dense, nn.BatchNorm1d(dimensions, affine=False))


def train(
    model: nn.Sequential,
    pairs: Callable[[], tuple[Tensor, Tensor]],
    *,
    steps: int,
    progress: Callable[[int], None] | None = None,
) -> nn.Sequential:
    """The model after so many steps, ready to be used.

    ``pairs`` gives a batch twice, float [n, channels, side, side] from 0 to 1, after different edits.
    """
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, max(steps, 2))
    for step in range(steps):
        first, second = (functional.normalize(model(seen)) for seen in pairs())
        likeness = first @ second.T / TEMPERATURE
        same = torch.arange(len(first))
        loss = (functional.cross_entropy(likeness, same) + functional.cross_entropy(likeness.T, same)) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if progress is not None:
            progress(step + 1)
    return model.eval()


def in_integers(model: nn.Sequential, pictures: NDArray[np.uint8]) -> FixedPointNetwork:
    """The trained network with batch normalisation folded, calibrated on ``pictures`` [n, side, side, channels]."""
    parts, side = list(model), pictures.shape[1]
    places = [index for index, part in enumerate(parts) if isinstance(part, nn.Conv2d)]
    convolutions = [
        _folded(cast("nn.Conv2d", parts[index]).weight.permute(2, 3, 1, 0).flatten(0, 2), parts[index + 1])
        for index in places
    ]
    dense, width = cast("nn.Linear", parts[-2]), cast("nn.Conv2d", parts[places[-1]]).out_channels
    cells = side >> len(places)
    # torch flattens channel, row, column; the integers row, column, channel
    weight = dense.weight.reshape(dense.out_features, width, cells, cells).permute(2, 3, 1, 0).flatten(0, 2)
    return quantised(side, convolutions, _folded(weight, parts[-1]), pictures)


def _folded(weight: Tensor, normalisation: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [fan_in, outputs] and biases that do the normalisation as well."""
    factor = (normalisation.running_var + normalisation.eps).rsqrt()
    if normalisation.affine:
        factor = factor * normalisation.weight
    bias = -normalisation.running_mean * factor + (normalisation.bias if normalisation.affine else 0)
    return (weight * factor).detach().numpy(), bias.detach().numpy()
