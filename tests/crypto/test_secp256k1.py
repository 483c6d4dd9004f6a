"""Keys and signatures against py_ecc and OpenSSL, published answers, and every malformed signature there is."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.secp256k1 import (
    ORDER,
    KeyRangeError,
    SigningKey,
    compressed,
    public_keys,
    recover,
    uncompressed,
    verify,
)
from pyml.errors import InputError
from pyml.store.keystore import Secret

py_ecc = pytest.importorskip("py_ecc.secp256k1.secp256k1")
VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys_signatures.json").read_text(encoding="utf-8"))
FIELD = 2**256 - 2**32 - 977
DIGEST = hashlib.sha256(b"message").digest()
KEY = SigningKey.from_secret(hashlib.sha256(b"a key of tests").digest())
SIGNATURE = KEY.sign_der(DIGEST)

numbers = st.integers(1, ORDER - 1)
digests = st.binary(min_size=32, max_size=32)


def key_of(number: int) -> SigningKey:
    return SigningKey.from_secret(number.to_bytes(32, "big"))


def integer(value: int, *, padding: int = 0) -> bytes:
    """A DER integer, with ``padding`` zero bytes too many."""
    data = bytes(padding) + value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)
    return b"\x02" + bytes([len(data)]) + data


def der(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return b"\x30" + bytes([len(body)]) + body


def numbers_of(signature: bytes) -> tuple[int, int]:
    length = signature[3]
    return int.from_bytes(signature[4 : 4 + length], "big"), int.from_bytes(signature[6 + length :], "big")


def openssl_accepts(public: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)
        key.verify(signature, digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


R, S = numbers_of(SIGNATURE)


@pytest.mark.parametrize("vector", VECTORS["signatures"], ids=lambda vector: vector["id"])
def test_published_signatures(vector: dict[str, Any]) -> None:
    key = SigningKey.from_secret(bytes.fromhex(vector["secret"]))
    digest = hashlib.sha256(vector["message"].encode()).digest()
    assert key.public.hex() == vector["public"]
    assert key.sign_der(digest).hex() == vector["der"]
    signature = key.sign_recoverable(digest)
    assert signature[64] == vector["recovery"]
    assert numbers_of(bytes.fromhex(vector["der"])) == (
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:64], "big"),
    )
    assert recover(digest, signature) == key.public
    assert verify(key.public, digest, bytes.fromhex(vector["der"]))


@given(numbers, digests)
def test_keys_and_signatures_agree_with_py_ecc(number: int, digest: bytes) -> None:
    key = key_of(number)
    x, y = py_ecc.privtopub(key.reveal)
    assert key.public_uncompressed == b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
    v, r, s = py_ecc.ecdsa_raw_sign(digest, key.reveal)
    assert key.sign_recoverable(digest) == r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v - 27])


@given(numbers, digests)
def test_signatures_are_low_recoverable_and_accepted_by_openssl(number: int, digest: bytes) -> None:
    key = key_of(number)
    signature = key.sign_der(digest)
    assert len(signature) <= 71
    assert numbers_of(signature)[1] <= ORDER // 2
    assert openssl_accepts(key.public, digest, signature)
    assert verify(key.public, digest, signature)
    assert verify(key.public_uncompressed, digest, signature)
    assert recover(digest, key.sign_recoverable(digest)) == key.public


@given(numbers)
def test_both_forms_of_a_public_key_are_one_key(number: int) -> None:
    key = key_of(number)
    for form in (key.public, key.public_uncompressed):
        assert compressed(form) == key.public
        assert uncompressed(form) == key.public_uncompressed


@given(numbers, numbers)
def test_exchange_gives_both_sides_the_same(first: int, second: int) -> None:
    ours, theirs = key_of(first), key_of(second)
    shared = ours.exchange(theirs.public)
    assert shared == theirs.exchange(ours.public_uncompressed)
    # SHA-256 of the compressed product, as libsecp256k1 documents it.
    assert shared == hashlib.sha256(key_of(first * second % ORDER).public).digest()


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_numbers_that_are_no_key_are_refused_not_reduced(number: int) -> None:
    for secret in (number.to_bytes(32, "big"), Secret(number.to_bytes(32, "big"))):
        with pytest.raises(KeyRangeError) as refusal:
            SigningKey.from_secret(secret)
        assert str(refusal.value) == (
            "a secret is not a private key; expected a number from 1 to n-1, n the order of secp256k1. "
            "It is not reduced: the key would be another one than the secret says."
        )


@pytest.mark.parametrize("number", [1, ORDER - 1])
def test_the_ends_of_the_range_are_keys(number: int) -> None:
    assert SigningKey.from_secret(Secret(number.to_bytes(32, "big"))).reveal == number.to_bytes(32, "big")


@pytest.mark.parametrize("length", [0, 1, 31, 33, 64])
def test_secrets_of_another_length_are_refused(length: int) -> None:
    with pytest.raises(KeyRangeError, match=rf"a secret has the wrong length; expected 32 bytes; got {length}$"):
        SigningKey.from_secret(b"\x01" * length)


def test_random_keys_differ() -> None:
    assert len({SigningKey.random().public for _ in range(20)}) == 20


def test_many_public_keys_at_once() -> None:
    rows = [hashlib.sha256(bytes([index])).digest() for index in range(50)]
    assert public_keys(b"".join(rows)) == [SigningKey.from_secret(row).public for row in rows]
    assert public_keys(b"") == []


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_one_bad_secret_among_many_is_named(number: int) -> None:
    secrets = KEY.reveal * 3 + number.to_bytes(32, "big") + KEY.reveal
    with pytest.raises(KeyRangeError, match=r"^secret 3 is not a private key; expected a number from 1 to n-1"):
        public_keys(secrets)


def test_a_secret_that_is_cut_is_named() -> None:
    with pytest.raises(KeyRangeError, match=r"^secret 2 has the wrong length; expected 32 bytes; got 31$"):
        public_keys((KEY.reveal * 3)[:-1])


@given(numbers, digests, st.data())
def test_no_flipped_bit_is_accepted(number: int, digest: bytes, data: st.DataObject) -> None:
    key = key_of(number)
    signature = key.sign_der(digest)
    bit = data.draw(st.integers(0, 8 * len(signature) - 1))
    assert not verify(key.public, digest, flip(signature, bit))


def test_every_flipped_bit_of_signature_digest_and_public_key_is_noticed() -> None:
    recoverable = KEY.sign_recoverable(DIGEST)
    assert accepted(KEY.public, DIGEST, SIGNATURE)
    assert recovered(DIGEST, recoverable) == KEY.public
    assert not any(accepted(KEY.public, DIGEST, flip(SIGNATURE, bit)) for bit in range(8 * len(SIGNATURE)))
    assert not any(accepted(KEY.public, flip(DIGEST, bit), SIGNATURE) for bit in range(256))
    assert not any(accepted(flip(KEY.public, bit), DIGEST, SIGNATURE) for bit in range(8 * 33))
    assert not any(recovered(DIGEST, flip(recoverable, bit)) == KEY.public for bit in range(8 * 65))
    assert not any(recovered(flip(DIGEST, bit), recoverable) == KEY.public for bit in range(256))


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def accepted(public: bytes, digest: bytes, signature: bytes) -> bool:
    try:
        return verify(public, digest, signature)
    except InputError:  # not a public key
        return False


def recovered(digest: bytes, signature: bytes) -> bytes | None:
    try:
        return recover(digest, signature)
    except InputError:
        return None


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x30", id="tag only"),
        pytest.param(der(), id="empty sequence"),
        pytest.param(der(integer(R)), id="one integer"),
        pytest.param(der(integer(R), integer(S), integer(S)), id="three integers"),
        pytest.param(der(integer(R), integer(ORDER - S)), id="high s"),
        pytest.param(der(integer(0), integer(S)), id="r = 0"),
        pytest.param(der(integer(R), integer(0)), id="s = 0"),
        pytest.param(der(integer(0), integer(0)), id="both 0"),
        pytest.param(der(integer(1), integer(0)), id="r = 1, s = 0"),
        pytest.param(der(integer(ORDER), integer(S)), id="r = n"),
        pytest.param(der(integer(R), integer(ORDER)), id="s = n"),
        pytest.param(der(integer(R + ORDER), integer(S)), id="r + n"),
        pytest.param(der(integer(R), integer(S + ORDER)), id="s + n"),
        pytest.param(der(integer(-R), integer(S)), id="-r"),
        pytest.param(der(integer(R), integer(-S)), id="-s"),
        pytest.param(der(integer(R - ORDER), integer(S)), id="r - n"),
        pytest.param(der(integer(R), integer(S - ORDER)), id="s - n"),
        pytest.param(der(integer(R, padding=1), integer(S)), id="padded r"),
        pytest.param(der(integer(R), integer(S, padding=1)), id="padded s"),
        pytest.param(der(integer(R), b"\x02\x00"), id="s without a digit"),
        pytest.param(der(b"\x02\x00", integer(S)), id="r without a digit"),
        pytest.param(der(integer(R), b"\x05\x00"), id="s is NULL"),
        pytest.param(der(integer(R), b"\x03" + integer(S)[1:]), id="s is a bit string"),
        pytest.param(der(b"\x82" + integer(R)[1:], integer(S)), id="r has a context tag"),
        pytest.param(b"\x31" + SIGNATURE[1:], id="a set"),
        pytest.param(SIGNATURE + b"\x00", id="byte after the sequence"),
        pytest.param(SIGNATURE + b"\x01", id="hash type after the sequence"),
        pytest.param(der(integer(R), integer(S), b"\x00"), id="byte in the sequence"),
        pytest.param(der(integer(R), integer(S), b"\x05\x00"), id="NULL in the sequence"),
        pytest.param(SIGNATURE[:-1], id="cut"),
        pytest.param(SIGNATURE[1:], id="without its tag"),
        pytest.param(b"\x30\x81" + SIGNATURE[1:], id="BER: long length"),
        pytest.param(b"\x30\x82\x00" + SIGNATURE[1:], id="BER: longer length"),
        pytest.param(b"\x30\x80" + SIGNATURE[2:] + b"\x00\x00", id="BER: indefinite length"),
        pytest.param(der(b"\x02\x81" + integer(R)[1:], integer(S)), id="BER: long length of r"),
        pytest.param(der(integer(R), b"\x02\x81" + integer(S)[1:]), id="BER: long length of s"),
        pytest.param(b"\x30\xff" + SIGNATURE[2:], id="length that is not allowed"),
        pytest.param(b"\x30" + bytes([SIGNATURE[1] + 1]) + SIGNATURE[2:], id="length one too large"),
        pytest.param(b"\x30" + bytes([SIGNATURE[1] - 1]) + SIGNATURE[2:], id="length one too small"),
        pytest.param(b"\x30\x84\xff\xff\xff\xff" + SIGNATURE[2:], id="length of 4 GiB"),
        pytest.param(b"\x30\x88" + b"\xff" * 8 + SIGNATURE[2:], id="length of 2^64"),
        pytest.param(R.to_bytes(32, "big") + S.to_bytes(32, "big"), id="r and s alone (P1363)"),
        pytest.param(der(integer(S), integer(R)), id="swapped"),
        pytest.param(der(integer(R), integer(S ^ 1)), id="another s"),
    ],
)
def test_signatures_that_are_wrong_or_malformed_are_false(signature: bytes) -> None:
    assert verify(KEY.public, DIGEST, SIGNATURE)
    assert not verify(KEY.public, DIGEST, signature)


def test_openssl_takes_the_high_twin_that_we_refuse() -> None:
    twin = der(integer(R), integer(ORDER - S))
    assert openssl_accepts(KEY.public, DIGEST, twin)
    assert not verify(KEY.public, DIGEST, twin)
    recoverable = KEY.sign_recoverable(DIGEST)
    high = recoverable[:32] + (ORDER - S).to_bytes(32, "big") + bytes([recoverable[64] ^ 1])
    with pytest.raises(InputError, match=r"^a signature has a high s; expected s at most n/2. Its twin"):
        recover(DIGEST, high)


BAD_RECOVERABLE: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda x: x[:64], "a recoverable signature has the wrong length; expected 65 bytes: r, s, v; got 64"),
    (lambda x: x + b"\0", "a recoverable signature has the wrong length; expected 65 bytes: r, s, v; got 66"),
    (lambda x: x[:64] + b"\x04", "a recoverable signature belongs to no public key"),
    (lambda x: x[:64] + b"\x1b", "a recoverable signature belongs to no public key"),
    (lambda x: bytes(32) + x[32:], "a recoverable signature belongs to no public key"),
    (lambda x: x[:32] + bytes(32) + x[64:], "a recoverable signature belongs to no public key"),
    (lambda x: ORDER.to_bytes(32, "big") + x[32:], "a recoverable signature belongs to no public key"),
    (lambda x: x[:64] + bytes([x[64] | 2]), "a recoverable signature belongs to no public key"),  # r + n > p
    (lambda x: x[:32] + ORDER.to_bytes(32, "big") + x[64:], "a signature has a high s"),
]


@pytest.mark.parametrize(("change", "problem"), BAD_RECOVERABLE)
def test_recovery_from_malformed_signatures_is_refused(change: Callable[[bytes], bytes], problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        recover(DIGEST, change(KEY.sign_recoverable(DIGEST)))
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize("digest", [b"", bytes(31), bytes(33), b"message"])
def test_digests_of_another_length_are_refused(digest: bytes) -> None:
    expected = f"^a digest has the wrong length; expected 32 bytes; got {len(digest)}$"
    uses: list[Callable[[bytes], object]] = [
        KEY.sign_der,
        KEY.sign_recoverable,
        lambda each: verify(KEY.public, each, SIGNATURE),
        lambda each: recover(each, KEY.sign_recoverable(DIGEST)),
    ]
    for use in uses:
        with pytest.raises(InputError, match=expected):
            use(digest)


@pytest.mark.parametrize(
    ("public", "problem"),
    [
        (b"", "a public key has an unknown form"),
        (b"\x00", "a public key has an unknown form"),  # the point at infinity
        (KEY.public[:-1], "a public key has an unknown form"),
        (KEY.public + b"\0", "a public key has an unknown form"),
        (KEY.public[1:], "a public key has an unknown form"),
        (b"\x04" + KEY.public[1:], "a public key has an unknown form"),
        (b"\x05" + KEY.public[1:], "a public key has an unknown form"),
        (KEY.public_uncompressed[1:], "a public key has an unknown form"),
        (bytes([6 + (KEY.public[0] & 1)]) + KEY.public_uncompressed[1:], "a public key has an unknown form"),  # hybrid
        (b"\x02" + KEY.public_uncompressed[1:], "a public key has an unknown form"),
        (b"\x02" + bytes(32), "a public key is not a point of secp256k1"),  # x = 0: 7 is no square
        (b"\x02" + FIELD.to_bytes(32, "big"), "a public key is not a point of secp256k1"),
        (b"\x02" + (FIELD + 1).to_bytes(32, "big"), "a public key is not a point of secp256k1"),
        (b"\x04" + bytes(64), "a public key is not a point of secp256k1"),
        (KEY.public_uncompressed[:-1] + bytes([KEY.public_uncompressed[-1] ^ 1]), "a public key is not a point of"),
    ],
)
def test_bytes_that_are_no_public_key_are_refused(public: bytes, problem: str) -> None:
    uses: list[Callable[[bytes], object]] = [
        compressed,
        uncompressed,
        KEY.exchange,
        lambda each: verify(each, DIGEST, SIGNATURE),
    ]
    for use in uses:
        with pytest.raises(InputError, match=rf"^{problem}"):
            use(public)


def test_a_key_does_not_show_and_is_not_copied() -> None:
    digits, number = KEY.reveal.hex(), str(int.from_bytes(KEY.reveal, "big"))
    for shown in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), repr({"key": KEY})):
        assert KEY.public.hex() in shown
        assert digits not in shown
        assert number not in shown
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"^a SigningKey is not pickled or copied"):
            leak(KEY)
    with pytest.raises(TypeError, match=r"has no|argument must have __dict__"):
        vars(KEY)


def test_a_key_is_made_in_two_ways_only() -> None:
    with pytest.raises(TypeError, match=r"^a SigningKey is made by SigningKey.from_secret or SigningKey.random$"):
        SigningKey()


def test_keys_are_equal_by_number() -> None:
    assert SigningKey.from_secret(KEY.reveal) == KEY
    assert hash(SigningKey.from_secret(KEY.reveal)) == hash(KEY)
    assert SigningKey.from_secret((1).to_bytes(32, "big")) != SigningKey.from_secret((2).to_bytes(32, "big"))
    assert SigningKey.from_secret((1).to_bytes(32, "big")) != SigningKey.from_secret((ORDER - 1).to_bytes(32, "big"))
    assert KEY.public != KEY
