"""The graphs against their definition in exact arithmetic, for honest and for arbitrary private tensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError, InputError, ModelError
from pyml.ml.integer import IntegerNetwork, count_correct, predict
from pyml.zk.challenge import encode_features, evaluate_features
from pyml.zk.circuits import LabelledSet, accuracy_statement, inference_statement, input_statement
from pyml.zk.engine import Tensors
from pyml.zk.ezkl import EzklEngine, full_table, read_settings
from pyml.zk.graph import AccuracyGraph, PrivateInputGraph, _powers
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.statement import Architecture, Numerics, Statement
from pyml.zk.witness import accuracy_tensors, architecture_of, inference_tensors, input_tensors
from tests.zk.conftest import SrsOf
from tests.zk.engine_child import EngineChild
from tests.zk.exact_checks import accuracy_outputs, inference_outputs, input_outputs
from tests.zk.small_circuits import (
    INFERENCE_DEGREE,
    Small,
    random_network,
    random_set,
    small_accuracy,
    small_inference,
    small_input,
    small_numerics,
)
from tests.zk.toy_circuit import Toy

SAMPLES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17)


@st.composite
def networks(draw: st.DrawFn) -> tuple[IntegerNetwork, LabelledSet, int]:
    """A random model of 1 to 4 layers with tight shifts, random samples, and any challenge."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    sizes = [draw(st.integers(1, 6)) for _ in range(draw(st.integers(1, 4)))] + [draw(st.integers(2, 5))]
    shifts = [draw(st.integers(0, 5)) for _ in sizes[2:]]
    network = random_network(
        random,
        sizes,
        shifts,
        bits=draw(st.integers(2, 5)),
        input_max=draw(st.sampled_from([1, 3, 15])),
        unit=1 << draw(st.integers(0, 3)),
    )
    if draw(st.booleans()):  # many ties
        layers = tuple(replace(each, weight=np.sign(each.weight), bias=each.bias * 0) for each in network.layers)
        network = replace(network, layers=layers)
    data = random_set(random, network, draw(st.sampled_from(SAMPLES)))
    return network, data, draw(st.integers(0, SCALAR_MODULUS - 1))


@given(networks())
@settings(max_examples=100)
def test_honest_tensors_satisfy_every_check(drawn: tuple[IntegerNetwork, LabelledSet, int]) -> None:
    network, data, rho = drawn
    numerics = small_numerics(margin_limbs=3)
    statement = accuracy_statement(architecture_of(network), data, numerics)
    try:
        honest = accuracy_tensors(statement, network, data.inputs, data.labels, model_salts=(1, 2, 3))
    except ModelError:  # the shifts were drawn, not chosen
        assume(False)
        return
    outputs = accuracy_outputs(statement, data.inputs, data.labels, honest.committed, honest.witness, rho)
    assert outputs == (rho, *[0] * statement.checks, count_correct(network, data.inputs, data.labels))


@given(networks())
@settings(max_examples=100)
def test_an_honest_input_satisfies_every_check(drawn: tuple[IntegerNetwork, LabelledSet, int]) -> None:
    network, data, rho = drawn
    statement = input_statement(network, "random", small_numerics(margin_limbs=3))
    answers = predict(network, data.inputs)
    for sample, answer in zip(data.inputs, answers, strict=True):
        if answer < 0:
            continue
        try:
            honest = input_tensors(statement, network, sample, input_salts=(1, 2, 3))
        except ModelError:
            continue
        outputs = input_outputs(statement, network, honest.committed, honest.witness, rho)
        assert outputs == (rho, *[0] * statement.checks, int(answer))


@given(networks())
@settings(max_examples=100)
def test_an_honest_answer_satisfies_every_check(drawn: tuple[IntegerNetwork, LabelledSet, int]) -> None:
    """And shows the public input's polynomial, for the model that an accuracy circuit commits to."""
    network, data, rho = drawn
    accuracy = accuracy_statement(architecture_of(network), data, small_numerics(margin_limbs=3))
    statement = inference_statement(accuracy, INFERENCE_DEGREE)
    for sample, answer in zip(data.inputs, predict(network, data.inputs), strict=True):
        try:
            honest = inference_tensors(statement, network, sample, model_salts=(1, 2, 3))
        except ModelError:
            continue
        except InputError:
            assert answer < 0
            continue
        evaluation = evaluate_features(encode_features([int(value) for value in sample]), rho)
        outputs = inference_outputs(statement, honest.committed, honest.witness, rho)
        assert outputs == (rho, *[0] * statement.checks, evaluation, int(answer))
        assert len(outputs) == statement.public_outputs
        assert honest.result == answer


CIRCUITS: list[tuple[tuple[int, ...], tuple[int, ...], int, int]] = [  # sizes, shifts, samples, bias unit
    ((3, 2), (), 1, 1),
    ((1, 2), (), 2, 4),
    ((5, 3), (), 9, 1),
    ((4, 3, 2), (0,), 1, 2),
    ((4, 3, 2), (2,), 3, 2),
    ((6, 1, 3), (1,), 5, 1),
    ((7, 5, 4), (8,), 4, 8),
    ((3, 9, 2), (0,), 7, 1),
    ((4, 4, 4, 3), (0, 3), 8, 2),
    ((5, 3, 4, 2), (3, 0), 15, 1),
    ((2, 3, 2, 3, 2), (1, 0, 2), 16, 2),
    ((3, 2, 2, 2, 5), (0, 0, 1), 17, 1),
]


def ident(circuit: tuple[tuple[int, ...], tuple[int, ...], int, int]) -> str:
    sizes, shifts, samples, _ = circuit
    return f"{'-'.join(map(str, sizes))}>>{shifts}x{samples}"


def arbitrary(statement: Statement, random: np.random.Generator, *, features: int | None = None) -> Tensors:
    """Table entries where there is a lookup, any field elements elsewhere: nothing honest about them."""
    numerics = statement.numerics

    def tensor(looked_up: int, size: int) -> list[int]:
        entries = [int(value) for value in random.integers(numerics.table_low, numerics.table_high + 1, looked_up)]
        return entries + [int.from_bytes(random.bytes(31), "big") for _ in range(size - looked_up)]

    committed, witness = committed_layout(statement), witness_layout(statement)
    first = tensor(committed.looked_up, committed.size)
    if features is not None:  # the input has no lookup of its own, but two of values made from it
        first[:features] = [int(v) for v in random.integers(-100, statement.architecture.input_max + 100, features)]
    return Tensors(first, tensor(witness.looked_up, witness.size))


@pytest.mark.parametrize("circuit", CIRCUITS, ids=ident)
def test_the_engine_computes_the_definition(
    circuit: tuple[tuple[int, ...], tuple[int, ...], int, int],
    quick_engine: EzklEngine,
    srs_of: SrsOf,
    tmp_path: Path,
) -> None:
    """Through ONNX and the engine, for the honest tensors and for arbitrary ones, at arbitrary ρ."""
    small, random = built(circuit, quick_engine, srs_of, tmp_path)
    assert small.data is not None
    inputs, labels = small.data.inputs, small.data.labels
    for tensors in (small.honest, arbitrary(small.statement, random), arbitrary(small.statement, random)):
        for rho in (0, 1, 2, SCALAR_MODULUS - 1, int.from_bytes(random.bytes(31), "big")):
            expected = accuracy_outputs(small.statement, inputs, labels, tensors.committed, tensors.witness, rho)
            assert small.run(tensors, rho=rho) == expected
    assert small.run(small.honest)[1:] == (
        *[0] * small.statement.checks,
        count_correct(small.network, inputs, labels),
    )


def built(
    circuit: tuple[tuple[int, ...], tuple[int, ...], int, int], engine: EzklEngine, srs_of: SrsOf, home: Path
) -> tuple[Small, np.random.Generator]:
    """The first random network, from a fixed seed, whose activations fit."""
    sizes, shifts, samples, unit = circuit
    random = np.random.default_rng(sum(sizes) + samples)
    while True:
        network = random_network(random, sizes, shifts, unit=unit, bits=3)
        data = random_set(random, network, samples)
        try:
            return small_accuracy(home, engine, srs_of, network, data), random
        except ModelError:
            continue


@pytest.mark.parametrize("circuit", CIRCUITS, ids=ident)
def test_the_engine_computes_the_definition_of_a_private_input(
    circuit: tuple[tuple[int, ...], tuple[int, ...], int, int],
    quick_engine: EzklEngine,
    srs_of: SrsOf,
    tmp_path: Path,
) -> None:
    sizes, shifts, _, unit = circuit
    random = np.random.default_rng(sum(sizes))
    while True:
        network = random_network(random, sizes, shifts, unit=unit, bits=3)
        samples = random.integers(0, network.input_max + 1, (8, sizes[0]))
        decided = samples[predict(network, samples) >= 0]
        if len(decided):
            break
    small = small_input(tmp_path, quick_engine, srs_of, network, decided[0])
    for tensors in (small.honest, arbitrary(small.statement, random, features=sizes[0])):
        for rho in (0, 1, SCALAR_MODULUS - 1, int.from_bytes(random.bytes(31), "big")):
            expected = input_outputs(small.statement, network, tensors.committed, tensors.witness, rho)
            assert small.run(tensors, rho=rho) == expected
    assert small.run(small.honest)[1:] == (*[0] * small.statement.checks, int(predict(network, decided[:1])[0]))


@pytest.mark.parametrize("circuit", CIRCUITS[::2], ids=ident)  # the others differ in samples, which are one here
def test_the_engine_computes_the_definition_of_an_inference(
    circuit: tuple[tuple[int, ...], tuple[int, ...], int, int],
    quick_engine: EzklEngine,
    srs_of: SrsOf,
    tmp_path: Path,
) -> None:
    """Arbitrary tensors among them: weights, limbs, logits, answer and input that have nothing to do with another."""
    small, random = answering(circuit, quick_engine, srs_of, tmp_path)
    for tensors in (small.honest, arbitrary(small.statement, random)):
        for rho in (0, SCALAR_MODULUS - 1, int.from_bytes(random.bytes(31), "big")):
            expected = inference_outputs(small.statement, tensors.committed, tensors.witness, rho)
            assert small.run(tensors, rho=rho) == expected
    outputs = small.run(small.honest)
    assert outputs == small.expected(outputs[0], small.honest.result)


def answering(
    circuit: tuple[tuple[int, ...], tuple[int, ...], int, int], engine: EzklEngine, srs_of: SrsOf, home: Path
) -> tuple[Small, np.random.Generator]:
    """The first random network, from a fixed seed, that answers one of its samples within the table."""
    sizes, shifts, _, unit = circuit
    random = np.random.default_rng(sum(sizes))
    while True:
        network = random_network(random, sizes, shifts, unit=unit, bits=3)
        samples = random.integers(0, network.input_max + 1, (8, sizes[0]))
        for sample in samples[predict(network, samples) >= 0]:
            try:
                return small_inference(home, engine, srs_of, network, sample), random
            except ModelError:
                continue


# --- data and models at the edge


@pytest.mark.parametrize("fill", ["zero", "full"])
def test_blank_data_have_a_circuit(fill: str, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    """Constants that are zero are dropped by the engine; all of them at once must not break it."""
    random = np.random.default_rng(4)
    network = random_network(random, (4, 3, 2), (1,))
    data = random_set(random, network, 4)
    data = replace(data, inputs=np.full_like(data.inputs, 0 if fill == "zero" else network.input_max))
    small = small_accuracy(tmp_path, quick_engine, srs_of, network, data)
    outputs = small.run(small.honest)
    assert outputs[1:] == (*[0] * small.statement.checks, count_correct(network, data.inputs, data.labels))


def test_a_model_with_dead_weights_has_a_circuit(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    network = random_network(random, (4, 3, 2), (0,))
    first, last = network.layers
    first = replace(first, weight=first.weight * 0, bias=np.array([1, 2, 3]))
    last = replace(last, weight=np.array([[1, 0], [0, 0], [1, 0]]), bias=np.array([0, 1]))
    network = replace(network, layers=(first, last))
    small = small_input(tmp_path, quick_engine, srs_of, network, np.array([1, 2, 3, 0]))
    assert small.run(small.honest)[1:] == (0, 0, 0, 0)


@pytest.mark.parametrize("fill", ["zero", "full"])
def test_blank_inputs_have_an_answer(fill: str, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    """They are witnesses, so the circuit is the same for both."""
    network = random_network(np.random.default_rng(4), (4, 3, 2), (1,))
    sample = np.full(4, 0 if fill == "zero" else network.input_max)
    small = small_inference(tmp_path, quick_engine, srs_of, network, sample)
    outputs = small.run(small.honest)
    assert outputs == small.expected(outputs[0], int(predict(network, sample[None])[0]))


# --- the table


class _Activation(nn.Module):
    def forward(self, values: Tensor) -> Tensor:
        return nn.functional.hardswish(values)


def test_the_definition_of_hardswish_is_relu_on_integers_but_for_rounding() -> None:
    values = torch.arange(-40.0, 40.0)
    assert torch.equal(torch.round(_Activation()(values)), torch.relu(values))


@pytest.mark.parametrize(("bits", "degree"), [(8, 9), (13, 15)])
def test_the_engines_table_is_relu_everywhere(bits: int, degree: int, child: EngineChild, tmp_path: Path) -> None:
    low, high = full_table(degree, (1 << bits) - 1)
    values = range(low, high + 1)
    toy = Toy(
        child, tmp_path / "toy", lambda x: nn.functional.hardswish(x), ((len(values),),),
        {"input_visibility": "private", "lookup_range": [low, high], "num_inner_cols": 4},
    ).compile(degree)  # fmt: skip
    assert toy.witness([list(values)]) == tuple(max(value, 0) for value in values)


def is_in_table(toy: Toy, value: int) -> bool:
    toy.witness([[value]])
    return toy.violations() == ""


@pytest.mark.parametrize("degree", [9, 10, 11])
def test_the_table_ends_where_it_should(degree: int, child: EngineChild, tmp_path: Path) -> None:
    """A limb is below 2^b because the table is; the engine's own word for where it ends is not to be trusted."""

    def table(name: str, low: int, high: int) -> Toy:
        return Toy(
            child, tmp_path / name, lambda x: nn.functional.hardswish(x), ((1,),),
            {"input_visibility": "private", "lookup_range": [low, high]},
        ).compile(degree)  # fmt: skip

    low, high = full_table(degree, 255)
    full = table("full", low, high)
    for value, inside in ((low - 1, False), (low, True), (0, True), (255, True), (256, False), (511, False)):
        assert is_in_table(full, value) == inside, value
    low = Numerics(lookup_bits=8).table_low
    loose = table("loose", low, 255)  # what the engine makes of a range that leaves rows free
    last = low + 2**degree - 9
    for value, inside in ((low - 1, False), (low, True), (255, True), (256, True), (last, True), (last + 1, False)):
        assert is_in_table(loose, value) == inside, value


# --- powers, shapes, refusals


@given(st.integers(-3, 3), st.integers(1, 33))
def test_powers(base: int, count: int) -> None:
    powers = _powers(torch.tensor([float(base)], dtype=torch.float64), count)
    assert [int(value) for value in powers] == [base**exponent for exponent in range(count)]


def test_the_challenge_weighs_every_entry_differently(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    """Moving one logit moves its check by r_i s_j = ρ^(i + Nj): all distinct, none forgotten."""
    random = np.random.default_rng(1)
    network = random_network(random, (3, 4), ())
    data = random_set(random, network, 3)
    small = small_accuracy(tmp_path, quick_engine, srs_of, network, data)
    start = witness_layout(small.statement).parts["logits"].start
    seen: set[int] = set()
    for index in range(12):
        witness = list(small.honest.witness)
        witness[start + index] -= 1
        seen.add(small.run(Tensors(small.honest.committed, witness), rho=3)[1])
    assert seen == {3**exponent for exponent in range(12)}


def test_the_challenge_weighs_every_entry_of_an_answer_differently(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path
) -> None:
    """Of logits in C3, of the input in C6; a one-hot vector's entries in C4, with one more power for their sum."""
    network = random_network(np.random.default_rng(1), (5, 4), ())
    small = small_inference(tmp_path, quick_engine, srs_of, network, np.array([1, 2, 3, 0, 1]))
    honest, chosen = small.run(small.honest, rho=3), small.honest.result
    powers = [3**exponent for exponent in range(5)]
    for part, output, expected in (
        ("logits", 1, [-power for power in powers[:4]]),
        ("answer", 2, [2 * powers[index] * (index == chosen) + powers[4] for index in range(4)]),  # (a+1)² − a² − 1
        ("input", 4, powers),
    ):
        start = witness_layout(small.statement).parts[part].start
        for index, change in enumerate(expected):
            witness = list(small.honest.witness)
            witness[start + index] += 1
            moved = small.run(Tensors(small.honest.committed, witness), rho=3)
            assert moved[output] == (honest[output] + change) % SCALAR_MODULUS, (part, index)


def test_the_circuit_has_one_lookup_table_and_no_division(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    network = random_network(random, (3, 4, 2), (2,))
    small = small_accuracy(tmp_path, quick_engine, srs_of, network, random_set(random, network, 3))
    assert read_settings(small.keyed.circuit.files.settings)["required_lookups"] == [{"HardSwish": {"scale": 1.0}}]


def statement_of(shape: tuple[int, ...] = (3, 2), samples: int = 4) -> Statement:
    architecture = Architecture(shape, (1,) * (len(shape) - 1), (0,) * (len(shape) - 2), 4, 3)
    return Statement("private_model_accuracy", architecture, samples, "1" * 64, "toy", numerics=small_numerics())


@pytest.mark.parametrize(
    ("inputs", "labels", "problem"),
    [
        (torch.zeros(4, 2), torch.zeros(4), "the data do not fit the statement"),
        (torch.zeros(3, 3), torch.zeros(3), "the data do not fit the statement"),
        (torch.zeros(4, 3), torch.zeros(3), "the data do not fit the statement"),
        (torch.zeros(4, 3), torch.tensor([0, 1, 2, 0]), "a label is out of range"),
        (torch.zeros(4, 3), torch.tensor([0, 1, -1, 0]), "a label is out of range"),
        (torch.full((4, 3), 4), torch.zeros(4), "a sample is out of range"),
        (torch.full((4, 3), -1), torch.zeros(4), "a sample is out of range"),
    ],
)
def test_data_that_do_not_fit_are_refused(inputs: Tensor, labels: Tensor, problem: str) -> None:
    with pytest.raises(CircuitError, match=problem):
        AccuracyGraph(statement_of(), inputs, labels)


def test_models_that_do_not_fit_are_refused() -> None:
    architecture = Architecture((3, 2), (1,), (), 4, 3)
    statement = Statement("private_input", architecture, 1, "1" * 64, "toy", numerics=small_numerics())
    for weights, biases in (([torch.zeros(2, 3)], [torch.zeros(2)]), ([torch.zeros(3, 2)], []), ([], [])):
        with pytest.raises(CircuitError, match="the model does not fit the statement") as refusal:
            PrivateInputGraph(statement, weights, biases)
        assert refusal.value.expected == [(3, 2)]
