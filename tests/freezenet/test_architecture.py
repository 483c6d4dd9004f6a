"""Layers and fraction of a task: what follows from them, and what is no network."""

from __future__ import annotations

import pytest

from pyml.errors import InputError, ModelError
from pyml.freezenet.architecture import Architecture, decode_layers, layer_shape
from pyml.freezenet.encoding import architecture_hash
from pyml.freezenet.trainable import architecture, paper_cnn, small_cnn, small_mlp


def test_counts_of_the_small_perceptron() -> None:
    task = Architecture(architecture(small_mlp()), 300_000)
    assert (task.inputs, task.classes) == (64, 10)
    assert (task.kernel_size, task.length, task.free_count) == (2048, 614, 1434)
    assert task.products == 64 * 32 + 32 * 10
    assert task.hash == architecture_hash(task.layers)


def test_shapes_are_those_of_the_plans() -> None:
    for plans in (small_mlp(), small_cnn(), paper_cnn()):
        layers = architecture(plans)
        assert tuple(map(layer_shape, layers)) == tuple(plan.shape for plan in plans)


def test_layers_come_back_from_the_chain() -> None:
    layers = architecture(small_cnn())
    assert decode_layers([list(layer) for layer in layers]) == layers
    with pytest.raises(ModelError, match="wrong number of fields"):
        decode_layers([layers[0][:-1]])


@pytest.mark.parametrize(
    ("count", "fraction", "problem"),
    [(1, 300_000, "wrong number of layers"), (2, 1, "watermark is empty"), (2, 0, "watermark is empty")],
)
def test_what_carries_no_watermark(count: int, fraction: int, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        Architecture(architecture(small_mlp())[:count], fraction)


def test_a_fraction_above_one() -> None:
    with pytest.raises(InputError, match="fraction is out of range"):
        Architecture(architecture(small_mlp()), 1_000_001)


def test_layers_that_do_not_follow_each_other() -> None:
    first, last = architecture(small_mlp())
    with pytest.raises(ModelError):
        Architecture((last, first), 300_000)
