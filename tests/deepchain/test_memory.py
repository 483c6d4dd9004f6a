"""What a member is about to post survives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyml.deepchain.memory import LABEL, Memory
from pyml.deepchain.records import Subject, Submission
from pyml.errors import InputError, IntegrityError
from pyml.store.journal import Journal

MADE = Submission(b"\1" * 32, b"\2" * 32, b"\3" * 32)
OTHER = Submission(b"\4" * 32, b"\2" * 32, b"\3" * 32)


def test_a_new_process_remembers(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "member.journal"
    with Memory(path) as memory:
        memory.remember_submission(Subject.GRADIENTS, 2, 0, MADE)
        memory.remember_submission(Subject.SHARES, 2, 0, OTHER)
        memory.remember_weights(1, "aa")
        memory.remember_weights(2, "bb")
    with Memory(path) as memory:
        assert memory.submission(Subject.GRADIENTS, 2, 0) == MADE
        assert memory.submission(Subject.SHARES, 2, 0) == OTHER
        assert memory.submission(Subject.GRADIENTS, 2, 1) is None
        assert memory.submission(Subject.GRADIENTS, 3, 0) is None
        assert (memory.weights(1), memory.weights(3), memory.last_weights()) == ("aa", None, (2, "bb"))


def test_what_was_remembered_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "member.journal"
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from pyml.deepchain.memory import Memory\n"
        "memory = Memory(Path(sys.argv[1]))\n"
        "memory.remember_weights(7, 'cc')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], env={**os.environ}, check=False)
    assert ended.returncode == -signal.SIGKILL
    with Memory(path) as memory:
        assert memory.last_weights() == (7, "cc")


def test_two_processes_do_not_share_a_memory(tmp_path: Path) -> None:
    with Memory(tmp_path / "member.journal"), pytest.raises(InputError, match="in use"):
        Memory(tmp_path / "member.journal")


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b'{"kind": "weights"}', b'{"kind": "submission", "subject": 9}'])
def test_a_record_that_makes_no_sense_is_damage(tmp_path: Path, record: bytes) -> None:
    with Journal(tmp_path / "member.journal", LABEL) as journal:
        journal.append(record)
    with pytest.raises(IntegrityError, match="cannot be read"):
        Memory(tmp_path / "member.journal")
