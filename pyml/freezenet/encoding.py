"""Integer networks as contracts read them: the twin of the formats in ``contracts/freezenet/IntegerInference.sol``.

A layer is its shape (a struct of small integers), its weights in words of 32 codes, and six bytes a channel for
multiplier and bias. Each neuron begins a word; within one, code i lies in bits 8i to 8i + 7, as in a watermark's words,
and what is left over is zero. Activations are bytes in their own order. The architecture of a task is the hash of its
layers' shapes: what a miner may not change, scales included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.freezenet.codes import CODES_PER_WORD
from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.ml.shapes import Convolution

LayerTuple = tuple[int, int, int, int, int, int, int, int, int, int, int, bool, int]
"""Channels, height, width; outputs; kernel, stride and padding as rows and columns; shift; ReLU; pool (0: none)."""

_LAYER_TYPE: Final = "(uint16,uint16,uint16,uint16,uint8,uint8,uint8,uint8,uint8,uint8,uint8,bool,uint8)"
_WIDE: Final = 1 << 16
_NARROW: Final = 1 << 8


def layer_tuple(layer: Int8Layer) -> LayerTuple:
    """The ``Layer`` struct; a dense layer is a convolution of one pixel. ``ModelError`` beyond the struct's types."""
    shape = layer.shape
    geometry = shape.convolution or Convolution(shape.fan_in, 1, 1, (1, 1))
    wide = (geometry.in_channels, geometry.height, geometry.width, shape.fan_out)
    pool = 0 if layer.pool is None else layer.pool.size
    narrow = (*geometry.kernel, *geometry.stride, *geometry.padding, pool)
    if max(wide) >= _WIDE or max(narrow) >= _NARROW:
        raise ModelError(
            "a layer is too large for a contract",
            expected=f"channels, sides and outputs below {_WIDE}; kernel, stride, padding and pool below {_NARROW}",
            got=(*wide, *narrow),
        )
    (rows, columns), (down, right), (top, side) = geometry.kernel, geometry.stride, geometry.padding
    return (*wide, rows, columns, down, right, top, side, layer.shift, layer.relu, pool)


def architecture_hash(layers: Sequence[LayerTuple]) -> bytes:
    """keccak256 of the ABI encoding of ``Layer[]``."""
    return keccak(encode([f"{_LAYER_TYPE}[]"], [list(layers)]))


def network_architecture(network: Int8Network) -> bytes:
    """The architecture that a network is of."""
    return architecture_hash([layer_tuple(layer) for layer in network.layers])


def pack_words(codes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Words [rows, ⌈width / 32⌉, 32], big-endian, of codes [rows, width]."""
    rows, width = codes.shape
    padded = np.zeros((rows, -(-width // CODES_PER_WORD), CODES_PER_WORD), dtype=np.int8)
    padded.reshape(rows, -1)[:, :width] = codes
    return padded[:, :, ::-1].view(np.uint8)


def encode_weights(layer: Int8Layer) -> bytes:
    """All words of a layer, neuron by neuron."""
    return pack_words(layer.weight.T).tobytes()


def encode_affine(layer: Int8Layer) -> bytes:
    """Six bytes a channel: multiplier and bias, big-endian."""
    packed = np.empty(len(layer.bias), dtype=[("multiplier", ">i2"), ("bias", ">i4")])
    packed["multiplier"], packed["bias"] = layer.multiplier, layer.bias
    return packed.tobytes()
