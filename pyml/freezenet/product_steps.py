"""The sums behind one value of a layer, in steps of 32 products, and what a step multiplies.

A value comes of one sum, or of one for each place of its pool's window, row by row. A step takes 32 channels at one
place of the kernel: places row by row, and at each of them group by group. No int32 sum of a valid layer overflows, so
the order of steps changes nothing. ``contracts/freezenet/ProductStep.sol`` is the twin of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.freezenet.activations import LANES, Image, geometry_of
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.encoding import pack_words
from pyml.freezenet.inference import Int8Layer, accumulate
from pyml.ml.shapes import LayerShape

ACCUMULATOR_BYTES: Final = 4
MAX_STEPS: Final = 4096
"""Most steps behind one value: all accumulators are shown in one transaction."""


@dataclass(frozen=True, slots=True)
class ProductStep:
    """A step: which neuron's, at which ``place`` of the kernel, for which ``group`` of channels.

    Under that place lies ``row`` and ``column`` of the input, or padding where it is not ``inside``.
    """

    neuron: int
    place: int
    group: int
    row: int
    column: int
    inside: bool


def step_count(shape: LayerShape) -> int:
    """Steps of one sum."""
    rows, columns = geometry_of(shape).kernel
    return rows * columns * Image.read_by(shape).groups


def sum_count(shape: LayerShape) -> int:
    """Sums of one value: places of the pool's window."""
    return 1 if shape.pool is None else shape.pool.size**2


def require_judgeable(architecture: Architecture) -> None:
    """Raise ``ModelError`` where a miner could not show the accumulators of a value in one transaction."""
    for number, shape in enumerate(architecture.shapes):
        steps = step_count(shape) * sum_count(shape)
        if steps > MAX_STEPS:
            raise ModelError(
                f"layer {number} is too wide for a dispute", expected=f"at most {MAX_STEPS} steps a value", got=steps
            )


def neuron_of(shape: LayerShape, index: int) -> int:
    """The channel that a value, flat by channel, row and column, belongs to."""
    return index * sum_count(shape) // shape.positions


def step_at(shape: LayerShape, index: int, step: int) -> ProductStep:
    """A step of a value, counted through all of its sums."""
    geometry, side = geometry_of(shape), 1 if shape.pool is None else shape.pool.size
    width = geometry.out_width // side
    neuron, at = divmod(index, geometry.out_height // side * width)
    window, rest = divmod(step, step_count(shape))
    place, group = divmod(rest, Image.read_by(shape).groups)
    row = (at // width * side + window // side) * geometry.stride[0] + place // geometry.kernel[1]
    column = (at % width * side + window % side) * geometry.stride[1] + place % geometry.kernel[1]
    row, column = row - geometry.padding[0], column - geometry.padding[1]
    if 0 <= row < geometry.height and 0 <= column < geometry.width:
        return ProductStep(neuron, place, group, row, column, inside=True)
    return ProductStep(neuron, place, group, 0, 0, inside=False)


def weight_position(shape: LayerShape, step: ProductStep, lane: int) -> int:
    """Where a channel's weight lies in the kernel, flat by neuron and then input."""
    geometry = geometry_of(shape)
    channel = step.group * LANES + lane
    return (step.neuron * geometry.in_channels + channel) * geometry.kernel[0] * geometry.kernel[1] + step.place


def step_operands(
    layer: Int8Layer, inputs: NDArray[np.int8], index: int, step: int
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The 32 weights and the 32 activations of a step; zeros for channels beyond the last, and in the padding."""
    image, found = Image.read_by(layer.shape), step_at(layer.shape, index, step)
    weights, values = np.zeros(LANES, dtype=np.int8), np.zeros(LANES, dtype=np.int8)
    rows, columns = geometry_of(layer.shape).kernel
    channels = slice(found.group * LANES, min((found.group + 1) * LANES, image.channels))
    kernel = layer.weight[:, found.neuron].reshape(image.channels, rows * columns)[channels, found.place]
    weights[: len(kernel)] = kernel
    if found.inside:
        under = inputs.reshape(image.channels, image.height, image.width)[channels, found.row, found.column]
        values[: len(under)] = under
    return weights, values


def accumulators(layer: Int8Layer, inputs: NDArray[np.int8], index: int) -> tuple[int, ...]:
    """The accumulator after each step of each sum of a value."""
    found: list[int] = []
    steps = step_count(layer.shape)
    for step in range(steps * sum_count(layer.shape)):
        start = found[-1] if step % steps else 0
        found.append(accumulate(start, *step_operands(layer, inputs, index, step)))
    return tuple(found)


def encode_accumulators(values: tuple[int, ...]) -> bytes:
    """As contracts take them: four bytes each, big-endian."""
    return b"".join(value.to_bytes(ACCUMULATOR_BYTES, "big", signed=True) for value in values)


def decode_accumulators(raw: bytes) -> tuple[int, ...]:
    """The other way round."""
    return tuple(
        int.from_bytes(raw[start : start + ACCUMULATOR_BYTES], "big", signed=True)
        for start in range(0, len(raw), ACCUMULATOR_BYTES)
    )


def operand_words(weights: NDArray[np.int8], values: NDArray[np.int8]) -> tuple[int, int]:
    """As contracts take them: weight i in bits 8i and up, activations as bytes in their own order."""
    return int.from_bytes(pack_words(weights[None]).tobytes(), "big"), int.from_bytes(values.tobytes(), "big")
