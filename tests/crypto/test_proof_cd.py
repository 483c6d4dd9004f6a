"""Proof_CD: right ones pass; every bit counts; shares of another key, ciphertext or order are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyml.crypto.proof_cd import ProofCD, decode_cd, encode_cd, prove_cd, verify_cd
from pyml.crypto.threshold_paillier import KeyShare, encode_partials, partial_decryptions
from pyml.errors import InputError, ProofError
from tests.crypto.insecure_group import CONTEXT, OTHER_CONTEXT, flips, insecure_group

GROUP = insecure_group()
KEY = GROUP.key
N = KEY.public.n
SHARE, PARTIALS = GROUP.shares[1], GROUP.partials[2]
PROOF = prove_cd(KEY, SHARE, GROUP.aggregate, PARTIALS, context=CONTEXT)
DATA = encode_cd(KEY, PROOF)


def holds(
    proof: ProofCD, *, index: int = 2, partials: list[int] | None = None, ciphertexts: list[int] | None = None
) -> bool:
    rows = PARTIALS if partials is None else partials
    return verify_cd(KEY, index, ciphertexts or GROUP.aggregate, rows, proof, context=CONTEXT)


def proved(partials: list[int], share: KeyShare = SHARE) -> ProofCD:
    """What the honest algorithm makes of shares that need not be honest."""
    return prove_cd(KEY, share, GROUP.aggregate, partials, context=CONTEXT)


def test_each_party_proves_its_shares_and_nobody_elses() -> None:
    for share in GROUP.shares:
        proof = proved(GROUP.partials[share.index], share)
        for index in GROUP.partials:
            assert holds(proof, index=index, partials=GROUP.partials[share.index]) == (index == share.index)


def test_one_share_is_proved_alike() -> None:
    proof = prove_cd(KEY, SHARE, GROUP.aggregate[:1], PARTIALS[:1], context=CONTEXT)
    assert holds(proof, partials=PARTIALS[:1], ciphertexts=GROUP.aggregate[:1])
    assert not holds(proof, partials=PARTIALS[1:2], ciphertexts=GROUP.aggregate[1:2])


def test_a_proof_has_a_fixed_length_and_round_trips() -> None:
    assert len(DATA) == 128 + 128 + 161  # 1024 + 5 bits of 4! + 256
    assert decode_cd(KEY, DATA) == PROOF


def test_a_flipped_bit_of_the_proof_is_refused() -> None:
    for changed in flips(DATA, step=7):
        try:
            proof = decode_cd(KEY, changed)
        except InputError:
            continue
        assert not holds(proof)


def test_a_flipped_bit_of_a_share_is_refused() -> None:
    for changed in flips(encode_partials(KEY, PARTIALS), step=61):
        rows = [int.from_bytes(changed[start : start + 128], "big") for start in (0, 128, 256)]
        assert not holds(PROOF, partials=rows)


def test_another_context_is_refused() -> None:
    assert not verify_cd(KEY, 2, GROUP.aggregate, PARTIALS, PROOF, context=OTHER_CONTEXT)
    for changed in flips(CONTEXT, step=5):
        assert not verify_cd(KEY, 2, GROUP.aggregate, PARTIALS, PROOF, context=changed)


def test_shares_for_another_ciphertext_are_refused() -> None:
    swapped = [PARTIALS[1], PARTIALS[0], PARTIALS[2]]
    assert not holds(proved(swapped), partials=swapped)
    of_another = partial_decryptions(KEY, SHARE, GROUP.encrypted[0].ciphertexts)
    assert not holds(proved(of_another), partials=of_another)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_false_share_among_right_ones_is_refused(place: int) -> None:
    false = list(PARTIALS)
    false[place] = false[place] * 4 % N
    assert not holds(proved(false), partials=false)


def test_errors_that_cancel_are_refused() -> None:
    false = [PARTIALS[0] * 4 % N, PARTIALS[1] * pow(4, -1, N) % N, PARTIALS[2]]
    assert not holds(proved(false), partials=false)


def test_a_share_of_low_order_off_is_accepted_and_changes_nothing() -> None:
    """-1 vanishes in the square that combining takes; the soundness argument says why it may."""
    negated = [N - PARTIALS[0], *PARTIALS[1:]]
    assert holds(proved(negated), partials=negated)


def test_an_element_of_wrong_order_is_refused() -> None:
    """A share times a number outside the squares whose square is not one."""
    outside = next(value for value in range(2, 50) if jacobi(value, GROUP.p) == -1)
    false = [PARTIALS[0] * outside % N, *PARTIALS[1:]]
    assert not holds(proved(false), partials=false)


def jacobi(value: int, prime: int) -> int:
    return 1 if pow(value, (prime - 1) // 2, prime) == 1 else -1


def test_another_key_share_is_refused() -> None:
    other = KeyShare(2, SHARE.value + 1)
    with pytest.raises(ProofError, match=r"^the shares are not of this key and of these ciphertexts$"):
        prove_cd(KEY, other, GROUP.aggregate, PARTIALS, context=CONTEXT)
    with pytest.raises(ProofError, match=r"^the shares are not of this key"):
        prove_cd(KEY, KeyShare(5, SHARE.value), GROUP.aggregate, PARTIALS, context=CONTEXT)


@pytest.mark.parametrize("index", [0, -1, 5, 1, 3])
def test_other_indices_are_refused(index: int) -> None:
    assert not holds(PROOF, index=index)


def test_numbers_that_are_not_invertible_are_refused() -> None:
    for field in ("a", "b"):
        for bad in (0, N, GROUP.p):
            assert not holds(replace(PROOF, **{field: bad}))
    for place in (0, 128):
        with pytest.raises(InputError, match=r"^a Proof_CD is out of range"):
            decode_cd(KEY, DATA[:place] + GROUP.q.to_bytes(128, "big") + DATA[place + 128 :])


def test_a_response_that_is_too_long_is_refused() -> None:
    assert not holds(replace(PROOF, r=PROOF.r + (1 << 8 * 161)))


@pytest.mark.parametrize("change", [-1, 1])
def test_other_lengths_are_refused(change: int) -> None:
    with pytest.raises(InputError, match=r"^a Proof_CD has the wrong length; expected 417; got"):
        decode_cd(KEY, (DATA + b"\0")[: 417 + change])


def test_rows_of_different_length_are_refused() -> None:
    assert not holds(PROOF, partials=PARTIALS[:2])
    assert not holds(PROOF, partials=[], ciphertexts=[])
    with pytest.raises(ProofError, match=r"^the shares are not of this key"):
        prove_cd(KEY, SHARE, GROUP.aggregate, PARTIALS[:2], context=CONTEXT)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_context_is_a_digest(length: int) -> None:
    with pytest.raises(InputError, match=rf"^a proof's context has the wrong length; expected 32 bytes; got {length}$"):
        verify_cd(KEY, 2, GROUP.aggregate, PARTIALS, PROOF, context=bytes(length))
