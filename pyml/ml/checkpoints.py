"""Training checkpoints on disk: tensors and plain numbers only, checked before use, written whole or not at all.

A checkpoint may come from anywhere, so it is read with ``weights_only=True`` (no code runs) and every field's type is
checked. Writes go to a temporary file that is renamed over the old checkpoint, so that a killed run keeps one.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from pyml.errors import InputError, ModelError
from pyml.files import write_atomically

_FORMAT = "pyml.checkpoint.v1"
_WEIGHTS_FORMAT = "pyml.weights.v1"


@dataclass(frozen=True, slots=True)
class TrainingState:
    """All that a resumed run needs; ``fingerprint`` names the data, network shape, configuration and device kind."""

    fingerprint: str
    epoch: int
    place: int
    loss_sum: float
    mean_loss: float
    model: Mapping[str, Tensor]
    optimiser: Mapping[str, Any]
    order: Tensor
    generator: Tensor
    layer_random: Tensor
    cuda_random: Tensor | None

    def __post_init__(self) -> None:
        kinds: dict[str, tuple[type, ...]] = {
            "fingerprint": (str,),
            "epoch": (int,),
            "place": (int,),
            "loss_sum": (float,),
            "mean_loss": (float,),
            "model": (dict,),
            "optimiser": (dict,),
            "order": (Tensor,),
            "generator": (Tensor,),
            "layer_random": (Tensor,),
            "cuda_random": (Tensor, type(None)),
        }
        for name, allowed in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, allowed) or isinstance(value, bool):
                raise InputError(f"the checkpoint's field {name} has the wrong type", got=type(value).__name__)
        if self.epoch < 0 or self.place < 0 or not math.isfinite(self.loss_sum):
            raise InputError("the checkpoint's position is out of range", got=(self.epoch, self.place))
        if self.order.dtype != torch.int64 or self.order.ndim != 1:
            raise InputError("the checkpoint's data order is not a list of indices")
        _require_finite(self.model)


def save_checkpoint(path: Path, state: TrainingState) -> None:
    """Write ``state`` to ``path`` in one step, readable by the owner only (weights are secret)."""
    _save(path, {"format": _FORMAT, **{field.name: getattr(state, field.name) for field in fields(state)}})


def load_checkpoint(path: Path) -> TrainingState:
    """Read and check a checkpoint; raises ``InputError`` with one line on anything malformed."""
    content = _read(path, _FORMAT)
    names = {field.name for field in fields(TrainingState)}
    if set(content) != names:
        raise InputError(f"{path} lacks or adds fields", expected=sorted(names), got=sorted(content))
    return TrainingState(**content)


def save_weights(path: Path, model: nn.Module) -> None:
    """Write a trained network's parameters alone, readable by the owner only."""
    _save(path, {"format": _WEIGHTS_FORMAT, "model": dict(model.state_dict())})


def load_weights(path: Path, model: nn.Module) -> None:
    """Read parameters written by ``save_weights`` into a network of the same shape; refuses NaN and infinity."""
    content = _read(path, _WEIGHTS_FORMAT)
    weights = content.get("model")
    if not isinstance(weights, dict):
        raise InputError(f"{path} holds no weights")
    weights = cast("dict[str, Tensor]", weights)
    _require_finite(weights)
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} does not fit the network: {error}") from error


def _save(path: Path, content: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, buffer.getvalue(), mode=0o600)


def _read(path: Path, wanted: str) -> dict[str, Any]:
    try:
        content: object = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except Exception as error:  # the unpickler raises what its bytes make it stumble over: struct.error, TypeError, …
        raise InputError(f"{path} is not a readable checkpoint", got=type(error).__name__) from error
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a pyml checkpoint", got=type(content).__name__)
    table = cast("dict[str, Any]", content)
    if table.pop("format", None) != wanted:
        raise InputError(f"{path} is of another format or version", expected=wanted)
    return table


def _require_finite(weights: Mapping[str, Tensor]) -> None:
    for name, value in weights.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError("the checkpoint's weights are not named tensors", got=type(value).__name__)
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ModelError(f"parameter {name} has NaN or infinite values", expected="finite weights")
