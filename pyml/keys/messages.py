"""Signed messages: Ethereum's personal messages and typed data, Bitcoin's signed messages.

Source: EIP-191 version 0x45 ("personal_sign"); EIP-712, encoded by eth-account; Bitcoin Core, common/signmessage.cpp.
Narrower than some wallets: a signature with high s is false, and a Bitcoin message is verified against a P2PKH address
only, the one kind that Bitcoin Core itself accepts.

``verify_*`` returns ``False`` for a signature that is malformed or of another key, and raises ``InputError`` for an
address or typed data that are malformed.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from eth_utils.crypto import keccak

from pyml.crypto.base58 import sha256d
from pyml.crypto.secp256k1 import RECOVERABLE_BYTES, SigningKey, recover, uncompressed
from pyml.errors import InputError
from pyml.keys.addresses import Network, decode_ethereum, decode_p2pkh, ethereum, hash160
from pyml.keys.bitcoin import compact_size

_BITCOIN_MAGIC: Final = b"Bitcoin Signed Message:\n"
_V: Final = 27
"""Added to the recovery id, 0 to 3, in all three formats."""
_SHOWN_CHARACTERS: Final = 200
_COMPRESSED: Final = 4
"""Added in Bitcoin's format when the address is that of the compressed public key."""


def sign_personal(key: SigningKey, message: bytes) -> bytes:
    """The EIP-191 signature of a message as wallets show it: r ‖ s ‖ v, 65 bytes, v 27 or 28."""
    return _sign_ethereum(key, _personal_digest(message))


def verify_personal(address: str, message: bytes, signature: bytes) -> bool:
    """Whether the owner of an Ethereum address signed the message."""
    return _verify_ethereum(address, _personal_digest(message), signature)


def sign_typed_data(key: SigningKey, typed: Mapping[str, Any]) -> bytes:
    """The EIP-712 signature of ``{"types", "primaryType", "domain", "message"}``: r ‖ s ‖ v, 65 bytes, v 27 or 28."""
    return _sign_ethereum(key, _typed_digest(typed))


def verify_typed_data(address: str, typed: Mapping[str, Any], signature: bytes) -> bool:
    """Whether the owner of an Ethereum address signed the typed data."""
    return _verify_ethereum(address, _typed_digest(typed), signature)


def sign_bitcoin(key: SigningKey, message: bytes) -> str:
    """Bitcoin's signature of a message, in Base64, for the P2PKH address of the compressed public key."""
    signature = key.sign_recoverable(_bitcoin_digest(message))
    return b64encode(bytes([_V + _COMPRESSED + signature[64]]) + signature[:64]).decode("ascii")


def verify_bitcoin(address: str, message: bytes, signature: str, *, network: Network = Network.MAINNET) -> bool:
    """Whether the owner of a P2PKH address, of either form of the public key, signed the message."""
    owner = decode_p2pkh(address, network)
    try:
        decoded = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(decoded) != RECOVERABLE_BYTES or not _V <= decoded[0] < _V + 2 * _COMPRESSED:
        return False
    form, recovery = divmod(decoded[0] - _V, _COMPRESSED)
    public = _recovered(_bitcoin_digest(message), decoded[1:], recovery)
    return public is not None and hash160(public if form else uncompressed(public)) == owner


def _sign_ethereum(key: SigningKey, digest: bytes) -> bytes:
    signature = key.sign_recoverable(digest)
    return signature[:64] + bytes([_V + signature[64]])


def _verify_ethereum(address: str, digest: bytes, signature: bytes) -> bool:
    owner = decode_ethereum(address)
    if len(signature) != RECOVERABLE_BYTES or signature[64] not in (_V, _V + 1):
        return False
    public = _recovered(digest, signature[:64], signature[64] - _V)
    return public is not None and decode_ethereum(ethereum(public)) == owner


def _recovered(digest: bytes, signature: bytes, recovery: int) -> bytes | None:
    try:
        return recover(digest, signature + bytes([recovery]))
    except InputError:
        return None


def _personal_digest(message: bytes) -> bytes:
    return keccak(b"\x19Ethereum Signed Message:\n" + str(len(message)).encode("ascii") + message)


def _typed_digest(typed: Mapping[str, Any]) -> bytes:
    from eth_account.messages import encode_typed_data

    try:
        _require_fields(typed["types"], typed["primaryType"], typed["message"])
        encoded = encode_typed_data(full_message=dict(typed))
    except InputError:
        raise
    except Exception as error:  # eth-abi, eth-utils and parsimonious each raise types of their own
        reason = str(error)[:_SHOWN_CHARACTERS]
        raise InputError(f"typed data are malformed: {reason}", expected="the fields of EIP-712") from error
    return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


def _require_fields(types: Mapping[str, Any], name: str, value: Any) -> None:
    """Every struct has the fields of its type and no other: eth-account would not sign what the type does not name."""
    if name.endswith("]"):
        for item in value:
            _require_fields(types, name[: name.rindex("[")], item)
    elif name in types:
        fields = {field["name"]: field["type"] for field in types[name]}
        if set(value) != set(fields):
            expected, got = (", ".join(sorted(map(str, names))) or "none" for names in (fields, value))
            raise InputError(f"typed data do not fit their type {name}", expected=f"the fields {expected}", got=got)
        for field, kind in fields.items():
            _require_fields(types, kind, value[field])


def _bitcoin_digest(message: bytes) -> bytes:
    return sha256d(compact_size(len(_BITCOIN_MAGIC)) + _BITCOIN_MAGIC + compact_size(len(message)) + message)
