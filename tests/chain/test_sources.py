"""Reading Solidity sources with their imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.chain.sources import imports_of, read_with_imports, source_names
from pyml.errors import InputError


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('import "./B.sol";', ["contracts/zk/B.sol"]),
        ("import {B} from '../shared/B.sol';", ["contracts/shared/B.sol"]),
        ('import {\n  B as C,\n  D\n}\n  from\n "./B.sol" ;', ["contracts/zk/B.sol"]),
        ('import * as All from "@openzeppelin/contracts/X.sol";', ["@openzeppelin/contracts/X.sol"]),
        ('import "contracts/A.sol"; import "./B.sol";', ["contracts/A.sol", "contracts/zk/B.sol"]),
        ('// import "./B.sol";', []),
        ('/* import "./B.sol"; */', []),
        ('string s = "import \\"./B.sol\\";";', []),
        ('string s = "//"; import "./B.sol";', ["contracts/zk/B.sol"]),
        ('string s = "/*"; import "./B.sol"; // */', ["contracts/zk/B.sol"]),
        ("uint important = 1;", []),
    ],
)
def test_imports(text: str, found: list[str]) -> None:
    assert list(imports_of("contracts/zk/A.sol", text)) == found


def test_closure_with_packages_and_cycles(tmp_path: Path) -> None:
    write(tmp_path, "contracts/A.sol", 'import "./sub/B.sol"; import "@oz/contracts/C.sol";')
    write(tmp_path, "contracts/sub/B.sol", 'import "../A.sol";')
    write(tmp_path, "node_modules/@oz/contracts/C.sol", 'import "./D.sol";')
    write(tmp_path, "node_modules/@oz/contracts/D.sol", "")
    assert source_names(tmp_path) == ("contracts/A.sol", "contracts/sub/B.sol")
    sources = read_with_imports(tmp_path, ["contracts/A.sol"])
    assert set(sources) == {
        "contracts/A.sol",
        "contracts/sub/B.sol",
        "@oz/contracts/C.sol",
        "@oz/contracts/D.sol",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('import "./B.sol";', "contracts/B.sol, imported by contracts/A.sol, does not exist"),
        ('import "@oz/B.sol";', r"@oz/B.sol, imported by contracts/A.sol, does not exist.*\./dev"),
        ('import "../../outside.sol";', "lies outside the project"),
        ('import "/etc/passwd";', "lies outside the project"),
        ('import "https://example.org/B.sol";', "lies outside the project"),
    ],
)
def test_imports_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "contracts/A.sol", text)
    with pytest.raises(InputError, match=message):
        read_with_imports(tmp_path, ["contracts/A.sol"])


def test_source_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "A.sol").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"cannot be read \(UnicodeDecodeError\)"):
        read_with_imports(tmp_path, ["contracts/A.sol"])
