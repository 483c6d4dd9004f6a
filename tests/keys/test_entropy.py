"""Entropies of samples whose distribution is known, their bias, and guesses."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.keys.entropy import CodeEntropy, code_entropy, degrees_of_freedom
from pyml.keys.fuzzy_commitment import Bits


def codes(*numbers: int, bits: int = 12) -> Bits:
    return np.array([[number >> place & 1 for place in range(bits)] for number in numbers], np.uint8)


def counted(*counts: int) -> CodeEntropy:
    return CodeEntropy(np.array(counts, np.int64))


def test_a_sample_worked_out_by_hand() -> None:
    """Shares ½, ¼, ¼ of 8: 1.5 bits; 12 + 2 + 2 of 56 ordered pairs coincide."""
    entropy = code_entropy(codes(7, 7, 1, 7, 2, 1, 2, 7))
    assert entropy.counts.tolist() == [4, 2, 2]
    assert (entropy.samples, entropy.distinct) == (8, 3)
    assert entropy.shannon_bits == pytest.approx(1.5)
    assert entropy.shannon_corrected_bits == pytest.approx(1.5 + 2 / (16 * math.log(2)))
    assert entropy.collision_bits == pytest.approx(-math.log2(16 / 56))
    assert entropy.min_bits == pytest.approx(1)
    assert entropy.min_bits_bound == pytest.approx(-math.log2(0.5 + 2.576 * math.sqrt(0.25 / 7)))


def test_the_published_example_of_the_bound() -> None:
    """NIST SP 800-90B, section 6.3.1: 8 of 20 samples alike give p = 0.6895 and 0.5363 bits."""
    assert counted(8, 7, 5).min_bits_bound == pytest.approx(0.5363, abs=1e-4)


def test_codes_that_all_differ_say_no_more_than_their_number() -> None:
    entropy = code_entropy(codes(*range(64)))
    assert entropy.shannon_bits == pytest.approx(6)
    assert entropy.min_bits == pytest.approx(6)
    assert entropy.collision_bits is None
    assert entropy.as_dict()["most_that_samples_show_bits"] == 6


def test_codes_that_are_all_the_same_say_nothing() -> None:
    entropy = code_entropy(codes(5, 5, 5, 5))
    shown = (entropy.shannon_bits, entropy.collision_bits, entropy.min_bits, entropy.min_bits_bound)
    assert shown == (0, 0, 0, 0)
    assert str(shown) == "(0.0, 0.0, 0.0, 0.0)"  # no minus
    assert counted(1).min_bits_bound == 0


def test_estimates_err_in_the_direction_that_is_said() -> None:
    """Of 64 fair codes, 6 bits each way, 200 samples at a time: Shannon and min too low, Miller and Madow nearer."""
    draw = np.random.default_rng(1)
    seen = [code_entropy(codes(*draw.integers(64, size=200).tolist())) for _ in range(200)]
    shannon, corrected = (np.mean([getattr(each, name) for each in seen]) for name in _SHANNON)
    assert shannon < 5.85
    assert abs(corrected - 6) < 0.05 < 6 - shannon
    assert np.mean([each.min_bits for each in seen]) < 5.3
    chances = [2 ** -(each.collision_bits or math.inf) for each in seen]
    assert np.mean(chances) == pytest.approx(1 / 64, rel=0.01)  # 200 · 19900 pairs: their mean is within 0.3 %


_SHANNON = ("shannon_bits", "shannon_corrected_bits")


@pytest.mark.parametrize(("share", "guesses"), [(0.01, 1), (0.5, 1), (0.501, 2), (0.75, 2), (0.9, 3), (1, 3)])
def test_guesses(share: float, guesses: int) -> None:
    assert counted(50, 25, 25).guesses(share) == guesses


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.floats(0.001, 1))
def test_guesses_are_the_fewest(numbers: list[int], share: float) -> None:
    entropy = code_entropy(codes(*numbers))
    falling = sorted(Counter(numbers).values(), reverse=True)
    assert entropy.counts.tolist() == falling
    needed = entropy.guesses(share)
    assert sum(falling[:needed]) >= share * len(numbers) - 1e-6
    assert sum(falling[: needed - 1]) < share * len(numbers)


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60))
def test_entropies_are_in_order(numbers: list[int]) -> None:
    entropy = code_entropy(codes(*numbers))
    assert 0 <= entropy.min_bits_bound <= entropy.min_bits <= entropy.shannon_bits + 1e-9
    assert entropy.shannon_bits <= min(entropy.shannon_corrected_bits, math.log2(len(numbers))) + 1e-9


@pytest.mark.parametrize("share", [0, -1, 1.01, math.nan])
def test_no_such_share(share: float) -> None:
    with pytest.raises(InputError, match=r"not a share of the keys; expected above 0, at most 1"):
        counted(3, 2).guesses(share)


@pytest.mark.parametrize("counts", [[], [0], [2, 3], [3, -1]])
def test_not_counts(counts: list[int]) -> None:
    with pytest.raises(InputError, match="not the counts of a sample; expected positive numbers in falling order"):
        CodeEntropy(np.array(counts, np.int64))


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5,)])
def test_not_codes(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="not codes"):
        code_entropy(np.zeros(shape, np.uint8))


def histogram(distances: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    return np.bincount(distances, minlength=bits + 1)


def test_freedom_of_fair_bits_is_their_number() -> None:
    draw = np.random.default_rng(2)
    fair = draw.integers(2, size=(40_000, 100)).sum(axis=1)
    assert degrees_of_freedom(histogram(fair, 100), 100) == pytest.approx(100, rel=0.03)  # its deviation is 0.7 %
    doubled = 2 * draw.integers(2, size=(40_000, 50)).sum(axis=1)
    assert degrees_of_freedom(histogram(doubled, 100), 100) == pytest.approx(50, rel=0.03)


def test_freedom_needs_pairs() -> None:
    with pytest.raises(InputError, match="no two unlike things to compare"):
        degrees_of_freedom(np.zeros(10, np.int64), 9)
