"""Segregated witness addresses: bech32 for version 0, bech32m for versions 1 to 16.

Source: BIP-173 (characters, checksum, limits) and BIP-350 (bech32m and which version takes which).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pyml.errors import InputError

ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
MAX_CHARACTERS: Final = 90
CHECKSUM_DIGITS: Final = 6

_VALUES: Final = {digit: value for value, digit in enumerate(ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32: Final = 1
_BECH32M: Final = 0x2BC830A3


def encode_witness(prefix: str, version: int, program: bytes) -> str:
    """The address of a witness program (BIP-141: version 0 to 16, 2 to 40 bytes, 20 or 32 for version 0)."""
    _require_program(version, program)
    digits = [version, *_regroup(program, 8, 5)]
    checked = [*_expand(prefix), *digits, *[0] * CHECKSUM_DIGITS]
    remainder = _polymod(checked) ^ _constant(version)
    digits += [remainder >> 5 * (CHECKSUM_DIGITS - 1 - place) & 31 for place in range(CHECKSUM_DIGITS)]
    return prefix + "1" + "".join(ALPHABET[digit] for digit in digits)


def decode_witness(prefix: str, address: str) -> tuple[int, bytes]:
    """Version and program of an address with this prefix, which is lower case; raises ``InputError`` if it is none."""
    digits = _digits(prefix, address)
    if len(digits) <= CHECKSUM_DIGITS:
        raise InputError("a segwit address is too short", got=address)
    version = digits[0]
    if _polymod([*_expand(prefix), *digits]) != _constant(version):
        raise InputError(
            "a segwit address has a wrong checksum", got=address, hint="A character is mistyped or missing."
        )
    groups = digits[1:-CHECKSUM_DIGITS]
    padding = len(groups) * 5 % 8
    if padding > 4 or (padding and groups[-1] & (1 << padding) - 1):
        raise InputError("a segwit address has wrong padding", expected="at most 4 bits, all zero", got=address)
    program = bytes(_regroup(groups, 5, 8, complete=False))
    _require_program(version, program)
    return version, program


def _digits(prefix: str, address: str) -> list[int]:
    if len(address) > MAX_CHARACTERS:
        expected = f"at most {MAX_CHARACTERS} characters"
        raise InputError("a segwit address is too long", expected=expected, got=len(address))
    if not address.isascii() or address not in (address.lower(), address.upper()):
        raise InputError("a segwit address mixes upper and lower case, or is not ASCII")
    found, _, text = address.lower().rpartition("1")
    if found != prefix:
        raise InputError("a text is not a segwit address of this network", expected=f"{prefix}1…")
    if not all(character in _VALUES for character in text):
        raise InputError("a segwit address has a foreign character", expected=f"those of {ALPHABET}")
    return [_VALUES[character] for character in text]


def _require_program(version: int, program: bytes) -> None:
    if not 0 <= version <= 16:
        raise InputError("a witness version is out of range", expected="0 to 16", got=version)
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        expected = "20 or 32 bytes" if version == 0 else "2 to 40 bytes"
        raise InputError("a witness program has the wrong length", expected=expected, got=len(program))


def _constant(version: int) -> int:
    return _BECH32M if version else _BECH32


def _expand(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [*(code >> 5 for code in codes), 0, *(code & 31 for code in codes)]


def _polymod(digits: Iterable[int]) -> int:
    """The remainder modulo the BCH code's generator, as BIP-173 gives it."""
    remainder = 1
    for digit in digits:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ digit
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                remainder ^= generator
    return remainder


def _regroup(groups: Sequence[int], width: int, new_width: int, *, complete: bool = True) -> list[int]:
    """The same bits in groups of another width; ``complete`` fills the last one with zeros, else it is dropped."""
    number = 0
    for group in groups:
        number = number << width | group
    bits = len(groups) * width
    left = bits % new_width
    if complete and left:
        number <<= new_width - left
        bits += new_width - left
    elif left:
        number >>= left
        bits -= left
    return [number >> shift & (1 << new_width) - 1 for shift in range(bits - new_width, -1, -new_width)]
