"""The paper's losses by known values and gradients, pairs, and training that resumes to the bit after any death."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pyml.errors import InputError, ModelError, ToolMissingError
from pyml.ml.checkpoints import load_checkpoint, save_checkpoint
from pyml.ml.datasets import Dataset, load
from pyml.ml.resnet import ResNet50
from pyml.ml.siamese import (
    Architecture,
    Pairs,
    Siamese,
    SiameseConfig,
    activations,
    double_margin_loss,
    jittered,
    siamese,
    train_siamese,
    triangular_prior,
)

DIGITS = Architecture("cnn", 1, 8, 8)
CONFIG = SiameseConfig(epochs=3, batch_size=32, seed=5, checkpoint_batches=2, jitter=1.0)


@pytest.fixture(scope="module")
def small() -> Dataset:
    digits = load("digits")
    return replace(digits, train_images=digits.train_images[:150], train_labels=digits.train_labels[:150])


def weights(network: Siamese) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in network.state_dict().items()}


# Equation 1


@pytest.mark.parametrize(
    ("distance", "genuine", "expected"),
    [
        (3.0, 1, 2.0),  # ½·(3 - 1)²
        (3.0, 0, 12.5),  # ½·(8 - 3)²
        (1.0, 1, 0.0),
        (0.2, 1, 0.0),  # nearer than m₁ is near enough
        (8.0, 0, 0.0),
        (11.0, 0, 0.0),  # farther than m₂ is far enough
        (0.0, 0, 32.0),
        (16.0, 1, 112.5),
    ],
)
def test_known_values_of_equation_1(distance: float, genuine: int, expected: float) -> None:
    found = double_margin_loss(torch.tensor([distance]), torch.tensor([float(genuine)]), near=1.0, far=8.0)
    assert found.item() == expected


def test_equation_1_is_a_mean_over_pairs() -> None:
    distance, genuine = torch.tensor([3.0, 3.0, 0.5, 9.0]), torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert double_margin_loss(distance, genuine, near=1.0, far=8.0).item() == pytest.approx((2.0 + 12.5) / 4)


def slope(loss: Callable[[Tensor], Tensor], at: float) -> float:
    value = torch.tensor([at], requires_grad=True)
    loss(value).backward()
    assert value.grad is not None
    return value.grad.item()


def test_equation_1_pulls_friends_and_pushes_strangers_between_the_margins_only() -> None:
    def loss(genuine: float) -> Callable[[Tensor], Tensor]:
        return lambda distance: double_margin_loss(distance, torch.tensor([genuine]), near=1.0, far=8.0)

    assert slope(loss(1.0), 3.0) == 2.0  # D - m₁: descent shortens it
    assert slope(loss(0.0), 3.0) == -5.0  # -(m₂ - D): descent lengthens it
    assert slope(loss(1.0), 0.9) == 0.0
    assert slope(loss(0.0), 8.1) == 0.0


def test_equal_codes_have_a_finite_gradient() -> None:
    codes = torch.full((2, 256), 0.5, requires_grad=True)
    distance = torch.linalg.vector_norm(codes[:1] - codes[1:], dim=1)
    double_margin_loss(distance, torch.zeros(1), near=0.5, far=8.0).backward()
    assert codes.grad is not None
    assert bool(torch.isfinite(codes.grad).all())


# Equation 2


@pytest.mark.parametrize(
    ("activation", "expected"), [(0.0, 0.0), (1.0, 0.0), (0.5, 1.0), (0.25, 0.5), (0.75, 0.5), (0.125, 0.25)]
)
def test_known_values_of_equation_2(activation: float, expected: float) -> None:
    assert triangular_prior(torch.tensor([activation]), weight=2.0).item() == expected


def test_equation_2_drives_each_activation_to_the_nearer_bound() -> None:
    values = torch.tensor([[0.01, 0.3, 0.49], [0.51, 0.7, 0.99]], requires_grad=True)
    prior = triangular_prior(values, weight=0.5)
    assert prior.shape == values.shape
    prior.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[0.5] * 3, [-0.5] * 3]
    assert not triangular_prior(values, weight=0.0).any()


# Pairs


@given(st.lists(st.integers(0, 4), min_size=2, max_size=40).filter(lambda labels: len(set(labels)) > 1), st.integers(0))
def test_partners_are_what_they_are_said_to_be(labels: list[int], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed % 2**60)
    anchors = torch.arange(len(labels)).repeat(20)
    partners, genuine = Pairs(np.array(labels)).draw(anchors, generator)
    for anchor, partner, same in zip(anchors.tolist(), partners.tolist(), genuine.tolist(), strict=True):
        assert (labels[anchor] == labels[partner]) == bool(same)
        if same:
            assert anchor != partner or labels.count(labels[anchor]) == 1


def test_every_partner_is_as_likely_as_any_other() -> None:
    labels = np.array([0, 1, 0, 2, 0, 1])
    partners, genuine = Pairs(labels).draw(torch.zeros(60_000, dtype=torch.int64), torch.Generator().manual_seed(1))
    counts = torch.bincount(partners, minlength=6).tolist()
    assert counts[0] == 0
    assert genuine.mean().item() == pytest.approx(0.5, abs=0.01)  # five standard deviations
    for friend in (2, 4):
        assert counts[friend] == pytest.approx(15_000, abs=600)
    for stranger in (1, 3, 5):
        assert counts[stranger] == pytest.approx(10_000, abs=500)


def test_one_class_is_no_training_set(small: Dataset) -> None:
    with pytest.raises(InputError, match=r"^no impostors to train with; expected images of two classes or more; got 1"):
        Pairs(np.zeros(5))


# Jitter


def test_jitter_moves_each_image_a_little_and_repeats_by_its_generator() -> None:
    images = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    first, again = (jittered(images, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)
    assert not any(torch.equal(one, other) for one, other in zip(first, images, strict=True))
    assert first.min() >= 0
    assert first.max() <= 1
    assert jittered(images, torch.Generator(), strength=0) is images


def test_jitter_keeps_what_is_in_the_middle_in_the_middle() -> None:
    spot = torch.zeros(200, 1, 41, 41)
    spot[:, :, 20, 20] = 1
    moved = jittered(spot, torch.Generator().manual_seed(3))
    rows, columns = torch.meshgrid(torch.arange(41.0), torch.arange(41.0), indexing="ij")
    mass = moved[:, 0].sum(dim=(1, 2))
    for axis in (rows, columns):
        centre = (moved[:, 0] * axis).sum(dim=(1, 2)) / mass
        assert (centre - 20).abs().max() <= 0.08 * 41 * 1.1 + 1  # 8 % of the side, at the greatest scale, and a pixel
        assert (centre - 20).abs().max() > 2


# Networks


def test_networks_give_256_activations_between_0_and_1() -> None:
    for architecture, images in (
        (DIGITS, torch.rand(3, 8, 8)),
        (Architecture("cnn", 3, 20, 13), torch.rand(2, 3, 20, 13)),
        (Architecture("resnet50", 1, 32, 32), torch.rand(2, 32, 32)),
        (Architecture("resnet50", 3, 64, 32), torch.rand(2, 3, 64, 32)),
    ):
        found = siamese(architecture, seed=1)(images)
        assert found.shape == (len(images), 256)
        assert bool(((found >= 0) & (found <= 1)).all())  # a float's sigmoid reaches its bounds


def test_the_resnet_is_the_papers() -> None:
    network = siamese(Architecture("resnet50", 3, 224, 224))
    assert isinstance(network.trunk, ResNet50)
    assert network.trunk.fc.out_features == 256


def test_the_seed_decides_the_weights_and_the_callers_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = siamese(DIGITS, seed=1), siamese(DIGITS, seed=1), siamese(DIGITS, seed=2)
    assert torch.equal(before, torch.get_rng_state())
    assert weights(first) == weights(again)
    assert weights(first) != weights(other)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (("cnn", 2, 8, 8), r"^images do not fit a cnn; expected 1 or 3 channels, sides from 8 to 128; got \[2, 8, 8\]"),
        (("cnn", 1, 7, 8), "images do not fit a cnn"),
        (("cnn", 1, 8, 129), "images do not fit a cnn"),
        (("resnet50", 3, 31, 224), "images do not fit a resnet50; expected 1 or 3 channels, sides from 32 to 512"),
        (("vgg", 3, 224, 224), "^unknown network; expected cnn or resnet50; got vgg$"),
    ],
)
def test_impossible_architectures_are_refused(fields: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Architecture(*fields)


def test_tables_are_no_images() -> None:
    with pytest.raises(ModelError, match=r"^not the shape of an image; expected height and width; got \[30\]$"):
        Architecture.of("cnn", (30,))


# Activations


def test_activations_come_in_order_and_in_batches(small: Dataset) -> None:
    network = siamese(DIGITS)
    batches = list(activations(network, small.test_images[:70], pixel_max=16, batch=32))
    assert [batch.shape for batch in batches] == [(32, 256), (32, 256), (6, 256)]
    assert all(batch.dtype == np.float32 for batch in batches)
    with torch.no_grad():
        expected = network(torch.from_numpy(small.test_images[:70].astype(np.float32) / 16)).numpy()
    np.testing.assert_allclose(np.concatenate(batches), expected, atol=1e-6)
    assert list(activations(network, small.test_images[:0], pixel_max=16)) == []


def test_one_batch_is_made_at_a_time(small: Dataset) -> None:
    asked: list[Any] = []

    class Watched:
        def __len__(self) -> int:
            return 100

        def __getitem__(self, rows: Any) -> Any:
            asked.append(rows)
            return small.test_images[rows]

    seen = activations(siamese(DIGITS), Watched(), pixel_max=16, batch=40)
    next(seen)
    assert len(asked) == 2  # the shape of one image, and a batch
    assert len(list(seen)) == 2


def test_images_of_another_shape_are_refused(small: Dataset) -> None:
    network = siamese(Architecture("cnn", 1, 28, 28))
    message = r"^the network takes other images; expected \[1, 28, 28\]; got \[8, 8\]$"
    with pytest.raises(ModelError, match=message):
        next(activations(network, small.test_images, pixel_max=16))
    with pytest.raises(ModelError, match=message):
        train_siamese(network, small, CONFIG)
    with pytest.raises(InputError, match="a batch needs at least one image; got 0"):
        next(activations(siamese(DIGITS), small.test_images, pixel_max=16, batch=0))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_a_gpu_is_refused(small: Dataset) -> None:
    with pytest.raises(ToolMissingError, match="device cuda is not available"):
        train_siamese(siamese(DIGITS), small, CONFIG, device="cuda")
    with pytest.raises(ToolMissingError, match="device cuda is not available"):
        next(activations(siamese(DIGITS), small.test_images, pixel_max=16, device="cuda"))


# Training


def test_training_brings_friends_together_and_settles_bits(small: Dataset) -> None:
    network, seen = siamese(DIGITS), list[tuple[str, float]]()
    config = replace(CONFIG, epochs=15, prior_weight=2.0, far_margin=5.0, jitter=0.0)
    done = train_siamese(network, small, config, progress=lambda text, share: seen.append((text, share)))
    assert done.resumed_at == 0
    assert math.isfinite(done.loss)
    assert not network.training
    assert seen[-1] == (f"epoch 15/15, loss {done.loss:.4f}", 1.0)
    assert [share for _, share in seen] == sorted(share for _, share in seen)
    codes = np.concatenate(list(activations(network, small.train_images, pixel_max=16)))
    apart = np.linalg.norm(codes[:, None] - codes[None], axis=2)
    same = small.train_labels[:, None] == small.train_labels
    assert apart[same].mean() < 2 < 4 < apart[~same].mean()
    assert ((codes < 0.05) | (codes > 0.95)).mean() > 0.5


def test_the_prior_settles_more_bits(small: Dataset) -> None:
    shares: list[float] = []
    for prior in (0.0, 2.0):
        network = siamese(DIGITS)
        train_siamese(network, small, replace(CONFIG, epochs=15, far_margin=5.0, jitter=0.0, prior_weight=prior))
        codes = np.concatenate(list(activations(network, small.train_images, pixel_max=16)))
        shares.append(float(((codes < 0.05) | (codes > 0.95)).mean()))
    assert shares[1] > shares[0] + 0.1


class KilledError(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 2, 4, 7])
def test_interrupted_and_resumed_equals_uninterrupted(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    whole = siamese(DIGITS)
    expected = train_siamese(whole, small, CONFIG)
    saves = 0

    def save_then_die(path: Path, state: Any) -> None:
        nonlocal saves
        save_checkpoint(path, state)
        saves += 1
        if saves == stop_at:
            raise KilledError

    monkeypatch.setattr("pyml.ml.training.save_checkpoint", save_then_die)
    path = tmp_path / "run.ckpt"
    with pytest.raises(KilledError):
        train_siamese(siamese(DIGITS), small, CONFIG, checkpoint=path)
    monkeypatch.undo()
    resumed = siamese(DIGITS, seed=9)  # the checkpoint alone must carry the weights
    result = train_siamese(resumed, small, CONFIG, checkpoint=path)
    assert weights(resumed) == weights(whole)
    assert result.loss == expected.loss


SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.ml.test_siamese import CONFIG, DIGITS
from pyml.ml.datasets import load
from pyml.ml.siamese import siamese, train_siamese
digits = load("digits")
small = replace(digits, train_images=digits.train_images[:150], train_labels=digits.train_labels[:150])
print("ready", flush=True)
config = replace(CONFIG, epochs=100000, checkpoint_batches=1)
train_siamese(siamese(DIGITS), small, config, checkpoint=Path(sys.argv[1]))
"""


def test_a_killed_process_resumes_to_the_same_bits(small: Dataset, tmp_path: Path) -> None:
    path, root = tmp_path / "run.ckpt", Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()  # pyright: ignore[reportOptionalMemberAccess]
    killed = load_checkpoint(path)  # whole, although the process died while writing checkpoints all the time
    assert killed.epoch + killed.place > 0
    config = replace(CONFIG, epochs=killed.epoch + 2, checkpoint_batches=1)
    whole, resumed = siamese(DIGITS), siamese(DIGITS, seed=9)
    train_siamese(whole, small, config)
    assert train_siamese(resumed, small, config, checkpoint=path).resumed_at == killed.epoch
    assert weights(resumed) == weights(whole)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 6},
        {"near_margin": 0.6},
        {"far_margin": 7.0},
        {"prior_weight": 0.2},
        {"jitter": 0.5},
        {"batch_size": 16},
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(
    small: Dataset, tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "run.ckpt"
    train_siamese(siamese(DIGITS), small, replace(CONFIG, epochs=1), checkpoint=path)
    with pytest.raises(InputError, match="belongs to another run"):
        train_siamese(siamese(DIGITS), small, replace(CONFIG, **change), checkpoint=path)


def test_a_checkpoint_of_other_data_is_refused(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train_siamese(siamese(DIGITS), small, replace(CONFIG, epochs=1), checkpoint=path)
    other = replace(small, train_labels=np.roll(small.train_labels, 1))
    with pytest.raises(InputError, match="belongs to another run"):
        train_siamese(siamese(DIGITS), other, CONFIG, checkpoint=path)


def test_divergence_stops_with_one_line(small: Dataset) -> None:
    with pytest.raises(ModelError, match=r"^training diverged in epoch 1: .*Lower the learning rate"):
        train_siamese(siamese(DIGITS), small, replace(CONFIG, learning_rate=1e30))


@pytest.mark.parametrize(
    "change",
    [
        {"near_margin": -0.1},
        {"near_margin": 8.0},
        {"far_margin": 16.1},
        {"near_margin": math.nan},
        {"prior_weight": -1.0},
        {"prior_weight": math.inf},
        {"prior_weight": math.nan},
        {"jitter": -1.0},
        {"jitter": 4.0},
        {"epochs": 0},
        {"learning_rate": 0.0},
    ],
)
def test_impossible_configurations_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        SiameseConfig(**change)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("kind", ["cnn", "resnet50"])
def test_cuda_training_is_deterministic_and_resumes(tmp_path: Path, kind: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(12, dtype=np.uint8) % 3
    noise = Dataset("noise", pixels, labels, pixels.copy(), labels, classes=3, pixel_max=255)
    config, architecture = SiameseConfig(epochs=2, batch_size=4), Architecture(kind, 3, 32, 32)
    first, again = siamese(architecture), siamese(architecture)
    train_siamese(first, noise, config, device="cuda")
    train_siamese(again, noise, replace(config, epochs=1), device="cuda", checkpoint=tmp_path / "c")
    train_siamese(again, noise, config, device="cuda", checkpoint=tmp_path / "c")
    assert weights(first) == weights(again)
