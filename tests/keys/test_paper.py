"""Algorithm 1: bits, secrets and keys by known answers; everything that gives no key is refused, nothing is reduced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.crypto.secp256k1 import ORDER, KeyRangeError, SigningKey
from pyml.errors import InputError
from pyml.keys import paper
from pyml.keys.addresses import ethereum, p2pkh
from pyml.keys.paper import bits, derive, derive_many, secret_of, stretch
from pyml.store.keystore import Secret

PASSWORD = Secret(b"hunter2 hunter2")


def saturated(number: int) -> NDArray[np.float64]:
    """Activations that say a 256-bit number, as far from the threshold as a trained network's."""
    digits = np.array([number >> place & 1 for place in range(255, -1, -1)])
    return np.where(digits == 1, 0.98, 0.02)


def test_one_gives_the_addresses_that_everybody_knows() -> None:
    key = derive(saturated(1))
    assert key.reveal == (1).to_bytes(32, "big")
    assert p2pkh(key.public) == "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH"
    assert p2pkh(key.public_uncompressed) == "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm"
    assert ethereum(key.public) == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"


@given(st.integers(1, ORDER - 1))
def test_bits_are_read_most_significant_first(number: int) -> None:
    assert derive(saturated(number)).reveal == number.to_bytes(32, "big")
    assert secret_of(bits(saturated(number))) == Secret(number.to_bytes(32, "big"))


def test_the_threshold_is_a_half_and_belongs_to_one() -> None:
    values = np.full(256, 0.5)
    assert bits(values).all()
    assert not bits(np.nextafter(values, 0)).any()
    assert bits(np.full(256, 0.5, np.float32)).all()
    assert not bits(np.nextafter(np.full(256, 0.5, np.float32), np.float32(0))).any()
    assert bits(np.ones((2, 3, 256))).shape == (2, 3, 256)


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, 2**256 - 1])
def test_codes_that_are_no_key_are_refused_not_reduced(number: int) -> None:
    with pytest.raises(KeyRangeError, match=r"^a secret is not a private key; expected a number from 1 to n-1"):
        derive(saturated(number))


def test_a_batch_names_the_rows_that_give_no_key() -> None:
    activations = np.stack([saturated(number) for number in (5, 0, 7, 2**256 - 1)])
    with pytest.raises(KeyRangeError) as refusal:
        derive_many(activations)
    assert str(refusal.value) == (
        "2 of the embeddings give no private key; expected codes that are numbers from 1 to n-1; got others in rows "
        "1, 3. A code of zeros or ones throughout means that the network's activations are saturated."
    )
    with pytest.raises(KeyRangeError, match=r"rows 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …\."):
        derive_many(np.zeros((11, 256)))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, bool, np.uint8])
def test_a_batch_is_its_rows(kind: Any) -> None:
    activations = np.random.default_rng(1).integers(0, 2, (40, 256)).astype(kind)
    assert derive_many(activations) == [derive(row) for row in activations]
    assert derive_many(np.asfortranarray(activations)) == derive_many(activations)
    assert derive_many(np.empty((0, 256))) == []


@pytest.mark.parametrize("workers", [1, 3])
def test_a_batch_with_a_password_is_its_rows(workers: int) -> None:
    activations = np.random.default_rng(2).random((7, 256))
    expected = [derive(row, password=PASSWORD, salt=b"salt", iterations=3) for row in activations]
    assert derive_many(activations, password=PASSWORD, salt=b"salt", iterations=3, workers=workers) == expected
    assert len(set(expected)) == 7


# PBKDF2-HMAC-SHA-512 of "password" and "salt", as many libraries test it; the first 32 of 64 bytes.
@pytest.mark.parametrize(
    ("iterations", "expected"),
    [
        (1, "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252"),
        (2, "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"),
        (4096, "d197b1b33db0143e018b12f3d1d1479e6cdebdcc97c5c0f87f6902e072f457b5"),
    ],
)
def test_known_pbkdf2(iterations: int, expected: str) -> None:
    kdf = PBKDF2HMAC(SHA512(), 32, b"salt", iterations)
    assert kdf.derive(b"password").hex() == expected
    assert stretch(Secret(b"pass"), Secret(b"word"), salt=b"salt", iterations=iterations).reveal.hex() == expected


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=200), st.binary(max_size=40))
def test_stretching_agrees_with_openssl(secret: bytes, password: bytes, salt: bytes) -> None:
    password += b"!"
    kdf = PBKDF2HMAC(SHA512(), 32, salt, 5)
    assert stretch(Secret(secret), Secret(password), salt=salt, iterations=5) == Secret(kdf.derive(secret + password))


def test_secret_password_salt_and_iterations_all_matter() -> None:
    def key(number: int = 3, password: bytes = b"p", salt: bytes = b"s", iterations: int = 2) -> SigningKey:
        return derive(saturated(number), password=Secret(password), salt=salt, iterations=iterations)

    keys = {key(), key(number=4), key(password=b"q"), key(salt=b"t"), key(iterations=3), derive(saturated(3))}
    assert len(keys) == 6


def test_with_a_password_even_saturated_codes_have_a_key() -> None:
    assert derive(np.zeros(256), password=PASSWORD, iterations=1) != derive(
        np.ones(256), password=PASSWORD, iterations=1
    )


def test_the_defaults_are_documented_figures() -> None:
    assert (paper.ITERATIONS, paper.SALT) == (210_000, b"pyml.keys.paper.v1")
    expected = hashlib.pbkdf2_hmac("sha512", bytes(31) + b"\x03" + PASSWORD.reveal, paper.SALT, paper.ITERATIONS, 32)
    assert derive(saturated(3), password=PASSWORD).reveal == expected


@pytest.mark.parametrize("password", [b"", b"\0", b"hunter2\0"])
def test_passwords_that_would_not_count_in_full_are_refused(password: bytes) -> None:
    with pytest.raises(InputError) as refusal:
        derive(saturated(3), password=Secret(password), iterations=1)
    assert str(refusal.value) == "the password is not usable; expected at least one byte, and no zero byte at the end"


@pytest.mark.parametrize("iterations", [0, -1, 2**31])
def test_iterations_out_of_range_are_refused(iterations: int) -> None:
    with pytest.raises(InputError, match=rf"^the number of iterations is out of range; .* got {iterations}$"):
        derive(saturated(3), password=PASSWORD, iterations=iterations)


@pytest.mark.parametrize("shape", [(), (0,), (255,), (257,), (256, 1), (1, 255)])
def test_activations_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"^activations have the wrong shape; expected \(…, 256\); got"):
        bits(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1e-9, 1 + 1e-9, 255])
def test_values_that_no_sigmoid_gives_are_refused(value: float) -> None:
    activations = np.full(256, 0.9)
    activations[17] = value
    uses: list[Callable[[NDArray[np.float64]], object]] = [bits, derive, lambda row: derive_many(row[None])]
    for use in uses:
        with pytest.raises(InputError, match=r"^activations are not those of a sigmoid; expected 256 numbers from 0"):
            use(activations)


@pytest.mark.parametrize("values", [np.array(["0"] * 256), np.full(256, 1j), np.array([None] * 256)])
def test_values_that_are_no_numbers_are_refused(values: Any) -> None:
    with pytest.raises(InputError, match=r"^activations are not those of a sigmoid"):
        bits(values)


def test_one_and_many_are_not_confused() -> None:
    with pytest.raises(InputError, match=r"expected zeros and ones, \(256,\); got \(1, 256\)$"):
        derive(np.full((1, 256), 0.9))
    with pytest.raises(InputError, match=r"expected zeros and ones, \(n, 256\); got \(256,\)$"):
        derive_many(np.full(256, 0.9))


def test_codes_have_two_digits_only() -> None:
    for digit in (2, 255):
        with pytest.raises(InputError, match=r"^a code has other digits than zero and one$"):
            secret_of(np.full(256, digit, np.uint8))


def test_the_warning_says_unsafe() -> None:
    assert paper.WARNING.startswith("UNSAFE")
    assert "UNSAFE" in str(paper.__doc__)
