"""Columns satisfy the constraints of section 4 as integers; what they cannot express is refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pyml.errors import CircuitError, InputError, ModelError, PymlError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, count_correct
from pyml.ml.shapes import Convolution
from pyml.zk.native.layout import Layout
from pyml.zk.native.shape import Shape
from pyml.zk.native.witness import Witness, build_witness, require_network
from tests.zk.native.toy_cases import Case, cases

CASE, DEEP = cases()[:2]


def witness_of(case: Case) -> Witness:
    return build_witness(Layout(case.shape), case.network, case.inputs, case.labels)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_limbs_and_activations_are_those_of_the_network(case: Case) -> None:
    """N1 to N3, padding rows included."""
    layout, shape, columns = Layout(case.shape), case.shape, witness_of(case).columns
    rows = np.array(columns["X"]).reshape(1 << layout.ni, -1)
    base, half = 1 << shape.limb_bits, 1 << shape.limb_bits - 1
    for layer in layout.layers:
        outputs, width = 1 << layout.nh(layer), rows.shape[1]
        weights = np.array(columns[f"W_{layer}"]).reshape(-1, outputs)
        h = rows @ weights[:width] + shape.bias_units[layer - 1] * weights[shape.widths[layer - 1]]
        if layer > shape.hidden_layers:
            assert h.ravel().tolist() == columns["Z"]
            return
        low, high, rows = (np.array(columns[f"{name}_{layer}"]).reshape(-1, outputs) for name in ("L0", "L1", "R"))
        assert (h << shape.limb_bits - shape.shifts[layer - 1] == low + base * high - base**2 // 2).all()
        assert min(low.min(), high.min()) >= 0
        assert max(low.max(), high.max()) < base
        assert (rows == np.maximum(h >> shape.shifts[layer - 1], 0)).all()
        assert (rows == np.maximum(high - half, 0)).all()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_margins_and_count_are_those_of_the_network(case: Case) -> None:
    """N4 to N6, and how often each row of the table is looked up."""
    layout, shape, witness = Layout(case.shape), case.shape, witness_of(case)
    columns = witness.columns
    logits, chosen = (np.array(columns[name]).reshape(1 << layout.ni, -1) for name in ("Z", "Y"))
    limbs = np.array(columns["ML"]).reshape(1 << layout.ni, 1 << layout.nc, -1)
    claimed = np.array(columns["c"])
    margins = ((logits * chosen).sum(axis=1, keepdims=True) - logits - 1 + chosen) * claimed[:, None]
    classes = shape.widths[-1]
    digits = [1 << shape.limb_bits * q if q < shape.margin_limbs else 0 for q in range(limbs.shape[2])]
    shown = limbs @ np.array(digits)
    assert (margins[:, :classes] == shown[:, :classes]).all()
    assert not shown[:, classes:].any()
    assert witness.count == (claimed[:, None] * chosen).sum() == count_correct(case.network, case.inputs, case.labels)
    looked_up = [*columns["ML"], *(entry for layer in layout.hidden_layers for entry in columns[f"L0_{layer}"])]
    size = 1 << shape.limb_bits
    assert columns["M"][:size] == [looked_up.count(row) for row in range(size)]
    high = [entry for layer in layout.hidden_layers for entry in columns[f"L1_{layer}"]]
    assert columns["M"][size:] == [high.count(row) for row in range(size)]


def test_a_tie_is_wrong() -> None:
    zeros = [replace(layer, weight=layer.weight * 0, bias=layer.bias * 0) for layer in CASE.network.layers]
    assert witness_of(replace(CASE, network=replace(CASE.network, layers=tuple(zeros)))).count == 0


def with_first_layer(case: Case, weight: int, bias: int) -> Case:
    """All weights and biases of the first layer at these values."""
    first = case.network.layers[0]
    layer = replace(first, weight=np.full_like(first.weight, weight), bias=np.full_like(first.bias, bias))
    return replace(case, network=replace(case.network, layers=(layer, *case.network.layers[1:])))


def refused(case: Case, kind: type[PymlError], problem: str) -> None:
    with pytest.raises(kind) as error:
        witness_of(case)
    assert error.value.problem == problem


def test_limbs_that_overflow_are_refused_with_layer_neuron_and_sample() -> None:
    """2^(B+s-1) = 64: 7·(3 + 3 + 3) + 7 is too much, for one sample and no other."""
    inputs = np.zeros_like(CASE.inputs)
    inputs[3] = [3, 3, 3, 0]
    case = replace(with_first_layer(CASE, 7, 7), inputs=inputs)
    problem = "layer 1, neuron 0, sample 3: the pre-activation overflows the limbs"
    refused(case, CircuitError, problem)
    inputs[3] = [3, 3, 2, 0]  # 63 fits
    assert witness_of(replace(case, inputs=inputs)).columns["L1_1"][3 << 2] == 31
    inputs[3] = [3, 3, 3, 0]
    refused(replace(with_first_layer(CASE, -8, 0), inputs=inputs), CircuitError, problem)  # -72
    inputs[3] = [3, 3, 2, 0]  # -64 fits
    assert witness_of(replace(with_first_layer(CASE, -8, 0), inputs=inputs)).columns["L1_1"][3 << 2] == 0


def test_a_padding_row_that_overflows_is_refused() -> None:
    first, last = with_first_layer(CASE, -7, 7).network.layers
    layers = (replace(first, bias_unit=16), last)
    shape = replace(CASE.shape, bias_units=(16, 1))
    case = replace(CASE, shape=shape, network=replace(CASE.network, layers=layers), inputs=np.full((5, 4), 3))
    refused(
        case,
        CircuitError,
        "layer 1, neuron 0, a padding row, whose features are all zero: the pre-activation overflows the limbs",
    )


def test_a_margin_too_large_for_its_limbs_is_refused_with_the_sample() -> None:
    case = replace(CASE, shape=replace(CASE.shape, margin_limbs=1, limb_bits=3, degree=8))
    network = IntegerNetwork(
        (
            IntegerLayer(np.ones((4, 3), dtype=np.int64), np.zeros(3, dtype=np.int64), 1, 2),
            IntegerLayer(np.array([[7, -8, 0]] * 3), np.zeros(3, dtype=np.int64), 1),
        ),
        bits=4,
        input_max=3,
    )
    inputs = np.zeros_like(CASE.inputs)
    inputs[2] = 1
    case = replace(case, network=network, inputs=inputs, labels=np.zeros(5, dtype=np.int64))
    refused(case, CircuitError, "sample 2: the margin of the logits overflows its limbs")


def test_labels_that_are_no_classes_are_refused() -> None:
    for label in (-1, 3):
        labels = CASE.labels.copy()
        labels[4] = label
        refused(replace(CASE, labels=labels), InputError, "sample 4: the label is out of range")
    refused(replace(CASE, labels=CASE.labels[:4]), InputError, "labels do not match the samples")
    refused(replace(CASE, labels=CASE.labels + 0.5), InputError, "labels do not match the samples")


def test_samples_that_are_none_are_refused() -> None:
    nothing: NDArray[np.int64] = np.zeros((0, 4), dtype=np.int64)
    refused(replace(CASE, inputs=nothing), InputError, "there is no sample to prove anything about")
    refused(replace(CASE, inputs=CASE.inputs[:4]), InputError, "the number of samples is not the circuit's")
    refused(replace(CASE, inputs=CASE.inputs[:, :3]), InputError, "inputs have the wrong shape")
    refused(replace(CASE, inputs=CASE.inputs + 4), InputError, "an input is out of range")
    with pytest.raises(CircuitError, match="number of samples out of range"):
        replace(CASE.shape, samples=0)


def test_weights_out_of_range_are_refused() -> None:
    """By the network itself; and one of more bits is not the circuit's."""
    with pytest.raises(ModelError, match="outside the lookup range"):
        with_first_layer(CASE, 8, 0)
    refused(
        replace(CASE, network=replace(CASE.network, bits=5)),
        ModelError,
        "the network's weight bits are not those of the circuit",
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"widths": (4, 4, 3)}, "widths"),
        ({"shifts": (3,)}, "shifts"),
        ({"bias_units": (1, 2)}, "bias units"),
    ],
)
def test_another_network_is_refused(change: dict[str, object], name: str) -> None:
    shape = replace(CASE.shape, **change)  # pyright: ignore[reportArgumentType]
    refused(replace(CASE, shape=shape), ModelError, f"the network's {name} are not those of the circuit")


def test_features_of_more_than_two_bytes_are_refused() -> None:
    wide = replace(CASE, network=replace(CASE.network, input_max=1 << 16))
    refused(wide, ModelError, "features are too large to prove")


def test_convolutions_are_left_to_the_other_engine() -> None:
    layers = (
        IntegerLayer(np.ones((4, 1), dtype=np.int64), np.zeros(1, dtype=np.int64), 1, 0, Convolution(1, 2, 2, (2, 2))),
        IntegerLayer(np.ones((1, 2), dtype=np.int64), np.zeros(2, dtype=np.int64), 1),
    )
    shape = Shape(1, (4, 1, 2), (0,), (1, 1), limb_bits=5, margin_limbs=1, degree=8, weight_bits=4)
    with pytest.raises(ModelError, match="the native engine proves dense layers"):
        require_network(shape, IntegerNetwork(layers, bits=4, input_max=3))


def test_secrets_do_not_show() -> None:
    assert repr(witness_of(DEEP)) == "Witness(15 secret columns)"
