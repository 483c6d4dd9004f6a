"""Shapes of layers, and which flat indices a convolution or a pool reads: public, and free of any weights.

A convolution is a matrix product (im2col: Chellapilla, Puri and Simard 2006). With P positions of the kernel and
K = in_channels · kernel height · kernel width numbers under it, and x a flat input,

    h[p, c] = Σ_k x[patches[p, k]] · weight[k, c]        (x[-1] = 0: the padding)

which is what deep-learning libraries compute: the kernel is not flipped, there is one group and no dilation. Images are
flat in the order channel, row, column, as ``torch.flatten`` leaves them; so h lies at index c·P + p.

An average pool is a *sum* here: its divisor is a factor like any other and is taken up by the weights that follow, so
that integers never need a division.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError

PoolKind = Literal["max", "sum"]
Matrix: TypeAlias = NDArray[Any]
Product: TypeAlias = Callable[[Matrix, Matrix], Matrix]
"""As ``numpy.matmul``."""

MAX_ENTRIES = 1 << 24
"""Most numbers in a layer's input, output or table of patches: shapes come from files, and must not fill the memory."""
_BATCH_ENTRIES = 1 << 22


@dataclass(frozen=True, slots=True)
class Convolution:
    """The geometry of a convolution: kernel, stride and padding as (rows, columns); zeros are padded on both sides."""

    in_channels: int
    height: int
    width: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        pairs = (self.kernel, self.stride, self.padding)
        numbers = (self.in_channels, self.height, self.width, *itertools.chain(*pairs))
        if any(type(number) is not int for number in numbers) or any(len(pair) != 2 for pair in pairs):
            raise ModelError("a convolution's geometry is not made of whole numbers", got=self)
        if min(self.in_channels, self.height, self.width, *self.kernel, *self.stride) < 1:
            raise ModelError("a convolution needs positive sizes", got=self)
        if any(not 0 <= pad < size for pad, size in zip(self.padding, self.kernel, strict=True)):
            raise ModelError(
                "a convolution's padding is out of range",
                expected="less than the kernel, so that every position sees the image",
                got=f"padding {self.padding}, kernel {self.kernel}",
            )
        if min(self.out_height, self.out_width) < 1:
            raise ModelError(
                "a convolution's kernel is larger than its padded image",
                expected=f"at most {self.height + 2 * self.padding[0]}x{self.width + 2 * self.padding[1]}",
                got=f"{self.kernel[0]}x{self.kernel[1]}",
            )
        if max(self.inputs, self.positions * self.fan_in) > MAX_ENTRIES:
            raise ModelError(
                "a convolution is too large",
                expected=f"at most {MAX_ENTRIES} numbers in all patches",
                got=max(self.inputs, self.positions * self.fan_in),
            )

    @property
    def inputs(self) -> int:
        """Width of the flat input."""
        return self.in_channels * self.height * self.width

    @property
    def out_height(self) -> int:
        return (self.height + 2 * self.padding[0] - self.kernel[0]) // self.stride[0] + 1

    @property
    def out_width(self) -> int:
        return (self.width + 2 * self.padding[1] - self.kernel[1]) // self.stride[1] + 1

    @property
    def positions(self) -> int:
        """P: how many places the kernel takes, row by row."""
        return self.out_height * self.out_width

    @property
    def fan_in(self) -> int:
        """K: how many numbers lie under the kernel, channel by channel."""
        return self.in_channels * self.kernel[0] * self.kernel[1]

    def patches(self) -> NDArray[np.int64]:
        """Indices [P, K] into the flat input; -1 where the kernel lies on padding."""
        rows = _places(self.out_height, self.kernel[0], self.stride[0], self.padding[0])[:, None, None, :, None]
        columns = _places(self.out_width, self.kernel[1], self.stride[1], self.padding[1])[None, :, None, None, :]
        channels = np.arange(self.in_channels)[:, None, None]
        inside = (rows >= 0) & (rows < self.height) & (columns >= 0) & (columns < self.width)
        indices = np.where(inside, (channels * self.height + rows) * self.width + columns, -1)
        return indices.reshape(self.positions, self.fan_in)


@dataclass(frozen=True, slots=True)
class Pool:
    """Windows of ``size`` by ``size`` side by side, each reduced to its greatest value or to its sum."""

    kind: PoolKind
    size: int

    def __post_init__(self) -> None:
        if self.kind not in ("max", "sum"):
            raise ModelError("unknown kind of pool", expected="max or sum", got=self.kind)
        if type(self.size) is not int or self.size < 2:
            raise ModelError("a pool's window is too small", expected="2 or more", got=self.size)

    def require_cover(self, height: int, width: int) -> None:
        """Raise ``ModelError`` where windows would leave a remainder of the image."""
        if height % self.size or width % self.size:
            raise ModelError(
                "a pool's windows do not cover its image",
                expected=f"height and width divisible by {self.size}",
                got=f"{height}x{width}",
            )

    def windows(self, channels: int, height: int, width: int) -> NDArray[np.int64]:
        """Indices [channels · height/size · width/size, size²] into the flat image; refuses a remainder."""
        self.require_cover(height, width)
        indices = np.arange(channels * height * width).reshape(
            channels, height // self.size, self.size, width // self.size, self.size
        )
        return indices.transpose(0, 1, 3, 2, 4).reshape(-1, self.size * self.size)


@dataclass(frozen=True, slots=True)
class LayerShape:
    """A layer without its numbers: weight [fan_in, fan_out], applied at each position, then ReLU, then the pool.

    A dense layer has no convolution and one position, at which it sees the whole input.
    """

    fan_in: int
    """Rows of the weight matrix."""
    fan_out: int
    """Columns of the weight matrix: neurons, or channels."""
    convolution: Convolution | None = None
    pool: Pool | None = None

    def __post_init__(self) -> None:
        if min(self.fan_in, self.fan_out) < 1:
            raise ModelError("a layer needs positive widths", got=(self.fan_in, self.fan_out))
        if self.convolution is None:
            if self.pool is not None:
                raise ModelError("only a convolution's output can be pooled", got=self.pool)
            return
        if self.fan_in != self.convolution.fan_in:
            raise ModelError(
                "a convolution's weight does not fit its kernel",
                expected=f"{self.convolution.fan_in} rows",
                got=self.fan_in,
            )
        if self.pre_activations > MAX_ENTRIES:
            raise ModelError(
                "a convolution is too large", expected=f"at most {MAX_ENTRIES} outputs", got=self.pre_activations
            )
        if self.pool is not None:
            self.pool.require_cover(self.convolution.out_height, self.convolution.out_width)

    @property
    def positions(self) -> int:
        return 1 if self.convolution is None else self.convolution.positions

    @property
    def inputs(self) -> int:
        """Width of the flat input."""
        return self.fan_in if self.convolution is None else self.convolution.inputs

    @property
    def pre_activations(self) -> int:
        """Width of the flat output before ReLU and pool."""
        return self.fan_out * self.positions

    @property
    def outputs(self) -> int:
        """Width of the flat output after the pool."""
        return prod(self.output_dims)

    @property
    def output_dims(self) -> tuple[int, ...]:
        """(channels, height, width) after the pool, or (neurons,)."""
        if self.convolution is None:
            return (self.fan_out,)
        size = 1 if self.pool is None else self.pool.size
        return (self.fan_out, self.convolution.out_height // size, self.convolution.out_width // size)

    def patches(self) -> NDArray[np.int64]:
        """Indices [positions, fan_in] into the flat input; -1 is a zero."""
        return np.arange(self.fan_in)[None, :] if self.convolution is None else self.convolution.patches()

    def windows(self) -> NDArray[np.int64]:
        """Indices [outputs, window] into the flat pre-activations: what each output is the maximum or sum of."""
        if self.convolution is None or self.pool is None:
            return np.arange(self.pre_activations)[:, None]
        return self.pool.windows(self.fan_out, self.convolution.out_height, self.convolution.out_width)

    def multiply(self, values: Matrix, weight: Matrix, product: Product = np.matmul) -> Matrix:
        """Flat products [samples, pre_activations] of flat values [samples, inputs], in the arrays' own arithmetic."""
        if self.convolution is None:
            return product(values, weight)
        padded = np.concatenate([values, np.zeros((len(values), 1), dtype=values.dtype)], axis=1)  # read by index -1
        patches = np.ascontiguousarray(self.patches().T)  # [K, P], so that products come out channel by channel
        columns = np.ascontiguousarray(weight.T)
        batches = row_batches(len(values), patches.size)
        products = [product(columns, np.take(padded[rows], patches, axis=1)) for rows in batches]
        return np.concatenate(products).reshape(len(values), self.pre_activations)

    def spread(self, bias: NDArray[Any]) -> NDArray[Any]:
        """A bias [fan_out] at every position: [pre_activations]."""
        return np.repeat(bias, self.positions)

    def reduce(self, values: NDArray[Any]) -> NDArray[Any]:
        """Flat outputs [samples, outputs] of flat activations [samples, pre_activations]."""
        if self.pool is None:
            return values
        under_window = np.take(values, self.windows(), axis=1)
        return under_window.max(axis=2) if self.pool.kind == "max" else under_window.sum(axis=2)


def require_chain(shapes: Sequence[LayerShape]) -> None:
    """Raise ``ModelError`` unless each layer takes what the one before gives, and the last gives logits."""
    if not shapes:
        raise ModelError("a network needs at least one layer")
    for index, (before, after) in enumerate(itertools.pairwise(shapes), start=1):
        given, taken = before.output_dims, (after.inputs,)
        if after.convolution is not None:
            taken = (after.convolution.in_channels, after.convolution.height, after.convolution.width)
        if given != taken and (len(taken) > 1 or (prod(given),) != taken):
            raise ModelError(
                f"layer {index} does not fit the one before it", expected=f"{_dims(given)} inputs", got=_dims(taken)
            )
    if shapes[-1].pool is not None:
        raise ModelError("the last layer gives logits and has no pool", got=shapes[-1].pool)


def row_batches(samples: int, entries: int) -> Iterator[slice]:
    """Slices of the samples such that a few arrays of ``entries`` numbers a sample fit in memory; at least one."""
    step = max(1, _BATCH_ENTRIES // entries)
    return (slice(start, start + step) for start in range(0, max(samples, 1), step))


def _places(count: int, kernel: int, stride: int, padding: int) -> NDArray[np.int64]:
    return np.arange(count)[:, None] * stride - padding + np.arange(kernel)


def _dims(dims: tuple[int, ...]) -> str:
    return "x".join(map(str, dims))
