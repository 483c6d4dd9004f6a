"""Training under a watermark, by the paper's way or by masked gradients; deterministic and resumable to the bit.

Source: FreezeNet, section 3.4: the watermark is put back after every batch ("replace"). Section 3.6 suggests to apply
it during backpropagation instead: gradients of watermarked weights are multiplied by zero ("mask"), which with Adam and
no weight decay leaves exactly these weights where they were put. Adam is elementwise, so what it gathers for them does
not reach the free weights: both ways end with the same network.

Deviation: the specification masks one flat buffer of all gradients. Here each tensor has its mask. One multiplication
is a little cheaper than one for each tensor, but a flat buffer has to be zeroed before each batch, where gradients of
their own are dropped, and that takes more than it saves. Either is a thousandth of a batch of the paper's network or
two (``bench/freezenet_training.py``).

Several processes (``torchrun``) train one network: each takes its share of every batch, gradients are averaged by
``DistributedDataParallel``, and the first process writes. Results then depend on the number of processes.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pyml.errors import InputError
from pyml.freezenet.curve import Curve
from pyml.freezenet.inference import Int8Network, count_correct
from pyml.freezenet.keras_order import TorchParameter, keras_order
from pyml.freezenet.reference import reference_watermark
from pyml.freezenet.strata import TensorWatermark
from pyml.freezenet.torch_inference import predict
from pyml.freezenet.trainable import TrainableNetwork, encode_inputs, float_inputs
from pyml.ml.checkpoints import load_checkpoint
from pyml.ml.datasets import Dataset
from pyml.ml.devices import require_device
from pyml.ml.training import Progress, TrainingConfig, minimise

Mode = Literal["replace", "mask"]
Placement: TypeAlias = tuple[nn.Parameter, NDArray[np.int64], NDArray[np.float32]]
"""A parameter, flat positions in it, and the values there."""

_WHOLE = 1e-6
"""A share of a run times its epochs is a whole number up to this; one batch is more."""
_SMALL_INPUTS = 256
_JUDGED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Processes:
    """This process among those that train one network: its rank, its rank on this machine, and how many there are."""

    rank: int = 0
    local_rank: int = 0
    count: int = 1


ALONE = Processes()


class HeldWeights:
    """Weights that training must leave at given values."""

    def __init__(self, held: Sequence[Placement], mode: Mode) -> None:
        if mode not in ("replace", "mask"):
            raise InputError("unknown way to hold a watermark", expected="replace or mask", got=mode)
        self.mode = mode
        self._held = [
            (parameter, torch.from_numpy(positions), torch.from_numpy(values)) for parameter, positions, values in held
        ]
        self._masks: list[Tensor] = []
        self.apply()

    def apply(self) -> None:
        """Put the values where they belong."""
        with torch.no_grad():
            for parameter, positions, values in self._held:
                flat, device = parameter.view(-1), parameter.device
                flat[positions.to(device)] = values.to(device)

    def before_step(self) -> None:
        """Between gradients and update."""
        if self.mode != "mask":
            return
        if not self._masks:
            self._masks = [self._mask(parameter, positions) for parameter, positions, _ in self._held]
        for (parameter, _, _), mask in zip(self._held, self._masks, strict=True):
            if parameter.grad is not None:
                parameter.grad.mul_(mask)

    def after_step(self) -> None:
        """Behind the update."""
        if self.mode == "replace":
            self.apply()

    def intact(self) -> bool:
        """Whether every value is there, to the bit."""
        return all(
            torch.equal(parameter.detach().cpu().view(-1)[positions], values)
            for parameter, positions, values in self._held
        )

    @staticmethod
    def _mask(parameter: nn.Parameter, positions: Tensor) -> Tensor:
        mask = torch.ones_like(parameter).view(-1)
        mask[positions.to(parameter.device)] = 0
        return mask.view_as(parameter)


def hold_codes(network: TrainableNetwork, marks: Sequence[TensorWatermark], mode: Mode) -> HeldWeights:
    """A v1 watermark in the kernels of a network: integer codes under the scales of its task."""
    kernels = network.watermarked
    if [len(mark.positions) + len(mark.free) for mark in marks] != [kernel.numel() for kernel in kernels]:
        raise InputError("the watermark is not one of this network")
    bits = [plan.scales.weight_bits for plan in network.plans[:-1]]
    return HeldWeights(
        [
            (kernel, mark.positions, (mark.codes.astype(np.float64) / 2**exponent).astype(np.float32))
            for kernel, mark, exponent in zip(kernels, marks, bits, strict=True)
        ],
        mode,
    )


def hold_reference(network: TrainableNetwork, data: bytes, fraction: float, mode: Mode) -> HeldWeights:
    """The paper's watermark of some data: float weights at positions among all parameters, in Keras's order."""
    return HeldWeights(reference_placement(network, data, fraction), mode)


def reference_placement(network: TrainableNetwork, data: bytes, fraction: float) -> list[Placement]:
    """Where ``hold_reference`` puts what: for each parameter its flat positions and their values."""
    if not 0 <= fraction <= 1:
        raise InputError("a watermark's fraction is out of range", expected="0 to 1", got=fraction)
    parameters = list(network.parameters())
    total = sum(parameter.numel() for parameter in parameters)
    weights, indices = reference_watermark(data, int(total * fraction), total)
    places = keras_order(torch_parameters(network))[indices]
    placed: list[Placement] = []
    start = 0
    for parameter in parameters:
        mine = (places >= start) & (places < start + parameter.numel())
        placed.append((parameter, places[mine] - start, weights[mine]))
        start += parameter.numel()
    return placed


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it: correct answers of the integer network if there is one, else of the float network."""

    loss: float
    correct: int
    tested: int
    curve: tuple[float, ...]
    """Test accuracy after each epoch, of those before this call too if there is a checkpoint."""

    @property
    def accuracy(self) -> float:
        return self.correct / self.tested


def train(
    network: TrainableNetwork,
    dataset: Dataset,
    config: TrainingConfig,
    *,
    held: HeldWeights | None = None,
    device: str = "cpu",
    processes: Processes = ALONE,
    checkpoint: Path | None = None,
    progress: Progress | None = None,
    progress_batches: int = 0,
    until: float | None = None,
) -> Trained:
    """Train in place and leave the network on the CPU in evaluation mode; errors as ``pyml.ml.training.train``.

    The learning curve is kept beside ``checkpoint``, in a CSV file of its name. With ``until`` training ends after the
    first epoch with this test accuracy. ``InputError`` for weight decay with masked gradients: Adam would decay what is
    held.
    """
    if held is not None and held.mode == "mask" and config.weight_decay:
        raise InputError("masked gradients do not hold against weight decay", expected="weight_decay 0")
    images, labels = encode_inputs(dataset.train_images, pixel_max=dataset.pixel_max), dataset.train_labels
    target, inputs = require_device(device), float_inputs(images)
    rank, count = processes.rank, processes.count
    with _joined(processes, target) as target:
        inputs, wanted = inputs.to(target), torch.from_numpy(labels.astype(np.int64)).to(target)
        _require_shares(len(inputs), config.batch_size, count)
        network.to(target)
        curve = _begun(network, dataset, target, checkpoint)
        if held is not None:
            held.apply()
        shared = DistributedDataParallel(network) if count > 1 else network

        def batch_loss(chosen: Tensor, _: torch.Generator) -> Tensor:
            mine = chosen[rank::count].to(target)
            return nn.functional.cross_entropy(shared(inputs[mine]), wanted[mine])

        def tell(text: str, share: float) -> None:
            epochs = share * config.epochs
            if abs(epochs - round(epochs)) < _WHOLE:
                curve.record(round(epochs), correct_of(network, dataset, target) / len(dataset.test_labels))
                if rank == 0:
                    curve.write()
            if progress is not None and rank == 0:
                progress(f"{text}, test accuracy {curve.last:.1%}" if curve.accuracies else text, share)

        done = minimise(
            network,
            batch_loss,
            config,
            samples=len(inputs),
            data_digest=dataset.digest,
            device=target,
            checkpoint=checkpoint,
            writes=rank == 0,
            held=held,
            progress=tell,
            progress_batches=progress_batches,
            enough=None if until is None else lambda: curve.last >= until,
        )
    correct = correct_of(network, dataset, torch.device("cpu"))
    return Trained(done.loss, correct, len(dataset.test_labels), curve.accuracies)


def _begun(network: TrainableNetwork, dataset: Dataset, device: torch.device, checkpoint: Path | None) -> Curve:
    """The curve of a run so far; an epoch that was saved, but killed before its accuracy was, is measured now."""
    if checkpoint is None:
        return Curve()
    file = checkpoint.with_name(f"{checkpoint.name}.csv")
    if not checkpoint.exists():
        return Curve(file)
    state = load_checkpoint(checkpoint)
    curve = Curve.read(file, epochs=state.epoch)
    if state.place == 0 and state.epoch and state.epoch not in curve:
        with contextlib.suppress(RuntimeError):  # another network's, which is refused when it is restored
            network.load_state_dict(state.model)
            curve.record(state.epoch, correct_of(network, dataset, device) / len(dataset.test_labels))
    return curve


def correct_of(network: TrainableNetwork, dataset: Dataset, device: torch.device) -> int:
    """Correct answers on the test images: by integers if the network is of that kind, else by floats."""
    network.eval()
    if all(layer.integer for layer in network.trainable):
        return correct_of_integers(network.integer_network(), dataset, device)
    inputs = encode_inputs(dataset.test_images, pixel_max=dataset.pixel_max)
    with torch.no_grad():
        answers = [network(float_inputs(part).to(device)).argmax(dim=1).cpu() for part in _parts(inputs)]
    return int((torch.cat(answers).numpy() == dataset.test_labels).sum())


def correct_of_integers(network: Int8Network, dataset: Dataset, device: torch.device) -> int:
    """The same of an integer network: by NumPy where that is faster, with the same answers."""
    inputs = encode_inputs(dataset.test_images, pixel_max=dataset.pixel_max)
    if device.type == "cpu" and network.inputs <= _SMALL_INPUTS:
        return count_correct(network, inputs, dataset.test_labels)
    answers = [predict(network, torch.from_numpy(part).to(device)).cpu() for part in _parts(inputs)]
    return int((torch.cat(answers).numpy() == dataset.test_labels).sum())


def _parts(inputs: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    return [inputs[start : start + _JUDGED_AT_ONCE] for start in range(0, len(inputs), _JUDGED_AT_ONCE)]


def torch_parameters(network: TrainableNetwork) -> list[TorchParameter]:
    """The parameters as Keras would order them, dense layers behind images included."""
    found: list[TorchParameter] = []
    image: tuple[int, int, int] | None = None
    for layer in network.trainable:
        for name, parameter in layer.named_parameters():
            shape = tuple(parameter.shape)
            found.append(TorchParameter(shape, image if name == "weight" and len(shape) == 2 else None))
        dims = layer.plan.shape.output_dims
        image = (dims[0], dims[1], dims[2]) if len(dims) == 3 else None
    return found


@contextlib.contextmanager
def _joined(processes: Processes, device: torch.device) -> Generator[torch.device]:
    """The group of all processes, and the device of this one; rendezvous is as ``torchrun`` has set it up."""
    if processes.count == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", processes.local_rank)
        torch.cuda.set_device(device)
    torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        torch.distributed.destroy_process_group()


def _require_shares(samples: int, batch_size: int, count: int) -> None:
    """Every process needs a share of every batch, of two samples at least: a normalisation takes no less."""
    smallest = min(batch_size, samples % batch_size or batch_size)
    if smallest < 2 * count:
        raise InputError(
            "a batch cannot be shared by so many processes",
            expected=f"batches of {2 * count} or more, the last one too",
            got=smallest,
            hint="Choose another batch size.",
        )
