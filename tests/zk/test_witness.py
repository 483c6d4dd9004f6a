"""Private tensors: limbs, margins, salts, and what does not fit."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError, ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, count_correct, hidden, predict
from pyml.zk.circuits import accuracy_statement, inference_statement, input_statement
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.statement import Statement
from pyml.zk.witness import (
    accuracy_tensors,
    architecture_of,
    committed_model,
    inference_tensors,
    input_tensors,
    salted,
    secure_felt,
)
from tests.zk.exact_checks import parts
from tests.zk.small_circuits import random_network, random_set, small_numerics

SALTS = (1, 2, 3)


def example(
    seed: int = 0, *, shifts: tuple[int, ...] = (0, 2)
) -> tuple[Statement, IntegerNetwork, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    network = random_network(random, (5, 4, 3, 3), shifts)
    data = random_set(random, network, 7)
    return accuracy_statement(architecture_of(network), data, small_numerics()), network, data.inputs, data.labels


def layer(weight: object, bias: object, *, shift: int = 0) -> IntegerLayer:
    return IntegerLayer(np.array(weight, dtype=np.int64), np.array(bias, dtype=np.int64), 1, shift)


def test_the_committed_tensor_is_weights_plus_offset_bias_last_then_salts() -> None:
    statement, network, inputs, labels = example()
    tensors = accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS)
    pieces = parts(tensors.committed, committed_layout(statement))
    for number, each in enumerate(network.layers, start=1):
        assert (pieces[f"weights_{number}"][:-1] - 8 == each.weight).all()
        assert (pieces[f"weights_{number}"][-1] - 8 == each.bias).all()
    assert tensors.committed[-3:] == SALTS
    assert tensors.committed[:-3] == committed_model(statement, network)
    assert min(tensors.committed) >= 0


def test_limbs_put_pre_activations_together_again() -> None:
    statement, network, inputs, labels = example()
    tensors = accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS)
    values = parts(tensors.witness, witness_layout(statement))
    first, second, logits = hidden(network, inputs)
    assert (values["hidden_1"] == first).all()
    bits, shift = statement.numerics.lookup_bits, 2
    low = values["low_2"]
    assert ((low >= 0) & (low < 1 << bits)).all()
    assert (low % (1 << (bits - shift)) == 0).all()
    assert (values["high_2"] * (1 << shift) + low // (1 << (bits - shift)) == second).all()
    assert (values["logits"] == logits).all()
    assert (second < 0).any()  # floor, not truncation, was seen


def test_margins_are_those_of_correct_answers_only() -> None:
    statement, network, inputs, labels = example()
    tensors = accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS)
    values = parts(tensors.witness, witness_layout(statement))
    right = predict(network, inputs) == labels
    assert tensors.result == right.sum() == count_correct(network, inputs, labels)
    assert 0 < tensors.result < len(labels)
    logits = hidden(network, inputs)[-1]
    margin = values["margin_0"] + (values["margin_1"] << 8)
    for row, label in enumerate(labels):
        for column in range(3):
            lead = 1 if column == label else logits[row, label] - logits[row, column] - 1
            assert margin[row, column] == (lead if right[row] else 0)


@given(st.integers(0, 2**32))
def test_an_input_and_its_answer(seed: int) -> None:
    _, network, inputs, _ = example(seed)
    statement = input_statement(network, "x", small_numerics())
    for sample, answer in zip(inputs, predict(network, inputs), strict=True):
        if answer < 0:
            with pytest.raises(InputError, match="two greatest logits are equal"):
                input_tensors(statement, network, sample, input_salts=SALTS)
            continue
        tensors = input_tensors(statement, network, sample, input_salts=SALTS)
        assert tensors.result == answer
        assert tensors.committed == (*sample.tolist(), *SALTS)
        chosen = parts(tensors.witness, witness_layout(statement))["answer"][0]
        assert chosen.tolist() == [int(index == answer) for index in range(3)]


@given(st.integers(0, 2**32))
def test_a_public_input_and_a_committed_models_answer(seed: int) -> None:
    accuracy, network, inputs, labels = example(seed)
    statement = inference_statement(accuracy, 15)
    committed = accuracy_tensors(accuracy, network, inputs, labels, model_salts=SALTS).committed
    for sample, answer in zip(inputs, predict(network, inputs), strict=True):
        if answer < 0:
            with pytest.raises(InputError, match="two greatest logits are equal"):
                inference_tensors(statement, network, sample, model_salts=SALTS)
            continue
        tensors = inference_tensors(statement, network, sample, model_salts=SALTS)
        assert tensors.result == answer
        assert tensors.committed == committed  # so that the commitments of both circuits are one
        values = parts(tensors.witness, witness_layout(statement))
        first, second, logits = hidden(network, sample[None])
        assert (values["input"] == sample).all()
        assert (values["hidden_1"] == first).all()
        assert (values["high_2"] == second >> 2).all()
        assert (values["logits"] == logits).all()
        assert values["answer"][0].tolist() == [int(index == answer) for index in range(3)]
        margin = values["margin_0"] + (values["margin_1"] << 8)
        lead = logits[0, answer] - logits[0] - 1
        lead[answer] = 1
        assert margin[0].tolist() == lead.tolist()


def test_salts_come_from_the_argument_in_order() -> None:
    statement, network, inputs, labels = example()
    counter = itertools.count(1000)
    tensors = accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS, random_felt=lambda: next(counter))
    again = itertools.count(1000)
    assert tensors == accuracy_tensors(
        statement, network, inputs, labels, model_salts=SALTS, random_felt=lambda: next(again)
    )
    layout = witness_layout(statement)
    assert len(set(tensors.witness[layout.values :])) == layout.salts
    assert min(tensors.witness[layout.values :]) >= 1000


def test_lookup_salts_are_table_entries_and_fresh() -> None:
    statement, network, inputs, labels = example()
    part = witness_layout(statement).parts["lookup_salts"]
    drawn = [
        accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS).witness[
            part.start : part.start + part.length
        ]
        for _ in range(3)
    ]
    assert len(set(drawn)) == 3
    assert all(0 <= value <= statement.numerics.table_high for values in drawn for value in values)


def test_secure_felts_are_reduced_and_differ() -> None:
    drawn = {secure_felt() for _ in range(50)}
    assert len(drawn) == 50
    assert all(0 <= value < SCALAR_MODULUS for value in drawn)
    assert max(drawn).bit_length() > 240


def test_secrets_are_not_shown() -> None:
    statement, network, inputs, labels = example()
    tensors = accuracy_tensors(statement, network, inputs, labels, model_salts=(987654321, 2, 3))
    assert repr(tensors) == f"PrivateTensors({len(tensors.committed)} + {len(tensors.witness)} secret entries)"
    assert "987654321" not in repr(tensors)


def test_an_activation_out_of_the_table_is_named() -> None:
    network = IntegerNetwork((layer([[7, 1]], [0, 0]), layer([[1, 0], [0, 1]], [0, 0])), 4, 200)
    data = random_set(np.random.default_rng(0), network, 3)
    inputs = np.array([[36], [37], [200]])
    statement = accuracy_statement(architecture_of(network), replace(data, inputs=inputs), small_numerics())
    with pytest.raises(ModelError, match="layer 1: an activation of sample 1 leaves the lookup range") as refusal:
        accuracy_tensors(statement, network, inputs, data.labels, model_salts=SALTS)
    assert refusal.value.expected == "[-192, 255] after a shift of 0 bits"
    assert refusal.value.got == "[36, 1400]"
    shifted = replace(network, layers=(replace(network.layers[0], shift=3), network.layers[1]))
    fits = accuracy_statement(architecture_of(shifted), replace(data, inputs=inputs), small_numerics())
    accuracy_tensors(fits, shifted, inputs, data.labels, model_salts=SALTS)


def test_the_edges_of_the_table_fit() -> None:
    network = IntegerNetwork((layer([[1, -1]], [0, 0]), layer([[1, 0], [0, 1]], [0, 0])), 4, 255)
    data = random_set(np.random.default_rng(0), network, 2)
    for top, fits in ((192, True), (193, False), (255, False)):
        inputs = np.array([[0], [top]])
        statement = accuracy_statement(architecture_of(network), replace(data, inputs=inputs), small_numerics())
        if fits:
            accuracy_tensors(statement, network, inputs, data.labels, model_salts=SALTS)
        else:
            with pytest.raises(ModelError, match="leaves the lookup range"):
                accuracy_tensors(statement, network, inputs, data.labels, model_salts=SALTS)


def test_a_margin_that_is_too_large_is_named() -> None:
    network = IntegerNetwork((layer([[7, -8]], [0, 0]),), 4, 255)
    inputs, labels = np.array([[1], [17], [18]]), np.array([0, 0, 0])
    data = replace(random_set(np.random.default_rng(0), network, 3), inputs=inputs, labels=labels)
    one_limb = accuracy_statement(architecture_of(network), data, small_numerics(margin_limbs=1))
    with pytest.raises(ModelError, match="the logit margin of sample 2 is too large to prove") as refusal:
        accuracy_tensors(one_limb, network, inputs, labels, model_salts=SALTS)
    assert (refusal.value.expected, refusal.value.got) == ("below 256", 18 * 15 - 1)
    assert refusal.value.hint == "Raise margin_limbs."
    two = accuracy_statement(architecture_of(network), data, small_numerics(margin_limbs=2))
    assert accuracy_tensors(two, network, inputs, labels, model_salts=SALTS).result == 3


def test_a_wide_margin_of_a_wrong_answer_does_not_matter() -> None:
    network = IntegerNetwork((layer([[7, -8]], [0, 0]),), 4, 255)
    inputs, labels = np.array([[255]]), np.array([1])
    data = replace(random_set(np.random.default_rng(0), network, 1), inputs=inputs, labels=labels)
    statement = accuracy_statement(architecture_of(network), data, small_numerics(margin_limbs=1))
    assert accuracy_tensors(statement, network, inputs, labels, model_salts=SALTS).result == 0


def test_another_architecture_is_refused() -> None:
    statement, network, inputs, labels = example()
    first, *rest = network.layers
    for other in (
        replace(network, bits=5),
        replace(network, input_max=4),
        replace(network, layers=(replace(first, bias_unit=4), *rest)),
        replace(network, layers=(replace(first, shift=1), *rest)),
        replace(network, layers=(first,)),
    ):
        with pytest.raises(ModelError, match="the model is not of the circuit's architecture") as refusal:
            accuracy_tensors(statement, other, inputs, labels, model_salts=SALTS)
        assert refusal.value.expected == statement.architecture
        assert refusal.value.got == architecture_of(other)
        with pytest.raises(ModelError, match="the model is not of the circuit's architecture"):
            input_tensors(input_statement(network, "x", small_numerics()), other, inputs[0], input_salts=SALTS)
        with pytest.raises(ModelError, match="the model is not of the circuit's architecture"):
            inference_tensors(inference_statement(statement, 15), other, inputs[0], model_salts=SALTS)


def test_wrong_data_are_refused() -> None:
    statement, network, inputs, labels = example()
    with pytest.raises(InputError, match="has the wrong shape"):
        accuracy_tensors(statement, network, inputs[:-1], labels[:-1], model_salts=SALTS)
    with pytest.raises(InputError, match="inputs have the wrong shape"):
        accuracy_tensors(statement, network, inputs[:, :-1], labels, model_salts=SALTS)
    with pytest.raises(InputError, match="an input is out of range"):
        accuracy_tensors(statement, network, inputs + 4, labels, model_salts=SALTS)
    for wrong in (labels + 3, labels - 3, labels[:-1]):
        with pytest.raises(InputError, match="label"):
            accuracy_tensors(statement, network, inputs, wrong, model_salts=SALTS)


def test_wrong_public_inputs_are_refused() -> None:
    accuracy, network, inputs, _ = example()
    statement = inference_statement(accuracy, 15)
    for wrong, line in (
        (inputs[0][:-1], "inputs have the wrong shape; expected [samples, 5]; got [1, 4]"),
        (inputs[0] + 4, "an input is out of range; expected [0, 3]"),
        (inputs[0] - 4, "an input is out of range; expected [0, 3]"),
        (inputs[0].astype(float), "inputs must be integers; got float64"),
    ):
        with pytest.raises(InputError) as refusal:
            inference_tensors(statement, network, wrong, model_salts=SALTS)
        assert str(refusal.value).startswith(line)
    with pytest.raises(InputError, match="a private tensor has the wrong length"):
        inference_tensors(statement, network, inputs[0], model_salts=SALTS[:-1])


@pytest.mark.parametrize("extra", [-1, 1])
def test_tensors_of_another_length_are_refused(extra: int) -> None:
    layout = committed_layout(example()[0])
    with pytest.raises(InputError, match="a private tensor has the wrong length") as refusal:
        salted([0] * (layout.values + extra), SALTS, layout)
    assert refusal.value.expected == (layout.values, 3)
