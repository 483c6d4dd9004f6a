"""Private tensors of a proof, from an integer model and its data; everything is checked to fit before any long work.

The values are those of ``pyml.ml.integer``, cut into the limbs that the circuits look up. Salts come from the
``random_felt`` argument, which must be cryptographically secure for anything that leaves the machine.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import InputError, ModelError
from pyml.ml.integer import IntArray, IntegerNetwork, answers, correct_of, hidden, require_inputs
from pyml.ml.shapes import Product
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.statement import Architecture, Statement


def secure_felt() -> int:
    """A uniform field element."""
    return secrets.randbelow(SCALAR_MODULUS)


@dataclass(frozen=True, slots=True, repr=False)
class PrivateTensors:
    """The two flat private tensors of one proof, salts included, and its public result (count or label)."""

    committed: tuple[int, ...]
    witness: tuple[int, ...]
    result: int

    def __repr__(self) -> str:
        return f"PrivateTensors({len(self.committed)} + {len(self.witness)} secret entries)"


def architecture_of(network: IntegerNetwork) -> Architecture:
    """The public shape of an integer network."""
    return Architecture(
        sizes=network.sizes,
        bias_units=tuple(layer.bias_unit for layer in network.layers),
        shifts=tuple(layer.shift for layer in network.layers[:-1]),
        weight_bits=network.bits,
        input_max=network.input_max,
        convolutions=tuple(shape for shape in network.shapes if shape.convolution is not None),
    )


def committed_model(statement: Statement, network: IntegerNetwork) -> tuple[int, ...]:
    """The model as the accuracy circuit commits to it, before its salts: w + B, bias row last, layer after layer."""
    _require_same_shape(statement, network)
    offset = network.half_range
    entries: list[int] = []
    for layer in network.layers:
        entries.extend(int(value) + offset for value in np.vstack([layer.weight, layer.bias]).ravel())
    return tuple(entries)


def salted(values: Sequence[int], salts: Sequence[int], layout: Layout) -> tuple[int, ...]:
    """Values followed by salts; refuses any other number of either than the layout has."""
    if len(values) != layout.values or len(salts) != layout.salts:
        raise InputError(
            "a private tensor has the wrong length",
            expected=(layout.values, layout.salts),
            got=(len(values), len(salts)),
        )
    return (*values, *salts)


def accuracy_tensors(
    statement: Statement,
    network: IntegerNetwork,
    inputs: IntArray,
    labels: NDArray[np.int64],
    *,
    model_salts: Sequence[int],
    random_felt: Callable[[], int] = secure_felt,
    product: Product = np.matmul,
) -> PrivateTensors:
    """Tensors for ``private_model_accuracy``; the result is the count of correct answers.

    ``product`` as for ``pyml.ml.integer.hidden``.
    Raises ``ModelError`` naming layer and sample when an activation or margin leaves the lookup range.
    """
    committed = salted(committed_model(statement, network), model_salts, committed_layout(statement))
    pre_activations = hidden(network, inputs, product)
    logits = pre_activations[-1]
    matched = correct_of(logits, labels)
    wanted = np.asarray(labels, dtype=np.int64)
    parts = _limbs_of_layers(statement, pre_activations[:-1])
    one_hot = np.eye(statement.architecture.sizes[-1], dtype=np.int64)[wanted]
    lead = np.take_along_axis(logits, wanted[:, None], 1) - logits - 1 + 2 * one_hot
    parts |= _margin_limbs(statement, np.where(matched[:, None], lead, 0))
    parts["logits"] = logits
    return PrivateTensors(committed, _flat(parts, statement, random_felt), int(matched.sum()))


def inference_tensors(
    statement: Statement,
    network: IntegerNetwork,
    sample: IntArray,
    *,
    model_salts: Sequence[int],
    random_felt: Callable[[], int] = secure_felt,
) -> PrivateTensors:
    """Tensors for ``private_model_inference`` on one public sample [features]; the result is the model's answer.

    Raises ``InputError`` if the model answers nothing (its two greatest logits are equal).
    """
    committed = salted(committed_model(statement, network), model_salts, committed_layout(statement))
    inputs, pre_activations, label = _answered(network, sample)
    parts = _answer_parts(statement, pre_activations, label)
    parts |= {"logits": pre_activations[-1], "input": inputs}
    return PrivateTensors(committed, _flat(parts, statement, random_felt), label)


def link_tensors(
    statement: Statement,
    network: IntegerNetwork,
    rho: int,
    *,
    model_salts: Sequence[int],
    random_felt: Callable[[], int] = secure_felt,
) -> PrivateTensors:
    """Tensors for ``model_link``; the result is the fingerprint Σ ρ^i u_i of the committed tensor."""
    committed = salted(committed_model(statement, network), model_salts, committed_layout(statement))
    fingerprint = 0
    for entry in reversed(committed):
        fingerprint = (fingerprint * rho + entry) % SCALAR_MODULUS
    return PrivateTensors(committed, _flat({}, statement, random_felt), fingerprint)


def input_tensors(
    statement: Statement,
    network: IntegerNetwork,
    sample: IntArray,
    *,
    input_salts: Sequence[int],
    random_felt: Callable[[], int] = secure_felt,
) -> PrivateTensors:
    """Tensors for ``private_input`` from one sample [features]; the result is the model's answer.

    Raises ``InputError`` if the model answers nothing (its two greatest logits are equal).
    """
    _require_same_shape(statement, network)
    inputs, pre_activations, label = _answered(network, sample)
    parts = _answer_parts(statement, pre_activations, label)
    committed = salted([int(value) for value in inputs[0]], input_salts, committed_layout(statement))
    return PrivateTensors(committed, _flat(parts, statement, random_felt), label)


def _answered(network: IntegerNetwork, sample: IntArray) -> tuple[IntArray, tuple[IntArray, ...], int]:
    """The sample as [1, features], the pre-activations of each layer and the answer."""
    inputs = require_inputs(network, np.asarray(sample).reshape(1, -1))
    pre_activations = hidden(network, inputs)
    label = int(answers(pre_activations[-1])[0])
    if label < 0:
        raise InputError("the model's two greatest logits are equal for this input, so it gives no answer to prove")
    return inputs, pre_activations, label


def _answer_parts(statement: Statement, pre_activations: Sequence[IntArray], label: int) -> dict[str, IntArray]:
    logits = pre_activations[-1]
    answer = np.eye(statement.architecture.sizes[-1], dtype=np.int64)[[label]]
    parts = _limbs_of_layers(statement, pre_activations[:-1])
    parts |= _margin_limbs(statement, logits[:, [label]] - logits - 1 + 2 * answer)
    return parts | {"answer": answer}


def _limbs_of_layers(statement: Statement, pre_activations: Sequence[IntArray]) -> dict[str, IntArray]:
    numerics = statement.numerics
    parts: dict[str, IntArray] = {}
    for layer, (values, shift) in enumerate(zip(pre_activations, statement.architecture.shifts, strict=True), start=1):
        kept = values >> shift if shift else values
        pool = statement.architecture.shapes[layer - 1].pool
        # A maximum is found by looking up differences, which are as low as an activation is high.
        high = -numerics.table_low if pool is not None and pool.kind == "max" else numerics.table_high
        _require_in_table(kept, layer, numerics.table_low, high, shift)
        if shift:
            parts[f"low_{layer}"] = (values - (kept << shift)) << (numerics.lookup_bits - shift)
            parts[f"high_{layer}"] = kept
        else:
            parts[f"hidden_{layer}"] = values
    return parts


def _margin_limbs(statement: Statement, margins: IntArray) -> dict[str, IntArray]:
    numerics = statement.numerics
    bits = numerics.lookup_bits
    limit = 1 << (bits * numerics.margin_limbs)
    if margins.size and int(margins.max()) >= limit:
        sample = int(np.argmax(margins.max(axis=1)))
        raise ModelError(
            f"the logit margin of sample {sample} is too large to prove",
            expected=f"below {limit}",
            got=int(margins.max()),
            hint="Raise margin_limbs.",
        )
    mask = (1 << bits) - 1
    return {f"margin_{limb}": (margins >> (bits * limb)) & mask for limb in range(numerics.margin_limbs)}


def _require_in_table(values: IntArray, layer: int, low: int, high: int, shift: int) -> None:
    outside = (values < low) | (values > high)
    if outside.any():
        sample = int(np.argwhere(outside)[0][0])
        raise ModelError(
            f"layer {layer}: an activation of sample {sample} leaves the lookup range",
            expected=f"[{low}, {high}] after a shift of {shift} bits",
            got=f"[{values.min()}, {values.max()}]",
            hint="Export again: the shift is chosen from the calibration samples.",
        )


def _flat(parts: dict[str, IntArray], statement: Statement, random_felt: Callable[[], int]) -> tuple[int, ...]:
    layout, numerics = witness_layout(statement), statement.numerics
    entries: list[int] = []
    if "lookup_salts" in layout.parts:
        table_half = 1 << numerics.lookup_bits
        parts["lookup_salts"] = np.array([random_felt() % table_half for _ in range(numerics.lookup_salts)])
    for name, part in layout.parts.items():
        values = parts[name]
        if values.shape != part.shape:
            raise InputError(f"{name} has the wrong shape", expected=part.shape, got=values.shape)
        entries.extend(int(value) for value in values.ravel())
    return salted(entries, [random_felt() for _ in range(layout.salts)], layout)


def _require_same_shape(statement: Statement, network: IntegerNetwork) -> None:
    shape = architecture_of(network)
    if shape != statement.architecture:
        raise ModelError("the model is not of the circuit's architecture", expected=statement.architecture, got=shape)
