"""Keccak-256 as the EVM has it, for everything that a contract must be able to compute again."""

from __future__ import annotations

from typing import Final

from Crypto.Hash import keccak

ZERO: Final = bytes(32)


def keccak256(content: bytes) -> bytes:
    return keccak.new(digest_bits=256, data=content).digest()
