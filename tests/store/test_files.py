"""Atomic writes: whole or not at all, also when the disk is full."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from pyml.errors import InputError
from pyml.store.files import write_atomically

ROOT = Path(__file__).parents[2]

LIMITED = """
import resource, sys
from pathlib import Path
from pyml.errors import ResourceError
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
{body}
"""


def run_with_file_limit(body: str, *arguments: str) -> str:
    """Run ``body`` in a process that may not make files of more than 4,096 bytes; its standard output."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(body=body), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_content_mode_and_folders(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file"
    write_atomically(target, b"one", mode=0o600)
    assert target.read_bytes() == b"one"
    assert target.stat().st_mode & 0o777 == 0o600
    write_atomically(target, lambda stream: stream.writelines([b"t", b"wo"]))
    assert target.read_bytes() == b"two"
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in target.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [RuntimeError("late"), KeyboardInterrupt()])
def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "file"
    write_atomically(target, b"old")

    def write(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_atomically(target, write)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    out = run_with_file_limit(
        "from pyml.store.files import write_atomically\n"
        "try:\n    write_atomically(Path(sys.argv[1]), bytes(10000))\n"
        "except ResourceError as error:\n    print(error)",
        str(target),
    )
    assert out.startswith(f"no room to write {target}: File too large")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_exclusive_keeps_what_is_there(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomically(target, b"first", exclusive=True)
    with pytest.raises(FileExistsError):
        write_atomically(target, b"second", exclusive=True)
    assert target.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [target]


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        write_atomically(tmp_path / "plain" / "file", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_atomically(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "plain"]
