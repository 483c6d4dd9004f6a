"""A small convolutional network in integers: the same bits on every machine, at any batch size and thread count.

Activations are bytes, weights signed bytes, sums exact. A layer is a 3×3 convolution with stride 2 and zero padding of
one; its sums become bytes again by ``clip((sum·m + 2^(s-1)) >> s, 0, 255)`` with a multiplier a channel, which also is
the ReLU. The last layer is dense and gives its sums as they are: features.

Products are taken by the float32 matrix product of whatever BLAS there is. That is exact in any order of summation as
long as every partial sum is an integer below 2^24, which ``Layer`` makes sure of: Σ|w|·255 < 2^24 for each output.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError

_EXACT = 1 << 24
_SHIFT = 24
_SHRINKAGE = 0.01
"""Added to each variance, as a share of their mean, so that directions without any are not blown up."""
_STRIDE = 2
_SIDE = 3


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """weight int8 [fan_in, outputs], bias int32 [outputs], multiplier int32 [outputs] (0 for the last layer)."""

    weight: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.int32]

    def __post_init__(self) -> None:
        outputs = self.weight.shape[-1:]
        if self.weight.ndim != 2 or self.weight.dtype != np.int8:
            raise ModelError("a layer's weights are no matrix of signed bytes", got=self.weight.shape)
        if self.bias.shape != outputs or self.multiplier.shape != outputs or (self.multiplier < 0).any():
            raise ModelError("a layer's biases or multipliers do not fit its outputs")
        reach = int(np.abs(self.weight.astype(np.int64)).sum(axis=0).max()) * 255
        if reach >= _EXACT:
            raise ModelError("a layer's sums are not exact in 32-bit floats", expected="below 2^24", got=reach)


@dataclass(frozen=True, slots=True, eq=False)
class FixedPointNetwork:
    """Pictures uint8 [n, side, side, channels] in, features int64 [n, dimensions] out.

    A sound is a picture of one channel: time by pitch.
    """

    side: int
    convolutions: tuple[Layer, ...]
    dense: Layer

    def __post_init__(self) -> None:
        if self.side < 1:
            raise ModelError("a network of pictures without a side", got=self.side)
        side, channels = self.side, self.channels
        for layer in self.convolutions:
            if layer.weight.shape[0] != _SIDE * _SIDE * channels:
                raise ModelError("a convolution does not fit what comes before", got=layer.weight.shape)
            side, channels = -(-side // _STRIDE), layer.weight.shape[1]
        if self.dense.weight.shape[0] != side * side * channels:
            raise ModelError("the dense layer does not fit what comes before", got=self.dense.weight.shape)

    @property
    def channels(self) -> int:
        """Of a picture, as the first layer has it."""
        if self.convolutions:
            return self.convolutions[0].weight.shape[0] // (_SIDE * _SIDE)
        return self.dense.weight.shape[0] // (self.side * self.side)

    @property
    def dimensions(self) -> int:
        return self.dense.weight.shape[1]

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Features of a batch; ``ModelError`` for another shape or type."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (self.side, self.side, self.channels):
            raise ModelError(
                "wrong input",
                expected=f"uint8 [n, {self.side}, {self.side}, {self.channels}]",
                got=f"{pictures.dtype} {pictures.shape}",
            )
        values = pictures
        for layer in self.convolutions:
            values = _requantised(_convolved(values, layer), layer)
        flat = values.reshape(len(values), -1).astype(np.float32)
        return (flat @ self.dense.weight.astype(np.float32)).astype(np.int64) + self.dense.bias

    def to_bytes(self) -> bytes:
        """As an uncompressed ``.npz``; equal networks give equal bytes."""
        stored = io.BytesIO()
        arrays: dict[str, Any] = {"side": np.array(self.side)}
        for index, layer in enumerate((*self.convolutions, self.dense)):
            arrays |= {f"weight_{index}": layer.weight, f"bias_{index}": layer.bias}
            arrays |= {f"multiplier_{index}": layer.multiplier}
        np.savez(stored, **arrays)
        return stored.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> FixedPointNetwork:
        """What ``to_bytes`` gave; ``ModelError`` for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                count = sum(name.startswith("weight_") for name in stored.files)
                layers = [Layer(*(stored[f"{part}_{index}"] for part in _PARTS)) for index in range(count)]
                side = int(stored["side"])
        except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise ModelError("not a fixed-point network") from error
        if not layers:
            raise ModelError("a fixed-point network without layers")
        return cls(side, tuple(layers[:-1]), layers[-1])


_PARTS = ("weight", "bias", "multiplier")


def digest(content: bytes) -> bytes:
    """SHA-256 of a network's stored form."""
    return hashlib.sha256(b"pyml.embedder.fixed-point.v1" + content).digest()


def quantised(
    side: int,
    convolutions: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    dense: tuple[NDArray[np.float32], NDArray[np.float32]],
    pictures: NDArray[np.uint8],
) -> FixedPointNetwork:
    """A float network (weights [fan_in, outputs], biases; inputs 0 to 1) in integers.

    Each layer's activations are scaled so that their 99.95th percentile on ``pictures`` is the largest byte.
    """
    layers: list[Layer] = []
    values, unit = pictures, 1 / 255  # value of one step of the layer's input
    for weight, bias in convolutions:
        scale = _weight_scale(weight)
        exact = Layer(*_in_bytes(weight, bias, scale, unit), _unused(weight))
        sums = _convolved(values, exact)
        reals = sums * (scale * unit)
        step = float(np.percentile(reals[reals > 0], 99.95)) / 255
        multiplier = np.rint(scale * unit / step * (1 << _SHIFT)).astype(np.int32)
        layer = Layer(exact.weight, exact.bias, multiplier)
        layers.append(layer)
        values, unit = _requantised(sums, layer), step
    weight, bias = dense
    # One scale for all outputs: features are compared with each other when the mask is chosen.
    scale = np.full(weight.shape[1], _weight_scale(weight).max(), np.float32)
    last = Layer(*_in_bytes(weight, bias, scale, unit), _unused(weight))
    return FixedPointNetwork(side, tuple(layers), last)


def whitened(network: FixedPointNetwork, pictures: NDArray[np.uint8], *, seed: int = 0) -> FixedPointNetwork:
    """The network with its features uncorrelated and of one variance over ``pictures``, then turned at random.

    Without this, the bits furthest from flipping are those of a few strong directions, which unlike pictures share:
    among 400 photographs the nearest two differed in 2 of 127 reliable bits, with it in 12.
    """
    features = network.features(pictures).astype(np.float64)
    mean = features.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov((features - mean).T))
    turn = np.linalg.qr(np.random.default_rng(seed).standard_normal(directions.shape))[0]
    scaled = directions / np.sqrt(variances + _SHRINKAGE * variances.mean())
    weight = (network.dense.weight @ scaled @ turn).astype(np.float32)
    bias = ((network.dense.bias - mean) @ scaled @ turn).astype(np.float32)
    scale = np.full(weight.shape[1], _weight_scale(weight).max(), np.float32)
    dense = Layer(*_in_bytes(weight, bias, scale, 1.0), _unused(weight))
    return FixedPointNetwork(network.side, network.convolutions, dense)


def _unused(weight: NDArray[np.float32]) -> NDArray[np.int32]:
    """The multiplier of a layer that has none."""
    return np.zeros(weight.shape[1:], np.int32)


def _weight_scale(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Value of one step of a weight, a channel: the greatest is 127, or less where sums would be too long."""
    greatest = np.abs(weight).max(axis=0) / 127
    longest = np.abs(weight).sum(axis=0) * 255 / (_EXACT * 0.99 - 255 * len(weight) / 2)
    return np.maximum(np.maximum(greatest, longest), 1e-12)


def _in_bytes(
    weight: NDArray[np.float32], bias: NDArray[np.float32], scale: NDArray[np.float32], unit: float
) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
    return np.rint(weight / scale).astype(np.int8), np.rint(bias / (scale * unit)).astype(np.int32)


def _convolved(values: NDArray[np.uint8], layer: Layer) -> NDArray[np.int64]:
    """Sums int64 [n, ⌈h/2⌉, ⌈w/2⌉, outputs] of windows whose entries run over row, column, channel."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_SIDE, _SIDE), axis=(1, 2))
    windows = windows[:, ::_STRIDE, ::_STRIDE].transpose(0, 1, 2, 4, 5, 3)
    rows = windows.reshape(-1, layer.weight.shape[0]).astype(np.float32)
    sums = (rows @ layer.weight.astype(np.float32)).astype(np.int64) + layer.bias
    return sums.reshape(*windows.shape[:3], -1)


def _requantised(sums: NDArray[np.int64], layer: Layer) -> NDArray[np.uint8]:
    return np.clip((sums * layer.multiplier + (1 << (_SHIFT - 1))) >> _SHIFT, 0, 255).astype(np.uint8)
