"""Segwit addresses: the lists of BIP-173 and BIP-350, every changed character, and hostile text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bitcoin import segwit_addr
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bech32 import ALPHABET, decode_witness, encode_witness
from pyml.errors import InputError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys_addresses.json").read_text(encoding="utf-8"))
ADDRESS = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"


def programs() -> st.SearchStrategy[tuple[int, bytes]]:
    zero = st.tuples(
        st.just(0), st.sampled_from([20, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
    )
    return zero | st.tuples(st.integers(1, 16), st.binary(min_size=2, max_size=40))


@pytest.mark.parametrize("vector", VECTORS["segwit_valid"], ids=lambda vector: vector["address"])
def test_published_addresses(vector: dict[str, str]) -> None:
    prefix = vector["address"][:2].lower()
    version, program = decode_witness(prefix, vector["address"])
    assert bytes([0x50 + version if version else 0, len(program)]) + program == bytes.fromhex(vector["script"])
    assert encode_witness(prefix, version, program) == vector["address"].lower()


@pytest.mark.parametrize(
    "vector", VECTORS["segwit_invalid"], ids=lambda vector: f"{vector['address']} {vector['reason']}"
)
def test_published_forgeries(vector: dict[str, str]) -> None:
    for prefix in ("bc", "tb"):
        with pytest.raises(InputError):
            decode_witness(prefix, vector["address"])


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut", "a text is not a segwit address of this"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "a segwit address has a wrong checksum"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "a segwit address has a wrong checksum"),
        ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "a segwit address has a foreign character"),
        ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "a witness version is out of range"),
        ("bc1pw5dgrnzv", "a witness program has the wrong length; expected 2 to 40 bytes; got 1"),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "a witness program has the wrong length; expected 20 or 32 bytes"),
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "a segwit address has wrong padding"),
        ("bc1gmk9yu", "a segwit address is too short"),
        (ADDRESS[:-1] + "T4", "a segwit address mixes upper and lower case, or is not ASCII"),
        (ADDRESS + "é", "a segwit address mixes upper and lower case, or is not ASCII"),
        (ADDRESS.replace("bc1", "bc１"), "a segwit address mixes upper and lower case, or is not ASCII"),
        ("", "a text is not a segwit address of this network; expected bc1…"),
        (ADDRESS[2:], "a text is not a segwit address of this network; expected bc1…"),
        ("q" * 10**7, "a segwit address is too long; expected at most 90 characters; got 10000000"),
    ],
)
def test_the_reason_is_told(address: str, problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        decode_witness("bc", address)
    assert str(refusal.value).startswith(problem)


def test_padding_bits_must_be_zero() -> None:
    with pytest.raises(InputError, match=r"a segwit address has wrong padding; expected at most 4 bits, all zero"):
        decode_witness("tb", "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j")


@given(programs(), st.sampled_from(["bc", "tb"]))
def test_every_program_round_trips(witness: tuple[int, bytes], prefix: str) -> None:
    address = encode_witness(prefix, *witness)
    assert decode_witness(prefix, address) == witness
    assert decode_witness(prefix, address.upper()) == witness
    with pytest.raises(InputError, match=r"a text is not a segwit address of this network"):
        decode_witness("tb" if prefix == "bc" else "bc", address)


def test_every_changed_character_is_noticed() -> None:
    for place in range(3, len(ADDRESS)):
        for other in ALPHABET.replace(ADDRESS[place], ""):
            with pytest.raises(InputError, match=r"a segwit address has a wrong checksum"):
                decode_witness("bc", ADDRESS[:place] + other + ADDRESS[place + 1 :])


@given(programs(), st.data())
def test_up_to_four_changed_characters_are_noticed(witness: tuple[int, bytes], data: st.DataObject) -> None:
    address = encode_witness("bc", *witness)
    places = data.draw(st.sets(st.integers(3, len(address) - 1), min_size=1, max_size=4))
    changed = list(address)
    for place in places:
        changed[place] = data.draw(st.sampled_from(ALPHABET.replace(changed[place], "")))
    with pytest.raises(InputError):  # the version may have changed too, and with it the reason
        decode_witness("bc", "".join(changed))


def test_the_weakness_of_bech32_is_closed_for_later_versions() -> None:
    """BIP-350: before a final "p", bech32 does not notice an inserted "q"."""
    for length in range(2, 41):
        address = encode_witness("bc", 1, bytes(length))
        with pytest.raises(InputError):
            decode_witness("bc", address[:-1] + "q" + address[-1])


@pytest.mark.parametrize(
    ("version", "program", "problem"),
    [
        (17, bytes(20), "a witness version is out of range; expected 0 to 16; got 17"),
        (-1, bytes(20), "a witness version is out of range; expected 0 to 16; got -1"),
        (0, bytes(21), "a witness program has the wrong length; expected 20 or 32 bytes; got 21"),
        (0, b"", "a witness program has the wrong length; expected 20 or 32 bytes; got 0"),
        (1, bytes(1), "a witness program has the wrong length; expected 2 to 40 bytes; got 1"),
        (1, bytes(41), "a witness program has the wrong length; expected 2 to 40 bytes; got 41"),
    ],
)
def test_what_has_no_address_is_refused(version: int, program: bytes, problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        encode_witness("bc", version, program)
    assert str(refusal.value) == problem


def test_agrees_with_another_implementation() -> None:
    """python-bitcoinlib knows version 0 only; of later ones BIP-350's own examples are above."""
    other: Any = segwit_addr
    for prefix, program in (("bc", bytes(range(20))), ("tb", bytes(range(32))), ("bc", b"\xff" * 20)):
        assert encode_witness(prefix, 0, program) == other.encode(prefix, 0, list(program))
