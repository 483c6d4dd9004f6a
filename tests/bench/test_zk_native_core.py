"""The benchmark of the native core runs as it is called; its peer is measured elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.errors import ToolMissingError
from pyml.zk.native.core import load_core
from tests.bench.test_scripts import quick_result


def test_small_commitments_are_measured(tmp_path: Path) -> None:
    try:
        core = load_core()
    except ToolMissingError as error:
        pytest.skip(str(error))
    result = quick_result("zk_native_core", tmp_path / "home", tmp_path / "result.json")
    assert result["paths_agree"]
    assert {one["path"] for one in result["paths"]} == set(core.paths())
    for one in result["paths"]:
        assert set(one["steps"]) == {f"commit to {kind} values" for kind in ("13-bit", "signed 16-bit", "full-size")}
        assert all(step["cpu_s"] >= 0 for step in one["steps"].values())
    assert "peer" not in result
    assert "targets" not in result  # they speak of another size
