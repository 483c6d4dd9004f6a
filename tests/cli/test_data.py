"""``pyml data`` on bundled, absent and damaged data sets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pyml.cli.data import app
from pyml.errors import DatasetError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYML_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYML_DATA", str(tmp_path / "data"))
    return tmp_path


def test_list_tells_what_is_here(home: Path) -> None:
    folder = home / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    result = CliRunner().invoke(app, ["list", "--json"])
    assert result.exit_code == 0
    sets = {row["name"]: row for row in json.loads(result.stdout)["sets"]}
    assert sets["digits"] == {"name": "digits", "bundled": True, "missing": []}
    assert "t10k-labels-idx1-ubyte.gz" not in sets["mnist"]["missing"]
    assert len(sets["mnist"]["missing"]) == 3
    assert "pyml data fetch mnist" in CliRunner().invoke(app, ["list"]).stdout


@pytest.mark.parametrize("command", ["check", "fetch"])
def test_bundled_digits_need_no_files(home: Path, command: str) -> None:
    result = CliRunner().invoke(app, [command, "digits", "--json"])
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert (summary["train"], summary["test"], summary["shape"]) == (1297, 500, [8, 8])
    assert summary["digest"] in CliRunner().invoke(app, [command, "digits"], env={"COLUMNS": "200"}).stdout
    assert not (home / "home").exists()


def test_absent_damaged_and_unknown_sets_are_refused(home: Path) -> None:
    for arguments, problem in (
        (["check", "mnist"], "train-images-idx3-ubyte.gz is not here"),
        (["check", "nonsense"], "unknown data set"),
    ):
        error = CliRunner().invoke(app, arguments).exception
        assert isinstance(error, DatasetError)
        assert problem in str(error)
    folder = home / "data" / "mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"not gzip")
    error = CliRunner().invoke(app, ["check", "mnist"]).exception
    assert isinstance(error, DatasetError)
    assert "not a complete gzip file" in str(error)
