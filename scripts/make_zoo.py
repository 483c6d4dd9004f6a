"""Train the small networks of ``pyml/ml/zoo`` and write them as golden integers, with a table of their accuracy.

    python scripts/make_zoo.py            every network; PYML_DATA must have mnist
    python scripts/make_zoo.py --check    write nothing; fail where a network comes out differently

Training is in 64-bit floats on one thread. Machines differ in the order of sums; in the short trainings what that
changes stays far below half a step of an 8-bit weight, so that the integers are the same, but those on MNIST are
repeatable to the bit on one machine only.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.measuring.record import environment
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.ml import zoo
from pyml.ml.datasets import Dataset, integers, load
from pyml.ml.integer import IntegerNetwork
from pyml.ml.modules import affine_layers
from pyml.ml.network_codec import encode_network, network_digest
from pyml.ml.networks import cnn, parse_shapes
from pyml.ml.quantise import SEARCH_SAMPLES, QuantisationReport, measure, quantise
from pyml.ml.training import TrainingConfig, train
from pyml.zk.statement import Numerics

BITS = 8
ACTIVATION_MAX = -Numerics().table_low
"""What the lookup table of a circuit with default parameters takes."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides a network, besides the data."""

    name: str
    data: str
    layers: str
    epochs: int
    batch_norm: bool = False
    batch_size: int = 32
    learning_rate: float = 2e-3
    seed: int = 1


RECIPES = (
    Recipe("breast-cancer-mlp", "breast-cancer", "30-16-2", epochs=60),
    Recipe("digits-mlp", "digits", "64-32-10", epochs=30),
    Recipe("digits-cnn", "digits", "1x8x8:c8k3-max2-c16k3-10", epochs=40),
    Recipe("digits-cnn-average", "digits", "1x8x8:c6k3p1-avg2-c12k3-32-10", epochs=30, batch_norm=True),
    Recipe("mnist-mlp", "mnist", "784-64-10", epochs=8, batch_size=64, learning_rate=1e-3),
    Recipe("mnist-cnn", "mnist", "1x28x28:c8k5s2-max2-c16k3-max2-10", epochs=10, batch_size=64),
)


def make(recipe: Recipe, dataset: Dataset) -> tuple[IntegerNetwork, QuantisationReport]:
    """Train and quantise one network; deterministic."""
    model = cnn(parse_shapes(recipe.layers), seed=recipe.seed, batch_norm=recipe.batch_norm).double()
    train(
        model,
        dataset,
        TrainingConfig(
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            seed=recipe.seed,
        ),
    )
    layers = affine_layers(model)
    calibration, test = (
        integers(images, pixel_max=dataset.pixel_max)
        for images in (dataset.train_images[:SEARCH_SAMPLES], dataset.test_images)
    )
    quantisation = quantise(
        layers,
        np.concatenate([calibration, test]),
        input_scale=1 / dataset.pixel_max,
        input_max=dataset.pixel_max,
        bits=BITS,
        activation_max=ACTIVATION_MAX,
    )
    return quantisation.network, measure(quantisation, layers, test, dataset.test_labels)


def figures(recipe: Recipe, network: IntegerNetwork, report: QuantisationReport) -> dict[str, Any]:
    """One entry of ``accuracy.json``; all counts are of test samples, ties are wrong."""
    return {
        **asdict(recipe),
        "sha256": network_digest(network),
        "bytes": len(encode_network(network)),
        "parameters": sum(layer.weight.size + layer.bias.size for layer in network.layers),
        "pre_activations": sum(shape.pre_activations for shape in network.shapes),
        "weight_bits": network.bits,
        "shifts": [layer.shift for layer in network.layers],
        "samples": report.samples,
        "float_correct": round(report.float_accuracy * report.samples),
        "integer_correct": round(report.integer_accuracy * report.samples),
        "same_answers": round(report.agreement * report.samples),
    }


def table(models: list[dict[str, Any]]) -> str:
    """``README.md`` of the zoo."""
    lines = [
        "# Small networks in golden integers",
        "",
        "Made by `python scripts/make_zoo.py`; `pyml.ml.zoo.load(name)` checks the digest and decodes. Trained in",
        f"64-bit floats, quantised to {BITS}-bit weights. Accuracy is that on the test split; a tie is a wrong answer.",
        "",
        "| name | data | layers | parameters | pre-activations | float accuracy | integer accuracy | same answers |",
        "|---|---|---|---:|---:|---:|---:|---:|",
    ]
    for model in models:
        shares = (
            f"{model[key] / model['samples']:.2%}" for key in ("float_correct", "integer_correct", "same_answers")
        )
        layers = f"`{model['layers']}`" + (", batch-norm" if model["batch_norm"] else "")
        counts = f"{model['parameters']:,} | {model['pre_activations']:,}"
        lines.append(f"| `{model['name']}` | {model['data']} | {layers} | {counts} | {' | '.join(shares)} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0: written, or all as before; 1: something differs; 2: it could not be done."""
    parser = argparse.ArgumentParser(description="Make the model zoo.")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args(arguments)
    models: list[dict[str, Any]] = []
    differing = False
    try:
        for recipe in RECIPES:
            network, report = make(recipe, load(recipe.data, load_config().data))
            models.append(figures(recipe, network, report))
            path, made = zoo.FOLDER / f"{recipe.name}.json", encode_network(network)
            same = path.exists() and path.read_bytes() == made
            print(f"{recipe.name}: {'as before' if same else 'differs' if options.check else 'written'}")
            differing = differing or not same
            if not options.check:
                write_atomically(path, made)
        if not options.check:
            _write_summary(models)
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 1 if options.check and differing else 0


def _write_summary(models: list[dict[str, Any]]) -> None:
    index = {model["name"]: {key: model[key] for key in ("data", "layers", "sha256")} for model in models}
    result = {
        "benchmark": "zoo",
        "command": "python scripts/make_zoo.py",
        "environment": environment(),
        "models": models,
    }
    write_atomically(zoo.FOLDER / "index.json", json.dumps(index, indent=1).encode() + b"\n")
    write_atomically(zoo.FOLDER / "README.md", table(models).encode())
    write_atomically(zoo.FOLDER / "accuracy.json", json.dumps(result, indent=1).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
