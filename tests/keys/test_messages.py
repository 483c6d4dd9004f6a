"""Signed messages: published answers, eth-account and python-bitcoinlib as second opinions, and forgeries."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.bech32 import encode_witness
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import InputError
from pyml.keys.addresses import Network, ethereum, p2pkh, p2sh, p2wpkh
from pyml.keys.messages import (
    sign_bitcoin,
    sign_personal,
    sign_typed_data,
    verify_bitcoin,
    verify_personal,
    verify_typed_data,
)
from tests.keys.bitcoinlib import sign_message, signer_of, verify_message

KEY = SigningKey.from_secret(keccak(b"cow"))
OWNER = ethereum(KEY.public)
MESSAGE = "meet me at noon ☀".encode()
MAIL: dict[str, Any] = {  # the example of EIP-712
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "version", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person"},
            {"name": "contents", "type": "string"},
        ],
    },
    "primaryType": "Mail",
    "domain": {
        "name": "Ether Mail",
        "version": "1",
        "chainId": 1,
        "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
    },
    "message": {
        "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
        "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
        "contents": "Hello, Bob!",
    },
}

numbers = st.integers(1, ORDER - 1)


def changed(typed: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at the path."""
    first, *rest = path
    return {**typed, first: changed(typed[first], *rest, value=value) if rest else value}


def without(typed: dict[str, Any], *path: str) -> dict[str, Any]:
    first, *rest = path
    if rest:
        return {**typed, first: without(typed[first], *rest)}
    return {name: value for name, value in typed.items() if name != first}


def flips(signature: bytes) -> list[bytes]:
    return [
        bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(signature))
        for bit in range(8 * len(signature))
    ]


def high_twin(signature: bytes) -> bytes:
    s = int.from_bytes(signature[32:64], "big")
    return signature[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - signature[64]])


def test_the_personal_message_of_eth_account_s_documentation() -> None:
    key = SigningKey.from_secret(bytes.fromhex("b25c7db31feed9122727bf0939dc769a96564b2de4c4726d035b36ecf1e5b364"))
    signature = sign_personal(key, "I♥SF".encode())
    assert signature.hex() == (
        "e6ca9bba58c88611fad66a6ce8f996908195593807c4b38bd528d2cff09d4eb3"
        "3e5bfbbf4d3e39b1a2fd816a7680c19ebebaf3a141b239934ad43cb33fcec8ce1c"
    )
    assert verify_personal("0x5ce9454909639D2D17A3F753ce7d93fa0b9aB12E", "I♥SF".encode(), signature)


def test_the_typed_data_of_eip_712() -> None:
    signature = sign_typed_data(KEY, MAIL)
    assert OWNER == "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"
    assert signature.hex() == (
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"
    )
    assert verify_typed_data(OWNER, MAIL, signature)


def test_the_message_of_python_bitcoinlib_s_tests() -> None:
    address = "1F26pNMrywyZJdr22jErtKcjF8R3Ttt55G"
    signature = "H85WKpqtNZDrajOnYDgUY+abh0KCAcOsAIOQwx2PftAbLEPRA7mzXA/CjXRxzz0MC225pR/hx02Vf2Ag2x33kU4="
    assert verify_bitcoin(address, address.encode(), signature)


@given(numbers, st.binary(max_size=300))
def test_personal_messages_agree_with_eth_account(number: int, message: bytes) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    signature = sign_personal(key, message)
    assert signature == bytes(Account.sign_message(encode_defunct(message), key.reveal).signature)
    assert verify_personal(ethereum(key.public), message, signature)
    assert Account.recover_message(encode_defunct(message), signature=signature) == ethereum(key.public)


@given(numbers, st.text(max_size=50), st.integers(0, 2**256 - 1))
def test_typed_data_agree_with_eth_account(number: int, contents: str, chain_id: int) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    typed = changed(changed(MAIL, "message", "contents", value=contents), "domain", "chainId", value=chain_id)
    signature = sign_typed_data(key, typed)
    assert signature == bytes(Account.sign_message(encode_typed_data(full_message=typed), key.reveal).signature)
    assert verify_typed_data(ethereum(key.public), typed, signature)
    assert not verify_typed_data(ethereum(key.public), MAIL | {"domain": {**typed["domain"], "name": "x"}}, signature)


@given(numbers, st.text(max_size=300))
def test_bitcoin_messages_agree_with_python_bitcoinlib(number: int, message: str) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    signature = sign_bitcoin(key, message.encode())
    assert verify_message(p2pkh(key.public), message, signature)
    assert verify_bitcoin(p2pkh(key.public), message.encode(), signature)
    assert verify_bitcoin(p2pkh(key.public), message.encode(), sign_message(key.reveal, message))


@pytest.mark.parametrize("length", [0, 1, 252, 253, 254, 2**16 - 1, 2**16, 2**16 + 1])
def test_bitcoin_messages_of_every_length_of_prefix(length: int) -> None:
    signature = sign_bitcoin(KEY, b"x" * length)
    assert verify_bitcoin(p2pkh(KEY.public), b"x" * length, signature)
    assert verify_message(p2pkh(KEY.public), "x" * length, signature)
    assert not verify_bitcoin(p2pkh(KEY.public), b"x" * (length + 1), signature)


def test_either_form_of_the_public_key_and_either_network() -> None:
    signature = sign_bitcoin(KEY, MESSAGE)
    assert verify_bitcoin(p2pkh(KEY.public, Network.TESTNET), MESSAGE, signature, network=Network.TESTNET)
    assert not verify_bitcoin(p2pkh(KEY.public_uncompressed), MESSAGE, signature)
    header, *rest = b64decode(signature)
    uncompressed = b64encode(bytes([header - 4, *rest])).decode()
    assert verify_bitcoin(p2pkh(KEY.public_uncompressed), MESSAGE, uncompressed)
    assert not verify_bitcoin(p2pkh(KEY.public), MESSAGE, uncompressed)
    assert signer_of(MESSAGE.decode(), b64decode(uncompressed)) == KEY.public_uncompressed


def sign_mail(key: SigningKey, _: bytes) -> bytes:
    return sign_typed_data(key, MAIL)


@pytest.mark.parametrize("sign", [sign_personal, sign_mail])
def test_no_changed_ethereum_signature_is_accepted(sign: Callable[[SigningKey, bytes], bytes]) -> None:
    signature = sign(KEY, MESSAGE)

    def verify(candidate: bytes) -> bool:
        return verify_personal(OWNER, MESSAGE, candidate) or verify_typed_data(OWNER, MAIL, candidate)

    assert verify(signature)
    forged = [
        *flips(signature),
        high_twin(signature),
        signature[:64] + bytes([signature[64] - 27]),  # v as 0 or 1, which some wallets write
        *(signature[:64] + bytes([v]) for v in (2, 29, 30, 31, 35, 37, 38, 255)),
        signature[:-1],
        signature + b"\0",
        b"",
        bytes(65),
        bytes(64) + b"\x1b",
        b"\xff" * 64 + b"\x1b",
        sign(SigningKey.from_secret(keccak(b"dog")), MESSAGE),
    ]
    assert not any(verify(candidate) for candidate in forged)


def test_no_changed_bitcoin_signature_is_accepted() -> None:
    signature = sign_bitcoin(KEY, MESSAGE)
    address = p2pkh(KEY.public)
    raw = b64decode(signature)
    s = int.from_bytes(raw[33:], "big")
    high = bytes([raw[0] ^ 1 if raw[0] & 1 else raw[0] + 1]) + raw[1:33] + (ORDER - s).to_bytes(32, "big")
    forged = [
        *(b64encode(each).decode() for each in flips(raw)),
        *(b64encode(bytes([header]) + raw[1:]).decode() for header in range(256) if header != raw[0]),
        b64encode(high).decode(),
        b64encode(bytes([high[0] ^ 3]) + high[1:]).decode(),
        b64encode(raw[:-1]).decode(),
        b64encode(raw + b"\0").decode(),
        signature.rstrip("="),
        signature[:-1],
        signature + "=",
        signature + "\n",
        " " + signature,
        signature.replace("=", "é"),
        "",
        "=" * 88,
        sign_bitcoin(SigningKey.from_secret(keccak(b"dog")), MESSAGE),
        sign_bitcoin(KEY, MESSAGE + b" "),
    ]
    assert verify_bitcoin(address, MESSAGE, signature)
    assert not any(verify_bitcoin(address, MESSAGE, candidate) for candidate in forged)


def test_messages_are_not_confused_with_each_other() -> None:
    personal = sign_personal(KEY, MESSAGE)
    assert not verify_personal(OWNER, MESSAGE + b" ", personal)
    assert not verify_personal(OWNER, b"", personal)
    assert not verify_typed_data(OWNER, MAIL, personal)
    bitcoin = b64decode(sign_bitcoin(KEY, MESSAGE))
    assert not verify_personal(OWNER, MESSAGE, bitcoin[1:] + bytes([bitcoin[0] - 4]))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("message", "contents"), "Hello, Eve!"),
        (("message", "to", "wallet"), "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"),
        (("domain", "chainId"), 2),
        (("domain", "verifyingContract"), OWNER),
        (("domain", "version"), "2"),
        (("types", "Mail"), [*MAIL["types"]["Mail"][:2], {"name": "contents", "type": "bytes"}]),
    ],
)
def test_every_part_of_typed_data_is_signed(path: tuple[str, ...], value: object) -> None:
    assert not verify_typed_data(OWNER, changed(MAIL, *path, value=value), sign_typed_data(KEY, MAIL))


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        (
            changed(MAIL, "message", "amount", value=10**18),
            "typed data do not fit their type Mail; expected the fields contents, from, to; got amount, ",
        ),
        (
            without(MAIL, "message", "contents"),
            "typed data do not fit their type Mail; expected the fields contents, from, to; got from, to",
        ),
        (
            changed(MAIL, "message", "to", "iban", value="x"),
            "typed data do not fit their type Person; expected the fields name, wallet; got iban, name, wallet",
        ),
        (changed(MAIL, "message", value={}), "typed data do not fit their type Mail"),
        (changed(MAIL, "message", "to", value=None), "typed data are malformed: "),
        (changed(MAIL, "message", "to", value="Bob"), "typed data do not fit their type Person"),
        (changed(MAIL, "message", "to", "wallet", value="0x00"), "typed data are malformed: "),
        (changed(MAIL, "domain", "chainId", value=-1), "typed data are malformed: "),
        (changed(MAIL, "domain", "chainId", value=2**256), "typed data are malformed: "),
        (changed(MAIL, "domain", "chain", value=1), "typed data are malformed: "),
        (without(MAIL, "domain", "chainId"), "typed data are malformed: "),
        (without(MAIL, "domain"), "typed data are malformed: "),
        (without(MAIL, "types", "Person"), "typed data are malformed: "),
        (without(MAIL, "primaryType"), "typed data are malformed: "),
        (changed(MAIL, "primaryType", value="Person"), "typed data do not fit their type Person"),
        (changed(MAIL, "primaryType", value="Nothing"), "typed data are malformed: "),
        (changed(MAIL, "types", value=[]), "typed data are malformed: "),
        (changed(MAIL, "types", "Mail", value=7), "typed data are malformed: "),
        (changed(MAIL, "types", "Mail", value=[{"name": "contents"}]), "typed data are malformed: "),
        ({}, "typed data are malformed: "),
    ],
)
def test_typed_data_that_would_not_be_signed_as_they_read_are_refused(typed: dict[str, Any], problem: str) -> None:
    for use in (lambda: sign_typed_data(KEY, typed), lambda: verify_typed_data(OWNER, typed, bytes(65))):
        with pytest.raises(InputError) as refusal:
            use()
        assert str(refusal.value).startswith(problem)


def test_arrays_of_structs_are_looked_into() -> None:
    types = {**MAIL["types"], "Mail": [{"name": "to", "type": "Person[][2]"}]}
    people = [[MAIL["message"]["to"]], [MAIL["message"]["from"], MAIL["message"]["to"]]]
    typed = {**MAIL, "types": types, "message": {"to": people}}
    assert verify_typed_data(OWNER, typed, sign_typed_data(KEY, typed))
    people[1][0] = {**people[1][0], "hidden": 1}
    with pytest.raises(InputError, match=r"^typed data do not fit their type Person; expected the fields name, wallet"):
        sign_typed_data(KEY, typed)


def test_deep_nesting_is_refused() -> None:
    value: dict[str, Any] = {"inner": None}
    for _ in range(5000):
        value = {"inner": value}
    types = {"EIP712Domain": [], "Nest": [{"name": "inner", "type": "Nest"}]}
    with pytest.raises(InputError, match=r"^typed data are malformed: "):
        sign_typed_data(KEY, {"types": types, "primaryType": "Nest", "domain": {}, "message": value})


@pytest.mark.parametrize("address", ["", "0x", OWNER[:-1], OWNER[:-1] + "7", OWNER.lower().replace("cd2a", "CD2a")])
def test_malformed_ethereum_addresses_are_refused(address: str) -> None:
    with pytest.raises(InputError, match=r"^not an Ethereum address"):
        verify_personal(address, MESSAGE, sign_personal(KEY, MESSAGE))
    with pytest.raises(InputError, match=r"^not an Ethereum address"):
        verify_typed_data(address, MAIL, sign_typed_data(KEY, MAIL))


@pytest.mark.parametrize("address", [p2wpkh(KEY.public), p2sh(b""), encode_witness("bc", 1, bytes(23))])
def test_bitcoin_addresses_of_other_kinds_are_refused(address: str) -> None:
    with pytest.raises(InputError, match=rf"^a P2PKH address is needed here; got {address}$"):
        verify_bitcoin(address, MESSAGE, sign_bitcoin(KEY, MESSAGE))
    with pytest.raises(InputError, match=r"^a Base58 text has a wrong checksum"):
        verify_bitcoin(p2pkh(KEY.public)[:-1] + "1", MESSAGE, sign_bitcoin(KEY, MESSAGE))
