"""A child process with ``ezkl`` loaded that forks once for every engine step: what ``pyml.zk.ezkl._step`` does, sooner.

The tests here make some hundred engine calls of a few milliseconds each; starting an interpreter for every one would
take most of the time. Each fork runs the same ``_serve`` as production, so a panic still ends that step only.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pyml.zk.ezkl as production

ROOT = Path(__file__).parents[2]
STEP_TIMEOUT_S = 120
"""The engine never returns from proving a value that is in no lookup table; such a step is killed."""


class EngineChild:
    """The parent's side. ``step`` has the signature of ``pyml.zk.ezkl._step``."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.zk.engine_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def step(self, step: str, *, cache: Path | None = None, **arguments: object) -> Any:
        if cache is None:
            with tempfile.TemporaryDirectory() as folder:
                return self.step(step, cache=Path(folder), **arguments)
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in arguments.items()}
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([step, str(cache), plain]) + "\n")
        self._child.stdin.flush()
        code, answer, noise = json.loads(self._child.stdout.readline())
        if code == 0:
            return json.loads(answer)
        raise production.failure(step, code, noise)

    def close(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()


@contextlib.contextmanager
def engine_child() -> Generator[EngineChild]:
    child = EngineChild()
    try:
        yield child
    finally:
        child.close()


def _serve_one(step: str, cache: str, arguments: dict[str, Any], answer: Path, noise: Path) -> int:
    """Fork, run one step with its output in files, return its exit code (negative: the signal that ended it)."""
    process = os.fork()
    if process == 0:
        code = 1
        signal.alarm(STEP_TIMEOUT_S)
        try:
            for number, path in ((1, answer), (2, noise)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            os.putenv("EZKL_REPO_PATH", cache)  # as production does with env(1)
            sys.stdin = io.StringIO(json.dumps(arguments))
            production._serve(step)
            code = 0
        except BaseException as error:  # a panic of the engine arrives as one
            os.write(2, f"{type(error).__name__} Error: {error}".encode())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main() -> None:
    importlib.import_module("ezkl")  # before the first fork

    with tempfile.TemporaryDirectory() as folder:
        answer, noise = Path(folder, "answer"), Path(folder, "noise")
        for line in sys.stdin:
            step, cache, arguments = json.loads(line)
            code = _serve_one(step, cache, arguments, answer, noise)
            sys.stdout.write(json.dumps([code, answer.read_text(), noise.read_text(errors="replace")]) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
