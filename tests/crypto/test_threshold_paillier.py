"""t shares open what t - 1 do not; false shares are noticed; groups that cannot be are refused."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.paillier import Encryptor, PublicKey
from pyml.crypto.proof_cd import encode_cd, prove_cd, verify_cd
from pyml.crypto.proof_pk import encode_pk, prove_pk, verify_pk
from pyml.crypto.threshold_key_codec import decode_key, encode_key
from pyml.crypto.threshold_paillier import (
    KeyShare,
    Opening,
    ThresholdKey,
    combine_roots,
    deal,
    decode_partials,
    encode_partials,
    lagrange,
    open_ciphertexts,
    partial_decryptions,
)
from pyml.errors import InputError, IntegrityError
from tests.crypto.insecure_group import CONTEXT, insecure_group, primes

GROUP = insecure_group()
KEY = GROUP.key
N = KEY.public.n


def opened(partials: dict[int, list[int]], ciphertexts: list[int]) -> list[int]:
    return [opening.plaintext for opening in open_ciphertexts(KEY, ciphertexts, combine_roots(KEY, partials))]


@given(a=st.integers(0, N - 1), b=st.integers(0, N - 1), chosen=st.permutations([1, 2, 3, 4]))
def test_any_threshold_of_shares_decrypts_a_product_to_the_sum(a: int, b: int, chosen: list[int]) -> None:
    first, second = GROUP.encryptor.encrypt([a, b]).ciphertexts
    product = [first * second % KEY.public.n_squared]
    partials = {index: partial_decryptions(KEY, GROUP.shares[index - 1], product) for index in chosen[:3]}
    assert opened(partials, product) == [(a + b) % N]


def test_all_choices_of_shares_give_the_same_openings() -> None:
    answers = [
        open_ciphertexts(KEY, GROUP.aggregate, combine_roots(KEY, {index: GROUP.partials[index] for index in chosen}))
        for chosen in combinations(range(1, 5), 3)
    ]
    assert all(answer == answers[0] for answer in answers)
    assert [opening.plaintext for opening in answers[0]] == GROUP.sums


def test_a_root_is_the_randomness_of_the_ciphertext_to_four_delta_squared() -> None:
    message, exponent = 77, 12345
    ciphertext = GROUP.encryptor.encrypt_with([message], [exponent])
    partials = {share.index: partial_decryptions(KEY, share, ciphertext) for share in GROUP.shares}
    (root,) = combine_roots(KEY, partials)
    assert pow(int(root), N, N) == pow(int(ciphertext[0]), 4 * 24**2, N)


def test_two_shares_of_three_needed_say_nothing_that_opens() -> None:
    partials = {index: GROUP.partials[index] for index in (1, 2)}
    with pytest.raises(
        InputError, match=r"^too few or unknown shares; expected shares of 3 of parties 1 to 4; got \[1, 2\]$"
    ):
        combine_roots(KEY, partials)
    fewer = ThresholdKey(KEY.public, 2, KEY.v, KEY.verification)  # combined all the same, with a false threshold
    with pytest.raises(IntegrityError, match=r"^a share of ciphertext 0 is false"):
        open_ciphertexts(fewer, GROUP.aggregate, combine_roots(fewer, partials))


@pytest.mark.parametrize("index", [0, 5, -1])
def test_shares_of_nobody_are_refused(index: int) -> None:
    with pytest.raises(InputError, match=r"^too few or unknown shares"):
        combine_roots(KEY, {**GROUP.partials, index: GROUP.partials[1]})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_false_share_is_noticed_at_its_place(place: int) -> None:
    false = list(GROUP.partials[2])
    false[place] = false[place] * 2 % N
    partials = {1: GROUP.partials[1], 2: false, 3: GROUP.partials[3]}
    with pytest.raises(
        IntegrityError, match=rf"^a share of ciphertext {place} is false. Check the proofs of the shares\.$"
    ):
        opened(partials, GROUP.aggregate)


def test_a_share_for_another_ciphertext_is_noticed() -> None:
    partials = {**GROUP.partials, 1: [GROUP.partials[1][1], *GROUP.partials[1][1:]]}
    with pytest.raises(IntegrityError, match=r"^a share of ciphertext 0 is false"):
        opened(partials, GROUP.aggregate)


def test_shares_under_anothers_number_are_noticed() -> None:
    partials = {1: GROUP.partials[1], 2: GROUP.partials[3], 3: GROUP.partials[2]}
    with pytest.raises(IntegrityError, match=r"^a share of ciphertext 0 is false"):
        opened(partials, GROUP.aggregate)


def test_rows_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match=r"^shares are of different length; got \[2, 3, 3\]$"):
        combine_roots(KEY, {**GROUP.partials, 1: GROUP.partials[1][:2]})
    with pytest.raises(InputError, match=r"^each ciphertext needs a root; expected 3; got 2$"):
        open_ciphertexts(KEY, GROUP.aggregate, [1, 1])


def test_shares_as_bytes_round_trip() -> None:
    data = encode_partials(KEY, GROUP.partials[1])
    assert len(data) == 3 * 128
    assert decode_partials(KEY, data, count=3) == GROUP.partials[1]


@pytest.mark.parametrize("bad", [0, N, N + 1, GROUP.p, GROUP.q])
def test_shares_that_are_not_invertible_are_refused(bad: int) -> None:
    data = bad.to_bytes(128, "big") + encode_partials(KEY, GROUP.partials[1][1:])
    with pytest.raises(InputError, match=r"^share 0 is not invertible below its modulus$"):
        decode_partials(KEY, data, count=3)


def test_shares_of_the_wrong_size_are_refused() -> None:
    with pytest.raises(InputError, match=r"^a vector of shares has the wrong size; expected 384 bytes; got 383$"):
        decode_partials(KEY, encode_partials(KEY, GROUP.partials[1])[:-1], count=3)


@pytest.mark.parametrize(
    ("parties", "threshold", "problem"),
    [
        (1, 1, "the number of parties is out of range"),
        (0, 0, "the number of parties is out of range"),
        (33, 2, "the number of parties is out of range"),
        (4, 5, "the threshold is out of range"),
        (4, 1, "the threshold is out of range"),
        (4, -1, "the threshold is out of range"),
    ],
)
def test_groups_that_cannot_be_are_refused(parties: int, threshold: int, problem: str) -> None:
    with pytest.raises(InputError, match=f"^{problem}"):
        deal(GROUP.p, GROUP.q, parties=parties, threshold=threshold, exponent_bits=448, insecure=True)


@pytest.mark.parametrize(
    ("p", "q"), [(GROUP.p, GROUP.p), (GROUP.p, GROUP.q + 2), (GROUP.p - 2, GROUP.q), (GROUP.p, 23), (5, 11)]
)
def test_a_dealer_takes_two_different_safe_primes_only(p: int, q: int) -> None:
    with pytest.raises(InputError, match=r"^a threshold key needs two different safe primes of one length$"):
        deal(p, q, parties=4, threshold=3, exponent_bits=448, insecure=True)


def test_two_parties_with_one_key_are_refused() -> None:
    with pytest.raises(InputError, match=r"^two parties have the same key"):
        ThresholdKey(KEY.public, 3, KEY.v, (*KEY.verification[:3], KEY.verification[0]))


@pytest.mark.parametrize("bad", [0, GROUP.p, N])
def test_a_verification_key_that_is_not_invertible_is_refused(bad: int) -> None:
    with pytest.raises(InputError, match=r"^verification key 4 is not invertible below its modulus$"):
        ThresholdKey(KEY.public, 3, KEY.v, (*KEY.verification[:3], bad))


def test_the_largest_group_has_exponents_of_256_bits() -> None:
    public = PublicKey(N, KEY.public.h, insecure=True)
    key = ThresholdKey(public, 2, KEY.v, tuple(pow(int(KEY.v), place, N) for place in range(2, 34)))
    assert key.parties == 32
    assert key.opening_exponent.bit_length() <= 256


def test_lagrange_coefficients_are_whole_and_recover_a_polynomial() -> None:
    for chosen in combinations(range(1, 7), 4):
        values = {index: 11 + 5 * index - 3 * index**2 + index**3 for index in chosen}
        total = sum(lagrange(index, chosen, 720) * value for index, value in values.items())
        assert total == 720 * 11


def test_a_share_shows_its_place_only() -> None:
    assert repr(GROUP.shares[1]) == "KeyShare(index=2)"
    assert repr([KeyShare(3, 123456)]) == "[KeyShare(index=3)]"
    assert Opening(1, 2) == Opening(1, 2)


@pytest.mark.parametrize(("bits", "sizes"), [(1024, (512, 858, 256, 803)), (1536, (768, 1242, 384, 1187))])
def test_secure_lengths_work_and_have_the_documented_sizes(bits: int, sizes: tuple[int, int, int, int]) -> None:
    key, shares = deal(*primes(bits), parties=10, threshold=2, exponent_bits=448)
    made = Encryptor(key.public).encrypt([123, 456])
    pk = prove_pk(key, made, [123, 456], context=CONTEXT)
    assert verify_pk(key, made.ciphertexts, pk, context=CONTEXT)
    partials = {share.index: partial_decryptions(key, share, made.ciphertexts) for share in shares[4:6]}
    cd = prove_cd(key, shares[4], made.ciphertexts, partials[5], context=CONTEXT)
    assert verify_cd(key, 5, made.ciphertexts, partials[5], cd, context=CONTEXT)
    openings = open_ciphertexts(key, made.ciphertexts, combine_roots(key, partials))
    assert [opening.plaintext for opening in openings] == [123, 456]
    assert decode_key(encode_key(key)) == key
    lengths = key.public.residue_bytes, len(encode_pk(key.public, pk)), key.public.width, len(encode_cd(key, cd))
    assert lengths == sizes
