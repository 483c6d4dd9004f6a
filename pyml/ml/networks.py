"""Networks that the circuits can prove: perceptrons and small convolutional networks, as PyTorch modules.

A network is an ``nn.Sequential`` of ``Linear`` and ``Conv2d`` layers with ``ReLU`` between them, pools behind some, on
flattened inputs in [0, 1]; ``pyml.ml.modules`` reads its parameters.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

import torch
from torch import nn

from pyml.errors import ModelError
from pyml.ml.modules import AsImage
from pyml.ml.shapes import Convolution, LayerShape, Pool, require_chain

_WIDTH = r"[1-9][0-9]{0,5}"
_IMAGE = re.compile(rf"({_WIDTH})x({_WIDTH})x({_WIDTH})", re.ASCII)
_CONVOLUTION = re.compile(rf"c({_WIDTH})k({_WIDTH})(?:s({_WIDTH}))?(?:p({_WIDTH}))?", re.ASCII)
_POOL = re.compile(rf"(max|avg)({_WIDTH})", re.ASCII)


def mlp(sizes: Sequence[int], *, seed: int) -> nn.Sequential:
    """A perceptron with the given widths, e.g. ``(64, 32, 10)``; He-uniform weights from ``seed``, zero biases."""
    if len(sizes) < 2 or any(size < 1 for size in sizes):
        raise ModelError("a perceptron needs two or more positive widths", expected="e.g. 64-32-10", got=list(sizes))
    return cnn([LayerShape(fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(sizes)], seed=seed)


def cnn(shapes: Sequence[LayerShape], *, seed: int, batch_norm: bool = False) -> nn.Sequential:
    """A network of the given layers on flat inputs; He-uniform weights from ``seed``, zero biases.

    ``batch_norm`` puts one behind each convolution; it is folded into it when the layers are read.
    """
    require_chain(shapes)
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for index, shape in enumerate(shapes):
        if index:
            modules.append(nn.ReLU())
            modules.extend(_between(shapes[index - 1], shape))
        elif shape.convolution is not None:
            modules.append(AsImage(shape.convolution.in_channels, shape.convolution.height, shape.convolution.width))
        layer = _layer(shape)
        limit = math.sqrt(6.0 / shape.fan_in)
        with torch.no_grad():
            layer.weight.uniform_(-limit, limit, generator=generator)
            if layer.bias is not None:  # pyright: ignore[reportUnnecessaryComparison]
                layer.bias.zero_()
        modules.append(layer)
        if batch_norm and isinstance(layer, nn.Conv2d):
            modules.append(nn.BatchNorm2d(shape.fan_out))
    if shapes[-1].convolution is not None:
        modules.append(nn.Flatten())
    return nn.Sequential(*modules)


def parse_sizes(text: str) -> tuple[int, ...]:
    """``"64-32-10"`` as widths; raises ``ModelError`` on anything else."""
    parts = text.split("-")
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and 0 < int(part) < 2**20 for part in parts):
        raise ModelError("network sizes cannot be read", expected="widths joined by '-', e.g. 64-32-10", got=text)
    return tuple(int(part) for part in parts)


def parse_shapes(text: str) -> tuple[LayerShape, ...]:
    """Layers from text: ``"64-32-10"``, or behind an image's channels, height and width ``"1x8x8:c4k3p1-max2-10"``.

    ``c8k3s2p1`` is a convolution to 8 channels with a 3 by 3 kernel, stride 2 (else 1) and padding 1 (else 0);
    ``max2`` or ``avg2`` pools squares of 2 by 2; a number is a dense layer of that width. Raises ``ModelError`` that
    names the part which cannot be read or does not fit.
    """
    image, colon, rest = text.partition(":")
    if not colon:
        return tuple(LayerShape(fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(parse_sizes(text)))
    match = _IMAGE.fullmatch(image)
    if match is None:
        raise ModelError("the image's size cannot be read", expected="CHANNELSxHEIGHTxWIDTH, e.g. 1x8x8", got=image)
    dims: tuple[int, ...] = tuple(map(int, match.groups()))
    shapes: list[LayerShape] = []
    for part in rest.split("-"):
        try:
            if pool := _POOL.fullmatch(part):
                shapes = [*shapes[:-1], _pooled(shapes, pool)]
            else:
                shapes = [*shapes, _parsed_layer(part, dims)]
        except ModelError as error:
            raise ModelError(
                f"part {part!r} of the network: {error.problem}", expected=error.expected, got=error.got
            ) from error
        dims = shapes[-1].output_dims
    require_chain(shapes)
    return tuple(shapes)


def _between(before: LayerShape, after: LayerShape) -> list[nn.Module]:
    """What stands between a layer's ReLU and the next layer."""
    modules: list[nn.Module] = []
    if before.pool is not None:
        modules.append((nn.MaxPool2d if before.pool.kind == "max" else nn.AvgPool2d)(before.pool.size))
    if before.convolution is not None and after.convolution is None:
        modules.append(nn.Flatten())
    return modules


def _layer(shape: LayerShape) -> nn.Linear | nn.Conv2d:
    """A layer on no device yet, so that nothing is drawn from the global generator."""
    geometry = shape.convolution
    if geometry is None:
        return nn.Linear(shape.fan_in, shape.fan_out, device="meta").to_empty(device="cpu")
    return nn.Conv2d(
        geometry.in_channels,
        shape.fan_out,
        geometry.kernel,
        stride=geometry.stride,
        padding=geometry.padding,
        device="meta",
    ).to_empty(device="cpu")


def _parsed_layer(part: str, dims: tuple[int, ...]) -> LayerShape:
    if match := _CONVOLUTION.fullmatch(part):
        if len(dims) != 3:
            raise ModelError("a convolution cannot follow a dense layer")
        in_channels, height, width = dims
        channels, kernel, stride, padding = int(match[1]), int(match[2]), int(match[3] or 1), int(match[4] or 0)
        convolution = Convolution(in_channels, height, width, (kernel, kernel), (stride, stride), (padding, padding))
        return LayerShape(convolution.fan_in, channels, convolution)
    if re.fullmatch(_WIDTH, part, re.ASCII):
        return LayerShape(math.prod(dims), int(part))
    raise ModelError("it cannot be read", expected="a width, c8k3, c8k3s2p1, max2 or avg2")


def _pooled(shapes: Sequence[LayerShape], match: re.Match[str]) -> LayerShape:
    if not shapes or shapes[-1].convolution is None or shapes[-1].pool is not None:
        raise ModelError("a pool belongs after a convolution")
    last = shapes[-1]
    pool = Pool("max" if match[1] == "max" else "sum", int(match[2]))
    return LayerShape(last.fan_in, last.fan_out, last.convolution, pool)
