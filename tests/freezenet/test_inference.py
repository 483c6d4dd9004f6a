"""Integer inference: one set of vectors for NumPy and PyTorch, both against each other, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.freezenet import torch_inference
from pyml.freezenet.inference import (
    MAX_FAN_IN,
    Int8Layer,
    Int8Network,
    accumulate,
    activations,
    count_correct,
    logits,
    predict,
    requantise,
)
from pyml.ml.shapes import Convolution, Pool
from tests.freezenet.random_networks import (
    CASES,
    case_named,
    network_of,
    networks,
    sample_inputs,
    sample_logits,
    signed_bytes,
)

PERCEPTRON = network_of(case_named("perceptron"))


def layer(fan_in: int, outputs: int, *, relu: bool = True, **more: Any) -> Int8Layer:
    return Int8Layer(
        np.ones((fan_in, outputs), dtype=np.int8),
        np.ones(outputs, dtype=np.int16),
        np.zeros(outputs, dtype=np.int32),
        relu=relu,
        **more,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_numpy_answers_as_the_vectors_say(case: dict[str, Any]) -> None:
    network, inputs = network_of(case), sample_inputs(case)
    for depth, level in enumerate(activations(network, inputs)):
        for row, sample in zip(level, case["samples"], strict=True):
            assert np.array_equal(row, signed_bytes(sample["activations"][depth]))
    assert logits(network, inputs).tolist() == sample_logits(case)
    assert predict(network, inputs).tolist() == [sample["result"] for sample in case["samples"]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_pytorch_answers_as_the_vectors_say(case: dict[str, Any]) -> None:
    network, inputs = network_of(case), torch.tensor(sample_inputs(case))
    for depth, level in enumerate(torch_inference.activations(network, inputs)):
        for row, sample in zip(level, case["samples"], strict=True):
            assert np.array_equal(row.numpy(), signed_bytes(sample["activations"][depth]))
    assert torch_inference.logits(network, inputs).cpu().numpy().tolist() == sample_logits(case)
    assert torch_inference.predict(network, inputs).cpu().numpy().tolist() == [
        sample["result"] for sample in case["samples"]
    ]


@given(networks(), st.integers(0, 2**32))
def test_pytorch_and_numpy_agree(network: Int8Network, seed: int) -> None:
    inputs = np.random.default_rng(seed).integers(-128, 128, (3, network.inputs), dtype=np.int8)
    for ours, theirs in zip(
        activations(network, inputs), torch_inference.activations(network, torch.tensor(inputs)), strict=True
    ):
        assert np.array_equal(ours, theirs.numpy())
    assert np.array_equal(logits(network, inputs), torch_inference.logits(network, torch.tensor(inputs)).numpy())
    assert np.array_equal(predict(network, inputs), torch_inference.predict(network, torch.tensor(inputs)).numpy())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_cuda_answers_as_the_vectors_say(case: dict[str, Any]) -> None:
    network, inputs = network_of(case), torch.tensor(sample_inputs(case), device="cuda")
    assert torch_inference.logits(network, inputs).cpu().numpy().tolist() == sample_logits(case)
    assert torch_inference.predict(network, inputs).cpu().numpy().tolist() == [
        sample["result"] for sample in case["samples"]
    ]


@pytest.mark.parametrize("name", [case["id"] for case in CASES if case["id"] not in ("halves", "tied", "extreme")])
def test_tampered_vectors_fail(name: str) -> None:
    """One changed weight or input gives other logits, wherever it is not multiplied by zero on its way."""
    network, inputs = network_of(case_named(name)), sample_inputs(case_named(name))
    last = network.layers[-1]
    weight, bias = last.weight.copy(), last.bias.copy()
    bias[0] += 1
    weight[:, 0] ^= 1
    for changed in (replace(last, bias=bias), replace(last, weight=weight)):
        broken = Int8Network((*network.layers[:-1], changed))
        assert logits(broken, inputs).tolist() != sample_logits(case_named(name))
    assert logits(network, inputs[::-1]).tolist() != sample_logits(case_named(name))


# Arithmetic


@given(st.integers(-(2**47), 2**47), st.integers(0, 31), st.booleans())
def test_rounding_is_half_up_and_saturates(value: int, shift: int, relu: bool) -> None:
    exact = (2 * value + 2**shift) // 2 ** (shift + 1)
    wanted = max(0 if relu else -128, min(127, exact))
    assert requantise(np.array([value]), shift=shift, relu=relu).tolist() == [wanted]


def test_halves() -> None:
    values = np.array([-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6])
    assert requantise(values, shift=2, relu=False).tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]
    assert requantise(values, shift=0, relu=True).tolist() == [0, 0, 0, 0, 0, 0, 1, 2, 3, 5, 6]


@given(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**32))
def test_a_step_adds_and_wraps(accumulator: int, seed: int) -> None:
    weights, inputs = np.random.default_rng(seed).integers(-128, 128, (2, 32), dtype=np.int8)
    exact = accumulator + sum(int(w) * int(x) for w, x in zip(weights, inputs, strict=True))
    assert accumulate(accumulator, weights, inputs) == (exact + 2**31) % 2**32 - 2**31


def test_steps_give_the_sum_of_a_neuron() -> None:
    case = case_named("perceptron")
    first, sample = PERCEPTRON.layers[0], sample_inputs(case)[0]
    accumulator = 0
    for start in range(0, 64, 32):
        part = slice(start, start + 32)
        accumulator = accumulate(accumulator, first.weight[part, 5], sample[part])
    h = int(first.multiplier[5]) * accumulator + int(first.bias[5])
    wanted = requantise(np.array([h]), shift=first.shift, relu=True)
    assert wanted[0] == signed_bytes(case["samples"][0]["activations"][0])[5]


def test_widest_neuron_stays_within_int32() -> None:
    widest = Int8Layer(
        np.full((MAX_FAN_IN, 1), -128, dtype=np.int8),
        np.array([1], dtype=np.int16),
        np.array([0], dtype=np.int32),
        relu=False,
    )
    inputs = np.full((1, MAX_FAN_IN), -128, dtype=np.int8)
    assert logits(Int8Network((widest,)), inputs).tolist() == [[MAX_FAN_IN * 128 * 128]]
    assert MAX_FAN_IN * 128 * 128 < 2**31 <= (MAX_FAN_IN + 1) * 128 * 128


def test_ties_go_to_the_lowest_class() -> None:
    case = case_named("tied")
    assert predict(network_of(case), sample_inputs(case)).tolist()[:2] == [1, 0]


def test_correct_answers_are_counted() -> None:
    inputs = sample_inputs(case_named("perceptron"))
    answers = predict(PERCEPTRON, inputs)
    assert count_correct(PERCEPTRON, inputs, answers) == 3
    assert count_correct(PERCEPTRON, inputs, np.where(np.arange(3) == 1, answers, (answers + 1) % 10)) == 1
    assert count_correct(PERCEPTRON, inputs[:0], answers[:0]) == 0


def test_batches_do_not_matter() -> None:
    """More samples than fit one batch of the convolution's patches."""
    network = network_of(case_named("convolution"))
    inputs = np.random.default_rng(2).integers(-128, 128, (20_000, network.inputs), dtype=np.int8)
    whole = logits(network, inputs)
    assert np.array_equal(whole[-7:], logits(network, inputs[-7:]))


# What is refused


def test_a_neuron_beyond_the_accumulator() -> None:
    with pytest.raises(ModelError) as caught:
        layer(MAX_FAN_IN + 1, 1)
    assert str(caught.value) == "a neuron's sum could leave int32; expected at most 131071 inputs; got 131072"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("weight", np.ones((4, 2)), "weight has the wrong type; expected int8 of 2 dimensions; got float64 of [4, 2]"),
        ("weight", np.full((4, 2), np.nan), "weight has the wrong type; expected int8 of 2 dimensions; got float64"),
        (
            "weight",
            np.ones(4, dtype=np.int8),
            "weight has the wrong type; expected int8 of 2 dimensions; got int8 of [4]",
        ),
        (
            "weight",
            np.ones((4, 2), dtype=np.int64),
            "weight has the wrong type; expected int8 of 2 dimensions; got int64",
        ),
        (
            "bias",
            np.ones(2, dtype=np.int64),
            "bias has the wrong type; expected int32 of 1 dimensions; got int64 of [2]",
        ),
        ("multiplier", np.ones(2, dtype=np.int8), "multiplier has the wrong type; expected int16 of 1 dimensions; got"),
        ("multiplier", np.ones(3, dtype=np.int16), "layer shapes do not match; expected weight [in, out], multiplier"),
        ("bias", np.ones(1, dtype=np.int32), "layer shapes do not match; expected weight [in, out], multiplier [out]"),
        ("weight", np.ones((0, 2), dtype=np.int8), "layer shapes do not match; expected weight [in, out], multiplier"),
        ("shift", -1, "shift is out of range; expected 0 to 31 bits; got -1"),
        ("shift", 32, "shift is out of range; expected 0 to 31 bits; got 32"),
        ("shift", 3.0, "shift is out of range; expected 0 to 31 bits; got 3.0"),
        ("pool", Pool("max", 2), "only a convolution's output can be pooled; got"),
        ("pool", Pool("sum", 2), "consensus inference pools by maximum; got"),
        (
            "convolution",
            Convolution(1, 4, 4, (3, 3)),
            "a convolution's weight does not fit its kernel; expected 9 rows",
        ),
    ],
)
def test_wrong_layer(field: str, value: Any, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        replace(layer(4, 2), **{field: value})
    assert str(caught.value).startswith(message)


def test_wrong_networks() -> None:
    with pytest.raises(ModelError, match=r"^a network needs at least one layer$"):
        Int8Network(())
    with pytest.raises(ModelError, match=r"^layer 1 does not fit the one before it; expected 3 inputs; got 4$"):
        Int8Network((layer(5, 3), layer(4, 2, relu=False)))
    for last in (layer(5, 3), layer(5, 3, relu=False, shift=1)):
        with pytest.raises(ModelError, match=r"^the last layer gives logits: no shift, no ReLU; got shift \d"):
            Int8Network((last,))


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        (np.zeros((2, 63), dtype=np.int8), r"int8 \[2, 63\]"),
        (np.zeros((2, 65), dtype=np.int8), r"int8 \[2, 65\]"),
        (np.zeros(64, dtype=np.int8), r"int8 \[64\]"),
        (np.zeros((2, 64), dtype=np.uint8), r"uint8 \[2, 64\]"),
        (np.zeros((2, 64)), r"float64 \[2, 64\]"),
        (np.full((2, 64), 300), r"int64 \[2, 64\]"),
    ],
)
def test_wrong_inputs(inputs: Any, got: str) -> None:
    for function in (logits, activations, predict):
        with pytest.raises(
            InputError, match=rf"^inputs do not fit the network; expected int8 \[samples, 64\]; got {got}$"
        ):
            function(PERCEPTRON, inputs)
    for function in (torch_inference.logits, torch_inference.activations, torch_inference.predict):
        with pytest.raises(
            InputError, match=r"^inputs do not fit the network; expected int8 \[samples, 64\]; got torch\."
        ):
            function(PERCEPTRON, torch.tensor(inputs))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(2, dtype=np.int64), "labels do not match the inputs; expected 3 integers; got int64 (2,)"),
        (np.zeros(3), "labels do not match the inputs; expected 3 integers; got float64 (3,)"),
        (np.array([0, 1, 10]), "a label is out of range; expected 0 to 9; got"),
        (np.array([0, 1, -1]), "a label is out of range; expected 0 to 9; got"),
    ],
)
def test_wrong_labels(labels: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        count_correct(PERCEPTRON, sample_inputs(case_named("perceptron")), labels)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("weights", "inputs"), [(31, 32), (32, 33)])
def test_wrong_step(weights: int, inputs: int) -> None:
    with pytest.raises(InputError, match=r"^a step takes int8 weights and inputs; expected 32 each; got"):
        accumulate(0, np.zeros(weights, dtype=np.int8), np.zeros(inputs, dtype=np.int8))


@pytest.mark.parametrize("accumulator", [2**31, -(2**31) - 1])
def test_wrong_accumulator(accumulator: int) -> None:
    with pytest.raises(InputError) as caught:
        accumulate(accumulator, np.zeros(32, dtype=np.int8), np.zeros(32, dtype=np.int8))
    assert str(caught.value) == f"an accumulator is not an int32; got {accumulator}"


def test_layers_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        PERCEPTRON.layers[0].weight[0, 0] = 1
