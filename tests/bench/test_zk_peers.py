"""The peers answer the same question as pyml, and the strict one answers ties as pyml does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.zk.peers import DocumentedGraph, NaiveGraph
from bench.zk.workload import largest_value, unshifted
from pyml.ml.integer import IntegerLayer, IntegerNetwork, count_correct, logits
from pyml.zk.circuits import LabelledSet

FEATURES, HIDDEN, CLASSES, SAMPLES = 3, 4, 3, 6


def network(seed: int, shift: int = 0) -> IntegerNetwork:
    draw = np.random.default_rng(seed)
    first = IntegerLayer(draw.integers(-8, 8, (FEATURES, HIDDEN)), draw.integers(-8, 8, HIDDEN), 2, shift)
    last = IntegerLayer(draw.integers(-8, 8, (HIDDEN, CLASSES)), draw.integers(-8, 8, CLASSES), 4)
    return IntegerNetwork((first, last), 4, 3)


def labelled(seed: int) -> LabelledSet:
    draw = np.random.default_rng(seed)
    return LabelledSet("digits/test[0:6]", draw.integers(0, 4, (SAMPLES, FEATURES)), draw.integers(0, CLASSES, SAMPLES))


def naive_count(model: IntegerNetwork, data: LabelledSet) -> int:
    graph = NaiveGraph(model, torch.tensor(data.inputs).float(), torch.tensor(data.labels))
    weights = [torch.tensor(np.vstack([layer.weight, layer.bias])).float() for layer in model.layers]
    return int(graph(*weights))


@given(st.integers(0, 2**32 - 1))
def test_naive_graph_counts_as_the_integer_reference(seed: int) -> None:
    model, data = network(seed), labelled(seed + 1)
    assert naive_count(model, data) == count_correct(model, data.inputs, data.labels)


def test_naive_graph_counts_a_tie_as_wrong() -> None:
    zero = IntegerLayer(np.zeros((FEATURES, CLASSES), dtype=np.int64), np.zeros(CLASSES, dtype=np.int64), 1)
    assert naive_count(IntegerNetwork((zero,), 4, 3), labelled(0)) == 0


def test_documented_graph_counts_a_tie_as_right() -> None:
    """One of the reasons why its time is for reference only."""
    model = torch.nn.Linear(FEATURES, CLASSES)
    torch.nn.init.zeros_(model.weight)
    torch.nn.init.zeros_(model.bias)
    graph = DocumentedGraph(model, torch.zeros(SAMPLES, dtype=torch.int64))
    assert int(graph(torch.ones(SAMPLES, FEATURES))) == SAMPLES


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_unshifted_network_is_the_same_up_to_rounding(seed: int, shift: int) -> None:
    model, data = network(seed, shift), labelled(seed)
    plain = unshifted(model)
    assert all(layer.shift == 0 for layer in plain.layers)
    # Each hidden value loses less than 2^shift, and weights are at most 8 in magnitude.
    error = np.abs(logits(plain, data.inputs) - logits(model, data.inputs) * 2**shift)
    assert int(error.max()) <= HIDDEN * 8 * (2**shift - 1)


def test_largest_value_sees_every_layer() -> None:
    weight = np.array([[5]], dtype=np.int64)
    model = IntegerNetwork(
        (IntegerLayer(weight, np.zeros(1, np.int64), 1), IntegerLayer(weight * -1, np.zeros(1, np.int64), 1)), 4, 3
    )
    assert largest_value(model, LabelledSet("x/test[0:1]", np.array([[2]]), np.array([0]))) == 50


def test_unshifted_leaves_a_network_without_shifts_as_it_is() -> None:
    model = network(3)
    before, after = model.layers, unshifted(model).layers
    for old, new in zip(before, after, strict=True):
        assert (old.bias_unit, old.shift) == (new.bias_unit, new.shift)
        np.testing.assert_array_equal(old.weight, new.weight)


@pytest.mark.parametrize("value", [2**23, -(2**23) - 1])
def test_largest_value_is_a_magnitude(value: int) -> None:
    weight = np.array([[1 if value > 0 else -1]], dtype=np.int64)
    model = IntegerNetwork((IntegerLayer(weight, np.zeros(1, np.int64), 1),), 4, 2**24)
    data = LabelledSet("x/test[0:1]", np.array([[abs(value)]]), np.array([0]))
    assert largest_value(model, data) == abs(value)
