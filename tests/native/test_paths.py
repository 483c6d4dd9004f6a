"""The path is the best that the processor has, or what PYML_NATIVE_PATH asks for; an impossible wish is said."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyml.zk.native.core import Core

PRINT_PATH = "import pyml_native; print(pyml_native.path())"


def printed(wish: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", PRINT_PATH],
        env={"PYML_NATIVE_PATH": wish},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr


def test_the_best_path_is_taken(core: Core) -> None:
    assert core.paths()[0] == "portable"
    assert printed("") == (core.paths()[-1], "")


def test_every_path_can_be_asked_for(core: Core) -> None:
    for path in core.paths():
        assert printed(path) == (path, "")


@pytest.mark.parametrize("wish", ["avx512", "IFMA", "portable "])
def test_an_impossible_wish_is_said_and_changes_nothing(core: Core, wish: str) -> None:
    path, said = printed(wish)
    assert path == core.paths()[-1]
    assert f"RuntimeWarning: PYML_NATIVE_PATH is none of the paths that this processor has; using {path}" in said
