"""Networks that are trained in float and judged in integers: a task's architecture, its scales, and both forms of it.

Source: FreezeNet, section 3.5 and figures 4 and 5 (the network); specification, sections 1.3 and 2; fake quantisation
with straight-through gradients after Jacob et al. 2018 (arXiv 1712.05877), section 3. An integer q stands for
q · 2^-bits. In training a layer computes with the weights and activations that the integers will have,

    w̃ = clip(⌊w · 2^w_bits + ½⌋, -128, 127) / 2^w_bits      ỹ = clip(⌊y · 2^y_bits + ½⌋, 0, 127) / 2^y_bits

so that ``integer_network`` answers as the float network does, but for the rounding of multipliers and biases and for
sums in float32. Scales are the task's and part of its architecture: whoever multiplies free weights by a factor, which
a normalisation and an argmax would forgive, runs into the bounds of their codes.

Deviations: in ``paper_cnn`` the normalisation of the dense layer stands before its ReLU, where it folds into integers;
the paper has it behind (figure 4), which ``paper_cnn(as_published=True)`` keeps, in float only.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pyml.errors import ModelError
from pyml.freezenet.batch_norm import FixedScales, fold_batch_norm, fold_bias
from pyml.freezenet.encoding import LayerTuple, layer_tuple
from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.ml.shapes import Convolution, LayerShape, Pool, require_chain

INPUT_BITS: Final = 7
"""Pixels become 0..127, which stand for [0, 1)."""
BATCH_NORM_EPSILON: Final = 1e-3
BATCH_NORM_MOMENTUM: Final = 0.01
"""Keras's defaults, which the author used; PyTorch counts momentum the other way round."""
_CODE_DEVIATION: Final = 74.0
"""Of uniform codes in [-128, 127]: √((256² - 1) / 12) = 73.9."""
_MULTIPLIER_BITS: Final = 8
"""Fractional bits of a normalisation's multiplier."""

Normalisation = Literal["none", "before ReLU", "after ReLU"]


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One layer of an architecture. ``dropout`` is the trainer's affair: it changes nothing that is handed in."""

    shape: LayerShape
    scales: FixedScales
    normalisation: Normalisation = "none"
    dropout: float = 0.0


def plan(
    shapes: Sequence[LayerShape], *, normalised: bool = False, dropouts: Sequence[float] = (), last_dropout: float = 0.0
) -> tuple[LayerPlan, ...]:
    """Layers with scales that suit random codes; all but the last are ``normalised``, or none.

    Weights of scale 2^-bits have the deviation √(2 / fan-in) of He et al. 2015, to the nearest power of two, so that a
    watermark looks like an initialisation. ``dropouts`` belong to the first layers, ``last_dropout`` to the one before
    the last.
    """
    require_chain(shapes)
    plans: list[LayerPlan] = []
    input_bits = INPUT_BITS
    for index, shape in enumerate(shapes):
        weight_bits = round(math.log2(_CODE_DEVIATION / math.sqrt(2 / shape.fan_in)))
        if index == len(shapes) - 1:
            plans.append(LayerPlan(shape, FixedScales(input_bits, weight_bits, input_bits + weight_bits, 0)))
            break
        output_bits = 5 if normalised else 4
        extra = _MULTIPLIER_BITS if normalised else 0
        scales = FixedScales(input_bits, weight_bits, output_bits, extra + input_bits + weight_bits - output_bits)
        dropout = dropouts[index] if index < len(dropouts) else 0.0
        if index == len(shapes) - 2:
            dropout = max(dropout, last_dropout)
        plans.append(LayerPlan(shape, scales, "before ReLU" if normalised else "none", dropout))
        input_bits = output_bits
    return tuple(plans)


def small_mlp(features: int = 64, hidden: int = 32, classes: int = 10) -> tuple[LayerPlan, ...]:
    """A perceptron for the bundled digits, small enough for exact verification on chain."""
    return plan([LayerShape(features, hidden), LayerShape(hidden, classes)])


def small_cnn(side: int = 8, classes: int = 10) -> tuple[LayerPlan, ...]:
    """About 40,000 weights for digits of 8 by 8: two convolutions with pools, two dense layers."""
    first = Convolution(1, side, side, (3, 3), padding=(1, 1))
    second = Convolution(16, side // 2, side // 2, (3, 3), padding=(1, 1))
    pool = Pool("max", 2)
    flat = 32 * (side // 4) ** 2
    shapes = [
        LayerShape(first.fan_in, 16, first, pool),
        LayerShape(second.fan_in, 32, second, pool),
        LayerShape(flat, 256),
        LayerShape(256, classes),
    ]
    return plan(shapes, normalised=True)


def paper_cnn(*, as_published: bool = False) -> tuple[LayerPlan, ...]:
    """The paper's network for CIFAR-10: 1,306,922 trainable parameters; ``as_published`` trains in float only."""
    shapes: list[LayerShape] = []
    dropouts: list[float] = []
    channels, side = 3, 32
    for block in range(4):
        filters = 32 << block
        for last in (False, True):
            geometry = Convolution(channels, side, side, (3, 3), padding=(1, 1))
            shapes.append(LayerShape(geometry.fan_in, filters, geometry, Pool("max", 2) if last else None))
            dropouts.append((block + 2) / 10 if last else 0.0)
            channels = filters
        side //= 2
    shapes += [LayerShape(channels * side**2, 128), LayerShape(128, 10)]
    layers = plan(shapes, normalised=True, dropouts=dropouts, last_dropout=0.5)
    if not as_published:
        return layers
    dense = layers[-2]
    return (*layers[:-2], LayerPlan(dense.shape, dense.scales, "after ReLU", dense.dropout), layers[-1])


class TrainableLayer(nn.Module):
    """A layer of a plan: affine, normalisation, ReLU, pool, dropout; in ``integer`` arithmetic as far as it shows."""

    def __init__(self, plan: LayerPlan, *, last: bool, integer: bool) -> None:
        super().__init__()
        if integer and plan.normalisation == "after ReLU":
            raise ModelError("a normalisation behind a ReLU has no integer form", hint="Train it in float.")
        geometry = plan.shape.convolution
        self.plan, self.last, self.integer = plan, last, integer
        size = (plan.shape.fan_out, plan.shape.fan_in)
        kernel = size if geometry is None else (plan.shape.fan_out, geometry.in_channels, *geometry.kernel)
        self.weight = nn.Parameter(torch.zeros(kernel))
        self.bias = nn.Parameter(torch.zeros(plan.shape.fan_out))
        norm = nn.BatchNorm1d if geometry is None else nn.BatchNorm2d
        self.norm = (
            None
            if plan.normalisation == "none"
            else norm(plan.shape.fan_out, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)
        )
        self.dropout = nn.Dropout(plan.dropout)

    def forward(self, values: Tensor) -> Tensor:
        sums = self._affine(values, self._weight())
        if self.last:
            return sums.flatten(1)
        if self.norm is not None and self.plan.normalisation == "before ReLU":
            sums = self.norm(sums)
        values = functional.relu(sums)
        if self.norm is not None and self.plan.normalisation == "after ReLU":
            values = self.norm(values)
        if self.integer:
            values = _straight_through(values, self.plan.scales.output_bits, 0)
        if self.plan.shape.pool is not None:
            values = functional.max_pool2d(values, self.plan.shape.pool.size)
        return self.dropout(values)

    def codes(self) -> NDArray[np.int8]:
        """The integer kernel int8 [outputs, fan-in]."""
        scaled = self.weight.detach().double() * 2**self.plan.scales.weight_bits
        return torch.floor(scaled + 0.5).clamp(-128, 127).flatten(1).to(torch.int8).cpu().numpy()

    def integer_layer(self) -> Int8Layer:
        """The layer that is handed in; ``ModelError`` where a multiplier or bias leaves its range."""
        scales, bias = self.plan.scales, _array(self.bias)
        if self.norm is None:
            multiplier, offset = fold_bias(bias, scales)
        else:
            mean, variance = self.norm.running_mean, self.norm.running_var
            if mean is None or variance is None:
                raise ModelError("a normalisation has no statistics")
            multiplier, offset = fold_batch_norm(
                bias,
                scales,
                gamma=_array(self.norm.weight),
                beta=_array(self.norm.bias),
                mean=_array(mean),
                variance=_array(variance),
                epsilon=self.norm.eps,
            )
        shape = self.plan.shape
        return Int8Layer(
            np.ascontiguousarray(self.codes().T),
            multiplier,
            offset,
            shift=scales.shift,
            relu=not self.last,
            convolution=shape.convolution,
            pool=shape.pool,
        )

    def _weight(self) -> Tensor:
        if not self.integer:
            return self.weight
        return _straight_through(self.weight, self.plan.scales.weight_bits, -128)

    def _affine(self, values: Tensor, weight: Tensor) -> Tensor:
        geometry = self.plan.shape.convolution
        if geometry is None:
            return functional.linear(values.flatten(1), weight, self.bias)
        images = values.reshape(-1, geometry.in_channels, geometry.height, geometry.width)
        return functional.conv2d(images, weight, self.bias, stride=geometry.stride, padding=geometry.padding)

    def extra_repr(self) -> str:
        return f"{self.plan}, integer={self.integer}"


class TrainableNetwork(nn.Module):
    """Float inputs [samples, features] in [0, 1] to logits [samples, classes]; He-uniform weights from ``seed``."""

    def __init__(self, plans: Sequence[LayerPlan], *, seed: int, integer: bool = True) -> None:
        super().__init__()
        require_chain([each.shape for each in plans])
        count = len(plans)
        self.layers = nn.ModuleList(
            TrainableLayer(each, last=index == count - 1, integer=integer) for index, each in enumerate(plans)
        )
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer, each in zip(self.trainable, plans, strict=True):
                limit = math.sqrt(6 / each.shape.fan_in)
                layer.weight.uniform_(-limit, limit, generator=generator)

    @property
    def trainable(self) -> tuple[TrainableLayer, ...]:
        """The layers with their type."""
        return tuple(layer for layer in self.layers if isinstance(layer, TrainableLayer))

    @property
    def plans(self) -> tuple[LayerPlan, ...]:
        return tuple(layer.plan for layer in self.trainable)

    @property
    def watermarked(self) -> tuple[nn.Parameter, ...]:
        """The kernels that a v1 watermark goes into: all but the last layer's, flat in PyTorch's order."""
        return tuple(layer.weight for layer in self.trainable[:-1])

    def forward(self, inputs: Tensor) -> Tensor:
        values = inputs
        for layer in self.layers:
            values = layer(values)
        return values

    def integer_network(self) -> Int8Network:
        """What is handed in and judged."""
        return Int8Network(tuple(layer.integer_layer() for layer in self.trainable))


def architecture(plans: Sequence[LayerPlan]) -> tuple[LayerTuple, ...]:
    """What a task fixes of its networks, for ``encoding.architecture_hash``."""
    empty = TrainableNetwork(plans, seed=0).integer_network()
    return tuple(layer_tuple(layer) for layer in empty.layers)


def encode_inputs(images: NDArray[np.uint8], *, pixel_max: int) -> NDArray[np.int8]:
    """Flat int8 inputs [samples, features] of images with levels 0..pixel_max: ⌊level · 127 / pixel_max + ½⌋."""
    if not 1 <= pixel_max <= 255 or (images.size and int(images.max()) > pixel_max):
        raise ModelError("an image's levels are out of range", expected=f"0 to {pixel_max}")
    scaled = (images.astype(np.int64) * 254 + pixel_max) // (2 * pixel_max)
    return scaled.reshape(len(images), -1).astype(np.int8)


def float_inputs(inputs: NDArray[np.int8]) -> Tensor:
    """The same as the float network takes them."""
    return torch.from_numpy(inputs).float() / 2**INPUT_BITS


def _straight_through(values: Tensor, bits: int, low: int) -> Tensor:
    """Rounded (half up) and bounded in the forward pass; backwards the bounds only."""
    scale = float(2**bits)
    bounded = values.clamp(low / scale, 127 / scale)
    rounded = torch.floor(bounded.detach() * scale + 0.5) / scale
    return bounded + (rounded - bounded.detach())


def _array(values: Tensor) -> NDArray[np.float64]:
    return values.detach().double().cpu().numpy()
