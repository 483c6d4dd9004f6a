"""What a task fixes of its networks: the layers, and the share of each kernel that is watermarked.

The chain has the layers in an event and their hash in the task; everything else here follows from them. This module is
the twin of ``contracts/freezenet/Architecture.sol``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyml.errors import ModelError
from pyml.freezenet.encoding import LayerTuple, architecture_hash
from pyml.freezenet.strata import Stratum, stratify
from pyml.ml.shapes import Convolution, LayerShape, Pool, require_chain

MIN_LAYERS: Final = 2
"""A single layer would carry no watermark."""
MAX_LAYERS: Final = 64


@dataclass(frozen=True, slots=True)
class Architecture:
    """Layers as contracts take them, and millionths of each kernel that are watermark; a network's, or ``ModelError``.

    All kernels but the last layer's carry a watermark.
    """

    layers: tuple[LayerTuple, ...]
    fraction_ppm: int

    def __post_init__(self) -> None:
        if not MIN_LAYERS <= len(self.layers) <= MAX_LAYERS:
            raise ModelError(
                "a network has the wrong number of layers",
                expected=f"{MIN_LAYERS} to {MAX_LAYERS}",
                got=len(self.layers),
            )
        require_chain(self.shapes)
        if self.length == 0:
            raise ModelError("the watermark is empty", expected="a greater fraction", got=f"{self.fraction_ppm} ppm")

    @property
    def hash(self) -> bytes:
        """What a task keeps of its layers."""
        return architecture_hash(self.layers)

    @property
    def shapes(self) -> tuple[LayerShape, ...]:
        return tuple(layer_shape(layer) for layer in self.layers)

    @property
    def strata(self) -> tuple[Stratum, ...]:
        """The kernels that carry a watermark."""
        return stratify([shape.fan_in * shape.fan_out for shape in self.shapes[:-1]], self.fraction_ppm)

    @property
    def length(self) -> int:
        """Codes in all kernels together: what a seed is bound to."""
        return sum(stratum.length for stratum in self.strata)

    @property
    def free_count(self) -> int:
        """Weights in these kernels that are the miner's."""
        return sum(stratum.free for stratum in self.strata)

    @property
    def kernel_size(self) -> int:
        """Weights in all kernels that carry a watermark."""
        return sum(stratum.size for stratum in self.strata)

    @property
    def products(self) -> int:
        """Multiplications for one sample."""
        return sum(shape.positions * shape.fan_in * shape.fan_out for shape in self.shapes)

    @property
    def inputs(self) -> int:
        """Width of a flat sample."""
        return self.shapes[0].inputs

    @property
    def classes(self) -> int:
        return self.shapes[-1].outputs


def layer_shape(layer: LayerTuple) -> LayerShape:
    """The shape behind a ``Layer`` struct; raises ``ModelError`` where there is none."""
    channels, height, width, outputs, rows, columns, down, right, top, side, _, _, pool = layer
    if (height, width, rows, columns) == (1, 1, 1, 1):
        return LayerShape(channels, outputs)
    geometry = Convolution(channels, height, width, (rows, columns), (down, right), (top, side))
    return LayerShape(geometry.fan_in, outputs, geometry, Pool("max", pool) if pool else None)


def decode_layers(raw: Sequence[Sequence[int | bool]]) -> tuple[LayerTuple, ...]:
    """Layers as the chain gives them, field by field."""
    layers: list[LayerTuple] = []
    for fields in raw:
        if len(fields) != 13:
            raise ModelError("a layer has the wrong number of fields", expected=13, got=len(fields))
        a, b, c, d, e, f, g, h, i, j, k, relu, pool = fields
        numbers = (int(a), int(b), int(c), int(d), int(e), int(f), int(g), int(h), int(i), int(j), int(k))
        layers.append((*numbers, bool(relu), int(pool)))
    return tuple(layers)
