"""Cheats, as far as they can be had without a round: what they lie with must be what they say it is."""

from __future__ import annotations

import numpy as np
import pytest

from pyml.errors import PymlError
from pyml.freezenet import faults
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.faults import inputs_for, untrained
from pyml.freezenet.solution import content_of
from pyml.freezenet.trainable import architecture, small_mlp


@pytest.mark.parametrize("label", range(10))
def test_activations_that_give_the_label(label: int) -> None:
    for seed in range(20):
        weight = np.random.default_rng(seed).integers(-128, 128, (32, 10), dtype=np.int8)
        inputs = inputs_for(weight, label)
        assert inputs.min() >= 0
        assert (inputs.astype(np.int64) @ weight.astype(np.int64)).argmax() == label


def test_weights_that_never_give_the_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "_TRIES", 50)
    with pytest.raises(PymlError, match="never give the label"):
        inputs_for(np.zeros((4, 3), dtype=np.int8), 2)


def test_numbers_that_nobody_trained_hold_the_watermark() -> None:
    task, seed = Architecture(architecture(small_mlp()), 700_000), bytes(range(32))
    content = content_of(untrained(task, seed), task, seed)  # raises unless it holds
    assert len(set(content.free.tolist())) > 100
