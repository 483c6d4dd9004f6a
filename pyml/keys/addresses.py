"""Addresses of a public key: Bitcoin's P2PKH, P2SH and P2WPKH, and Ethereum's.

Source: arXiv 1711.04069, Fig. 1 (P2PKH); BIP-16 (P2SH); BIP-141, BIP-173 and BIP-350 (P2WPKH); EIP-55. The paper knows
P2PKH only. A public key is hashed in the form in which it is given: compressed and uncompressed are two addresses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from enum import Enum
from typing import Final

from Crypto.Hash import RIPEMD160
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from pyml.chain.transactions import checked_address
from pyml.crypto.base58 import decode_check, encode_check
from pyml.crypto.bech32 import decode_witness, encode_witness
from pyml.crypto.secp256k1 import COMPRESSED_BYTES, compressed, uncompressed
from pyml.errors import InputError

HASH160_BYTES: Final = 20
_ETHEREUM_BYTES: Final = 20
_OP_0, _OP_1, _OP_DUP, _OP_EQUAL, _OP_EQUALVERIFY, _OP_HASH160, _OP_CHECKSIG = 0, 0x51, 0x76, 0x87, 0x88, 0xA9, 0xAC


class Network(Enum):
    """Where a Bitcoin address is valid: version bytes of P2PKH and P2SH, prefix of segwit addresses."""

    MAINNET = (0x00, 0x05, "bc")
    TESTNET = (0x6F, 0xC4, "tb")

    @property
    def key_version(self) -> int:
        return self.value[0]

    @property
    def script_version(self) -> int:
        return self.value[1]

    @property
    def prefix(self) -> str:
        return self.value[2]


def hash160(data: bytes) -> bytes:
    """RIPEMD-160 of SHA-256: 20 bytes."""
    return _ripemd160(hashlib.sha256(data).digest())


def p2pkh(public: bytes, network: Network = Network.MAINNET) -> str:
    """The pay-to-public-key-hash address of a public key, compressed or not; raises ``InputError`` if it is none."""
    compressed(public)  # a hash of anything else would be an address that nobody can spend from
    return encode_check(bytes([network.key_version]) + hash160(public))


def p2sh(script: bytes, network: Network = Network.MAINNET) -> str:
    """The pay-to-script-hash address of a redeem script, which is not looked into."""
    return encode_check(bytes([network.script_version]) + hash160(script))


def p2wpkh(public: bytes, network: Network = Network.MAINNET) -> str:
    """The segwit address of a compressed public key; version 0 has none for the uncompressed form (BIP-143)."""
    if len(public) != COMPRESSED_BYTES:
        raise InputError(
            "a segwit address needs a compressed public key", expected=f"{COMPRESSED_BYTES} bytes", got=len(public)
        )
    return encode_witness(network.prefix, 0, hash160(compressed(public)))


def ethereum(public: bytes) -> str:
    """The Ethereum address of a public key in either form, with the checksum of EIP-55."""
    return to_checksum_address(keccak(uncompressed(public)[1:])[-_ETHEREUM_BYTES:])


def decode_ethereum(address: str) -> bytes:
    """The 20 bytes of an address; raises ``InputError`` for a wrong checksum. One case throughout carries none."""
    return bytes.fromhex(checked_address(address)[2:])


def decode_p2pkh(address: str, network: Network = Network.MAINNET) -> bytes:
    """The 20-byte hash of the public key; raises ``InputError`` for an address of another kind or network."""
    script = script_pubkey(address, network)
    digest = script[3:-2]
    if len(digest) != HASH160_BYTES or p2pkh_script(digest) != script:
        raise InputError("a P2PKH address is needed here", got=address)
    return digest


def script_pubkey(address: str, network: Network = Network.MAINNET) -> bytes:
    """The output script that pays to a Bitcoin address: P2PKH, P2SH or any witness version.

    Raises ``InputError`` for a wrong checksum or length, an unknown kind, or an address of the other network.
    """
    if address.lower().startswith(network.prefix + "1"):
        version, program = decode_witness(network.prefix, address)
        return bytes([_OP_1 + version - 1 if version else _OP_0, len(program)]) + program
    payload = decode_check(address)
    version, digest = payload[:1], payload[1:]
    if len(digest) == HASH160_BYTES and version == bytes([network.key_version]):
        return p2pkh_script(digest)
    if len(digest) == HASH160_BYTES and version == bytes([network.script_version]):
        return bytes([_OP_HASH160, HASH160_BYTES]) + digest + bytes([_OP_EQUAL])
    raise InputError(f"a text is not an address of Bitcoin's {network.name.lower()}", expected="P2PKH, P2SH or segwit")


def p2pkh_script(digest: bytes) -> bytes:
    """The script that asks for a public key with this hash and its signature."""
    if len(digest) != HASH160_BYTES:
        raise InputError("a public key's hash has the wrong length", expected=f"{HASH160_BYTES} bytes", got=len(digest))
    return bytes([_OP_DUP, _OP_HASH160, HASH160_BYTES]) + digest + bytes([_OP_EQUALVERIFY, _OP_CHECKSIG])


def p2wpkh_script(digest: bytes) -> bytes:
    """The witness program, version 0, of a compressed public key with this hash."""
    if len(digest) != HASH160_BYTES:
        raise InputError("a public key's hash has the wrong length", expected=f"{HASH160_BYTES} bytes", got=len(digest))
    return bytes([_OP_0, HASH160_BYTES]) + digest


def _pycryptodome_ripemd160(data: bytes) -> bytes:
    return RIPEMD160.new(data).digest()


def _openssl_ripemd160() -> Callable[[bytes], bytes]:
    """OpenSSL looks a hash up by its name whenever one is begun: a copy of one is begun in half the time."""
    fresh = hashlib.new("ripemd160")

    def digest(data: bytes) -> bytes:
        copy = fresh.copy()
        copy.update(data)
        return copy.digest()

    return digest


# OpenSSL is four times as fast, but its versions 3.0.0 to 3.0.6, and some systems' policies, lack this hash.
_ripemd160 = _openssl_ripemd160() if "ripemd160" in hashlib.algorithms_available else _pycryptodome_ripemd160
