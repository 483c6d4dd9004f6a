"""The exact forward pass against a plain triple loop over Python integers."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.ml.integer import (
    IntegerLayer,
    IntegerNetwork,
    bounds,
    correct,
    count_correct,
    hidden,
    logits,
    predict,
    require_inputs,
)
from pyml.ml.shapes import Convolution, LayerShape, Pool
from tests.ml.random_networks import chains, random_integers


def layer(weight: object, bias: object, unit: int = 1, shift: int = 0) -> IntegerLayer:
    return IntegerLayer(np.array(weight, dtype=np.int64), np.array(bias, dtype=np.int64), unit, shift)


def loop_forward(network: IntegerNetwork, sample: list[int]) -> list[list[int]]:
    """The definition, with nothing but Python integers."""
    outputs: list[list[int]] = []
    values = sample
    for each in network.layers:
        pre = loop_dense(each, values) if each.convolution is None else loop_convolution(each, each.convolution, values)
        outputs.append(pre)
        values = loop_pool(each, [max(value // 2**each.shift, 0) for value in pre])
    return outputs


def loop_dense(each: IntegerLayer, values: list[int]) -> list[int]:
    pre: list[int] = []
    for column in range(each.fan_out):
        total = int(each.bias[column]) * each.bias_unit
        for row in range(each.fan_in):
            total += values[row] * int(each.weight[row, column])
        pre.append(total)
    return pre


def loop_convolution(each: IntegerLayer, geometry: Convolution, values: list[int]) -> list[int]:
    """Channel by channel, position by position, kernel entry by kernel entry."""
    (rows, columns), (down, right), (above, left) = geometry.kernel, geometry.stride, geometry.padding
    pre: list[int] = []
    for channel in range(each.fan_out):
        for top in range(-above, geometry.height + above - rows + 1, down):
            for start in range(-left, geometry.width + left - columns + 1, right):
                total = int(each.bias[channel]) * each.bias_unit
                for number, (source, i, j) in enumerate(
                    itertools.product(range(geometry.in_channels), range(rows), range(columns))
                ):
                    y, x = top + i, start + j
                    if 0 <= y < geometry.height and 0 <= x < geometry.width:
                        pixel = values[(source * geometry.height + y) * geometry.width + x]
                        total += pixel * int(each.weight[number, channel])
                pre.append(total)
    return pre


def loop_pool(each: IntegerLayer, values: list[int]) -> list[int]:
    if each.pool is None or each.convolution is None:
        return values
    height, width, size = each.convolution.out_height, each.convolution.out_width, each.pool.size
    reduce = max if each.pool.kind == "max" else sum
    return [
        reduce(values[(channel * height + y + i) * width + x + j] for i in range(size) for j in range(size))
        for channel in range(each.fan_out)
        for y in range(0, height, size)
        for x in range(0, width, size)
    ]


@st.composite
def networks(draw: st.DrawFn) -> tuple[IntegerNetwork, np.ndarray, np.ndarray]:
    """Perceptrons or small CNNs, from values that fit 8 bits to sums far beyond 64."""
    if draw(st.booleans()):
        sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
        shapes = tuple(LayerShape(fan_in, fan_out) for fan_in, fan_out in itertools.pairwise(sizes))
    else:
        shapes = draw(chains(least_convolutions=1))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    network = random_integers(
        shapes,
        random,
        bits=draw(st.integers(2, 31)),
        input_max=draw(st.sampled_from([1, 16, 255, 2**16, 2**40])),
        shift_max=draw(st.sampled_from([0, 30])),
        unit_bits=20,
        extreme=draw(st.booleans()),
    )
    count = draw(st.integers(1, 6))
    inputs = random.integers(0, network.input_max + 1, (count, network.sizes[0]))
    inputs[0] = network.input_max
    return network, inputs, random.integers(0, network.sizes[-1], count)


@given(networks())
@settings(deadline=None)
def test_forward_agrees_with_the_triple_loop(case: tuple[IntegerNetwork, np.ndarray, np.ndarray]) -> None:
    network, inputs, labels = case
    expected = [loop_forward(network, [int(value) for value in sample]) for sample in inputs]
    outputs = hidden(network, inputs)
    for level, output in enumerate(outputs):
        assert [[int(value) for value in row] for row in output] == [sample[level] for sample in expected]
    right = sum(
        all(z[label] > other for j, other in enumerate(z) if j != label)
        for z, label in ((sample[-1], int(label)) for sample, label in zip(expected, labels, strict=True))
    )
    assert count_correct(network, inputs, labels) == right


@given(networks())
@settings(deadline=None)
def test_no_pre_activation_leaves_its_bounds(case: tuple[IntegerNetwork, np.ndarray, np.ndarray]) -> None:
    network, inputs, _ = case
    for output, bound in zip(hidden(network, inputs), bounds(network), strict=True):
        assert bound.worst_low <= bound.low <= bound.high <= bound.worst_high
        assert max(abs(bound.low), abs(bound.high)) <= bound.partial
        assert all(bound.low <= int(value) <= bound.high for value in output.ravel())


def test_bounds_are_attained() -> None:
    network = IntegerNetwork((layer([[127, -128], [127, -128]], [127, -128], 4),), 8, 255)
    (bound,) = bounds(network)
    reached = hidden(network, np.array([[255, 255]]))[0][0]
    assert (bound.high, bound.low) == (int(reached[0]), int(reached[1]))
    assert (bound.worst_high, bound.worst_low) == (bound.high, bound.low)


def test_bounds_of_a_pooled_convolution_are_attained() -> None:
    """Kernel positions on the padding see less; a sum of four grows the next layer's inputs fourfold."""
    geometry = Convolution(1, 2, 2, (2, 2), padding=(1, 1))
    first = IntegerLayer(np.array([[1]] * 4), np.array([3]), 2, 1, geometry)
    assert first.shape.pre_activations == 9
    (only,) = bounds(IntegerNetwork((replace(first, shift=0),), 8, 10))
    assert (only.low, only.high, only.partial) == (6, 46, 46)  # a corner sees one pixel, the centre four
    assert (only.worst_low, only.worst_high) == (-128 * 42, 127 * 42)
    small = IntegerLayer(np.array([[1]]), np.array([0]), 1, 1, Convolution(1, 2, 2, (1, 1)), Pool("sum", 2))
    network = IntegerNetwork((small, layer([[2]], [1])), 8, 10)
    reached = hidden(network, np.full((1, 4), 10))
    assert [value.tolist() for value in reached] == [[[10] * 4], [[41]]]
    assert bounds(network)[1].high == 41
    assert bounds(network)[1].worst_high == 127 * (4 * ((127 * (10 + 1)) >> 1) + 1)
    largest = IntegerNetwork((replace(small, pool=Pool("max", 2)), layer([[2]], [1])), 8, 10)
    assert bounds(largest)[1].high == int(logits(largest, np.full((1, 4), 10))[0, 0]) == 11
    assert bounds(largest)[1].worst_high == 127 * (((127 * (10 + 1)) >> 1) + 1)


def test_a_sum_beyond_64_bits_does_not_wrap() -> None:
    """Each activation fits 64 bits, their sum does not, and no weight behind it shows that."""
    top = 2**30 - 1
    tall = IntegerLayer(np.array([[top]]), np.array([0]), 1, 0, Convolution(1, 8, 8, (1, 1)), Pool("sum", 8))
    network = IntegerNetwork((tall, layer([[0, 1]], [0, 0])), 31, 2**32)
    assert logits(network, np.full((2, 64), 2**32)).tolist() == [[0, 64 * top * 2**32]] * 2
    assert 64 * top * 2**32 > 2**63 > top * 2**32
    blind = IntegerNetwork((tall, layer([[0]], [5])), 31, 2**32)
    assert logits(blind, np.full((1, 64), 2**32)).tolist() == [[5]]


def test_many_samples_are_run_in_batches() -> None:
    random = np.random.default_rng(0)
    shapes = (LayerShape(9, 8, Convolution(1, 64, 64, (3, 3), padding=(1, 1)), Pool("max", 32)), LayerShape(32, 3))
    network = random_integers(shapes, random)
    inputs = random.integers(0, 256, (150, 64 * 64))
    first, last = hidden(network, inputs)
    assert (first.shape, last.shape) == ((150, 8 * 64 * 64), (150, 3))
    assert np.array_equal(last, logits(network, inputs))
    assert np.array_equal(last[140:], logits(network, inputs[140:]))
    assert [part.shape for part in hidden(network, inputs[:0])] == [(0, 8 * 64 * 64), (0, 3)]


def test_sums_beyond_64_bits_are_python_integers() -> None:
    half = 1 << 30
    deep = IntegerNetwork(tuple(layer([[half - 1]], [half - 1], 2) for _ in range(3)), 31, 2**20)
    value = 2**20
    for _ in range(3):
        value = value * (half - 1) + 2 * (half - 1)
    assert value > 2**63
    assert int(logits(deep, np.array([[2**20]]))[0, 0]) == value


@pytest.mark.parametrize("partial", [2**53 - 1, 2**53 + 1, 2**62 + 1])
def test_odd_sums_survive_at_the_edge_of_each_number_type(partial: int) -> None:
    # x * 1 + 0 must come back unchanged although float64 cannot hold odd numbers above 2^53.
    network = IntegerNetwork((layer([[1]], [0]),), 8, partial)
    assert int(logits(network, np.array([[partial]]))[0, 0]) == partial


def test_a_bias_unit_beyond_64_bits_is_exact() -> None:
    network = IntegerNetwork((layer([[1, 1]], [0, 3], 2**70),), 8, 16)
    assert [int(value) for value in logits(network, np.array([[5]]))[0]] == [5, 5 + 3 * 2**70]


def test_a_shift_rounds_down_before_the_relu() -> None:
    network = IntegerNetwork((layer([[1, -1, 0]], [0, 0, -1], shift=2), layer(np.eye(3), np.zeros(3))), 8, 16)
    assert hidden(network, np.array([[7]]))[0].tolist() == [[7, -7, -1]]  # reported before the shift
    assert logits(network, np.array([[7]])).tolist() == [[1, 0, 0]]  # 7 >> 2, and floor(-7/4) and floor(-1/4) cut off
    assert logits(network, np.array([[3]])).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("shift", [-1, 63, 1.0, True])
def test_shifts_out_of_range_are_refused(shift: object) -> None:
    with pytest.raises(ModelError, match="shift is out of range"):
        IntegerLayer(np.zeros((1, 1), dtype=np.int64), np.zeros(1, dtype=np.int64), 1, shift)  # pyright: ignore[reportArgumentType]


def test_logits_have_no_shift() -> None:
    with pytest.raises(ModelError, match="last layer gives logits and has no shift"):
        IntegerNetwork((layer([[1]], [0], shift=1),), 8, 16)


def test_ties_are_wrong() -> None:
    zero = IntegerNetwork((layer(np.zeros((4, 10)), np.zeros(10)),), 8, 16)
    inputs, labels = np.ones((100, 4), dtype=np.int64), np.arange(100) % 10
    assert count_correct(zero, inputs, labels) == 0  # the all-zero model, which a lax rule would call perfect
    assert set(predict(zero, inputs).tolist()) == {-1}


def test_a_tie_between_other_classes_does_not_matter() -> None:
    network = IntegerNetwork((layer([[3, 1, 1]], [0, 0, 0]),), 8, 16)
    assert correct(network, np.array([[2]]), np.array([0])).tolist() == [True]
    tied_top = IntegerNetwork((layer([[3, 3, 1]], [0, 0, 0]),), 8, 16)
    assert correct(tied_top, np.array([[2], [2]]), np.array([0, 1])).tolist() == [False, False]


def test_layers_cannot_be_changed_and_do_not_show_weights() -> None:
    weight = np.array([[42, 17]])
    built = IntegerLayer(weight, np.array([1, 2]), 1)
    weight[0, 0] = 0
    assert built.weight[0, 0] == 42
    with pytest.raises(ValueError, match="read-only"):
        built.weight[0, 0] = 1
    assert "42" not in repr(IntegerNetwork((built,), 8, 16))
    assert built == IntegerLayer(np.array([[42, 17]]), np.array([1, 2]), 1)
    assert built != IntegerLayer(np.array([[42, 16]]), np.array([1, 2]), 1)


def test_sizes_are_the_widths_of_flat_values() -> None:
    geometry = Convolution(2, 4, 6, (3, 3), padding=(1, 1))
    first = IntegerLayer(np.zeros((18, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), 1, 0, geometry, Pool("max", 2))
    network = IntegerNetwork((first, layer(np.zeros((18, 5)), np.zeros(5))), 8, 16)
    assert network.sizes == (48, 18, 5)
    assert (first.fan_in, first.fan_out) == (18, 3)
    assert network.shapes[0] == first.shape == LayerShape(18, 3, geometry, Pool("max", 2))
    assert (first.shape.inputs, first.shape.pre_activations, first.shape.outputs) == (48, 72, 18)


def test_convolutions_and_pools_are_part_of_a_layer() -> None:
    def made(*geometry: Any) -> IntegerLayer:
        return IntegerLayer(np.array([[42]]), np.array([1]), 1, 0, *geometry)

    layers = [
        made(),
        made(Convolution(1, 4, 4, (1, 1))),
        made(Convolution(1, 2, 8, (1, 1))),
        made(Convolution(1, 4, 4, (1, 1)), Pool("max", 2)),
        made(Convolution(1, 4, 4, (1, 1)), Pool("sum", 2)),
    ]
    assert [[one == other for other in layers] for one in layers] == np.eye(5, dtype=bool).tolist()
    assert len(set(layers)) == 5
    assert made(Convolution(1, 4, 4, (1, 1))) == layers[1]
    assert repr(layers[0]) == "IntegerLayer(1 -> 1, bias_unit=1, shift=0)"
    assert "42" not in repr(layers[4])
    assert "Pool(kind='sum', size=2)" in repr(layers[4])


def test_convolutions_that_do_not_fit_are_refused() -> None:
    geometry, zero = Convolution(1, 4, 4, (2, 2)), np.zeros(2, dtype=np.int64)
    with pytest.raises(ModelError, match="a convolution's weight does not fit its kernel; expected 4 rows; got 3"):
        IntegerLayer(np.zeros((3, 2), dtype=np.int64), zero, 1, 0, geometry)
    with pytest.raises(ModelError, match="a pool's windows do not cover its image"):
        IntegerLayer(np.zeros((4, 2), dtype=np.int64), zero, 1, 0, geometry, Pool("max", 2))
    with pytest.raises(ModelError, match="only a convolution's output can be pooled"):
        IntegerLayer(np.zeros((4, 2), dtype=np.int64), zero, 1, 0, None, Pool("max", 2))
    good = IntegerLayer(np.zeros((4, 2), dtype=np.int64), zero, 1, 0, geometry)
    with pytest.raises(ModelError, match="layer 1 does not fit the one before it; expected 2x3x3 inputs; got 4"):
        IntegerNetwork((good, layer(np.zeros((4, 2)), zero)), 8, 16)
    with pytest.raises(ModelError, match="the last layer gives logits and has no pool"):
        IntegerNetwork((replace(good, pool=Pool("max", 3)),), 8, 16)
    with pytest.raises(InputError, match=r"inputs have the wrong shape; expected \[samples, 16\]; got \[1, 4\]"):
        logits(IntegerNetwork((good,), 8, 16), np.zeros((1, 4), dtype=np.int64))


@pytest.mark.parametrize("value", [128, -129, 2**40, -(2**40)])
@pytest.mark.parametrize("where", ["weight", "bias"])
def test_values_out_of_the_lookup_range_are_refused(value: int, where: str) -> None:
    built = layer([[value if where == "weight" else 0]], [value if where == "bias" else 0])
    with pytest.raises(ModelError, match=rf"layer 0: {where} is outside the lookup range; expected \[-128, 127\]"):
        IntegerNetwork((built,), 8, 16)


@pytest.mark.parametrize("unit", [0, -1, 3, 6, 2**20 + 1, 1.0, True])
def test_bias_units_other_than_powers_of_two_are_refused(unit: object) -> None:
    with pytest.raises(ModelError, match="bias_unit is not a power of two"):
        IntegerLayer(np.zeros((1, 1), dtype=np.int64), np.zeros(1, dtype=np.int64), unit)  # pyright: ignore[reportArgumentType]


def test_wrong_shapes_and_types_are_refused() -> None:
    with pytest.raises(ModelError, match="weight has the wrong type"):
        IntegerLayer(np.zeros((1, 1)), np.zeros(1, dtype=np.int64), 1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ModelError, match="layer shapes do not match"):
        layer([[1, 2]], [1])
    with pytest.raises(ModelError, match="layer shapes do not match"):
        layer(np.zeros((0, 2)), [1, 2])
    with pytest.raises(ModelError, match="layer 1 does not fit"):
        IntegerNetwork((layer([[1, 2]], [1, 2]), layer([[1]], [1])), 8, 16)
    with pytest.raises(ModelError, match="at least one layer"):
        IntegerNetwork((), 8, 16)
    with pytest.raises(ModelError, match="weight width"):
        IntegerNetwork((layer([[0]], [0]),), 1, 16)
    with pytest.raises(ModelError, match="input_max"):
        IntegerNetwork((layer([[0]], [0]),), 8, 0)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        (np.array([[17]]), "an input is out of range"),
        (np.array([[-1]]), "an input is out of range"),
        (np.array([[2**63]], dtype=np.uint64), "an input is out of range"),
        (np.array([[1.0]]), "inputs must be integers"),
        (np.array([[True]]), "inputs must be integers"),
        (np.array([1]), "inputs have the wrong shape"),
        (np.array([[1, 2]]), "inputs have the wrong shape"),
    ],
)
def test_inputs_out_of_range_or_shape_are_refused(inputs: np.ndarray, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        hidden(IntegerNetwork((layer([[1]], [0]),), 8, 16), inputs)


@pytest.mark.parametrize("labels", [np.array([2]), np.array([-1]), np.array([0.0]), np.array([0, 1]), np.array([[0]])])
def test_labels_that_do_not_fit_are_refused(labels: np.ndarray) -> None:
    network = IntegerNetwork((layer([[1, 2]], [0, 0]),), 8, 16)
    with pytest.raises(InputError, match="label"):
        count_correct(network, np.array([[1]]), labels)


def test_small_unsigned_inputs_are_widened() -> None:
    network = IntegerNetwork((layer([[127]], [0]),), 8, 255)
    values = np.array([[255]], dtype=np.uint8)
    assert require_inputs(network, values).dtype == np.int64
    assert int(logits(network, values)[0, 0]) == 255 * 127
