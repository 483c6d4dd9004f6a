"""Fiat-Shamir challenges of the threshold proofs: hashes that a contract computes as well.

    one seed          keccak256(domain ‖ parts)
    its k-th number   the first 128 bits of keccak256(seed ‖ k), k in 32 bytes

All parts have a fixed length under one key, so that no two lists of parts are one string.
"""

from __future__ import annotations

from typing import Final

from eth_utils.crypto import keccak

from pyml.errors import InputError

CHALLENGE_BITS: Final = 128
SLACK_BITS: Final = 128
"""How much longer a mask is than what it hides: the statistical distance is 2^-128."""

_WORD: Final = 32


def domain(name: str) -> bytes:
    """The hash that stands for a purpose."""
    return keccak(name.encode("ascii"))


def word(value: int) -> bytes:
    """A number in 32 bytes, as ``abi.encode`` writes it."""
    return value.to_bytes(_WORD, "big")


def seed_of(*parts: bytes) -> bytes:
    """The seed that all parts determine."""
    return keccak(b"".join(parts))


def require_context(context: bytes) -> bytes:
    """The digest of a proof's context; ``InputError`` unless it is one: parts of a hash have fixed lengths."""
    if len(context) != _WORD:
        raise InputError("a proof's context has the wrong length", expected=f"{_WORD} bytes", got=len(context))
    return context


def first_bits(digest: bytes) -> int:
    """A challenge from a digest."""
    return int.from_bytes(digest[: CHALLENGE_BITS // 8], "big")


def challenges(seed: bytes, count: int) -> list[int]:
    """Challenges 0 … count - 1 of a seed."""
    return [first_bits(keccak(seed + word(place))) for place in range(count)]
