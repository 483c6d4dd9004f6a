"""The columns that a prover commits to, from an integer model, samples and labels; whatever does not fit is refused.

Source: ``circuits/native_accuracy/SPEC.md``, sections 3 and 4. The arithmetic is that of ``pyml.ml.integer``. All of it
is checked before a column is built: a refusal names the layer and the sample, and costs one pass of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyml.errors import CircuitError, InputError, ModelError
from pyml.ml.integer import IntArray, IntegerNetwork, correct_of, hidden, require_inputs
from pyml.zk.native.layout import INPUT_BITS, Layout
from pyml.zk.native.packing import lg
from pyml.zk.native.shape import Shape

Columns = dict[str, list[int]]


@dataclass(frozen=True, slots=True, repr=False)
class Witness:
    """Columns of plain integers by name, and the count they show."""

    columns: Columns
    """L0_l, L1_l, R_l, ML, c, M, Y, Z, and X over (feature, sample); W_l."""
    count: int

    def __repr__(self) -> str:
        return f"Witness({len(self.columns)} secret columns)"


def build_witness(layout: Layout, network: IntegerNetwork, inputs: IntArray, labels: IntArray) -> Witness:
    """Raises ``InputError``, ``ModelError`` or ``CircuitError`` for anything that this layout cannot prove."""
    shape = layout.shape
    require_network(shape, network)
    samples = _require_samples(shape, network, inputs)
    columns = weight_columns(network) | data_columns(layout, samples, labels)
    padded = np.vstack([samples, np.zeros(((1 << layout.ni) - len(samples), samples.shape[1]), dtype=np.int64)])
    *pre_activations, logits = hidden(network, padded)
    for layer, values in enumerate(pre_activations, 1):
        _require_limbs(shape, layer, values)
    answered = correct_of(logits[: shape.samples], labels)
    margins = _margins(logits[: shape.samples], np.asarray(labels), answered)
    _require_margins(shape, margins)

    for layer, values in enumerate(pre_activations, 1):
        columns |= _limb_columns(shape, layer, values, layout.nh(layer))
    columns["Z"] = _spread(logits, layout.nc)
    columns |= _answer_columns(layout, answered, margins)
    columns["M"] = count_lookups(layout, columns)
    return Witness(columns, int(answered.sum()))


def data_columns(layout: Layout, inputs: IntArray, labels: IntArray) -> Columns:
    """X over (feature, sample), and Y; raises ``InputError`` for labels that are none."""
    classes, samples = layout.shape.widths[-1], np.asarray(inputs)
    wanted = np.asarray(labels)
    if wanted.shape != (len(samples),) or wanted.dtype.kind not in "iu":
        raise InputError("labels do not match the samples", expected=f"{len(samples)} integers", got=wanted.shape)
    outside = np.flatnonzero((wanted < 0) | (wanted >= classes))
    if len(outside):
        sample = int(outside[0])
        raise InputError(
            f"sample {sample}: the label is out of range", expected=f"0 to {classes - 1}", got=wanted[sample]
        )
    chosen = [0] * (1 << layout.logits)
    for sample, label in enumerate(wanted.tolist()):
        chosen[label + (sample << layout.nc)] = 1
    padding = np.zeros(((1 << layout.ni) - len(samples), samples.shape[1]), dtype=np.int64)
    return {"X": _spread(np.vstack([samples, padding]), layout.nx), "Y": chosen}


def require_network(shape: Shape, network: IntegerNetwork) -> None:
    """Raise ``ModelError`` unless the network is the one that the shape describes."""
    if any(layer.convolution is not None for layer in network.layers):
        raise ModelError("the native engine proves dense layers", hint="Use the engine ezkl for convolutions.")
    shifts = tuple(layer.shift for layer in network.layers[:-1])
    units = tuple(layer.bias_unit for layer in network.layers)
    for name, wanted, given in (
        ("widths", shape.widths, network.sizes),
        ("shifts", shape.shifts, shifts),
        ("bias units", shape.bias_units, units),
        ("weight bits", shape.weight_bits, network.bits),
    ):
        if wanted != given:
            raise ModelError(f"the network's {name} are not those of the circuit", expected=wanted, got=given)


def weight_columns(network: IntegerNetwork) -> Columns:
    """W_1 … W_{L+1}: output lowest, then input; the bias at input d_{l-1}."""
    columns: Columns = {}
    for layer, each in enumerate(network.layers, 1):
        rows = np.vstack([each.weight, each.bias])
        size = 1 << lg(len(rows))
        columns[f"W_{layer}"] = _spread(
            np.vstack([rows, np.zeros((size - len(rows), each.fan_out), dtype=np.int64)]), lg(each.fan_out)
        )
    return columns


def count_lookups(layout: Layout, columns: Columns) -> list[int]:
    """M: how often each row of the table is looked up."""
    counts = [0] * (1 << layout.table)
    for name in ["ML", *(f"L0_{layer}" for layer in layout.hidden_layers)]:
        for entry in columns[name]:
            counts[entry] += 1
    for layer in layout.hidden_layers:
        for entry in columns[f"L1_{layer}"]:
            counts[(1 << layout.shape.limb_bits) + entry] += 1
    return counts


def _require_samples(shape: Shape, network: IntegerNetwork, inputs: IntArray) -> NDArray[np.int64]:
    samples = require_inputs(network, inputs)
    if len(samples) == 0:
        raise InputError("there is no sample to prove anything about")
    if len(samples) != shape.samples:
        raise InputError("the number of samples is not the circuit's", expected=shape.samples, got=len(samples))
    if network.input_max >= 1 << INPUT_BITS:
        raise ModelError("features are too large to prove", expected=f"below 2^{INPUT_BITS}", got=network.input_max)
    return samples


def _require_limbs(shape: Shape, layer: int, values: IntArray) -> None:
    """N1: -2^(2B-1) ≤ 2^(B-s)·h < 2^(2B-1)."""
    bound = 1 << shape.limb_bits + shape.shifts[layer - 1] - 1
    outside = np.argwhere((values < -bound) | (values >= bound))
    if len(outside):
        sample, neuron = map(int, outside[0])
        where = f"sample {sample}" if sample < shape.samples else "a padding row, whose features are all zero"
        raise CircuitError(
            f"layer {layer}, neuron {neuron}, {where}: the pre-activation overflows the limbs",
            expected=f"-{bound} to {bound - 1}",
            got=values[sample, neuron],
            hint="Raise limb_bits or quantise to fewer bits.",
        )


def _margins(logits: IntArray, labels: IntArray, answered: NDArray[np.bool_]) -> list[list[int]]:
    """D_ij = Z_iy - Z_ij - 1 + Y_ij where the answer is correct, else 0: Python integers."""
    margins: list[list[int]] = []
    for row, label, is_correct in zip(logits.tolist(), labels.tolist(), answered.tolist(), strict=True):
        distances = [row[label] - logit - (place != label) for place, logit in enumerate(row)]
        margins.append(distances if is_correct else [0] * len(row))
    return margins


def _require_margins(shape: Shape, margins: Sequence[Sequence[int]]) -> None:
    bound = 1 << shape.limb_bits * shape.margin_limbs
    for sample, row in enumerate(margins):
        if max(row) >= bound:
            raise CircuitError(
                f"sample {sample}: the margin of the logits overflows its limbs",
                expected=f"below {bound}",
                got=max(row),
                hint="Raise margin_limbs or limb_bits.",
            )


def _limb_columns(shape: Shape, layer: int, values: IntArray, variables: int) -> Columns:
    """L0_l, L1_l, R_l; a neuron beyond the width has h = 0."""
    bits, dropped = shape.limb_bits, shape.limb_bits - shape.shifts[layer - 1]
    offset = [(entry << dropped) + (1 << 2 * bits - 1) for entry in _spread(values, variables)]
    high = [entry >> bits for entry in offset]
    return {
        f"L0_{layer}": [entry & (1 << bits) - 1 for entry in offset],
        f"L1_{layer}": high,
        f"R_{layer}": [max(entry - (1 << bits - 1), 0) for entry in high],
    }


def _answer_columns(layout: Layout, answered: NDArray[np.bool_], margins: Sequence[Sequence[int]]) -> Columns:
    """ML, c."""
    shape, nq, nc = layout.shape, layout.nq, layout.nc
    limbs = [0] * (1 << nq + layout.logits)
    for sample, row in enumerate(margins):
        for place, margin in enumerate(row):
            for q in range(shape.margin_limbs):
                index = q + (place << nq) + (sample << nq + nc)
                limbs[index] = margin >> shape.limb_bits * q & (1 << shape.limb_bits) - 1
    bits = [int(each) for each in answered] + [0] * ((1 << layout.ni) - len(answered))
    return {"ML": limbs, "c": bits}


def _spread(rows: IntArray, variables: int) -> list[int]:
    """A matrix [row, entry] as one table: entries lowest, padded with zeros to 2^variables."""
    zeros = [0] * ((1 << variables) - rows.shape[1])
    return [int(entry) for row in rows.tolist() for entry in (*row, *zeros)]
