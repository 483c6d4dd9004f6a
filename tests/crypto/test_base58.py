"""Base58Check against python-bitcoinlib, every changed character, and hostile text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyml.crypto.base58 import ALPHABET, decode_check, encode_check, sha256d
from pyml.errors import InputError
from tests.keys.bitcoinlib import base58_digits

ADDRESS = "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
CHECKSUM = "^a Base58 text has a wrong checksum. A character is mistyped or missing.$"


def test_known_payload() -> None:
    assert decode_check(ADDRESS).hex() == "00751e76e8199196d454941c45d1b3a323f1433bd6"
    assert encode_check(decode_check(ADDRESS)) == ADDRESS


@given(st.binary(max_size=80))
@example(b"")
@example(bytes(40))
@example(b"\0\0\1")
@example(b"\xff" * 80)
def test_agrees_with_python_bitcoinlib(payload: bytes) -> None:
    text = encode_check(payload)
    assert text == base58_digits(payload + sha256d(payload)[:4])
    assert decode_check(text) == payload


def test_every_changed_character_is_noticed() -> None:
    for place, digit in enumerate(ADDRESS):
        for other in ALPHABET.replace(digit, ""):
            with pytest.raises(InputError, match=CHECKSUM):
                decode_check(ADDRESS[:place] + other + ADDRESS[place + 1 :])


@pytest.mark.parametrize("text", ["", "1", "11", "111", ADDRESS[:-1], ADDRESS[1:], "1" + ADDRESS, ADDRESS + "1"])
def test_missing_and_added_characters_are_noticed(text: str) -> None:
    with pytest.raises(InputError, match=CHECKSUM):
        decode_check(text)


@pytest.mark.parametrize("character", ["0", "O", "I", "l", " ", "\n", "é", "１", "\0", "-"])
def test_foreign_characters_are_refused(character: str) -> None:
    for text in (character, ADDRESS + character, character + ADDRESS, ADDRESS[:9] + character + ADDRESS[9:]):
        with pytest.raises(InputError, match=rf"^a text is not Base58; expected characters of {ALPHABET}$"):
            decode_check(text)


def test_long_text_is_refused_before_any_work() -> None:
    with pytest.raises(InputError, match=r"^a Base58 text is too long; expected at most 128 characters; got 10000000$"):
        decode_check("2" * 10**7)


def test_a_private_key_in_the_wrong_place_is_not_shown() -> None:
    wif = encode_check(b"\x80" + bytes(range(1, 33)) + b"\x01")
    with pytest.raises(InputError) as refusal:
        decode_check(wif[:-1] + "1")
    assert wif[:8] not in str(refusal.value)
