"""Updates as whole numbers: exact averages, and every value that must be refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.deepchain.fixed_point import FixedPoint
from pyml.errors import InputError

ENCODING = FixedPoint(16, 0.25)
values = st.lists(st.floats(-0.25, 0.25), min_size=1, max_size=20)


@given(st.lists(st.tuples(*[st.floats(-0.25, 0.25)] * 3), min_size=1, max_size=10))
def test_the_mean_is_that_of_the_rounded_values(updates: list[tuple[float, ...]]) -> None:
    encoded = [ENCODING.encode(np.array(update)) for update in updates]
    mean = ENCODING.mean(np.sum(encoded, axis=0), len(updates))
    for place, got in enumerate(mean):
        exact = Fraction(sum(int(each[place]) - ENCODING.offset for each in encoded), len(encoded))
        assert (
            got == float(exact.numerator / (exact.denominator * ENCODING.scale))
            or abs(float(exact) / ENCODING.scale - got) <= abs(got) * 2**-51
        )
        assert abs(got - np.mean([update[place] for update in updates])) <= 0.5 / ENCODING.scale + 1e-12


@given(values, st.integers(2, 32), st.sampled_from([2.0**-8, 0.25, 1.0, 3.7]))
def test_codes_fit_their_width_and_come_back(numbers: list[float], bits: int, clip: float) -> None:
    encoding = FixedPoint(bits, clip)
    cut, _ = encoding.clipped(np.array(numbers))
    codes = encoding.encode(cut)
    assert codes.min() >= 1
    assert codes.max() < 2**bits
    assert np.abs(encoding.mean(codes, 1) - cut).max() <= 0.5 / encoding.scale * (1 + 1e-9)


def test_bounds_are_met_exactly() -> None:
    assert ENCODING.encode(np.array([-0.25, 0.0, 0.25])).tolist() == [1, 32768, 65535]
    assert ENCODING.mean(np.array([1, 32768, 65535]), 1).tolist() == [-0.25, 0.0, 0.25]


def test_clipping_counts_what_it_cut() -> None:
    cut, count = ENCODING.clipped(np.array([0.3, -0.26, 0.25, 0.1]))
    assert (cut.tolist(), count) == ([0.25, -0.25, 0.25, 0.1], 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    for refuse in (ENCODING.encode, ENCODING.clipped):
        with pytest.raises(InputError, match="NaN or infinity"):
            refuse(np.array([0.0, bad]))


def test_a_value_beyond_the_clip_is_refused() -> None:
    with pytest.raises(InputError, match="beyond the clip") as refused:
        ENCODING.encode(np.array([np.nextafter(0.25, 1.0)]))
    assert refused.value.expected == "at most 0.25"


def test_an_update_is_one_row() -> None:
    with pytest.raises(InputError, match="one row"):
        ENCODING.encode(np.zeros((2, 2)))


@pytest.mark.parametrize(("sums", "count"), [([1], 2), ([2 * 65535 + 1], 2), ([0], 1), ([-5], 1)])
def test_sums_that_no_parties_could_make_are_refused(sums: list[int], count: int) -> None:
    with pytest.raises(InputError, match=f"not one of {count} encoded values"):
        ENCODING.mean(np.array(sums), count)


def test_sums_are_whole_numbers_of_somebody() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        ENCODING.mean(np.array([1.0]), 1)
    with pytest.raises(InputError, match="at least one update"):
        ENCODING.mean(np.array([1]), 0)


@pytest.mark.parametrize(("bits", "clip"), [(1, 0.25), (33, 0.25), (16, 0.0), (16, -1.0), (16, np.nan), (16, np.inf)])
def test_encodings_out_of_range_are_refused(bits: int, clip: float) -> None:
    with pytest.raises(InputError, match="out of range"):
        FixedPoint(bits, clip)
