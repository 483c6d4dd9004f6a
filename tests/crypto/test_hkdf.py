"""HKDF of one block against RFC 5869, OpenSSL and the standard library."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.hkdf import derive_block
from pyml.errors import InputError


def test_vector_of_the_rfc() -> None:
    """RFC 5869, appendix A.1: the first 32 bytes of its 42."""
    okm = derive_block(b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


@given(st.binary(max_size=100), st.binary(min_size=1, max_size=64), st.binary(max_size=200))
def test_as_openssl_and_the_standard_library(secret: bytes, salt: bytes, info: bytes) -> None:
    found = derive_block(secret, salt=salt, info=info)
    assert found == HKDF(SHA256(), 32, salt, info).derive(secret)
    assert found == hmac.digest(hmac.digest(salt, secret, "sha256"), info + b"\1", "sha256")


def test_long_salts_are_refused() -> None:
    with pytest.raises(InputError, match="salt is too long; expected at most 64 bytes; got 65"):
        derive_block(b"", salt=bytes(65), info=b"")
