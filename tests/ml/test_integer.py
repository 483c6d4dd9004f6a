"""The exact forward pass against a plain triple loop over Python integers."""

from __future__ import annotations

import itertools

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


def layer(weight: object, bias: object, unit: int = 1, shift: int = 0) -> IntegerLayer:
    return IntegerLayer(np.array(weight, dtype=np.int64), np.array(bias, dtype=np.int64), unit, shift)


def loop_forward(network: IntegerNetwork, sample: list[int]) -> list[list[int]]:
    """The definition, with nothing but Python integers."""
    outputs: list[list[int]] = []
    values = sample
    for each in network.layers:
        pre: list[int] = []
        for column in range(each.fan_out):
            total = int(each.bias[column]) * each.bias_unit
            for row in range(each.fan_in):
                total += values[row] * int(each.weight[row, column])
            pre.append(total)
        outputs.append(pre)
        values = [max(value // 2**each.shift, 0) for value in pre]
    return outputs


@st.composite
def networks(draw: st.DrawFn) -> tuple[IntegerNetwork, np.ndarray, np.ndarray]:
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=6))
    bits = draw(st.integers(2, 31))
    input_max = draw(st.sampled_from([1, 16, 255, 2**16, 2**40]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    half = 1 << (bits - 1)
    extreme = draw(st.booleans())
    built: list[IntegerLayer] = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        weight = random.integers(-half, half, (fan_in, fan_out))
        if extreme:
            weight = np.where(random.integers(0, 4, weight.shape) > 0, half - 1, -half)
        last = len(built) == len(sizes) - 2
        shift = 0 if last or random.integers(2) else int(random.integers(0, 30))
        unit = 1 << int(random.integers(0, 20))
        built.append(IntegerLayer(weight, random.integers(-half, half, fan_out), unit, shift))
    network = IntegerNetwork(tuple(built), bits, input_max)
    count = draw(st.integers(1, 6))
    inputs = random.integers(0, input_max + 1, (count, sizes[0]))
    inputs[0] = input_max
    return network, inputs, random.integers(0, sizes[-1], count)


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
