"""Cheats, as far as they can be had without a round: what they lie with must be what they say it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pyml.errors import PymlError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.solution import content_of
from pyml.freezenet.trainable import architecture, small_mlp
from scripts import cheat_in_round
from scripts.cheat_in_round import KINDS, inputs_for, untrained

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("label", range(10))
def test_activations_that_give_the_label(label: int) -> None:
    for seed in range(20):
        weight = np.random.default_rng(seed).integers(-128, 128, (32, 10), dtype=np.int8)
        inputs = inputs_for(weight, label)
        assert inputs.min() >= 0
        assert (inputs.astype(np.int64) @ weight.astype(np.int64)).argmax() == label


def test_weights_that_never_give_the_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cheat_in_round, "_TRIES", 50)
    with pytest.raises(PymlError, match="never give the label"):
        inputs_for(np.zeros((4, 3), dtype=np.int8), 2)


def test_numbers_that_nobody_trained_hold_the_watermark() -> None:
    task, seed = Architecture(architecture(small_mlp()), 700_000), bytes(range(32))
    content = content_of(untrained(task, seed), task, seed)  # raises unless it holds
    assert len(set(content.free.tolist())) > 100


def test_kinds_that_there_are_not(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(cheat_in_round.__file__), "kindness", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'kindness'" in done.stderr
    assert all(kind in done.stderr for kind in KINDS)
