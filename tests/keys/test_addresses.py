"""Addresses against five other implementations and published examples; every changed character is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.base58 import ALPHABET, encode_check
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import InputError
from pyml.keys.addresses import (
    Network,
    _openssl_ripemd160,
    _pycryptodome_ripemd160,
    decode_ethereum,
    ethereum,
    hash160,
    p2pkh,
    p2pkh_script,
    p2sh,
    p2wpkh,
    p2wpkh_script,
    script_pubkey,
)
from tests.keys.bitcoinlib import address_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys_addresses.json").read_text(encoding="utf-8"))
ONE = SigningKey.from_secret((1).to_bytes(32, "big"))
numbers = st.integers(1, ORDER - 1)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: vector["id"])
def test_known_addresses(vector: dict[str, str]) -> None:
    key = SigningKey.from_secret(bytes.fromhex(vector["secret"]))
    assert key.public.hex() == vector["public"]
    assert key.public_uncompressed.hex() == vector["uncompressed"]
    assert p2pkh(key.public) == vector["p2pkh"]
    assert p2pkh(key.public_uncompressed) == vector["p2pkh_uncompressed"]
    assert p2pkh(key.public, Network.TESTNET) == vector["p2pkh_testnet"]
    assert p2wpkh(key.public) == vector["p2wpkh"]
    assert p2wpkh(key.public, Network.TESTNET) == vector["p2wpkh_testnet"]
    assert p2sh(p2wpkh_script(hash160(key.public))) == vector["p2sh_of_p2wpkh"]
    assert ethereum(key.public) == ethereum(key.public_uncompressed) == vector["ethereum"]


def test_the_addresses_of_one() -> None:
    assert p2pkh(ONE.public) == "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
    assert p2pkh(ONE.public_uncompressed) == "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm"
    assert ethereum(ONE.public) == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@pytest.mark.parametrize("address", VECTORS["eip55"])
def test_examples_of_eip_55(address: str) -> None:
    assert decode_ethereum(address).hex() == address[2:].lower()


@given(numbers, st.sampled_from(Network))
def test_scripts_come_back_from_addresses(number: int, network: Network) -> None:
    public = SigningKey.from_secret(number.to_bytes(32, "big")).public
    digest = hash160(public)
    assert script_pubkey(p2pkh(public, network), network) == p2pkh_script(digest)
    assert script_pubkey(p2wpkh(public, network), network) == p2wpkh_script(digest)
    assert script_pubkey(p2wpkh(public, network).upper(), network) == p2wpkh_script(digest)
    assert script_pubkey(p2sh(public, network), network) == b"\xa9\x14" + digest + b"\x87"


@given(st.binary(min_size=20, max_size=20), st.sampled_from(Network))
def test_agrees_with_python_bitcoinlib(digest: bytes, network: Network) -> None:
    for script in (p2pkh_script(digest), p2wpkh_script(digest), b"\xa9\x14" + digest + b"\x87"):
        assert script_pubkey(address_of(script, network), network) == script


@pytest.mark.parametrize("vector", VECTORS["segwit_valid"], ids=lambda vector: vector["address"])
def test_every_witness_version_can_be_paid(vector: dict[str, str]) -> None:
    network = Network.MAINNET if vector["address"].lower().startswith("bc") else Network.TESTNET
    assert script_pubkey(vector["address"], network).hex() == vector["script"]


@pytest.mark.parametrize("vector", VECTORS["segwit_invalid"], ids=lambda vector: vector["address"])
def test_forged_segwit_addresses_are_refused(vector: dict[str, str]) -> None:
    for network in Network:
        with pytest.raises(InputError):
            script_pubkey(vector["address"], network)


@pytest.mark.parametrize("make", [p2pkh, p2wpkh, p2sh])
def test_addresses_of_the_other_network_are_refused(make: Callable[[bytes, Network], str]) -> None:
    for here, there in ((Network.MAINNET, Network.TESTNET), (Network.TESTNET, Network.MAINNET)):
        with pytest.raises(InputError, match=r"is not an address of Bitcoin's|is not Base58|wrong checksum"):
            script_pubkey(make(ONE.public, there), here)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a Base58 text has a wrong checksum"),
        (encode_check(b""), "a text is not an address of Bitcoin's mainnet; expected P2PKH, P2SH or segwit"),
        (encode_check(bytes(20)), "a text is not an address of Bitcoin's mainnet"),
        (encode_check(bytes(22)), "a text is not an address of Bitcoin's mainnet"),
        (encode_check(b"\x05" + bytes(32)), "a text is not an address of Bitcoin's mainnet"),
        (encode_check(b"\x80" + bytes(31) + b"\x01\x01"), "a text is not an address of Bitcoin's mainnet"),  # a WIF key
        (encode_check(b"\x30" + bytes(20)), "a text is not an address of Bitcoin's mainnet"),  # Litecoin
        ("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", "a text is not Base58"),
    ],
)
def test_what_is_no_bitcoin_address_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        script_pubkey(text)
    assert str(refusal.value).startswith(problem)
    assert not text or text not in str(refusal.value)  # it might have been a private key


def test_every_changed_character_of_every_kind_is_refused() -> None:
    for address, alphabet in (
        (p2pkh(ONE.public), ALPHABET),
        (p2sh(b""), ALPHABET),
        (p2wpkh(ONE.public), "qpzry9x8gf2tvdw0s3jn54khce6mua7l"),
    ):
        for place, digit in enumerate(address):
            for other in alphabet.replace(digit, ""):
                with pytest.raises(InputError):
                    script_pubkey(address[:place] + other + address[place + 1 :])


def test_every_changed_case_of_an_ethereum_address_is_refused() -> None:
    address = ethereum(ONE.public)
    for place, digit in enumerate(address[2:], 2):
        if digit.isalpha():
            with pytest.raises(InputError, match=r"^not an Ethereum address"):
                decode_ethereum(address[:place] + digit.swapcase() + address[place + 1 :])


@pytest.mark.parametrize("text", ["", "0x", "0x" + "00" * 19, "0x" + "00" * 21, "00" * 20, "0x" + "0g" * 20])
def test_what_is_no_ethereum_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^not an Ethereum address"):
        decode_ethereum(text)


def test_a_segwit_address_needs_the_compressed_form() -> None:
    with pytest.raises(InputError, match=r"needs a compressed public key; expected 33 bytes; got 65$"):
        p2wpkh(ONE.public_uncompressed)


@pytest.mark.parametrize("address", [p2pkh, p2wpkh, ethereum])
@pytest.mark.parametrize("public", [b"\x02" + bytes(32), b"\x02" + b"\xff" * 32, b"\x05" + ONE.public[1:]])
def test_nothing_that_is_no_public_key_has_an_address(address: Callable[[bytes], str], public: bytes) -> None:
    with pytest.raises(InputError, match=r"^a public key (has an unknown form|is not a point of secp256k1)"):
        address(public)


@pytest.mark.parametrize("script", [p2pkh_script, p2wpkh_script])
@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_scripts_take_hashes_of_20_bytes_only(script: Callable[[bytes], bytes], length: int) -> None:
    with pytest.raises(InputError, match=rf"a public key's hash has the wrong length; expected 20 bytes; got {length}"):
        script(bytes(length))


@pytest.mark.parametrize("message", [b"", b"abc", b"message digest"])
def test_both_sources_of_ripemd160_give_its_published_digests(message: bytes) -> None:
    published = {
        b"": "9c1185a5c5e9fc54612808977ee8f548b2258d31",
        b"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
        b"message digest": "5d0689ef49d2fae572b881b123a85ffa21595f36",
    }
    assert _pycryptodome_ripemd160(message).hex() == published[message]
    if "ripemd160" in hashlib.algorithms_available:
        assert _openssl_ripemd160()(message).hex() == published[message]
