"""The permutation: pinned vectors, bijection and inverse as laws, and what is refused."""

from __future__ import annotations

import json
from hashlib import sha256
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from hypothesis import example, given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet import feistel, inverse_position, permutation
from pyml.freezenet.feistel import MAX_IMAGES, MAX_SIZE, position

FOLDER = Path(__file__).parents[1] / "vectors"
PINNED = json.loads((FOLDER / "freezenet_v1.json").read_text(encoding="utf-8"))
OURS = json.loads((FOLDER / "freezenet_watermark.json").read_text(encoding="utf-8"))
SEED = bytes.fromhex(PINNED["seed"])

seeds = st.binary(min_size=32, max_size=32)


def plain_position(seed: bytes, n: int, x: int) -> int:
    """The specification's words, with Python's integers."""
    a = next(side for side in range(isqrt(n), isqrt(n) + 2) if side * side >= n)
    b = (n + a - 1) // a
    while True:
        halves = [x // b, x % b]
        for k in range(8):
            counter = ((k + 1) << 64) | halves[1 - k % 2]
            image = int.from_bytes(keccak(seed + counter.to_bytes(32, "big")), "big")
            halves[k % 2] = (halves[k % 2] + image) % (b if k % 2 else a)
        x = halves[0] * b + halves[1]
        if x < n:
            return x


@pytest.mark.parametrize("vector", PINNED["vectors"], ids=lambda vector: str(vector["n"]))
def test_pinned_vectors(vector: dict[str, Any]) -> None:
    seed, n = bytes.fromhex(vector["seed"]), vector["n"]
    images = permutation(seed, n)
    assert images.dtype == np.int64
    assert images[:8].tolist() == vector["first8"]
    assert sha256(images.astype("<u4").tobytes()).hexdigest() == vector["sha256_of_all_images_le_u32"]
    assert inverse_position(seed, n, 0) == vector["inverse_of_0"]
    assert [position(seed, n, index) for index in range(len(vector["first8"]))] == vector["first8"]


@pytest.mark.parametrize("vector", OURS["permutations"], ids=lambda vector: str(vector["n"]))
def test_vectors_that_forge_reads(vector: dict[str, Any]) -> None:
    seed, n = bytes.fromhex(vector["seed"][2:]), int(vector["n"])
    for index, image, inverse in zip(vector["indices"], vector["result"], vector["inverses"], strict=True):
        assert position(seed, n, int(index)) == int(image)
        assert inverse_position(seed, n, int(index)) == int(inverse)


@given(seeds, st.integers(1, 3000))
@example(SEED, 1)
@example(SEED, 2)
def test_is_a_bijection_and_the_scalar_form_agrees(seed: bytes, n: int) -> None:
    images = permutation(seed, n)
    assert np.array_equal(np.sort(images), np.arange(n))
    for index in {0, n // 3, n - 1}:
        assert position(seed, n, index) == images[index]
        assert inverse_position(seed, n, int(images[index])) == index


@given(seeds, st.data(), st.integers(1, MAX_SIZE))
@example(SEED, None, MAX_SIZE)
def test_inverse_undoes_the_permutation(seed: bytes, data: st.DataObject | None, n: int) -> None:
    index = n - 1 if data is None else data.draw(st.integers(0, n - 1))
    assert inverse_position(seed, n, position(seed, n, index)) == index
    assert position(seed, n, inverse_position(seed, n, index)) == index


@given(seeds, st.integers(1, 10**6), st.data())
def test_is_the_network_of_the_specification(seed: bytes, n: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, n - 1))
    assert position(seed, n, index) == plain_position(seed, n, index)


def test_paper_network_at_full_size() -> None:
    n = 1_306_922
    images = permutation(SEED, n)
    assert np.array_equal(np.sort(images), np.arange(n))
    for index in (0, 1, 777_777, n - 1):
        assert images[index] == position(SEED, n, index)


def test_one_bit_of_the_seed_changes_nearly_every_image() -> None:
    n = 10_000
    for bit in (0, 100, 255):
        other = (int.from_bytes(SEED, "big") ^ 1 << bit).to_bytes(32, "big")
        assert (permutation(SEED, n) == permutation(other, n)).sum() < 10, "one fixed pair is expected"


@pytest.mark.parametrize(("rounds", "random"), [(2, False), (8, True)])
def test_pairs_in_a_column_tell_two_rounds_but_not_eight(
    monkeypatch: pytest.MonkeyPatch, rounds: int, random: bool
) -> None:
    """How often neighbours in a column stay one row apart (specification, section 1.2), in standard deviations."""
    monkeypatch.setattr(feistel, "ROUNDS", rounds)
    side, trials, kept = 64, 60, 0
    for trial in range(trials):
        rows = permutation(keccak(trial.to_bytes(4, "big")), side * side).reshape(side, side) // side
        kept += int((np.diff(rows, axis=0) % side == 1).sum())
    pairs, chance = trials * side * (side - 1), side / (side * side - 1)
    deviation = (kept - pairs * chance) / (pairs * chance * (1 - chance)) ** 0.5
    assert (abs(deviation) < 4) is random
    assert random or deviation > 20


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        (b"", "a seed has the wrong length; expected 32 bytes; got 0"),
        (bytes(31), "a seed has the wrong length; expected 32 bytes; got 31"),
        (bytes(33), "a seed has the wrong length; expected 32 bytes; got 33"),
        (bytearray(32), "a seed is not bytes; expected 32 bytes; got bytearray"),
        ("00" * 16, "a seed is not bytes; expected 32 bytes; got str"),
    ],
)
def test_wrong_seed(seed: Any, message: str) -> None:
    with pytest.raises(InputError) as all_images:
        permutation(seed, 9)
    with pytest.raises(InputError) as one_image:
        position(seed, 9, 0)
    with pytest.raises(InputError) as inverse:
        inverse_position(seed, 9, 0)
    assert {str(caught.value) for caught in (all_images, one_image, inverse)} == {message}


@pytest.mark.parametrize("n", [0, -1, MAX_SIZE + 1, 2**63, 2**256, True, 5.0, np.int64(5)])
def test_wrong_size_for_one_position(n: Any) -> None:
    for function in (position, inverse_position):
        with pytest.raises(InputError) as caught:
            function(SEED, n, 0)
        assert str(caught.value) == f"the number of positions is out of range; expected 1 to {MAX_SIZE}; got {n}"


@pytest.mark.parametrize("n", [0, -1, MAX_IMAGES + 1, MAX_SIZE, 2**63, "5"])
def test_wrong_size_for_all_images(n: Any) -> None:
    with pytest.raises(InputError) as caught:
        permutation(SEED, n)
    assert str(caught.value) == f"the number of positions is out of range; expected 1 to {MAX_IMAGES}; got {n}"


@pytest.mark.parametrize("element", [-1, 5, 2**64, 1.0, True])
def test_position_outside(element: Any) -> None:
    for function in (position, inverse_position):
        with pytest.raises(InputError) as caught:
            function(SEED, 5, element)
        assert str(caught.value) == f"a position is out of range; expected 0 to 4; got {element}"


@pytest.mark.parametrize("vector", PINNED["vectors"][1:], ids=lambda vector: str(vector["n"]))
def test_tampered_vectors_fail(vector: dict[str, Any]) -> None:
    """The vectors decide: another seed or image does not pass them."""
    images = permutation(SEED, vector["n"])
    other = permutation(bytes([SEED[0] ^ 1]) + SEED[1:], vector["n"])
    assert other[:8].tolist() != vector["first8"]
    images[[0, 1]] = images[[1, 0]]
    assert sha256(images.astype("<u4").tobytes()).hexdigest() != vector["sha256_of_all_images_le_u32"]
