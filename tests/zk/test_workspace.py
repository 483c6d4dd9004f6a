"""Circuits and keys on disk: built once, whole or not there, checked when opened, resumed after a kill."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.errors import CircuitError, InputError, IntegrityError, ResourceError, SrsError
from pyml.zk.circuits import LabelledSet, accuracy_graph, accuracy_statement
from pyml.zk.ezkl import EzklEngine
from pyml.zk.statement import Statement
from pyml.zk.witness import architecture_of
from pyml.zk.workspace import Circuit, Keyed, Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network, random_set, small_numerics

ROOT = Path(__file__).parents[2]


def tiny() -> tuple[Statement, LabelledSet]:
    """The least circuit, from a fixed seed: child processes build the same."""
    random = np.random.default_rng(0)
    network = random_network(random, (2, 2), ())
    data = random_set(random, network, 1)
    return accuracy_statement(architecture_of(network), data, small_numerics()), data


STATEMENT, DATA = tiny()
WRITE = accuracy_graph(STATEMENT, DATA)


@pytest.fixture(scope="module")
def made(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Circuit, Keyed]:
    home = tmp_path_factory.mktemp("workspace")
    workspace = Workspace(home, quick_engine)
    circuit = workspace.build_circuit(STATEMENT, WRITE)
    return home, circuit, workspace.set_up(circuit, srs_of(circuit.degree))


@pytest.fixture
def copy(made: tuple[Path, Circuit, Keyed], tmp_path: Path) -> Path:
    """A home with everything made, to be damaged."""
    shutil.copytree(made[0], tmp_path / "home")
    return tmp_path / "home"


def never(_: Path) -> None:
    raise AssertionError("the graph was written again")


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_folders_are_named_by_what_determines_them(made: tuple[Path, Circuit, Keyed]) -> None:
    home, circuit, keyed = made
    folder = home / "circuits" / STATEMENT.digest
    assert circuit.files.folder == folder / "circuit"
    assert keyed.files.folder == folder / f"keys-{keyed.srs.digest[:16]}"
    names = {path.name for path in circuit.files.folder.iterdir()}
    assert names == {"graph.onnx", "settings.json", "circuit.ezkl", "manifest.json"}
    assert not [path for path in home.rglob("*") if path.name.endswith(".tmp")]


def test_what_was_made_is_opened_and_not_made_again(
    made: tuple[Path, Circuit, Keyed], quick_engine: EzklEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, circuit, keyed = made

    def no_step(step: str, **_: object) -> None:
        pytest.fail(f"the engine was called for {step}")

    monkeypatch.setattr("pyml.zk.ezkl._step", no_step)
    phases: list[str] = []
    workspace = Workspace(home, quick_engine)
    again = workspace.build_circuit(STATEMENT, never, progress=phases.append)
    assert again == circuit
    assert workspace.set_up(again, keyed.srs, progress=phases.append) == keyed
    assert phases == []


def test_the_manifest_names_every_file(made: tuple[Path, Circuit, Keyed]) -> None:
    _, circuit, keyed = made
    manifest = json.loads((keyed.files.folder / "manifest.json").read_text())
    assert manifest["srs"] == keyed.srs.digest
    assert manifest["circuit"] == circuit.digests["circuit.ezkl"]
    assert set(manifest["files"]) == {"proving.key", "verifying.key", "verifying.vka"}


@pytest.mark.parametrize("name", ["graph.onnx", "settings.json", "circuit.ezkl"])
@pytest.mark.parametrize("damage", ["altered", "cut", "absent", "folder"])
def test_a_tampered_circuit_is_refused(copy: Path, quick_engine: EzklEngine, name: str, damage: str) -> None:
    path = copy / "circuits" / STATEMENT.digest / "circuit" / name
    tamper(path, damage)
    with pytest.raises(IntegrityError, match=f"{name} is missing or altered") as refusal:
        Workspace(copy, quick_engine).build_circuit(STATEMENT, never)
    assert refusal.value.hint == f"Remove {path.parent}; it is made again."


@pytest.mark.parametrize("name", ["proving.key", "verifying.key", "verifying.vka"])
@pytest.mark.parametrize("damage", ["altered", "cut", "absent"])
def test_tampered_keys_are_refused(
    copy: Path, made: tuple[Path, Circuit, Keyed], quick_engine: EzklEngine, name: str, damage: str
) -> None:
    workspace = Workspace(copy, quick_engine)
    circuit = workspace.build_circuit(STATEMENT, never)
    folder = copy / "circuits" / STATEMENT.digest / made[2].files.folder.name
    tamper(folder / name, damage)
    with pytest.raises(IntegrityError, match=f"{name} is missing or altered"):
        workspace.set_up(circuit, made[2].srs)
    shutil.rmtree(folder)  # what the hint says
    assert workspace.set_up(circuit, made[2].srs).vka_digest == made[2].vka_digest


def tamper(path: Path, damage: str) -> None:
    data = bytearray(path.read_bytes())
    path.unlink()
    if damage == "altered":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "cut":
        path.write_bytes(data[:-1])
    elif damage == "folder":
        path.mkdir()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3}', '{"files": [1]}', "\x00"])
def test_a_damaged_manifest_is_refused(copy: Path, quick_engine: EzklEngine, text: str) -> None:
    folder = copy / "circuits" / STATEMENT.digest / "circuit"
    (folder / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match="has a damaged manifest") as refusal:
        Workspace(copy, quick_engine).build_circuit(STATEMENT, never)
    assert refusal.value.hint == "Remove the folder; it is made again."


def test_a_tampered_manifest_is_refused(
    copy: Path, made: tuple[Path, Circuit, Keyed], quick_engine: EzklEngine
) -> None:
    """Digests that fit altered files, or keys moved from another circuit or string."""
    workspace = Workspace(copy, quick_engine)
    circuit = workspace.build_circuit(STATEMENT, never)
    path = copy / "circuits" / STATEMENT.digest / made[2].files.folder.name / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    for key in ("srs", "circuit"):
        path.write_text(json.dumps({**manifest, key: "0" * 64}))
        with pytest.raises(IntegrityError, match="belong to another circuit"):
            workspace.set_up(circuit, made[2].srs)
    path.write_text(json.dumps({**manifest, "files": {}}))
    with pytest.raises(IntegrityError):
        workspace.set_up(circuit, made[2].srs)


def test_pinned_settings_are_compared(copy: Path, made: tuple[Path, Circuit, Keyed], quick_engine: EzklEngine) -> None:
    pinned = made[1].files.settings.read_bytes()
    workspace = Workspace(copy, quick_engine)
    assert workspace.build_circuit(STATEMENT, never, pinned_settings=pinned).digests == made[1].digests
    with pytest.raises(CircuitError, match="the circuit's settings are not the pinned ones") as refusal:
        workspace.build_circuit(STATEMENT, never, pinned_settings=pinned.replace(b"1", b"2"))
    assert refusal.value.got == f"sha256 {made[1].digests['settings.json']}"


def test_a_string_that_is_too_small_leaves_nothing(
    copy: Path, made: tuple[Path, Circuit, Keyed], quick_engine: EzklEngine, srs_of: SrsOf
) -> None:
    before = listing(copy)
    with pytest.raises(SrsError, match="the circuit is larger"):
        Workspace(copy, quick_engine).set_up(made[1], srs_of(made[1].degree - 1))
    assert [name for name in listing(copy) if not name.endswith(".lock")] == [
        name for name in before if not name.endswith(".lock")
    ]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_build_leaves_nothing(tmp_path: Path, quick_engine: EzklEngine, error: type[BaseException]) -> None:
    def half(path: Path) -> None:
        path.write_bytes(b"half a graph")
        raise error

    workspace = Workspace(tmp_path, quick_engine)
    with pytest.raises(error):
        workspace.build_circuit(STATEMENT, half)
    assert [name for name in listing(tmp_path) if not name.endswith(".lock")] == []
    assert workspace.build_circuit(STATEMENT, WRITE).degree > 0


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, quick_engine: EzklEngine) -> None:
    (tmp_path / "circuits").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        Workspace(tmp_path, quick_engine).build_circuit(STATEMENT, WRITE)


# --- other processes

PROLOGUE = """
import os, sys, time
from pathlib import Path
from pyml.errors import PymlError
from pyml.zk.ezkl import EzklEngine
from pyml.zk.srs import open_srs
from pyml.zk.workspace import Workspace
from tests.zk.test_workspace import STATEMENT, WRITE
home, srs = Path(sys.argv[1]), open_srs(Path(sys.argv[2]))
say = lambda phase: print(phase, flush=True)
"""

HANGING = (
    PROLOGUE
    + """
class Hanging(EzklEngine):
    def set_up(self, files, keys, srs, *, progress):
        super().set_up(files, keys, srs, progress=progress)
        keys.proving_key.write_bytes(keys.proving_key.read_bytes()[:1000])
        print('half way', flush=True)
        time.sleep(60)
workspace = Workspace(home, Hanging())
workspace.set_up(workspace.build_circuit(STATEMENT, WRITE), srs)
"""
)

BUILDING = (
    PROLOGUE
    + """
workspace = Workspace(home, EzklEngine())
keyed = workspace.set_up(workspace.build_circuit(STATEMENT, WRITE, progress=say), srs, progress=say)
print('digest', keyed.vka_digest.hex(), flush=True)
"""
)

LIMITED = (
    PROLOGUE
    + """
import resource
workspace = Workspace(home, EzklEngine())
circuit = workspace.build_circuit(STATEMENT, WRITE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    workspace.set_up(circuit, srs)
except PymlError as error:
    print(type(error).__name__, error, flush=True)
"""
)


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def test_a_killed_set_up_is_resumed(
    made: tuple[Path, Circuit, Keyed], tmp_path: Path, quick_engine: EzklEngine
) -> None:
    srs = made[2].srs
    process = start(HANGING, tmp_path, srs.path)
    assert process.stdout is not None
    assert process.stdout.readline() == "half way\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    folder = tmp_path / "circuits" / STATEMENT.digest
    left = {path.name for path in folder.iterdir()}
    assert f".keys-{srs.digest[:16]}.tmp" in left  # half-made, under a name that nothing opens
    assert f"keys-{srs.digest[:16]}" not in left
    workspace = Workspace(tmp_path, quick_engine)
    phases: list[str] = []
    circuit = workspace.build_circuit(STATEMENT, never, progress=phases.append)  # the finished step is kept
    keyed = workspace.set_up(circuit, srs, progress=phases.append)
    assert phases[0] == "making proving and verifying keys"
    assert keyed.vka_digest == made[2].vka_digest
    assert not list(folder.glob(".*.tmp"))


def test_two_processes_build_the_same_circuit_once(made: tuple[Path, Circuit, Keyed], tmp_path: Path) -> None:
    processes = [start(BUILDING, tmp_path, made[2].srs.path) for _ in range(2)]
    said = [process.communicate(timeout=100)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert "".join(said).count("writing what the circuit is made from\n") == 1
    assert "".join(said).count("making proving and verifying keys\n") == 1
    digest = f"digest {made[2].vka_digest.hex()}\n"
    assert all(text.endswith(digest) for text in said)


@pytest.mark.parametrize("limit", [50_000, 100])
def test_a_full_disk_is_one_clear_error(
    made: tuple[Path, Circuit, Keyed], tmp_path: Path, quick_engine: EzklEngine, limit: int
) -> None:
    process = start(LIMITED, tmp_path, made[2].srs.path, limit)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert said.startswith("ResourceError ")
    assert len(said.splitlines()) == 1
    folder = tmp_path / "circuits" / STATEMENT.digest
    assert not list(folder.glob("*keys*/*"))
    workspace = Workspace(tmp_path, quick_engine)
    keyed = workspace.set_up(workspace.build_circuit(STATEMENT, never), made[2].srs)
    assert keyed.vka_digest == made[2].vka_digest


def test_a_full_disk_is_a_resource_error(tmp_path: Path, quick_engine: EzklEngine) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="cannot be written: No space left on device"):
        Workspace(tmp_path, quick_engine).build_circuit(STATEMENT, full)
    assert [name for name in listing(tmp_path) if not name.endswith(".lock")] == []
