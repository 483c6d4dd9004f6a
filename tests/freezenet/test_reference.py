"""The paper's watermark by its vectors; its one-sided check shown to be one; what is refused."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet import reference_watermark
from pyml.freezenet.feistel import MAX_IMAGES
from pyml.freezenet.reference import verify_reference_watermark, verify_reference_watermark_one_sided

CASES = json.loads((Path(__file__).parents[1] / "vectors" / "freezenet_mt19937.json").read_text(encoding="utf-8"))[
    "cases"
]
TOLERANCE = 1e-6


def frozen(data: bytes, length: int, n: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    parameters = np.zeros(n, dtype=np.float32)
    weights, positions = reference_watermark(data, length, n)
    parameters[positions] = weights
    return parameters


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['length']}-{case['n']}")
def test_vectors(case: dict[str, Any]) -> None:
    data = bytes.fromhex(case["data_hex"])
    weights, positions = reference_watermark(data, case["length"], case["n"])
    assert weights.dtype == np.float32
    assert positions.dtype == np.int64
    assert [f"{bits:08x}" for bits in weights.view(np.uint32)] == case["weights_f32_bits"]
    assert sha256(weights.astype("<f4").tobytes()).hexdigest() == case["weights_sha256_le_f32"]
    assert positions.tolist() == sorted(case["indices_draw_order"])
    placed = [[int(place), f"{bits:08x}"] for place, bits in zip(positions, weights.view(np.uint32), strict=True)]
    assert placed == case["placed_pairs_index_ascending"]
    whole = frozen(data, case["length"], case["n"])
    assert sha256(whole.astype("<f4").tobytes()).hexdigest() == case["frozen_sha256_le_f32"]


@given(st.binary(max_size=40), st.integers(1, 500), st.data())
def test_positions_ascend_and_weights_are_in_range(data: bytes, n: int, draw: st.DataObject) -> None:
    length = draw.draw(st.integers(0, n))
    weights, positions = reference_watermark(data, length, n)
    assert len(weights) == len(positions) == length
    assert (np.diff(positions) > 0).all()
    assert ((positions >= 0) & (positions < n)).all()
    assert (np.abs(weights) <= 1).all()
    assert verify_reference_watermark(frozen(data, length, n), data, length, tolerance=0)


def test_tampered_vector_fails() -> None:
    case = CASES[0]
    other, places = reference_watermark(b"blocK", case["length"], case["n"])
    assert [f"{bits:08x}" for bits in other.view(np.uint32)] != case["weights_f32_bits"]
    assert places.tolist() != sorted(case["indices_draw_order"])


def test_two_sided_check_refuses_what_the_author_s_accepts() -> None:
    parameters = frozen(b"block", 200, 1000)
    positions = reference_watermark(b"block", 200, 1000)[1]
    for shift, one_sided in ((-1.0, True), (1.0, False)):
        moved = parameters.copy()
        moved[positions[7]] += np.float32(shift)
        assert not verify_reference_watermark(moved, b"block", 200, tolerance=TOLERANCE)
        assert verify_reference_watermark_one_sided(moved, b"block", 200, tolerance=TOLERANCE) is one_sided
    anything_low = np.full(1000, -2, dtype=np.float32)
    assert verify_reference_watermark_one_sided(anything_low, b"block", 200, tolerance=TOLERANCE)
    assert not verify_reference_watermark(anything_low, b"block", 200, tolerance=TOLERANCE)


def test_nan_and_infinity_are_no_watermark() -> None:
    positions = reference_watermark(b"block", 200, 1000)[1]
    for value in (np.nan, np.inf, -np.inf):
        parameters = frozen(b"block", 200, 1000)
        parameters[positions[0]] = value
        assert not verify_reference_watermark(parameters, b"block", 200, tolerance=TOLERANCE)


def test_seed_has_32_bits_only() -> None:
    """Why this mode is never accepted: two blocks with one seed share a watermark. Found by a birthday search."""
    seen: dict[bytes, int] = {}
    for nonce in range(400_000):
        low = sha256(nonce.to_bytes(4, "big")).digest()[-4:]
        if low in seen:
            first, second = (value.to_bytes(4, "big") for value in (seen[low], nonce))
            break
        seen[low] = nonce
    else:
        pytest.fail("no collision among 400,000: expected about 19")
    for one, other in zip(reference_watermark(first, 50, 100), reference_watermark(second, 50, 100), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("n", [0, -1, MAX_IMAGES + 1, 2**63, True, 5.0])
def test_wrong_number_of_parameters(n: Any) -> None:
    with pytest.raises(InputError) as caught:
        reference_watermark(b"block", 0, n)
    assert str(caught.value) == f"the number of parameters is out of range; expected 1 to {MAX_IMAGES}; got {n}"


@pytest.mark.parametrize("length", [-1, 6, 2**63, 2.0, True])
def test_wrong_length(length: Any) -> None:
    with pytest.raises(InputError) as caught:
        reference_watermark(b"block", length, 5)
    assert str(caught.value) == f"the watermark does not fit the parameters; expected 0 to 5 weights; got {length}"


@pytest.mark.parametrize("parameters", [np.zeros((2, 3), dtype=np.float32), np.zeros(6)])
def test_parameters_that_are_not_flat_float32(parameters: Any) -> None:
    for check in (verify_reference_watermark, verify_reference_watermark_one_sided):
        with pytest.raises(InputError, match=r"^the parameters are not flat; expected float32 of one dimension; got"):
            check(parameters, b"block", 2, tolerance=TOLERANCE)
