"""Opening together: each member opens its part once; false and damaged hints change nothing but the work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyml.crypto.big_integers import powers
from pyml.crypto.threshold_paillier import combine_roots
from pyml.deepchain.shared_opening import open_together
from pyml.errors import IntegrityError
from tests.crypto.insecure_group import insecure_group

GROUP = insecure_group()
KEY = GROUP.key
CIPHERTEXTS = [*GROUP.aggregate, *(value for row in GROUP.encrypted for value in row.ciphertexts[:2])]  # eleven
ROOTS = combine_roots(
    KEY,
    {
        share.index: [pow(int(value), 2 * KEY.delta * share.value, KEY.public.n) for value in CIPHERTEXTS]
        for share in GROUP.shares
    },
)
EXPECTED = [*GROUP.sums, *(value for row in GROUP.plaintexts for value in row[:2])]


class Shelf:
    """Hints in memory."""

    def __init__(self) -> None:
        self.held: dict[tuple[bytes, int], bytes] = {}

    def put(self, topic: bytes, number: int, content: bytes) -> bool:
        self.held[topic, number] = content
        return True

    def get(self, topic: bytes, number: int, *, size: int) -> bytes | None:
        content = self.held.get((topic, number))
        return content if content is not None and len(content) == size else None


class Counted:
    """Powers, counted."""

    def __init__(self) -> None:
        self.count = 0

    def powers(self, bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
        self.count += len(bases)
        return powers(bases, exponent, modulus)


def opened(shelf: Shelf, first: int = 0, roots: list[int] | None = None) -> tuple[list[int], int]:
    counted = Counted()
    plaintexts = open_together(KEY, CIPHERTEXTS, roots or ROOTS, shelf, first=first, list_power=counted.powers)
    return plaintexts, counted.count


def test_a_member_alone_opens_everything() -> None:
    assert opened(Shelf(), first=2) == (EXPECTED, 11)


def test_a_member_behind_another_opens_nothing() -> None:
    shelf = Shelf()
    opened(shelf)
    assert opened(shelf, first=3) == (EXPECTED, 0)


def test_members_at_once_open_the_parts_that_are_not_there() -> None:
    shelf = Shelf()
    opened(shelf)
    for key in list(shelf.held)[1:]:
        del shelf.held[key]
    assert opened(shelf, first=1) == (EXPECTED, 8)


@pytest.mark.parametrize("number", [0, 3])
def test_a_false_hint_is_found_and_mended(number: int) -> None:
    shelf = Shelf()
    opened(shelf)
    key = next(key for key in shelf.held if key[1] == number)
    right = shelf.held[key]
    shelf.held[key] = right[:-1] + bytes([right[-1] ^ 1])
    plaintexts, work = opened(shelf, first=1)
    assert plaintexts == EXPECTED
    assert 0 < work <= 3
    assert shelf.held[key] == right


def test_a_hint_of_numbers_beyond_the_modulus_is_mended() -> None:
    shelf = Shelf()
    opened(shelf)
    key = next(iter(shelf.held))
    shelf.held[key] = b"\xff" * len(shelf.held[key])
    assert opened(shelf)[0] == EXPECTED


def test_damaged_hints_are_absent_ones() -> None:
    shelf = Shelf()
    opened(shelf)
    shelf.held = {key: content[:-1] for key, content in shelf.held.items()}
    assert opened(shelf) == (EXPECTED, 11)


def test_false_shares_are_noticed_with_hints_or_without() -> None:
    false = [ROOTS[0] * 4 % KEY.public.n, *ROOTS[1:]]
    shelf = Shelf()
    opened(shelf)
    for each in (shelf, Shelf()):
        with pytest.raises(IntegrityError, match=r"^a share of ciphertext 0 is false"):
            opened(each, roots=false)


def test_one_ciphertext_is_one_part() -> None:
    shelf = Shelf()
    plaintexts = open_together(KEY, CIPHERTEXTS[:1], ROOTS[:1], shelf, first=3, list_power=powers)
    assert plaintexts == EXPECTED[:1]
    assert len(shelf.held) == 1
