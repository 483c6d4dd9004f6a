"""The audit of a circuit folder: silent about an honest one, and every kind of tampering found where it was done."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyml.chain.artifacts import Artifact
from pyml.chain.solc import Solc, find_solc
from pyml.errors import DatasetError, InputError, SrsError
from pyml.files import write_atomically
from pyml.ml.datasets import Dataset
from pyml.zk import audit as auditing
from pyml.zk import audit_folder
from pyml.zk.audit import audit
from pyml.zk.audit_folder import constraints_section, settings_section
from pyml.zk.audit_report import Audit, Check, Verdict
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, inference_statement, input_statement, labelled_set, link_statement
from pyml.zk.ezkl import ENGINE_VERSION, EzklEngine
from pyml.zk.model_codec import encode_network
from pyml.zk.specification import reference_spec
from pyml.zk.srs import Srs
from pyml.zk.statement import Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network, small_numerics

NETWORK = random_network(np.random.default_rng(3), (4, 3, 2), (1,))
OTHER = random_network(np.random.default_rng(4), (4, 3, 2), (1,))
DEGREE = 10
KEYS = {"pinned digest of the verifying key", "pinned vka digest"}
NO_CIRCUIT = {
    "settings.json in the folder",
    "pinned digest of graph.onnx",
    "pinned digest of settings.json",
    "keys made again",
    "source of the shipped reusable verifier",
}

Spoil = Callable[[str], str]


def tiny(seed: int = 0) -> Dataset:
    """Twenty samples of four pixels from 0 to 3, in two classes."""
    random = np.random.default_rng(seed)
    images, labels = random.integers(0, 4, (20, 4), dtype=np.uint8), random.integers(0, 2, 20, dtype=np.uint8)
    return Dataset("tiny", images, labels, images, labels, classes=2, pixel_max=3)


def load(name: str) -> Dataset:
    assert name == "tiny"
    return tiny()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"), quick_engine)


def statements() -> dict[str, Statement]:
    accuracy = accuracy_statement(architecture_of(NETWORK), labelled_set(tiny(), samples=5), small_numerics())
    return {
        "accuracy": accuracy,
        "inference": inference_statement(accuracy, DEGREE),
        "link": link_statement(accuracy, DEGREE),
        "input": input_statement(NETWORK, "a model", small_numerics()),
    }


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory, workspace: Workspace, srs_of: SrsOf) -> dict[str, Path]:
    """One circuit of each kind with all its pins, keys too."""
    home = tmp_path_factory.mktemp("originals")
    for name, statement in statements().items():
        folder = CircuitFolder.create(home / name, statement, NETWORK if name == "input" else None)
        circuit = folder.build(workspace, load)
        folder.pin_keys(workspace.set_up(circuit, srs_of(circuit.degree)))
    return {name: home / name for name in statements()}


@pytest.fixture
def copy(originals: dict[str, Path], tmp_path: Path) -> Path:
    """The private-input circuit, to be spoilt."""
    return Path(shutil.copytree(originals["input"], tmp_path / "circuit"))


@pytest.fixture
def run(tmp_path: Path, quick_engine: EzklEngine, srs_of: SrsOf) -> Callable[[Path], Audit]:
    return lambda folder: audit(CircuitFolder.open(folder), Workspace(tmp_path / "home", quick_engine), load, srs_of)


def named(report: Audit, what: str) -> Check:
    (check,) = (check for check in report.checks if check.what == what)
    return check


def those(report: Audit, verdict: Verdict) -> set[str]:
    return {check.what for check in report.checks if check.verdict is verdict}


def spoil(path: Path, change: Spoil) -> None:
    before = path.read_text()
    assert change(before) != before
    path.write_text(change(before))


# An honest folder


@pytest.mark.parametrize("name", ["accuracy", "inference", "link", "input"])
def test_an_honest_circuit_is_all_right(
    name: str, originals: dict[str, Path], run: Callable[[Path], Audit], tmp_path: Path
) -> None:
    before = content(originals[name])
    report = run(originals[name])
    assert report.verdict is Verdict.OK
    assert not those(report, Verdict.FAILED) | those(report, Verdict.UNCHECKABLE)
    assert those(report, Verdict.OK) >= KEYS | {"circuit made again", "keys made again", "installed engine"}
    assert content(originals[name]) == before, "the folder is only read"
    assert not list((tmp_path / "home").iterdir()), "what was made is removed"


def test_the_report_is_the_same_for_everybody(originals: dict[str, Path], run: Callable[[Path], Audit]) -> None:
    """Two auditors can compare their reports byte by byte: no time, no folder of theirs is in it."""
    report = run(originals["input"])
    text = json.dumps(report.as_dict())
    assert text == json.dumps(run(originals["input"]).as_dict())
    assert str(originals["input"].parent) not in text
    assert list(report.as_dict()["sections"]) == [
        *("statement", "signals", "constraints", "bounds", "settings", "circuit", "keys", "verifier")
    ]
    assert report.as_dict()["verdict"] == "ok"


def test_what_was_not_asked_for_is_said(originals: dict[str, Path], run: Callable[[Path], Audit]) -> None:
    report = run(originals["input"])
    assert those(report, Verdict.NOT_CHECKED) == {
        "constraints of SPEC.md",
        "structured reference string",
        "files in the workspace",
        "bytecode of the shipped reusable verifier",
    }
    assert named(report, "structured reference string").reason == "it is insecure, for development chains only"


def test_without_pins_everything_is_made_and_nothing_compared(copy: Path, run: Callable[[Path], Audit]) -> None:
    for name in ("settings.json", "digests.toml"):
        (copy / name).unlink()
    report = run(copy)
    assert report.verdict is Verdict.OK
    assert those(report, Verdict.NOT_CHECKED) >= KEYS | {"settings.json", "digests.toml"}
    assert len(named(report, "pinned vka digest").found) == 64
    assert set(content(copy)) == {"circuit.toml", "model.json"}


# Tampering with the folder

MODEL = {"public model", "circuit made again"}
STATEMENT = {"pinned digest of the statement"}
SHAPE = STATEMENT | {"architecture of the public model"}
RULES = {"soundness rules of the engine", "settings.json in the folder"}
EVERYTHING = {"settings.json in the folder", "pinned digest of graph.onnx", "pinned digest of settings.json"}
TAMPERING: list[tuple[str, str, str, set[str]]] = [
    ("circuit.toml", "bias_units = [2,", "bias_units = [4,", SHAPE),
    ("circuit.toml", "weight_bits = 4", "weight_bits = 5", SHAPE),
    ("circuit.toml", '"a model"', '"a better model"', STATEMENT),
    ("circuit.toml", "margin_limbs = 2", "margin_limbs = 3", STATEMENT | EVERYTHING | KEYS | RULES),
    ("circuit.toml", "committed_salts = 3", "committed_salts = 4", STATEMENT | EVERYTHING | RULES),  # no gate sees them
    ("circuit.toml", 'checks = "public, must be 0"', 'checks = "private"', {"visibility table of circuit.toml"}),
    ("circuit.toml", 'label = "public"', "", {"visibility table of circuit.toml"}),
    ("settings.json", '"num_rows": 1', '"num_rows": 2', {"settings.json in the folder"}),
    ("digests.toml", "[", "{", {"digests.toml"}),
    ("digests.toml", '["circuit"]', "circuit = 1\n['other']", {"digests.toml"}),
    ("model.json", '"bits":4', '"bits":5', MODEL),
    ("model.json", '"version"', '"revision"', MODEL),
    ("model.json", "{", "[", MODEL),
]


@pytest.mark.parametrize(("file", "old", "new", "wrong"), TAMPERING)
def test_tampering_is_found_where_it_was_done(
    file: str, old: str, new: str, wrong: set[str], copy: Path, run: Callable[[Path], Audit]
) -> None:
    spoil(copy / file, lambda text: text.replace(old, new, 1))
    before = content(copy)
    report = run(copy)
    assert report.verdict is Verdict.FAILED
    assert those(report, Verdict.FAILED) == wrong
    assert content(copy) == before


SETTINGS: list[tuple[str, str, set[str]]] = [
    ('"num_rows": 1', '"num_rows": 2', {"settings.json in the folder"}),
    ('"num_rows": 1', '"num_rows":  1', {"settings.json in the folder"}),
    ('"timestamp": 0', '"timestamp": 1', {"order of settings.json", "settings.json in the folder"}),
    ('"disable_freivalds": true', '"disable_freivalds": false', RULES),
    ('"total_einsum_col_size": 0', '"total_einsum_col_size": 9', RULES),
    ('"input_scale": 0', '"input_scale": 7', RULES),
    ('"input_visibility": "KZGCommit"', '"input_visibility": "Private"', RULES),
    (f'"version": "{ENGINE_VERSION}"', '"version": "16.1.0"', RULES),
    ('"logrows": ', '"logrows": 1', RULES),
    ('"logrows": ', '"logrows": 1000000000000', RULES),
    ('"logrows": ', '"logrows": "k", "x": ', RULES),
    ('"run_args"', '"walk_args"', RULES),
    ("{", "[{", RULES),
    ("{", "[" * 100_000 + "{", RULES),
]


@pytest.mark.parametrize(("old", "new", "wrong"), SETTINGS)
def test_tampering_with_the_settings_is_found(
    old: str, new: str, wrong: set[str], copy: Path, workspace: Workspace
) -> None:
    folder = CircuitFolder.open(copy)
    circuit = folder.build(workspace, load)
    assert all(check.verdict is Verdict.OK for check in settings_section(folder, circuit).checks)
    spoil(copy / "settings.json", lambda text: text.replace(old, new, 1))
    checks = settings_section(folder, circuit).checks
    assert {check.what for check in checks if check.verdict is Verdict.FAILED} == wrong


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("statement", "pinned digest of the statement"),
        ("graph.onnx", "pinned digest of graph.onnx"),
        ("settings.json", "pinned digest of settings.json"),
        ("verifying.key", "pinned digest of the verifying key"),
        ("vka", "pinned vka digest"),
    ],
)
def test_one_wrong_digit_in_a_pin_is_found(name: str, what: str, copy: Path, run: Callable[[Path], Audit]) -> None:
    tables = tomllib.loads((copy / "digests.toml").read_text())
    (right,) = (table[name] for table in tables.values() if name in table)
    wrong = ("1" if right[0] == "0" else "0") + right[1:]
    spoil(copy / "digests.toml", lambda text: text.replace(f'"{name}" = "{right}"', f'"{name}" = "{wrong}"'))
    report = run(copy)
    assert those(report, Verdict.FAILED) == {what}
    assert named(report, what) == Check(what, wrong, right, Verdict.FAILED)


def test_a_pin_taken_out_of_its_table_is_found(copy: Path, run: Callable[[Path], Audit]) -> None:
    spoil(copy / "digests.toml", lambda text: text.replace('"graph.onnx" =', '"graph" ='))
    check = named(run(copy), "pinned digest of graph.onnx")
    assert (check.verdict, check.expected) == (Verdict.FAILED, "a pinned digest")


def test_a_broken_rule_is_named(copy: Path, run: Callable[[Path], Audit]) -> None:
    spoil(copy / "settings.json", lambda text: text.replace('"disable_freivalds": true', '"disable_freivalds": false'))
    check = named(run(copy), "soundness rules of the engine")
    assert check == Check(
        "soundness rules of the engine",
        "True",
        "False",
        Verdict.FAILED,
        "the circuit's settings break a soundness rule: built-in Freivalds (unsound)",
    )


def test_another_public_model_is_found(copy: Path, run: Callable[[Path], Audit]) -> None:
    write_atomically(copy / "model.json", encode_network(OTHER))
    report = run(copy)
    assert those(report, Verdict.FAILED) == MODEL
    assert those(report, Verdict.UNCHECKABLE) == NO_CIRCUIT
    assert named(report, "public model").expected == CircuitFolder.open(copy).statement.subject


def test_another_subject_in_the_statement_is_found(copy: Path, run: Callable[[Path], Audit]) -> None:
    subject = CircuitFolder.open(copy).statement.subject
    spoil(copy / "circuit.toml", lambda text: text.replace(subject, subject[::-1]))
    assert those(run(copy), Verdict.FAILED) == MODEL | STATEMENT


def test_other_data_are_found(originals: dict[str, Path], tmp_path: Path, workspace: Workspace, srs_of: SrsOf) -> None:
    folder = CircuitFolder.open(originals["accuracy"])
    report = audit(folder, replace(workspace, home=tmp_path), lambda _: tiny(1), srs_of)
    assert those(report, Verdict.FAILED) == {"labelled set", "circuit made again"}
    check = named(report, "labelled set")
    assert check.expected == folder.statement.subject
    assert check.found == labelled_set(tiny(1), samples=5, input_bits=2).digest


@pytest.mark.parametrize("name", ["tiny/test[0:4]", "tiny/test[1:6]", "tiny/train[0:5]", "../tiny/test[0:5]"])
def test_a_name_that_leads_to_other_samples_is_found(
    name: str, originals: dict[str, Path], tmp_path: Path, run: Callable[[Path], Audit]
) -> None:
    folder = Path(shutil.copytree(originals["accuracy"], tmp_path / "circuit"))
    spoil(folder / "circuit.toml", lambda text: text.replace("tiny/test[0:5]", name))
    assert those(run(folder), Verdict.FAILED) == STATEMENT | {"labelled set", "circuit made again"}


def test_a_statement_whose_samples_do_not_fit_its_shape_is_found(
    originals: dict[str, Path], tmp_path: Path, run: Callable[[Path], Audit]
) -> None:
    folder = Path(shutil.copytree(originals["accuracy"], tmp_path / "circuit"))
    spoil(folder / "circuit.toml", lambda text: text.replace("sizes = [4,", "sizes = [5,"))
    report = run(folder)
    check = named(report, "circuit made again")
    assert (check.verdict, check.reason) == (Verdict.FAILED, "the data do not fit the statement")
    assert those(report, Verdict.FAILED) >= STATEMENT


def test_a_statement_of_absurd_size_is_refused_before_anything_is_allocated(
    copy: Path, run: Callable[[Path], Audit]
) -> None:
    spoil(copy / "circuit.toml", lambda text: text.replace("sizes = [4, 3, 2]", f"sizes = [{10**75}, {10**75}, 2]"))
    report = run(copy)
    check = named(report, "circuit made again")
    assert (check.verdict, check.expected) == (Verdict.FAILED, "at most 2^26")
    assert check.reason == "a private tensor has more entries than the largest circuit has rows"
    assert named(report, "no integer wraps around").verdict is Verdict.FAILED


# SPEC.md beside the circuit


def test_the_reference_specification_is_recognised(copy: Path, run: Callable[[Path], Audit]) -> None:
    (copy / "SPEC.md").write_text(reference_spec("private_input") or "")
    report = run(copy)
    assert named(report, "constraints of SPEC.md").verdict is Verdict.OK
    (section,) = (section for section in report.sections if section.title == "constraints")
    assert section.facts["F"] == "tests/zk/test_forgeries.py"
    assert len(section.records) == 6


OTHER_SPECIFICATIONS: list[tuple[Spoil, str]] = [
    (lambda text: text.replace("and Σ_j a_j = 1", "and Σ_j a_j = 2"), "others: C4"),
    (lambda text: text.replace("| C5 |", "| C7 |"), "others: C5, C7"),
    (lambda _: "nothing of the kind", "others: C1, C2, C3, C4, C5, C6"),
    (lambda text: text + "\n| C1 | a | b | c |\n", "others: C1"),
    (lambda text: text.replace("| C1 |", "| C0 |").replace("| C2 |", "| C1 |"), "others: C0, C1, C2"),
    (lambda text: text + next(line for line in text.splitlines() if "| C6 |" in line), "the same in another order"),
]


@pytest.mark.parametrize(("change", "found"), OTHER_SPECIFICATIONS)
def test_other_constraints_in_the_specification_are_found(change: Spoil, found: str, copy: Path) -> None:
    (copy / "SPEC.md").write_text(change(reference_spec("private_input") or ""))
    (check,) = constraints_section(CircuitFolder.open(copy)).checks
    assert (check.verdict, check.found) == (Verdict.FAILED, found)


@pytest.mark.parametrize("hostile", [b"\xff\xfe", b"x" * (2 << 20)])
def test_a_specification_that_is_no_text_cannot_be_checked(hostile: bytes, copy: Path) -> None:
    (copy / "SPEC.md").write_bytes(hostile)
    (check,) = constraints_section(CircuitFolder.open(copy)).checks
    assert check.verdict is Verdict.UNCHECKABLE


# What is missing is not wrong


@pytest.mark.parametrize(
    ("name", "open_checks"),
    [
        ("model.json", {"public model", "circuit made again", *NO_CIRCUIT}),
        ("settings.json", {"settings.json"}),
        ("digests.toml", {"digests.toml"}),
        ("SPEC.md", {"constraints of SPEC.md"}),
    ],
)
def test_an_unreadable_file_cannot_be_checked(
    name: str, open_checks: set[str], copy: Path, run: Callable[[Path], Audit]
) -> None:
    (copy / name).unlink(missing_ok=True)
    (copy / name).mkdir()
    report = run(copy)
    assert report.verdict is Verdict.UNCHECKABLE
    pins = {"pinned digest of graph.onnx", "pinned digest of settings.json"}
    assert those(report, Verdict.UNCHECKABLE) - pins == open_checks - pins
    assert not those(report, Verdict.FAILED)


def test_absent_data_cannot_be_checked(
    originals: dict[str, Path], tmp_path: Path, workspace: Workspace, srs_of: SrsOf
) -> None:
    def absent(name: str) -> Dataset:
        raise DatasetError(f"{name} is not here", expected="a file", got="none")

    folder = CircuitFolder.open(originals["accuracy"])
    report = audit(folder, replace(workspace, home=tmp_path), absent, srs_of)
    assert report.verdict is Verdict.UNCHECKABLE
    assert named(report, "labelled set").reason == "tiny is not here; expected a file; got none"


def test_without_reference_string_all_but_the_keys_is_checked(copy: Path, workspace: Workspace, tmp_path: Path) -> None:
    def none(degree: int) -> Srs:
        raise SrsError(f"there is no structured reference string of k = {degree}")

    report = audit(CircuitFolder.open(copy), replace(workspace, home=tmp_path / "home"), load, none)
    assert those(report, Verdict.UNCHECKABLE) == {"keys made again", "source of the shipped reusable verifier"}
    assert those(report, Verdict.OK) >= {"pinned digest of graph.onnx", "settings.json in the folder"}


def test_another_reference_string_gives_keys_that_are_not_pinned(
    copy: Path, workspace: Workspace, tmp_path: Path, srs_of: SrsOf
) -> None:
    folder = CircuitFolder.open(copy)
    report = audit(folder, replace(workspace, home=tmp_path / "home"), load, lambda degree: srs_of(degree + 1))
    assert report.verdict is Verdict.OK
    assert those(report, Verdict.NOT_CHECKED) >= KEYS
    assert named(report, "pinned vka digest").reason == "not pinned for this structured reference string"


def test_a_string_that_claims_to_be_public_is_found(
    copy: Path, workspace: Workspace, tmp_path: Path, srs_of: SrsOf
) -> None:
    def lying(degree: int) -> Srs:
        return replace(srs_of(degree), insecure=False)

    report = audit(CircuitFolder.open(copy), replace(workspace, home=tmp_path / "home"), load, lying)
    assert those(report, Verdict.FAILED) == {"structured reference string"}


def test_no_room_to_work_is_an_error(copy: Path, workspace: Workspace, tmp_path: Path, srs_of: SrsOf) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        audit(CircuitFolder.open(copy), replace(workspace, home=tmp_path / "file" / "home"), load, srs_of)


# The user's workspace


@pytest.fixture
def used(workspace: Workspace, copy: Path, tmp_path: Path, srs_of: SrsOf) -> tuple[Workspace, Path]:
    """A workspace that holds circuit and keys, and the folder of its keys."""
    mine = replace(workspace, home=tmp_path / "mine")
    circuit = CircuitFolder.open(copy).build(mine, load)
    return mine, mine.set_up(circuit, srs_of(circuit.degree)).files.folder


def test_honest_files_in_the_workspace_are_compared(used: tuple[Workspace, Path], copy: Path, srs_of: SrsOf) -> None:
    report = audit(CircuitFolder.open(copy), used[0], load, srs_of)
    assert report.verdict is Verdict.OK
    names = {"graph.onnx", "settings.json", "proving.key", "verifying.key", "verifying.vka"}
    assert those(report, Verdict.OK) >= {f"{name} in the workspace" for name in names}


@pytest.mark.parametrize("name", ["verifying.key", "verifying.vka", "proving.key"])
def test_an_edited_key_in_the_workspace_is_found(
    name: str, used: tuple[Workspace, Path], copy: Path, srs_of: SrsOf
) -> None:
    """Even if whoever edited it also edited the manifest, which is all that later use looks at."""
    place, keys = used
    path, manifest = keys / name, keys / "manifest.json"
    before = json.loads(manifest.read_text())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    forged = named(audit(CircuitFolder.open(copy), place, load, srs_of), f"{name} in the workspace")
    assert forged.verdict is Verdict.FAILED
    assert forged.expected == before["files"][name] != forged.found
    before["files"][name] = forged.found
    manifest.write_text(json.dumps(before))
    report = audit(CircuitFolder.open(copy), place, load, srs_of)
    assert those(report, Verdict.FAILED) == {f"{name} in the workspace"}


def test_a_workspace_that_is_trusted_is_said_to_be(used: tuple[Workspace, Path], copy: Path, srs_of: SrsOf) -> None:
    place, keys = used
    report = audit(CircuitFolder.open(copy), place, load, srs_of, fresh=False)
    assert report.verdict is Verdict.OK
    assert named(report, "files in the workspace").reason == "they were used as they are"
    (keys / "verifying.key").write_bytes(b"")
    report = audit(CircuitFolder.open(copy), place, load, srs_of, fresh=False)
    assert "verifying.key is missing or altered" in named(report, "keys made again").reason
    assert report.verdict is Verdict.UNCHECKABLE


# Engine and compiler


def test_another_engine_is_found(copy: Path, run: Callable[[Path], Audit], monkeypatch: pytest.MonkeyPatch) -> None:
    def other(_: str) -> str:
        return "16.1.0"

    monkeypatch.setattr(audit_folder, "version", other)
    check = named(run(copy), "installed engine")
    assert (check.expected, check.found, check.verdict) == (f"ezkl {ENGINE_VERSION}", "ezkl 16.1.0", Verdict.FAILED)


@pytest.fixture(scope="module")
def solc() -> Solc:
    return find_solc()


def test_the_shipped_verifier_is_the_engines(
    copy: Path, workspace: Workspace, tmp_path: Path, srs_of: SrsOf, solc: Solc, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, place = CircuitFolder.open(copy), replace(workspace, home=tmp_path / "home")
    whats = {"source of the shipped reusable verifier", "bytecode of the shipped reusable verifier"}
    assert whats <= those(audit(folder, place, load, srs_of, solc=solc), Verdict.OK)
    shipped = auditing.load_artifact("Halo2VerifierReusable")
    wrong = replace(shipped, sources={shipped.source: "0x" + "00" * 32}, deployed_bytecode="00")

    def load_wrong(_: str) -> Artifact:
        return wrong

    monkeypatch.setattr(auditing, "load_artifact", load_wrong)
    assert those(audit(folder, place, load, srs_of, solc=solc), Verdict.FAILED) == whats
