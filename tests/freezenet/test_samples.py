"""Sets of samples: there and back, sealed, and everything that is none."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.merkle import root_of
from pyml.errors import DatasetError
from pyml.freezenet.samples import SALT_BYTES, SampleSet, decode_samples, require_root, seal_of

INPUTS = np.arange(-6, 6, dtype=np.int8).reshape(4, 3)
LABELS = np.array([0, 1, 300, 65535])


def test_a_leaf_is_inputs_label_and_salt() -> None:
    samples = SampleSet(INPUTS, LABELS, tuple(bytes([i]) * SALT_BYTES for i in range(4)))
    assert samples.leaves[2] == bytes([0, 1, 2]) + (300).to_bytes(2, "big") + bytes([2]) * 32
    assert root_of(samples.leaves, first=0, count=4, path=()) == samples.tree.root
    assert SampleSet.plain(INPUTS, LABELS).leaves[2] == bytes([0, 1, 2]) + (300).to_bytes(2, "big")


@given(st.integers(1, 9), st.integers(1, 5), st.booleans(), st.integers(0, 2**32))
def test_there_and_back(count: int, width: int, salted: bool, draw: int) -> None:
    rng = np.random.default_rng(draw)
    inputs = rng.integers(-128, 128, (count, width), dtype=np.int8)
    make = SampleSet.salted if salted else SampleSet.plain
    samples = make(inputs, rng.integers(0, 65536, count))
    again = decode_samples(samples.content)
    assert (again.leaves, again.digest, again.tree.root) == (samples.leaves, samples.digest, samples.tree.root)
    assert np.array_equal(again.inputs, samples.inputs)
    assert np.array_equal(again.labels, samples.labels)


def test_salts_are_fresh_and_hide_the_samples() -> None:
    first, second = (SampleSet.salted(INPUTS, LABELS) for _ in range(2))
    assert len({*first.salts, *second.salts}) == 8
    assert first.seal != second.seal
    assert first.tree.root != second.tree.root


def test_the_seal_is_the_contracts_and_its_salt_the_digest() -> None:
    samples = SampleSet.salted(INPUTS, LABELS)
    digest = bytes.fromhex(samples.digest)
    assert samples.seal == keccak(encode(["bytes32", "bytes32"], [samples.tree.root, digest]))
    assert samples.seal == seal_of(samples.tree.root, digest)


@given(st.data())
def test_a_flipped_bit_gives_another_root_or_no_set(data: st.DataObject) -> None:
    samples = SampleSet.salted(INPUTS, LABELS)
    raw = bytearray(samples.content)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(DatasetError):
        require_root(decode_samples(bytes(raw)), samples.tree.root, what="test set")


def test_a_wrong_checksum_is_named() -> None:
    samples = SampleSet.plain(INPUTS, LABELS)
    with pytest.raises(DatasetError, match="the training set has a wrong checksum; expected 0x0000"):
        require_root(samples, bytes(32), what="training set")


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "too short"),
        (b"FZNSET02" + struct.pack(">IIB", 1, 1, 0) + bytes(3), "header is malformed"),
        (b"FZNSET01" + struct.pack(">IIB", 0, 1, 0), "header is malformed"),
        (b"FZNSET01" + struct.pack(">IIB", 2**32 - 1, 1, 0), "header is malformed"),
        (b"FZNSET01" + struct.pack(">IIB", 1, 0, 0) + bytes(2), "header is malformed"),
        (b"FZNSET01" + struct.pack(">IIB", 1, 1, 31) + bytes(34), "header is malformed"),
        (b"FZNSET01" + struct.pack(">IIB", 1, 1, 0) + bytes(4), "wrong length; expected 20 bytes; got 21"),
        (b"FZNSET01" + struct.pack(">IIB", 1, 2**32 - 1, 32) + bytes(40), "wrong length"),
    ],
)
def test_what_is_no_set(raw: bytes, problem: str) -> None:
    with pytest.raises(DatasetError, match=problem):
        decode_samples(raw)


@pytest.mark.parametrize(
    ("labels", "salts", "problem"),
    [
        (np.array([0, 1, 2]), (b"",) * 3, "do not fit"),
        (np.array([0, 1, 2, 65536]), (b"",) * 4, "label is out of range"),
        (np.array([0, 1, 2, -1]), (b"",) * 4, "label is out of range"),
        (LABELS, (b"",) * 3, "salt of its own"),
        (LABELS, (b"x",) * 4, "salt of its own"),
        (LABELS, (b"", b"", b"", bytes(32)), "some are not"),
    ],
)
def test_samples_that_do_not_fit(
    labels: np.ndarray[tuple[int], np.dtype[np.int64]], salts: tuple[bytes, ...], problem: str
) -> None:
    with pytest.raises(DatasetError, match=problem):
        SampleSet(INPUTS, labels, salts)
