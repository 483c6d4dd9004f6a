"""Float layers of PyTorch modules: what a circuit can prove is read, anything else is named and refused.

Parameters leave PyTorch as plain float64 arrays (``pyml.ml.affine``), so that quantisation does not care whether they
came from a module, an ONNX file or a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pyml.errors import ModelError
from pyml.ml.affine import UNKNOWN, AffineChain, AffineLayer, Operation


class AsImage(nn.Module):
    """Rows of numbers as images [batch, channels, height, width]; unlike ``nn.Unflatten``, one node in ONNX."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.dims = (channels, height, width)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.reshape(-1, *self.dims)

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.dims))


def affine_layers(model: nn.Module) -> tuple[AffineLayer, ...]:
    """The float layers of a network; raises ``ModelError`` naming the first module that is not supported.

    Accepted, nested in ``Sequential`` at any depth: ``Linear`` and ``Conv2d`` (one group, no dilation, zeros for
    padding) with ``ReLU`` between them; ``BatchNorm1d``/``BatchNorm2d`` right behind them; ``MaxPool2d``, ``AvgPool2d``
    and ``AdaptiveAvgPool2d(1)`` over squares side by side; ``AsImage`` first, ``Flatten`` between images and rows;
    ``Identity`` and ``Dropout``, which are inert at inference.
    """
    chain = AffineChain((UNKNOWN,), _refusal)
    for name, module in _leaves(model, ""):
        _take(chain, Operation(name, type(module).__name__), module)
    layers = chain.finish()
    if not chain.begun:
        raise ModelError("the network has no Linear or Conv2d layer", got=type(model).__name__)
    if layers is None:
        raise ModelError("the network does not end in its logits", expected="a Linear layer, or Conv2d and Flatten")
    return layers


def _leaves(module: nn.Module, name: str) -> list[tuple[str, nn.Module]]:
    if type(module) is not nn.Sequential:
        return [(name or type(module).__name__, module)]
    children = module.named_children()
    return [leaf for child, inner in children for leaf in _leaves(inner, f"{name}.{child}" if name else child)]


def _take(chain: AffineChain, at: Operation, module: nn.Module) -> None:
    kind = type(module)  # exactly: a class of its own may compute anything
    if kind in (nn.Identity, nn.Dropout, nn.Dropout2d):
        return
    taken = _READERS.get(kind)
    if taken is None:
        raise _refusal(at, "a circuit proves Linear and Conv2d layers with ReLU between them")
    taken(chain, at, module)


def _take_linear(chain: AffineChain, at: Operation, linear: nn.Linear) -> None:
    chain.dense(at, _numbers(linear.weight).T, _optional(linear.bias))


def _take_convolution(chain: AffineChain, at: Operation, module: nn.Conv2d) -> None:
    if module.groups != 1 or module.dilation != (1, 1) or module.padding_mode != "zeros":
        raise _refusal(at, "it must have one group, no dilation and zeros for padding")
    if isinstance(module.padding, str):
        raise _refusal(at, "its padding must be given in numbers")
    stride, padding = (_pair(value) for value in (module.stride, module.padding))
    chain.convolve(at, _numbers(module.weight), _optional(module.bias), stride=stride, padding=padding)


def _take_batch_norm(chain: AffineChain, at: Operation, module: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    mean, variance = _optional(module.running_mean), _optional(module.running_var)
    if mean is None or variance is None:
        raise _refusal(at, "it has no running statistics")
    gamma, beta = _optional(module.weight), _optional(module.bias)
    chain.normalise(
        at,
        gamma=np.ones_like(mean) if gamma is None else gamma,
        beta=np.zeros_like(mean) if beta is None else beta,
        mean=mean,
        variance=variance,
        epsilon=module.eps,
    )


def _take_max_pool(chain: AffineChain, at: Operation, module: nn.MaxPool2d) -> None:
    if module.return_indices or module.ceil_mode or _pair(module.padding) != (0, 0) or _pair(module.dilation) != (1, 1):
        raise _refusal(at, "it must have no padding, dilation, ceil_mode or indices")
    chain.pool(at, "max", size=_pair(module.kernel_size), stride=_pair(module.stride))


def _take_average_pool(chain: AffineChain, at: Operation, module: nn.AvgPool2d) -> None:
    if module.divisor_override is not None or module.ceil_mode or _pair(module.padding) != (0, 0):
        raise _refusal(at, "it must have no padding, ceil_mode or divisor of its own")
    chain.pool(at, "average", size=_pair(module.kernel_size), stride=_pair(module.stride))


def _take_adaptive_pool(chain: AffineChain, at: Operation, module: nn.AdaptiveAvgPool2d) -> None:
    if module.output_size not in (1, (1, 1)):
        raise _refusal(at, "its output must be 1 by 1")
    chain.pool_all(at)


def _take_flatten(chain: AffineChain, at: Operation, module: nn.Flatten) -> None:
    if (module.start_dim, module.end_dim) != (1, -1):
        raise _refusal(at, "it must leave one row a sample")
    chain.flatten()


_READERS: dict[type[nn.Module], Callable[[AffineChain, Operation, Any], None]] = {
    nn.Linear: _take_linear,
    nn.Conv2d: _take_convolution,
    nn.BatchNorm1d: _take_batch_norm,
    nn.BatchNorm2d: _take_batch_norm,
    nn.ReLU: lambda chain, at, _: chain.relu(at),
    nn.MaxPool2d: _take_max_pool,
    nn.AvgPool2d: _take_average_pool,
    nn.AdaptiveAvgPool2d: _take_adaptive_pool,
    nn.Flatten: _take_flatten,
    AsImage: lambda chain, at, module: chain.reshape(at, module.dims),
}


def _numbers(tensor: torch.Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()


def _optional(tensor: torch.Tensor | None) -> NDArray[np.float64] | None:
    return None if tensor is None else _numbers(tensor)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    rows, columns = value
    return rows, columns


def _refusal(at: Operation, why: str) -> ModelError:
    return ModelError(
        f"layer {at.name} ({at.kind}) is not supported: {why}", expected="Linear or Conv2d, ReLU, Linear or Conv2d, …"
    )
