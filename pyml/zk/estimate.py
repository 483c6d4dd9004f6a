"""What proving an accuracy will cost, before anything is built: rows, k, keys, memory, time, gas; whole or in parts.

Rows are those of ``rows.py``. Keys, memory and processor time are straight lines in 2^k for each number of inner
columns, fitted to ``bench/results/zk_shapes.json``, and gas is that of ``bench/results/zk_gas.json``: they hold for the
machine and the engine of the measurement. More processors than its two, a faster or a busier machine are not modelled:
time on the clock is processor time over processors, less what was measured to be lost.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pyml.ml.affine import AffineLayer
from pyml.zk.circuits import LabelledSet, accuracy_graph
from pyml.zk.engine import CircuitFiles
from pyml.zk.ezkl import INNER_COLUMNS, EzklEngine, read_settings
from pyml.zk.rows import InputCounts, needed_degree, predicted_rows
from pyml.zk.statement import MAX_DEGREE, Architecture, Numerics, Statement

if TYPE_CHECKING:
    from pyml.ml.datasets import Dataset
    from pyml.zk.preparation import Prepared

CORES_PER_JOB = 2
"""Processors that one process was measured to keep busy; with more it was not measured."""
REGISTER_MODEL_GAS = 96_068
_CORES_USED = 0.9
"""Share of the processors that one step keeps busy: processor time over time on the clock, over the two cores."""
_MAX_LOOKUP_BITS = 22
_ANY_SUBJECT = "f" * 64


@dataclass(frozen=True, slots=True)
class _Costs:
    """Measured for one number of inner columns; all but gas for each of the 2^k rows."""

    key_bytes: float
    peak_bytes: float
    setup_s: float
    """Of all processors together, as the next."""
    prove_s: float
    register_gas: int
    """Verifying-key artefact and circuit."""
    claim_gas: int


_START_BYTES = 333e6
_START_SETUP_S, _START_PROVE_S = 1.0, 1.1
"""What a process takes with no rows at all: building the circuit and making keys; witness, proof and check."""
_COSTS = {
    1: _Costs(4034, 9329, 1.85e-4, 2.02e-4, 148_080 + 148_369, 749_292),
    2: _Costs(5570, 13643, 2.45e-4, 3.23e-4, 185_350 + 148_381, 952_244),
    3: _Costs(6915, 17738, 3.07e-4, 4.30e-4, 216_020 + 148_381, 1_146_377),
}


@dataclass(frozen=True, slots=True)
class CircuitEstimate:
    """One circuit and one claim."""

    inner_columns: int
    rows: int
    degree: int
    key_bytes: int
    peak_bytes: int
    """Of a process that builds, sets up and proves, with its engine."""
    setup_s: float
    """Of all processors together, as the next."""
    prove_s: float
    register_gas: int
    claim_gas: int

    @property
    def processor_s(self) -> float:
        return self.setup_s + self.prove_s

    @property
    def gas(self) -> int:
        return self.register_gas + self.claim_gas


@dataclass(frozen=True, slots=True)
class SetEstimate:
    """A test set in parts of equal size (the last may be smaller), all of the one k that their commitment needs."""

    architecture: Architecture
    numerics: Numerics
    samples: int
    part_samples: int
    part: CircuitEstimate
    """The costliest part."""

    @property
    def parts(self) -> int:
        return -(-self.samples // self.part_samples)

    def running(self, jobs: int) -> int:
        """Processes at a time."""
        return min(jobs, self.parts)

    def peak_bytes(self, jobs: int) -> int:
        """Of all processes together."""
        return self.running(jobs) * self.part.peak_bytes

    def total_s(self, *, cores: int, jobs: int) -> float:
        """On the clock, when each process has its share of the processors."""
        running = self.running(jobs)
        return -(-self.parts // running) * clock_s(self.part.processor_s, cores / running)

    @property
    def gas(self) -> int:
        return REGISTER_MODEL_GAS + self.parts * self.part.gas


def clock_s(processor_s: float, cores: float) -> float:
    """Seconds that pass when the processors have nothing else to do."""
    return processor_s / (cores * _CORES_USED)


def planned_jobs(process_bytes: float, *, memory_bytes: float, cores: int) -> int:
    """Processes that fit the memory and find two processors each to keep busy; 0 if not even one fits the memory."""
    return min(int(memory_bytes // process_bytes), max(cores // CORES_PER_JOB, 1))


def estimate(statement: Statement, nonzeros: NDArray[np.int64]) -> CircuitEstimate:
    """The cheapest number of inner columns, as the engine chooses it; k is at least the statement's."""
    rows = {columns: predicted_rows(statement, nonzeros, columns) for columns in INNER_COLUMNS}
    found = (_priced(columns, count, needed_degree(statement, count)) for columns, count in rows.items())
    return min(found, key=lambda each: each.processor_s)


def set_estimates(architecture: Architecture, numerics: Numerics, inputs: InputCounts) -> Iterator[SetEstimate]:
    """For each k, the fewest parts that fit it, from the smallest k that holds a sample to the one that holds all."""
    samples = len(inputs)
    for degree in range(numerics.lookup_bits + 1, MAX_DEGREE + 1):
        fitting = _largest_part(architecture, numerics, inputs, degree)
        if fitting is None:
            continue
        size = -(-samples // -(-samples // fitting))  # the same number of parts, more evenly
        yield set_estimate(architecture, numerics, inputs, part_samples=size, degree=degree)
        if size == samples:
            return


def set_estimate(
    architecture: Architecture, numerics: Numerics, inputs: InputCounts, *, part_samples: int, degree: int = 0
) -> SetEstimate:
    """Cost of given parts; k is the least that fits them, or ``degree`` if that is more."""
    size = min(part_samples, len(inputs))
    statement = _statement(architecture, numerics, size, degree)
    counts = inputs.between(*inputs.fullest(size))
    return SetEstimate(architecture, numerics, len(inputs), size, estimate(statement, counts))


def best_estimate(
    found: Iterable[SetEstimate], *, memory_bytes: float, cores: int, jobs: int = 1
) -> SetEstimate | None:
    """The soonest done of those that fit the memory, and of these the one with the least gas; nothing if none fits."""
    fitting = (each for each in found if each.peak_bytes(jobs) <= memory_bytes)
    return min(fitting, key=lambda each: (each.total_s(cores=cores, jobs=jobs), each.gas), default=None)


def cheapest_by_degree(found: Iterable[SetEstimate]) -> list[SetEstimate]:
    """One for each k, ascending: that with the fewest parts, and of these the least costly."""

    def cost(each: SetEstimate) -> tuple[float, ...]:
        return each.part.degree, each.parts, each.part.processor_s, each.part.rows

    cheapest: dict[int, SetEstimate] = {}
    for each in sorted(found, key=cost):
        cheapest.setdefault(each.part.degree, each)
    return list(cheapest.values())


def prepared_forms(
    layers: Sequence[AffineLayer], dataset: Dataset, *, weight_bits: int = 8, input_bits: int | None = None
) -> Iterator[tuple[Numerics, Prepared]]:
    """The model quantised for the default lookup table, and for each wider one at which another layer does without a
    shift: a neuron without one costs 4 cells instead of 7, and a table costs nothing up to the circuit's own 2^k rows.
    """
    from pyml.zk.preparation import prepare  # heavy import, late: prices need no torch

    numerics = Numerics()
    while True:
        prepared = prepare(layers, dataset, weight_bits=weight_bits, input_bits=input_bits, numerics=numerics)
        yield numerics, prepared
        wider = numerics.lookup_bits + min((shift for shift in prepared.architecture.shifts if shift), default=0)
        if not numerics.lookup_bits < wider <= _MAX_LOOKUP_BITS:
            return
        numerics = replace(numerics, lookup_bits=wider)


def exact_part(engine: EzklEngine, statement: Statement, data: LabelledSet) -> CircuitEstimate:
    """The same with the engine's own layout (seconds to a minute); nothing is kept."""
    with tempfile.TemporaryDirectory(prefix="pyml-plan-") as folder:
        files = CircuitFiles(Path(folder))
        accuracy_graph(statement, data)(files.graph)
        engine.compile(statement, files)
        settings = read_settings(files.settings)
    run = settings["run_args"]
    return _priced(int(run["num_inner_cols"]), int(settings["num_rows"]), int(run["logrows"]))


def _largest_part(architecture: Architecture, numerics: Numerics, inputs: InputCounts, degree: int) -> int | None:
    def fits(size: int) -> bool:
        found = set_estimate(architecture, numerics, inputs, part_samples=size, degree=degree)
        return found.part.degree == degree

    if not fits(1):
        return None
    low, high = 1, len(inputs) + 1  # low fits, high does not or is too much
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _priced(columns: int, rows: int, degree: int) -> CircuitEstimate:
    costs, height = _COSTS[columns], 2**degree
    return CircuitEstimate(
        columns,
        rows,
        degree,
        round(costs.key_bytes * height),
        round(_START_BYTES + costs.peak_bytes * height),
        _START_SETUP_S + costs.setup_s * height,
        _START_PROVE_S + costs.prove_s * height,
        costs.register_gas,
        costs.claim_gas,
    )


def _statement(architecture: Architecture, numerics: Numerics, samples: int, degree: int) -> Statement:
    """A statement of this form, about no data in particular."""
    return Statement(
        "private_model_accuracy", architecture, samples, _ANY_SUBJECT, "any set", degree=degree, numerics=numerics
    )
