"""Multiplication on secp256k1 by numbers that are nobody's key for long: derived scalars and one-time exchanges.

Source: SEC 1 v2.0, section 3.3.1 (Diffie-Hellman); the arithmetic is libsecp256k1's through coincurve.

``SigningKey`` multiplies twice when it is made, because coincurve computes the public key with it. A scalar that is
used once needs neither object nor public key; what is left is one multiplication.
"""

from __future__ import annotations

from typing import Final, cast

from coincurve import PrivateKey, PublicKey
from coincurve.context import GLOBAL_CONTEXT

from pyml.crypto.secp256k1 import COMPRESSED_BYTES, ORDER, SECRET_BYTES, KeyRangeError, is_secret
from pyml.errors import InputError

_PREFIXES: Final = (b"\x02", b"\x03")


class _OneTime(PrivateKey):
    """A coincurve key without its public half: ``ecdh`` reads the secret and the context only."""

    def __init__(self, secret: bytes) -> None:  # not super().__init__: it is what this class leaves out
        self.secret = secret
        self.context = GLOBAL_CONTEXT


class Point:
    """A public key that is used often: taken apart once, which costs a tenth of a multiplication each time else."""

    __slots__ = ("__key", "public")

    def __init__(self, public: bytes) -> None:
        self.public = public
        self.__key = _parsed(public)

    @property
    def key(self) -> PublicKey:
        """For this module."""
        return self.__key


def multiply_scalars(first: bytes, second: bytes) -> bytes:
    """The product of two numbers in [1, n-1], modulo n: in it again, because n is prime.

    Not in constant time: Python's integers are not. Their size, 256 bits, tells nothing; see ``docs/threat-model.md``.
    """
    return (int.from_bytes(first, "big") * int.from_bytes(second, "big") % ORDER).to_bytes(SECRET_BYTES, "big")


def multiply_point(public: bytes | Point, scalar: bytes) -> bytes:
    """``scalar`` times a compressed public key, compressed, in variable time: not for long-term secrets."""
    key = public.key if isinstance(public, Point) else _parsed(public)
    return key.multiply(_in_range(scalar)).format()


def exchange(scalar: bytes, public: bytes | Point) -> bytes:
    """SHA-256 of the compressed point ``scalar · public``, 32 secret bytes, in constant time."""
    key = public.key if isinstance(public, Point) else _parsed(public)
    parsed = cast("bytes", key.public_key)  # pyright: ignore[reportUnknownMemberType] taken as bytes are
    return _OneTime(_in_range(scalar)).ecdh(parsed)


def public_of(scalar: bytes) -> bytes:
    """``scalar · G``, compressed, in constant time."""
    return PublicKey.from_valid_secret(_in_range(scalar)).format()


def is_compressed(public: bytes) -> bool:
    """Whether 33 bytes look like a compressed point; whether they are one shows when they are used."""
    return len(public) == COMPRESSED_BYTES and public[:1] in _PREFIXES


def _parsed(public: bytes) -> PublicKey:
    if not is_compressed(public):
        expected = "33 bytes that begin with 02 or 03"
        raise InputError("a public key has an unknown form", expected=expected, got=f"{len(public)} bytes")
    try:
        return PublicKey(public)
    except ValueError:
        raise InputError("a public key is not a point of secp256k1", got=public.hex()) from None


def _in_range(scalar: bytes) -> bytes:
    if not is_secret(scalar):
        raise KeyRangeError("a derived scalar is out of range", expected="a number from 1 to n-1")
    return scalar
