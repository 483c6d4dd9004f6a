"""The same work by ezkl alone, called in one process as its users call it.

* ``naive``: sound and direct. Private weights as inputs under KZG commitments, every matrix product laid out
  (``disable_freivalds``), ReLU and comparison by the engine's range-decomposition, integers at scale 0, ties wrong.
* ``documented``: the float network for all samples at once, with the engine's default settings and calibration. Its
  matrix products are the built-in Freivalds form, which accepts forged results: for reference only.
* ``single``: the float network for one sample a proof, with private weights, as the engine's documentation shows it.
  It shows one inference by unnamed weights, which is less than the statement; N of them cost N times as much.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.zk.workload import Prepared, largest_value, unshifted
from pyml.crypto.bn254 import decode_felt
from pyml.errors import CircuitError
from pyml.ml.integer import IntegerNetwork, count_correct
from pyml.zk.ezkl import SPARE_ROWS
from pyml.zk.srs import insecure_path

OPSET = 16
_EXACT_FLOAT = 1 << 24


class NaiveGraph(nn.Module):
    """Weights (bias row last) in, number of correct answers out, for fixed integer samples and labels."""

    def __init__(self, network: IntegerNetwork, inputs: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.units = [float(layer.bias_unit) for layer in network.layers]
        self.samples = len(labels)
        self.labels = labels.reshape(-1, 1)
        self.first = self._with_unit(inputs, 0)

    def forward(self, *weights: Tensor) -> Tensor:
        values = self.first @ weights[0]
        for layer, weight in enumerate(weights[1:], start=1):
            values = self._with_unit(torch.relu(values), layer) @ weight
        not_behind = (values > values.gather(1, self.labels) - 1.0).float().sum(1)  # the label itself is one of them
        return (1.0 - (not_behind - 1.0 > 0).float()).sum().reshape(1)

    def _with_unit(self, values: Tensor, layer: int) -> Tensor:
        return torch.cat([values, torch.full((self.samples, 1), self.units[layer])], 1)


class DocumentedGraph(nn.Module):
    """Samples in, number of answers to which no other class is preferred out, for fixed weights and labels."""

    def __init__(self, model: nn.Module, labels: Tensor) -> None:
        super().__init__()
        self.model = model
        self.labels = labels.reshape(-1, 1)

    def forward(self, samples: Tensor) -> Tensor:
        values = self.model(samples)
        preferred = (values > values.gather(1, self.labels)).float().sum(1)
        return (1.0 - (preferred > 0).float()).sum().reshape(1)


def scan_columns(work: Prepared, folder: Path, columns: Sequence[int]) -> list[dict[str, int]]:
    """Rows and k of the naive circuit for each number of inner columns; lays out only."""
    folder.mkdir(parents=True, exist_ok=True)
    _export_naive(work, folder)
    return [shape_of(_naive_settings(work, folder, count)) for count in columns]


def prepare(form: str, work: Prepared, folder: Path, srs_home: Path, *, columns: int = 2) -> dict[str, Any]:
    """Settings, compiled circuit and keys in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    engine()
    started = time.monotonic()
    if form == "naive":
        _export_naive(work, folder)
        settings = _naive_settings(work, folder, columns)
        if settings["einsum_params"]["total_einsum_col_size"]:
            raise CircuitError("the naive circuit uses the engine's unsound matrix product")
    else:
        settings = _documented_settings(form, work, folder)
    return make_keys(folder, settings, srs_home, started=started)


def make_keys(folder: Path, settings: dict[str, Any], srs_home: Path, *, started: float) -> dict[str, Any]:
    """Compile the graph in ``folder`` under its settings and set up; compilation counts from ``started``."""
    ezkl = engine()
    ezkl.compile_circuit(*_paths(folder, "graph.onnx", "circuit.ezkl", "settings.json"))
    compiled = time.monotonic()
    degree = int(settings["run_args"]["logrows"])
    srs = _srs(srs_home, degree)
    ready = time.monotonic()
    ezkl.setup(*_paths(folder, "circuit.ezkl", "verifying.key", "proving.key"), str(srs))
    return {
        "compile_s": compiled - started,
        "setup_s": time.monotonic() - ready,
        **shape_of(settings),
        "proving_key_mb": (folder / "proving.key").stat().st_size / 1e6,
        "einsum_columns": int(settings["einsum_params"]["total_einsum_col_size"]),
    }


def shape_of(settings: dict[str, Any]) -> dict[str, int]:
    """Rows, k and inner columns of a circuit."""
    run = settings["run_args"]
    return {
        "inner_columns": int(run["num_inner_cols"]),
        "rows": int(settings["num_rows"]),
        "k": int(run["logrows"]),
    }


def prove(form: str, work: Prepared, folder: Path, srs_home: Path, *, sample: int = 0) -> dict[str, Any]:
    """Witness and proof, then the check; ``sample`` chooses which one ``single`` proves."""
    _write_inputs(form, work, folder, sample)
    measured, outputs = prove_inputs(folder, srs_home)
    count = outputs[-1] if form == "naive" else None
    expected = count_correct(unshifted(work.network), work.data.inputs, work.data.labels)
    return {**measured, "valid": measured["valid"] and (count is None or count == expected), "count": count}


def prove_inputs(folder: Path, srs_home: Path) -> tuple[dict[str, Any], list[int]]:
    """Witness and proof for the inputs in ``folder``, then the check; and the proof's public numbers."""
    ezkl = engine()
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    srs = str(_srs(srs_home, int(settings["run_args"]["logrows"])))
    data, circuit, witness, key, proof, setting, checker = _paths(
        folder,
        "input.json",
        "circuit.ezkl",
        "witness.json",
        "proving.key",
        "proof.json",
        "settings.json",
        "verifying.key",
    )
    started = time.monotonic()
    ezkl.gen_witness(data, circuit, witness, checker, srs)
    ready = time.monotonic()
    ezkl.prove(witness, circuit, key, proof, srs)
    proved = time.monotonic()
    valid = bool(ezkl.verify(proof, setting, checker, srs))
    verified = time.monotonic()
    written = json.loads(Path(proof).read_text(encoding="utf-8"))
    measured = {
        "total_s": proved - started,
        "witness_s": ready - started,
        "prove_s": proved - ready,
        "verify_s": verified - proved,
        "proof_bytes": (len(written["hex_proof"]) - 2) // 2,
        "valid": valid,
    }
    return measured, [decode_felt(text) for row in written["instances"] for text in row]


def engine() -> Any:
    """The package; loading it is nobody's cost."""
    import ezkl as package  # late: loading it takes longer than the smallest step; its type stubs are incomplete

    return package


def _paths(folder: Path, *names: str) -> tuple[str, ...]:
    return tuple(str(folder / name) for name in names)


def _srs(home: Path, degree: int) -> Path:
    path = insecure_path(home, degree)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        engine().gen_srs(str(temporary), degree)
        temporary.replace(path)
    return path


def export(graph: nn.Module, inputs: tuple[Tensor, ...], path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of shape constants, which are meant
        cast("Any", torch.onnx).export(graph.eval(), inputs, str(path), dynamo=False, opset_version=OPSET)


def _export_naive(work: Prepared, folder: Path) -> None:
    network = unshifted(work.network)
    if largest_value(network, work.data) >= _EXACT_FLOAT:
        raise CircuitError("the naive graph's constants would not be exact in 32-bit floats")
    graph = NaiveGraph(network, torch.tensor(work.data.inputs).float(), torch.tensor(work.data.labels))
    shapes = [(layer.fan_in + 1, layer.fan_out) for layer in network.layers]
    export(graph, tuple(torch.zeros(shape) for shape in shapes), folder / "graph.onnx")


def _naive_settings(work: Prepared, folder: Path, columns: int) -> dict[str, Any]:
    return plain_settings(folder, columns, greatest=2 * largest_value(unshifted(work.network), work.data))


def plain_settings(folder: Path, columns: int, *, greatest: int) -> dict[str, Any]:
    """Of a sound circuit on integers whose weights are inputs; ``greatest`` bounds what it decomposes in magnitude."""
    ezkl = engine()
    run = ezkl.PyRunArgs()
    run.input_visibility, run.output_visibility, run.param_visibility = "polycommit", "public", "fixed"
    run.input_scale = run.param_scale = 0
    run.num_inner_cols, run.decomp_legs, run.lookup_range = columns, 2, (-2, 2)
    run.disable_freivalds = True
    # The smallest base whose two digits hold every such number: a larger one only makes a larger table.
    run.decomp_base = 1 << ((greatest + 2).bit_length() + 1) // 2
    path = folder / "settings.json"
    ezkl.gen_settings(str(folder / "graph.onnx"), str(path), run)
    settings = json.loads(path.read_text(encoding="utf-8"))
    rows = max(settings["num_rows"], run.decomp_base) + SPARE_ROWS
    settings["run_args"]["logrows"] = (rows - 1).bit_length()
    path.write_text(json.dumps(settings), encoding="utf-8")
    return settings


def _documented_settings(form: str, work: Prepared, folder: Path) -> dict[str, Any]:
    model: nn.Module = work.float_model()
    if form == "documented":
        graph = DocumentedGraph(model, torch.tensor(work.data.labels))
        return calibrated_settings(graph, work.floats, folder, parameters="polycommit")
    return calibrated_settings(model, work.floats[:1], folder, parameters="private")


def calibrated_settings(
    graph: nn.Module, samples: NDArray[np.float32], folder: Path, *, parameters: str
) -> dict[str, Any]:
    """The engine's own defaults but for who sees what, then its calibration, as in its notebooks."""
    ezkl = engine()
    export(graph, (torch.tensor(samples),), folder / "graph.onnx")
    (folder / "input.json").write_text(json.dumps({"input_data": [samples.ravel().tolist()]}), encoding="utf-8")
    run = ezkl.PyRunArgs()
    run.input_visibility = run.output_visibility = "public"
    run.param_visibility = parameters
    graph_file, path = _paths(folder, "graph.onnx", "settings.json")
    ezkl.gen_settings(graph_file, path, run)
    ezkl.calibrate_settings(str(folder / "input.json"), graph_file, path, "resources")
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _write_inputs(form: str, work: Prepared, folder: Path, sample: int) -> None:
    if form == "naive":
        layers = unshifted(work.network).layers
        rows = [[*layer.weight.ravel().tolist(), *layer.bias.tolist()] for layer in layers]
    elif form == "documented":
        rows = [work.floats.ravel().tolist()]
    else:
        rows = [work.floats[sample].ravel().tolist()]
    (folder / "input.json").write_text(json.dumps({"input_data": rows}), encoding="utf-8")
