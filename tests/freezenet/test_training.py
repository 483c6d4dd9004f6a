"""Training under a watermark: it holds to the bit, by either way, through a kill, and over several processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pyml.errors import InputError, ModelError
from pyml.freezenet import training
from pyml.freezenet.keras_order import keras_order
from pyml.freezenet.reference import verify_reference_watermark
from pyml.freezenet.strata import TensorWatermark, stratify, verify_watermark, watermark
from pyml.freezenet.trainable import TrainableNetwork, paper_cnn, small_cnn, small_mlp
from pyml.freezenet.training import (  # pyright: ignore[reportPrivateUsage]
    HeldWeights,
    Mode,
    Trained,
    _require_shares,
    correct_of,
    hold_codes,
    hold_reference,
    torch_parameters,
    train,
)
from pyml.ml import datasets
from pyml.ml.datasets import Dataset
from pyml.ml.training import TrainingConfig

ROOT = Path(__file__).parents[2]
SEED = bytes(range(32))
CONFIG = TrainingConfig(epochs=2, learning_rate=3e-3, weight_decay=0, seed=3)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def marks_of(network: TrainableNetwork, fraction_ppm: int) -> tuple[TensorWatermark, ...]:
    return watermark(SEED, stratify([kernel.numel() for kernel in network.watermarked], fraction_ppm))


def watermarked(mode: Mode, *, fraction_ppm: int = 500_000) -> tuple[TrainableNetwork, HeldWeights]:
    network = TrainableNetwork(small_mlp(), seed=1)
    return network, hold_codes(network, marks_of(network, fraction_ppm), mode)


def state(network: nn.Module) -> list[bytes]:
    return [value.numpy().tobytes() for value in network.state_dict().values()]


@pytest.mark.parametrize("mode", ["replace", "mask"])
def test_watermarks_hold_to_the_bit(mode: Mode, digits: Dataset) -> None:
    network, held = watermarked(mode)
    before = network.watermarked[0].detach().clone()
    trained = train(network, digits, CONFIG, held=held)
    assert held.intact()
    kernels = [layer.codes().reshape(-1) for layer in network.trainable[:-1]]
    assert verify_watermark(marks_of(network, 500_000), kernels)
    assert not torch.equal(before, network.watermarked[0]), "the free weights were trained"
    assert trained.accuracy > 0.6
    assert len(trained.curve) == CONFIG.epochs
    assert trained.curve[-1] == trained.accuracy


def test_both_ways_end_with_the_same_network(digits: Dataset) -> None:
    """Adam is elementwise: what is put back does not touch the free weights."""
    (one, first), (two, second) = watermarked("replace"), watermarked("mask")
    train(one, digits, CONFIG, held=first)
    train(two, digits, CONFIG, held=second)
    assert state(one) == state(two)


def test_a_full_watermark_leaves_only_the_rest_to_train(digits: Dataset) -> None:
    network, held = watermarked("mask", fraction_ppm=1_000_000)
    before = network.watermarked[0].detach().clone()
    train(network, digits, CONFIG, held=held)
    assert torch.equal(before, network.watermarked[0])


def test_without_a_watermark_nothing_is_held(digits: Dataset) -> None:
    network, held = watermarked("mask", fraction_ppm=0)
    plain = TrainableNetwork(small_mlp(), seed=1)
    train(network, digits, CONFIG, held=held)
    train(plain, digits, CONFIG)
    assert state(network) == state(plain)


@pytest.mark.parametrize("mode", ["replace", "mask"])
def test_a_run_that_was_cut_ends_with_the_same_bits(mode: Mode, digits: Dataset, tmp_path: Path) -> None:
    whole, held = watermarked(mode)
    train(whole, digits, CONFIG, held=held)
    parts, cut = watermarked(mode)
    checkpoint = tmp_path / "run.ckpt"
    short = TrainingConfig(epochs=1, learning_rate=3e-3, weight_decay=0, seed=3)
    train(parts, digits, short, held=cut, checkpoint=checkpoint)
    again, resumed = watermarked(mode)
    train(again, digits, CONFIG, held=resumed, checkpoint=checkpoint)
    assert state(again) == state(whole)
    assert resumed.intact()


def test_a_killed_process_goes_on(tmp_path: Path, digits: Dataset) -> None:
    """SIGKILL in the middle of an epoch; the next call ends with the bits of a run that was left alone."""
    program = (
        "import os, signal, sys; from pathlib import Path; import tests.freezenet.test_training as t; "
        "from pyml.ml import checkpoints, datasets, training; saved = training.save_checkpoint; count = [0]\n"
        "def save(*args):\n"
        "    saved(*args); count[0] += 1\n"
        "    if count[0] == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "training.save_checkpoint = save\n"
        "network, held = t.watermarked('mask')\n"
        "t.train(network, datasets.load('digits'), t.SAVING, held=held, checkpoint=Path(sys.argv[1]))"
    )
    checkpoint = tmp_path / "run.ckpt"
    done = subprocess.run([sys.executable, "-c", program, str(checkpoint)], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    network, held = watermarked("mask")
    train(network, digits, SAVING, held=held, checkpoint=checkpoint)
    whole, other = watermarked("mask")
    train(whole, digits, SAVING, held=other)
    assert state(network) == state(whole)


SAVING = TrainingConfig(epochs=2, learning_rate=3e-3, weight_decay=0, seed=3, checkpoint_batches=10)


def test_the_papers_watermark_lies_where_keras_counts(digits: Dataset) -> None:
    network = TrainableNetwork(small_cnn(), seed=1, integer=False)
    held = hold_reference(network, b"block", 0.3, "replace")
    train(network, digits, TrainingConfig(epochs=1, weight_decay=0), held=held)
    assert held.intact()
    flat = torch.cat([parameter.detach().view(-1) for parameter in network.parameters()]).numpy()
    flat = flat[keras_order(torch_parameters(network))]
    length = int(len(flat) * 0.3)
    assert verify_reference_watermark(flat, b"block", length, tolerance=0)
    assert not verify_reference_watermark(flat, b"another", length, tolerance=0)


def test_the_papers_own_network_takes_its_watermark() -> None:
    network = TrainableNetwork(paper_cnn(as_published=True), seed=1, integer=False)
    held = hold_reference(network, b"block", 0.1, "mask")
    assert held.intact()
    outputs = network.eval()(torch.zeros(2, 3 * 32 * 32))
    assert outputs.shape == (2, 10)


def test_two_processes_train_one_network(tmp_path: Path) -> None:
    """``torchrun`` as documented: both ranks end with one network, and the watermark holds in both."""
    program = tmp_path / "trained.py"
    program.write_text(
        "import json, os, sys; from pathlib import Path; import tests.freezenet.test_training as t\n"
        "from pyml.config import torchrun_place; from pyml.ml import datasets; import hashlib\n"
        "from pyml.freezenet.training import Processes; place = Processes(*torchrun_place())\n"
        "network, held = t.watermarked('mask')\n"
        "data, file = datasets.load('digits'), Path(sys.argv[1])\n"
        "got = t.train(network, data, t.CONFIG, held=held, processes=place, checkpoint=file)\n"
        "digest = hashlib.sha256(b''.join(t.state(network))).hexdigest()\n"
        "Path(sys.argv[2] + os.environ['RANK']).write_text(json.dumps([digest, held.intact(), got.accuracy]))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(program)]
    subprocess.run(
        [*command, str(tmp_path / "run.ckpt"), str(tmp_path / "rank")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        timeout=240,
    )
    first, second = (json.loads((tmp_path / f"rank{rank}").read_text()) for rank in (0, 1))
    assert first == second
    assert first[1] is True
    assert first[2] > 0.6
    assert (tmp_path / "run.ckpt").exists()


def test_weight_decay_and_masks_exclude_each_other(digits: Dataset) -> None:
    network, held = watermarked("mask")
    with pytest.raises(InputError, match="masked gradients do not hold against weight decay"):
        train(network, digits, TrainingConfig(weight_decay=1e-4), held=held)


def test_replacing_holds_against_weight_decay(digits: Dataset) -> None:
    network, held = watermarked("replace")
    train(network, digits, TrainingConfig(epochs=1, weight_decay=1e-2), held=held)
    assert held.intact()


def test_what_is_not_intact_is_seen() -> None:
    network, held = watermarked("mask")
    position = int(marks_of(network, 500_000)[0].positions[7])
    with torch.no_grad():
        network.watermarked[0].view(-1)[position] += 2**-20
    assert not held.intact()


def test_another_networks_watermark_is_refused() -> None:
    marks = marks_of(TrainableNetwork(small_cnn(), seed=1), 500_000)
    with pytest.raises(InputError, match="not one of this network"):
        hold_codes(TrainableNetwork(small_mlp(), seed=1), marks, "mask")


def test_other_modes_are_refused() -> None:
    with pytest.raises(InputError, match="unknown way to hold"):
        HeldWeights([], "hope")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_fractions_out_of_range_are_refused(fraction: float) -> None:
    with pytest.raises(InputError, match="fraction is out of range"):
        hold_reference(TrainableNetwork(small_mlp(), seed=1, integer=False), b"", fraction, "mask")


def test_a_run_that_diverges_says_so(digits: Dataset) -> None:
    network, held = watermarked("mask")
    with pytest.raises(ModelError, match=r"training diverged|does not fit"):
        train(network, digits, TrainingConfig(epochs=1, learning_rate=1e30, weight_decay=0), held=held)


def test_a_batch_must_have_a_share_for_everybody(digits: Dataset) -> None:
    with pytest.raises(InputError, match="cannot be shared by so many processes"):
        _require_shares(len(digits.train_images), 32, 9)  # 1,297 = 40 · 32 + 17
    _require_shares(len(digits.train_images), 32, 8)


def test_numpy_and_pytorch_count_alike(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    network = TrainableNetwork(small_cnn(), seed=1)
    by_numpy = correct_of(network, digits, torch.device("cpu"))
    monkeypatch.setattr(training, "_SMALL_INPUTS", 0)
    assert correct_of(network, digits, torch.device("cpu")) == by_numpy


def test_float_networks_are_counted_in_float(digits: Dataset) -> None:
    network = TrainableNetwork(small_mlp(), seed=1, integer=False)
    trained: Trained = train(network, digits, CONFIG)
    assert trained.correct == correct_of(network, digits, torch.device("cpu"))
    assert isinstance(trained.correct, int)
    assert np.isfinite(trained.loss)
