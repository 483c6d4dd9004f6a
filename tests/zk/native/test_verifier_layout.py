"""Where columns lie: disjoint, aligned, inside their polynomials, and the weights at the same place in every layout."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import CircuitError
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_field import eq_table, inner
from pyml.zk.native.verifier_layout import layout_of, weight_layout_of
from pyml.zk.native.verifier_packing import MaskRows, Place, Stage, pack

SHAPE = Shape(5, (4, 3, 3), (2,), (1, 1), limb_bits=5, margin_limbs=2, degree=8, weight_bits=4)
MNIST = Shape(10_000, (784, 64, 10), (7,), (256, 64), limb_bits=13, margin_limbs=3, degree=21, weight_bits=8)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    widths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=3))
    layers = len(widths) - 1
    return Shape(
        samples=draw(st.integers(1, 17)),
        widths=(*widths, draw(st.integers(2, 6))),
        shifts=tuple(draw(st.integers(0, 3)) for _ in range(layers)),
        bias_units=(1,) * (layers + 1),
        limb_bits=draw(st.integers(3, 6)),
        margin_limbs=draw(st.integers(1, 4)),
        degree=draw(st.integers(11, 13)),
        weight_bits=4,
    )


def require_disjoint(stage: Stage, degree: int) -> None:
    taken = set[int]()
    for place in stage.places.values():
        assert place.offset % (1 << place.variables) == 0
        assert place.offset + (1 << place.variables) <= 1 << degree
        start = (place.polynomial << degree) + place.offset
        cells = set(range(start, start + (1 << place.variables)))
        assert not taken & cells
        taken |= cells
    assert not taken or stage.polynomials == (max(taken) >> degree) + 1


@given(shapes())
def test_columns_do_not_overlap(shape: Shape) -> None:
    layout, weights = layout_of(shape), weight_layout_of(shape)
    for stage in (layout.stage1, layout.stage2, layout.data, layout.weights, weights.stage1, weights.stage2):
        require_disjoint(stage, shape.degree)
    assert weights.weights.places == layout.weights.places
    assert sum(1 << place.variables for place in layout.weights.places.values()) <= 1 << weights.nw


@given(shapes(), st.integers(1, 17))
def test_weights_lie_where_they_lie_in_every_layout(shape: Shape, samples: int) -> None:
    other = replace(shape, samples=samples, degree=shape.degree + 1, data_in_witness=samples == 1)
    assert layout_of(shape).weights == layout_of(other).weights


@given(shapes())
def test_features_and_inputs_fit_their_columns(shape: Shape) -> None:
    layout = layout_of(shape)
    for width, t, nk in zip(shape.widths[:-1], layout.input_variables, layout.nk, strict=True):
        assert width <= 1 << t
        assert width < 1 << nk
        assert nk - t in {0, 1}
    assert layout.chunks << layout.nlow >= shape.widths[0] > (layout.chunks - 1) << layout.nlow


def test_the_largest_columns_come_first_and_equals_keep_their_order() -> None:
    stage = pack([("a", 1), ("b", 2), ("c", 1), ("d", 3)], 3)
    assert stage.places == {"d": Place(0, 0, 3), "b": Place(1, 0, 2), "a": Place(1, 4, 1), "c": Place(1, 6, 1)}
    assert stage.polynomials == 2


def test_a_place_weighs_its_own_entries() -> None:
    sigma, point = [3, 5, 7, 11], [13, 17]
    table = eq_table(sigma)
    expected = inner(eq_table(point), table[8:12])
    assert Place(0, 8, 2).weight(point, sigma) == expected
    assert Place(0, 4, 2).weight(point, sigma) != expected


def test_mnist() -> None:
    layout = layout_of(MNIST)
    assert (layout.ni, layout.nc, layout.nq, layout.nx, layout.nh, layout.nk) == (14, 4, 2, 10, (6,), (10, 7))
    assert (layout.table, layout.v, layout.nlow, layout.chunks, layout.rounds_b) == (14, 20, 7, 7, 10)
    assert (layout.stage1.polynomials, layout.stage2.polynomials, layout.data.polynomials) == (3, 2, 8)
    assert 32 * layout.words <= 8192


def test_the_sample_of_inference_is_alone_in_the_first_polynomial() -> None:
    shape = replace(SHAPE, samples=1, data_in_witness=True)
    layout = layout_of(shape)
    assert layout.stage1["XI"] == Place(0, 0, 2)
    assert all(place.polynomial >= 1 for name, place in layout.stage1.places.items() if name != "XI")
    assert not layout.data.places
    wide = layout_of(replace(shape, widths=(200, 3, 3), degree=11))
    assert wide.v == wide.nx == 8


def test_rows_of_masks() -> None:
    rows = MaskRows(main=20, products=10, main_masks=26, product_masks=11)
    assert (rows.first_product, rows.first_main_mask, rows.first_product_mask, rows.spare) == (20, 30, 32, 33)
    assert rows.variables == 4 + 6


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"degree": 4}, "does not fit"),
        ({"limb_bits": 9}, "does not fit"),
        ({"samples": 300}, "does not fit"),
        ({"widths": (200, 64, 3)}, "does not fit"),
        ({"bias_units": (R, 1)}, "can exceed the field"),
    ],
)
def test_what_has_no_layout_is_refused(changes: dict[str, int], problem: str) -> None:
    with pytest.raises(CircuitError, match=problem):
        layout_of(replace(SHAPE, **changes))


def test_weights_larger_than_a_polynomial_are_refused() -> None:
    with pytest.raises(CircuitError, match="column W_1 does not fit"):
        weight_layout_of(replace(SHAPE, widths=(200, 4, 3)))
    with pytest.raises(CircuitError, match="do not fit one polynomial"):
        weight_layout_of(replace(SHAPE, widths=(31, 8, 3)))
    assert weight_layout_of(replace(SHAPE, widths=(15, 8, 3))).nw == 8
