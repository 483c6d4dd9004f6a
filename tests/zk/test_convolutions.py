"""Convolutions and pools in every circuit: exact for honest tensors, and no changed entry goes unnoticed."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from pyml.errors import CircuitError, ModelError
from pyml.ml import zoo
from pyml.ml.integer import IntegerLayer, IntegerNetwork, count_correct, predict
from pyml.ml.shapes import Convolution, LayerShape, Pool
from pyml.zk.circuits import inference_graph, inference_statement
from pyml.zk.ezkl import EzklEngine
from pyml.zk.statement import Architecture, Statement, statement_from_dict
from pyml.zk.witness import accuracy_tensors, architecture_of, inference_tensors
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import Edit, Small, random_set, small_accuracy, small_input, small_numerics

SAMPLES = 5
Shape = tuple[Convolution, int, Pool | None, int]
IMAGE = Convolution(1, 6, 6, (3, 3))
NETWORKS: dict[str, tuple[Shape, ...]] = {
    "no pool, stride, padding": ((Convolution(1, 6, 6, (3, 3), (2, 2), (1, 1)), 3, None, 1),),
    "max": ((IMAGE, 3, Pool("max", 2), 2),),
    "sum, no shift": ((Convolution(1, 6, 6, (3, 3), (1, 1), (1, 1)), 2, Pool("sum", 2), 0),),
    "two, channels, oblong kernel": (
        (Convolution(2, 5, 4, (2, 1)), 2, Pool("max", 2), 0),
        (Convolution(2, 2, 2, (1, 2)), 3, None, 2),
    ),
}


def network_of(name: str, seed: int = 0) -> IntegerNetwork:
    random = np.random.default_rng(seed)
    layers: list[IntegerLayer] = []
    for convolution, channels, pool, shift in NETWORKS[name]:
        weight = random.integers(-8, 8, (convolution.fan_in, channels))
        layers.append(IntegerLayer(weight, random.integers(-8, 8, channels), 2, shift, convolution, pool))
    last = layers[-1].shape.outputs
    layers.append(IntegerLayer(random.integers(-8, 8, (last, 4)), random.integers(-8, 8, 4), 2))
    return IntegerNetwork(tuple(layers), 4, 3)


@pytest.fixture(scope="module", params=NETWORKS)
def accuracy(
    request: pytest.FixtureRequest, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Small:
    network = network_of(request.param)
    data = random_set(np.random.default_rng(1), network, SAMPLES)
    return small_accuracy(tmp_path_factory.mktemp("cnn"), quick_engine, srs_of, network, data)


def answered(network: IntegerNetwork) -> np.ndarray:
    samples = random_set(np.random.default_rng(2), network, 30).inputs
    return next(sample for sample in samples if predict(network, sample[None])[0] >= 0)


def test_count_is_the_integer_models(accuracy: Small) -> None:
    data = accuracy.data
    assert data is not None
    outputs = accuracy.run(accuracy.honest)
    assert set(outputs[1:-1]) == {0}
    assert outputs[-1] == count_correct(accuracy.network, data.inputs, data.labels)
    assert len(outputs) == accuracy.statement.public_outputs


def test_no_changed_entry_goes_unnoticed(accuracy: Small) -> None:
    """One entry of each part, at a random place: also where a maximum or a ReLU hides it from the next layer."""
    random = np.random.default_rng(3)
    honest = Edit(accuracy.statement, accuracy.honest)
    changed: list[str] = []
    for tensor, names in (("committed", list(honest.committed)), ("witness", list(honest.witness))):
        for name in names:
            if name == "lookup_salts" or (name.startswith("margin") and name != "margin_1"):
                continue
            edit = Edit(accuracy.statement, accuracy.honest)
            part = cast("NDArray[np.int64]", getattr(edit, tensor)[name])
            place = np.unravel_index(int(random.integers(0, part.size)), part.shape)
            part[place] += 1
            outputs = accuracy.run(edit.done())
            assert any(outputs[1:-1]), f"{name}{place}"
            changed.append(name)
    assert {"weights_1", "logits", "margin_1"} < set(changed)


def test_exchanged_positions_and_channels_are_noticed(accuracy: Small) -> None:
    """Sums over positions, channels or samples stay as they are."""
    name = next(name for name in ("high_1", "hidden_1") if name in Edit(accuracy.statement, accuracy.honest).witness)
    shape = accuracy.statement.architecture.shapes[0]
    assert shape.convolution is not None
    by_channel = (SAMPLES, shape.fan_out, shape.positions)
    for axis in range(3):
        edit = Edit(accuracy.statement, accuracy.honest)
        rolled = np.roll(edit.witness[name].reshape(by_channel), 1, axis).reshape(SAMPLES, -1)
        assert (rolled != edit.witness[name]).any()
        edit.witness[name] = rolled
        assert any(accuracy.run(edit.done())[1:-1]), ("sample", "channel", "position")[axis]


def test_a_proof_is_accepted_and_a_better_count_refused(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = network_of("max")
    data = random_set(np.random.default_rng(1), network, SAMPLES)
    small = small_accuracy(tmp_path_factory.mktemp("proved"), quick_engine, srs_of, network, data)
    proof = small.prove(small.honest)
    assert small.accepts(proof.data, small.honest.result)
    assert not small.accepts(proof.data, small.honest.result + 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_private_input(
    name: str, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = network_of(name)
    sample = answered(network)
    small = small_input(tmp_path_factory.mktemp("input"), quick_engine, srs_of, network, sample)
    outputs = small.run(small.honest)
    assert set(outputs[1:-1]) == {0}
    assert outputs[-1] == predict(network, sample[None])[0]
    for name in Edit(small.statement, small.honest).witness:
        if name.startswith(("high", "low", "answer")):
            edit = Edit(small.statement, small.honest)
            edit.witness[name][0, 1] += 1
            assert any(small.run(edit.done())[1:-1]), name


@pytest.mark.parametrize("name", ["max", "sum, no shift"])
def test_inference(
    name: str, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = network_of(name)
    data = random_set(np.random.default_rng(1), network, SAMPLES)
    certified = small_accuracy(tmp_path_factory.mktemp("certified"), quick_engine, srs_of, network, data)
    statement = inference_statement(certified.statement, certified.keyed.circuit.degree)
    workspace = Workspace(tmp_path_factory.mktemp("asking"), quick_engine)
    circuit = workspace.build_circuit(statement, inference_graph(statement))
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    sample = answered(network)
    salts = tuple(range(1, statement.numerics.committed_salts + 1))
    tensors = inference_tensors(statement, network, sample, model_salts=salts)
    asking = Small(quick_engine, keyed, network, tensors)
    outputs = asking.run(tensors)
    assert set(outputs[1:-2]) == {0}
    assert outputs[-1] == predict(network, sample[None])[0]
    assert asking.commit(tensors.committed) == certified.commit(certified.honest.committed)


def test_a_maximum_that_the_table_cannot_find_is_refused() -> None:
    """Differences as low as the table's end are looked up, so activations stay below it."""
    network = network_of("max")
    first = replace(network.layers[0], shift=0, bias=np.array([7, 7, 7]), bias_unit=32)
    network = replace(network, layers=(first, network.layers[1]))
    data = random_set(np.random.default_rng(1), network, SAMPLES)
    statement = Statement(
        "private_model_accuracy", architecture_of(network), SAMPLES, "1" * 64, "x", 0, small_numerics()
    )
    with pytest.raises(ModelError, match="leaves the lookup range"):
        accuracy_tensors(statement, network, data.inputs, data.labels, model_salts=(1, 2, 3))


# Statements


@pytest.mark.parametrize("name", NETWORKS)
def test_statements_survive_toml_and_json(name: str) -> None:
    statement = Statement("private_model_accuracy", architecture_of(network_of(name)), 3, "a" * 64, "x/test[0:3]")
    table = tomllib.loads(statement.to_toml())
    table.pop("visibility")
    assert statement_from_dict(table) == statement_from_dict(statement.as_dict()) == statement


def test_every_number_of_a_convolution_is_in_the_digest() -> None:
    digests = set[str]()
    for convolution, pool in (
        (IMAGE, Pool("max", 2)),
        (IMAGE, Pool("sum", 2)),
        (replace(IMAGE, kernel=(3, 5), padding=(0, 1)), Pool("max", 2)),
        (replace(IMAGE, kernel=(5, 5), padding=(1, 1)), Pool("max", 2)),
    ):
        shape = LayerShape(convolution.fan_in, 3, convolution, pool)
        architecture = Architecture((36, shape.outputs, 4), (1, 1), (0,), 4, 3, (shape,))
        digests.add(Statement("private_model_accuracy", architecture, 3, "a" * 64, "x").digest)
    assert len(digests) == 4


def test_a_perceptrons_statement_says_nothing_of_convolutions() -> None:
    statement = Statement("private_model_accuracy", Architecture((4, 3, 2), (1, 1), (0,), 4, 3), 3, "a" * 64, "x")
    assert "convolutions" not in statement.as_dict()["architecture"]
    assert "convolution" not in statement.to_toml()


CONVOLUTION = LayerShape(9, 3, IMAGE, Pool("max", 2))


@pytest.mark.parametrize(
    ("sizes", "convolutions", "problem"),
    [
        ((36, 12), (CONVOLUTION,), "convolutions come first, and the last layer is dense"),
        ((36, 12, 4), (LayerShape(36, 12),), "convolutions come first, and the last layer is dense"),
        ((36, 13, 4), (CONVOLUTION,), "the convolutions do not fit the widths"),
        ((35, 12, 4), (CONVOLUTION,), "the convolutions do not fit the widths"),
    ],
)
def test_convolutions_that_do_not_fit_are_refused(
    sizes: tuple[int, ...], convolutions: tuple[LayerShape, ...], problem: str
) -> None:
    layers = len(sizes) - 1
    with pytest.raises(CircuitError, match=problem):
        Architecture(sizes, (1,) * layers, (0,) * (layers - 1), 4, 3, convolutions)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("channels", "3", "malformed"),
        ("channels", 4, "do not fit the widths"),
        ("kernel", [3], "malformed"),
        ("kernel", [7, 7], "kernel is larger"),
        ("stride", [0, 1], "positive sizes"),
        ("padding", [3, 0], "padding is out of range"),
        ("pool", "mean", "unknown kind of pool"),
        ("pool_size", 3, "do not cover"),
        ("dilation", [1, 1], "unknown keys of a convolution"),
    ],
)
def test_a_malformed_convolution_is_refused(key: str, value: object, problem: str) -> None:
    statement = Statement("private_model_accuracy", architecture_of(network_of("max")), 3, "a" * 64, "x")
    table = statement.as_dict()
    table["architecture"]["convolutions"][0][key] = value
    with pytest.raises((CircuitError, ModelError), match=problem):
        statement_from_dict(table)


def test_a_missing_number_is_refused() -> None:
    statement = Statement("private_model_accuracy", architecture_of(network_of("max")), 3, "a" * 64, "x")
    for key in statement.as_dict()["architecture"]["convolutions"][0]:
        table = statement.as_dict()
        if key == "pool":
            continue  # without it there is a pool_size too many
        del table["architecture"]["convolutions"][0][key]
        with pytest.raises(CircuitError, match="malformed"):
            statement_from_dict(table)


def test_the_zoo_has_networks_for_circuits() -> None:
    for name in zoo.entries():
        architecture = architecture_of(zoo.load(name))
        assert architecture.parameters == sum(layer.weight.size + layer.bias.size for layer in zoo.load(name).layers)
