"""Float layers as plain arrays: what leaves PyTorch or an ONNX file, and what quantisation works on.

A network is affine layers with ReLU between them, some followed by a pool. Two things that networks are trained with
are folded into the weights while a network is read: batch normalisation in its inference form, γ·(h − μ)/√(σ² + ε) + β
(Ioffe and Szegedy 2015, algorithm 2), goes into the layer before it, and the divisor of an average pool into the layer
behind it, so that the pool itself is a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.ml.shapes import Convolution, LayerShape, Pool, row_batches

UNKNOWN = -1
"""A width or height that a module or file leaves open."""


@dataclass(frozen=True, slots=True, eq=False)
class AffineLayer:
    """A float layer ``x @ weight + bias``: ``weight`` float64 [in, out], ``bias`` float64 [out]; both finite.

    With a ``convolution`` the product is taken at each position of the kernel; ``pool`` follows the ReLU.
    """

    name: str
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]
    convolution: Convolution | None = None
    pool: Pool | None = None

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
        _ = self.shape  # refuses what does not fit together

    @property
    def shape(self) -> LayerShape:
        """All but the numbers; flat widths are ``shape.inputs``, ``shape.pre_activations`` and ``shape.outputs``."""
        return LayerShape(self.weight.shape[0], self.weight.shape[1], self.convolution, self.pool)

    def pre_activations(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Flat [samples, width] before the ReLU, of flat inputs [samples, features]."""
        return self.shape.multiply(values, self.weight) + self.shape.spread(self.bias)

    def activations(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Flat [samples, width] after ReLU and pool, of flat inputs [samples, features]."""
        return self.shape.reduce(np.maximum(self.pre_activations(values), 0.0))

    def __repr__(self) -> str:  # weights may be secret: show the shape only
        return f"AffineLayer({self.name!r}, {self.shape.inputs} -> {self.shape.outputs})"


def forward(layers: Sequence[AffineLayer], inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Float64 logits [samples, classes] of layers with ReLU between them; flat inputs [samples, features]."""
    values = np.asarray(inputs, dtype=np.float64)
    widest = max(max(layer.shape.inputs, layer.shape.pre_activations) for layer in layers)
    return np.concatenate([_forward(layers, values[rows]) for rows in row_batches(len(values), widest)])


def _forward(layers: Sequence[AffineLayer], values: NDArray[np.float64]) -> NDArray[np.float64]:
    for layer in layers[:-1]:
        values = layer.activations(values)
    return layers[-1].pre_activations(values)


class Operation(NamedTuple):
    """One module or node of the network that is read, as its author named it."""

    name: str
    kind: str


class AffineChain:
    """Puts a network together operation by operation; whatever a circuit cannot prove is refused where it stands.

    ``dims`` is the shape of one sample: (features,) or (channels, height, width), ``UNKNOWN`` where it is open.
    ``refusal`` words the error: it is given the operation and the reason.
    """

    def __init__(self, dims: tuple[int, ...], refusal: Callable[[Operation, str], ModelError]) -> None:
        self._dims = dims
        self._refusal = refusal
        self._layers: list[AffineLayer] = []
        self._relu_due = False
        self._divisor = 1

    @property
    def begun(self) -> bool:
        """Whether there is a layer yet."""
        return bool(self._layers)

    def dense(self, at: Operation, weight: NDArray[Any], bias: NDArray[Any] | None = None) -> None:
        """A layer on flat samples: weight [in, out], bias [out]."""
        if weight.ndim != 2:
            raise self._refusal(at, f"its weight has {weight.ndim} dimensions instead of 2")
        if len(self._dims) != 1:
            raise self._refusal(at, "its input is not flat: Flatten belongs before it")
        if self._dims[0] not in (UNKNOWN, weight.shape[0]):
            raise self._refusal(at, f"it takes {weight.shape[0]} numbers and is given {self._dims[0]}")
        self._append(at, weight, bias, None)
        self._dims = (weight.shape[1],)

    def convolve(
        self,
        at: Operation,
        weight: NDArray[Any],
        bias: NDArray[Any] | None = None,
        *,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> None:
        """A layer on images: weight [out, in, rows, columns], bias [out]."""
        if weight.ndim != 4:
            raise self._refusal(at, f"its weight has {weight.ndim} dimensions instead of 4")
        channels, height, width = self._image(at)
        if weight.shape[1] != channels:
            raise self._refusal(at, f"it takes {weight.shape[1]} channels and is given {channels}")
        kernel = (int(weight.shape[2]), int(weight.shape[3]))
        try:
            convolution = Convolution(channels, height, width, kernel, stride, padding)
        except ModelError as error:
            raise self._refusal(at, error.problem) from error
        self._append(at, weight.reshape(len(weight), -1).T, bias, convolution)
        self._dims = self._layers[-1].shape.output_dims

    def add_bias(self, at: Operation, bias: NDArray[Any]) -> None:
        """Give the layer that has just been read its bias: one number an output, not one a sample or a matrix."""
        last = self._layers[-1]
        if bias.shape[-1:] != last.bias.shape or bias.size != last.bias.size:
            raise self._refusal(at, f"a bias of shape {bias.shape} is not one number for each output")
        self._layers[-1] = replace(last, bias=bias.reshape(-1))

    def normalise(
        self,
        at: Operation,
        *,
        gamma: NDArray[Any],
        beta: NDArray[Any],
        mean: NDArray[Any],
        variance: NDArray[Any],
        epsilon: float,
    ) -> None:
        """Batch normalisation with fixed statistics, one number a channel, folded into the layer before it."""
        if not self._relu_due or self._layers[-1].pool is not None:
            raise self._refusal(at, "a batch normalisation belongs right after a dense or convolutional layer")
        last = self._layers[-1]
        if len(self._dims) != len(last.shape.output_dims):
            raise self._refusal(at, "a batch normalisation of images belongs before Flatten")
        numbers = [np.asarray(each, dtype=np.float64) for each in (gamma, beta, mean, variance)]
        if any(each.shape != last.bias.shape for each in numbers):
            raise self._refusal(at, f"it does not have one number for each of {len(last.bias)} channels")
        scale, shift, centre, spread = numbers
        with np.errstate(all="ignore"):  # the layer refuses what comes out infinite or NaN
            factor = scale / np.sqrt(spread + epsilon)
            weight, bias = last.weight * factor, (last.bias - centre) * factor + shift
        self._layers[-1] = replace(last, weight=weight, bias=bias)

    def relu(self, at: Operation) -> None:
        if not self._relu_due:
            raise self._refusal(at, "a ReLU belongs after a dense or convolutional layer")
        self._relu_due = False

    def pool(
        self,
        at: Operation,
        kind: Literal["max", "average"],
        *,
        size: tuple[int, int],
        stride: tuple[int, int],
    ) -> None:
        """A pool of windows side by side, behind the ReLU; a maximum may as well stand before it."""
        if not self._layers or self._layers[-1].pool is not None:
            raise self._refusal(at, "a pool belongs after a convolution and its ReLU, one at most")
        channels, height, width = self._image(at)
        if self._relu_due and kind == "average":
            raise self._refusal(at, "an average belongs after the ReLU")
        if size[0] != size[1] or stride != size:
            raise self._refusal(at, f"its windows are not squares side by side (size {size}, stride {stride})")
        if size[0] == 1:
            return
        try:
            pool = Pool("max" if kind == "max" else "sum", size[0])
            self._layers[-1] = replace(self._layers[-1], pool=pool)
        except ModelError as error:
            raise self._refusal(at, f"{error.problem} ({height}x{width})") from error
        self._divisor = size[0] ** 2 if kind == "average" else 1
        self._dims = (channels, height // size[0], width // size[0])

    def pool_all(self, at: Operation) -> None:
        """An average over the whole of each channel."""
        _, height, width = self._image(at)
        self.pool(at, "average", size=(height, width), stride=(height, width))

    def flatten(self) -> None:
        """One row a sample, in the order channel, row, column."""
        self._dims = (UNKNOWN,) if UNKNOWN in self._dims else (prod(self._dims),)

    def reshape(self, at: Operation, dims: tuple[int, ...]) -> None:
        """The same numbers of a sample, in the same order, as a row, or before the first layer as an image."""
        total = UNKNOWN if UNKNOWN in self._dims else prod(self._dims)
        possible = dims == (UNKNOWN,) or (min(dims) > 0 and total in (UNKNOWN, prod(dims)))
        if not possible or len(dims) not in (1, 3) or (len(dims) == 3 and self._layers):
            raise self._refusal(at, f"{_text(self._dims)} numbers cannot be arranged as {_text(dims)}")
        self._dims = (total,) if dims == (UNKNOWN,) else dims

    def finish(self) -> tuple[AffineLayer, ...] | None:
        """The layers, or nothing where the network does not end in a layer that gives logits."""
        if not self._relu_due or self._layers[-1].pool is not None or len(self._dims) != 1:
            return None
        return tuple(self._layers)

    def _append(
        self, at: Operation, weight: NDArray[Any], bias: NDArray[Any] | None, convolution: Convolution | None
    ) -> None:
        if self._relu_due:
            raise self._refusal(at, "two layers without a ReLU between them")
        numbers = weight.astype(np.float64) / self._divisor
        zeros = np.zeros(weight.shape[1])
        self._layers.append(AffineLayer(at.name, numbers, zeros, convolution))
        if bias is not None:
            self.add_bias(at, bias)
        self._relu_due, self._divisor = True, 1

    def _image(self, at: Operation) -> tuple[int, int, int]:
        if len(self._dims) != 3 or UNKNOWN in self._dims:
            raise self._refusal(at, "its input is not an image of known channels, height and width")
        channels, height, width = self._dims
        return channels, height, width


def _text(dims: tuple[int, ...]) -> str:
    return "x".join("?" if size == UNKNOWN else str(size) for size in dims)
