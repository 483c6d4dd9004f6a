"""The wheel as users get it: built from the source distribution, installed into an empty environment, and used there.

The environment is empty of pyml; what pyml depends on is lent to it by a path, since installing torch takes minutes.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from pyml import __version__
from pyml.chain.artifacts import decode_artifact
from scripts.release import build
from tests.tooling.conftest import ROOT, Run, find_tool

SECRET = re.compile(r"\.(key|pem|srs|pk|keystore)$|(^|/)\.env|proving\.key|(^|/)deployments/")


@dataclass(frozen=True)
class Built:
    sdist: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A wheel of the unpacked source distribution: what is missing there would be missing for whoever packages it."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder, "sdist")
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    build(folder / f"pyml-{__version__}", folder, "wheel")
    (wheel,) = folder.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ``bin`` folder of an environment with pyml from the wheel alone."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (library,) = (folder / "lib").glob("python3*/site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", f"--prefix={folder}"]
    subprocess.run([*command, "--ignore-installed", str(built.wheel)], check=True, capture_output=True)
    (library / "lent.pth").write_text(str(Path(pytest.__file__).parents[1]) + "\n", encoding="utf-8")
    return folder / "bin"


def _environment() -> dict[str, str]:
    """None of the checkout's settings; anvil and Node are found on PATH, as on a user's machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYML_", "PYTHON"))}
    return {**kept, "PATH": os.pathsep.join([str(ROOT / ".dev" / "bin"), os.environ["PATH"]])}


def test_the_wheel_has_contracts_circuits_weights_and_types(built: Built) -> None:
    names = zipfile.ZipFile(built.wheel).namelist()
    for needed in (
        "pyml/py.typed",
        "pyml/chain/artifacts/AccuracyRegistry.json",
        "pyml/circuits/private_model_accuracy/circuit.toml",
        f"pyml-{__version__}.dist-info/licenses/LICENSE",
    ):
        assert needed in names
    assert any(name.endswith("photo.npz") for name in names)
    with zipfile.ZipFile(built.wheel) as archive:
        for name in names:
            if name.startswith("pyml/chain/artifacts/") and name.endswith(".json"):
                decode_artifact(archive.read(name), name)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_nothing_secret_or_foreign_is_shipped(built: Built, kind: str) -> None:
    if kind == "wheel":
        names = zipfile.ZipFile(built.wheel).namelist()
    else:
        with tarfile.open(built.sdist) as archive:
            names = [name.split("/", 1)[-1] for name in archive.getnames()]
    assert [name for name in names if SECRET.search(name) or "node_modules" in name or "__pycache__" in name] == []
    if kind == "wheel":
        assert {name.split("/")[0] for name in names} == {"pyml", f"pyml-{__version__}.dist-info"}


def test_two_builds_are_the_same_bytes(built: Built, tmp_path: Path) -> None:
    build(ROOT, tmp_path, "wheel")
    (again,) = tmp_path.glob("*.whl")
    first, second = zipfile.ZipFile(built.wheel), zipfile.ZipFile(again)
    assert sorted(first.namelist()) == sorted(second.namelist())
    assert [name for name in first.namelist() if first.read(name) != second.read(name)] == []


def test_the_command_runs_from_the_wheel_alone(run: Run, installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "python", "-c", "import pyml; print(pyml.__file__)", cwd=tmp_path, environment=_environment()
    )
    assert str(installed.parent) in where.stdout
    version = run(installed / "pyml", "--version", cwd=tmp_path)
    assert __version__ in version.stdout
    packaged = run(installed / "pyml", "chain", "package", tmp_path / "npm", "--json", cwd=tmp_path)
    assert json.loads(packaged.stdout)["files"] > 40


@pytest.mark.long
def test_the_demonstration_runs_from_the_wheel(run: Run, installed: Path, tmp_path: Path) -> None:
    find_tool("anvil", ROOT / ".dev" / "bin" / "anvil")
    environment = {**_environment(), "PYML_HOME": str(tmp_path / "home")}
    done = run(installed / "pyml", "demo", cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stdout
