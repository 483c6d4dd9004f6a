"""The order of parameters in Keras, in which the paper's positions count, for networks trained in PyTorch.

Source: specification, section 1.1. Both hold a layer's kernel, bias, and then gamma and beta of its normalisation, and
both are flat in C order. They differ in the axes of a kernel, HWIO and (in, out) against OIHW and (out, in), and in the
order in which an image is flattened before a dense layer: row, column, channel against channel, row, column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError


@dataclass(frozen=True, slots=True)
class TorchParameter:
    """A trainable tensor as PyTorch holds it: a vector, a dense weight (out, in) or a kernel OIHW.

    ``flattened`` is the image (channels, height, width) that a dense weight reads flat.
    """

    shape: tuple[int, ...]
    flattened: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 2, 4) or min(self.shape) < 1:
            raise ModelError(
                "a parameter is neither a vector, a dense weight nor a kernel",
                expected="positive sizes, 1, 2 or 4 of them",
                got=self.shape,
            )
        if self.flattened is not None and (len(self.shape) != 2 or prod(self.flattened) != self.shape[1]):
            raise ModelError(
                "a flattened image does not fit its dense weight",
                expected=f"{self.shape[1:]} numbers",
                got=self.flattened,
            )

    @property
    def size(self) -> int:
        return prod(self.shape)


def keras_order(parameters: Sequence[TorchParameter]) -> NDArray[np.int64]:
    """Where the parameters [n] of Keras's flat order lie in PyTorch's: ``keras = torch[order]``.

    ``parameters`` are those of ``nn.Module.parameters()``, in that order.
    """
    parts: list[NDArray[np.int64]] = []
    start = 0
    for parameter in parameters:
        indices = np.arange(start, start + parameter.size)
        if len(parameter.shape) == 4:
            indices = indices.reshape(parameter.shape).transpose(2, 3, 1, 0)
        elif parameter.flattened is not None:
            indices = indices.reshape(parameter.shape[0], *parameter.flattened).transpose(2, 3, 1, 0)
        elif len(parameter.shape) == 2:
            indices = indices.reshape(parameter.shape).T
        parts.append(indices.reshape(-1))
        start += parameter.size
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def paper_cnn() -> tuple[TorchParameter, ...]:
    """The paper's network for CIFAR-10 (figures 4 and 5): 1,306,922 parameters."""
    found: list[TorchParameter] = []
    channels = 3
    for block in range(_BLOCKS):
        filters = 32 << block
        for _ in range(2):
            found += [TorchParameter((filters, channels, 3, 3)), *_vectors(filters, 3)]
            channels = filters
    side = 32 >> _BLOCKS
    found += [TorchParameter((128, channels * side**2), (channels, side, side)), *_vectors(128, 3)]
    return (*found, TorchParameter((10, 128)), *_vectors(10, 1))


def _vectors(width: int, count: int) -> list[TorchParameter]:
    """A bias, and gamma and beta where a normalisation follows."""
    return [TorchParameter((width,))] * count


_BLOCKS: Final = 4
