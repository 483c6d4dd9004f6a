"""From a float model and a data set to the integers that a circuit proves; deterministic, so it can be repeated.

Calibration uses the training inputs and the public samples' inputs (not their labels), so that every public sample is
known to fit the lookup table before anything is committed to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pyml.errors import ModelError
from pyml.ml.affine import AffineLayer
from pyml.ml.datasets import Dataset, input_shift, integers
from pyml.ml.quantise import Quantisation, QuantisationReport, measure, quantise
from pyml.zk.statement import Architecture, Numerics
from pyml.zk.witness import architecture_of

CALIBRATION_SAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """The integer model, its public shape, and what quantisation cost on the whole test split."""

    quantisation: Quantisation
    architecture: Architecture
    report: QuantisationReport


def prepare(
    layers: Sequence[AffineLayer],
    dataset: Dataset,
    *,
    weight_bits: int = 8,
    input_bits: int | None = None,
    numerics: Numerics | None = None,
) -> Prepared:
    """Quantise for a circuit; raises ``ModelError`` if the model does not fit the data set."""
    inputs, outputs = layers[0].shape.inputs, layers[-1].shape.outputs
    if (inputs, outputs) != (dataset.features, dataset.classes):
        raise ModelError(
            f"the model does not fit {dataset.name}",
            expected=f"{dataset.features} inputs and {dataset.classes} outputs",
            got=f"{inputs} inputs and {outputs} outputs",
        )
    drop = input_shift(dataset.pixel_max, input_bits)
    train = integers(dataset.train_images, pixel_max=dataset.pixel_max, bits=input_bits)[:CALIBRATION_SAMPLES]
    test = integers(dataset.test_images, pixel_max=dataset.pixel_max, bits=input_bits)
    quantisation = quantise(
        layers,
        np.concatenate([train, test]),
        input_scale=2**drop / dataset.pixel_max,
        input_max=dataset.pixel_max >> drop,
        bits=weight_bits,
        activation_max=-(numerics or Numerics()).table_low,
    )
    report = measure(quantisation, layers, test, dataset.test_labels.astype(np.int64))
    return Prepared(quantisation, architecture_of(quantisation.network), report)


def prepare_for(
    layers: Sequence[AffineLayer], dataset: Dataset, architecture: Architecture, numerics: Numerics
) -> Prepared:
    """Repeat the preparation that a circuit was exported with; refuses a model that comes out another shape."""
    prepared = prepare(
        layers,
        dataset,
        weight_bits=architecture.weight_bits,
        input_bits=architecture.input_max.bit_length(),
        numerics=numerics,
    )
    if prepared.architecture != architecture:
        raise ModelError(
            "the model is not of the circuit's architecture",
            expected=architecture,
            got=prepared.architecture,
            hint="Export a circuit from this model with `pyml zk export`.",
        )
    return prepared
