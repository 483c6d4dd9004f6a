"""Training for a task: scales that follow from layers, data that fits, a watermark that holds, an exact resume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pyml.errors import DatasetError, ModelError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.encoding import layer_tuple
from pyml.freezenet.mining import draw_test_set, plans_of, train_solution, training_data, training_set
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import content_of
from pyml.freezenet.trainable import LayerPlan, architecture, paper_cnn, small_cnn, small_mlp
from pyml.ml.datasets import load
from pyml.ml.training import TrainingConfig

SEED = bytes(range(32))
TASK = Architecture(architecture(small_mlp(64, 8)), 300_000)


def few(count: int = 200) -> SampleSet:
    samples = training_set(load("digits"))
    return SampleSet.plain(samples.inputs[:count], samples.labels[:count])


@pytest.mark.parametrize("plans", [small_mlp(), small_cnn(), paper_cnn()])
def test_scales_follow_from_layers(plans: tuple[LayerPlan, ...]) -> None:
    layers = architecture(plans)
    found = plans_of(Architecture(layers, 300_000))
    assert [each.scales for each in found] == [each.scales for each in plans]


def test_other_shifts_are_refused() -> None:
    first, last = TASK.layers
    other = Architecture(((*first[:10], first[10] + 1, *first[11:]), last), 300_000)
    with pytest.raises(ModelError, match="does not know the scales"):
        plans_of(other)


def test_what_is_trained_holds_the_watermark_and_resumes(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=2, weight_decay=0.0, learning_rate=1e-2)
    network, accuracy = train_solution(TASK, SEED, few(), config, checkpoint=tmp_path / "checkpoint")
    content = content_of(network, TASK, SEED)  # raises unless it holds
    assert tuple(layer_tuple(layer) for layer in network.layers) == TASK.layers
    assert 0 <= accuracy <= 1
    again, _ = train_solution(TASK, SEED, few(), config, checkpoint=tmp_path / "checkpoint")
    assert content_of(again, TASK, SEED).solution() == content.solution()
    other, _ = train_solution(TASK, bytes(32), few(), config)
    assert content_of(other, TASK, bytes(32)).solution() != content.solution()
    with pytest.raises(ModelError, match="does not hold the watermark"):
        content_of(other, TASK, SEED)


def test_every_eighth_sample_is_held_back() -> None:
    samples = few(20)
    data = training_data(samples, TASK)
    assert np.array_equal(data.test_labels, samples.labels[[0, 8, 16]])
    assert len(data.train_labels) == 17
    assert np.array_equal(data.train_images[0], samples.inputs[1])


@pytest.mark.parametrize(
    ("inputs", "labels", "problem"),
    [
        (np.zeros((9, 63), dtype=np.int8), np.zeros(9), "does not fit the network; expected 64; got 63"),
        (np.full((9, 64), -1, dtype=np.int8), np.zeros(9), "inputs of 0 to 127"),
        (np.zeros((9, 64), dtype=np.int8), np.full(9, 10), "labels below the network's classes"),
    ],
)
def test_data_of_other_tasks(
    inputs: np.ndarray[tuple[int, int], np.dtype[np.int8]],
    labels: np.ndarray[tuple[int], np.dtype[np.float64]],
    problem: str,
) -> None:
    with pytest.raises(DatasetError, match=problem):
        training_data(SampleSet.plain(inputs, labels), TASK)


def test_test_sets_are_drawn_from_test_images_in_secret() -> None:
    digits = load("digits")
    first, second = (draw_test_set(digits, 30) for _ in range(2))
    rows = {row.tobytes() for row in training_set(digits).inputs}
    assert len(first) == len(set(first.leaves)) == 30
    assert first.seal != second.seal
    assert not any(row.tobytes() in rows for row in first.inputs)
    with pytest.raises(DatasetError, match="too few test images; expected at most 500"):
        draw_test_set(digits, 501)
