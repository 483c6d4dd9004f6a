"""Sizes that follow from the parameters: those of the document's example, and what no layout has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyml.errors import CircuitError
from pyml.zk.native.layout import Layout, WeightsLayout
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_layout import layout_of, weight_layout_of
from tests.zk.native.toy_cases import cases, inference_cases, weights_cases

MNIST = Shape(10_000, (784, 64, 10), (13,), (256, 1), limb_bits=13, margin_limbs=3, degree=20, weight_bits=8)


def test_the_layout_of_ten_thousand_digits() -> None:
    layout = Layout(MNIST)
    assert (layout.ni, layout.nh(1), layout.nc, layout.nq, layout.nx) == (14, 6, 4, 2, 10)
    assert (layout.nk(1), layout.nk(2), layout.rounds_b) == (10, 7, 10)
    assert layout.v == 20
    assert (layout.nlow, layout.chunks) == (6, 13)
    assert [column.name for column in layout.stage1.columns] == ["L0_1", "L1_1", "R_1", "ML", "c", "M", "K"]
    assert (layout.stage1.polynomials, layout.stage2.polynomials, layout.data.polynomials) == (5, 3, 14)
    assert [(column.name, column.offset) for column in layout.model.columns] == [("W_1", 0), ("W_2", 1 << 16)]
    assert layout.mask_rows.variables == 4 + 6


def test_a_larger_degree_packs_more_columns_into_fewer_polynomials() -> None:
    layout = Layout(replace(MNIST, degree=22))
    assert (layout.stage1.polynomials, layout.stage2.polynomials, layout.data.polynomials) == (2, 1, 5)
    assert (layout.nlow, layout.chunks) == (8, 4)
    assert layout.model == Layout(MNIST).model


def test_sizes_are_those_that_the_verifier_derives() -> None:
    for case in [*cases(), *inference_cases()]:
        ours, theirs = Layout(case.shape), layout_of(case.shape)
        assert (ours.v, ours.rounds_b, ours.nlow, ours.chunks) == (
            theirs.v,
            theirs.rounds_b,
            theirs.nlow,
            theirs.chunks,
        )
        for mine, other in ((ours.stage1, theirs.stage1), (ours.stage2, theirs.stage2), (ours.data, theirs.data)):
            assert mine.polynomials == other.polynomials
            assert {each.name: (each.polynomial, each.offset) for each in mine.columns} == {
                name: (place.polynomial, place.offset) for name, place in other.places.items()
            }
    for case in weights_cases():
        ours, theirs = WeightsLayout(case.shape), weight_layout_of(case.shape)
        assert (ours.v, ours.nw, ours.stage1.polynomials) == (theirs.v, theirs.nw, theirs.stage1.polynomials)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"degree": 19}, "the degree is too small for this shape"),
        ({"samples": 1 << 18}, "the degree is too small for this shape"),
        ({"widths": (1 << 19, 64, 10)}, "column W_1 does not fit a polynomial"),
        ({"widths": (16383, 64, 10), "samples": 2}, "the weights do not fit one polynomial"),
        ({"bias_units": (1 << 240, 1)}, "layer 1: its sums could wrap around the field"),
        ({"bias_units": (1, 1 << 240)}, "layer 2: its sums could wrap around the field"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(CircuitError) as refused:
        Layout(replace(MNIST, **change))  # pyright: ignore[reportArgumentType]
    assert refused.value.problem == problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"degree": 16}, "the degree is too small for these weights"),
        ({"degree": 17, "widths": (784, 256, 10)}, "column W_1 does not fit a polynomial"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(CircuitError) as refused:
        WeightsLayout(replace(MNIST, **change))  # pyright: ignore[reportArgumentType]
    assert refused.value.problem == problem
