"""Shipped artefacts: they are what the sources compile to, they fit on a chain, and a change is noticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pyml.chain.artifacts import Artifact, decode_artifact, load_artifact, save_artifact
from pyml.chain.build import ARTIFACTS_FOLDER, build, compile_project
from pyml.chain.solc import SOLC_VERSION, Solc
from pyml.chain.sources import source_names
from pyml.chain.transactions import MAX_CODE_BYTES
from pyml.errors import InputError, IntegrityError

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.stem for path in ARTIFACTS_FOLDER.glob("*.json"))
TOO_LONG = "ab" * 24_600
HEADER = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n"


@pytest.fixture(scope="module")
def rebuilt(solc: Solc) -> dict[str, Artifact]:
    return {artifact.name: artifact for artifact in compile_project(ROOT, solc)}


def test_every_contract_is_shipped_and_nothing_else(rebuilt: dict[str, Artifact]) -> None:
    assert sorted(rebuilt) == SHIPPED, "run: pyml chain build"
    assert bool(SHIPPED) == bool(source_names(ROOT))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_artifact_matches_the_sources(name: str, rebuilt: dict[str, Artifact]) -> None:
    shipped, fresh = load_artifact(name), rebuilt[name]
    assert shipped.sources == fresh.sources, "sources changed: run pyml chain build"
    assert shipped.compiler.startswith(f"{SOLC_VERSION}+commit.")
    assert replace(shipped, insecure=None).digest == fresh.digest, "run: pyml chain build"


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_contract_fits_eip_170(name: str) -> None:
    assert load_artifact(name).code_size < MAX_CODE_BYTES
    load_artifact(name).require_size()


def test_saved_artifact_reads_back(compiled: dict[str, Artifact], tmp_path: Path) -> None:
    for artifact in compiled.values():
        path = save_artifact(artifact, tmp_path)
        again = load_artifact(artifact.name, folder=tmp_path)
        assert again.digest == artifact.digest
        assert again.to_json() == path.read_bytes()
    assert compiled["Vault"].immutable_references
    assert set(compiled["Vault"].sources) == {"contracts/Vault.sol"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("bytecode", "00"), ("compiler", "0.8.36"), ("abi", []), ("insecure", "x"), ("immutableReferences", [[0, 1]])],
)
def test_changed_artifact_is_refused(compiled: dict[str, Artifact], tmp_path: Path, field: str, value: object) -> None:
    path = save_artifact(compiled["Vault"], tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(IntegrityError, match="artefact Vault was changed"):
        load_artifact("Vault", folder=tmp_path)


def test_insecure_mark_cannot_be_taken_off(compiled: dict[str, Artifact], tmp_path: Path) -> None:
    path = save_artifact(replace(compiled["Inner"], insecure="local SRS"), tmp_path)
    assert load_artifact("Inner", folder=tmp_path).insecure == "local SRS"
    fields = json.loads(path.read_text())
    del fields["insecure"]
    path.write_text(json.dumps(fields))
    with pytest.raises(IntegrityError, match="was changed"):
        load_artifact("Inner", folder=tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"schema": 1, "name": "a b"}'])
def test_file_that_is_no_artifact(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="odd is not a contract artefact"):
        decode_artifact(content, "odd")


def test_other_schema_and_other_contract(compiled: dict[str, Artifact], tmp_path: Path) -> None:
    path = save_artifact(compiled["Inner"], tmp_path)
    fields = json.loads(path.read_text())
    with pytest.raises(IntegrityError, match="another schema; expected 1; got 2"):
        decode_artifact(json.dumps({**fields, "schema": 2}).encode(), "Inner")
    path.rename(tmp_path / "Vault.json")
    with pytest.raises(IntegrityError, match="artefact Vault holds another contract; got Inner"):
        load_artifact("Vault", folder=tmp_path)


@pytest.mark.parametrize("name", ["Absent", "../Vault", ""])
def test_unknown_name_lists_what_there_is(compiled: dict[str, Artifact], tmp_path: Path, name: str) -> None:
    save_artifact(compiled["Vault"], tmp_path)
    with pytest.raises(InputError, match=r"no contract artefact .*one of \['Vault'\]"):
        load_artifact(name, folder=tmp_path)


def project(root: Path, **sources: str) -> Path:
    (root / "contracts").mkdir(parents=True)
    for name, text in sources.items():
        (root / "contracts" / f"{name}.sol").write_text(HEADER + text)
    return root


def test_build_writes_exactly_the_project(solc: Solc, tmp_path: Path) -> None:
    root = project(tmp_path / "p", A='import "./B.sol"; contract A is B {}', B="contract B { uint public x; }")
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "Gone.json").write_text("{}")
    steps: list[tuple[str, float]] = []
    artifacts = build(root, solc, folder=folder, progress=lambda what, done: steps.append((what, done)))
    assert [artifact.name for artifact in artifacts] == ["A", "B"]
    assert sorted(path.name for path in folder.iterdir()) == ["A.json", "B.json"]
    assert set(artifacts[0].sources) == {"contracts/A.sol", "contracts/B.sol"}
    assert set(artifacts[1].sources) == {"contracts/B.sol"}
    assert steps[-1] == ("compiled 2 contracts", 1.0)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"A": "contract A {}", "B": "contract A {}"}, "two contracts are named A"),
        ({"A": "contract A {"}, "do not compile"),
        (
            {"A": f'contract A {{ function f() public pure returns (bytes memory) {{ return hex"{TOO_LONG}"; }} }}'},
            r"contract A is too large \(EIP-170\)",
        ),
    ],
)
def test_failed_build_leaves_the_old_artifacts(
    solc: Solc, tmp_path: Path, sources: dict[str, str], message: str
) -> None:
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "Old.json").write_text("{}")
    with pytest.raises(InputError, match=message):
        build(project(tmp_path / "p", **sources), solc, folder=folder)
    assert [path.name for path in folder.iterdir()] == ["Old.json"]
