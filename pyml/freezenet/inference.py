"""Integer inference as consensus has it: int8 weights and activations, int32 sums, one rounding a layer.

Source: specification, section 1.3; the arithmetic of Jacob et al. 2018 (arXiv 1712.05877), section 2.2, with scales
that are powers of two. With x the int8 input of a layer,

    sum = x @ weight                              int32: 128 · 128 · fan-in stays below 2^31
    h   = multiplier · sum + bias                 a batch normalisation, folded (``pyml.freezenet.batch_norm``)
    y   = saturate((h + 2^(shift - 1)) >> shift)  half rounds up; to [-128, 127], with ReLU to [0, 127]
    next x = pool(y)                              a maximum over windows, or nothing

``multiplier`` and ``bias`` are int16 and int32, one a channel; the last h are the logits, and the answer is the
class of the greatest, the lowest of equals. The multiplier stands beside the weights, not in them: those are
watermarked.

This is not ``pyml.ml.integer``, whose numbers are those of a circuit: there a shift rounds down, nothing saturates,
activations are unsigned and of any width, and a tie answers nothing. Shapes and their products are those of
``pyml.ml.shapes`` for both.

``pyml.freezenet.torch_inference`` and ``contracts/freezenet/IntegerInference.sol`` agree with this module bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError, ModelError
from pyml.ml.shapes import Convolution, LayerShape, Pool, require_chain, row_batches

MAX_FAN_IN: Final = (2**31 - 1) // 128**2
"""Most inputs of a neuron: no int32 sum can overflow, in any order."""
MAX_SHIFT: Final = 31
MAC_STEP: Final = 32
"""Products in one step of a dispute: what one word of weights and one of activations hold."""


@dataclass(frozen=True, slots=True, eq=False)
class Int8Layer:
    """A dense or convolutional layer: weight int8 [fan-in, channels], multiplier int16 and bias int32 [channels].

    With a ``convolution`` the rows of ``weight`` are the numbers under the kernel, channel by channel; ``pool`` takes
    maxima behind the ReLU. The last layer of a network has no shift, ReLU or pool.
    """

    weight: NDArray[np.int8]
    multiplier: NDArray[np.int16]
    bias: NDArray[np.int32]
    shift: int = 0
    relu: bool = True
    convolution: Convolution | None = None
    pool: Pool | None = None

    def __post_init__(self) -> None:
        arrays = {"weight": (2, np.int8), "multiplier": (1, np.int16), "bias": (1, np.int32)}
        for name, (dimensions, kind) in arrays.items():
            object.__setattr__(self, name, _frozen(getattr(self, name), name, dimensions, np.dtype(kind)))
        if 0 in self.weight.shape or not self.multiplier.shape == self.bias.shape == self.weight.shape[1:]:
            raise ModelError(
                "layer shapes do not match",
                expected="weight [in, out], multiplier [out], bias [out]",
                got=(self.weight.shape, self.multiplier.shape, self.bias.shape),
            )
        if self.weight.shape[0] > MAX_FAN_IN:
            raise ModelError(
                "a neuron's sum could leave int32", expected=f"at most {MAX_FAN_IN} inputs", got=self.weight.shape[0]
            )
        if type(self.shift) is not int or not 0 <= self.shift <= MAX_SHIFT:
            raise ModelError("shift is out of range", expected=f"0 to {MAX_SHIFT} bits", got=self.shift)
        if self.pool is not None and self.pool.kind != "max":
            raise ModelError("consensus inference pools by maximum", got=self.pool)
        _ = self.shape  # refuses what does not fit together

    @property
    def shape(self) -> LayerShape:
        """The layer without its numbers."""
        fan_in, fan_out = self.weight.shape
        return LayerShape(fan_in, fan_out, self.convolution, self.pool)


@dataclass(frozen=True, slots=True, eq=False)
class Int8Network:
    """Layers one behind the other, on int8 inputs."""

    layers: tuple[Int8Layer, ...]

    def __post_init__(self) -> None:
        require_chain([layer.shape for layer in self.layers])
        last = self.layers[-1]
        if last.shift or last.relu:
            raise ModelError(
                "the last layer gives logits: no shift, no ReLU", got=f"shift {last.shift}, ReLU {last.relu}"
            )

    @property
    def inputs(self) -> int:
        """Width of a flat input."""
        return self.layers[0].shape.inputs

    @property
    def classes(self) -> int:
        return self.layers[-1].shape.outputs


def activations(network: Int8Network, inputs: NDArray[np.int8]) -> tuple[NDArray[np.int8], ...]:
    """Flat outputs [samples, width] of every layer but the last, for flat int8 inputs [samples, features]."""
    levels = zip(*(outputs[:-1] for outputs in _run(network, inputs)), strict=True)
    return tuple(np.concatenate(parts) for parts in levels)


def logits(network: Int8Network, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Logits [samples, classes] for flat int8 inputs [samples, features]."""
    return np.concatenate([outputs[-1] for outputs in _run(network, inputs)])


def predict(network: Int8Network, inputs: NDArray[np.int8]) -> NDArray[np.int64]:
    """Class of each sample; the lowest where the greatest logit is attained twice."""
    return logits(network, inputs).argmax(axis=1)


def count_correct(network: Int8Network, inputs: NDArray[np.int8], labels: NDArray[Any]) -> int:
    """How many samples are answered with their label, which is what a task's threshold counts."""
    answers = predict(network, inputs)
    if labels.shape != answers.shape or labels.dtype.kind not in "iu":
        raise InputError(
            "labels do not match the inputs", expected=f"{len(answers)} integers", got=f"{labels.dtype} {labels.shape}"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= network.classes):
        raise InputError(
            "a label is out of range", expected=f"0 to {network.classes - 1}", got=(labels.min(), labels.max())
        )
    return int((answers == labels).sum())


def requantise(values: NDArray[np.int64], *, shift: int, relu: bool) -> NDArray[np.int8]:
    """Drop ``shift`` bits, rounding half up, and saturate to int8; with ``relu`` negative values become zero."""
    rounded = (values + (1 << shift >> 1)) >> shift
    return np.clip(rounded, 0 if relu else -128, 127).astype(np.int8)


def accumulate(accumulator: int, weights: NDArray[np.int8], inputs: NDArray[np.int8]) -> int:
    """One step of a sum: 32 products added to an int32 accumulator, which wraps as int32 does.

    Sums of a valid layer never wrap; a dispute about a claim that nobody could have computed must have an answer too.
    """
    if not weights.shape == inputs.shape == (MAC_STEP,) or not weights.dtype == inputs.dtype == np.int8:
        raise InputError("a step takes int8 weights and inputs", expected=f"{MAC_STEP} each", got=inputs.shape)
    if not -(2**31) <= accumulator < 2**31:
        raise InputError("an accumulator is not an int32", got=accumulator)
    total = accumulator + int(weights.astype(np.int64) @ inputs.astype(np.int64))
    return (total + 2**31) % 2**32 - 2**31


def require_inputs(network: Int8Network, inputs: NDArray[np.int8]) -> NDArray[np.int8]:
    """The inputs, if they are int8 [samples, features]; raises ``InputError``."""
    if inputs.dtype != np.int8 or inputs.ndim != 2 or inputs.shape[1] != network.inputs:
        raise InputError(
            "inputs do not fit the network",
            expected=f"int8 [samples, {network.inputs}]",
            got=f"{inputs.dtype} {list(inputs.shape)}",
        )
    return inputs


def _run(network: Int8Network, inputs: NDArray[np.int8]) -> Iterator[list[NDArray[Any]]]:
    """Outputs of every layer, the last one's logits, for one batch of samples after the other."""
    samples = require_inputs(network, inputs)
    widest = max(max(layer.shape.inputs, layer.shape.pre_activations) for layer in network.layers)
    for rows in row_batches(len(samples), widest):
        values, outputs = samples[rows], list[NDArray[Any]]()
        for layer in network.layers[:-1]:
            values = layer.shape.reduce(requantise(_weigh(layer, values), shift=layer.shift, relu=layer.relu))
            outputs.append(values)
        yield [*outputs, _weigh(network.layers[-1], values)]


def _weigh(layer: Int8Layer, values: NDArray[np.int8]) -> NDArray[np.int64]:
    """h [samples, pre-activations]; float64 holds the sums exactly, and multiplies on BLAS."""
    sums = layer.shape.multiply(values.astype(np.float64), layer.weight.astype(np.float64)).astype(np.int64)
    spread = layer.shape.spread
    return sums * spread(layer.multiplier.astype(np.int64)) + spread(layer.bias.astype(np.int64))


def _frozen(values: NDArray[Any], name: str, dimensions: int, kind: np.dtype[Any]) -> NDArray[Any]:
    if values.dtype != kind or values.ndim != dimensions:
        raise ModelError(
            f"{name} has the wrong type",
            expected=f"{kind} of {dimensions} dimensions",
            got=f"{values.dtype} of {list(values.shape)}",
        )
    copy = np.array(values, order="C")
    copy.setflags(write=False)
    return copy
