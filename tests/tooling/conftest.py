"""Tools of others, run as their users run them: skipped where one is absent, failed under ``./dev test``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def find_tool(name: str, *places: Path) -> str:
    """The program on PATH or in the places given; else skips, or fails where ``./dev test`` promised it."""
    found = shutil.which(name) or next((str(place) for place in places if os.access(place, os.X_OK)), None)
    if found:
        return found
    reason = f"{name} is not installed; ./dev test installs it"
    if os.environ.get("PYML_TEST_TOOLS") == "all":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def run() -> Run:
    """Runs a command in the project's root and returns what it said; output of both kinds in ``stdout``."""

    def run_command(
        *command: str | Path, environment: Mapping[str, str] | None = None, cwd: Path = ROOT, timeout_s: float = 900
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return run_command


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
