"""The circuits' public outputs from their definition, with Python integers modulo r: the oracle for the graphs.

Written from the constraints, not from ``pyml.zk.graph``: matrices are formed in full and then compared entry by entry
under the weights r_i s_j, where the graph only ever has vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.ml.integer import IntegerNetwork
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.statement import Statement

Matrix = NDArray[Any]


def accuracy_outputs(
    statement: Statement,
    inputs: NDArray[np.int64],
    labels: NDArray[np.int64],
    committed: Sequence[int],
    witness: Sequence[int],
    rho: int,
) -> tuple[int, ...]:
    """ρ, one check a layer, margins, boolean, count."""
    rows = statement.samples
    values = parts(witness, witness_layout(statement))
    checks = private_layers(statement, inputs.astype(object), committed, values, rho)
    correct = relu(values["margin_0"])[np.arange(rows), labels]
    lead = values["logits"][np.arange(rows), labels][:, None] - values["logits"] - 1
    lead[np.arange(rows), labels] = 1
    checks.append(folded(correct[:, None] * lead - margins(statement, values), rho, rows))
    checks.append(folded((correct * correct - correct)[:, None], rho, rows))
    return tuple(int(value) % R for value in (rho, *checks, correct.sum()))


def inference_outputs(
    statement: Statement, committed: Sequence[int], witness: Sequence[int], rho: int
) -> tuple[int, ...]:
    """ρ, one check a layer, one_hot, margins, ρ^n + Σ ρ^i x_i, label."""
    values = parts(witness, witness_layout(statement))
    checks = private_layers(statement, values["input"], committed, values, rho)
    one_hot, margin, label = answer(statement, values["logits"], values, rho)
    features = [*values["input"][0], 1]
    evaluation = sum(pow(rho, index, R) * int(value) for index, value in enumerate(features))
    return tuple(int(value) % R for value in (rho, *checks, one_hot, margin, evaluation, label))


def input_outputs(
    statement: Statement, network: IntegerNetwork, committed: Sequence[int], witness: Sequence[int], rho: int
) -> tuple[int, ...]:
    """ρ, range, one check a shifted layer, one_hot, margins, label."""
    shape = statement.architecture
    features = parts(committed, committed_layout(statement))["input"]
    values = parts(witness, witness_layout(statement))
    activations: Matrix = np.array([[min(max(signed(value), 0), shape.input_max) for value in features]], dtype=object)
    checks = [folded((features - activations[0])[:, None], rho, len(features))]
    logits: Matrix = activations
    for layer, each in enumerate(network.layers, start=1):
        logits = activations @ each.weight.astype(object) + each.bias.astype(object) * each.bias_unit
        if layer < shape.layers and each.shift:
            bits = statement.numerics.lookup_bits
            low, high = values[f"low_{layer}"], values[f"high_{layer}"]
            checks.append(folded(logits * 2 ** (bits - each.shift) - relu(low) - 2**bits * high, rho, 1))
            activations = relu(high)
        else:
            activations = relu(logits)
    return tuple(int(value) % R for value in (rho, *checks, *answer(statement, logits, values, rho)))


def private_layers(
    statement: Statement, inputs: Matrix, committed: Sequence[int], values: dict[str, Matrix], rho: int
) -> list[int]:
    """One check a layer of the committed model on ``inputs`` [samples, features]."""
    shape, rows = statement.architecture, statement.samples
    weights = {name: relu(part) - shape.offset for name, part in parts(committed, committed_layout(statement)).items()}
    checks: list[int] = []
    activations = inputs
    for layer in range(1, shape.layers + 1):
        unit = np.full((rows, 1), shape.bias_units[layer - 1], dtype=object)
        true = np.hstack([activations, unit]) @ weights[f"weights_{layer}"]
        shift = shape.shifts[layer - 1] if layer < shape.layers else 0
        if layer == shape.layers:
            error = true - values["logits"]
        elif shift:
            bits = statement.numerics.lookup_bits
            error = true * 2 ** (bits - shift) - relu(values[f"low_{layer}"]) - 2**bits * values[f"high_{layer}"]
            activations = relu(values[f"high_{layer}"])
        else:
            error = true - values[f"hidden_{layer}"]
            activations = relu(values[f"hidden_{layer}"])
        checks.append(folded(error, rho, rows))
    return checks


def answer(statement: Statement, logits: Matrix, values: dict[str, Matrix], rho: int) -> tuple[int, int, int]:
    """one_hot, margins and label of one sample."""
    chosen = values["answer"]
    one_hot = [*(chosen * chosen - chosen)[0], chosen.sum() - 1]
    lead = (chosen * logits).sum() - logits - 1 + 2 * chosen
    label = sum(index * int(value) for index, value in enumerate(chosen[0]))
    return folded(np.array([one_hot], dtype=object), rho, 1), folded(lead - margins(statement, values), rho, 1), label


def margins(statement: Statement, values: dict[str, Matrix]) -> Matrix:
    numerics = statement.numerics
    limbs = [relu(values[f"margin_{limb}"]) << numerics.lookup_bits * limb for limb in range(numerics.margin_limbs)]
    return sum(limbs[1:], limbs[0])


def folded(error: Matrix, rho: int, rows: int) -> int:
    """Σ r_i s_j e_ij with r_i = ρ^i and s_j = ρ^(rows·j)."""
    total = 0
    for (row, column), value in np.ndenumerate(error):
        total += pow(rho, row + rows * column, R) * int(value)
    return total % R


def signed(value: int) -> int:
    """The representative of least magnitude."""
    return int(value) % R if int(value) % R <= R // 2 else int(value) % R - R


def relu(values: Matrix) -> Matrix:
    return np.array([max(signed(value), 0) for value in values.ravel()], dtype=object).reshape(values.shape)


def parts(tensor: Sequence[int], layout: Layout) -> dict[str, Matrix]:
    return {
        name: np.array([int(value) for value in tensor[part.start : part.start + part.length]], dtype=object).reshape(
            part.shape
        )
        for name, part in layout.parts.items()
    }
