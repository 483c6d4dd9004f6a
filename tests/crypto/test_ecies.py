"""Boxes: round trip, a second implementation from the documented format, every flipped bit, other keys and contexts."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, cast

import pytest
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.ecies import OVERHEAD_BYTES, decrypt, encrypt
from pyml.crypto.secp256k1 import ORDER, SigningKey
from pyml.errors import InputError, IntegrityError

KEY = SigningKey.from_secret(hashlib.sha256(b"recipient").digest())
OTHER = SigningKey.from_secret(hashlib.sha256(b"somebody else").digest())
CONTEXT = b"tests"
REFUSAL = "^an encrypted box does not open: wrong key or context, or it has been altered$"


def number(key: SigningKey) -> int:
    return int.from_bytes(key.reveal, "big")


def product(*factors: int) -> bytes:
    """The compressed product of numbers with the generator."""
    scalar = 1
    for factor in factors:
        scalar = scalar * factor % ORDER
    return SigningKey.from_secret(scalar.to_bytes(32, "big")).public


def seal(ephemeral: SigningKey, message: bytes, context: bytes, *, tag_key: bytes | None = None) -> bytes:
    """The format as its docstring gives it, with pycryptodome, knowing both private keys."""
    shared = hashlib.sha256(product(number(ephemeral), number(KEY))).digest()
    info = b"pyml.ecies.v1" + ephemeral.public + KEY.public + context
    keys = HKDF(shared, 64, b"", SHA256, context=info)
    assert isinstance(keys, bytes)
    body: bytes = cast("Any", AES).new(keys[:32], AES.MODE_CTR, nonce=b"", initial_value=bytes(16)).encrypt(message)
    sealed = ephemeral.public + body
    return sealed + hmac.digest(tag_key or keys[32:], sealed, "sha256")


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_encrypted_opens(message: bytes, context: bytes) -> None:
    for form in (KEY.public, KEY.public_uncompressed):
        box = encrypt(form, message, context=context)
        assert len(box) == len(message) + OVERHEAD_BYTES
        assert decrypt(KEY, box, context=context) == message


@given(st.binary(max_size=100), st.binary(max_size=20))
def test_a_second_implementation_of_the_format_agrees(message: bytes, context: bytes) -> None:
    assert decrypt(KEY, seal(OTHER, message, context), context=context) == message


def test_boxes_of_one_message_differ_in_every_part() -> None:
    first, second = (encrypt(KEY.public, bytes(100), context=CONTEXT) for _ in range(2))
    for part in (slice(0, 33), slice(33, 133), slice(133, None)):
        assert first[part] != second[part]
        assert bytes(32) not in first[part]


def test_every_flipped_bit_is_noticed() -> None:
    box = encrypt(KEY.public, b"meet me at noon", context=CONTEXT)
    for bit in range(8 * len(box)):
        changed = bytearray(box)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(IntegrityError, match=REFUSAL):
            decrypt(KEY, bytes(changed), context=CONTEXT)
    assert decrypt(KEY, box, context=CONTEXT) == b"meet me at noon"


def test_every_cut_and_every_addition_is_noticed() -> None:
    box = encrypt(KEY.public, b"meet me at noon", context=CONTEXT)
    for changed in [*(box[:length] for length in range(len(box))), box + b"\0", b"\0" + box, box + box, box[1:]]:
        with pytest.raises(IntegrityError, match=REFUSAL):
            decrypt(KEY, changed, context=CONTEXT)


@given(st.binary(max_size=200))
@settings(max_examples=50)
def test_bytes_that_nobody_sealed_do_not_open(box: bytes) -> None:
    with pytest.raises(IntegrityError, match=REFUSAL):
        decrypt(KEY, box, context=CONTEXT)


@pytest.mark.parametrize("context", [b"", b"test", b"tests\0", b"Tests"])
def test_the_context_is_bound(context: bytes) -> None:
    box = encrypt(KEY.public, b"x", context=CONTEXT)
    with pytest.raises(IntegrityError, match=REFUSAL):
        decrypt(KEY, box, context=context)


def test_another_key_does_not_open() -> None:
    box = encrypt(KEY.public, b"x", context=CONTEXT)
    negative = SigningKey.from_secret((ORDER - number(KEY)).to_bytes(32, "big"))  # the same x
    for key in (OTHER, negative):
        with pytest.raises(IntegrityError, match=REFUSAL):
            decrypt(key, box, context=CONTEXT)


def test_the_sender_s_point_is_bound_and_has_one_form() -> None:
    box = encrypt(KEY.public, b"x", context=CONTEXT)
    negated = bytes([box[0] ^ 1]) + box[1:]
    body = box[33:]
    for sender in (negated[:33], b"\x00", b"\x02" + bytes(32), OTHER.public, KEY.public, OTHER.public_uncompressed):
        with pytest.raises(IntegrityError, match=REFUSAL):
            decrypt(KEY, sender + body, context=CONTEXT)


def test_a_tag_under_another_key_is_refused() -> None:
    with pytest.raises(IntegrityError, match=REFUSAL):
        decrypt(KEY, seal(OTHER, b"x", CONTEXT, tag_key=bytes(32)), context=CONTEXT)


@pytest.mark.parametrize("public", [b"", bytes(33), KEY.public[1:], b"\x02" + bytes(32), bytes(65)])
def test_nothing_is_encrypted_to_what_is_no_public_key(public: bytes) -> None:
    with pytest.raises(InputError, match=r"^a public key (has an unknown form|is not a point of secp256k1)"):
        encrypt(public, b"x", context=CONTEXT)
