"""Openings of a vector: right ones pass, and a change of any of them does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.openings import verify_openings
from pyml.crypto.threshold_paillier import Opening, combine_roots, open_ciphertexts
from tests.crypto.insecure_group import insecure_group

GROUP = insecure_group()
KEY = GROUP.key
N = KEY.public.n
OPENINGS = open_ciphertexts(KEY, GROUP.aggregate, combine_roots(KEY, GROUP.partials))


def with_(place: int, opening: Opening) -> list[Opening]:
    return [*OPENINGS[:place], opening, *OPENINGS[place + 1 :]]


def test_right_openings_pass() -> None:
    assert verify_openings(KEY, GROUP.aggregate, OPENINGS)
    assert verify_openings(KEY, GROUP.aggregate[1:], OPENINGS[1:])


@given(place=st.integers(0, 2), bit=st.integers(0, 1022))
def test_a_flipped_bit_of_a_plaintext_is_refused(place: int, bit: int) -> None:
    false = replace(OPENINGS[place], plaintext=OPENINGS[place].plaintext ^ 1 << bit)
    assert not verify_openings(KEY, GROUP.aggregate, with_(place, false))


@given(place=st.integers(0, 2), bit=st.integers(0, 1022))
def test_a_flipped_bit_of_a_root_is_refused(place: int, bit: int) -> None:
    false = replace(OPENINGS[place], root=OPENINGS[place].root ^ 1 << bit)
    assert not verify_openings(KEY, GROUP.aggregate, with_(place, false))


def test_errors_that_cancel_are_refused() -> None:
    """The sum of all plaintexts is unchanged; only different factors can tell."""
    false = [
        replace(OPENINGS[0], plaintext=(OPENINGS[0].plaintext + 1) % N),
        replace(OPENINGS[1], plaintext=(OPENINGS[1].plaintext - 1) % N),
        OPENINGS[2],
    ]
    assert not verify_openings(KEY, GROUP.aggregate, false)
    assert not verify_openings(KEY, GROUP.aggregate, [OPENINGS[1], OPENINGS[0], OPENINGS[2]])


def test_a_root_may_be_off_by_a_square_root_of_one_which_changes_no_plaintext() -> None:
    negated = replace(OPENINGS[0], root=N - OPENINGS[0].root)
    assert verify_openings(KEY, GROUP.aggregate, with_(0, negated))


@pytest.mark.parametrize("root", [0, N, N + 1, -1, GROUP.p])
def test_roots_out_of_range_are_refused(root: int) -> None:
    assert not verify_openings(KEY, GROUP.aggregate, with_(1, Opening(OPENINGS[1].plaintext, root)))


def test_a_plaintext_that_is_not_reduced_is_refused() -> None:
    unreduced = replace(OPENINGS[1], plaintext=OPENINGS[1].plaintext + N)
    assert not verify_openings(KEY, GROUP.aggregate, with_(1, unreduced))


def test_as_many_openings_as_ciphertexts_are_needed() -> None:
    assert not verify_openings(KEY, GROUP.aggregate, OPENINGS[:2])


def test_openings_of_another_vector_are_refused() -> None:
    assert not verify_openings(KEY, GROUP.encrypted[0].ciphertexts, OPENINGS)
