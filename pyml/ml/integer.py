"""Exact integer inference of perceptrons and small CNNs: the reference that the circuits agree with bit for bit.

Implements the arithmetic of the circuits (scale 0; the only rounding is the floor of a public shift, 0 where the
values fit the lookup table as they are): with x the integer input of a layer, B = 2**(bits - 1), weights and biases in
[-B, B - 1] and a public power of two ``bias_unit``,

    h = x @ weight + bias_unit * bias        (the circuit's constant column holds ``bias_unit``)
    next x = pool(max(h >> shift, 0))        (hidden layers, rounding down; the last h are the logits)

where a convolution's product is taken at each position of its kernel (``pyml.ml.shapes``) and a pool is a maximum or a
sum, or is absent. Values between layers are flat, images in the order channel, row, column.

A sample counts as correct only if its label's logit is *strictly* greater than every other: a tie is a wrong answer.
Sums are taken in float64 while every partial sum provably stays below 2**53 (exact, and runs on BLAS), in int64 below
2**63, and in Python integers beyond: no result is ever rounded or wrapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, ModelError
from pyml.ml.shapes import Convolution, LayerShape, Pool, Product, require_chain, row_batches

IntArray: TypeAlias = NDArray[Any]
"""int64, or object holding Python integers where 64 bits do not suffice."""

_FLOAT_EXACT = 2**53
_INT64_EXACT = 2**63


@dataclass(frozen=True, slots=True, eq=False)
class IntegerLayer:
    """One affine layer: ``weight`` int64 [in, out], ``bias`` int64 [out], and the power of two the bias counts in.

    ``shift`` is the number of bits dropped from its pre-activations before the ReLU (0 in the last layer). With a
    ``convolution`` the rows of ``weight`` are the numbers under the kernel, channel by channel, and its columns the
    channels that come out; ``pool`` follows the ReLU.
    """

    weight: NDArray[np.int64]
    bias: NDArray[np.int64]
    bias_unit: int
    shift: int = 0
    convolution: Convolution | None = None
    pool: Pool | None = None

    def __post_init__(self) -> None:
        weight, bias = _frozen(self.weight, "weight", 2), _frozen(self.bias, "bias", 1)
        if 0 in weight.shape or bias.shape != (weight.shape[1],):
            raise ModelError(
                "layer shapes do not match", expected="weight [in, out], bias [out]", got=(weight.shape, bias.shape)
            )
        unit = self.bias_unit
        if type(unit) is not int or unit < 1 or unit & (unit - 1):
            raise ModelError("bias_unit is not a power of two", expected="1, 2, 4, …", got=unit)
        if type(self.shift) is not int or not 0 <= self.shift < 63:
            raise ModelError("shift is out of range", expected="0 to 62 bits", got=self.shift)
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)
        _ = self.shape  # refuses what does not fit together

    @property
    def shape(self) -> LayerShape:
        """All but the numbers; flat widths are ``shape.inputs``, ``shape.pre_activations`` and ``shape.outputs``."""
        return LayerShape(self.fan_in, self.fan_out, self.convolution, self.pool)

    @property
    def fan_in(self) -> int:
        """Rows of the weight matrix."""
        return self.weight.shape[0]

    @property
    def fan_out(self) -> int:
        """Columns of the weight matrix: neurons, or channels."""
        return self.weight.shape[1]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, IntegerLayer)
            and (self.bias_unit, self.shift, self.shape) == (other.bias_unit, other.shift, other.shape)
            and np.array_equal(self.weight, other.weight)
            and np.array_equal(self.bias, other.bias)
        )

    def __hash__(self) -> int:
        return hash((self.weight.tobytes(), self.bias.tobytes(), self.bias_unit, self.shift, self.shape))

    def __repr__(self) -> str:  # weights are the prover's secret: show the shape only
        kernel = "" if self.convolution is None else f", {self.convolution}"
        pool = "" if self.pool is None else f", {self.pool}"
        return (
            f"IntegerLayer({self.fan_in} -> {self.fan_out}, bias_unit={self.bias_unit}, "
            f"shift={self.shift}{kernel}{pool})"
        )


@dataclass(frozen=True, slots=True)
class IntegerNetwork:
    """Layers with ReLU between them; weights and biases in [-B, B - 1], B = 2**(bits-1); inputs in [0, input_max]."""

    layers: tuple[IntegerLayer, ...]
    bits: int
    input_max: int

    def __post_init__(self) -> None:
        if not self.layers:
            raise ModelError("a network needs at least one layer")
        if not 2 <= self.bits <= 31:
            raise ModelError("weight width is out of range", expected="2 to 31 bits", got=self.bits)
        if self.input_max < 1:
            raise ModelError("input_max must be positive", got=self.input_max)
        if self.layers[-1].shift:
            raise ModelError("the last layer gives logits and has no shift", got=self.layers[-1].shift)
        require_chain(self.shapes)
        half = self.half_range
        for index, layer in enumerate(self.layers):
            for name, values in (("weight", layer.weight), ("bias", layer.bias)):
                if values.min() < -half or values.max() >= half:
                    raise ModelError(
                        f"layer {index}: {name} is outside the lookup range",
                        expected=f"[{-half}, {half - 1}]",
                        got=f"[{values.min()}, {values.max()}]",
                    )

    @property
    def half_range(self) -> int:
        """B: tensors enter the circuit as value + B, which lies in [0, 2B)."""
        return 1 << (self.bits - 1)

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        """Public shape of each layer."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Widths of the flat values between layers, from input to logits, e.g. (64, 32, 10)."""
        return (self.shapes[0].inputs, *(shape.outputs for shape in self.shapes))


@dataclass(frozen=True, slots=True)
class LayerBounds:
    """What the pre-activations of one layer can be for *any* allowed input, exactly (Python integers).

    ``low``/``high`` follow from the actual weights (they reveal something about them: keep them private);
    ``worst_low``/``worst_high`` follow from shapes and weight range alone and are public;
    ``partial`` bounds the magnitude of every partial sum in any order.
    """

    low: int
    high: int
    worst_low: int
    worst_high: int
    partial: int


def bounds(network: IntegerNetwork) -> tuple[LayerBounds, ...]:
    """Exact interval bounds of each layer's pre-activations, for the lookup range and the field."""
    half = network.half_range
    limits: IntArray = np.full((1, network.sizes[0]), network.input_max, dtype=object)
    worst_input = network.input_max
    result: list[LayerBounds] = []
    for layer, shape in zip(network.layers, network.shapes, strict=True):
        worst = worst_input * layer.fan_in + layer.bias_unit
        growth = _growth(layer)
        number = np.int64 if half * worst * growth < _INT64_EXACT else object  # what follows stays below that
        limits, weight = limits.astype(number), layer.weight.astype(number)
        bias = shape.spread(layer.bias.astype(number) * layer.bias_unit)
        highs = shape.multiply(limits, np.maximum(weight, 0)) + bias
        lows = bias - shape.multiply(limits, np.maximum(-weight, 0))
        magnitudes = shape.multiply(limits, np.abs(weight)) + np.abs(bias)
        result.append(
            LayerBounds(
                low=int(lows.min()),
                high=int(highs.max()),
                worst_low=-half * worst,
                worst_high=(half - 1) * worst,
                partial=int(magnitudes.max()),
            )
        )
        limits = shape.reduce(np.maximum(highs >> layer.shift, 0))
        worst_input = (((half - 1) * worst) >> layer.shift) * growth
    return tuple(result)


def hidden(network: IntegerNetwork, inputs: IntArray, product: Product = np.matmul) -> tuple[IntArray, ...]:
    """Flat pre-activations [samples, width] of every layer, before shift, ReLU and pool; the last are the logits.

    ``product`` multiplies float64 matrices of whole numbers, and only where it cannot but be exact
    (``devices.product_on`` for a CUDA card).
    """
    levels = zip(*_run(network, inputs, product), strict=True)
    return tuple(np.concatenate(parts) for parts in levels)


def logits(network: IntegerNetwork, inputs: IntArray) -> IntArray:
    """Logits [samples, classes]."""
    return np.concatenate([outputs[-1] for outputs in _run(network, inputs)])


def predict(network: IntegerNetwork, inputs: IntArray) -> NDArray[np.int64]:
    """Class of each sample, or -1 where the greatest logit is attained twice (a tie answers nothing)."""
    return answers(logits(network, inputs))


def answers(outputs: IntArray) -> NDArray[np.int64]:
    """As ``predict``, from logits [samples, classes]."""
    top = outputs.max(axis=1, keepdims=True)
    tied = (outputs == top).sum(axis=1) > 1
    return np.where(tied, -1, outputs.argmax(axis=1)).astype(np.int64)


def correct(network: IntegerNetwork, inputs: IntArray, labels: IntArray) -> NDArray[np.bool_]:
    """Whether each sample's label has a logit strictly greater than every other."""
    return correct_of(logits(network, inputs), labels)


def correct_of(outputs: IntArray, labels: IntArray) -> NDArray[np.bool_]:
    """As ``correct``, from logits [samples, classes]."""
    given, wanted, classes = answers(outputs), np.asarray(labels), outputs.shape[1]
    if wanted.shape != given.shape or wanted.dtype.kind not in "iu":
        raise InputError(
            "labels do not match the inputs", expected=f"{len(given)} integers", got=f"{wanted.dtype} {wanted.shape}"
        )
    if wanted.size and (wanted.min() < 0 or wanted.max() >= classes):
        raise InputError("a label is out of range", expected=f"0 to {classes - 1}", got=(wanted.min(), wanted.max()))
    return given == wanted


def count_correct(network: IntegerNetwork, inputs: IntArray, labels: IntArray) -> int:
    """How many samples are answered correctly; ties are wrong."""
    return int(correct(network, inputs, labels).sum())


def require_inputs(network: IntegerNetwork, inputs: IntArray) -> NDArray[np.int64]:
    """The inputs as int64 [samples, features]; raises ``InputError`` on a wrong shape, type or range."""
    values = np.asarray(inputs)
    features = network.sizes[0]
    if values.ndim != 2 or values.shape[1] != features:
        raise InputError("inputs have the wrong shape", expected=f"[samples, {features}]", got=list(values.shape))
    if values.dtype.kind not in "iu":
        raise InputError("inputs must be integers", got=values.dtype)
    if values.size and (values.min() < 0 or values.max() > network.input_max):
        raise InputError(
            "an input is out of range",
            expected=f"[0, {network.input_max}]",
            got=f"[{values.min()}, {values.max()}]",
        )
    return values.astype(np.int64)


def _run(network: IntegerNetwork, inputs: IntArray, product: Product = np.matmul) -> Iterator[tuple[IntArray, ...]]:
    """Pre-activations of every layer for one batch of samples after the other."""
    values, limits = require_inputs(network, inputs), bounds(network)
    widest = max(max(shape.inputs, shape.pre_activations) for shape in network.shapes)
    for rows in row_batches(len(values), widest):
        activations: IntArray = values[rows]
        outputs: list[IntArray] = []
        for layer, bound in zip(network.layers, limits, strict=True):
            outputs.append(_affine(activations, layer, bound.partial, product))
            activations = _activations(outputs[-1], layer, bound.high)
        yield tuple(outputs)


def _affine(inputs: IntArray, layer: IntegerLayer, partial: int, product: Product) -> IntArray:
    shape, wide = layer.shape, inputs.dtype == object or layer.bias_unit >= _INT64_EXACT
    if partial < _FLOAT_EXACT and not wide:
        bias = shape.spread((layer.bias * layer.bias_unit).astype(np.float64))
        products = shape.multiply(inputs.astype(np.float64), layer.weight.astype(np.float64), product)
        return (products + bias).astype(np.int64)
    if partial < _INT64_EXACT and not wide:
        return shape.multiply(inputs, layer.weight) + shape.spread(layer.bias * layer.bias_unit)
    products = shape.multiply(inputs.astype(object), layer.weight.astype(object))
    return products + shape.spread(layer.bias.astype(object) * layer.bias_unit)


def _activations(pre: IntArray, layer: IntegerLayer, high: int) -> IntArray:
    kept = np.maximum(pre >> layer.shift if layer.shift else pre, 0)
    if max(high >> layer.shift, 0) * _growth(layer) >= _INT64_EXACT:
        kept = kept.astype(object)
    return layer.shape.reduce(kept)


def _growth(layer: IntegerLayer) -> int:
    """How many activations are added up before the next layer."""
    return layer.pool.size**2 if layer.pool is not None and layer.pool.kind == "sum" else 1


def _frozen(values: NDArray[np.int64], name: str, ndim: int) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype != np.int64 or array.ndim != ndim:
        raise ModelError(
            f"{name} has the wrong type", expected=f"int64 of {ndim} dimensions", got=(str(array.dtype), array.shape)
        )
    copy = np.array(array, order="C")
    copy.setflags(write=False)
    return copy
