"""The work that every form is given: one trained network, its integer form, one labelled set.

Everything follows from the arguments and their seeds, and is written once, so that each form's process reads the same
bytes. The integer model uses the widest weights, at most ``bits``, at which no layer needs a shift: the plain circuit
has no sound gadget for one, and so both sides prove the very same integer statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from pyml.errors import ModelError
from pyml.ml import datasets, networks, training
from pyml.ml.affine import AffineLayer
from pyml.ml.checkpoints import load_weights, save_weights
from pyml.ml.integer import IntegerNetwork, count_correct, hidden
from pyml.ml.modules import affine_layers
from pyml.ml.quantise import Quantisation, measure, quantise
from pyml.zk.circuits import LabelledSet, labelled_set
from pyml.zk.model_codec import decode_network, encode_network, network_digest
from pyml.zk.statement import Numerics

SEED = 1
EPOCHS = 15
DEFAULT_BITS = 8
"""Weight width that pyml uses when nobody asks for another."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What to train and to prove."""

    dataset: str
    sizes: tuple[int, ...]
    samples: int
    input_bits: int | None = None
    bits: int = DEFAULT_BITS
    lookup_bits: int = Numerics().lookup_bits


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A workload read back from its folder."""

    network: IntegerNetwork
    """Without shifts, where such a network could be found."""
    default_network: IntegerNetwork
    """As pyml makes it by default."""
    data: LabelledSet
    floats: NDArray[np.float32]
    sizes: tuple[int, ...]
    numerics: Numerics
    folder: Path

    def float_model(self) -> nn.Sequential:
        """The trained network before quantisation."""
        model = networks.mlp(self.sizes, seed=SEED)
        load_weights(self.folder / "float.weights", model)
        return model


def prepare(workload: Workload, folder: Path, data_dir: Path | None) -> dict[str, Any]:
    """Train, quantise and write; returns what the result file says of it."""
    dataset = datasets.load(workload.dataset, data_dir)
    model = networks.mlp(workload.sizes, seed=SEED)
    trained = training.train(model, dataset, training.TrainingConfig(epochs=EPOCHS))
    layers = affine_layers(model)
    drop = datasets.input_shift(dataset.pixel_max, workload.input_bits)
    default = _quantised(layers, dataset, workload, workload.bits)
    plain = _without_shift(layers, dataset, workload)
    data = labelled_set(dataset, samples=workload.samples, input_bits=workload.input_bits)
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "float.weights", model)
    (folder / "network.json").write_bytes(encode_network(plain.network))
    (folder / "default.json").write_bytes(encode_network(default.network))
    images = datasets.floats(dataset.test_images[: workload.samples], pixel_max=dataset.pixel_max)
    np.savez(
        folder / "data.npz",
        inputs=data.inputs,
        labels=data.labels,
        floats=images,
        sizes=workload.sizes,
        lookup_bits=workload.lookup_bits,
    )
    (folder / "name.txt").write_text(data.name, encoding="utf-8")
    test = datasets.integers(dataset.test_images, pixel_max=dataset.pixel_max, bits=workload.input_bits)
    labels = dataset.test_labels.astype(np.int64)
    return {
        "samples": workload.samples,
        "sizes": list(workload.sizes),
        "set": data.name,
        "set_sha256": data.digest,
        "seed": SEED,
        "epochs": EPOCHS,
        "input_bits_dropped": drop,
        "lookup_bits": workload.lookup_bits,
        "float_test_accuracy": trained.test_accuracy,
        "models": {
            "plain": _description(plain, layers, test, labels, data),
            "default": _description(default, layers, test, labels, data),
        },
    }


def read(folder: Path) -> Prepared:
    """The workload that ``prepare`` wrote."""
    with np.load(folder / "data.npz") as arrays:
        name = (folder / "name.txt").read_text(encoding="utf-8")
        data = LabelledSet(name, arrays["inputs"], arrays["labels"])
        floats, sizes = arrays["floats"], tuple(int(size) for size in arrays["sizes"])
        numerics = Numerics(lookup_bits=int(arrays["lookup_bits"]))
    plain = decode_network((folder / "network.json").read_bytes())
    default = decode_network((folder / "default.json").read_bytes())
    return Prepared(plain, default, data, floats, sizes, numerics, folder)


def first_samples(work: Prepared, samples: int) -> Prepared:
    """The same model on fewer samples."""
    data = LabelledSet(work.data.name, work.data.inputs[:samples], work.data.labels[:samples])
    return replace(work, data=data, floats=work.floats[:samples])


def unshifted(network: IntegerNetwork) -> IntegerNetwork:
    """The network without its shifts: later biases count in units that are larger by what is no longer dropped."""
    dropped = 0
    layers: list[Any] = []
    for layer in network.layers:
        layers.append(replace(layer, shift=0, bias_unit=layer.bias_unit << dropped))
        dropped += layer.shift
    return IntegerNetwork(tuple(layers), network.bits, network.input_max)


def largest_value(network: IntegerNetwork, data: LabelledSet) -> int:
    """The greatest magnitude of any activation or logit on the set."""
    return max(int(np.abs(values).max()) for values in hidden(network, data.inputs))


def _without_shift(layers: Sequence[AffineLayer], dataset: datasets.Dataset, workload: Workload) -> Quantisation:
    for bits in range(workload.bits, 3, -1):
        found = _quantised(layers, dataset, workload, bits)
        if not any(layer.shift for layer in found.network.layers):
            return found
    raise ModelError("no weight width from 4 bits on does without a shift", hint="Lower --input-bits.")


def _quantised(layers: Sequence[AffineLayer], dataset: datasets.Dataset, workload: Workload, bits: int) -> Quantisation:
    input_bits = workload.input_bits
    drop = datasets.input_shift(dataset.pixel_max, input_bits)
    return quantise(
        layers,
        datasets.integers(dataset.train_images, pixel_max=dataset.pixel_max, bits=input_bits),
        input_scale=2**drop / dataset.pixel_max,
        input_max=dataset.pixel_max >> drop,
        bits=bits,
        activation_max=Numerics(lookup_bits=workload.lookup_bits).table_high,
    )


def _description(
    quantised: Quantisation,
    layers: Sequence[AffineLayer],
    test: NDArray[np.int64],
    labels: NDArray[np.int64],
    data: LabelledSet,
) -> dict[str, Any]:
    network = quantised.network
    return {
        "sha256": network_digest(network),
        "weight_bits": network.bits,
        "shifts": [layer.shift for layer in network.layers],
        "test_accuracy": measure(quantised, layers, test, labels).integer_accuracy,
        "correct_in_set": count_correct(network, data.inputs, data.labels),
    }
