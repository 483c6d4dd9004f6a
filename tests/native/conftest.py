"""The compiled core, on each of its paths; where it is not built its tests are skipped, and say why.

Under ``./dev test`` they fail instead if the machine has what it takes to build it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator

import pytest

from pyml.errors import ToolMissingError
from pyml.zk.native.core import Core, load_core

PATHS = ("portable", "mulx", "ifma")


@pytest.fixture(scope="session")
def core() -> Core:
    try:
        return load_core()
    except ToolMissingError as error:
        if os.environ.get("PYML_TEST_TOOLS") == "all" and shutil.which("cmake") and shutil.which("c++"):
            pytest.fail(f"it could have been built: {error}")
        pytest.skip(str(error))


@pytest.fixture(params=PATHS)
def any_path(request: pytest.FixtureRequest, core: Core) -> Generator[Core]:
    """The core on one path; the best one again afterwards."""
    if request.param not in core.paths():
        pytest.skip(f"this processor has no {request.param}")
    before = core.path()
    core.select_path(request.param)
    assert core.path() == request.param
    yield core
    core.select_path(before)
