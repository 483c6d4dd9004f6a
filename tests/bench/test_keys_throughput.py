"""The throughput benchmark runs as it is called, and its result says what it measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measuring.record import ROOT


@pytest.mark.long
def test_keys_throughput(tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    done = subprocess.run(
        [sys.executable, "bench/keys_throughput.py", "--quick", "--output", str(output)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(output.read_text(encoding="utf-8"))
    assert result["command"] == "python bench/keys_throughput.py --quick"
    (subject,) = result["subjects"]
    assert (subject["images"], subject["batch"]) == (500, 32)
    assert {len(subject[f"{of}_cost_by_round"]) for of in ("processor", "clock", "alone")} == {4}
    assert subject["forward_s"] > 0
    assert subject["memory_ratio"] > 0
