"""Foundry on this project: its tests, fuzz and invariant runs, gas snapshot and size limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]
GAS_SNAPSHOT = "tests/contracts/.gas-snapshot"
NOT_EXACT = "^(testFuzz|testDiff|invariant)"
"""Tests whose gas depends on what is drawn; the snapshot leaves them out."""


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """forge with build folders that these tests share with one another and with no other run."""
    folder = tmp_path_factory.mktemp("forge")
    return find_tool("forge"), {"FOUNDRY_OUT": str(folder / "out"), "FOUNDRY_CACHE_PATH": str(folder / "cache")}


def _run_tests(run: Run, forge: tuple[str, dict[str, str]], **environment: str) -> dict[str, dict[str, object]]:
    program, folders = forge
    answer = run(program, "test", "--json", environment={**folders, **environment}, timeout_s=1500)
    lines = [line for line in answer.stdout.splitlines() if line.startswith('{"')]
    assert lines, answer.stdout
    results = {
        f"{suite}:{name}": result
        for suite, outcome in json.loads(lines[-1]).items()
        for name, result in outcome["test_results"].items()
    }
    failed = {name: result.get("reason") for name, result in results.items() if result["status"] != "Success"}
    assert failed == {}
    assert answer.returncode == 0, answer.stdout
    return results


def test_forge_tests_pass(run: Run, forge: tuple[str, dict[str, str]]) -> None:
    names = _run_tests(run, forge)
    kinds = {name.split(":")[-1].split("_")[0] for name in names}
    assert {"test", "testFuzz", "invariant"} <= kinds, f"forge ran only {kinds}"


@pytest.mark.long
def test_forge_tests_pass_with_many_runs(run: Run, forge: tuple[str, dict[str, str]]) -> None:
    _run_tests(run, forge, FOUNDRY_PROFILE="long")


def test_gas_is_as_recorded(run: Run, forge: tuple[str, dict[str, str]]) -> None:
    """Within 2 %: a larger change must be meant, and is then recorded as CONTRIBUTING.md says."""
    program, folders = forge
    command = ("snapshot", "--check", GAS_SNAPSHOT, "--tolerance", "2", "--no-match-test", NOT_EXACT)
    answer = run(program, *command, environment=folders, timeout_s=600)
    assert answer.returncode == 0, answer.stdout[-4000:]


def test_contracts_fit_the_size_limit(run: Run, forge: tuple[str, dict[str, str]]) -> None:
    """EIP-170; forge leaves with an error when a contract that is not a test exceeds it."""
    program, folders = forge
    answer = run(program, "build", "--sizes", environment=folders)
    assert answer.returncode == 0, answer.stdout[-4000:]
    assert "AccuracyRegistry" in answer.stdout
