"""The document's numbers are the module's, and the module's degrees are those of the summands."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import comb, floor
from pathlib import Path

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.shape import Shape
from pyml.zk.native.soundness import (
    BIAS,
    CEREMONY_DEGREE,
    Table,
    accuracy_table,
    as_markdown,
    simulation_bits,
    weights_table,
)
from pyml.zk.native.verifier_accuracy_claims import Inference, main_names, product_names
from pyml.zk.native.verifier_layout import Layout, WeightLayout, layout_of, weight_layout_of
from pyml.zk.native.verifier_sums import MainPoint, main_summand, product_summand, weights_summand
from tests.zk.native.proved_cases import Proved, proved_cases
from tests.zk.native.test_cover_rank import MNIST, claims_at_random

DOCUMENT = Path(__file__).parents[3] / "docs" / "zk-native-security.md"
RNG = random.Random(2)


def documented() -> list[tuple[str, Table]]:
    toy = {case.name: case.key.shape for case in proved_cases()}
    return [
        ("### Accuracy, N = 10,000, 784-64-10, B = 13, n = 21", accuracy_table(MNIST)),
        ("### Weights of the same network", weights_table(MNIST)),
        ("### Accuracy, toy: N = 5, 4-3-3, B = 5, n = 8", accuracy_table(toy["one hidden layer"])),
        ("### Inference, toy: 3-4-3, B = 5, n = 8", accuracy_table(toy["inference"])),
    ]


def test_the_document_has_the_tables() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for each in documented():
        assert as_markdown([each]) in text, f"docs/zk-native-security.md should read:\n{as_markdown([each])}"


def test_the_document_has_the_error_of_the_simulation() -> None:
    assert f"2^−{floor(simulation_bits(MNIST.degree))} of the challenges" in DOCUMENT.read_text(encoding="utf-8")
    assert BIAS < 1.14


def test_the_opening_is_the_largest_error() -> None:
    for _, table in documented():
        assert table.largest.challenges == "z"
        assert table.largest.bound > 5 * CEREMONY_DEGREE
        assert table.total.bits > 222
        assert table.after_queries(80) > 143


def test_more_samples_cost_soundness() -> None:
    small, large = (accuracy_table(Shape(n, *SMALL)) for n in (100, 10_000))
    assert small.rows[0].bound < large.rows[0].bound
    assert small.total.bits > large.total.bits


SMALL = ((784, 64, 10), (7,), (256, 64), 13, 3, 21, 8)


@pytest.mark.parametrize(
    "case", [case for case in proved_cases() if case.kind != "weights"], ids=lambda case: case.name
)
def test_the_number_of_claims(case: Proved) -> None:
    layout = layout_of(case.key.shape)
    table = accuracy_table(case.key.shape)
    (bound,) = (row.bound for row in table.rows if row.challenges == "γ")
    inference = Inference(5, 6, 0) if case.kind == "inference" else None
    claims = claims_at_random(layout, RNG, inference)
    assert bound == claims.count - 1


def degree_of(values: Callable[[int], int], most: int) -> int:
    """Degree of a polynomial by finite differences; ``most`` bounds it."""
    samples = [values(x) % R for x in range(most + 2)]
    for degree in range(most + 1, -1, -1):
        if sum((-1) ** k * comb(degree, k) * samples[degree - k] for k in range(degree + 1)) % R:
            return degree
    return 0


def line(x: int, slopes: dict[str, tuple[int, int, int]], masked: bool) -> dict[str, int]:
    return {
        name: a + b * x + (c * (x - x * x) if masked and name not in {"Y", "X"} else 0)
        for name, (a, b, c) in slopes.items()
    }


def random_lines(names: list[str]) -> dict[str, tuple[int, int, int]]:
    return {name: (RNG.randrange(R), RNG.randrange(R), RNG.randrange(R)) for name in names}


def main_degree(layout: Layout, variable: int, masked: bool) -> int:
    tau, rho = ([RNG.randrange(R) for _ in range(layout.v)] for _ in range(2))
    slopes = random_lines([*main_names(layout.shape.hidden_layers), "Y"])

    def summand(x: int) -> int:
        point = [*rho[:variable], x, *rho[variable + 1 :]]
        return main_summand(layout, MainPoint(3, 5, tau, 7, point), line(x, slopes, masked))

    return degree_of(summand, 9)


@pytest.mark.parametrize(
    "case", [case for case in proved_cases() if case.kind == "accuracy"], ids=lambda case: case.name
)
def test_round_polynomials_of_sc_a_have_the_degree_that_is_sent(case: Proved) -> None:
    layout = layout_of(case.key.shape)
    degrees = [main_degree(layout, variable, masked=False) for variable in range(layout.v)]
    assert max(degrees) <= 4
    last = main_degree(layout, layout.v - 1, masked=True)
    assert last <= 7
    if layout.shape.hidden_layers and layout.ni:
        assert (max(degrees), last) == (4, 7)


def test_round_polynomials_of_sc_b_have_the_degree_that_is_sent() -> None:
    layout = layout_of(MNIST)
    slopes = random_lines(["X", *product_names(1)])
    r = [RNG.randrange(R) for _ in range(layout.rounds_b)]

    def degree(variable: int, masked: bool) -> int:
        def summand(x: int) -> int:
            point = [*r[:variable], x, *r[variable + 1 :]]
            return product_summand(layout, 5, point, line(x, slopes, masked))

        return degree_of(summand, 6)

    assert [degree(variable, masked=False) for variable in (0, 3, layout.rounds_b - 1)] == [2, 2, 2]
    assert degree(layout.rounds_b - 1, masked=True) == 4


def test_round_polynomials_of_the_weights_have_the_degree_that_is_sent() -> None:
    layout = weight_layout_of(proved_cases()[-2].key.shape)
    assert [weights_degree(layout, variable, masked=False) for variable in range(layout.v)] == [3] * layout.v
    assert weights_degree(layout, layout.v - 1, masked=True) == 5


def weights_degree(layout: WeightLayout, variable: int, masked: bool) -> int:
    tau, rho = ([RNG.randrange(R) for _ in range(layout.v)] for _ in range(2))
    slopes = random_lines(["GW", "W", "GT", "M"])

    def summand(x: int) -> int:
        point = [*rho[:variable], x, *rho[variable + 1 :]]
        return weights_summand(layout, MainPoint(3, 5, tau, 7, point), line(x, slopes, masked))

    return degree_of(summand, 7)
