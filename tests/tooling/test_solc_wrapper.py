"""npm's solc as a command: what py-solc-x, Brownie, Foundry and Slither rely on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.solc import SOLC_VERSION
from tests.tooling.conftest import find_tool

ROOT = Path(__file__).parents[2]
HEADER = f"// SPDX-License-Identifier: MIT\npragma solidity {SOLC_VERSION};\n"

Solc = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def solc(tmp_path: Path) -> Solc:
    node = find_tool("node", ROOT / ".dev" / "bin" / "node")

    def run(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [node, str(ROOT / "scripts" / "solc.mjs"), *map(str, arguments)],
            input=given,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def _request(source: str) -> str:
    settings = {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}}
    return json.dumps(
        {"language": "Solidity", "sources": {"a.sol": {"content": HEADER + source}}, "settings": settings}
    )


def _messages(answer: subprocess.CompletedProcess[str]) -> list[str]:
    errors: list[dict[str, Any]] = json.loads(answer.stdout).get("errors", [])
    return [error["message"] for error in errors]


def test_version(solc: Solc) -> None:
    assert f"\nVersion: {SOLC_VERSION}+commit." in solc("--version").stdout


def test_compiles_embedded_sources(solc: Solc) -> None:
    answer = solc("--standard-json", given=_request("contract A { uint256 public x; }"))
    assert (answer.returncode, answer.stderr) == (0, "")
    assert json.loads(answer.stdout)["contracts"]["a.sol"]["A"]["evm"]["bytecode"]["object"].startswith("60")


def test_request_may_lie_in_a_file(solc: Solc, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(_request("contract A {}"), encoding="utf-8")
    assert "contracts" in json.loads(solc("--standard-json", "request.json").stdout)


def test_compile_error_is_in_the_answer(solc: Solc) -> None:
    answer = solc("--standard-json", given=_request("contract A { uint256 x = true; }"))
    assert answer.returncode == 0
    assert _messages(answer) == ["Type bool is not implicitly convertible to expected type uint256."]


@pytest.mark.parametrize("option", ["--base-path", "--include-path"])
def test_import_from_a_named_folder(solc: Solc, tmp_path: Path, option: str) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "b.sol").write_text(HEADER + "contract B {}", encoding="utf-8")
    answer = solc("--standard-json", option, library, given=_request('import {B} from "b.sol"; contract A is B {}'))
    assert _messages(answer) == []


@pytest.mark.parametrize("name", ["../secret.sol", "link.sol"])
def test_import_from_elsewhere_is_refused(solc: Solc, tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.sol").write_text(HEADER + "contract B {}", encoding="utf-8")
    (inside / "link.sol").symlink_to(tmp_path / "secret.sol")
    request = json.loads(_request("contract A {}"))
    request["sources"]["c.sol"] = {"urls": [name]}
    answer = solc("--standard-json", f"--base-path={inside}", given=json.dumps(request))
    assert any("outside of the allowed folders" in message for message in _messages(answer))
    allowed = solc("--standard-json", f"--base-path={inside}", "--allow-paths", tmp_path, given=json.dumps(request))
    assert not any("outside of the allowed folders" in message for message in _messages(allowed))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bin"], "option --bin is not supported; only --version and --standard-json are"),
        ([], "give exactly one of --version and --standard-json"),
        (["--standard-json", "--base-path"], "--base-path needs a value"),
    ],
)
def test_wrong_use(solc: Solc, arguments: list[str], message: str) -> None:
    answer = solc(*arguments)
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", f"solc: {message}\n")


def test_request_that_is_not_json(solc: Solc) -> None:
    assert "parse error" in _messages(solc("--standard-json", given="{"))[0]
