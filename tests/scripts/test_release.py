"""A release is the same bytes each time, and is refused from sources that no commit has."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from pyml import __version__
from pyml.errors import InputError
from scripts.release import ROOT, SUMS, npm_archive, release


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """The files of this checkout that git knows, as they are now, committed in a repository of their own."""
    source = tmp_path / "source"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.split(b"\0")
    for name in filter(None, (item.decode() for item in names)):
        if name.startswith(("pyml/", "circuits/", "contracts/", "scripts/", "LICENSE", "pyproject")) or "/" not in name:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    for words in (("init", "-q"), ("add", "-A"), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")):
        subprocess.run(["git", *words], cwd=source, check=True)
    return source


def test_two_releases_of_a_commit_are_the_same_bytes(committed: Path, tmp_path: Path) -> None:
    first, second = (release(tmp_path / name, source=committed) for name in ("one", "two"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    lines = [line.split("  ") for line in (tmp_path / "one" / SUMS).read_text("utf-8").splitlines()]
    sums = {name: digest for digest, name in lines}
    assert set(sums) == {
        f"pyml-{__version__}.tar.gz",
        f"pyml-{__version__}-py3-none-any.whl",
        f"pyml-contracts-{__version__}.tgz",
    }
    for path in first[:-1]:
        assert sums[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_changes_are_refused(committed: Path, tmp_path: Path) -> None:
    (committed / "pyml" / "config.py").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="not committed"):
        release(tmp_path / "out", source=committed)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused(committed: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.whl").touch()
    with pytest.raises(InputError, match="not empty"):
        release(tmp_path / "out", source=committed)


def test_the_npm_archive_is_a_package_without_traces_of_a_machine() -> None:
    with tarfile.open(fileobj=io.BytesIO(npm_archive())) as archive:
        entries = archive.getmembers()
        manifest = archive.extractfile("package/package.json")
        assert manifest is not None
        assert json.load(manifest)["version"] == __version__
    assert {(entry.mtime, entry.uid, entry.uname) for entry in entries} == {(0, 0, "")}
