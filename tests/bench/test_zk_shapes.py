"""The benchmark that cost predictions are fitted to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.test_scripts import quick_result


@pytest.mark.long
def test_zk_shapes(tmp_path: Path) -> None:
    (shape,) = quick_result("zk_shapes", tmp_path / "home", tmp_path / "result.json")["shapes"]
    assert (shape["k"], shape["inner_columns"], shape["valid"]) == (14, 1, True)
    assert 0.9 < shape["rows"] / 2**14 < 1
    assert set(shape["steps"]) == {"build", "set_up", "prove", "verify"}
    assert all(step["processor_s"] > 0 for step in shape["steps"].values())
    assert shape["proving_key_bytes"] > 10**7
    assert shape["peak_mb"] > 100
