"""The pinned compiler: order of selection, no other version, reproducible output."""

from __future__ import annotations

from pathlib import Path

import pytest
import solcx

from pyml.chain.build import compile_sources
from pyml.chain.solc import DEFAULT_SETTINGS, SOLC_VERSION, Solc, SolcSettings, find_solc, run_solc
from pyml.errors import InputError, ToolMissingError

SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
contract A { function f() public pure returns (uint) { return 1; } }
"""


def fake_solc(path: Path, version: str = SOLC_VERSION) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Version: {version}+commit.f401782d.Linux.g++'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No compiler anywhere but where a test puts it."""
    (tmp_path / "solcx").mkdir()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path / "solcx"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def test_order_of_selection(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = nothing_installed
    downloads: list[str] = []

    def install(version: str, *, show_progress: bool) -> None:
        downloads.append(version)
        fake_solc(root / "solcx" / f"solc-v{version}")

    monkeypatch.setattr(solcx, "install_solc", install)
    with pytest.raises(ToolMissingError, match=rf"solc {SOLC_VERSION} is not installed.*\./dev.*PYML_SOLC"):
        find_solc(project_root=root)
    wrapper = fake_solc(root / ".dev" / "bin" / f"solc-v{SOLC_VERSION}")
    assert find_solc(project_root=root).path == wrapper
    assert downloads == [], "nothing is downloaded unless asked for"
    assert find_solc(project_root=root, allow_download=True).path == root / "solcx" / f"solc-v{SOLC_VERSION}"
    assert downloads == [SOLC_VERSION]
    (root / "solcx" / f"solc-v{SOLC_VERSION}").unlink()
    native = fake_solc(root / "bin" / "solc")
    assert find_solc(project_root=root, allow_download=True).path == native
    installed = fake_solc(root / "solcx" / f"solc-v{SOLC_VERSION}")
    assert find_solc(project_root=root).path == installed
    explicit = fake_solc(root / "mine")
    assert find_solc(explicit, project_root=root) == Solc(explicit, f"{SOLC_VERSION}+commit.f401782d")


def test_native_compiler_of_another_version_is_passed_over(nothing_installed: Path) -> None:
    fake_solc(nothing_installed / "bin" / "solc", "0.8.30")
    fake_solc(nothing_installed / "solcx" / f"solc-v{SOLC_VERSION}", "0.8.36")
    with pytest.raises(ToolMissingError, match="is not installed"):
        find_solc(project_root=nothing_installed)


@pytest.mark.parametrize("version", ["0.8.36", "0.8.38", "0.8.370"])
def test_explicit_compiler_of_another_version_is_refused(tmp_path: Path, version: str) -> None:
    path = fake_solc(tmp_path / "solc", version)
    with pytest.raises(ToolMissingError, match=rf"wrong version; expected solc {SOLC_VERSION}; got {version}"):
        find_solc(path)


def test_explicit_program_that_is_no_compiler(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match="not a working solc"):
        find_solc(tmp_path / "absent")
    path = tmp_path / "solc"
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)
    with pytest.raises(ToolMissingError, match="not a working solc"):
        find_solc(path)


def test_failed_download_is_one_clear_line(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def install(version: str, *, show_progress: bool) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(solcx, "install_solc", install)
    with pytest.raises(ToolMissingError, match=r"cannot be downloaded \(ConnectionError\)"):
        find_solc(project_root=nothing_installed, allow_download=True)


def test_bytecode_does_not_depend_on_path_comment_or_company(solc: Solc) -> None:
    (plain,) = compile_sources(solc, {"a/A.sol": SOURCE})
    others = compile_sources(
        solc, {"b/Other.sol": SOURCE + "\n// a comment", "b/Z.sol": SOURCE.replace("contract A", "contract Z")}
    )
    other = next(artifact for artifact in others if artifact.name == "A")
    assert plain.bytecode == other.bytecode
    assert plain.sources != other.sources
    assert b"solc".hex() not in plain.bytecode, "no metadata trailer, which names the compiler"


def test_settings_reach_the_compiler(solc: Solc) -> None:
    (one,) = compile_sources(solc, {"A.sol": SOURCE}, settings=SolcSettings(evm_version="paris"))
    (two,) = compile_sources(solc, {"A.sol": SOURCE}, settings=DEFAULT_SETTINGS)
    assert one.bytecode != two.bytecode, "PUSH0 came after paris"
    assert (one.settings["evmVersion"], two.settings["evmVersion"]) == ("paris", "cancun")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("contract A {", "do not compile.*declaration expected"),
        ("pragma solidity 0.8.36; contract A {}", "do not compile.*different compiler version"),
        ('import "./Absent.sol"; contract A {}', "do not compile.*Absent.sol"),
    ],
)
def test_sources_that_do_not_compile(solc: Solc, text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"(?s){message}"):
        run_solc(solc, {"A.sol": text})


def test_compiler_that_answers_nonsense(tmp_path: Path) -> None:
    path = fake_solc(tmp_path / "solc")
    with pytest.raises(ToolMissingError, match=r"compiler .* failed"):
        run_solc(find_solc(path), {"A.sol": SOURCE})
