"""Without the compiled core, or with one from other sources, there is one clear line."""

from __future__ import annotations

import sys
import types
from collections.abc import Generator

import pytest

from pyml.errors import ToolMissingError
from pyml.zk.native.core import API, load_core


@pytest.fixture(autouse=True)
def forgotten() -> Generator[None]:
    load_core.cache_clear()
    yield
    load_core.cache_clear()


def test_an_absent_core_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyml_native", None)
    with pytest.raises(ToolMissingError) as caught:
        load_core()
    line = str(caught.value)
    assert line.startswith("the native engine is not built: ")
    assert line.endswith(
        "With a C++ compiler and CMake 3.20 or newer, `./dev setup` builds it; `--engine ezkl` works without."
    )
    assert "\n" not in line


@pytest.mark.parametrize("found", [None, API - 1, API + 1])
def test_a_core_of_another_interface_is_refused(monkeypatch: pytest.MonkeyPatch, found: int | None) -> None:
    module = types.ModuleType("pyml_native")
    if found is not None:
        module.API = found  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "pyml_native", module)
    with pytest.raises(ToolMissingError, match=rf"built from other sources; expected interface {API}"):
        load_core()
