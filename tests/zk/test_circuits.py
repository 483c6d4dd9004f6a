"""Data sets and models become statements and graphs; whatever is not theirs is refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest

from pyml.errors import CircuitError, DatasetError
from pyml.ml.datasets import load
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    accuracy_statement,
    inference_graph,
    inference_statement,
    input_graph,
    input_statement,
    labelled_set,
    link_graph,
    link_statement,
    parse_set_name,
)
from pyml.zk.model_codec import network_digest
from pyml.zk.statement import ANY_INPUT, Numerics, Statement
from pyml.zk.witness import architecture_of
from tests.zk.small_circuits import random_network, random_set, small_numerics

RANDOM = np.random.default_rng(0)
NETWORK = random_network(RANDOM, (4, 3, 2), (1,))
DATA = random_set(RANDOM, NETWORK, 5)
ACCURACY = accuracy_statement(architecture_of(NETWORK), DATA, small_numerics())


def writers() -> dict[str, Callable[[Path], None]]:
    """Of a graph of each kind."""
    return {
        "private_model_accuracy": accuracy_graph(ACCURACY, DATA),
        "private_model_inference": inference_graph(inference_statement(ACCURACY, 10)),
        "model_link": link_graph(link_statement(ACCURACY, 10)),
        "private_input": input_graph(input_statement(NETWORK, "a model", small_numerics()), NETWORK),
    }


def test_a_labelled_set_is_a_named_slice_of_the_test_samples() -> None:
    digits = load("digits")
    data = labelled_set(digits, samples=7, start=3)
    assert data.name == "digits/test[3:10]"
    assert parse_set_name(data.name) == ("digits", 3, 7)
    assert data.inputs.shape == (7, 64)
    assert data.inputs.dtype == np.int64
    assert data.labels.tolist() == digits.test_labels[3:10].tolist()
    assert data.inputs.max() <= 16
    assert labelled_set(digits, samples=7, start=3, input_bits=3).inputs.max() <= 7


@pytest.mark.parametrize(("samples", "start"), [(0, 0), (501, 0), (1, 500), (-1, 5), (5, -1)])
def test_slices_that_are_not_there_are_refused(samples: int, start: int) -> None:
    with pytest.raises(DatasetError, match="digits has no test samples") as refusal:
        labelled_set(load("digits"), samples=samples, start=start)
    assert refusal.value.expected == "a range within 0 to 500"
    assert refusal.value.got == f"{samples} from {start}"


def test_the_digest_is_of_values_and_shape_and_not_of_the_name() -> None:
    assert replace(DATA, name="other/test[0:5]").digest == DATA.digest
    inputs = DATA.inputs.copy()
    inputs[2, 1] ^= 1
    labels = DATA.labels.copy()
    labels[0] ^= 1
    others = [
        replace(DATA, inputs=inputs),
        replace(DATA, labels=labels),
        replace(DATA, inputs=DATA.inputs[:, ::-1]),
        replace(DATA, inputs=DATA.inputs.reshape(10, 2)),
        replace(DATA, inputs=DATA.inputs[:4], labels=DATA.labels[:4]),
    ]
    assert len({DATA.digest, *(other.digest for other in others)}) == 6


def test_the_digest_does_not_depend_on_memory_layout_or_type() -> None:
    same = LabelledSet("x", np.asfortranarray(DATA.inputs), DATA.labels.astype(np.int32))  # pyright: ignore[reportArgumentType]
    assert same.digest == DATA.digest


def test_a_known_digest() -> None:
    data = LabelledSet("x", np.array([[1, 2]]), np.array([0]))
    text = b"pyml.labelled-set.v1" + b"\0\0\0\2" + (1).to_bytes(8, "big") + (2).to_bytes(8, "big")
    text += (1).to_bytes(8, "big") + (2).to_bytes(8, "big")
    text += b"\0\0\0\1" + (1).to_bytes(8, "big") + bytes(8)
    assert data.digest == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    "name",
    ["digits", "digits/train[0:5]", "digits/test[0:5] ", "digits/test[-1:5]", "../x/test[0:5]", "digits/test[a:b]", ""],
)
def test_other_names_are_no_data_set(name: str) -> None:
    with pytest.raises(CircuitError, match="no usable name") as refusal:
        parse_set_name(name)
    assert (refusal.value.expected, refusal.value.got) == ("NAME/test[a:b]", name)


def test_statements_name_what_they_pin() -> None:
    accuracy = accuracy_statement(architecture_of(NETWORK), DATA)
    assert (accuracy.kind, accuracy.samples, accuracy.subject) == ("private_model_accuracy", 5, DATA.digest)
    assert accuracy.numerics == Numerics()
    private = input_statement(NETWORK, "a model")
    assert (private.kind, private.samples, private.subject) == ("private_input", 1, network_digest(NETWORK))
    assert private.subject_name == "a model"
    assert accuracy_statement(architecture_of(NETWORK), DATA, degree=12) == replace(accuracy, degree=12)


@pytest.mark.parametrize(
    ("kind", "make"), [("private_model_inference", inference_statement), ("model_link", link_statement)]
)
def test_statements_about_a_committed_model(kind: str, make: Callable[[Statement, int], Statement]) -> None:
    """They take what the commitment depends on from the accuracy circuit, and name no data."""
    made = make(ACCURACY, 14)
    assert (made.kind, made.samples, made.subject, made.subject_name) == (kind, 1, ANY_INPUT, "any input")
    assert (made.architecture, made.numerics, made.degree) == (ACCURACY.architecture, ACCURACY.numerics, 14)
    other_set = replace(ACCURACY, subject="f" * 64, subject_name="other/test[0:5]", samples=7)
    assert make(other_set, 14) == made
    assert make(ACCURACY, 15).digest != made.digest
    with pytest.raises(CircuitError, match=f"wrong degree for {kind}; expected 1 to 26; got 0"):
        make(ACCURACY, 0)


def test_graphs_are_written_the_same_each_time(tmp_path: Path) -> None:
    for name, write in writers().items():
        first, second = tmp_path / f"{name}1", tmp_path / f"{name}2"
        write(first)
        write(second)
        assert first.read_bytes() == second.read_bytes()
        cast("Any", onnx.checker).check_model(str(first))


def test_the_graph_uses_the_tested_operators_only(tmp_path: Path) -> None:
    """A new operator belongs into ``test_permuted_graph.py`` before it belongs into a circuit."""
    used: set[str] = set()
    for name, write in writers().items():
        write(tmp_path / name)
        used |= {node.op_type for node in cast("Any", onnx).load(str(tmp_path / name)).graph.node}
    arithmetic = {"Add", "Sub", "Mul", "MatMul", "ReduceSum", "HardSwish", "Einsum"}
    moves = {"Concat", "Gather", "GatherElements", "Reshape", "Constant", "Identity", "Unsqueeze", "Cast"}
    assert used <= arithmetic | moves
    assert arithmetic <= used


def test_other_data_than_the_statements_are_refused() -> None:
    other = replace(DATA, labels=(DATA.labels + 1) % 2)
    with pytest.raises(DatasetError, match="the data are not the ones that the circuit pins") as refusal:
        accuracy_graph(ACCURACY, other)
    assert (refusal.value.expected, refusal.value.got) == (DATA.digest, other.digest)


def test_another_model_than_the_statements_is_refused() -> None:
    statement = input_statement(NETWORK, "a model", small_numerics())
    other = replace(NETWORK, input_max=2)
    with pytest.raises(CircuitError, match="the model is not the one that the circuit pins") as refusal:
        input_graph(statement, other)
    assert (refusal.value.expected, refusal.value.got) == (network_digest(NETWORK), network_digest(other))


def test_a_bias_that_32_bit_floats_cannot_hold_is_refused() -> None:
    layer = IntegerLayer(np.array([[1, 1]]), np.array([(1 << 12) + 1, 0]), 1 << 12)
    exact = input_statement(network := IntegerNetwork((layer,), 14, 3), "x", Numerics(lookup_bits=14))
    input_graph(exact, network)  # 2^24 + 2^12 has 13 significant bits
    odd = IntegerNetwork((IntegerLayer(np.array([[1, 1]]), np.array([(1 << 24) + 1, 0]), 1),), 26, 3)
    with pytest.raises(CircuitError, match=r"out of range|is not exact in the graph's 32-bit constants"):
        input_graph(input_statement(odd, "x"), odd)
