"""Tied programs: output kept or written to files, exit codes, their end. Whose life they share: test_devnet."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from pyml.chain.lifeline import TiedProcess
from pyml.errors import ToolMissingError


def ended(process: TiedProcess) -> int | None:
    """Its exit code, when it has one."""
    deadline = time.monotonic() + 20
    while process.running and time.monotonic() < deadline:
        time.sleep(0.01)
    return process.returncode


def test_output_is_kept_without_files() -> None:
    process = TiedProcess(["sh", "-c", "echo out; echo err >&2"])
    assert process.wait_for_line("err", 20) == "err"
    assert ended(process) == 0
    assert process.tail() == "out\nerr"
    process.stop()


def test_output_goes_to_files(tmp_path: Path) -> None:
    with (tmp_path / "out").open("ab") as out, (tmp_path / "err").open("ab") as err:
        for _ in range(2):
            process = TiedProcess(["sh", "-c", "echo out; echo err >&2; exit 3"], output=(out, err))
            assert ended(process) == 3
            assert process.wait_for_line("out", 20) is None, "nothing is kept, and nobody waits for it"
            assert process.tail() == ""
            process.stop()
    assert (tmp_path / "out").read_text() == "out\nout\n"
    assert (tmp_path / "err").read_text() == "err\nerr\n"


def test_return_code() -> None:
    process = TiedProcess(["sleep", "60"])
    assert process.returncode is None
    os.kill(process.pid, signal.SIGKILL)
    assert ended(process) == -signal.SIGKILL
    process.stop()
    assert process.returncode == -signal.SIGKILL, "what it was is still known"


def test_its_input_is_empty() -> None:
    process = TiedProcess(["cat"])
    assert ended(process) == 0
    process.stop()


def test_a_program_that_is_not_there() -> None:
    process = TiedProcess(["/nowhere/program"])
    assert ended(process) == 127
    process.stop()
    with pytest.raises(ToolMissingError, match="cannot be started"):
        TiedProcess(["true"], cwd=Path("/nowhere"))


def test_a_line_is_found_though_many_came_after_it_before_anyone_looked() -> None:
    process = TiedProcess(
        ["/bin/sh", "-c", "echo ready; i=0; while [ $i -lt 120 ]; do echo $i; i=$((i+1)); done; sleep 60"]
    )
    try:
        assert process.wait_for_line("119", 20) == "119"
        assert process.wait_for_line("ready", 20) == "ready"
    finally:
        process.stop()
