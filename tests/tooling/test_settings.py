"""One truth in several files: versions and compiler settings that tools read from their own configuration agree."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.solc import DEFAULT_SETTINGS, SETTINGS_BY_FOLDER, SOLC_VERSION
from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def _json(name: str) -> dict[str, Any]:
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


def _locked(name: str, lock: str = "requirements.lock") -> set[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return set(re.findall(rf"^{re.escape(name)}==(\S+)", text, re.MULTILINE))


def test_foundry_compiles_as_pyml_does() -> None:
    foundry = _toml("foundry.toml")["profile"]["default"]
    assert foundry["solc"].endswith(f"solc-v{SOLC_VERSION}")
    assert foundry["evm_version"] == DEFAULT_SETTINGS.evm_version
    assert (foundry["optimizer"], foundry["optimizer_runs"]) == (True, DEFAULT_SETTINGS.runs)
    assert foundry.get("via_ir", False) == DEFAULT_SETTINGS.via_ir
    assert (foundry["bytecode_hash"], foundry["cbor_metadata"]) == ("none", False)
    restrictions = [{"paths": f"{folder}**", "optimizer_runs": at.runs} for folder, at in SETTINGS_BY_FOLDER.items()]
    assert foundry.get("compilation_restrictions", []) == restrictions


def test_hardhat_compiles_as_pyml_does(run: Run) -> None:
    script = "import config from './hardhat.config.js'; process.stdout.write(JSON.stringify(config.solidity))"
    answer = run(find_tool("node"), "--input-type=module", "--eval", script)
    assert answer.returncode == 0, answer.stdout
    compiler = json.loads(answer.stdout)
    assert compiler["version"] == SOLC_VERSION
    assert compiler["settings"] == DEFAULT_SETTINGS.as_json()


def test_brownie_compiles_as_pyml_does() -> None:
    text = (ROOT / "brownie-config.yaml").read_text(encoding="utf-8")
    values = dict(re.findall(r"^\s+(version|evm_version|enabled|runs): (\S+)$", text, re.MULTILINE))
    assert values == {
        "version": SOLC_VERSION,
        "evm_version": DEFAULT_SETTINGS.evm_version,
        "enabled": "true",
        "runs": str(DEFAULT_SETTINGS.runs),
    }


def test_versions_are_pinned_once() -> None:
    script = (ROOT / "dev").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([A-Z]+)_VERSION=(\S+)$", script, re.MULTILINE))
    assert pinned["SOLC"] == SOLC_VERSION == _json("package.json")["devDependencies"]["solc"]
    assert f"torch {pinned['TORCH']}" in (ROOT / "requirements" / "torch.in").read_text(encoding="utf-8")
    assert _locked("ezkl") == {"23.0.5"}
    assert "ezkl==23.0.5" in _toml("pyproject.toml")["project"]["dependencies"]
    assert _locked("eth-brownie", "requirements/brownie.lock") == {"1.22.2"}


def test_node_lock_is_of_this_package_json() -> None:
    package, lock = _json("package.json"), _json("package-lock.json")
    root = lock["packages"][""]
    assert root["devDependencies"] == package["devDependencies"]
    assert root["optionalDependencies"] == package["optionalDependencies"]
    unpinned = [name for name, entry in lock["packages"].items() if name and "integrity" not in entry]
    assert unpinned == []


@pytest.mark.parametrize(
    "lock",
    ["requirements.lock", "requirements/brownie.lock", "requirements/halmos.lock", "requirements/slither.lock"],
)
def test_python_lock_is_pinned_by_hash_and_free_of_torch(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 10
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry
    assert not re.search(r"^(torch|nvidia-|triton)", text, re.MULTILINE)
    assert not re.search(r"https?://|file:", text)


def test_every_direct_dependency_is_locked_within_its_range() -> None:
    project = _toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    missing = [name for name in map(_name_of, wanted) if name != "torch" and not _locked(name)]
    assert missing == []


def _name_of(requirement: str) -> str:
    match = re.match(r"[a-zA-Z0-9-]+", requirement)
    assert match
    return match[0].lower()
