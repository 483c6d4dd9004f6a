"""Trainings as they are asked for: what is fixed, what is bound, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pyml.errors import InputError
from pyml.freezenet.experiment import AUTHOR, TUNED, Experiment, practice_context, practice_seed
from pyml.freezenet.network_names import NAMES
from pyml.freezenet.strata import verify_watermark
from pyml.freezenet.trainable import small_cnn, small_mlp
from pyml.freezenet.training import torch_parameters
from pyml.ml import datasets

V1 = Experiment("mlp", "v1", 0.5, TUNED["mlp"])


def test_the_same_experiment_is_the_same_network() -> None:
    digits = datasets.load("digits")
    first, again, other = (each.fresh(digits) for each in (V1, V1, replace(V1, seed=1)))
    assert torch.equal(first.watermarked[0], again.watermarked[0])
    assert not torch.equal(first.watermarked[0], other.watermarked[0])


def test_the_watermark_is_that_of_the_block_unless_a_seed_is_named() -> None:
    network = V1.fresh(datasets.load("digits"))
    for seed in (None, bytes(range(32))):
        assert V1.held(network, seed).intact()
        marks = V1.marks(network.plans, seed)
        assert verify_watermark(marks, [layer.codes().reshape(-1) for layer in network.trainable[:-1]])
    others = replace(V1, block=b"another").marks(network.plans)
    assert not verify_watermark(others, [layer.codes().reshape(-1) for layer in network.trainable[:-1]])


def test_the_papers_watermark_covers_all_parameters() -> None:
    experiment = replace(V1, scheme="reference", fraction=1.0)
    network = experiment.fresh(datasets.load("digits"))
    experiment.held(network)
    assert sum(each.size for each in torch_parameters(network)) == 2410
    assert all(bool((parameter.abs() <= 1).all()) for parameter in network.parameters())


def test_practice_seeds_are_bound_to_all_but_a_round() -> None:
    seeds = {
        practice_seed(b"block", small_mlp(), 500_000),
        practice_seed(b"other", small_mlp(), 500_000),
        practice_seed(b"block", small_cnn(), 500_000),
        practice_seed(b"block", small_mlp(), 501_000),
        practice_context(b"block", small_mlp(), 500_000, number=1).seed,
        practice_context(b"block", small_mlp(), 500_000, miner="0x" + "11" * 20).seed,
    }
    assert len(seeds) == 6


def test_every_network_has_a_tuned_setting() -> None:
    assert set(TUNED) == set(NAMES)
    assert TUNED["paper"] == AUTHOR
    assert (AUTHOR.epochs, AUTHOR.learning_rate, AUTHOR.batch_size) == (100, 1e-3, 100)


def test_training_is_without_weight_decay() -> None:
    assert V1.config.weight_decay == 0


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan"), float("inf")])
def test_fractions_out_of_range_are_refused(fraction: float) -> None:
    with pytest.raises(InputError, match="fraction is out of range"):
        replace(V1, fraction=fraction)


def test_other_schemes_are_refused() -> None:
    with pytest.raises(InputError, match="unknown scheme"):
        replace(V1, scheme="v2")
