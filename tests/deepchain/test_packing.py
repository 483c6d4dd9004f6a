"""Packing: sums of packed vectors are packed sums, for every width; what overflows is noticed or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.crypto.paillier import decrypt_with_order
from pyml.deepchain.packing import Packing
from pyml.errors import InputError, IntegrityError
from tests.crypto.insecure_group import insecure_group

DEFAULT = Packing(16, 10, 2048)


def rows(packing: Packing, length: int, parties: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, 1 << packing.value_bits, (parties, length), dtype=np.int64)


def test_the_default_takes_102_values_a_ciphertext() -> None:
    assert (DEFAULT.slot_bits, DEFAULT.slots) == (20, 102)
    assert DEFAULT.count(100_000) == 981
    assert DEFAULT.count(252_398) == 2_475


@given(
    bits=st.integers(1, 40),
    parties=st.integers(1, 32),
    guard=st.integers(0, 9),
    length=st.integers(1, 300),
    modulus=st.sampled_from([1024, 2048, 3072]),
    seed=st.integers(0, 2**32),
)
def test_packed_sums_unpack_to_sums(bits: int, parties: int, guard: int, length: int, modulus: int, seed: int) -> None:
    packing = Packing(bits, parties, modulus, guard)
    values = rows(packing, length, parties, seed)
    values[:, 0] = (1 << bits) - 1
    plaintexts = [packing.pack(row, length=length) for row in values]
    sums = [sum(column) for column in zip(*plaintexts, strict=True)]
    assert all(total < 1 << (modulus - 1) for total in sums)
    assert (packing.unpack(sums, length=length) == values.sum(axis=0)).all()


def test_slot_zero_is_lowest() -> None:
    packing = Packing(4, 2, 1024)
    assert packing.pack(np.array([1, 2, 3]), length=3) == [1 | 2 << 5 | 3 << 10]


def test_encrypted_sums_are_the_sums() -> None:
    group = insecure_group()
    packing, order = Packing(16, 4, 1024), (group.p // 2) * (group.q // 2)
    values = rows(packing, 100, 4, 1)
    product = [1, 1]
    for row in values:
        made = group.encryptor.encrypt(packing.pack(row, length=100)).ciphertexts
        product = [left * right for left, right in zip(product, made, strict=True)]
    plain = [decrypt_with_order(group.key.public, value, order) for value in product]
    assert (packing.unpack(plain, length=100) == values.sum(axis=0)).all()


@pytest.mark.parametrize("length", [0, 1, 99, 101])
def test_updates_of_the_wrong_size_are_refused(length: int) -> None:
    with pytest.raises(InputError, match=r"^an update has the wrong size; expected 100 whole numbers"):
        DEFAULT.pack(np.ones(length, dtype=np.int64), length=100)


@pytest.mark.parametrize("bad", [-1, 65536, 2**40, -(2**63)])
def test_values_that_do_not_fit_are_refused(bad: int) -> None:
    values = np.zeros(10, dtype=np.int64)
    values[7] = bad
    with pytest.raises(InputError, match=r"^a value does not fit its slot; expected 0 to 2\^16 - 1$"):
        DEFAULT.pack(values, length=10)


def test_fractions_are_refused() -> None:
    with pytest.raises(InputError, match=r"^an update has the wrong size"):
        DEFAULT.pack(np.ones(3), length=3)  # pyright: ignore[reportArgumentType]


def test_a_value_that_runs_over_the_last_slot_is_noticed() -> None:
    with pytest.raises(IntegrityError, match=r"^plaintext 1 overflowed"):
        DEFAULT.unpack([0, 1 << 2040], length=204)


@pytest.mark.parametrize("slot", [2, 3, 101])
def test_a_value_in_an_unused_slot_is_noticed(slot: int) -> None:
    with pytest.raises(IntegrityError, match=r"^an unused slot overflowed"):
        DEFAULT.unpack([1 << 20 * slot], length=2)


def test_a_neighbours_overflow_shows_in_the_sum() -> None:
    """What a dishonest party can do: slot 0 spoils slot 1 by one, and nothing here can tell."""
    assert DEFAULT.unpack([1 << 20], length=2).tolist() == [0, 1]


@pytest.mark.parametrize("count", [0, 2])
def test_another_number_of_plaintexts_is_refused(count: int) -> None:
    with pytest.raises(InputError, match=r"^there are too few or too many plaintexts; expected 1$"):
        DEFAULT.unpack([0] * count, length=5)


@pytest.mark.parametrize(
    ("bits", "parties", "modulus", "guard"), [(0, 2, 2048, 0), (16, 0, 2048, 0), (16, 2, 2048, -1), (60, 8, 2048, 0)]
)
def test_slots_out_of_range_are_refused(bits: int, parties: int, modulus: int, guard: int) -> None:
    with pytest.raises(InputError, match=r"^slots are out of range; expected 1 to 62 bits"):
        Packing(bits, parties, modulus, guard)


def test_a_slot_wider_than_the_modulus_is_refused() -> None:
    with pytest.raises(InputError, match=r"^a slot does not fit a plaintext"):
        Packing(16, 2, 17)
