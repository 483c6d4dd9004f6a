"""The reference circuits in ``circuits/`` come out as pinned, and any change of what they prove changes the pins."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.errors import CircuitError, DatasetError, SrsError
from pyml.ml.datasets import load
from pyml.ml.integer import IntegerNetwork
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    accuracy_statement,
    inference_graph,
    inference_statement,
    input_graph,
    input_statement,
    link_graph,
    link_statement,
)
from pyml.zk.ezkl import EzklEngine, read_settings, require_sound_settings
from pyml.zk.layout import committed_layout
from pyml.zk.srs import PUBLIC_SHA256
from pyml.zk.statement import Architecture, Numerics, Statement
from pyml.zk.workspace import Workspace
from scripts import pin_circuits
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network

ROOT = Path(__file__).parents[2]
FOLDERS = {name: CircuitFolder.open(ROOT / "circuits" / name) for name in pin_circuits.NAMES}
ACCURACY, INPUT, INFERENCE, LINK = (
    FOLDERS[kind] for kind in ("private_model_accuracy", "private_input", "private_model_inference", "model_link")
)


def pinned(folder: CircuitFolder) -> dict[str, Any]:
    return tomllib.loads((folder.path / "digests.toml").read_text(encoding="utf-8"))


def data_set() -> LabelledSet:
    return ACCURACY.labelled_set(load)


def graph_digest(write: Callable[[Path], None], folder: Path) -> str:
    path = folder / "graph.onnx"
    write(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_a_circuit_comes_out_as_pinned(folder: CircuitFolder, quick_engine: EzklEngine) -> None:
    made = pin_circuits.pin(folder.path, quick_engine)
    assert made == {name: (folder.path / name).read_bytes() for name in pin_circuits.PINS}


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_the_pins_are_of_the_statement_and_obey_the_soundness_rules(folder: CircuitFolder) -> None:
    settings = folder.path / "settings.json"
    assert pinned(folder)["circuit"]["statement"] == folder.statement.digest
    assert pinned(folder)["circuit"]["settings.json"] == hashlib.sha256(settings.read_bytes()).hexdigest()
    require_sound_settings(read_settings(settings), folder.statement)
    assert folder.statement.to_toml() == (folder.path / "circuit.toml").read_text(encoding="utf-8")


def test_every_circuit_is_pinned() -> None:
    assert {path.parent.name for path in ROOT.glob("circuits/*/circuit.toml")} == set(FOLDERS)
    assert [folder.statement.kind for folder in FOLDERS.values()] == list(FOLDERS)


def test_the_model_that_is_certified_is_the_model_that_answers() -> None:
    """Same k, same committed tensor: one commitment for both circuits."""
    settings = read_settings(ACCURACY.path / "settings.json")
    assert INFERENCE.statement == inference_statement(ACCURACY.statement, settings["run_args"]["logrows"])
    answering = read_settings(INFERENCE.path / "settings.json")
    assert answering["run_args"]["logrows"] == settings["run_args"]["logrows"]
    assert answering["run_args"]["lookup_range"] == settings["run_args"]["lookup_range"]
    assert answering["module_sizes"]["polycommit"][0] == settings["module_sizes"]["polycommit"][0]
    assert committed_layout(INFERENCE.statement) == committed_layout(ACCURACY.statement)


def test_the_link_is_of_that_models_commitment() -> None:
    degree = read_settings(ACCURACY.path / "settings.json")["run_args"]["logrows"]
    assert LINK.statement == link_statement(ACCURACY.statement, degree)
    linking = read_settings(LINK.path / "settings.json")
    assert linking["run_args"]["logrows"] == degree
    assert linking["required_lookups"] == []
    assert linking["module_sizes"]["polycommit"] == [committed_layout(ACCURACY.statement).size, 1]


def test_all_circuits_are_about_networks_of_one_shape_and_the_demos_set() -> None:
    assert ACCURACY.statement.architecture == INPUT.statement.architecture
    assert ACCURACY.statement == accuracy_statement(INPUT.statement.architecture, data_set())
    assert INPUT.statement == input_statement(INPUT.network(), "digit classifier")
    assert ACCURACY.statement.architecture.sizes == pin_circuits.SIZES
    assert ACCURACY.statement.samples == pin_circuits.SAMPLES


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_keys_are_pinned_for_public_reference_strings_only(folder: CircuitFolder) -> None:
    tables = set(pinned(folder)) - {"circuit"}
    assert tables <= {f"srs-{digest}" for digest in PUBLIC_SHA256.values()}


def changed_pixel(data: LabelledSet) -> LabelledSet:
    inputs = data.inputs.copy()
    inputs[3, 20] ^= 1
    return replace(data, inputs=inputs)


def changed_label(data: LabelledSet) -> LabelledSet:
    labels = data.labels.copy()
    labels[99] = (labels[99] + 1) % 10
    return replace(data, labels=labels)


@pytest.mark.parametrize("change", [changed_pixel, changed_label])
def test_another_pixel_or_label_is_another_circuit(
    change: Callable[[LabelledSet], LabelledSet], tmp_path: Path
) -> None:
    data = change(data_set())
    with pytest.raises(DatasetError, match="not the ones that the circuit pins") as caught:
        accuracy_graph(ACCURACY.statement, data)
    assert caught.value.expected == ACCURACY.statement.subject
    assert caught.value.got == data.digest
    statement = accuracy_statement(ACCURACY.statement.architecture, data)
    assert statement.digest != ACCURACY.statement.digest
    assert graph_digest(accuracy_graph(statement, data), tmp_path) != pinned(ACCURACY)["circuit"]["graph.onnx"]


SHAPE = ACCURACY.statement.architecture
OTHER_SHAPES = {
    "bias unit": replace(SHAPE, bias_units=(SHAPE.bias_units[0], SHAPE.bias_units[1] * 2)),
    "shift": replace(SHAPE, shifts=(SHAPE.shifts[0] + 1,)),
    "weight bits": replace(SHAPE, weight_bits=SHAPE.weight_bits - 1),
}


@pytest.mark.parametrize("shape", OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_another_architecture_is_another_circuit(shape: Architecture, tmp_path: Path) -> None:
    statement = replace(ACCURACY.statement, architecture=shape)
    assert statement.digest != ACCURACY.statement.digest
    assert graph_digest(accuracy_graph(statement, data_set()), tmp_path) != pinned(ACCURACY)["circuit"]["graph.onnx"]
    answering = replace(INFERENCE.statement, architecture=shape)
    assert answering.digest != INFERENCE.statement.digest
    assert graph_digest(inference_graph(answering), tmp_path) != pinned(INFERENCE)["circuit"]["graph.onnx"]
    assert replace(LINK.statement, architecture=shape).digest != LINK.statement.digest


@pytest.mark.parametrize(
    ("folder", "graph"), [(INFERENCE, inference_graph), (LINK, link_graph)], ids=["answer", "link"]
)
def test_another_degree_is_another_statement_of_the_same_graph(
    folder: CircuitFolder, graph: Callable[[Statement], Callable[[Path], None]], tmp_path: Path
) -> None:
    """The graph knows no k; the statement, the settings and the commitments do. A link is between two of these."""
    other = replace(folder.statement, degree=folder.statement.degree - 1)
    assert other.digest != folder.statement.digest
    assert graph_digest(graph(other), tmp_path) == pinned(folder)["circuit"]["graph.onnx"]


@pytest.mark.parametrize("change", ["width", "committed_salts"])
def test_a_link_of_more_entries_is_another_circuit(change: str, tmp_path: Path) -> None:
    """Of entries it knows no more than their number: units, shifts and bits are in the statement alone."""
    statement = LINK.statement
    wider = replace(SHAPE, sizes=(*SHAPE.sizes[:-1], SHAPE.sizes[-1] + 1))
    saltier = replace(statement.numerics, committed_salts=statement.numerics.committed_salts + 1)
    other = {"width": replace(statement, architecture=wider), "committed_salts": replace(statement, numerics=saltier)}
    assert graph_digest(link_graph(other[change]), tmp_path) != pinned(LINK)["circuit"]["graph.onnx"]


@pytest.mark.parametrize("name", ["lookup_bits", "margin_limbs", "committed_salts", "witness_salts", "lookup_salts"])
def test_another_number_is_another_circuit(name: str, tmp_path: Path) -> None:
    numerics = ACCURACY.statement.numerics
    other = replace(numerics, **{name: getattr(numerics, name) + 1})
    statement = replace(ACCURACY.statement, numerics=other)
    assert statement.digest != ACCURACY.statement.digest
    assert graph_digest(accuracy_graph(statement, data_set()), tmp_path) != pinned(ACCURACY)["circuit"]["graph.onnx"]


def changed_model(*, bias_unit: bool) -> IntegerNetwork:
    first, *rest = INPUT.network().layers
    weight = first.weight.copy()
    weight[0, 0] += 1 if weight[0, 0] < 0 else -1
    other = replace(first, bias_unit=first.bias_unit * 2) if bias_unit else replace(first, weight=weight)
    return replace(INPUT.network(), layers=(other, *rest))


@pytest.mark.parametrize("bias_unit", [False, True], ids=["weight", "bias unit"])
def test_another_public_model_is_another_circuit(bias_unit: bool, tmp_path: Path) -> None:
    network = changed_model(bias_unit=bias_unit)
    with pytest.raises(CircuitError, match="not the one that the circuit pins") as caught:
        input_graph(INPUT.statement, network)
    assert caught.value.expected == INPUT.statement.subject
    statement = input_statement(network, INPUT.statement.subject_name)
    assert statement.digest != INPUT.statement.digest
    assert graph_digest(input_graph(statement, network), tmp_path) != pinned(INPUT)["circuit"]["graph.onnx"]


@pytest.mark.parametrize("name", ["graph.onnx", "settings.json", "statement"])
def test_one_wrong_digit_in_a_pin_is_refused(name: str, quick_engine: EzklEngine, tmp_path: Path) -> None:
    copy = tmp_path / "circuit"
    shutil.copytree(INPUT.path, copy)
    right = pinned(INPUT)["circuit"][name]
    wrong = ("1" if right[0] == "0" else "0") + right[1:]
    pins = copy / "digests.toml"
    pins.write_text(pins.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8")
    with pytest.raises(CircuitError, match=f"{name} is not the pinned one") as caught:
        CircuitFolder.open(copy).build(Workspace(tmp_path / "home", quick_engine), load)
    assert (caught.value.expected, caught.value.got) == (wrong, right)


def test_other_settings_than_the_pinned_ones_are_refused(quick_engine: EzklEngine, tmp_path: Path) -> None:
    copy = tmp_path / "circuit"
    shutil.copytree(INPUT.path, copy)
    settings = copy / "settings.json"
    settings.write_bytes(settings.read_bytes().replace(b'"decomp_base": 128', b'"decomp_base": 256'))
    with pytest.raises(CircuitError, match="settings are not the pinned ones") as caught:
        CircuitFolder.open(copy).build(Workspace(tmp_path / "home", quick_engine), load)
    assert caught.value.got == f"sha256 {pinned(INPUT)['circuit']['settings.json']}"


def test_keys_of_an_insecure_string_are_not_pinned(quick_engine: EzklEngine, srs_of: SrsOf) -> None:
    with pytest.raises(SrsError, match="not worth pinning"):
        pin_circuits.pin(INPUT.path, quick_engine, srs=srs_of(8).path)


def test_keys_follow_from_circuit_and_reference_string(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    """Made anew elsewhere they are the same bytes, under another string they are not."""
    network = random_network(np.random.default_rng(0), (3, 2), ())
    statement: Statement = input_statement(network, "small", Numerics(lookup_bits=8, committed_salts=4))
    digests: list[tuple[str, bytes]] = []
    for place, extra in (("here", 0), ("there", 0), ("other string", 1)):
        workspace = Workspace(tmp_path / place, quick_engine)
        circuit = workspace.build_circuit(statement, input_graph(statement, network))
        keyed = workspace.set_up(circuit, srs_of(circuit.degree + extra))
        digests.append((keyed.digests["verifying.key"], keyed.vka_digest))
    here, there, other = digests
    assert here == there
    assert here[0] != other[0]
    assert here[1] != other[1]


def test_check_names_what_differs_and_writes_nothing(
    quick_engine: EzklEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, folder in FOLDERS.items():
        shutil.copytree(folder.path, tmp_path / name)
    monkeypatch.setattr(pin_circuits, "CIRCUITS", tmp_path)
    monkeypatch.setattr(pin_circuits, "EzklEngine", lambda: quick_engine)
    assert pin_circuits.main(["--check"]) == 0
    settings = tmp_path / "private_input" / "settings.json"
    settings.write_bytes(b"{}")
    assert pin_circuits.main(["--check"]) == 1
    assert settings.read_bytes() == b"{}"
    assert "private_input/settings.json: differs" in capsys.readouterr().out
    assert pin_circuits.main([]) == 0
    assert settings.read_bytes() == (INPUT.path / "settings.json").read_bytes()
