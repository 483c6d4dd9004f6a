"""Trainings by the dozen: done once, found again, resumed to the same numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pyml.freezenet import runs as module
from pyml.freezenet.experiment import Experiment, Setting
from pyml.freezenet.runs import Runs
from pyml.ml import datasets
from pyml.ml.datasets import Dataset

EXPERIMENT = Experiment("mlp", "v1", 0.5, Setting(3, 1e-2, 64))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def test_a_run_is_done_once(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, calls = Runs(digits), list[Experiment]()
    trained = module.train

    def counted(*words: object, **options: object) -> object:
        calls.append(EXPERIMENT)
        return trained(*words, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(module, "train", counted)
    first = runs.scratch(EXPERIMENT)
    assert runs.scratch(EXPERIMENT) is first
    assert len(calls) == 1
    for other in (replace(EXPERIMENT, seed=1), replace(EXPERIMENT, fraction=0.25), replace(EXPERIMENT, block=b"b")):
        assert runs.scratch(other) is not first
    assert len(calls) == 4


def test_a_folder_is_read_by_whoever_comes_next(digits: Dataset, tmp_path: Path) -> None:
    first = Runs(digits, tmp_path).scratch(EXPERIMENT)
    (checkpoint,) = tmp_path.glob("*.ckpt")
    before = checkpoint.read_bytes()
    again = Runs(digits, tmp_path).scratch(EXPERIMENT)
    assert again.curve == first.curve == Runs(digits).scratch(EXPERIMENT).curve
    assert torch.equal(again.network.watermarked[0], first.network.watermarked[0])
    assert checkpoint.read_bytes() == before


def test_a_curve_that_was_lost_is_measured_again(digits: Dataset, tmp_path: Path) -> None:
    """Killed between the checkpoint and its accuracy."""
    first = Runs(digits, tmp_path).scratch(EXPERIMENT)
    (curve,) = tmp_path.glob("*.csv")
    rows = curve.read_text().splitlines(keepends=True)
    curve.write_text("".join(rows[:-1]))
    assert Runs(digits, tmp_path).scratch(EXPERIMENT).curve == first.curve


def test_training_ends_at_the_target_also_when_resumed(digits: Dataset, tmp_path: Path) -> None:
    longer = replace(EXPERIMENT, setting=replace(EXPERIMENT.setting, epochs=30))
    first = Runs(digits, tmp_path).scratch(longer, until=0.7)
    assert len(first.curve) < 30
    assert max(first.curve) >= 0.7
    assert sum(each >= 0.7 for each in first.curve) == 1
    assert Runs(digits, tmp_path).scratch(longer, until=0.7).curve == first.curve


def test_transfer_begins_with_what_was_trained(digits: Dataset) -> None:
    runs = Runs(digits)
    had = runs.pretrained(EXPERIMENT)
    before = had.network.watermarked[0].detach().clone()
    slight = replace(EXPERIMENT, fraction=0.01)
    run = runs.transfer(slight, had, origin="test")
    assert run.start > had.curve[-1] - 0.1
    assert torch.equal(had.network.watermarked[0], before), "what was had is left alone"
    assert runs.scratch(slight).start < 0.4


def test_runs_under_a_seed_are_not_those_of_the_block(digits: Dataset) -> None:
    runs = Runs(digits)
    one, other = runs.under(EXPERIMENT, bytes(32)), runs.under(EXPERIMENT, bytes(31) + b"\1")
    assert not torch.equal(one.network.watermarked[0], other.network.watermarked[0])
    assert runs.accuracy(one.network) == one.curve[-1]
