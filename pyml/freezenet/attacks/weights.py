"""Attacks that hand in a model trained without the watermark: naively, by a one-sided check, and by scale.

Source: FreezeNet, section 3.5 and figure 2 (naive insertion); specification, section 4.

* ``naive``: put the watermark into a trained model. Its accuracy falls to chance as the fraction grows (figure 2).
* ``one_sided``: the author's check passes every weight *below* its watermark. So weights are only lowered where they
  must be, and about half of them stay as they were trained.
* ``one_sided_codes``: the same against v1's codes. There equality is exact, and a miner who hands in free weights only
  cannot even say it; what is measured is what a one-sided check would be worth.
* ``scaled``: multiply the kernels by a factor first. Normalisations and the argmax are blind to it, and the watermark,
  whose weights stay in [-1, 1], vanishes beside them. Statistics of normalisations are taken anew on training images;
  nothing is trained.
* ``scaled_codes``: the same against v1, where kernels are int8 codes under scales that the task fixes. The factor runs
  into the bounds of the codes.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pyml.errors import InputError
from pyml.freezenet.strata import TensorWatermark
from pyml.freezenet.trainable import TrainableNetwork, float_inputs
from pyml.freezenet.training import HeldWeights, hold_codes, hold_reference, reference_placement


def naive(network: TrainableNetwork, data: bytes, fraction: float) -> HeldWeights:
    """Insert the paper's watermark in place; the statistics of normalisations stay."""
    return hold_reference(network, data, fraction, "replace")


def one_sided(network: TrainableNetwork, data: bytes, fraction: float) -> float:
    """Lower the weights that the one-sided check would refuse; the share of the watermark's weights that stayed."""
    stayed = total = 0
    with torch.no_grad():
        for parameter, positions, values in reference_placement(network, data, fraction):
            flat, wanted = parameter.view(-1), torch.from_numpy(values)
            own = flat[torch.from_numpy(positions)]
            stayed += int((own <= wanted).sum())
            total += len(values)
            flat[torch.from_numpy(positions)] = torch.minimum(own, wanted)
    return stayed / total if total else 1.0


def one_sided_codes(network: TrainableNetwork, marks: Sequence[TensorWatermark]) -> tuple[NDArray[np.int8], ...]:
    """Lower the codes that a one-sided check would refuse, in place; the kernels as they would be handed in."""
    kernels: list[NDArray[np.int8]] = []
    for layer, mark in zip(network.trainable[:-1], marks, strict=True):
        kernel = layer.codes().reshape(-1)
        kernel[mark.positions] = np.minimum(kernel[mark.positions], mark.codes)
        kernels.append(kernel)
        scale = 2.0**layer.plan.scales.weight_bits
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(kernel / scale).to(layer.weight.dtype).view_as(layer.weight))
    return tuple(kernels)


def scaled(
    network: TrainableNetwork, data: bytes, fraction: float, *, factor: float, images: NDArray[np.int8]
) -> HeldWeights:
    """Multiply kernels and biases, insert the paper's watermark, take statistics anew on ``images`` [n, features]."""
    _scale(network, factor)
    held = hold_reference(network, data, fraction, "replace")
    take_statistics(network, images)
    return held


def scaled_codes(
    network: TrainableNetwork, marks: Sequence[TensorWatermark], *, factor: float, images: NDArray[np.int8]
) -> HeldWeights:
    """As ``scaled``, with a v1 watermark in a network of integers."""
    _scale(network, factor)
    held = hold_codes(network, marks, "replace")
    take_statistics(network, images)
    return held


def take_statistics(network: TrainableNetwork, images: NDArray[np.int8], *, batch: int = 256) -> None:
    """Means and variances of normalisations over images, weights untouched; leaves evaluation mode."""
    norms = [layer.norm for layer in network.trainable if layer.norm is not None]
    before = [norm.momentum for norm in norms]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
        norm.train()
    with torch.no_grad():
        for start in range(0, len(images), batch):
            network(float_inputs(images[start : start + batch]))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.eval()


def _scale(network: TrainableNetwork, factor: float) -> None:
    if not 0 < factor < float("inf"):
        raise InputError("a factor must be positive and finite", got=factor)
    with torch.no_grad():
        for layer in network.trainable:
            _times(layer.weight, factor)
            _times(layer.bias, factor)


def _times(parameter: nn.Parameter, factor: float) -> None:
    parameter.mul_(factor)
