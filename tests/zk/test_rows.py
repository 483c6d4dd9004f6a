"""Predicted rows against the engine's own count, and the choice of columns and k that follows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import CircuitError
from pyml.ml.networks import parse_shapes
from pyml.zk.circuits import LabelledSet, accuracy_graph, accuracy_statement
from pyml.zk.engine import CircuitFiles
from pyml.zk.estimate import estimate, exact_part
from pyml.zk.ezkl import INNER_COLUMNS, EzklEngine
from pyml.zk.rows import InputCounts, needed_degree, predicted_rows
from pyml.zk.statement import Architecture, Numerics, Statement

NUMERICS = Numerics()
BORDER = 0.03


def architecture(text: str, *shifts: int) -> Architecture:
    shapes = parse_shapes(text)
    sizes = (shapes[0].inputs, *(shape.outputs for shape in shapes))
    convolutions = tuple(shape for shape in shapes if shape.convolution)
    return Architecture(sizes, (1,) * len(shapes), shifts, 8, 3, convolutions)


def random_data(shape: Architecture, samples: int, share: float) -> LabelledSet:
    """Inputs of which about ``share`` are not 0, in some columns more than in others."""
    random = np.random.default_rng(samples)
    wanted = np.clip(share * 2 * random.random(shape.sizes[0]), 0, 1)
    inputs = random.integers(1, shape.input_max + 1, (samples, shape.sizes[0]))
    inputs *= random.random(inputs.shape) < wanted
    return LabelledSet(f"random/test[0:{samples}]", inputs, random.integers(0, shape.sizes[-1], samples))


def engine_rows(engine: EzklEngine, statement: Statement, data: LabelledSet, folder: Path) -> dict[int, int]:
    files = CircuitFiles(folder)
    accuracy_graph(statement, data)(files.graph)
    return {columns: engine._settings(statement, files, columns)["num_rows"] for columns in INNER_COLUMNS}


SHAPES = [
    (architecture("64-32-10", 0), 100, 0.5, NUMERICS),
    (architecture("64-32-10", 1), 100, 0.2, NUMERICS),
    (architecture("64-32-10", 1), 700, 0.5, NUMERICS),
    (architecture("784-64-10", 0), 60, 0.2, NUMERICS),
    (architecture("30-16-2", 3), 200, 1.0, Numerics(margin_limbs=3)),
    (architecture("50-10"), 40, 0.5, Numerics(lookup_bits=10)),
    (architecture("20-30-25-7", 0, 4), 150, 0.7, NUMERICS),
    (architecture("1x8x8:c4k3p1-max2-10", 2), 40, 0.4, NUMERICS),
    (architecture("1x8x8:c4k3p1-avg2-10", 0), 40, 0.4, NUMERICS),
    (architecture("1x8x8:c4k3-c6k3s2-16-10", 0, 1, 0), 40, 0.4, NUMERICS),
]


@pytest.mark.parametrize(("shape", "samples", "share", "numerics"), SHAPES)
def test_rows_are_the_engines(
    shape: Architecture, samples: int, share: float, numerics: Numerics, quick_engine: EzklEngine, tmp_path: Path
) -> None:
    """Within 2 %; and the engine would choose the same columns and k, unless a k is full to within 3 %."""
    data = random_data(shape, samples, share)
    statement = accuracy_statement(shape, data, numerics)
    counts = InputCounts(data.inputs).between(0, samples)
    exact = engine_rows(quick_engine, statement, data, tmp_path)
    for columns, rows in exact.items():
        assert predicted_rows(statement, counts, columns) == pytest.approx(rows, rel=0.02)
    chosen = exact_part(quick_engine, statement, data)
    if all(abs(rows / 2 ** round(np.log2(rows)) - 1) > BORDER for rows in exact.values()):
        predicted = estimate(statement, counts)
        assert (predicted.inner_columns, predicted.degree) == (chosen.inner_columns, chosen.degree)
        assert replace(predicted, rows=chosen.rows) == chosen


def test_given_degree_takes_fewer_columns(quick_engine: EzklEngine) -> None:
    shape = architecture("64-32-10", 1)
    data = random_data(shape, 100, 0.5)
    counts = InputCounts(data.inputs).between(0, 100)
    found: list[tuple[int, int]] = []
    for degree in (15, 16, 17):
        statement = accuracy_statement(shape, data, degree=degree)
        predicted, exact = estimate(statement, counts), exact_part(quick_engine, statement, data)
        assert (predicted.inner_columns, predicted.degree) == (exact.inner_columns, exact.degree)
        found.append((exact.inner_columns, exact.degree))
    assert found == [(2, 15), (1, 16), (1, 17)]
    with pytest.raises(CircuitError, match="does not fit the degree of the model's commitment"):
        exact_part(quick_engine, accuracy_statement(shape, data, degree=14), data)


def test_table_and_longest_column_need_their_rows() -> None:
    shape = architecture("64-32-10", 0)
    few = accuracy_statement(shape, random_data(shape, 1, 0.5))
    assert needed_degree(few, 100) == NUMERICS.lookup_bits + 1
    assert needed_degree(replace(few, degree=17), 100) == 17
    assert needed_degree(replace(few, numerics=Numerics(lookup_bits=18)), 100) == 19
    wide = accuracy_statement(architecture("64-500-10", 0), random_data(shape, 1, 0.5))
    assert needed_degree(wide, 100) == 16  # 37,510 weights in one column


@given(st.integers(1, 40), st.integers(1, 6), st.integers(1, 50), st.data())
def test_counts_of_ranges(samples: int, features: int, size: int, data: st.DataObject) -> None:
    inputs = np.array(data.draw(st.lists(st.integers(0, 2), min_size=samples * features, max_size=samples * features)))
    inputs = inputs.reshape(samples, features)
    counts = InputCounts(inputs)
    assert len(counts) == samples
    start = data.draw(st.integers(0, samples))
    stop = data.draw(st.integers(start, samples))
    assert (counts.between(start, stop) == np.count_nonzero(inputs[start:stop], axis=0)).all()
    totals = [np.count_nonzero(inputs[each : each + size]) for each in range(0, samples, size)]
    begin, end = counts.fullest(size)
    assert np.count_nonzero(inputs[begin:end]) == max(totals)
