"""What every layer puts out for one sample, as trees that a dispute goes down.

A leaf holds 32 channels at one place of the image that the next layer reads, so that what one step of a sum multiplies
lies in one leaf; a dense layer reads an image of one place. Trees are opened six levels at a time: node i of level l
lies above leaves i · 2^l to (i + 1) · 2^l - 1. ``contracts/freezenet/ActivationTree.sol`` is the twin of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.merkle import MerkleTree
from pyml.errors import InputError
from pyml.freezenet.inference import Int8Network, activations, logits
from pyml.ml.shapes import Convolution, LayerShape

LANES: Final = 32
"""Values of a leaf."""
SPAN: Final = 6
"""Levels that are opened at once."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image that a layer reads: ``channels`` at each of ``height`` times ``width`` places."""

    channels: int
    height: int
    width: int

    @classmethod
    def read_by(cls, shape: LayerShape) -> Image:
        """Of a layer; a dense one has one place."""
        geometry = geometry_of(shape)
        return cls(geometry.in_channels, geometry.height, geometry.width)

    @property
    def groups(self) -> int:
        """Leaves at one place."""
        return -(-self.channels // LANES)

    @property
    def leaves(self) -> int:
        """Leaves of the tree."""
        return self.height * self.width * self.groups

    def leaf_at(self, row: int, column: int, group: int) -> int:
        """The leaf that holds a group of channels at a place."""
        return (row * self.width + column) * self.groups + group

    def lanes(self, leaf: int) -> int:
        """How many of a leaf's bytes are values."""
        return min(LANES, self.channels - leaf % self.groups * LANES)

    def index(self, leaf: int, lane: int) -> int:
        """The flat index, by channel, row and column, of a value."""
        place, group = divmod(leaf, self.groups)
        return (group * LANES + lane) * self.height * self.width + place

    def words(self, values: NDArray[np.int8]) -> tuple[bytes, ...]:
        """All leaves of flat values [channels · height · width], zeros behind the last channel."""
        if values.dtype != np.int8 or values.shape != (self.channels * self.height * self.width,):
            raise InputError(
                "the values do not fill the image", expected=f"int8 of {self}", got=f"{values.dtype} {values.shape}"
            )
        padded = np.zeros((self.height * self.width, self.groups * LANES), dtype=np.int8)
        padded[:, : self.channels] = values.reshape(self.channels, -1).T
        return tuple(word.tobytes() for word in padded.reshape(-1, LANES))


@dataclass(frozen=True, eq=False)
class SampleTrace:
    """What each layer ``reads`` for one sample, and what all but the last are said to put out; both flat int8.

    Of a network as it is, the two are the same values. They are apart so that a trace can be told that is wrong.
    """

    images: tuple[Image, ...]
    """What each layer but the first reads."""
    reads: tuple[NDArray[np.int8], ...]
    outputs: tuple[NDArray[np.int8], ...]
    logits: tuple[int, ...]

    @cached_property
    def words(self) -> tuple[tuple[bytes, ...], ...]:
        """Leaves of each layer's outputs."""
        return tuple(image.words(values) for image, values in zip(self.images, self.outputs, strict=True))

    @cached_property
    def trees(self) -> tuple[MerkleTree, ...]:
        """Above these leaves."""
        return tuple(MerkleTree.of(words) for words in self.words)

    @property
    def roots(self) -> tuple[bytes, ...]:
        """What a miner commits to."""
        return tuple(tree.root for tree in self.trees)

    def children(self, layer: int, level: int, node: int) -> tuple[bytes, ...]:
        """The nodes that a node is opened to: up to ``SPAN`` levels below it."""
        below = level - span_of(level)
        first = node << span_of(level)
        return self.trees[layer].levels[below][first : first + (1 << span_of(level))]


def trace_sample(network: Int8Network, inputs: NDArray[np.int8]) -> SampleTrace:
    """The trace of a network as it is, for flat inputs [features]."""
    batch = inputs[None]
    outputs = tuple(values[0] for values in activations(network, batch))
    images = tuple(Image.read_by(layer.shape) for layer in network.layers[1:])
    return SampleTrace(images, (inputs, *outputs), outputs, tuple(map(int, logits(network, batch)[0])))


def geometry_of(shape: LayerShape) -> Convolution:
    """A layer's convolution; of a dense one that over an image of one place."""
    return shape.convolution or Convolution(shape.fan_in, 1, 1, (1, 1))


def height_of(leaves: int) -> int:
    """Levels above the leaves."""
    return (leaves - 1).bit_length()


def span_of(level: int) -> int:
    """Levels that a node is opened by."""
    return min(level, SPAN)


def children_of(leaves: int, level: int, node: int) -> int:
    """How many nodes a node is opened to."""
    span = span_of(level)
    count = ((leaves - 1) >> (level - span)) + 1
    return min(1 << span, count - (node << span))
