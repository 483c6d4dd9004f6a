"""The npm package as a dApp developer uses it: typed by tsc, run by Node with viem against a devnet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pyml import __version__
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.npm_package import NAME, constant_name, package_files, typescript, write_package
from pyml.errors import InputError
from pyml.zk.deployment import deployment_plan
from tests.tooling.conftest import ROOT, Run, find_tool

EXAMPLE = ROOT / "examples" / "typescript"


def _abi_of(text: str) -> object:
    return json.loads(text.split(" = ", 1)[1].rstrip(";\n"))


def test_every_abi_is_that_of_the_artefact(tmp_path: Path) -> None:
    written = write_package(tmp_path)
    modules = sorted(path for path in written if path.parent.name == "abi" and path.suffix == ".js")
    assert len(modules) > 20
    for path in modules:
        artifact = load_artifact(path.stem)
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"export const {constant_name(path.stem)} = ")
        assert _abi_of(text) == [dict(entry) for entry in artifact.abi]
    manifest = json.loads((tmp_path / "package.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["version"]) == (NAME, __version__)


def test_interfaces_are_left_out() -> None:
    names = [name for name, _ in package_files([])]
    assert "abi/ModelRegistry.js" in names
    assert "abi/IModelRegistry.js" not in names


def test_writing_again_gives_the_same_and_keeps_nothing_else(tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in write_package(tmp_path)}
    assert first == {path: path.read_bytes() for path in write_package(tmp_path)}
    (tmp_path / "abi" / "Old.js").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="other files"):
        write_package(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder of deployments"):
        write_package(tmp_path / "package", tmp_path / "absent")
    assert not (tmp_path / "package").exists()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, True, None]}, '{ readonly "a": readonly [1, true, null]; }'),
        ('it\'s "x"\n', '"it\'s \\"x\\"\\n"'),
        ([], "readonly []"),
    ],
)
def test_a_value_has_its_literal_type(value: object, text: str) -> None:
    assert typescript(value) == text


def test_the_examples_compile_and_run_against_a_devnet(run: Run, tmp_path: Path) -> None:
    node = find_tool("node", ROOT / ".dev" / "bin" / "node")
    for source in EXAMPLE.iterdir():
        shutil.copy(source, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    modules = tmp_path / "node_modules"
    modules.mkdir()
    (modules / "viem").symlink_to(ROOT / "node_modules" / "viem")
    with Devnet() as chain:
        deploy_system(Client.connect(chain.url), deployment_plan(), chain.accounts[0], folder=tmp_path / "deployments")
        write_package(modules / NAME, tmp_path / "deployments")
        checked = run(node, ROOT / "node_modules" / "typescript" / "bin" / "tsc", "-p", tmp_path, cwd=tmp_path)
        assert checked.returncode == 0, checked.stdout
        ran = run(node, "--no-warnings", "models.ts", chain.url, cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout
        (model,) = json.loads(ran.stdout)
        assert model["owner"] == chain.accounts[0].address
        assert model["revoked"] is False
