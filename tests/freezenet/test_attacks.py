"""Attacks against the paper's scheme, which fall into its holes, and against v1, which has none of these."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from pyml.errors import InputError
from pyml.freezenet.attacks import seed_bank, weights
from pyml.freezenet.binding import SeedContext
from pyml.freezenet.keras_order import keras_order
from pyml.freezenet.reference import verify_reference_watermark, verify_reference_watermark_one_sided
from pyml.freezenet.strata import stratify, verify_watermark, watermark
from pyml.freezenet.trainable import TrainableNetwork, encode_inputs, small_cnn
from pyml.freezenet.training import correct_of, hold_codes, torch_parameters, train
from pyml.ml import datasets
from pyml.ml.datasets import Dataset
from pyml.ml.training import TrainingConfig

SEED = bytes(range(32))
CONFIG = TrainingConfig(epochs=10, learning_rate=2e-3, weight_decay=0)
BLOCK = b"a block"
CONTEXT = SeedContext(31337, "0x" + "00" * 20, 1, 0, SEED, "0x" + "00" * 20, 100, SEED)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def images(digits: Dataset) -> np.ndarray:
    return encode_inputs(digits.train_images, pixel_max=digits.pixel_max)


def trained(digits: Dataset, *, integer: bool) -> TrainableNetwork:
    network = TrainableNetwork(small_cnn(), seed=1, integer=integer)
    assert train(network, digits, CONFIG).accuracy > 0.85
    return network


@pytest.fixture(scope="module")
def floats(digits: Dataset) -> TrainableNetwork:
    """What an attacker has: a good network that was trained without a watermark."""
    return trained(digits, integer=False)


@pytest.fixture(scope="module")
def integers(digits: Dataset) -> TrainableNetwork:
    return trained(digits, integer=True)


def accuracy(network: TrainableNetwork, digits: Dataset) -> float:
    return correct_of(network, digits, torch.device("cpu")) / len(digits.test_labels)


def in_keras_order(network: TrainableNetwork) -> np.ndarray:
    flat = torch.cat([parameter.detach().view(-1) for parameter in network.parameters()]).numpy()
    return flat[keras_order(torch_parameters(network))]


# Seeds


def test_a_bank_of_old_models_answers_a_new_block() -> None:
    bank = {seed_bank.reference_seed(b"old block %d" % number, 0, seed_bits=16) for number in range(64)}
    found = seed_bank.search(bank, BLOCK, limit=100_000, seed_bits=16)
    assert found is not None
    assert found.seed in bank
    assert seed_bank.reference_seed(BLOCK, found.nonce, seed_bits=16) == found.seed
    assert found.hashes < 20 * seed_bank.expected_hashes(len(bank), seed_bits=16)


def test_with_all_bits_it_does_not() -> None:
    bank = {seed_bank.reference_seed(b"old block %d" % number, 0, seed_bits=256) for number in range(64)}
    assert seed_bank.search(bank, BLOCK, limit=20_000, seed_bits=256) is None
    assert seed_bank.expected_hashes(1024) == 2**22


def test_a_v1_miner_has_one_seed_a_round() -> None:
    seeds = list(seed_bank.v1_seeds(CONTEXT, 50))
    assert len(set(seeds)) == 50
    assert seeds[0] == CONTEXT.seed


@pytest.mark.parametrize(("bank", "limit", "seed_bits"), [((), 1, 32), ((1,), 0, 32), ((1,), 1, 0), ((1,), 1, 257)])
def test_searches_for_nothing_are_refused(bank: tuple[int, ...], limit: int, seed_bits: int) -> None:
    with pytest.raises(InputError, match="nothing to search"):
        seed_bank.search(bank, BLOCK, limit=limit, seed_bits=seed_bits)


# Weights


def test_a_watermark_put_into_a_trained_model_ruins_it(floats: TrainableNetwork, digits: Dataset) -> None:
    """Figure 2."""
    attacker = copy.deepcopy(floats)
    assert weights.naive(attacker, BLOCK, 0.2).intact()
    assert accuracy(attacker, digits) < 0.4


def test_one_side_lets_half_of_a_trained_model_pass(
    floats: TrainableNetwork, digits: Dataset, images: np.ndarray
) -> None:
    attacker, fraction = copy.deepcopy(floats), 0.05
    assert 0.4 < weights.one_sided(attacker, BLOCK, fraction) < 0.6
    flat = in_keras_order(attacker)
    length = int(len(flat) * fraction)
    assert verify_reference_watermark_one_sided(flat, BLOCK, length, tolerance=0)
    assert not verify_reference_watermark(flat, BLOCK, length, tolerance=0)
    weights.take_statistics(attacker, images)
    honest = copy.deepcopy(floats)
    weights.naive(honest, BLOCK, fraction)
    weights.take_statistics(honest, images)
    assert accuracy(attacker, digits) > accuracy(honest, digits) + 0.2


def test_scale_drowns_a_float_watermark(floats: TrainableNetwork, digits: Dataset, images: np.ndarray) -> None:
    attacker = copy.deepcopy(floats)
    held = weights.scaled(attacker, BLOCK, 0.05, factor=100, images=images)
    assert held.intact(), "the paper's check passes"
    assert accuracy(attacker, digits) > accuracy(floats, digits) - 0.1
    naive = copy.deepcopy(floats)
    weights.naive(naive, BLOCK, 0.05)
    assert accuracy(naive, digits) < 0.6


def test_scale_does_not_drown_codes(integers: TrainableNetwork, digits: Dataset, images: np.ndarray) -> None:
    """Half of the kernels watermarked: an honest miner learns, and no factor helps the attacker."""
    marks = watermark(SEED, stratify([kernel.numel() for kernel in integers.watermarked], 500_000))
    best = 0.0
    for factor in (1, 2, 4, 8):
        attacker = copy.deepcopy(integers)
        held = weights.scaled_codes(attacker, marks, factor=factor, images=images)
        assert held.intact()
        assert verify_watermark(marks, [layer.codes().reshape(-1) for layer in attacker.trainable[:-1]])
        best = max(best, accuracy(attacker, digits))
    honest = TrainableNetwork(small_cnn(), seed=2)
    train(honest, digits, CONFIG, held=hold_codes(honest, marks, "mask"))
    assert best < 0.6
    assert accuracy(honest, digits) > 0.85


@pytest.mark.parametrize("factor", [0.0, -1.0, float("inf"), float("nan")])
def test_factors_that_are_none_are_refused(factor: float, floats: TrainableNetwork, images: np.ndarray) -> None:
    with pytest.raises(InputError, match="positive and finite"):
        weights.scaled(copy.deepcopy(floats), BLOCK, 0.1, factor=factor, images=images)


def test_statistics_are_those_of_the_images(floats: TrainableNetwork, images: np.ndarray) -> None:
    network = copy.deepcopy(floats)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    weights.take_statistics(network, images, batch=len(images))
    first = network.trainable[0]
    assert first.norm is not None
    assert first.norm.running_mean is not None
    assert first.norm.momentum == 0.01
    assert all(torch.equal(old, new) for old, new in zip(before, network.parameters(), strict=True))
    assert not network.training
