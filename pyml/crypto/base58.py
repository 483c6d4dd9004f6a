"""Base58Check: a payload, four bytes of double SHA-256 after it, and digits that are hard to mistake for each other.

Source: Bitcoin Core, ``src/base58.cpp``. Each leading zero byte is one leading "1"; no digit is skipped or guessed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from pyml.crypto.big_integers import digits
from pyml.errors import InputError

ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CHECKSUM_BYTES: Final = 4
MAX_CHARACTERS: Final = 128
"""Longest text that is read; extended keys of BIP-32, the longest in use, take 111."""

_VALUES: Final = {digit: value for value, digit in enumerate(ALPHABET)}
_FROM_GMP: Final = bytes.maketrans(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv", ALPHABET.encode())
"""GMP's digits of base 58."""


def sha256d(data: bytes) -> bytes:
    """SHA-256 of SHA-256, Bitcoin's hash for checksums, transactions and blocks."""
    return sha256(sha256(data).digest()).digest()


def encode_check(payload: bytes) -> str:
    """The payload and its checksum in Base58."""
    data = payload + sha256d(payload)[:CHECKSUM_BYTES]
    number = int.from_bytes(data, "big")
    shown = digits(number, len(ALPHABET)).encode().translate(_FROM_GMP).decode() if number else ""
    return ALPHABET[0] * (len(data) - len(data.lstrip(b"\0"))) + shown


def decode_check(text: str) -> bytes:
    """The payload; raises ``InputError`` for a foreign character, a wrong checksum, or more than 128 characters."""
    if len(text) > MAX_CHARACTERS:
        raise InputError("a Base58 text is too long", expected=f"at most {MAX_CHARACTERS} characters", got=len(text))
    number = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            raise InputError("a text is not Base58", expected=f"characters of {ALPHABET}")
        number = 58 * number + value
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    data = bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    payload, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if len(data) < CHECKSUM_BYTES or sha256d(payload)[:CHECKSUM_BYTES] != checksum:
        # Not shown: where an address is asked for, somebody may have put a private key, which is Base58 as well.
        raise InputError("a Base58 text has a wrong checksum", hint="A character is mistyped or missing.")
    return payload
