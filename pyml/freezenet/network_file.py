"""A trained network as a file: what a miner hands in under v1, or all parameters under the paper's scheme.

A header says what is in it, numbers follow, and the file ends where the architecture says that they do:

    "freezenet" ‖ header's length, 4 bytes ‖ header, JSON ‖ numbers

* v1: a solution's content (``pyml.freezenet.solution``). Watermark codes are not in it: they follow from the seed, so
  that whoever reads the file puts them where they belong, and a false one cannot be said.
* reference: float32 parameters in Keras's order, then means and variances of normalisations, layer by layer. Positions
  of the watermark are among them; ``watermark_holds`` compares.

A file may come from anywhere: sizes are checked before anything is made of them, and floats must be finite.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyml.errors import InputError, ModelError
from pyml.files import read_bounded, write_atomically
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.encoding import architecture_hash
from pyml.freezenet.experiment import SCHEMES, Scheme
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.keras_order import keras_order
from pyml.freezenet.reference import verify_reference_watermark
from pyml.freezenet.solution import content_of, decode_content, network_of
from pyml.freezenet.strata import FRACTION_UNIT
from pyml.freezenet.trainable import LayerPlan, TrainableNetwork, architecture
from pyml.freezenet.training import torch_parameters

MAX_BYTES: Final = 1 << 28
_MAGIC: Final = b"freezenet"
_LENGTH_BYTES: Final = 4
_MAX_HEADER: Final = 4096
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*")


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. ``seed`` (v1) and ``block`` (reference) are hex, the architecture is its hash."""

    scheme: Scheme
    network: str
    data: str
    fraction_ppm: int
    seed: str
    block: str
    architecture: str

    def __post_init__(self) -> None:
        for name in ("scheme", "network", "data", "seed", "block", "architecture"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"the header's {name} is no text")
        if self.scheme not in SCHEMES:
            raise InputError("the header's scheme is unknown", expected=" or ".join(SCHEMES), got=str(self.scheme)[:80])
        if type(self.fraction_ppm) is not int or not 0 <= self.fraction_ppm <= FRACTION_UNIT:
            raise InputError("the header's fraction is out of range", expected=f"0 to {FRACTION_UNIT} millionths")
        sizes = {"seed": 64 if self.scheme == "v1" else 0, "architecture": 64}
        for name in ("seed", "block", "architecture"):
            value = getattr(self, name)
            if not _HEX.fullmatch(value) or len(value) != sizes.get(name, len(value)):
                raise InputError(f"the header's {name} is not hex of the right length")


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """A header and the numbers behind it."""

    header: Header
    numbers: bytes

    def integer_network(self, plans: Sequence[LayerPlan], seed: bytes | None = None) -> Int8Network:
        """The network that a v1 file holds, under its own seed or another one; ``ModelError`` if it does not fit."""
        self._require(plans, "v1")
        task = Architecture(architecture(plans), self.header.fraction_ppm)
        content = decode_content(self.numbers, task)
        return network_of(content, task, bytes.fromhex(self.header.seed) if seed is None else seed)

    def float_network(self, plans: Sequence[LayerPlan]) -> TrainableNetwork:
        """The network that a reference file holds; ``ModelError`` if it does not fit or has NaN in it."""
        self._require(plans, "reference")
        network = TrainableNetwork(plans, seed=0, integer=False)
        parameters, statistics = list(network.parameters()), _statistics(network)
        count = sum(parameter.numel() for parameter in parameters)
        self._require_size(4 * (count + sum(each.numel() for each in statistics)))
        values = np.frombuffer(self.numbers, dtype="<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise ModelError("the file has NaN or infinite weights", expected="finite weights")
        flat = np.empty(count, dtype=np.float32)
        flat[keras_order(torch_parameters(network))] = values[:count]
        _fill(parameters, flat)
        _fill(statistics, values[count:])
        return network.eval()

    def watermark_holds(self, network: TrainableNetwork, block: bytes | None = None) -> bool:
        """Whether a reference file's parameters are those of its block, or of another one, on both sides exactly."""
        data = bytes.fromhex(self.header.block) if block is None else block
        count = sum(parameter.numel() for parameter in network.parameters())
        flat = np.frombuffer(self.numbers[: 4 * count], dtype="<f4").astype(np.float32)
        length = int(count * (self.header.fraction_ppm / FRACTION_UNIT))
        return verify_reference_watermark(flat, data, length, tolerance=0)

    def _require(self, plans: Sequence[LayerPlan], scheme: Scheme) -> None:
        if self.header.scheme != scheme:
            raise ModelError("the file is of the other scheme", expected=scheme, got=self.header.scheme)
        expected = architecture_hash(architecture(_integer_form(plans))).hex()
        if self.header.architecture != expected:
            raise ModelError(
                "the file is of another architecture", expected=f"hash {expected}", got=self.header.architecture
            )

    def _require_size(self, size: int) -> None:
        if len(self.numbers) != size:
            what = "short" if len(self.numbers) < size else "long"
            raise ModelError(f"the file's weights are too {what}", expected=f"{size} bytes", got=len(self.numbers))


def integer_file(
    network: Int8Network, plans: Sequence[LayerPlan], *, name: str, data: str, seed: bytes, fraction_ppm: int
) -> NetworkFile:
    """A v1 network to be handed in: its codes at watermarked positions are left out."""
    task = Architecture(architecture(plans), fraction_ppm)
    numbers = content_of(network, task, seed).encode()
    return NetworkFile(Header("v1", name, data, fraction_ppm, seed.hex(), "", task.hash.hex()), numbers)


def float_file(network: TrainableNetwork, *, name: str, data: str, block: bytes, fraction_ppm: int) -> NetworkFile:
    """A network of the paper's scheme, whole."""
    flat = _flat(list(network.parameters()))[keras_order(torch_parameters(network))]
    numbers = np.concatenate([flat, _flat(_statistics(network))]).astype("<f4").tobytes()
    digest = architecture_hash(architecture(_integer_form(network.plans))).hex()
    return NetworkFile(Header("reference", name, data, fraction_ppm, "", block.hex(), digest), numbers)


def write_network(path: Path, file: NetworkFile) -> None:
    """Write it whole or not at all, readable by the owner only: until it is revealed it is the miner's secret."""
    header = json.dumps(asdict(file.header)).encode()
    length = len(header).to_bytes(_LENGTH_BYTES, "big")
    write_atomically(path, _MAGIC + length + header + file.numbers, mode=0o600)


def read_network(path: Path) -> NetworkFile:
    """Read what ``write_network`` wrote; ``InputError`` with one line for anything else."""
    try:
        content = read_bounded(path, MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read: {reason}") from error
    start = len(_MAGIC) + _LENGTH_BYTES
    length = int.from_bytes(content[len(_MAGIC) : start], "big")
    if not content.startswith(_MAGIC) or not 0 < length <= min(_MAX_HEADER, len(content) - start):
        raise InputError(f"{path} is not a network that `pyml freezenet train` wrote")
    try:
        table: object = json.loads(content[start : start + length])
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} has a header that is not JSON") from error
    names = set(Header.__dataclass_fields__)
    if not isinstance(table, dict) or set(cast("dict[str, Any]", table)) != names:
        raise InputError(f"{path} has another header", expected=", ".join(sorted(names)))
    return NetworkFile(Header(**cast("dict[str, Any]", table)), content[start + length :])


def _integer_form(plans: Sequence[LayerPlan]) -> tuple[LayerPlan, ...]:
    """A published network's layers, whose normalisation may stand behind a ReLU, as an architecture counts them."""
    return tuple(
        LayerPlan(plan.shape, plan.scales, "none" if plan.normalisation == "none" else "before ReLU") for plan in plans
    )


def _statistics(network: TrainableNetwork) -> list[Tensor]:
    found: list[Tensor] = []
    for layer in network.trainable:
        if layer.norm is not None:
            mean, variance = layer.norm.running_mean, layer.norm.running_var
            if mean is None or variance is None:
                raise ModelError("a normalisation has no statistics")
            found += [mean, variance]
    return found


def _flat(tensors: Sequence[Tensor]) -> NDArray[np.float32]:
    parts = [each.detach().cpu().reshape(-1).numpy().astype(np.float32) for each in tensors]
    return np.concatenate([np.empty(0, dtype=np.float32), *parts])


def _fill(tensors: Sequence[Tensor], values: NDArray[np.float32]) -> None:
    start = 0
    with torch.no_grad():
        for each in tensors:
            part = values[start : start + each.numel()]
            each.copy_(torch.from_numpy(part.copy()).reshape(each.shape))
            start += each.numel()
