"""Training together with a cheat, as it is called: real processes, real contracts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import train_together

ROOT = Path(__file__).parents[2]


def called(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(train_together.__file__), *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.long
@pytest.mark.parametrize("fault", ["false-proof", "crash"])
def test_the_cheat_pays_and_the_model_is_trained(tmp_path: Path, fault: str) -> None:
    done = called(tmp_path, "--fault", fault, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["rounds"] == 1
    assert result["accuracy"]["after"] > result["accuracy"]["before"] + 0.2
    assert (result["coins_gained"]["party-2"] < 0) == (fault == "false-proof")
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_a_fault_that_nobody_plays_is_refused(tmp_path: Path) -> None:
    done = called(tmp_path, "--fault", "honesty")
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'honesty'" in done.stderr
    assert "Traceback" not in done.stderr
