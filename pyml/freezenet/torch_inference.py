"""Integer inference in PyTorch, bit for bit that of ``pyml.freezenet.inference``, on any device.

Products run through PyTorch's own convolution in float64: sums are integers below 2^31, which it holds exactly. They
are rounded all the same, so that an algorithm with intermediate fractions (cuDNN's FFT) gives the same integers.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from pyml.errors import InputError
from pyml.freezenet.inference import Int8Layer, Int8Network


def logits(network: Int8Network, inputs: Tensor) -> Tensor:
    """Logits int64 [samples, classes] of flat int8 inputs [samples, features], on the device of the inputs."""
    values = _require_inputs(network, inputs)
    for layer in network.layers[:-1]:
        values = _activate(layer, _weighted(layer, values))
    return _weighted(network.layers[-1], values).flatten(1)


def activations(network: Int8Network, inputs: Tensor) -> tuple[Tensor, ...]:
    """Flat int8 outputs [samples, width] of every layer but the last."""
    values = _require_inputs(network, inputs)
    found: list[Tensor] = []
    for layer in network.layers[:-1]:
        values = _activate(layer, _weighted(layer, values))
        found.append(values.flatten(1))
    return tuple(found)


def predict(network: Int8Network, inputs: Tensor) -> Tensor:
    """Class int64 of each sample; the lowest where the greatest logit is attained twice, on every device."""
    values = logits(network, inputs)
    classes = torch.arange(network.classes, device=values.device)
    tied = values == values.max(dim=1, keepdim=True).values
    return torch.where(tied, classes, network.classes).min(dim=1).values


def _weighted(layer: Int8Layer, values: Tensor) -> Tensor:
    """h int64 [samples, channels, height, width], or [samples, neurons]."""
    weight = torch.tensor(layer.weight.T, dtype=torch.float64, device=values.device)
    geometry = layer.convolution
    if geometry is None:
        sums = functional.linear(values.flatten(1).double(), weight)
    else:
        images = values.reshape(-1, geometry.in_channels, geometry.height, geometry.width).double()
        kernels = weight.reshape(-1, geometry.in_channels, *geometry.kernel)
        sums = functional.conv2d(images, kernels, stride=geometry.stride, padding=geometry.padding)
    per_channel = (-1, *[1] * (sums.ndim - 2))
    multiplier, bias = (
        torch.tensor(array, dtype=torch.int64, device=values.device).reshape(per_channel)
        for array in (layer.multiplier, layer.bias)
    )
    return sums.round().to(torch.int64) * multiplier + bias


def _activate(layer: Int8Layer, weighted: Tensor) -> Tensor:
    rounded = (weighted + (1 << layer.shift >> 1)) >> layer.shift
    values = rounded.clamp(0 if layer.relu else -128, 127)
    if layer.pool is not None:
        values = functional.max_pool2d(values.double(), layer.pool.size)
    return values.to(torch.int8)


def _require_inputs(network: Int8Network, inputs: Tensor) -> Tensor:
    if inputs.dtype != torch.int8 or inputs.ndim != 2 or inputs.shape[1] != network.inputs:
        raise InputError(
            "inputs do not fit the network",
            expected=f"int8 [samples, {network.inputs}]",
            got=f"{inputs.dtype} {list(inputs.shape)}",
        )
    return inputs
