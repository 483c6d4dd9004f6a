"""One private-model inference by ezkl alone, called in one process as its users call it.

* ``ezkl-documented``: the float network, one sample a proof, weights private, the engine's default settings and
  calibration, as its documentation shows it.
* ``ezkl-batched``: the same with many samples in one proof.
* ``ezkl-sound``: the integer network, direct: weights as inputs under KZG commitments, products laid out
  (``disable_freivalds``), ReLU and comparison by the engine's range decomposition, integers at scale 0. The engine has
  one visibility for all inputs, so the sample is committed to as well, and made public by being put out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.zk import peers
from bench.zk.workload import Prepared, unshifted
from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError
from pyml.ml.integer import IntegerNetwork, bounds, predict


class SoundGraph(nn.Module):
    """Sample [1, features] and weights (bias row last) in; the sample, and its class + 1 or 0 for a tie, out."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.units = [float(layer.bias_unit) for layer in network.layers]
        self.classes = network.sizes[-1]

    def forward(self, sample: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        values = _with_unit(sample, self.units[0]) @ weights[0]
        for unit, weight in zip(self.units[1:], weights[1:], strict=True):
            values = _with_unit(torch.relu(values), unit) @ weight
        beaten = (values.reshape(-1, 1) > values.reshape(1, -1)).float().sum(1)
        chosen = (beaten - float(self.classes - 2) > 0).float()  # all others: at most one class
        numbers = torch.arange(1, self.classes + 1, dtype=torch.float32)
        return sample * 1.0, (chosen * numbers).sum().reshape(1)


def scan_columns(work: Prepared, folder: Path, columns: Sequence[int]) -> list[dict[str, int]]:
    """Rows and k of the sound circuit for each number of inner columns; lays out only."""
    _export_sound(work, folder)
    return [peers.shape_of(_sound_settings(work, folder, count)) for count in columns]


def prepare(form: str, work: Prepared, folder: Path, srs_home: Path, *, columns: int) -> dict[str, Any]:
    """Settings, compiled circuit and keys in ``folder``; the batch is all samples of ``work``."""
    peers.engine()
    started = time.monotonic()
    if form == "ezkl-sound":
        _export_sound(work, folder)
        settings = _sound_settings(work, folder, columns)
        if settings["einsum_params"]["total_einsum_col_size"]:
            raise CircuitError("the sound circuit uses the engine's unsound matrix product")
    else:
        rows = work.floats if form == "ezkl-batched" else work.floats[:1]
        settings = peers.calibrated_settings(work.float_model(), rows, folder, parameters="private")
    prepared = peers.make_keys(folder, settings, srs_home, started=started)
    return prepared | {"verifying_key_bytes": (folder / "verifying.key").stat().st_size}


def prove(form: str, work: Prepared, folder: Path, srs_home: Path, *, sample: int) -> dict[str, Any]:
    """Witness and proof of one sample, or of the batch, then the check of proof and answers."""
    network = unshifted(work.network)
    samples = range(len(work.floats)) if form == "ezkl-batched" else [sample]
    inputs: list[list[Any]]
    if form == "ezkl-sound":
        weights = [[*layer.weight.ravel().tolist(), *layer.bias.tolist()] for layer in network.layers]
        inputs = [work.data.inputs[sample].tolist(), *weights]
    else:
        inputs = [work.floats[list(samples)].ravel().tolist()]
    (folder / "input.json").write_text(json.dumps({"input_data": inputs}), encoding="utf-8")
    measured, outputs = peers.prove_inputs(folder, srs_home)
    values = [_signed(value) for value in outputs]
    features, classes = network.sizes[0], network.sizes[-1]
    if form == "ezkl-sound":
        answers = [values[-1] - 1]
        public = values[:features] == work.data.inputs[sample].tolist()
        measured["valid"] = measured["valid"] and public and answers == predict(network, work.data.inputs[[sample]])
    else:  # rounded otherwise than the integer network, whose answer it need not give
        logits = np.array(values[-classes * len(samples) :], dtype=object).reshape(-1, classes)
        answers = [int(row.argmax()) for row in logits]
    return {**measured, "valid": bool(measured["valid"]), "answers": answers}


def _with_unit(values: Tensor, unit: float) -> Tensor:
    return torch.cat([values, torch.full((1, 1), unit)], 1)


def _export_sound(work: Prepared, folder: Path) -> None:
    network = unshifted(work.network)
    shapes = [(1, network.sizes[0]), *((layer.fan_in + 1, layer.fan_out) for layer in network.layers)]
    peers.export(SoundGraph(network), tuple(torch.zeros(shape) for shape in shapes), folder / "graph.onnx")


def _sound_settings(work: Prepared, folder: Path, columns: int) -> dict[str, Any]:
    *inner, last = bounds(unshifted(work.network))
    return peers.plain_settings(
        folder, columns, greatest=max(last.high - last.low, *(max(-each.low, each.high) for each in inner))
    )


def _signed(value: int) -> int:
    return value - SCALAR_MODULUS if value > SCALAR_MODULUS // 2 else value
