"""How many rows an accuracy circuit has, before it is laid out.

Counted from the graph (``graph.py``): a cell for every private entry and for every look-up, and the dot products of the
random evaluations, each rounded up to whole rows of the engine's inner columns; a few small terms are fitted.
``tests/zk/test_rows.py`` compares with the engine's own count.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np
from numpy.typing import NDArray

from pyml.ml.integer import IntArray
from pyml.zk.ezkl import SPARE_ROWS
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.statement import Statement

MARGIN = 1.02
"""What predicted rows are multiplied by when a circuit must fit its k."""
_BIAS_ROW_CELLS = 2
"""Cells a weight that the engine spends on putting the bias row's unit behind the folded inputs (``torch.cat``)."""


class InputCounts:
    """How many non-zero values each input column has in any range of samples; ``inputs`` [samples, features]."""

    def __init__(self, inputs: IntArray) -> None:
        below = np.cumsum(np.asarray(inputs) != 0, axis=0, dtype=np.int64)
        self._below = np.concatenate([np.zeros((1, below.shape[1]), np.int64), below])

    def __len__(self) -> int:
        return len(self._below) - 1

    def between(self, start: int, stop: int) -> NDArray[np.int64]:
        """Counts [features] over samples [start, stop)."""
        return self._below[stop] - self._below[start]

    def fullest(self, size: int) -> tuple[int, int]:
        """The range with the most non-zero values when all is cut into parts of ``size``."""
        edges = [*range(0, len(self), size), len(self)]
        index = int(np.diff(self._below[edges].sum(axis=1)).argmax())
        return edges[index], edges[index + 1]


def predicted_rows(statement: Statement, nonzeros: NDArray[np.int64], columns: int) -> int:
    """Rows of an accuracy circuit; ``nonzeros`` [features] counts the non-zero values of each input column."""
    shape = statement.architecture
    fitted = 15.5 * statement.samples + 45 * shape.layers + 2 * sum(shape.sizes)  # margins, powers of ρ
    products = sum(count * -(-length // columns) for count, length in _dot_products(statement, nonzeros))
    return ceil((_single_cells(statement) + fitted) / columns) + products


def needed_degree(statement: Statement, rows: int) -> int:
    """The least k that surely fits, or the statement's if that is more."""
    numerics = statement.numerics
    table = numerics.table_high - numerics.table_low + 1
    longest = max(committed_layout(statement).size, witness_layout(statement).size)
    needed = max(ceil(MARGIN * rows), table, longest) + SPARE_ROWS
    return max((needed - 1).bit_length(), statement.degree)


def _dot_products(statement: Statement, nonzeros: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """How many dot products there are of which length; C-numbers as in the circuit's ``SPEC.md``."""
    from pyml.zk.sparse import GROUPS  # heavy import, late

    shape, samples = statement.architecture, statement.samples
    for group in np.array_split(np.sort(nonzeros[nonzeros > 0]), GROUPS):  # as ``SparseColumns`` pads them
        if len(group):
            yield len(group), int(group[-1])
    for each in shape.shapes:
        yield each.fan_in + 1, each.fan_out  # the weights times t
        if each.convolution is None:
            yield 2, each.fan_in + 1  # times the folded inputs, and their sum
        else:
            patches = each.patches()
            yield each.inputs, int(np.bincount(patches[patches >= 0]).max())  # the kernel as each input meets it
            yield 1, each.inputs
    for each, shift in zip(shape.shapes, shape.shifts, strict=False):
        limbs = 2 if shift else 1
        yield limbs * samples, each.pre_activations  # C2
        yield limbs, samples
        if each.pool is not None and each.pool.kind == "sum":
            yield each.pre_activations, samples
            yield each.outputs, each.pool.size**2
        else:
            yield each.outputs, samples
    scores = 1 + statement.numerics.margin_limbs
    yield scores * samples, shape.sizes[-1]  # C3 and C4
    yield scores, samples


def _single_cells(statement: Statement) -> int:
    """Cells outside dot products: private entries, look-ups, and for a maximum each difference, look-up and sum."""
    shape = statement.architecture
    committed, witness = committed_layout(statement), witness_layout(statement)
    cells = committed.size + witness.size + committed.looked_up + witness.looked_up
    for each in shape.shapes:
        if each.convolution is None:
            cells += _BIAS_ROW_CELLS * (each.fan_in + 1) * each.fan_out
        else:
            cells += each.fan_in + each.pre_activations + 2 * each.positions
        if each.pool is not None and each.pool.kind == "max":
            cells += 3 * (each.pool.size**2 - 1) * each.outputs * statement.samples
    return cells
