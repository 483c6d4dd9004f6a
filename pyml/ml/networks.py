"""Networks that the circuits can prove: multilayer perceptrons of any depth and width.

A perceptron is an ``nn.Sequential`` of ``Linear`` layers with ``ReLU`` between them, on flattened inputs in [0, 1].
Its parameters leave PyTorch as plain float64 arrays (``DenseLayer``), so that quantisation does not care whether they
came from a module, an ONNX file or a checkpoint.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pyml.errors import ModelError


@dataclass(frozen=True, slots=True, eq=False)
class DenseLayer:
    """A float layer ``x @ weight + bias``: ``weight`` float64 [in, out], ``bias`` float64 [out]; both finite."""

    name: str
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __post_init__(self) -> None:
        weight, bias = np.array(self.weight, dtype=np.float64), np.array(self.bias, dtype=np.float64)
        if weight.ndim != 2 or 0 in weight.shape or bias.shape != (weight.shape[1],):
            raise ModelError(
                f"layer {self.name}: shapes do not match",
                expected="weight [in, out], bias [out]",
                got=(weight.shape, bias.shape),
            )
        for part, values in (("weight", weight), ("bias", bias)):
            if not np.isfinite(values).all():
                raise ModelError(
                    f"layer {self.name}: {part} is not finite",
                    expected="finite numbers",
                    got=f"{int((~np.isfinite(values)).sum())} NaN or infinite values",
                    hint="Train again with a lower learning rate.",
                )
            values.setflags(write=False)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    def __repr__(self) -> str:  # weights may be secret: show the shape only
        return f"DenseLayer({self.name!r}, {self.weight.shape[0]} -> {self.weight.shape[1]})"


def mlp(sizes: Sequence[int], *, seed: int) -> nn.Sequential:
    """A perceptron with the given widths, e.g. ``(64, 32, 10)``; He-uniform weights from ``seed``, zero biases."""
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise ModelError("a perceptron needs two or more positive widths", expected="e.g. 64-32-10", got=list(sizes))
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        if modules:
            modules.append(nn.ReLU())
        linear = nn.Linear(fan_in, fan_out, device="meta").to_empty(device="cpu")  # no draw from the global generator
        limit = math.sqrt(6.0 / fan_in)
        with torch.no_grad():
            linear.weight.uniform_(-limit, limit, generator=generator)
            linear.bias.zero_()
        modules.append(linear)
    return nn.Sequential(*modules)


def parse_sizes(text: str) -> tuple[int, ...]:
    """``"64-32-10"`` as widths; raises ``ModelError`` on anything else."""
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and 0 < int(part) < 2**20 for part in parts):
        raise ModelError("network sizes cannot be read", expected="widths joined by '-', e.g. 64-32-10", got=text)
    return tuple(int(part) for part in parts)


def dense_layers(model: nn.Module) -> tuple[DenseLayer, ...]:
    """The float layers of a perceptron; raises ``ModelError`` naming the first module that is not supported.

    Accepted: ``Linear``, ``ReLU`` between two ``Linear``, a leading ``Flatten``, ``Identity`` and ``Dropout`` (inert at
    inference), nested in ``Sequential`` at any depth.
    """
    layers: list[DenseLayer] = []
    relu_due = False
    for name, module in _leaves(model, ""):
        kind = type(module)
        if kind is nn.Linear and isinstance(module, nn.Linear):
            if relu_due:
                raise _unsupported(name, module, "two Linear layers without a ReLU between them")
            layers.append(_dense(name, module))
            relu_due = True
        elif kind is nn.ReLU and relu_due:
            relu_due = False
        elif kind in (nn.Identity, nn.Dropout) or (kind is nn.Flatten and not layers):
            continue
        else:
            raise _unsupported(name, module, "a circuit proves Linear layers with ReLU between them")
    if not layers:
        raise ModelError("the network has no Linear layer", got=type(model).__name__)
    if not relu_due:
        raise ModelError("the network ends in a ReLU", expected="a Linear layer that gives the logits")
    for before, after in itertools.pairwise(layers):
        if before.weight.shape[1] != after.weight.shape[0]:
            raise ModelError(
                f"layer {after.name} does not fit {before.name}",
                expected=f"{before.weight.shape[1]} inputs",
                got=after.weight.shape[0],
            )
    return tuple(layers)


def forward(layers: Sequence[DenseLayer], inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 logits [samples, classes] of dense layers with ReLU between them; inputs [samples, features]."""
    values = np.asarray(inputs, dtype=np.float64)
    for index, layer in enumerate(layers):
        values = (np.maximum(values, 0.0) if index else values) @ layer.weight + layer.bias
    return values


def _leaves(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    if type(module) is not nn.Sequential:
        return [(name or type(module).__name__, module)]
    children = module.named_children()
    return [leaf for child, inner in children for leaf in _leaves(inner, f"{name}.{child}" if name else child)]


def _dense(name: str, linear: nn.Linear) -> DenseLayer:
    weight = linear.weight.detach().cpu().double().numpy().T
    stored: torch.Tensor | None = dict(linear.named_parameters()).get("bias")
    bias = np.zeros(linear.out_features) if stored is None else stored.detach().cpu().double().numpy()
    return DenseLayer(name, weight, bias)


def _unsupported(name: str, module: nn.Module, why: str) -> ModelError:
    return ModelError(
        f"layer {name} ({type(module).__name__}) is not supported: {why}", expected="Linear, ReLU, Linear, …"
    )
