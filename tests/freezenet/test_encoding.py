"""Networks as contracts read them: vectors, order within a word, and what a contract could not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import ModelError
from pyml.freezenet.codes import watermark_codes
from pyml.freezenet.counters import CODE_SPACE, word
from pyml.freezenet.encoding import encode_affine, encode_weights, layer_tuple, network_architecture, pack_words
from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.ml.shapes import Convolution
from tests.freezenet.random_networks import CASES, case_named, layer_of, network_of, networks


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_vectors_that_forge_reads(case: dict[str, Any]) -> None:
    network = network_of(case)
    assert "0x" + network_architecture(network).hex() == case["architecture"]
    for layer, entry in zip(network.layers, case["layers"], strict=True):
        assert list(layer_tuple(layer)) == entry["layer"]
        assert "0x" + encode_weights(layer).hex() == entry["weights"]
        assert "0x" + encode_affine(layer).hex() == entry["affine"]


@given(networks())
def test_encoding_is_read_back(network: Int8Network) -> None:
    for layer in network.layers:
        entry = {
            "layer": layer_tuple(layer),
            "weights": "0x" + encode_weights(layer).hex(),
            "affine": "0x" + encode_affine(layer).hex(),
        }
        again = layer_of(entry)
        assert np.array_equal(again.weight, layer.weight)
        assert np.array_equal(again.multiplier, layer.multiplier)
        assert np.array_equal(again.bias, layer.bias)
        assert (again.shift, again.relu, again.pool) == (layer.shift, layer.relu, layer.pool)


def test_words_are_those_of_a_watermark() -> None:
    """Packing the codes of a watermark gives the hashes that they were read from."""
    seed = bytes(range(32))
    packed = pack_words(watermark_codes(seed, 96)[None, :])
    assert [row.tobytes() for row in packed[0]] == [word(seed, CODE_SPACE | index) for index in range(3)]


@given(st.integers(1, 4), st.integers(1, 100))
def test_what_is_left_of_a_word_is_zero(rows: int, width: int) -> None:
    packed = pack_words(np.full((rows, width), -1, dtype=np.int8))
    assert packed.shape == (rows, -(-width // 32), 32)
    assert int((packed == 255).sum()) == rows * width
    assert int((packed == 0).sum()) == packed.size - rows * width


def test_architecture_binds_shapes_and_scales_but_no_numbers() -> None:
    network = network_of(case_named("convolution"))
    first, last = network.layers
    digest = network_architecture(network)
    same = replace(first, weight=-(first.weight // 2), bias=first.bias + 1)
    assert network_architecture(Int8Network((same, last))) == digest
    for changed in (replace(first, shift=first.shift + 1), replace(first, relu=False)):
        assert network_architecture(Int8Network((changed, last))) != digest


def _layer(fan_in: int, outputs: int, **shape: Any) -> Int8Layer:
    return Int8Layer(
        np.zeros((fan_in, outputs), np.int8), np.zeros(outputs, np.int16), np.zeros(outputs, np.int32), **shape
    )


@pytest.mark.parametrize(
    "layer",
    [
        _layer(65_536, 1),
        _layer(1, 65_536),
        _layer(256, 1, convolution=Convolution(1, 256, 256, (256, 1))),
        _layer(1, 1, convolution=Convolution(1, 300, 300, (1, 1), (256, 1))),
    ],
)
def test_layers_that_no_struct_holds(layer: Int8Layer) -> None:
    with pytest.raises(ModelError) as caught:
        layer_tuple(layer)
    assert str(caught.value).startswith(
        "a layer is too large for a contract; expected channels, sides and outputs below 65536; "
        "kernel, stride, padding and pool below 256; got ("
    )
