"""The paper's own threshold scheme, against the other one on the same ciphertexts."""

from __future__ import annotations

from itertools import combinations

import pytest

from pyml.crypto.fouque_poupard_stern import combine_squared, deal_squared, squared_partials
from pyml.errors import InputError, IntegrityError
from tests.crypto.insecure_group import insecure_group

GROUP = insecure_group()
PUBLIC = GROUP.key.public
KEY, SHARES = deal_squared(PUBLIC, GROUP.p, GROUP.q, parties=4, threshold=3)
PARTIALS = {share.index: squared_partials(KEY, share, GROUP.aggregate) for share in SHARES}


def test_any_threshold_of_shares_decrypts_to_the_sums() -> None:
    for chosen in combinations(range(1, 5), 3):
        assert combine_squared(KEY, {index: PARTIALS[index] for index in chosen}) == GROUP.sums


def test_fewer_shares_and_unknown_ones_are_refused() -> None:
    with pytest.raises(InputError, match=r"^too few or unknown shares"):
        combine_squared(KEY, {1: PARTIALS[1], 2: PARTIALS[2]})
    with pytest.raises(InputError, match=r"^too few or unknown shares"):
        combine_squared(KEY, {**PARTIALS, 5: PARTIALS[1]})


def test_a_false_share_is_noticed() -> None:
    false = [PARTIALS[1][0], PARTIALS[1][1] * 3 % PUBLIC.n_squared, PARTIALS[1][2]]
    with pytest.raises(IntegrityError, match=r"^a share of ciphertext 1 is false$"):
        combine_squared(KEY, {**PARTIALS, 1: false})


@pytest.mark.parametrize("p", [GROUP.p + 2, GROUP.q])
def test_other_primes_than_the_keys_are_refused(p: int) -> None:
    with pytest.raises(InputError, match=r"^the primes are not those of the key$"):
        deal_squared(PUBLIC, p, GROUP.q, parties=4, threshold=3)


def test_groups_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"^the threshold is out of range"):
        deal_squared(PUBLIC, GROUP.p, GROUP.q, parties=4, threshold=5)
