"""Sparse products: equal to dense ones, and paid for by their non-zero entries."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyml.errors import CircuitError
from pyml.zk.sparse import GROUPS, SparseColumns

shapes = st.tuples(st.integers(1, 12), st.integers(1, 40))
entries = st.one_of(st.just(0), st.just(0), st.integers(-255, 255))
matrices = hnp.arrays(np.int64, shapes, elements=entries)


@given(matrix=matrices, seed=st.integers(0, 2**32 - 1))
def test_same_as_the_dense_product(matrix: np.ndarray, seed: int) -> None:
    rows = np.random.default_rng(seed).integers(-1000, 1000, (1, matrix.shape[0]))
    found = SparseColumns(torch.tensor(matrix).float()).product(torch.tensor(rows).double().float())
    assert found.shape == (1, matrix.shape[1])
    assert found.long().numpy().tolist() == (rows @ matrix).tolist()


@given(matrix=matrices)
def test_a_column_is_padded_to_the_longest_of_its_group_only(matrix: np.ndarray) -> None:
    counts = np.sort((matrix != 0).sum(axis=0))
    counts = counts[counts > 0]
    padded = sum(int(group.max()) * len(group) for group in np.array_split(counts, GROUPS) if len(group))
    assert SparseColumns(torch.tensor(matrix).float()).cells == padded >= int(counts.sum())


def test_zeros_cost_nothing() -> None:
    assert SparseColumns(torch.zeros(100, 50)).cells == 0
    assert SparseColumns(torch.eye(64)).cells == 64


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,), (2, 2, 2)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(CircuitError, match="a public matrix has the wrong shape"):
        SparseColumns(torch.zeros(shape))
