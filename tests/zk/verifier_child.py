"""A child process that verifies proofs one after another, without a fork for each: thousands in the time of hundreds.

What a forged proof does to the engine stays in the child. An exception of the engine, or a panic, is answered as the
production adapter answers it; a crash ends the child, and the test that asked.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pyml.zk.ezkl as production

ROOT = Path(__file__).parents[2]


class VerifierChild:
    """The parent's side. ``step`` has the signature of ``pyml.zk.ezkl._step`` and knows one step."""

    def __init__(self, cache: Path) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.zk.verifier_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "EZKL_REPO_PATH": str(cache)},
        )

    def step(self, step: str, *, cache: Path | None = None, **arguments: object) -> Any:
        assert step == "verify"
        assert cache is None
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps({name: str(value) for name, value in arguments.items()}) + "\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        assert answer, f"the engine crashed: the verifier ended with {self._child.wait()}"
        result, noise = json.loads(answer)
        if noise:
            raise production.failure(step, 1, noise)
        return result

    def close(self) -> None:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()


@contextlib.contextmanager
def verifier_child(cache: Path) -> Generator[VerifierChild]:
    child = VerifierChild(cache)
    try:
        yield child
    finally:
        child.close()


def main() -> None:
    engine: Any = importlib.import_module("ezkl")
    answer, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):  # the engine prints
        os.dup2(nowhere, number)
    for line in sys.stdin:
        result, noise = False, ""
        try:
            result = production._verify_quietly(engine, json.loads(line))
        except BaseException as error:  # a panic of the engine arrives as one
            noise = f"{type(error).__name__} Error: {error}"
        os.write(answer, json.dumps([result, noise]).encode() + b"\n")
    os._exit(0)  # the engine's threads sometimes abort while the interpreter shuts down


if __name__ == "__main__":
    main()
