"""Keys and shares as bytes: round trips, and hostile ones."""

from __future__ import annotations

import pytest

from pyml.crypto.merkle import root_of
from pyml.crypto.threshold_key_codec import (
    H_PLACE,
    V_PLACE,
    decode_key,
    decode_share,
    encode_key,
    encode_share,
    key_tree,
    owns,
)
from pyml.crypto.threshold_paillier import KeyShare, deal
from pyml.errors import InputError
from tests.crypto.insecure_group import flips, insecure_group

GROUP = insecure_group()
KEY = GROUP.key
DATA = encode_key(KEY)
MARK = len(b"pyml.threshold-key.v1\n")


def test_a_key_round_trips() -> None:
    assert decode_key(DATA, allow_insecure=True) == KEY
    assert len(DATA) == MARK + 9 + 128 * (4 + 4)


def test_an_insecure_key_is_refused_unless_allowed() -> None:
    with pytest.raises(InputError, match=r"^the key is marked insecure\. "):
        decode_key(DATA)


def test_an_insecure_key_that_claims_to_be_secure_is_refused() -> None:
    with pytest.raises(InputError, match=r"^a threshold key is out of range; got 1024 bits, 4 parties$"):
        decode_key(DATA[:MARK] + b"\0" + DATA[MARK + 1 :], allow_insecure=True)


@pytest.mark.parametrize(
    "data", [b"", DATA[:-1], DATA + b"\0", DATA[: MARK + 4], b"pyml.threshold-key.v2\n" + DATA[MARK:]], ids=range(5)
)
def test_other_bytes_are_no_key(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^(not a threshold key|a threshold key has the wrong size)"):
        decode_key(data, allow_insecure=True)


def test_a_flipped_bit_gives_another_key_or_none() -> None:
    for changed in flips(DATA, step=11):
        try:
            other = decode_key(changed, allow_insecure=True)
        except InputError:
            continue
        assert other != KEY
        assert (
            key_tree(other).root != key_tree(KEY).root
            or other.threshold != KEY.threshold
            or (other.public.exponent_bits != KEY.public.exponent_bits)
        )


def test_numbers_of_the_key_are_under_its_root() -> None:
    tree = key_tree(KEY)
    for place, number in ((0, KEY.public.n_squared), (H_PLACE, KEY.public.h), (V_PLACE + 2, KEY.verification[1])):
        leaf = KEY.public.residue(number)
        assert root_of([leaf], first=place, count=9, path=tree.path(place)) == tree.root


def test_a_share_round_trips_and_is_the_keys() -> None:
    for share in GROUP.shares:
        assert decode_share(KEY, encode_share(KEY, share)) == share
        assert owns(KEY, share)


def test_a_share_that_is_not_the_dealers_is_refused() -> None:
    for false in (KeyShare(1, GROUP.shares[0].value ^ 1), KeyShare(2, GROUP.shares[0].value), KeyShare(9, 1)):
        assert not owns(KEY, false)
        with pytest.raises(InputError, match=r"^a key share does not fit its verification key"):
            decode_share(KEY, encode_share(KEY, false))


def test_a_share_of_another_key_is_refused() -> None:
    other, shares = deal(GROUP.p, GROUP.q, parties=4, threshold=3, exponent_bits=448, insecure=True)
    with pytest.raises(InputError, match=r"^a key share belongs to another key$"):
        decode_share(KEY, encode_share(other, shares[0]))


@pytest.mark.parametrize("data", [b"", b"pyml.key-share.v1\n", encode_share(KEY, GROUP.shares[0])[:-1]], ids=range(3))
def test_other_bytes_are_no_share(data: bytes) -> None:
    with pytest.raises(InputError, match=r"^not a key share of this size of key$"):
        decode_share(KEY, data)
