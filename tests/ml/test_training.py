"""Training: determinism, exact resume after a real kill, divergence, and checkpoints that are refused."""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pyml.errors import InputError, ModelError, ToolMissingError
from pyml.ml.checkpoints import load_checkpoint, load_weights, save_checkpoint, save_weights
from pyml.ml.datasets import Dataset, load
from pyml.ml.networks import cnn, mlp, parse_shapes
from pyml.ml.training import TrainingConfig, accuracy, train

CONFIG = TrainingConfig(epochs=4, batch_size=32, seed=11, checkpoint_batches=3)


@pytest.fixture(scope="module")
def small() -> Dataset:
    digits = load("digits")
    return replace(digits, train_images=digits.train_images[:300], train_labels=digits.train_labels[:300])


def network() -> nn.Sequential:
    """With dropout, so that the random state of layers matters too."""
    return nn.Sequential(*mlp((64, 16), seed=1), nn.Dropout(0.2), nn.ReLU(), *mlp((16, 10), seed=2))


def bits(model: nn.Module) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}


class KilledError(Exception):
    pass


def test_the_seed_decides_everything(small: Dataset) -> None:
    first, again, other = network(), network(), network()
    torch.manual_seed(1)
    results = [train(first, small, CONFIG)]
    torch.manual_seed(999)  # the caller's generator must not matter
    state = torch.get_rng_state()
    results.append(train(again, small, CONFIG))
    assert torch.equal(state, torch.get_rng_state())  # nor be touched
    assert bits(first) == bits(again)
    assert results[0] == results[1]
    train(other, small, replace(CONFIG, seed=12))
    assert bits(first) != bits(other)


def test_training_learns_and_leaves_an_evaluating_cpu_model(small: Dataset) -> None:
    model, seen = network(), list[tuple[str, float]]()
    result = train(model, small, replace(CONFIG, epochs=25), progress=lambda text, share: seen.append((text, share)))
    assert result.test_accuracy > 0.7
    assert result.train_accuracy > 0.85
    assert not model.training
    assert [share for _, share in seen] == [(epoch + 1) / 25 for epoch in range(25)]
    assert result.test_accuracy == accuracy(model, small.test_images, small.test_labels, pixel_max=16)


def test_global_settings_are_put_back(small: Dataset) -> None:
    threads = torch.get_num_threads()
    with pytest.raises(ModelError):
        train(network(), small, replace(CONFIG, learning_rate=1e30, threads=2 if threads == 1 else 1))
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("stop_at", [1, 2, 4, 7, 13])
def test_interrupted_and_resumed_equals_uninterrupted(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    whole = network()
    expected = train(whole, small, CONFIG)
    saves = 0

    def save_then_die(path: Path, state: object) -> None:
        nonlocal saves
        save_checkpoint(path, state)  # pyright: ignore[reportArgumentType]
        saves += 1
        if saves == stop_at:
            raise KilledError

    monkeypatch.setattr("pyml.ml.training.save_checkpoint", save_then_die)
    path = tmp_path / "run.ckpt"
    with pytest.raises(KilledError):
        train(network(), small, CONFIG, checkpoint=path)
    monkeypatch.undo()
    resumed = network()
    for parameter in resumed.parameters():
        nn.init.zeros_(parameter)  # the checkpoint alone must carry the weights
    result = train(resumed, small, CONFIG, checkpoint=path)
    assert bits(resumed) == bits(whole)
    assert replace(result, resumed_at=0) == expected


def pictures() -> nn.Sequential:
    """With batch normalisation, whose running statistics are state but no parameters; in 64-bit floats."""
    return cnn(parse_shapes("1x8x8:c4k3-max2-c4k3p1-10"), seed=1, batch_norm=True).double()


@pytest.mark.parametrize("stop_at", [2, 6])
def test_a_convolutional_network_resumes_to_the_same_bits(
    small: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    whole, again = pictures(), pictures()
    expected = train(whole, small, CONFIG)
    assert train(again, small, CONFIG) == expected
    assert bits(again) == bits(whole)
    assert all(value.dtype == torch.float64 for value in whole.parameters())
    assert expected.train_accuracy > 0.2  # twice a guess, after four epochs
    saves = 0

    def save_then_die(path: Path, state: object) -> None:
        nonlocal saves
        save_checkpoint(path, state)  # pyright: ignore[reportArgumentType]
        saves += 1
        if saves == stop_at:
            raise KilledError

    monkeypatch.setattr("pyml.ml.training.save_checkpoint", save_then_die)
    with pytest.raises(KilledError):
        train(pictures(), small, CONFIG, checkpoint=tmp_path / "run.ckpt")
    monkeypatch.undo()
    resumed = pictures()
    for value in resumed.state_dict().values():
        value.zero_()  # the checkpoint alone must carry weights and statistics
    result = train(resumed, small, CONFIG, checkpoint=tmp_path / "run.ckpt")
    assert bits(resumed) == bits(whole)
    assert replace(result, resumed_at=0) == expected


def test_a_checkpoint_of_another_image_shape_is_refused(small: Dataset, tmp_path: Path) -> None:
    """Equal weights, but pixels in another place."""
    path, shapes = tmp_path / "run.ckpt", ("1x8x8:c2k1-10", "1x4x16:c2k1-10")
    tall, wide = (cnn(parse_shapes(text), seed=1) for text in shapes)
    assert bits(tall) == bits(wide)
    train(tall, small, replace(CONFIG, epochs=1), checkpoint=path)
    with pytest.raises(InputError, match="belongs to another run"):
        train(wide, small, replace(CONFIG, epochs=1), checkpoint=path)


SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.ml.test_training import CONFIG, network
from pyml.ml.datasets import load
from pyml.ml.training import train
digits = load("digits")
small = replace(digits, train_images=digits.train_images[:300], train_labels=digits.train_labels[:300])
print("ready", flush=True)
train(network(), small, replace(CONFIG, epochs=100000, checkpoint_batches=1), checkpoint=Path(sys.argv[1]))
"""


def test_a_killed_process_resumes_to_the_same_bits(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    root = Path(__file__).parents[2]
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
        time.sleep(0.3)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()  # pyright: ignore[reportOptionalMemberAccess]
    killed = load_checkpoint(path)  # whole, although the process died while writing checkpoints all the time
    assert killed.epoch + killed.place > 0
    config = replace(CONFIG, epochs=killed.epoch + 2, checkpoint_batches=1)
    whole = network()
    train(whole, small, config)
    resumed = network()
    result = train(resumed, small, config, checkpoint=path)
    assert result.resumed_at == killed.epoch
    assert bits(resumed) == bits(whole)


def test_a_finished_run_is_not_run_again(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    first, again = network(), network()
    train(first, small, CONFIG, checkpoint=path)
    before = path.stat().st_mtime_ns
    assert train(again, small, CONFIG, checkpoint=path).resumed_at == CONFIG.epochs
    assert bits(first) == bits(again)
    assert path.stat().st_mtime_ns == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_run_can_be_extended_but_not_shortened(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    extended, whole = network(), network()
    train(extended, small, CONFIG, checkpoint=path)
    train(extended, small, replace(CONFIG, epochs=6), checkpoint=path)
    train(whole, small, replace(CONFIG, epochs=6))
    assert bits(extended) == bits(whole)
    with pytest.raises(InputError, match="past the wanted end; expected at most 4 epochs; got 6"):
        train(network(), small, CONFIG, checkpoint=path)


@pytest.mark.parametrize(
    "change", [{"seed": 12}, {"learning_rate": 1e-3}, {"batch_size": 16}, {"threads": 2}, {"weight_decay": 0.5}]
)
def test_a_checkpoint_of_another_configuration_is_refused(
    small: Dataset, tmp_path: Path, change: dict[str, float]
) -> None:
    path = tmp_path / "run.ckpt"
    train(network(), small, CONFIG, checkpoint=path)
    with pytest.raises(InputError, match="belongs to another run"):
        train(network(), small, replace(CONFIG, **change), checkpoint=path)  # pyright: ignore[reportArgumentType]


def test_a_checkpoint_of_other_data_or_network_is_refused(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(network(), small, CONFIG, checkpoint=path)
    labels = small.train_labels.copy()
    labels[0] = (labels[0] + 1) % 10
    with pytest.raises(InputError, match="belongs to another run"):
        train(network(), replace(small, train_labels=labels), CONFIG, checkpoint=path)
    with pytest.raises(InputError, match="belongs to another run"):
        train(mlp((64, 16, 10), seed=1), small, CONFIG, checkpoint=path)


def test_divergence_stops_with_one_line(small: Dataset) -> None:
    with pytest.raises(ModelError, match=r"training diverged in epoch 1: .*Lower the learning rate \(now 1e\+30\)"):
        train(network(), small, replace(CONFIG, learning_rate=1e30))


def test_nan_weights_stop_at_once(small: Dataset) -> None:
    model = network()
    next(model.parameters()).data[0, 0] = float("nan")
    with pytest.raises(ModelError, match="the loss is nan"):
        train(model, small, CONFIG)


def test_networks_that_do_not_fit_the_data_are_refused(small: Dataset) -> None:
    with pytest.raises(ModelError, match="does not accept the data; expected 64 inputs"):
        train(mlp((63, 10), seed=0), small, CONFIG)
    with pytest.raises(ModelError, match="does not accept the data; expected 64 inputs"):
        train(cnn(parse_shapes("1x7x7:c2k3-10"), seed=0), small, CONFIG)
    with pytest.raises(ModelError, match="output does not fit the data; expected 10 logits"):
        train(mlp((64, 9), seed=0), small, CONFIG)


@pytest.mark.parametrize("device", ["nonsense", "meta"])
def test_unknown_devices_are_refused(small: Dataset, device: str) -> None:
    with pytest.raises(InputError, match="device"):
        train(network(), small, CONFIG, device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_without_a_gpu_is_refused(small: Dataset) -> None:
    with pytest.raises(ToolMissingError, match="device cuda is not available"):
        train(network(), small, CONFIG, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_training_is_deterministic_and_resumes(small: Dataset, tmp_path: Path) -> None:
    first, again = network(), network()
    train(first, small, CONFIG, device="cuda")
    train(again, small, CONFIG, device="cuda", checkpoint=tmp_path / "run.ckpt")
    assert bits(first) == bits(again)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"threads": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"weight_decay": -1.0},
        {"seed": -1},
        {"checkpoint_batches": -1},
    ],
)
def test_impossible_configurations_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError):
        TrainingConfig(**change)  # pyright: ignore[reportArgumentType]


def test_ties_count_as_wrong() -> None:
    model = mlp((4, 10), seed=0)
    nn.init.zeros_(next(model.parameters()))
    images = np.ones((10, 4), dtype=np.uint8)
    assert accuracy(model, images, np.arange(10, dtype=np.uint8), pixel_max=1) == 0.0


# Checkpoints and weight files.


def test_weights_round_trip(tmp_path: Path) -> None:
    model, other = network(), network()
    nn.init.normal_(next(model.parameters()))
    save_weights(tmp_path / "w.pt", model)
    load_weights(tmp_path / "w.pt", other)
    assert bits(model) == bits(other)
    assert (tmp_path / "w.pt").stat().st_mode & 0o777 == 0o600


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(marker),))

    path = tmp_path / "evil.ckpt"
    torch.save({"format": "pyml.checkpoint.v1", "model": Payload()}, path)
    with pytest.raises(InputError, match="is not a readable checkpoint; got UnpicklingError"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="is not a readable checkpoint"):
        load_weights(path, network())
    assert not marker.exists()


def test_damaged_checkpoints_are_refused(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(network(), small, replace(CONFIG, epochs=1), checkpoint=path)
    content = path.read_bytes()
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match="is not a readable checkpoint"):
            load_checkpoint(path)
    path.write_bytes(b"not a checkpoint at all")
    with pytest.raises(InputError, match="is not a readable checkpoint"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="does not exist"):
        load_checkpoint(tmp_path / "absent.ckpt")


def test_checkpoints_with_wrong_fields_are_refused(small: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.ckpt"
    train(network(), small, replace(CONFIG, epochs=1), checkpoint=path)
    good = torch.load(path, weights_only=True)

    def load_changed(**change: object) -> None:
        torch.save({**good, **change}, path)
        load_checkpoint(path)

    load_changed()
    with pytest.raises(InputError, match="another format"):
        load_changed(format="pyml.checkpoint.v0")
    with pytest.raises(InputError, match="lacks or adds fields"):
        load_changed(extra=1)
    for name, value in {"epoch": "1", "place": 1.5, "order": [1], "model": [], "loss_sum": None, "epoch ": 1}.items():
        with pytest.raises(InputError):
            load_changed(**{name: value})
    with pytest.raises(InputError, match="position is out of range"):
        load_changed(epoch=-1)
    with pytest.raises(InputError, match="data order is not a list"):
        load_changed(order=torch.zeros(3))
    with pytest.raises(InputError, match="not named tensors"):
        load_changed(model={"0.weight": 3})
    with pytest.raises(ModelError, match=r"parameter 0\.weight has NaN"):
        load_changed(model={**good["model"], "0.weight": torch.full((16, 64), float("nan"))})
    torch.save({**good, "order": torch.zeros(300, dtype=torch.int64)}, path)
    with pytest.raises(InputError, match="not a permutation"):
        train(network(), small, replace(CONFIG, epochs=1), checkpoint=path)
    torch.save({**good, "model": {}}, path)
    with pytest.raises(InputError, match="does not fit the network"):
        train(network(), small, replace(CONFIG, epochs=1), checkpoint=path)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.pt", mlp((3, 2), seed=0))
    with pytest.raises(ModelError, match="does not fit the network"):
        load_weights(tmp_path / "w.pt", mlp((3, 3), seed=0))
