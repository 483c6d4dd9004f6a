"""Train a network for native proofs: ``python -m bench.zk.native_training REQUEST.json ANSWER.json``.

Apart from ``bench.zk.workload``, whose network must do without shifts for the sake of plain ezkl: at full pixels there
is none. This is the network that pyml makes of a float model by default.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.zk.workload import DEFAULT_BITS, EPOCHS, SEED
from pyml.ml import datasets, networks, training
from pyml.ml.integer import count_correct
from pyml.ml.modules import affine_layers
from pyml.ml.quantise import measure, quantise
from pyml.zk.circuits import labelled_set
from pyml.zk.model_codec import encode_network, network_digest
from pyml.zk.statement import Numerics


def train(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Network and first test samples to the folder; what the result file says of them."""
    folder = Path(asked["folder"])
    dataset = datasets.load(asked["dataset"], Path(asked["data_dir"]) if asked["data_dir"] else None)
    model = networks.mlp(asked["sizes"], seed=SEED)
    trained = training.train(model, dataset, training.TrainingConfig(epochs=EPOCHS))
    layers = affine_layers(model)
    quantised = quantise(
        layers,
        datasets.integers(dataset.train_images, pixel_max=dataset.pixel_max),
        input_scale=1 / dataset.pixel_max,
        input_max=dataset.pixel_max,
        bits=DEFAULT_BITS,
        activation_max=Numerics().table_high,
    )
    network, data = quantised.network, labelled_set(dataset, samples=asked["samples"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default.json").write_bytes(encode_network(network))
    np.savez(folder / "data.npz", inputs=data.inputs, labels=data.labels)
    test = datasets.integers(dataset.test_images, pixel_max=dataset.pixel_max)
    labels = dataset.test_labels.astype(np.int64)
    return {
        "sizes": list(asked["sizes"]),
        "set": data.name,
        "set_sha256": data.digest,
        "seed": SEED,
        "epochs": EPOCHS,
        "network_sha256": network_digest(network),
        "weight_bits": network.bits,
        "input_max": network.input_max,
        "shifts": [layer.shift for layer in network.layers],
        "float_test_accuracy": trained.test_accuracy,
        "integer_test_accuracy": measure(quantised, layers, test, labels).integer_accuracy,
        "correct_in_set": count_correct(network, data.inputs, data.labels),
    }


if __name__ == "__main__":
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    done = train(request)
    Path(sys.argv[2]).write_text(json.dumps(done), encoding="utf-8")
