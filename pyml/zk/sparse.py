"""Products with a public matrix at the price of its non-zero entries.

In a circuit a product r·X costs one cell for every entry of X, and four of five pixels of a handwritten digit are 0.
The columns of X are sorted by how many entries they have and cut into a few groups, each padded to its longest: column
j is then a short row of indices i and values x_ij, and r·X one dot product a column. Indices are constants, which cost
no cells; the engine lays out Σ_m g_jm·v_jm (``jm,jm->j``) with every cell constrained (``test_permuted_graph.py``).
"""

from __future__ import annotations

import torch
from torch import Tensor

from pyml.errors import CircuitError

GROUPS = 16


class SparseColumns:
    """A public matrix [rows, columns] of exact integers (float tensor)."""

    def __init__(self, matrix: Tensor) -> None:
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise CircuitError("a public matrix has the wrong shape", got=tuple(matrix.shape))
        counts = (matrix != 0).sum(dim=0)
        order = torch.argsort(counts, stable=True)
        order = order[counts[order] > 0]
        self._groups = [_padded(matrix, columns) for columns in torch.tensor_split(order, GROUPS) if len(columns)]
        self._places = torch.full((matrix.shape[1],), len(order))  # the place of the zero behind all groups
        self._places[order] = torch.arange(len(order))

    @property
    def cells(self) -> int:
        """What a product costs."""
        return sum(values.numel() for _, values in self._groups)

    def product(self, rows: Tensor) -> Tensor:
        """``rows`` [1, rows] times the matrix: [1, columns]."""
        weights = rows.reshape(-1)
        sums = [
            torch.einsum("jm,jm->j", torch.index_select(weights, 0, places.reshape(-1)).reshape(places.shape), values)
            for places, values in self._groups
        ]
        return torch.index_select(torch.cat([*sums, torch.zeros(1)]), 0, self._places).reshape(1, -1)


def _padded(matrix: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Row indices and values [columns, longest] of the non-zero entries, filled up with 0 times row 0."""
    entries = [torch.nonzero(matrix[:, column]).reshape(-1) for column in columns]
    longest = max(len(each) for each in entries)
    places = torch.zeros(len(columns), longest, dtype=torch.long)
    values = torch.zeros(len(columns), longest)
    for line, (column, each) in enumerate(zip(columns, entries, strict=True)):
        places[line, : len(each)] = each
        values[line, : len(each)] = matrix[each, column]
    return places, values
