"""Sums of multiples: small ones against naive Python, large ones by linearity, and every degenerate input."""

from __future__ import annotations

import random
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import G1, add_g1, multiply_g1
from pyml.zk.native.core import Core, PowersOfTau
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.limbs import to_limbs

TAU = 0xDECAF
K = 12
INFINITY = bytes(64)
same_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BASES = [multiply_g1(G1, k) for k in (1, 2, 3, 3, 5, 8, SCALAR_MODULUS - 3)] + [None]
"""With repetitions, opposites and infinity."""
full = st.integers(0, 3) | st.integers(0, SCALAR_MODULUS - 1) | st.sampled_from([SCALAR_MODULUS - 1, 2**253, 2**240])
small = st.integers(-3, 3) | st.integers(-(2**31), 2**31 - 1) | st.sampled_from([2**31 - 1, -(2**31), 8191, 65535])


def encoded(point: Point | None) -> bytes:
    return point.encode() if point else INFINITY


def naive(points: list[Point | None], values: list[int]) -> bytes:
    terms = [multiply_g1(point, value) if point else None for point, value in zip(points, values, strict=True)]
    return encoded(reduce(add_g1, terms, None))


@st.composite
def terms(draw: st.DrawFn, values: st.SearchStrategy[int]) -> tuple[list[Point | None], list[int]]:
    n = draw(st.sampled_from([0, 1, 2, 5, 9, 17]))
    points = [BASES[draw(st.integers(0, len(BASES) - 1))] for _ in range(n)]
    return points, [draw(values) for _ in range(n)]


@same_path
@given(case=terms(full))
@example(case=([BASES[0]] * 20, [SCALAR_MODULUS - 1] * 20))
@example(case=([BASES[2], BASES[6]] * 10, [5] * 20))
@example(case=([None] * 12, [1] * 12))
def test_full_scalars(any_path: Core, case: tuple[list[Point | None], list[int]]) -> None:
    points, values = case
    assert any_path.msm(b"".join(map(encoded, points)), to_limbs(values)) == naive(points, values)


@same_path
@given(case=terms(small))
@example(case=([BASES[0]] * 20, [-(2**31)] * 20))
@example(case=([BASES[2], BASES[6]] * 10, [8191] * 20))
def test_small_values(any_path: Core, case: tuple[list[Point | None], list[int]]) -> None:
    points, values = case
    assert any_path.msm(b"".join(map(encoded, points)), np.array(values, dtype=np.int32)) == naive(points, values)


@pytest.fixture(scope="module")
def powers(core: Core, tmp_path_factory: pytest.TempPathFactory) -> PowersOfTau:
    path: Path = tmp_path_factory.mktemp("powers") / "k.srs"
    write_insecure_powers(path, K, tau=TAU)
    return core.Srs(str(path))


def at_tau(coefficients: list[int]) -> bytes:
    """The commitment to a polynomial, by whoever knows tau."""
    value = reduce(lambda sum_, c: (sum_ * TAU + c) % SCALAR_MODULUS, reversed(coefficients), 0)
    return encoded(multiply_g1(G1, value))


@pytest.mark.parametrize("n", [1, 63, 64, 1000, 2**K - 1, 2**K])
def test_large_sums_of_full_scalars(any_path: Core, powers: PowersOfTau, n: int) -> None:
    generator = random.Random(n)
    values = [generator.randrange(SCALAR_MODULUS) for _ in range(n)]
    assert powers.commit(to_limbs(values)) == at_tau(values)


SMALL = {
    "bits": (0, 1),
    "bytes": (0, 255),
    "limbs": (0, 8191),
    "signed limbs": (-8192, 8191),
    "16 bits": (-65535, 65535),
    "17 bits": (-65537, 65537),
    "32 bits": (-(2**31), 2**31 - 1),
}


@pytest.mark.parametrize(("low", "high"), SMALL.values(), ids=SMALL)
def test_large_sums_of_small_values(any_path: Core, powers: PowersOfTau, low: int, high: int) -> None:
    generator = random.Random(high)
    values = [generator.randint(low, high) for _ in range(2**K)]
    values[:4] = [low, high, 0, high]
    assert powers.commit(np.array(values, dtype=np.int32)) == at_tau(values)


@pytest.mark.parametrize("value", [1, -1, 8191, 65536, 2**31 - 1])
def test_one_value_among_zeros(any_path: Core, powers: PowersOfTau, value: int) -> None:
    values = [0] * 2**K
    values[1234] = value
    assert powers.commit(np.array(values, dtype=np.int32)) == at_tau(values)
    assert powers.commit(to_limbs(v % SCALAR_MODULUS for v in values)) == at_tau(values)


def test_equal_values_meet_in_one_bucket(any_path: Core, powers: PowersOfTau) -> None:
    assert powers.commit(np.full(2**K, 77, dtype=np.int32)) == at_tau([77] * 2**K)
    assert powers.commit(to_limbs([SCALAR_MODULUS - 1] * 2**K)) == at_tau([SCALAR_MODULUS - 1] * 2**K)


def test_nothing_and_zeros_are_infinity(any_path: Core, powers: PowersOfTau) -> None:
    for values in (np.zeros(0, np.int32), np.zeros(2**K, np.int32), to_limbs([]), to_limbs([0] * 2**K)):
        assert powers.commit(values) == INFINITY


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_do_not_change_the_sum(core: Core, powers: PowersOfTau, threads: int) -> None:
    generator = random.Random(threads)
    values = [generator.randrange(SCALAR_MODULUS) for _ in range(2**K)]
    limbs = [generator.randrange(8192) for _ in range(2**K)]
    before = core.thread_count()
    core.set_thread_count(threads)
    try:
        assert core.thread_count() == threads
        assert powers.commit(to_limbs(values)) == at_tau(values)
        assert powers.commit(np.array(limbs, dtype=np.int32)) == at_tau(limbs)
    finally:
        core.set_thread_count(before)


def test_more_values_than_points_are_refused(core: Core, powers: PowersOfTau) -> None:
    for values in (np.ones(2**K + 1, np.int32), to_limbs([1] * (2**K + 1))):
        with pytest.raises(ValueError, match=r"^values must be at most as many as there are points: 4097 and 4096$"):
            powers.commit(values)
    with pytest.raises(ValueError, match=r"^values must be at most as many as there are points: 2 and 1$"):
        core.msm(G1.encode(), np.ones(2, np.int32))


def test_values_of_another_type_are_refused(core: Core, powers: PowersOfTau) -> None:
    for values in ([1, 2], np.ones(2, np.int64), np.ones(2, np.float32), np.ones((2, 4), np.int64)):
        with pytest.raises(TypeError, match=r"^values must be a NumPy array of int32 or uint64$"):
            powers.commit(values)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"^values must have shape \[n\]$"):
        powers.commit(np.ones((2, 2), np.int32))
    with pytest.raises(ValueError, match=r"^values is not below the modulus in row 1$"):
        powers.commit(to_limbs([1, SCALAR_MODULUS]))
    with pytest.raises(ValueError, match=r"^points must have 64 bytes for each point$"):
        core.msm(bytes(65), np.ones(1, np.int32))
