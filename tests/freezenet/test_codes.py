"""Codes: pinned vectors, prefixes, distribution; both sources; what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet import watermark_codes
from pyml.freezenet.codes import MAX_CODES, hash_drbg_codes

FOLDER = Path(__file__).parents[1] / "vectors"
PINNED = json.loads((FOLDER / "freezenet_v1.json").read_text(encoding="utf-8"))
OURS = json.loads((FOLDER / "freezenet_watermark.json").read_text(encoding="utf-8"))
SEED = bytes.fromhex(PINNED["seed"])
SOURCES = (watermark_codes, hash_drbg_codes)

seeds = st.binary(min_size=32, max_size=32)


def test_pinned_codes() -> None:
    codes = watermark_codes(SEED, 16)
    assert codes.dtype == np.int8
    assert codes.view(np.uint8).tolist() == PINNED["weights_first16"]


@pytest.mark.parametrize("vector", OURS["codes"], ids=lambda vector: vector["id"])
def test_vectors_that_forge_reads(vector: dict[str, Any]) -> None:
    assert watermark_codes(bytes.fromhex(vector["seed"][2:]), 64).view(np.uint8).tolist() == vector["result"]


@given(seeds, st.integers(0, 10**9), st.integers(1, 2000))
def test_a_code_is_a_byte_of_its_word(seed: bytes, pick: int, length: int) -> None:
    index = pick % length
    digest = keccak(seed + ((1 << 128) | index // 32).to_bytes(32, "big"))
    assert watermark_codes(seed, length).view(np.uint8)[index] == digest[31 - index % 32]


@pytest.mark.parametrize("source", SOURCES)
@given(seeds, st.integers(0, 500), st.integers(0, 500))
def test_shorter_is_a_prefix(source: Callable[[bytes, int], Any], seed: bytes, first: int, second: int) -> None:
    low, high = sorted((first, second))
    assert np.array_equal(source(seed, high)[:low], source(seed, low))


@pytest.mark.parametrize("source", SOURCES)
def test_all_values_are_equally_frequent(source: Callable[[bytes, int], Any]) -> None:
    """χ² with 255 degrees of freedom: beyond 380 with probability below 10^-6; the seed is fixed."""
    counts = np.bincount(source(SEED, 256_000).view(np.uint8), minlength=256)
    assert ((counts - 1000.0) ** 2 / 1000).sum() < 380


def test_sources_and_seeds_differ() -> None:
    other = bytes([SEED[0] ^ 1]) + SEED[1:]
    drawn = [source(seed, 64).tobytes() for source in SOURCES for seed in (SEED, other)]
    assert len(set(drawn)) == 4


def test_requests_to_hash_drbg_are_full() -> None:
    """Pinned: beyond 2^16 codes a second request follows, with a state of its own."""
    codes = hash_drbg_codes(SEED, 2**16 + 5)
    assert len(codes) == 2**16 + 5
    assert np.array_equal(codes[: 2**16], hash_drbg_codes(SEED, 2**16))
    assert not np.array_equal(codes[2**16 :], codes[:5])


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("length", [-1, MAX_CODES + 1, 2**63, 3.0, True, "3"])
def test_wrong_length(source: Callable[[bytes, Any], Any], length: Any) -> None:
    with pytest.raises(InputError) as caught:
        source(SEED, length)
    assert str(caught.value) == f"the number of codes is out of range; expected 0 to {MAX_CODES}; got {length}"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("seed", [b"", bytes(4), bytes(31), bytes(33)])
def test_wrong_seed(source: Callable[[bytes, int], Any], seed: bytes) -> None:
    with pytest.raises(InputError) as caught:
        source(seed, 5)
    assert str(caught.value) == f"a seed has the wrong length; expected 32 bytes; got {len(seed)}"
