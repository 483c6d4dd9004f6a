"""Training loop: Adam on cross-entropy or any other loss, deterministic from explicit seeds, resumable to the bit.

Everything that the next step depends on is in the checkpoint: weights, Adam's moments, the random state that layers
such as dropout draw from, the run's generator, the current epoch's order and the place in it. A run that is killed
anywhere and resumed therefore ends with the same bits as one that was not, on the same machine and PyTorch.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
import hashlib
import math
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pyml.errors import InputError, ModelError
from pyml.ml.checkpoints import TrainingState, load_checkpoint, save_checkpoint
from pyml.ml.datasets import Dataset, floats
from pyml.ml.devices import require_device

Progress = Callable[[str, float], None]
"""Called with a line of text and the fraction done in [0, 1]."""

BatchLoss = Callable[[Tensor, torch.Generator], Tensor]
"""The mean loss of the samples with the given indices (int64, on the CPU), to be differentiated.

Whatever it draws, it draws from the generator given, which is in the checkpoint, or as layers do.
"""


class Held(Protocol):
    """Something about the network that no step may change."""

    def before_step(self) -> None:
        """Called when the gradients are there."""

    def after_step(self) -> None:
        """Called when the parameters have been updated."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What determines the result, besides the initial weights, the data and the device."""

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    seed: int = 0
    threads: int = 1
    """CPU threads. Sums depend on their number, and one thread is the fastest for networks of this size."""
    checkpoint_batches: int = 0
    """Also save every so many batches; 0 saves after each epoch only."""

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size, self.threads) < 1 or self.checkpoint_batches < 0:
            raise InputError("epochs, batch size and threads must be positive", got=asdict(self))
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0 and self.weight_decay >= 0):
            raise InputError("the learning rate must be positive and finite", got=self.learning_rate)
        if not 0 <= self.seed < 2**63:
            raise InputError("the seed is out of range", expected="0 to 2^63 - 1", got=self.seed)


@dataclass(frozen=True, slots=True)
class Minimised:
    """Mean loss of the last epoch, and the epochs that were already done when the call began."""

    loss: float
    resumed_at: int


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Mean training loss of the last epoch and strict accuracy (ties are wrong) on both splits."""

    loss: float
    train_accuracy: float
    test_accuracy: float
    resumed_at: int
    """Epochs that were already done when this call began."""


def train(
    model: nn.Module,
    dataset: Dataset,
    config: TrainingConfig,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train ``model`` in place on flattened images in [0, 1] and leave it on the CPU in evaluation mode.

    The arithmetic is that of the model's parameters: 32-bit floats unless it was made ``.double()``.

    With ``checkpoint``, progress is saved there and an existing file is resumed, also to more epochs than it was begun
    with; a file of another run (other data, network or configuration) is refused with ``InputError``. Raises
    ``ModelError`` as soon as the loss or a weight is NaN or infinite; the last checkpoint before that stays.
    """
    target = require_device(device)
    inputs = _inputs(model, dataset.train_images, dataset.pixel_max).to(target)
    labels = torch.from_numpy(dataset.train_labels.astype(np.int64)).to(target)
    _require_fit(model, dataset)

    def batch_loss(chosen: Tensor, _: torch.Generator) -> Tensor:
        chosen = chosen.to(target)
        return nn.functional.cross_entropy(model(inputs[chosen]), labels[chosen])

    done = minimise(
        model,
        batch_loss,
        config,
        samples=len(inputs),
        data_digest=dataset.digest,
        device=target,
        checkpoint=checkpoint,
        progress=progress,
    )
    return TrainingResult(
        done.loss,
        accuracy(model, dataset.train_images, dataset.train_labels, pixel_max=dataset.pixel_max),
        accuracy(model, dataset.test_images, dataset.test_labels, pixel_max=dataset.pixel_max),
        done.resumed_at,
    )


def minimise(
    model: nn.Module,
    batch_loss: BatchLoss,
    config: TrainingConfig,
    *,
    samples: int,
    data_digest: bytes,
    device: torch.device,
    checkpoint: Path | None = None,
    writes: bool = True,
    held: Held | None = None,
    progress: Progress | None = None,
    progress_batches: int = 0,
    enough: Callable[[], bool] | None = None,
) -> Minimised:
    """Run Adam on ``batch_loss`` over every one of ``samples`` once an epoch; ``train`` says the rest.

    ``checkpoint`` is read if it is there, and written if this process is the one that ``writes``. It belongs to the
    network as it prints itself, the configuration with all fields of its class, the kind of device and the data.
    ``progress`` is called after each epoch and, unless it is 0, after every ``progress_batches``. ``enough`` is asked
    after each epoch, of a resumed run too, and may end it before its time.
    """
    with deterministic(device, config.threads):
        torch.manual_seed(config.seed)
        fingerprint = _fingerprint(model, data_digest, config, device)
        model.to(device)
        run = _Run(model, config, fingerprint=fingerprint, samples=samples)
        if checkpoint is not None and checkpoint.exists():
            run.restore(load_checkpoint(checkpoint))
        resumed_at = run.epoch
        while run.epoch < config.epochs:
            if run.place == 0 and run.epoch and enough is not None and enough():
                break
            run.step(batch_loss, held)
            ended = run.place == 0
            if checkpoint is not None and writes and (ended or run.every(config.checkpoint_batches)):
                save_checkpoint(checkpoint, run.state())
            if progress is not None and (ended or run.every(progress_batches)):
                progress(run.described(), run.share)
    model.cpu().eval()
    return Minimised(run.mean_loss, resumed_at)


@torch.no_grad()
def accuracy(model: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.uint8], *, pixel_max: int) -> float:
    """Share of samples whose label's logit is strictly the greatest, in evaluation mode on the CPU."""
    model.eval()
    outputs = torch.cat([model(part) for part in _inputs(model, images, pixel_max).split(1024)])
    top = outputs.max(dim=1, keepdim=True).values
    unique = (outputs == top).sum(dim=1) == 1
    wanted = torch.from_numpy(labels.astype(np.int64))
    return float(((outputs.argmax(dim=1) == wanted) & unique).double().mean())


def _inputs(model: nn.Module, images: NDArray[np.uint8], pixel_max: int) -> Tensor:
    return torch.from_numpy(floats(images, pixel_max=pixel_max)).to(next(model.parameters()).dtype)


class _Run:
    """The mutable state of one training run; ``state`` and ``restore`` are exact inverses."""

    def __init__(self, model: nn.Module, config: TrainingConfig, *, fingerprint: str, samples: int) -> None:
        self.model = model
        self.config = config
        self.fingerprint = fingerprint
        self.samples = samples
        self.optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.order = torch.randperm(samples, generator=self.generator)
        self.epoch, self.place = 0, 0
        self.loss_sum, self.mean_loss = 0.0, math.nan

    def step(self, batch_loss: BatchLoss, held: Held | None) -> None:
        """One batch; at the end of an epoch draws the next order and sets ``place`` to 0."""
        self.model.train()
        chosen = self.order[self.place : self.place + self.config.batch_size]
        self.optimiser.zero_grad(set_to_none=True)
        loss = batch_loss(chosen, self.generator)
        value = loss.item()
        if not math.isfinite(value):
            raise self._diverged(f"the loss is {value}")
        loss.backward()
        if held is not None:
            held.before_step()
        self.optimiser.step()
        if held is not None:
            held.after_step()
        self.loss_sum += value * len(chosen)
        self.place += len(chosen)
        if self.place >= self.samples:
            self._end_epoch()

    def every(self, batches: int) -> bool:
        """Whether so many batches are full again since the epoch began; never for 0."""
        return batches > 0 and (self.place // self.config.batch_size) % batches == 0

    @property
    def share(self) -> float:
        """What is done of the whole run."""
        return (self.epoch + self.place / self.samples) / self.config.epochs

    def described(self) -> str:
        """For people: the epoch that has ended or is under way, and its mean loss."""
        epoch, loss = (self.epoch + 1, self.loss_sum / self.place) if self.place else (self.epoch, self.mean_loss)
        return f"epoch {epoch}/{self.config.epochs}, loss {loss:.4f}"

    def state(self) -> TrainingState:
        cuda = next(self.model.parameters()).is_cuda
        return TrainingState(
            fingerprint=self.fingerprint,
            epoch=self.epoch,
            place=self.place,
            loss_sum=self.loss_sum,
            mean_loss=self.mean_loss,
            model=self.model.state_dict(),
            optimiser=self.optimiser.state_dict(),
            order=self.order,
            generator=self.generator.get_state(),
            layer_random=torch.get_rng_state(),
            cuda_random=torch.cuda.get_rng_state() if cuda else None,
        )

    def restore(self, state: TrainingState) -> None:
        if state.fingerprint != self.fingerprint:
            raise InputError(
                "the checkpoint belongs to another run (data, network, configuration or device differ)",
                expected=self.fingerprint[:16],
                got=state.fingerprint[:16],
                hint="Remove the checkpoint to start afresh, or name another file.",
            )
        if state.epoch > self.config.epochs or (state.epoch == self.config.epochs and state.place):
            raise InputError(
                "the checkpoint is past the wanted end",
                expected=f"at most {self.config.epochs} epochs",
                got=state.epoch,
            )
        if sorted(state.order.tolist()) != list(range(self.samples)) or state.place >= self.samples:
            raise InputError("the checkpoint's data order is not a permutation of the training set")
        try:
            self.model.load_state_dict(state.model)
            self.optimiser.load_state_dict(dict(state.optimiser))
            self.generator.set_state(state.generator)
            torch.set_rng_state(state.layer_random)
            if state.cuda_random is not None:
                torch.cuda.set_rng_state(state.cuda_random)
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"the checkpoint does not fit the network: {error}") from error
        self.order, self.epoch, self.place = state.order, state.epoch, state.place
        self.loss_sum, self.mean_loss = state.loss_sum, state.mean_loss

    def _end_epoch(self) -> None:
        for name, parameter in self.model.named_parameters():
            if not bool(torch.isfinite(parameter).all()):
                raise self._diverged(f"parameter {name} is not finite")
        self.mean_loss, self.loss_sum = self.loss_sum / self.samples, 0.0
        self.epoch, self.place = self.epoch + 1, 0
        self.order = torch.randperm(self.samples, generator=self.generator)

    def _diverged(self, what: str) -> ModelError:
        return ModelError(
            f"training diverged in epoch {self.epoch + 1}: {what}",
            hint=f"Lower the learning rate (now {self.config.learning_rate:g}).",
        )


@contextlib.contextmanager
def deterministic(device: torch.device, threads: int) -> Generator[None]:
    """Deterministic kernels, a fixed number of threads and a private global random state, all put back afterwards."""
    before, threads_before = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(threads)
        try:
            _require_deterministic_products(device)
            yield
        finally:
            torch.set_num_threads(threads_before)
            torch.use_deterministic_algorithms(before)


def _require_deterministic_products(device: torch.device) -> None:
    if device.type != "cuda":
        return
    square = torch.zeros(2, 2, device=device)
    try:
        torch.mm(square, square)
    except RuntimeError as error:  # cuBLAS says so where its workspace is not fixed
        raise InputError(
            "this CUDA set-up does not multiply matrices deterministically",
            hint="Set CUBLAS_WORKSPACE_CONFIG=:4096:8 in the environment and run it again.",
        ) from error


def _require_fit(model: nn.Module, dataset: Dataset) -> None:
    try:
        with torch.no_grad():
            shape = tuple(model.cpu().eval()(_inputs(model, dataset.train_images[:2], dataset.pixel_max)).shape)
    except RuntimeError as error:
        raise ModelError(
            "the network does not accept the data", expected=f"{dataset.features} inputs", got=str(error)
        ) from error
    if shape != (2, dataset.classes):
        raise ModelError(
            "the network's output does not fit the data", expected=f"{dataset.classes} logits", got=list(shape[1:])
        )


def _fingerprint(model: nn.Module, data_digest: bytes, config: TrainingConfig, device: torch.device) -> str:
    shapes = [(name, list(value.shape), str(value.dtype)) for name, value in model.state_dict().items()]
    settings = asdict(config)
    del settings["epochs"], settings["checkpoint_batches"]  # they do not change the path, so a run may be extended
    return hashlib.sha256(repr((str(model), shapes, settings, device.type)).encode() + data_digest).hexdigest()
