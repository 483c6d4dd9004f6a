"""Sums by steps against the layers themselves, for random networks of all shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.freezenet.activations import LANES, Image, children_of, height_of, span_of, trace_sample
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.inference import Int8Network, requantise
from pyml.freezenet.product_steps import (
    accumulators,
    decode_accumulators,
    encode_accumulators,
    neuron_of,
    require_judgeable,
    step_at,
    step_count,
    step_operands,
    sum_count,
    weight_position,
)
from pyml.ml.shapes import LayerShape
from tests.freezenet.random_networks import networks


@settings(max_examples=25, deadline=None)
@given(networks(), st.integers(0, 2**32))
def test_sums_give_the_values_of_every_layer(network: Int8Network, seed: int) -> None:
    random = np.random.default_rng(seed)
    trace = trace_sample(network, random.integers(-128, 128, network.inputs, dtype=np.int8))
    for number, layer in enumerate(network.layers):
        last = number + 1 == len(network.layers)
        outputs = trace.logits if last else trace.outputs[number]
        index = int(random.integers(len(outputs)))
        shown = accumulators(layer, trace.reads[number], index)
        assert decode_accumulators(encode_accumulators(shown)) == shown
        neuron = neuron_of(layer.shape, index)
        totals = np.array(shown[step_count(layer.shape) - 1 :: step_count(layer.shape)], dtype=np.int64)
        value = (int(layer.multiplier[neuron]) * totals + int(layer.bias[neuron])).max()
        if not last:
            value = requantise(np.array([value]), shift=layer.shift, relu=layer.relu)[0]
        assert value == outputs[index]


@settings(max_examples=25, deadline=None)
@given(networks(), st.integers(0, 2**32))
def test_steps_take_each_weight_of_a_neuron_once(network: Int8Network, seed: int) -> None:
    for layer in network.layers:
        shape, image = layer.shape, Image.read_by(layer.shape)
        index = seed % (shape.pre_activations // sum_count(shape))
        found: list[int] = []
        for step in range(step_count(shape)):
            place = step_at(shape, index, step)
            lanes = min(LANES, image.channels - place.group * LANES)
            positions = [weight_position(shape, place, lane) for lane in range(lanes)]
            weights, _ = step_operands(layer, np.zeros(shape.inputs, dtype=np.int8), index, step)
            flat = layer.weight.T.reshape(-1)
            assert weights[:lanes].tolist() == flat[positions].tolist()
            found += positions
        first = neuron_of(shape, index) * shape.fan_in
        assert sorted(found) == list(range(first, first + shape.fan_in))


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_leaves_hold_every_value_once(channels: int, height: int, width: int, seed: int) -> None:
    image = Image(channels, height, width)
    values = np.random.default_rng(seed).integers(-128, 128, channels * height * width, dtype=np.int8)
    words = image.words(values)
    assert len(words) == image.leaves
    seen: list[int] = []
    for leaf, word in enumerate(words):
        lanes = image.lanes(leaf)
        assert not any(word[lanes:])
        for lane in range(lanes):
            assert np.frombuffer(word, dtype=np.int8)[lane] == values[image.index(leaf, lane)]
            seen.append(image.index(leaf, lane))
    assert sorted(seen) == list(range(len(values)))


@given(st.integers(1, 5000), st.data())
def test_nodes_are_opened_to_all_below_them(leaves: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, height_of(leaves)))
    nodes = -(-leaves // (1 << level))
    opened = sum(children_of(leaves, level, node) for node in range(nodes))
    assert opened == -(-leaves // (1 << (level - span_of(level))))


def test_wide_layers_are_refused() -> None:
    require_judgeable(_two_layers(area=64 * 64))
    with pytest.raises(ModelError, match="layer 0 is too wide"):
        require_judgeable(_two_layers(area=65 * 64))


def _two_layers(area: int) -> Architecture:
    """A kernel over a whole image of one channel, and logits."""
    first = (1, area // 64, 64, 16, area // 64, 64, 1, 1, 0, 0, 7, True, 0)
    return Architecture((first, (16, 1, 1, 10, 1, 1, 1, 1, 0, 0, 0, False, 0)), 300_000)


def test_values_of_another_image_are_refused() -> None:
    with pytest.raises(InputError, match="do not fill"):
        Image.read_by(LayerShape(3, 1)).words(np.zeros(4, dtype=np.int8))
