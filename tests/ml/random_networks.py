"""Shapes of small networks drawn by Hypothesis, and the numbers to fill them with."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from torch import nn

from pyml.ml.affine import AffineLayer
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.ml.networks import cnn
from pyml.ml.shapes import Convolution, LayerShape, Pool


@st.composite
def chains(draw: st.DrawFn, *, least_convolutions: int = 0, square: bool = False) -> tuple[LayerShape, ...]:
    """Up to three convolutions, some pooled, then up to two dense layers; at least one layer.

    With ``square``, kernels, strides and padding are the same in both directions.
    """
    dims: tuple[int, ...] = (draw(st.integers(1, 2)), draw(st.integers(2, 8)), draw(st.integers(2, 8)))
    shapes: list[LayerShape] = []
    convolutions = draw(st.integers(least_convolutions, 3))
    dense = draw(st.integers(0 if convolutions else 1, 2))
    for index in range(convolutions):
        channels, height, width = dims
        rows = _side(draw, min(height, width) if square else height)
        columns = rows if square else _side(draw, width)
        kernel, stride, padding = zip(rows, columns, strict=True)
        geometry = Convolution(channels, height, width, kernel, stride, padding)
        out_channels = draw(st.integers(1, 3))
        pools = [
            Pool(kind, size)
            for size in (2, 3)
            for kind in ("max", "sum")
            if geometry.out_height % size == geometry.out_width % size == 0 and (dense or index + 1 < convolutions)
        ]
        shapes.append(LayerShape(geometry.fan_in, out_channels, geometry, draw(st.sampled_from([None, *pools]))))
        dims = shapes[-1].output_dims
    for _ in range(dense):
        fan_in = shapes[-1].outputs if shapes else int(np.prod(dims))
        shapes.append(LayerShape(fan_in, draw(st.integers(1, 5))))
    return tuple(shapes)


def _side(draw: st.DrawFn, size: int) -> tuple[int, int, int]:
    """Kernel, stride and padding in one direction."""
    kernel = draw(st.integers(1, min(3, size)))
    return kernel, draw(st.integers(1, 2)), draw(st.integers(0, kernel - 1))


def random_layers(shapes: tuple[LayerShape, ...], random: np.random.Generator) -> tuple[AffineLayer, ...]:
    """Normal weights and biases, layers named by number."""
    return tuple(
        AffineLayer(
            str(index),
            random.normal(size=(shape.fan_in, shape.fan_out)),
            random.normal(size=shape.fan_out),
            shape.convolution,
            shape.pool,
        )
        for index, shape in enumerate(shapes)
    )


def random_integers(
    shapes: tuple[LayerShape, ...],
    random: np.random.Generator,
    *,
    bits: int = 8,
    input_max: int = 255,
    shift_max: int = 12,
    unit_bits: int = 6,
    extreme: bool = False,
) -> IntegerNetwork:
    """Uniform weights over their whole range, or mostly the greatest; random shifts and bias units."""
    half = 1 << (bits - 1)
    layers: list[IntegerLayer] = []
    for index, shape in enumerate(shapes):
        weight = random.integers(-half, half, (shape.fan_in, shape.fan_out))
        if extreme:
            weight = np.where(random.integers(0, 4, weight.shape) > 0, half - 1, -half)
        bias, unit = random.integers(-half, half, shape.fan_out), 1 << int(random.integers(0, unit_bits))
        shift = 0 if index + 1 == len(shapes) else int(random.integers(0, shift_max + 1))
        layers.append(IntegerLayer(weight, bias, unit, shift, shape.convolution, shape.pool))
    return IntegerNetwork(tuple(layers), bits, input_max)


def random_module(shapes: tuple[LayerShape, ...], random: np.random.Generator, *, batch_norm: bool) -> nn.Sequential:
    """A module in evaluation mode whose biases and batch statistics are those of no fresh network."""
    model = cnn(shapes, seed=int(random.integers(2**32)), batch_norm=batch_norm).eval()
    for name, tensor in model.state_dict().items():
        if tensor.ndim == 1:  # biases, and all that a batch normalisation has
            drawn = tensor.new_tensor(random.normal(size=tensor.shape))
            tensor.copy_(drawn.abs() if name.endswith("running_var") else drawn)
    return model
