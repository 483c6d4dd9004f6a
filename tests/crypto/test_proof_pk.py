"""Proof_PK: right ones pass; every bit counts; what the paper's form or a shortened one would let through does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.paillier import Encrypted
from pyml.crypto.proof_pk import ProofPK, decode_pk, encode_pk, prove_pk, verify_pk
from pyml.errors import InputError, ProofError
from tests.crypto.insecure_group import CONTEXT, OTHER_CONTEXT, flips, insecure_group

GROUP = insecure_group()
KEY, PUBLIC = GROUP.key, GROUP.key.public
N, N_SQUARED = PUBLIC.n, PUBLIC.n_squared
ROW = GROUP.encrypted[0]
PROOF = prove_pk(KEY, ROW, GROUP.plaintexts[0], context=CONTEXT)
DATA = encode_pk(PUBLIC, PROOF)


def holds(proof: ProofPK, ciphertexts: tuple[int, ...] = ROW.ciphertexts, context: bytes = CONTEXT) -> bool:
    return verify_pk(KEY, ciphertexts, proof, context=context)


@settings(max_examples=10)
@given(st.lists(st.integers(0, N - 1), min_size=1, max_size=9))
def test_a_proof_for_any_vector_holds_there_and_for_no_other(messages: list[int]) -> None:
    made = GROUP.encryptor.encrypt(messages)
    proof = prove_pk(KEY, made, messages, context=CONTEXT)
    assert verify_pk(KEY, made.ciphertexts, proof, context=CONTEXT)
    assert not verify_pk(KEY, (*made.ciphertexts, made.ciphertexts[0]), proof, context=CONTEXT)
    assert not verify_pk(KEY, made.ciphertexts[1:], proof, context=CONTEXT)


def test_a_proof_has_a_fixed_length_and_round_trips() -> None:
    assert len(DATA) == 256 + 128 + 90
    assert decode_pk(PUBLIC, DATA) == PROOF


def test_a_flipped_bit_of_the_proof_is_refused() -> None:
    for changed in flips(DATA, step=7):
        try:
            proof = decode_pk(PUBLIC, changed)
        except InputError:
            continue
        assert not holds(proof)


def test_a_flipped_bit_of_a_ciphertext_is_refused() -> None:
    for changed in flips(PUBLIC.encode(ROW.ciphertexts), step=101):
        values = [int.from_bytes(changed[start : start + 256], "big") for start in (0, 256, 512)]
        assert not holds(PROOF, tuple(values))


def test_a_flipped_bit_of_the_context_is_refused() -> None:
    assert holds(PROOF)
    for changed in flips(CONTEXT):
        assert not holds(PROOF, context=changed)


def test_ciphertexts_in_another_order_are_refused() -> None:
    assert not holds(PROOF, ROW.ciphertexts[::-1])


def test_a_copied_or_multiplied_ciphertext_has_no_proof() -> None:
    """Mauling: whoever doubles another's plaintext cannot carry the proof over."""
    doubled = tuple(value * value % N_SQUARED for value in ROW.ciphertexts)
    assert not holds(PROOF, doubled)
    assert not holds(ProofPK(int(PROOF.a**2 % N_SQUARED), 2 * PROOF.z1 % N, 2 * PROOF.z2), doubled)


def test_another_key_is_refused() -> None:
    other = replace(KEY, verification=KEY.verification[::-1])  # same n and h
    assert not verify_pk(other, ROW.ciphertexts, PROOF, context=CONTEXT)


def test_zero_equals_zero_is_refused() -> None:
    """a = 0 with a ciphertext 0, and the same for multiples of n, satisfy the equation."""
    for zero in (0, N):
        proof = replace(PROOF, a=zero)
        assert not holds(proof, (zero, *ROW.ciphertexts[1:]))
        with pytest.raises(InputError, match=r"^a Proof_PK is out of range"):
            decode_pk(PUBLIC, PUBLIC.residue(zero) + DATA[256:])


def test_responses_that_are_not_reduced_are_refused() -> None:
    assert not holds(replace(PROOF, z1=PROOF.z1 + N))
    with pytest.raises(InputError, match=r"^a Proof_PK is out of range"):
        decode_pk(PUBLIC, DATA[:256] + N.to_bytes(128, "big") + DATA[384:])
    assert not holds(replace(PROOF, z2=PROOF.z2 + 2**720))


@pytest.mark.parametrize("change", [-1, 1])
def test_other_lengths_are_refused(change: int) -> None:
    with pytest.raises(InputError, match=r"^a Proof_PK has the wrong length; expected 474; got"):
        decode_pk(PUBLIC, (DATA + b"\0")[: 474 + change])


def test_a_prover_who_does_not_know_a_plaintext_is_refused() -> None:
    """Wrong message or exponent for the first ciphertext: the honest algorithm then makes a false proof."""
    wrong = [GROUP.plaintexts[0][0] ^ 1, *GROUP.plaintexts[0][1:]]
    assert not holds(prove_pk(KEY, ROW, wrong, context=CONTEXT))
    shifted = Encrypted(ROW.ciphertexts, (ROW.exponents[0] ^ 1, *ROW.exponents[1:]))
    assert not holds(prove_pk(KEY, shifted, GROUP.plaintexts[0], context=CONTEXT))


def test_a_challenge_chosen_first_forges_only_if_nobody_hashes() -> None:
    """The simulator of the zero-knowledge argument: it fits the equation, and not the oracle."""
    a = (1 + N * 5) * pow(int(PUBLIC.h), 9, N_SQUARED) % N_SQUARED
    for value in ROW.ciphertexts:
        a = a * pow(int(value), 3, N_SQUARED) % N_SQUARED
    assert not holds(ProofPK(int(a), 5, 9))


def test_proofs_of_nothing_and_of_mismatched_rows_are_refused() -> None:
    with pytest.raises(ProofError, match=r"^a vector is of the wrong length; expected 1 to 65536 ciphertexts; got 0$"):
        prove_pk(KEY, Encrypted((), ()), [], context=CONTEXT)
    with pytest.raises(ProofError, match=r"^plaintexts, exponents and ciphertexts are of different number$"):
        prove_pk(KEY, ROW, GROUP.plaintexts[0][:2], context=CONTEXT)
    assert not holds(PROOF, ())


def test_no_proof_repeats_its_mask() -> None:
    assert prove_pk(KEY, ROW, GROUP.plaintexts[0], context=OTHER_CONTEXT).a != PROOF.a


def test_a_shortened_exponentiation_could_be_forged() -> None:
    """Why no Wesolowski proof is used: a result off by a known (1+n)^j passes its check, for any prime."""
    base, exponent, prime, j = PUBLIC.h, 2**400 + 7, 2**127 - 1, 5
    true = pow(int(base), exponent, N_SQUARED)
    quotient = pow(int(base), exponent // prime, N_SQUARED)
    rest = pow(int(base), exponent % prime, N_SQUARED)
    assert pow(quotient, prime, N_SQUARED) * rest % N_SQUARED == true
    false = true * (1 + N * j) % N_SQUARED
    forged = quotient * (1 + N * (j * pow(prime, -1, N) % N)) % N_SQUARED
    assert pow(int(forged), prime, N_SQUARED) * rest % N_SQUARED == false != true


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_context_is_a_digest(length: int) -> None:
    with pytest.raises(InputError, match=rf"^a proof's context has the wrong length; expected 32 bytes; got {length}$"):
        holds(PROOF, context=bytes(length))
