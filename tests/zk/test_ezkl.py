"""The engine's adapter: files, failures, the child process, and the artefact; soundness has its own modules."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.crypto.bn254 import Point, encode_felt
from pyml.errors import CircuitError, ProofError, PymlError, ResourceError, SrsError
from pyml.zk import ezkl
from pyml.zk.engine import CircuitFiles, KeyFiles, Proof, Tensors
from pyml.zk.ezkl import EzklEngine, full_table, read_artefact, read_settings, require_exact_table
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import Small, random_network, random_set, small_accuracy

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def small(srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Built by child processes of its own, as in production."""
    random = np.random.default_rng(0)
    network = random_network(random, (4, 3, 2), (1,))
    data = random_set(random, network, 4)
    return small_accuracy(tmp_path_factory.mktemp("ezkl"), EzklEngine(), srs_of, network, data)


def test_the_whole_way_through_child_processes(small: Small) -> None:
    phases: list[str] = []
    keyed = small.keyed
    proof = small.engine.prove(
        keyed.circuit.files, keyed.files, keyed.srs, Tensors(small.honest.committed, small.honest.witness),
        small.challenge, progress=phases.append,
    )  # fmt: skip
    assert phases == ["committing to the private tensors", "computing the witness", "proving"]
    assert proof.outputs[1:] == (*[0] * small.statement.checks, small.honest.result)
    assert proof.data.startswith(small.commit(small.honest.committed))
    assert len(proof.data) == small.engine.proof_length(keyed.files)
    assert small.accepts(proof.data, small.honest.result)
    assert not small.accepts(proof.data, small.honest.result + 1)


def test_two_proofs_of_the_same_thing_share_commitments_only(small: Small) -> None:
    first, second = small.prove(small.honest), small.prove(small.honest)
    assert first.data[:128] == second.data[:128]
    assert first.data[192:] != second.data[192:]  # blinded


def test_commitments_are_points_as_compressed_in_the_witness(small: Small) -> None:
    """The engine gives each commitment in two encodings of its own: ours agrees with both."""
    keyed = small.keyed
    points = small.engine.commit(keyed.circuit.files, keyed.files, keyed.srs, small.honest.committed)
    assert all(isinstance(point, Point) for point in points)
    heard: list[bytes] = []

    def challenge(seen: bytes) -> int:
        heard.append(seen)
        return 7

    small.prove(small.honest, challenge=challenge)
    assert heard[0][:64] == points[0].encode()


def test_nothing_secret_stays_behind(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Path, int]] = []
    step = ezkl._step

    def watched(name: str, **arguments: Any) -> object:
        secret = {"input.json", "witness.json", "tensor.json"}
        paths = [value for value in arguments.values() if isinstance(value, Path) and value.name in secret]
        seen.extend((path.parent, path.parent.stat().st_mode & 0o777) for path in paths)
        return step(name, **arguments)

    monkeypatch.setattr(ezkl, "_step", watched)
    small.prove(small.honest)
    small.commit(small.honest.committed)
    assert {mode for _, mode in seen} == {0o700}
    assert not any(folder.exists() for folder, _ in seen)


def test_secrets_are_removed_after_a_failure_too(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    step = ezkl._step

    def failing(name: str, **arguments: Any) -> object:
        if name == "prove":
            seen.append(Path(str(arguments["witness"])))
            assert seen[0].exists()
            raise KeyboardInterrupt
        return step(name, **arguments)

    monkeypatch.setattr(ezkl, "_step", failing)
    with pytest.raises(KeyboardInterrupt):
        small.prove(small.honest)
    assert not seen[0].parent.exists()


def test_an_interrupt_ends_the_child_as_well(tmp_path: Path) -> None:
    """Ctrl-C while the engine works: no process is left behind that goes on eating memory."""
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path\n"
        "from pyml.zk import ezkl\n"
        "print('ready', flush=True)\n"
        f"ezkl.generate_insecure_srs(Path({str(tmp_path / 'k.srs')!r}), 20)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    children: list[int] = []
    deadline = time.monotonic() + 20
    while not children and time.monotonic() < deadline:
        listing = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not listing.exists():
            process.kill()
            pytest.skip("this system does not list child processes")
        children = [int(pid) for pid in listing.read_text().split()]
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


# --- failures


@pytest.mark.parametrize(
    ("step", "code", "noise", "error", "problem"),
    [
        ("setup", -9, "", ResourceError, "the engine was killed in setup, most likely for want of memory"),
        ("prove", -6, "memory allocation of 9 bytes failed", ResourceError, "the engine was killed in prove"),
        ("prove", 1, "memory allocation of 9 bytes failed", ResourceError, "the engine was killed in prove"),
        ("setup", 1, "RuntimeError: No space left on device (os error 28)", ResourceError, "the disk is full"),
        ("setup", 1, "RuntimeError: File too large (os error 27)", ResourceError, "the disk is full"),
        ("setup", 1, "a\nRuntimeError: bad\n", CircuitError, "the engine failed in setup: RuntimeError: bad"),
        ("gen_settings", 1, "RuntimeError: bad", CircuitError, "the engine failed in gen_settings: RuntimeError: bad"),
        ("compile_circuit", 1, "x", CircuitError, "the engine failed in compile_circuit: x"),
        ("prove", 1, "thread panicked at x\nnote: y", ProofError, "the engine failed in prove: thread panicked at x"),
        ("gen_witness", 1, "", ProofError, "the engine failed in gen_witness: "),
    ],
)
def test_failures_are_named(step: str, code: int, noise: str, error: type[PymlError], problem: str) -> None:
    failure = ezkl.failure(step, code, noise)
    assert type(failure) is error
    assert failure.problem.startswith(problem)


def test_a_long_reason_is_cut() -> None:
    assert len(ezkl.failure("prove", 1, "Error " * 1000).problem) < 500


def test_a_graph_that_is_not_onnx_is_refused(small: Small, tmp_path: Path) -> None:
    files = CircuitFiles(tmp_path)
    files.graph.write_bytes(b"not a graph")
    with pytest.raises(CircuitError, match="the engine failed in gen_settings"):
        small.engine.compile(small.statement, files)
    assert not files.settings.exists()
    assert not files.compiled.exists()


def test_an_srs_that_is_too_small_is_refused(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="the circuit is larger than the structured reference string") as refusal:
        small.engine.set_up(small.keyed.circuit.files, KeyFiles(tmp_path), srs_of(small.keyed.circuit.degree - 1))
    assert refusal.value.expected == f"k >= {small.keyed.circuit.degree}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["short", "long", "empty"])
@pytest.mark.parametrize("which", ["committed", "witness"])
def test_tensors_of_another_length_are_refused(small: Small, which: str, fault: str) -> None:
    tensors = {"committed": small.honest.committed, "witness": small.honest.witness}
    right = tensors[which]
    tensors[which] = {"short": right[:-1], "long": (*right, 0), "empty": ()}[fault]
    with pytest.raises(ProofError, match="the engine failed in gen_witness"):
        small.prove(Tensors(tensors["committed"], tensors["witness"]))


def damaged_keys(small: Small, folder: Path, name: str, data: bytes | None) -> KeyFiles:
    for path in small.keyed.files.folder.iterdir():
        if path.name != name:
            (folder / path.name).write_bytes(path.read_bytes())
        elif data is not None:
            (folder / name).write_bytes(data)
    return KeyFiles(folder)


@pytest.mark.parametrize("damage", ["absent", "empty", "cut"])
def test_a_damaged_proving_key_is_an_error(small: Small, tmp_path: Path, damage: str) -> None:
    data = small.keyed.files.proving_key.read_bytes()
    keys = damaged_keys(
        small, tmp_path, "proving.key", {"absent": None, "empty": b"", "cut": data[: len(data) // 2]}[damage]
    )
    keyed = small.keyed
    with pytest.raises(PymlError, match=r"the engine .* in prove"):
        small.engine.prove(
            keyed.circuit.files, keys, keyed.srs, Tensors(small.honest.committed, small.honest.witness),
            small.challenge,
        )  # fmt: skip


@pytest.mark.parametrize("what", ["key absent", "key cut", "srs absent", "settings absent"])
def test_what_cannot_be_checked_is_an_error_and_not_a_false_proof(small: Small, tmp_path: Path, what: str) -> None:
    proof = Proof(bytes(small.engine.proof_length(small.keyed.files)), (0,) * (small.statement.checks + 2))
    keyed, data = small.keyed, small.keyed.files.verifying_key.read_bytes()
    files, srs = keyed.circuit.files, keyed.srs
    keys = keyed.files
    if what.startswith("key"):
        keys = damaged_keys(small, tmp_path, "verifying.key", data[:50] if what == "key cut" else None)
    elif what == "srs absent":
        srs = replace(srs, path=tmp_path / "nowhere.srs")
    else:
        files = CircuitFiles(tmp_path)
    assert small.engine.verify(keyed.circuit.files, keyed.files, keyed.srs, proof) is False
    with pytest.raises(PymlError, match="the engine failed in verify"):
        small.engine.verify(files, keys, srs, proof)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"run_args": {}}', '{"run_args": {"logrows": "x"}}', "\udcff"]
)
def test_settings_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CircuitError, match="is not the settings file of a circuit"):
        read_settings(path)
    with pytest.raises(CircuitError, match="is not the settings file of a circuit"):
        read_settings(tmp_path / "absent")


# --- the lookup table


@pytest.mark.parametrize(("degree", "high"), [(9, 255), (14, 8191), (20, 8191)])
def test_a_full_table_leaves_the_engine_no_row(degree: int, high: int) -> None:
    low, last = full_table(degree, high)
    assert last == high
    assert last - low + 1 == 2**degree - 8


def table_cache(folder: Path, low: int, high: int) -> Path:
    """As set-up leaves it: the exact table."""
    table = folder / "cache" / f"hardswish_1_{low}_{high}"
    table.mkdir(parents=True)
    for name, values in (("inputs", range(low, high + 1)), ("outputs", [max(v, 0) for v in range(low, high + 1)])):
        (table / name).write_bytes(b"".join(bytes.fromhex(encode_felt(value)) for value in values))
    return table


SETTINGS: dict[str, Any] = {
    "run_args": {"lookup_range": [-5, 3]},
    "required_range_checks": [[-1, 1], [0, 127]],
    "required_lookups": [{"HardSwish": {"scale": 1.0}}],
}


def test_an_exact_table_is_accepted(tmp_path: Path) -> None:
    table = table_cache(tmp_path, -5, 3)
    require_exact_table(tmp_path, SETTINGS)
    (table.parent / "rangecheck_-1_1").mkdir()
    require_exact_table(tmp_path, SETTINGS)


@pytest.mark.parametrize("name", ["inputs", "outputs"])
@pytest.mark.parametrize("damage", ["altered", "longer", "shorter"])
def test_any_other_table_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    path = table_cache(tmp_path, -5, 3) / name
    data = path.read_bytes()
    altered = data[:200] + bytes([data[200] ^ 1]) + data[201:]
    path.write_bytes({"altered": altered, "longer": data + bytes(32), "shorter": data[:-32]}[damage])
    with pytest.raises(CircuitError, match=r"the lookup table of the verifying key is not ReLU on \[-5, 3\]"):
        require_exact_table(tmp_path, SETTINGS)


def test_another_set_of_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="set-up used other lookup tables") as refusal:
        require_exact_table(tmp_path, SETTINGS)
    assert refusal.value.got == []
    table = table_cache(tmp_path, -5, 3)
    for extra in ("hardswish_1_-5_4", "div_2_-5_3", "rangecheck_0_128"):
        (table.parent / extra).mkdir()
        with pytest.raises(CircuitError, match="set-up used other lookup tables") as refusal:
            require_exact_table(tmp_path, SETTINGS)
        assert refusal.value.got == sorted([extra, table.name])
        (table.parent / extra).rmdir()


def test_a_circuit_without_lookups_has_no_table(tmp_path: Path) -> None:
    without: dict[str, Any] = {**SETTINGS, "required_lookups": []}
    require_exact_table(tmp_path, without)
    table_cache(tmp_path, -5, 3)
    with pytest.raises(CircuitError, match="set-up used other lookup tables"):
        require_exact_table(tmp_path, without)


def test_a_poisoned_shared_cache_is_not_used(
    small: Small, srs_of: SrsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine would take tables from its cache unread: with ReLU(5) = 6 in it, keys would be others."""
    low, high = small.table.start, small.table.stop - 1
    outputs = table_cache(tmp_path / "poisoned", low, high) / "outputs"
    data = outputs.read_bytes()
    place = 32 * (5 - low)
    outputs.write_bytes(data[:place] + b"\6" + data[place + 1 :])
    monkeypatch.setenv("EZKL_REPO_PATH", str(tmp_path / "poisoned"))
    (tmp_path / "keys").mkdir()
    keys = KeyFiles(tmp_path / "keys")
    small.engine.set_up(small.keyed.circuit.files, keys, small.keyed.srs)
    assert small.engine.artefact(keys) == small.keyed.artefact

    step, poisoned = ezkl._step, tmp_path / "poisoned"

    def sharing(name: str, **arguments: Any) -> object:
        return step(name, **arguments | {"cache": poisoned})

    def unread(cache: Path, settings: ezkl.Settings) -> None:
        pass

    monkeypatch.setattr(ezkl, "_step", sharing)
    monkeypatch.setattr(ezkl, "require_exact_table", unread)
    small.engine.set_up(small.keyed.circuit.files, keys, small.keyed.srs)
    assert small.engine.artefact(keys) != small.keyed.artefact  # what it is that must not happen


def test_a_value_outside_the_table_is_an_error_at_once(small: Small) -> None:
    """The engine's prover would never return from it."""
    for value in (small.table.stop, small.table.start - 1, 1 << 20):
        tensor = (value, *small.honest.committed[1:])
        with pytest.raises(ProofError, match="a private value is outside the lookup table") as refusal:
            small.prove(Tensors(tensor, small.honest.witness))
        assert refusal.value.expected == f"[{small.table.start}, {small.table.stop - 1}]"
        assert str(value) in str(refusal.value.got)


# --- the artefact and the verifiers


def test_the_artefact_is_counted_words(small: Small) -> None:
    data = small.keyed.files.artefact.read_bytes()
    words = read_artefact(small.keyed.files.artefact)
    assert len(data) == 8 + 32 * len(words)
    assert b"".join(words) == data[8:]
    assert words == small.keyed.artefact


@pytest.mark.parametrize("length", [0, 1, 7, 8, 39, 41])
def test_a_damaged_artefact_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "verifying.vka"
    data = (1).to_bytes(8, "little") + bytes(33)
    path.write_bytes(data[:length])
    with pytest.raises(CircuitError, match="is not a verifying-key artefact") as refusal:
        read_artefact(path)
    assert refusal.value.got == length
    path.write_bytes(data[:40])
    assert read_artefact(path) == (bytes(32),)


@pytest.mark.parametrize("reusable", [True, False])
def test_verifiers_are_solidity(small: Small, tmp_path: Path, reusable: bool) -> None:
    path = tmp_path / "Verifier.sol"
    keyed = small.keyed
    small.engine.export_verifier(keyed.circuit.files, keyed.files, keyed.srs, path, reusable=reusable)
    source = path.read_text(encoding="utf-8")
    assert "pragma solidity" in source
    assert "function verifyProof" in source
    assert ("bytes32[]" in source) == reusable  # the artefact is an argument there


def test_steps_run_side_by_side(small: Small) -> None:
    """Two threads proving at once do not share files."""
    results: dict[int, bool] = {}

    def work(index: int) -> None:
        proof = small.prove(small.honest)
        results[index] = small.accepts(proof.data, small.honest.result)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: True, 1: True}


def test_the_engine_version_is_the_pinned_one(small: Small) -> None:
    settings = json.loads(small.keyed.circuit.files.settings.read_text())
    assert settings["version"] == ezkl.ENGINE_VERSION
    assert small.engine.name == f"ezkl-{ezkl.ENGINE_VERSION}"
