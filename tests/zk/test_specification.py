"""Signals, degrees and bounds against the polynomials, the layouts and the reference specifications themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.ml.integer import IntegerNetwork, bounds
from pyml.zk.circuits import accuracy_statement, inference_statement, input_statement
from pyml.zk.ezkl import full_table
from pyml.zk.layout import committed_layout, witness_layout
from pyml.zk.specification import (
    HASH_PREIMAGES,
    Constraint,
    check_constraints,
    check_degrees,
    integer_bounds,
    named_tests,
    read_constraints,
    reference_spec,
    sentence,
    signals,
    soundness_bits,
)
from pyml.zk.statement import ANY_INPUT, KINDS, MAX_FEATURES, Architecture, Kind, Numerics, Statement, read_statement
from pyml.zk.witness import architecture_of
from tests.zk.exact_checks import accuracy_outputs, input_outputs
from tests.zk.small_circuits import random_network, random_set, small_numerics

ROOT = Path(__file__).parents[2]
TABLE_LOW = full_table(15, 2**13 - 1)[0]


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    kind: Kind = draw(st.sampled_from(KINDS))
    sizes = (*draw(st.lists(st.integers(1, 40), min_size=1, max_size=4)), draw(st.integers(2, 20)))
    shape = Architecture(
        sizes,
        tuple(2 ** draw(st.integers(0, 24)) for _ in sizes[1:]),
        tuple(draw(st.integers(0, 8)) for _ in sizes[2:]),
        draw(st.integers(2, 7)),
        draw(st.integers(1, 127)),
    )
    return Statement(
        kind,
        shape,
        draw(st.integers(1, 300)) if kind == "private_model_accuracy" else 1,
        ANY_INPUT if kind in ("private_model_inference", "model_link") else "1" * 64,
        "drawn",
        15 if kind in ("private_model_inference", "model_link") else 0,
        small_numerics(margin_limbs=draw(st.integers(1, 4)), lookup_bits=draw(st.integers(8, 22))),
    )


def reference(kind: Kind) -> tuple[Statement, str]:
    spec = reference_spec(kind)
    assert spec is not None
    return read_statement(ROOT / "circuits" / kind / "circuit.toml"), spec


# Signals


@given(statements())
def test_signals_fill_both_private_columns_without_gap(statement: Statement) -> None:
    found = signals(statement, TABLE_LOW)
    layouts = [layout for layout in (committed_layout(statement), witness_layout(statement)) if layout.size]
    for point, layout in enumerate(layouts):
        places = [re.fullmatch(rf"point {point}, entries (\d+) to (\d+)", signal.place) for signal in found]
        spans = [(int(match[1]), int(match[2])) for match in places if match]
        assert [first for first, _ in spans] == [0, *(last + 1 for _, last in spans[:-1])]
        assert spans[-1][1] + 1 == layout.size


@given(statements())
def test_every_public_input_is_one_signal_in_order(statement: Statement) -> None:
    found = [signal for signal in signals(statement, TABLE_LOW) if signal.place.startswith("instance")]
    assert [int(re.findall(r"\d+", signal.place)[0]) for signal in found] == list(range(statement.public_outputs))
    zero = [signal for signal in found if signal.range == "must be 0"]
    assert len(zero) == len(check_constraints(statement)) == statement.checks
    assert found[0].name == "ρ"
    assert zero == found[1 : 1 + statement.checks]


@given(statements())
def test_the_range_of_a_looked_up_part_is_the_table_or_its_positive_half(statement: Statement) -> None:
    high = statement.numerics.table_high
    ranges = {signal.name.split(": ")[-1]: signal.range for signal in signals(statement, -5) if ": " in signal.name}
    for name in witness_layout(statement).parts:
        if name.startswith(("low_", "margin_")):
            assert ranges[name] == f"[0, {high}]"
        elif name.startswith(("high_", "hidden_", "lookup_salts")):
            assert ranges[name] == f"[-5, {high}]"
    assert ranges["salts"] == "any field element"
    if statement.kind == "model_link":
        assert set(ranges.values()) == {"any field element"}


def test_who_supplies_what() -> None:
    statement = reference("private_model_accuracy")[0]
    suppliers = {signal.name: signal.supplier for signal in signals(statement, TABLE_LOW)}
    assert suppliers["samples"] == suppliers["labels"] == "data set, by digest"
    assert suppliers["committed: weights_1"] == "owner of the model"
    assert suppliers["committed: salts"] == "owner of the model, kept for at most 255 proofs"
    assert suppliers["witness: salts"] == suppliers["witness: lookup_salts"] == "prover, fresh in every proof"
    assert suppliers["count"] == "prover, in the claim"


def test_the_sentence_names_shape_and_subject() -> None:
    accuracy, private_input = reference("private_model_accuracy")[0], reference("private_input")[0]
    assert "64-32-10 perceptron answers at least `count` of the 100 samples of digits/test[0:100]" in sentence(accuracy)
    assert "64 integers in [0, 16]" in sentence(private_input)
    assert "“digit classifier”" in sentence(private_input)
    assert "to the public input" in sentence(inference_statement(accuracy, 15))


# Degrees


def degree_in_rho(outputs: Callable[[int], Sequence[int]], index: int, limit: int) -> int:
    """The degree of a check as a polynomial in ρ, by finite differences; ``limit`` or more is -1."""
    row = [outputs(rho)[index] for rho in range(limit + 1)]
    order = -1
    while any(value % R for value in row):
        order += 1
        row = [after - before for before, after in pairwise(row)]
    return order if row else -1


def measured_degrees(statement: Statement, outputs: Callable[[int], Sequence[int]], limit: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for index, name in enumerate(check_constraints(statement), start=1):
        found[name] = max(found.get(name, 0), degree_in_rho(outputs, index, limit))
    return found


def tensors(statement: Statement, random: np.random.Generator) -> tuple[list[int], list[int]]:
    """Small positive values everywhere: every constraint is violated at every entry."""
    sizes = committed_layout(statement).size, witness_layout(statement).size
    committed, witness = (random.integers(2, 9, size).tolist() for size in sizes)
    return committed, witness


@pytest.mark.parametrize("sizes", [(3, 4, 2), (2, 3), (2, 5, 3, 2)])
def test_degrees_of_the_accuracy_checks_are_measured(sizes: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    network = random_network(random, sizes, [1] * (len(sizes) - 2))
    data = random_set(random, network, 4)
    statement = accuracy_statement(architecture_of(network), data, small_numerics())
    committed, witness = tensors(statement, random)

    def outputs(rho: int) -> Sequence[int]:
        return accuracy_outputs(statement, data.inputs, data.labels, committed, witness, rho)

    assert measured_degrees(statement, outputs, 30) == check_degrees(statement)


@pytest.mark.parametrize(("sizes", "shifts"), [((9, 4, 2), [1]), ((3, 7, 2), [2]), ((3, 7, 6, 4), [0, 1])])
def test_degrees_of_the_input_checks_are_measured(sizes: tuple[int, ...], shifts: list[int]) -> None:
    random = np.random.default_rng(2)
    network = random_network(random, sizes, shifts)
    statement = input_statement(network, "random", small_numerics())
    committed, witness = tensors(statement, random)

    def outputs(rho: int) -> Sequence[int]:
        return input_outputs(statement, network, committed, witness, rho)

    assert measured_degrees(statement, outputs, 20) == check_degrees(statement)


def test_an_inference_circuit_is_bounded_by_the_longest_input_that_a_contract_takes() -> None:
    statement = inference_statement(reference("private_model_accuracy")[0], 15)
    assert check_degrees(statement) == {"C2": 31, "C3": 9, "C4": 10, "C5": 9, "C6": 8192}


@given(statements())
def test_bits_are_those_of_the_largest_degree_and_rounded_down(statement: Statement) -> None:
    bits, degree = soundness_bits(statement), max(check_degrees(statement).values())
    assert 0 <= 256 - np.log2(degree * HASH_PREIMAGES) - bits < 0.1 + 1e-9
    assert HASH_PREIMAGES == 6 == 2**256 // R + 1


# Bounds


def test_bounds_contain_what_any_model_of_the_shape_can_reach() -> None:
    """The extreme public model: every weight and bias at -B, every input at its top."""
    network = random_network(np.random.default_rng(3), (5, 4, 3), (1,), bits=6, input_max=9, unit=4)
    layers = tuple(
        replace(layer, weight=layer.weight * 0 - network.half_range, bias=layer.bias * 0 - network.half_range)
        for layer in network.layers
    )
    extreme = IntegerNetwork(layers, network.bits, network.input_max)
    statement = input_statement(extreme, "extreme", small_numerics())
    found = {bound.what: bound.magnitude for bound in integer_bounds(statement, -300)}
    assert found["H_1: |h_1|"] == -bounds(extreme)[0].low == 32 * (5 * 9 + 4)
    assert found["H_2: |h_2|"] == 32 * (4 * 255 + 4)


@given(statements())
def test_whatever_a_statement_may_be_nothing_wraps_around(statement: Statement) -> None:
    """The limits of ``statement.py`` see to it, for all widths below 2^20; the largest table there is."""
    sizes = tuple(size + 2**20 - 40 for size in statement.architecture.sizes)
    if statement.kind == "private_model_inference":
        sizes = (MAX_FEATURES, *sizes[1:])
    wide = replace(statement.architecture, sizes=sizes)
    largest = integer_bounds(replace(statement, architecture=wide), full_table(26, statement.numerics.table_high)[0])
    assert max((bound.magnitude for bound in largest), default=0) < 2**90 < R // 2
    assert all(bound.bits == bound.magnitude.bit_length() for bound in largest)


@pytest.mark.parametrize("kind", ["private_model_accuracy", "private_input"])
def test_the_reference_specifications_say_the_same(kind: Kind) -> None:
    statement, spec = reference(kind)
    largest = f"{max(check_degrees(statement).values()):,}"
    assert f"**{largest} · 6 / 2^256 < 2^−{soundness_bits(statement)}**" in spec
    for degree in set(check_degrees(statement).values()):
        assert f"**{degree:,}**" in spec
    heights = [bound for bound in integer_bounds(statement, TABLE_LOW) if bound.what.startswith("H_")]
    assert len(heights) == 2
    assert [bound.what for bound in heights if f"{bound.magnitude:,}" not in spec] == []


# Constraints of a SPEC.md


@pytest.mark.parametrize("kind", ["private_model_accuracy", "private_input"])
def test_constraints_are_read_from_the_reference(kind: Kind) -> None:
    statement, spec = reference(kind)
    rows = read_constraints(spec)
    assert [row.number for row in rows] == [f"C{index}" for index in range(1, 7)]
    assert set(check_constraints(statement)) <= {row.number for row in rows}
    assert all(row.constraint and row.forgery and row.tests for row in rows)
    assert named_tests(spec)["F"] == "tests/zk/test_forgeries.py"
    assert all((ROOT / path).is_file() for path in named_tests(spec).values())


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", ()),
        ("C1 | a | b | c", ()),
        ("| C1 | a | b |", ()),
        ("| C1 | a | b | c | d |", ()),
        ("| D1 | a | b | c |", ()),
        ("| C1 | a | b | c |\n| C1 | d | e | f |", (("C1", "a", "b", "c"), ("C1", "d", "e", "f"))),
        ("| C12 |a|  b | <b>c</b> |", (("C12", "a", "b", "<b>c</b>"),)),
    ],
)
def test_only_whole_rows_of_the_table_count(text: str, rows: tuple[tuple[str, str, str, str], ...]) -> None:
    assert read_constraints(text) == tuple(Constraint(*row) for row in rows)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    read_constraints(text)
    named_tests(text)


def test_defaults_are_the_reference_circuits() -> None:
    assert reference("private_model_accuracy")[0].numerics == Numerics()
