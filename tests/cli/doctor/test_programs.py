"""Interpreters, packages and programs that are absent, old, broken or something else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.cli.doctor.findings import Finding, State, Surroundings
from pyml.cli.doctor.programs import (
    EZKL_VERSION,
    look_at_compiler,
    look_at_foundry,
    look_at_node,
    look_at_python,
    look_at_solc,
)
from pyml.config import Config
from pyml.zk.ezkl import ENGINE_VERSION


def program(path: Path, text: str) -> Path:
    """A shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Surroundings:
    """A machine on which nothing is installed but what a test puts into ``bin``."""
    for name in ("bin", "user", "project"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "user"))
    return Surroundings(Config(home=tmp_path / "home"), project_root=tmp_path / "project")


def by_check(found: Iterator[Finding]) -> dict[str, Finding]:
    findings = list(found)
    for each in findings:
        assert each.advice or each.state is State.OK, "what is missing comes with what to do"
    return {each.check: each for each in findings}


def only(found: Iterator[Finding]) -> Finding:
    (finding,) = by_check(found).values()
    return finding


def test_the_engine_is_the_pinned_one() -> None:
    assert EZKL_VERSION == ENGINE_VERSION


# Python and its packages


def test_this_interpreter(tmp_path: Path) -> None:
    found = by_check(look_at_python(Surroundings(Config(home=tmp_path))))
    assert found["python"].found == ".".join(map(str, sys.version_info[:3]))
    assert {found[name].state for name in ("python", "torch", "ezkl")} == {State.OK}
    assert "computes on" in found["torch"].found


@pytest.mark.parametrize("text", ["exit 1", "echo not a document", "kill -9 $$"])
def test_an_interpreter_that_does_not_work(bare: Surroundings, tmp_path: Path, text: str) -> None:
    for python in (program(tmp_path / "python", text), tmp_path / "absent", tmp_path):
        found = only(look_at_python(replace(bare, python=python)))
        assert (found.check, found.state) == ("python", State.PROBLEM)
        assert str(python) in found.found


@pytest.mark.parametrize("version", ["3, 10, 14", "3, 14, 0", "2, 7, 18"])
def test_an_interpreter_of_another_version(bare: Surroundings, tmp_path: Path, version: str) -> None:
    answer = f'{{"python": [{version}], "torch": "2.13.0", "ezkl": "{EZKL_VERSION}", "card": null}}'
    found = by_check(look_at_python(replace(bare, python=program(tmp_path / "python", f"echo '{answer}'"))))
    assert found["python"].state is State.PROBLEM
    assert found["python"].found == version.replace(", ", ".")
    assert "PYTHON=" in found["python"].advice


def test_an_interpreter_without_packages(bare: Surroundings, tmp_path: Path) -> None:
    python = program(tmp_path / "python", f'exec "{sys.executable}" -S -E "$@"')
    found = by_check(look_at_python(replace(bare, python=python)))
    assert found["python"].state is State.OK
    for name in ("torch", "ezkl"):
        assert found[name].state is State.PROBLEM
        assert found[name].found == "cannot be imported (ModuleNotFoundError)"


def test_packages_that_are_broken_or_old(bare: Surroundings, tmp_path: Path) -> None:
    for name, text in (("torch", "raise RuntimeError('half installed')"), ("ezkl", "")):
        (tmp_path / "packages" / name).mkdir(parents=True)
        (tmp_path / "packages" / name / "__init__.py").write_text(text)
    (tmp_path / "packages" / "ezkl-22.0.1.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: ezkl\nVersion: 22.0.1\n"
    (tmp_path / "packages" / "ezkl-22.0.1.dist-info" / "METADATA").write_text(metadata)
    run = f'PYTHONPATH="{tmp_path / "packages"}" exec "{sys.executable}" -S "$@"'
    found = by_check(look_at_python(replace(bare, python=program(tmp_path / "python", run))))
    assert (found["torch"].state, found["torch"].found) == (State.PROBLEM, "cannot be imported (RuntimeError)")
    assert (found["ezkl"].state, found["ezkl"].found) == (State.PROBLEM, "22.0.1")
    assert EZKL_VERSION in found["ezkl"].advice


def test_a_card_that_torch_does_not_use(bare: Surroundings, tmp_path: Path) -> None:
    answer = f'{{"python": [3, 12, 1], "torch": "2.13.0+cpu", "ezkl": "{EZKL_VERSION}", "card": null}}'
    place = replace(bare, python=program(tmp_path / "python", f"echo '{answer}'"))
    assert by_check(look_at_python(place))["gpu"].found == "none"
    program(tmp_path / "bin" / "nvidia-smi", "echo 'Card of a kind'")
    found = by_check(look_at_python(place))["gpu"]
    assert (found.state, found.advice) == (State.OPTIONAL, "Run ./dev --cuda setup.")
    assert found.found == "Card of a kind, which this torch does not use"


def test_a_card_that_torch_uses(bare: Surroundings, tmp_path: Path) -> None:
    answer = f'{{"python": [3, 12, 1], "torch": "2.13.0", "ezkl": "{EZKL_VERSION}", "card": "Card of a kind"}}'
    found = by_check(look_at_python(replace(bare, python=program(tmp_path / "python", f"echo '{answer}'"))))
    assert (found["gpu"].state, found["gpu"].found) == (State.OK, "Card of a kind")
    assert found["torch"].found == "2.13.0, computes on cuda"


# Programs


@pytest.mark.parametrize(
    ("text", "state", "shown"),
    [
        (None, State.OPTIONAL, "not on PATH"),
        ("echo v22.12.0", State.OPTIONAL, "v22.12.0, too old"),
        ("echo v18.20.1", State.OPTIONAL, "v18.20.1, too old"),
        ("echo v22.13.0", State.OK, "v22.13.0"),
        ("echo v24.1.0", State.OK, "v24.1.0"),
        ("exit 1", State.OPTIONAL, "not on PATH"),
        ("echo hello", State.OPTIONAL, "not on PATH"),
    ],
)
def test_node(bare: Surroundings, tmp_path: Path, text: str | None, state: State, shown: str) -> None:
    if text is not None:
        program(tmp_path / "bin" / "node", text)
    found = only(look_at_node(bare))
    assert (found.state, found.found) == (state, shown)


def test_no_compiler_of_contracts(bare: Surroundings) -> None:
    found = only(look_at_solc(bare))
    assert (found.state, found.found) == (State.OPTIONAL, "0.8.37 not found")


@pytest.mark.parametrize("text", ["echo Version: 0.8.19+commit.7dd6d404.Linux.g++", "exit 1", None])
def test_a_compiler_of_contracts_that_is_another(bare: Surroundings, tmp_path: Path, text: str | None) -> None:
    named = tmp_path / "solc" if text is None else program(tmp_path / "solc", text)
    found = only(look_at_solc(replace(bare, config=replace(bare.config, solc=named))))
    assert found.state is State.PROBLEM
    assert "PYML_SOLC" in found.advice


def test_nothing_of_foundry(bare: Surroundings) -> None:
    found = by_check(look_at_foundry(bare))
    assert found["anvil"].state is State.PROBLEM
    assert "./dev setup" in found["anvil"].advice
    assert found["forge"].state is State.OPTIONAL


@pytest.mark.parametrize("text", [None, "exit 1", "echo hello"])
def test_an_anvil_that_is_none(bare: Surroundings, tmp_path: Path, text: str | None) -> None:
    named = tmp_path / "anvil" if text is None else program(tmp_path / "anvil", text)
    found = by_check(look_at_foundry(replace(bare, config=replace(bare.config, anvil=named))))["anvil"]
    assert found.state is State.PROBLEM
    assert str(named) in found.found


def test_foundry_on_path(bare: Surroundings, tmp_path: Path) -> None:
    for name in ("anvil", "forge"):
        program(tmp_path / "bin" / name, f"echo {name} Version: 1.7.1")
    found = by_check(look_at_foundry(bare))
    assert {each.state for each in found.values()} == {State.OK}
    assert found["forge"].found == "forge Version: 1.7.1"


@pytest.mark.parametrize(("name", "text"), [("c++", "exit 1"), ("g++", "echo error >&2; exit 4"), (None, "")])
def test_no_compiler_of_the_engine(bare: Surroundings, tmp_path: Path, name: str | None, text: str) -> None:
    if name is not None:
        program(tmp_path / "bin" / name, text)
    found = only(look_at_compiler(bare))
    assert (found.check, found.state) == ("c++", State.OPTIONAL)


def test_a_compiler_without_wide_integers(bare: Surroundings, tmp_path: Path) -> None:
    """It is tried, not believed: this one takes everything but ``__int128``."""
    grep = shutil.which("grep", path=os.defpath) or "grep"
    program(tmp_path / "bin" / "c++", f'! {grep} -q __int128 "$2"')
    assert "does not compile" in only(look_at_compiler(bare)).found


@pytest.mark.skipif(shutil.which("c++") is None, reason="no C++ compiler here")
def test_the_compiler_of_this_machine(tmp_path: Path) -> None:
    found = only(look_at_compiler(Surroundings(Config(home=tmp_path))))
    assert found.state is State.OK


@pytest.mark.parametrize("look", [look_at_python, look_at_node, look_at_solc, look_at_foundry, look_at_compiler])
def test_a_look_changes_nothing(
    bare: Surroundings, tmp_path: Path, look: Callable[[Surroundings], Iterator[Finding]]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    list(look(bare))
    assert sorted(tmp_path.rglob("*")) == before
