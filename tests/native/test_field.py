"""Field vectors equal Python's integers, on every path; what is not canonical is refused."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS
from pyml.zk.native.core import Core
from pyml.zk.native.limbs import from_limbs, to_limbs

MODULI = {"fr": SCALAR_MODULUS, "fq": FIELD_MODULUS}
# A path is chosen once for all examples of a law.
same_path = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def elements(modulus: int) -> st.SearchStrategy[int]:
    """Random ones, and those at limb and modulus edges."""
    edges = [0, 1, 2, modulus - 1, modulus - 2, modulus // 2, 2**64 - 1, 2**64, 2**128 - 1, 2**192, 2**253, 2**52 - 1]
    montgomery = [pow(2, -256, modulus) * edge % modulus for edge in (1, modulus - 1, 2**64 - 1, 2**253)]
    return st.sampled_from([*edges, *montgomery]) | st.integers(0, modulus - 1)


@st.composite
def vectors(draw: st.DrawFn) -> tuple[str, list[int], list[int], int]:
    """A field, two vectors of one length (groups of eight and a rest), a scalar."""
    field = draw(st.sampled_from(sorted(MODULI)))
    one = elements(MODULI[field])
    n = draw(st.sampled_from([0, 1, 7, 8, 9, 16, 35]))
    return (
        field,
        draw(st.lists(one, min_size=n, max_size=n)),
        draw(st.lists(one, min_size=n, max_size=n)),
        draw(one),
    )


@same_path
@given(case=vectors())
@example(case=("fr", [SCALAR_MODULUS - 1] * 200, [SCALAR_MODULUS - 1] * 200, SCALAR_MODULUS - 1))
@example(case=("fq", [FIELD_MODULUS - 1] * 200, [FIELD_MODULUS - 1] * 200, FIELD_MODULUS - 1))
@example(case=("fr", [0] * 16, [SCALAR_MODULUS - 1] * 16, SCALAR_MODULUS - 1))
def test_vectors_equal_integers(any_path: Core, case: tuple[str, list[int], list[int], int]) -> None:
    field, a, b, s = case
    p, x, y = MODULI[field], to_limbs(a), to_limbs(b)
    pairs = list(zip(a, b, strict=True))
    assert from_limbs(any_path.vec_add(field, x, y)) == [(i + j) % p for i, j in pairs]
    assert from_limbs(any_path.vec_sub(field, x, y)) == [(i - j) % p for i, j in pairs]
    assert from_limbs(any_path.vec_mul(field, x, y)) == [i * j % p for i, j in pairs]
    assert from_limbs(any_path.vec_mul_add(field, y, x, y)) == [(j + i * j) % p for i, j in pairs]
    assert from_limbs(any_path.vec_scale(field, x, word(s))) == [s * i % p for i in a]
    assert from_limbs(any_path.vec_add_scalar(field, x, word(s))) == [(s + i) % p for i in a]
    assert from_limbs(any_path.vec_axpy(field, y, word(s), x)) == [(j + s * i) % p for i, j in pairs]
    assert from_limbs(any_path.vec_fold(field, x, y, word(s))) == [(i + s * (j - i)) % p for i, j in pairs]
    assert any_path.vec_dot(field, x, y) == word(sum(i * j for i, j in pairs) % p)
    assert any_path.vec_sum(field, x) == word(sum(a) % p)
    assert any_path.vec_horner(field, x, word(s)) == word(sum(c * pow(s, k, p) for k, c in enumerate(a)) % p)
    assert from_limbs(any_path.vec_powers(field, word(s), len(a))) == [pow(s, k, p) for k in range(len(a))]


@same_path
@given(case=vectors())
@example(case=("fr", [0], [], 0))
@example(case=("fq", [0, 1, 0, 2, 0] * 11, [], 0))
def test_inverses(any_path: Core, case: tuple[str, list[int], list[int], int]) -> None:
    field, a, _, _ = case
    p = MODULI[field]
    assert from_limbs(any_path.vec_inverse(field, to_limbs(a))) == [pow(i, -1, p) if i else 0 for i in a]


@pytest.mark.parametrize("field", MODULI)
def test_long_inverses(any_path: Core, field: str) -> None:
    """More than one block of the shared inversion, and zeros in each."""
    p = MODULI[field]
    a = [pow(7, k, p) if k % 700 else 0 for k in range(4100)]
    product = any_path.vec_mul(field, to_limbs(a), any_path.vec_inverse(field, to_limbs(a)))
    assert from_limbs(product) == [1 if i else 0 for i in a]


@pytest.mark.parametrize("field", MODULI)
def test_a_dot_product_of_the_largest_does_not_overflow(any_path: Core, field: str) -> None:
    p, n = MODULI[field], 5000
    a = to_limbs([p - 1] * n)
    assert any_path.vec_dot(field, a, a) == word(n)


@same_path
@given(values=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=20), field=st.sampled_from(sorted(MODULI)))
@example(values=[-(2**31), 2**31 - 1, 0, -1, 1], field="fr")
def test_small_integers(any_path: Core, values: list[int], field: str) -> None:
    found = any_path.vec_from_i32(field, np.array(values, dtype=np.int32))
    assert from_limbs(found) == [value % MODULI[field] for value in values]


@same_path
@given(value=st.integers(0, 2**256 - 1), field=st.sampled_from(sorted(MODULI)))
@example(value=2**256 - 1, field="fr")
@example(value=SCALAR_MODULUS, field="fr")
@example(value=5 * FIELD_MODULUS, field="fq")
def test_digests_are_reduced(any_path: Core, value: int, field: str) -> None:
    assert any_path.reduce_bytes(field, word(value)) == word(value % MODULI[field])


@pytest.mark.parametrize("field", MODULI)
@pytest.mark.parametrize("excess", [0, 1, 2**64, 2**255])
def test_scalars_that_are_not_reduced_are_refused(core: Core, field: str, excess: int) -> None:
    value = min(MODULI[field] + excess, 2**256 - 1)
    one = to_limbs([1])
    for call in (core.vec_scale, core.vec_add_scalar, core.vec_horner):
        with pytest.raises(ValueError, match=r"^[sx] is not below the modulus$"):
            call(field, one, word(value))
    with pytest.raises(ValueError, match=r"^x is not below the modulus$"):
        core.vec_powers(field, word(value), 3)
    assert from_limbs(core.vec_scale(field, one, word(MODULI[field] - 1))) == [MODULI[field] - 1]


@pytest.mark.parametrize("field", MODULI)
def test_rows_that_are_not_reduced_are_refused(core: Core, field: str) -> None:
    good, bad = to_limbs([0, 1, 2]), to_limbs([0, 1, MODULI[field]])
    with pytest.raises(ValueError, match=r"^a is not below the modulus in row 2$"):
        core.vec_add(field, bad, good)
    with pytest.raises(ValueError, match=r"^b is not below the modulus in row 2$"):
        core.vec_mul(field, good, bad)


def _refusals() -> list[tuple[str, Callable[[Core], object], type[Exception], str]]:
    rows = np.zeros((4, 4), dtype=np.uint64)
    return [
        ("list", lambda core: core.vec_sum("fr", [[1, 0, 0, 0]]), TypeError, "a must be a NumPy array of uint64"),  # pyright: ignore[reportArgumentType]
        (
            "signed",
            lambda core: core.vec_sum("fr", rows.astype(np.int64)),  # pyright: ignore[reportArgumentType]
            TypeError,
            "a must be a NumPy array of uint64",
        ),
        ("flat", lambda core: core.vec_sum("fr", rows.reshape(-1)), ValueError, "a must have shape [n, 4]"),
        ("three limbs", lambda core: core.vec_sum("fr", rows[:, :3]), ValueError, "a must have shape [n, 4]"),
        ("strides", lambda core: core.vec_sum("fr", rows[::2]), ValueError, "a must be in C order"),
        ("columns", lambda core: core.vec_sum("fr", np.asfortranarray(rows)), ValueError, "a must be in C order"),
        (
            "lengths",
            lambda core: core.vec_dot("fr", rows, rows[:3]),
            ValueError,
            "a and b must have equal lengths, not 4 and 3",
        ),
        ("field", lambda core: core.vec_sum("f2", rows), ValueError, 'field must be "fr" or "fq"'),
        ("scalar", lambda core: core.vec_scale("fr", rows, bytes(31)), ValueError, "s must have 32 bytes, not 31"),
        ("text", lambda core: core.vec_scale("fr", rows, "0" * 32), TypeError, "s must be bytes"),  # pyright: ignore[reportArgumentType]
        ("count", lambda core: core.vec_powers("fr", bytes(32), 2**26 + 1), ValueError, "n must be at most 2^26"),
        ("path", lambda core: core.select_path("avx"), ValueError, "a path is one of portable, mulx, ifma; not avx"),
        ("threads", lambda core: core.set_thread_count(0), ValueError, "a thread count is from 1 to 1024"),
        ("threads", lambda core: core.set_thread_count(-1), ValueError, "a thread count is from 1 to 1024"),
        ("threads", lambda core: core.set_thread_count(1025), ValueError, "a thread count is from 1 to 1024"),
    ]


@pytest.mark.parametrize(("call", "error", "line"), [case[1:] for case in _refusals()], ids=[c[0] for c in _refusals()])
def test_wrong_arguments_get_one_clear_line(
    core: Core, call: Callable[[Core], object], error: type[Exception], line: str
) -> None:
    with pytest.raises(error) as caught:
        call(core)
    assert str(caught.value) == line


@given(values=st.lists(st.integers(0, 2**256 - 1), max_size=9))
def test_limbs_round_trip(values: list[int]) -> None:
    limbs = to_limbs(values)
    assert limbs.shape == (len(values), 4)
    assert from_limbs(limbs) == values
    for row, value in zip_longest(limbs, values):
        assert [int(limb) for limb in row] == [value >> (64 * i) & (2**64 - 1) for i in range(4)]
