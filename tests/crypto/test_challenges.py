"""Challenges: fixed by their seed, of 128 bits, and what a contract computes."""

from __future__ import annotations

import pytest
from eth_abi.packed import encode_packed
from eth_utils.crypto import keccak

from pyml.crypto.challenges import challenges, domain, first_bits, require_context, seed_of, word
from pyml.errors import InputError

SEED = bytes(range(32))


def test_challenges_are_hashes_of_seed_and_place() -> None:
    for place, challenge in enumerate(challenges(SEED, 5)):
        packed = encode_packed(["bytes32", "uint256"], [SEED, place])
        assert challenge == int.from_bytes(keccak(packed), "big") >> 128


def test_more_challenges_begin_with_the_same_ones() -> None:
    assert challenges(SEED, 9)[:4] == challenges(SEED, 4)
    assert challenges(SEED, 0) == []
    assert len({*challenges(SEED, 200), *challenges(bytes(32), 200)}) == 400


def test_a_challenge_is_the_beginning_of_a_digest() -> None:
    assert first_bits(b"\xff" * 16 + bytes(16)) == 2**128 - 1
    assert first_bits(bytes(16) + b"\xff" * 16) == 0


def test_a_seed_depends_on_all_parts_and_a_domain_on_its_name() -> None:
    assert seed_of(b"a", b"b") == keccak(b"ab")
    assert domain("pyml.deepchain.proof-pk.v1") == keccak(text="pyml.deepchain.proof-pk.v1")


@pytest.mark.parametrize("number", [-1, 2**256])
def test_numbers_that_are_no_word_are_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        word(number)


def test_a_context_has_32_bytes() -> None:
    assert require_context(SEED) == SEED
    with pytest.raises(InputError, match=r"^a proof's context has the wrong length"):
        require_context(SEED[:-1])
