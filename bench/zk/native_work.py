"""What a native proof is measured on: one network, one labelled set and the shape of the proof, in a folder.

A trained one is ``bench.zk.workload``'s. A random one has weights and pixels over all their ranges, and shifts such
that no activation leaves the limbs: cost depends on shapes only, and those can then be of any size. Nothing here loads
PyTorch, whose memory would be counted as the prover's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.ml.integer import IntegerLayer, IntegerNetwork, hidden
from pyml.zk.circuits import LabelledSet, accuracy_statement, inference_statement
from pyml.zk.model_codec import decode_network, encode_network
from pyml.zk.native.circuit import shape_of
from pyml.zk.native.shape import Shape
from pyml.zk.statement import Numerics
from pyml.zk.witness import architecture_of

WEIGHT_BITS, INPUT_MAX = 8, 255
_SEED = 8


@dataclass(frozen=True, slots=True, eq=False)
class NativeWork:
    """One statement and its secret."""

    shape: Shape
    network: IntegerNetwork
    inputs: NDArray[Any]
    labels: NDArray[np.int64]


def save(work: NativeWork, folder: Path) -> None:
    """Everything that the steps read, pixels as the smallest integers that hold them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "network.json").write_bytes(encode_network(work.network))
    (folder / "shape.json").write_text(json.dumps(asdict(work.shape)), encoding="utf-8")
    pixel = np.uint8 if work.network.input_max <= np.iinfo(np.uint8).max else np.uint16
    np.savez(folder / "samples.npz", inputs=work.inputs.astype(pixel), labels=work.labels.astype(np.int64))


def read(folder: Path) -> NativeWork:
    """What ``save`` wrote."""
    fields: dict[str, Any] = json.loads((folder / "shape.json").read_text(encoding="utf-8"))
    lists: dict[str, Any] = {name: tuple(fields[name]) for name in ("widths", "shifts", "bias_units")}
    with np.load(folder / "samples.npz") as arrays:
        inputs, labels = arrays["inputs"], arrays["labels"]
    return NativeWork(Shape(**fields | lists), decode_network((folder / "network.json").read_bytes()), inputs, labels)


def trained_work(folder: Path, network: str, samples: int, *, degree: int = 0) -> NativeWork:
    """From the folder that ``bench.zk.workload`` wrote: its "network" or "default", on the first samples."""
    model = decode_network((folder / f"{network}.json").read_bytes())
    with np.load(folder / "data.npz") as arrays:
        inputs, labels = arrays["inputs"][:samples], arrays["labels"][:samples]
    return _work(model, inputs, labels, degree)


def random_work(samples: int, sizes: Sequence[int], *, degree: int = 0) -> NativeWork:
    """Every label is the network's answer to every other sample, so that some are right and some are not."""
    generator = np.random.default_rng(_SEED)
    inputs = generator.integers(0, INPUT_MAX + 1, (samples, sizes[0]))
    half, table = 1 << (WEIGHT_BITS - 1), Numerics().lookup_bits
    layers = list[IntegerLayer]()
    for before, after in pairwise(sizes):
        weight, bias = generator.integers(-half, half, (before, after)), generator.integers(-half, half, after)
        layers.append(IntegerLayer(weight, bias, 1))
        if len(layers) < len(sizes) - 1:
            largest = int(np.abs(hidden(_network(layers), inputs)[-1]).max())
            layers[-1] = replace(layers[-1], shift=max(0, largest.bit_length() - table))
    network = _network(layers)
    labels = np.asarray(hidden(network, inputs)[-1]).argmax(axis=1)
    labels[1::2] = generator.integers(0, sizes[-1], len(labels[1::2]))
    return _work(network, inputs, labels, degree)


def inference_work(work: NativeWork, sample: int = 0) -> NativeWork:
    """One answer of the same network, with the same limbs."""
    inputs = work.inputs[sample : sample + 1]
    labels = np.asarray(hidden(work.network, inputs.astype(np.int64))[-1]).argmax(axis=1)
    accuracy = accuracy_statement(
        architecture_of(work.network), LabelledSet("benchmark", inputs, labels), _numerics(work.shape.limb_bits - 1)
    )
    return NativeWork(shape_of(inference_statement(accuracy, work.shape.degree)), work.network, inputs, labels)


def _network(layers: Sequence[IntegerLayer]) -> IntegerNetwork:
    """Without the last shift, which ``hidden`` does not apply to the last values anyway."""
    return IntegerNetwork((*layers[:-1], replace(layers[-1], shift=0)), WEIGHT_BITS, INPUT_MAX)


def _work(network: IntegerNetwork, inputs: NDArray[Any], labels: NDArray[np.int64], degree: int) -> NativeWork:
    """The shape that pyml takes, or that of n = ``degree``, with the smallest table that holds every activation."""
    data = LabelledSet("benchmark", inputs.astype(np.int64), labels.astype(np.int64))
    statement = accuracy_statement(architecture_of(network), data, _numerics(_least_lookup_bits(network, data)))
    shape = shape_of(statement)
    return NativeWork(replace(shape, degree=degree or shape.degree), network, inputs, labels)


def _least_lookup_bits(network: IntegerNetwork, data: LabelledSet) -> int:
    """At least the project's default; every value of a hidden layer, shifted, and every margin must fit."""
    *values, logits = hidden(network, data.inputs)
    shifted = [
        np.abs(np.asarray(value) >> layer.shift).max() for value, layer in zip(values, network.layers, strict=False)
    ]
    needed = [int(value).bit_length() for value in shifted]
    margin = 2 * int(np.abs(logits).max()) + 2
    limbs = Numerics().margin_limbs
    return max(Numerics().lookup_bits, *needed, -(-margin.bit_length() // limbs) - 1)


def _numerics(lookup_bits: int) -> Numerics:
    return Numerics(lookup_bits=lookup_bits)
