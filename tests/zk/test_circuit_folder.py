"""The circuit folder that people hand around: written once, compared ever after, and believed in nothing."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyml.errors import CircuitError, DatasetError, ModelError, PymlError
from pyml.ml.datasets import Dataset
from pyml.ml.integer import IntegerNetwork
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, inference_statement, input_statement, labelled_set, link_statement
from pyml.zk.ezkl import EzklEngine
from pyml.zk.model_codec import encode_network
from pyml.zk.statement import Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network, small_numerics

NETWORK = random_network(np.random.default_rng(3), (4, 3, 2), (1,))
OTHER = random_network(np.random.default_rng(4), (4, 3, 2), (1,))


def tiny(seed: int = 0) -> Dataset:
    """Twenty samples of four pixels from 0 to 3, in two classes."""
    random = np.random.default_rng(seed)

    def split() -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.uint8]]]:
        return random.integers(0, 4, (20, 4), dtype=np.uint8), random.integers(0, 2, 20, dtype=np.uint8)

    return Dataset("tiny", *split(), *split(), classes=2, pixel_max=3)


def load(name: str) -> Dataset:
    assert name == "tiny"
    return tiny()


def never(name: str) -> Dataset:
    raise AssertionError(f"{name} was loaded without need")


def about_set(network: IntegerNetwork = NETWORK, samples: int = 5) -> Statement:
    return accuracy_statement(architecture_of(network), labelled_set(tiny(), samples=samples), small_numerics())


def about_input(network: IntegerNetwork = NETWORK) -> Statement:
    return input_statement(network, "a model", small_numerics())


def about_answers(network: IntegerNetwork = NETWORK, degree: int = 10) -> Statement:
    return inference_statement(about_set(network), degree)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# The statement


@pytest.mark.parametrize(
    "statement",
    [about_set(), about_input(), about_answers(), link_statement(about_set(), 10)],
    ids=lambda statement: statement.kind,
)
def test_written_and_opened(tmp_path: Path, statement: Statement) -> None:
    made = CircuitFolder.create(tmp_path / "new" / "circuit", statement)
    assert CircuitFolder.open(made.path) == made == CircuitFolder(tmp_path / "new" / "circuit", statement)
    assert set(content(made.path)) == {"circuit.toml"}


def test_same_circuit_may_be_written_again(tmp_path: Path) -> None:
    CircuitFolder.create(tmp_path, about_input(), NETWORK)
    before = content(tmp_path)
    CircuitFolder.create(tmp_path, about_input(), NETWORK)
    assert content(tmp_path) == before
    assert set(before) == {"circuit.toml", "model.json"}


@pytest.mark.parametrize(
    "other", [about_set(), about_answers(), about_input(OTHER), replace(about_input(), subject_name="another name")]
)
def test_another_circuit_in_the_folder_is_kept(tmp_path: Path, other: Statement) -> None:
    CircuitFolder.create(tmp_path, about_input(), NETWORK)
    before = content(tmp_path)
    with pytest.raises(CircuitError) as caught:
        CircuitFolder.create(tmp_path, other, OTHER)
    assert str(caught.value) == f"{tmp_path} already holds another circuit. Name another folder with --out."
    assert content(tmp_path) == before


def test_absent_circuit(tmp_path: Path) -> None:
    with pytest.raises(CircuitError) as caught:
        CircuitFolder.open(tmp_path / "nowhere")
    assert (
        str(caught.value) == f"{tmp_path / 'nowhere' / 'circuit.toml'} does not exist. Make it with `pyml zk export`."
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version = 1", "version = 2", "a circuit statement has the wrong keys"),
        ("samples = 5", "samples = 0", "wrong number of samples"),
        ("samples = 5", 'samples = "5"', "a circuit statement is malformed: expected an integer, got '5'"),
        ("samples = 5", "samples = 5\nextra = 1", "a circuit statement has the wrong keys"),
        ("samples = 5", "", "a circuit statement has the wrong keys"),
        ("private_model_accuracy", "private_everything", "unknown circuit"),
        ("sizes = [4, 3, 2]", "sizes = [4, 3, 2.0]", "a circuit statement is malformed: expected an integer"),
        ("sizes = [4, 3, 2]", "sizes = [4, 3]", "bias units or shifts do not match"),
        ("sizes = [4, 3, 2]", "sizes = []", "an architecture needs positive widths"),
        ("lookup_bits = 8", "lookup_bits = 40", "lookup_bits or margin_limbs out of range"),
        ("lookup_bits = 8", "lookup_bits = 8\nmystery = 1", "a circuit statement is malformed"),
        ("[numerics]", "[numerics", "cannot be read"),
        ("degree = 0", "", "a circuit statement has the wrong keys"),
        ("degree = 0", "degree = -1", "wrong degree for private_model_accuracy"),
        ("degree = 0", "degree = true", "a circuit statement is malformed: expected an integer, got True"),
        ("private_model_accuracy", "private_model_inference", "wrong number of samples"),
    ],
)
def test_malformed_statement_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    CircuitFolder.create(tmp_path, about_set())
    path = tmp_path / "circuit.toml"
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CircuitError, match=words.replace("[", r"\[")):
        CircuitFolder.open(tmp_path)


@pytest.mark.parametrize("hostile", [b"", b"\xff", b"a = " + b"[" * 100_000, b"version = 1"])
def test_hostile_statement_is_refused(tmp_path: Path, hostile: bytes) -> None:
    (tmp_path / "circuit.toml").write_bytes(hostile)
    with pytest.raises(CircuitError):
        CircuitFolder.open(tmp_path)


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "circuit.toml").mkdir()
    with pytest.raises(CircuitError, match=r"circuit\.toml cannot be read"):
        CircuitFolder.open(tmp_path)


# The public parts


def test_public_samples(tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_set())
    found = folder.labelled_set(load)
    assert found.digest == folder.statement.subject
    assert found.inputs.tolist() == tiny().test_images[:5].tolist()


def test_other_samples_are_refused(tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_set())
    with pytest.raises(CircuitError) as caught:
        folder.labelled_set(lambda _: tiny(1))
    assert caught.value.problem == f"tiny/test[0:5] is not the set that {tmp_path} pins"
    assert caught.value.expected == about_set().subject


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("tiny/test[1:6]", CircuitError, "is not the set that"),
        ("tiny/test[0:4]", CircuitError, "is not the set that"),
        ("tiny/test[0:21]", DatasetError, "tiny has no test samples 0 to 21"),
        ("tiny/test[5:5]", DatasetError, "tiny has no test samples 5 to 5"),
        ("tiny/test[9:3]", DatasetError, "tiny has no test samples 9 to 3"),
        ("tiny/train[0:5]", CircuitError, "has no usable name"),
        ("../tiny/test[0:5]", CircuitError, "has no usable name"),
        ("tiny/test[0:5]\n", CircuitError, "has no usable name"),
        ("tiny", CircuitError, "has no usable name"),
        ("tiny/test[0:" + "9" * 5000 + "]", CircuitError, "has no usable name"),
    ],
)
def test_name_that_does_not_lead_to_the_samples(tmp_path: Path, name: str, kind: type[PymlError], words: str) -> None:
    folder = CircuitFolder.create(tmp_path, replace(about_set(), subject_name=name))
    with pytest.raises(kind, match=words):
        CircuitFolder.open(tmp_path).labelled_set(load)
    assert folder == CircuitFolder.open(tmp_path)


def test_public_model(tmp_path: Path) -> None:
    assert CircuitFolder.create(tmp_path, about_input(), NETWORK).network() == NETWORK
    assert json.loads((tmp_path / "model.json").read_bytes())["bits"] == NETWORK.bits


def test_another_public_model_is_refused(tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_input(), NETWORK)
    (tmp_path / "model.json").write_bytes(encode_network(OTHER))
    with pytest.raises(CircuitError) as caught:
        folder.network()
    assert caught.value.problem == f"{tmp_path / 'model.json'} is not the model that the circuit pins"
    assert caught.value.expected == folder.statement.subject


SPOIL_MODEL: list[Callable[[str], str]] = [
    lambda text: text[:-1],
    lambda text: f"[{text}]",
    lambda text: text.replace('"bits":4', '"bits":40'),
]


@pytest.mark.parametrize("change", SPOIL_MODEL)
def test_malformed_public_model_is_refused(tmp_path: Path, change: Callable[[str], str]) -> None:
    folder = CircuitFolder.create(tmp_path, about_input(), NETWORK)
    path = tmp_path / "model.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(ModelError):
        folder.network()


def test_absent_public_model(tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_input())
    with pytest.raises(CircuitError, match=r"model\.json cannot be read: No such file"):
        folder.network()
    (tmp_path / "model.json").mkdir()
    with pytest.raises(CircuitError, match=r"model\.json cannot be read: Is a directory"):
        folder.network()


# Pins


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"), quick_engine)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, workspace: Workspace, srs_of: SrsOf) -> Path:
    """A private-input circuit with all its pins."""
    folder = CircuitFolder.create(tmp_path_factory.mktemp("original"), about_input(), NETWORK)
    circuit = folder.build(workspace, never)
    folder.pin_keys(workspace.set_up(circuit, srs_of(circuit.degree)))
    return folder.path


@pytest.fixture
def pinned(original: Path, tmp_path: Path) -> CircuitFolder:
    """A copy of it to spoil."""
    shutil.copytree(original, tmp_path / "circuit")
    return CircuitFolder.open(tmp_path / "circuit")


def test_pins_are_written_once(pinned: CircuitFolder, workspace: Workspace, srs_of: SrsOf) -> None:
    before = content(pinned.path)
    assert set(before) == {"circuit.toml", "model.json", "settings.json", "digests.toml"}
    circuit = pinned.build(workspace, never)
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    pinned.pin_keys(keyed)
    assert content(pinned.path) == before
    assert before["settings.json"] == circuit.files.settings.read_bytes()
    assert tomllib.loads(before["digests.toml"].decode()) == {
        "circuit": {
            "statement": pinned.statement.digest,
            "graph.onnx": circuit.digests["graph.onnx"],
            "settings.json": circuit.digests["settings.json"],
        },
        f"srs-{keyed.srs.digest}": {
            "verifying.key": keyed.digests["verifying.key"],
            "vka": keyed.vka_digest.hex(),
        },
    }


def test_another_machine_comes_to_the_same_pins(
    pinned: CircuitFolder, tmp_path: Path, quick_engine: EzklEngine, srs_of: SrsOf
) -> None:
    """Graph, settings and verifying key are functions of the folder and the reference string."""
    before = content(pinned.path)
    elsewhere = Workspace(tmp_path / "elsewhere", quick_engine)
    circuit = pinned.build(elsewhere, never)
    pinned.pin_keys(elsewhere.set_up(circuit, srs_of(circuit.degree)))
    assert content(pinned.path) == before


def test_second_reference_string_gets_pins_of_its_own(
    pinned: CircuitFolder, workspace: Workspace, srs_of: SrsOf
) -> None:
    before = tomllib.loads((pinned.path / "digests.toml").read_text())
    circuit = pinned.build(workspace, never)
    larger = workspace.set_up(circuit, srs_of(circuit.degree + 1))
    pinned.pin_keys(larger)
    after = tomllib.loads((pinned.path / "digests.toml").read_text())
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"srs-{larger.srs.digest}"}


def test_altered_settings_are_refused(pinned: CircuitFolder, workspace: Workspace, tmp_path: Path) -> None:
    path = pinned.path / "settings.json"
    path.write_bytes(path.read_bytes() + b" ")
    for place in (workspace, Workspace(tmp_path / "fresh", workspace.engine)):
        with pytest.raises(CircuitError, match="the circuit's settings are not the pinned ones"):
            pinned.build(place, never)
    path.unlink()
    path.mkdir()
    with pytest.raises(CircuitError, match=r"settings\.json cannot be read: Is a directory"):
        pinned.build(workspace, never)


@pytest.mark.parametrize("name", ["statement", "graph.onnx", "settings.json"])
def test_altered_circuit_pin_is_refused(pinned: CircuitFolder, workspace: Workspace, name: str) -> None:
    path = pinned.path / "digests.toml"
    digest = tomllib.loads(path.read_text())["circuit"][name]
    path.write_text(path.read_text().replace(digest, "0" * 64))
    with pytest.raises(CircuitError) as caught:
        pinned.build(workspace, never)
    assert str(caught.value) == (
        f"{pinned.path}: {name} is not the pinned one (circuit); expected {'0' * 64}; got {digest}. "
        "Engine, exporter or data differ from when it was pinned."
    )


@pytest.mark.parametrize("name", ["verifying.key", "vka"])
def test_altered_key_pin_is_refused(pinned: CircuitFolder, workspace: Workspace, srs_of: SrsOf, name: str) -> None:
    circuit = pinned.build(workspace, never)
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    path, table = pinned.path / "digests.toml", f"srs-{keyed.srs.digest}"
    digest = tomllib.loads(path.read_text())[table][name]
    path.write_text(path.read_text().replace(digest, "0" * 64))
    with pytest.raises(CircuitError) as caught:
        pinned.pin_keys(keyed)
    assert caught.value.problem == f"{pinned.path}: {name} is not the pinned one ({table})"
    assert (caught.value.expected, caught.value.got) == ("0" * 64, digest)


def test_absent_pin_in_a_table_is_refused(pinned: CircuitFolder, workspace: Workspace) -> None:
    path = pinned.path / "digests.toml"
    lines = [line for line in path.read_text().splitlines() if '"graph.onnx"' not in line]
    path.write_text("\n".join(lines))
    with pytest.raises(CircuitError, match=r"graph\.onnx is not the pinned one \(circuit\); expected a pinned digest"):
        pinned.build(workspace, never)


@pytest.mark.parametrize(
    "hostile", [b"circuit = 1", b"[circuit", b"\xff\xfe", b"a = " + b"[" * 100_000, b"circuit = []", b'"" = "x"']
)
def test_unreadable_pins_are_refused(pinned: CircuitFolder, workspace: Workspace, hostile: bytes) -> None:
    (pinned.path / "digests.toml").write_bytes(hostile)
    with pytest.raises(CircuitError, match=r"digests\.toml cannot be read"):
        pinned.build(workspace, never)
    assert (pinned.path / "digests.toml").read_bytes() == hostile


def test_folder_in_place_of_the_pins(pinned: CircuitFolder, workspace: Workspace) -> None:
    (pinned.path / "digests.toml").unlink()
    (pinned.path / "digests.toml").mkdir()
    with pytest.raises(CircuitError, match=r"digests\.toml cannot be read: .*directory"):
        pinned.build(workspace, never)


def test_altered_statement_does_not_fit_the_pins(pinned: CircuitFolder, workspace: Workspace) -> None:
    path = pinned.path / "circuit.toml"
    path.write_text(path.read_text().replace('"a model"', '"another name"'))
    with pytest.raises(CircuitError, match=r"statement is not the pinned one|settings are not the pinned ones"):
        CircuitFolder.open(pinned.path).build(workspace, never)


def test_altered_model_is_refused_even_when_the_circuit_is_compiled(
    pinned: CircuitFolder, workspace: Workspace
) -> None:
    (pinned.path / "model.json").write_bytes(encode_network(OTHER))
    with pytest.raises(CircuitError, match="is not the model that the circuit pins"):
        pinned.build(workspace, never)


def test_data_are_read_to_compile_and_not_after(workspace: Workspace, tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_set())
    with pytest.raises(CircuitError, match="is not the set that"):
        folder.build(workspace, lambda _: tiny(1))
    assert set(content(tmp_path)) == {"circuit.toml"}, "what failed pins nothing"
    phases: list[str] = []
    made = folder.build(workspace, load, progress=phases.append)
    assert phases[0] == "writing what the circuit is made from"
    phases.clear()
    assert folder.build(workspace, never, progress=phases.append) == made
    assert phases == []


def test_a_circuit_for_answers_needs_neither_data_nor_model(workspace: Workspace, tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path / "here", about_answers())
    circuit = folder.build(workspace, never)
    assert circuit.degree == 10
    assert set(content(folder.path)) == {"circuit.toml", "settings.json", "digests.toml"}
    again = CircuitFolder.create(tmp_path / "there", about_answers(OTHER))
    assert again.statement == folder.statement, "models of one shape have one circuit"
    again.build(Workspace(tmp_path / "home", workspace.engine), never)
    assert content(again.path) == content(folder.path)
    for wanted, line in ((folder.network, r"model\.json cannot be read"), (lambda: folder.labelled_set(never), "name")):
        with pytest.raises(CircuitError, match=line):
            wanted()


def test_a_circuit_for_answers_that_does_not_fit_its_degree_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    folder = CircuitFolder.create(tmp_path, about_answers(degree=8))
    with pytest.raises(CircuitError) as caught:
        folder.build(workspace, never)
    assert str(caught.value) == (
        "the circuit does not fit the degree of the model's commitment; expected k = 9 or more; got 8"
    )
    assert set(content(tmp_path)) == {"circuit.toml"}


def test_statement_that_does_not_fit_its_samples_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    """The digest is right, the shape is not."""
    wide = random_network(np.random.default_rng(5), (5, 3, 2), (1,))
    for name, statement in (
        ("samples", replace(about_set(), samples=4)),
        ("features", replace(about_set(), architecture=architecture_of(wide))),
    ):
        folder = CircuitFolder.create(tmp_path / name, statement)
        with pytest.raises(CircuitError, match="the data do not fit the statement"):
            folder.build(workspace, load)
        assert set(content(folder.path)) == {"circuit.toml"}
