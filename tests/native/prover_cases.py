"""Statements for the compiled prover: those of the golden vectors, and random ones in the smallest layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from hypothesis import strategies as st

from pyml.errors import CircuitError
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.native.layout import Layout
from pyml.zk.native.prover import ProverSecrets
from pyml.zk.native.shape import Shape
from tests.zk.native.toy_cases import SECRETS, Case, make_case

VECTORS: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "native_accuracy.json").read_text(encoding="utf-8")
)
TAU: Final = int(VECTORS["tau"], 16)
CONTEXT: Final = int(VECTORS["context"], 16)
DEGREE: Final = 12
"""Of the powers of tau that all of these fit."""
PROVER_SECRETS: Final = ProverSecrets(SECRETS.model_blind, SECRETS.seed)


def vector_case(entry: dict[str, Any]) -> Case:
    """The statement of one golden vector."""
    fields: dict[str, Any] = dict(entry["shape"])
    for name in ("widths", "shifts", "bias_units"):
        fields[name] = tuple(fields[name])
    shape = Shape(**fields)
    layers = tuple(
        IntegerLayer(
            np.array(layer["weight"], dtype=np.int64),
            np.array(layer["bias"], dtype=np.int64),
            unit,
            0 if place == shape.hidden_layers else shape.shifts[place],
        )
        for place, (layer, unit) in enumerate(zip(entry["layers"], shape.bias_units, strict=True))
    )
    network = IntegerNetwork(layers, shape.weight_bits, entry["inputMax"])
    inputs, labels = (np.array(entry.get(name, []), dtype=np.int64) for name in ("inputs", "labels"))
    return Case(entry["id"], entry["comment"], shape, network, inputs, labels)


def fitted(shape: dict[str, Any]) -> Shape:
    """The shape with the least degree that its columns fit."""
    for degree in range(2, DEGREE + 1):
        candidate = Shape(degree=degree, **shape)
        try:
            Layout(candidate)
        except CircuitError:
            continue
        return candidate
    raise AssertionError("the strategies draw shapes of at most 2^DEGREE")


@st.composite
def statements(draw: st.DrawFn) -> Case:
    """Random networks and data: any depth to three layers, N around powers of two, widths of no symmetry."""
    hidden = draw(st.integers(0, 2))
    widths = (
        draw(st.integers(1, 9)),
        *(draw(st.integers(1, 5)) for _ in range(hidden)),
        draw(st.integers(2, 5)),
    )
    samples = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 16, 17]))
    shape = fitted(
        {
            "samples": samples,
            "widths": widths,
            # Nothing overflows: |h| < 2^(B + shift - 1) for all inputs, and three limbs bear any margin.
            "shifts": tuple(draw(st.integers(4, 6)) for _ in range(hidden)),
            "bias_units": tuple(1 << draw(st.integers(0, 2)) for _ in range(hidden + 1)),
            "limb_bits": 6,
            "margin_limbs": draw(st.integers(2, 4)),
            "weight_bits": draw(st.integers(2, 4)),
        }
    )
    return make_case("random", "", shape, seed=draw(st.integers(0, 2**32)), input_max=3)
