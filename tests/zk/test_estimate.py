"""Predicted costs against what was measured, and the plans made of them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.ml.datasets import load
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.zk.estimate import (
    CORES_PER_JOB,
    REGISTER_MODEL_GAS,
    CircuitEstimate,
    InputCounts,
    _priced,
    best_estimate,
    cheapest_by_degree,
    clock_s,
    planned_jobs,
    prepared_forms,
    set_estimate,
    set_estimates,
)
from pyml.zk.ezkl import INNER_COLUMNS
from pyml.zk.statement import Architecture, Numerics

RESULTS = Path(__file__).parents[2] / "bench" / "results"
NUMERICS = Numerics()
DENSE = Architecture((64, 32, 10), (1, 1), (1,), 8, 3)


# Costs


def results(name: str) -> dict[str, Any]:
    return json.loads((RESULTS / f"{name}.json").read_text())


def at(degree: int, columns: int) -> CircuitEstimate:
    """What is predicted for a shape, whatever fills it."""
    return _priced(columns, 0, degree)


@pytest.mark.parametrize(
    "measured", results("zk_shapes")["shapes"], ids=lambda each: f"{each['k']}x{each['inner_columns']}"
)
def test_costs_are_those_measured(measured: dict[str, Any]) -> None:
    predicted = at(measured["k"], measured["inner_columns"])
    steps = {name: step["processor_s"] for name, step in measured["steps"].items()}
    assert predicted.key_bytes == pytest.approx(measured["proving_key_bytes"], rel=0.001)
    assert predicted.peak_bytes == pytest.approx(measured["peak_mb"] * 1e6, rel=0.02)
    assert predicted.setup_s == pytest.approx(steps["build"] + steps["set_up"], rel=0.12)
    assert predicted.prove_s == pytest.approx(steps["prove"] + steps["verify"], rel=0.12)


def test_time_on_the_clock_is_about_what_a_quiet_machine_took() -> None:
    """``zk_accuracy.json`` is of another day, on a machine that is shared: a third is what a plan may be wrong by."""
    for form in results("zk_accuracy")["forms"][:2]:
        prepared, median = form["prepared"], form["median"]
        predicted = at(prepared["k"], prepared["inner_columns"])
        setup_s = prepared["compile_s"] + prepared["setup_s"]
        assert clock_s(predicted.setup_s, 2) == pytest.approx(setup_s, rel=1 / 3)
        assert clock_s(predicted.prove_s, 2) == pytest.approx(median["total_s"] + median["verify_s"], rel=1 / 3)


def test_gas_is_that_measured() -> None:
    circuits = [each for each in results("zk_gas")["circuits"] if each["circuit"] == "private_model_accuracy"]
    assert {each["inner_columns"] for each in circuits} == set(INNER_COLUMNS)
    for each in circuits:
        gas = each["reusable"]
        predicted = at(14, each["inner_columns"])
        assert predicted.claim_gas == pytest.approx(gas["gated_gas"], rel=0.02)
        register = gas["register_vka_gas"] + gas["register_circuit_gas"]
        assert predicted.register_gas == pytest.approx(register, rel=0.02)
        assert pytest.approx(gas["register_model_gas"], rel=0.1) == REGISTER_MODEL_GAS


# Sets


@pytest.fixture(scope="module")
def inputs() -> InputCounts:
    """A thousand samples, four of ten values not 0."""
    random = np.random.default_rng(0)
    return InputCounts(random.integers(1, 4, (1000, 64)) * (random.random((1000, 64)) < 0.4))


def test_each_degree_has_the_fewest_parts_that_fit(inputs: InputCounts) -> None:
    found = list(set_estimates(DENSE, NUMERICS, inputs))
    assert [each.part.degree for each in found] == list(range(14, 14 + len(found)))
    assert found[-1].parts == 1
    assert all(before.parts > after.parts for before, after in pairwise(found))
    for each in found:
        assert each.part.rows * 1.02 < 2**each.part.degree
        larger = -(-len(inputs) // max(each.parts - 1, 1))
        again = set_estimate(DENSE, NUMERICS, inputs, part_samples=larger, degree=each.part.degree)
        assert each.parts == 1 or again.part.degree > each.part.degree


def test_parts_add_up(inputs: InputCounts) -> None:
    found = set_estimate(DENSE, NUMERICS, inputs, part_samples=300)
    assert (found.parts, found.part_samples) == (4, 300)
    assert found.gas == REGISTER_MODEL_GAS + 4 * (found.part.register_gas + found.part.claim_gas)
    assert found.running(3) == 3
    assert found.running(9) == 4
    assert found.peak_bytes(9) == 4 * found.part.peak_bytes
    one = clock_s(found.part.processor_s, 2)
    assert found.total_s(cores=2, jobs=1) == pytest.approx(4 * one)
    assert found.total_s(cores=2, jobs=2) == pytest.approx(4 * one)
    assert found.total_s(cores=2, jobs=3) == pytest.approx(2 * 3 * one)
    whole = set_estimate(DENSE, NUMERICS, inputs, part_samples=10**6)
    assert (whole.parts, whole.part_samples) == (1, 1000)


def test_too_wide_a_model_for_a_degree_starts_at_the_next(inputs: InputCounts) -> None:
    wide = Architecture((64, 400, 10), (1, 1), (0,), 8, 3)
    first = next(iter(set_estimates(wide, NUMERICS, inputs)))
    assert first.part.degree > 15  # 30,000 weights, each an entry of one column
    assert first.part_samples >= 1


def test_the_best_fits_the_memory(inputs: InputCounts) -> None:
    found = list(set_estimates(DENSE, NUMERICS, inputs))
    for jobs in (1, 2):
        for memory in (0.7e9, 1.5e9, 3e9, 100e9):
            best = best_estimate(found, memory_bytes=memory, cores=2, jobs=jobs)
            assert best is not None or jobs == 2
            if best is not None:
                assert best.peak_bytes(jobs) <= memory
                quicker = [
                    each for each in found if each.total_s(cores=2, jobs=jobs) < best.total_s(cores=2, jobs=jobs)
                ]
                assert all(each.peak_bytes(jobs) > memory for each in quicker)
    assert best_estimate(found, memory_bytes=1e6, cores=2) is None
    assert best_estimate([], memory_bytes=1e12, cores=2) is None


def test_one_way_for_each_degree(inputs: InputCounts) -> None:
    without = replace(DENSE, shifts=(0,))
    ways = [*set_estimates(DENSE, NUMERICS, inputs), *set_estimates(without, Numerics(lookup_bits=14), inputs)]
    found = cheapest_by_degree(ways)
    degrees = [each.part.degree for each in found]
    assert degrees == sorted(set(degrees))
    assert found[0].architecture == DENSE  # its table fits no smaller k
    assert all(each.architecture == without for each in found[1:])
    for each in ways:
        kept = next(one for one in found if one.part.degree == each.part.degree)
        assert (kept.parts, kept.part.processor_s, kept.part.rows) <= (
            each.parts,
            each.part.processor_s,
            each.part.rows,
        )


def test_wider_tables_are_tried_until_nothing_is_shifted() -> None:
    layers = affine_layers(mlp((64, 12, 10), seed=1))
    forms = list(prepared_forms(layers, load("digits"), weight_bits=10))
    widths = [numerics.lookup_bits for numerics, _ in forms]
    assert widths[0] == NUMERICS.lookup_bits
    assert len(widths) > 1
    assert all(before < after for before, after in pairwise(widths))
    shifts = [sum(prepared.architecture.shifts) for _, prepared in forms]
    assert shifts[0] > 0 == shifts[-1]


def test_jobs_by_memory_and_processors() -> None:
    assert planned_jobs(2e9, memory_bytes=1.9e9, cores=64) == 0
    assert planned_jobs(2e9, memory_bytes=7e9, cores=64) == 3
    assert planned_jobs(2e9, memory_bytes=200e9, cores=3 * CORES_PER_JOB) == 3
    assert planned_jobs(2e9, memory_bytes=200e9, cores=1) == 1
    assert planned_jobs(2e9, memory_bytes=-1e9, cores=1) <= 0
