"""Encryption: the homomorphic law, against the definition and a second implementation, and hostile keys and bytes."""

from __future__ import annotations

from math import lcm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.paillier import Encryptor, PublicKey, decrypt_with_order, random_square
from pyml.errors import InputError
from tests.crypto.insecure_group import insecure_group, primes

GROUP = insecure_group()
KEY = GROUP.key.public
ORDER = lcm(GROUP.p - 1, GROUP.q - 1)
plaintexts = st.integers(0, KEY.n - 1)


def decrypt_textbook(ciphertext: int) -> int:
    """Paillier (1999), section 4, in Python's integers."""
    n, squared = KEY.n, KEY.n * KEY.n

    def quotient(value: int) -> int:
        return (value - 1) // n

    shown = quotient(pow(int(ciphertext), ORDER, squared))
    return shown * pow(quotient(pow(1 + n, ORDER, squared)), -1, n) % n


@given(a=plaintexts, b=plaintexts)
def test_a_product_of_ciphertexts_decrypts_to_the_sum(a: int, b: int) -> None:
    first, second = GROUP.encryptor.encrypt([a, b]).ciphertexts
    assert decrypt_textbook(first) == a == decrypt_with_order(KEY, first, ORDER)
    assert decrypt_textbook(first * second % KEY.n_squared) == (a + b) % KEY.n


@given(message=plaintexts, factor=st.integers(0, KEY.n - 1))
def test_a_power_of_a_ciphertext_decrypts_to_a_multiple(message: int, factor: int) -> None:
    (ciphertext,) = GROUP.encryptor.encrypt([message]).ciphertexts
    assert decrypt_textbook(pow(int(ciphertext), factor, KEY.n_squared)) == message * factor % KEY.n


def test_a_ciphertext_is_what_the_formula_says_and_the_exponent_short() -> None:
    made = GROUP.encryptor.encrypt([5, 6, 7])
    for message, exponent, ciphertext in zip((5, 6, 7), made.exponents, made.ciphertexts, strict=True):
        assert exponent.bit_length() <= 448
        assert (
            ciphertext == pow(1 + KEY.n, message, KEY.n_squared) * pow(KEY.h, exponent, KEY.n_squared) % KEY.n_squared
        )


def test_the_same_plaintext_never_gives_the_same_ciphertext() -> None:
    encryptor = Encryptor(KEY)  # with the system's generator
    assert len(set(encryptor.encrypt([1] * 8).ciphertexts)) == 8


def test_secrets_are_not_shown() -> None:
    assert repr(GROUP.encrypted[0]) == "Encrypted(3 ciphertexts)"


def test_bytes_round_trip() -> None:
    row = list(GROUP.encrypted[0].ciphertexts)
    data = KEY.encode(row)
    assert len(data) == 3 * 256
    assert KEY.decode(data, count=3) == row


@pytest.mark.parametrize("message", [-1, KEY.n, KEY.n + 1])
def test_plaintexts_beyond_the_modulus_are_refused(message: int) -> None:
    with pytest.raises(InputError, match=r"^a plaintext is out of range; expected 0 to n - 1$"):
        GROUP.encryptor.encrypt([message])


@pytest.mark.parametrize("bad", [0, KEY.n, GROUP.p, GROUP.q * 17, KEY.n_squared, KEY.n_squared + 1, KEY.n * 3])
def test_ciphertexts_that_are_not_invertible_are_refused_with_their_place(bad: int) -> None:
    row = [*GROUP.encrypted[0].ciphertexts[:2], bad]
    data = b"".join(int(value).to_bytes(256, "big") for value in row)
    with pytest.raises(InputError, match=r"^ciphertext 2 is not invertible below its modulus$"):
        KEY.decode(data, count=3)


@pytest.mark.parametrize("change", [-1, 1, -256, 256])
def test_vectors_of_the_wrong_size_are_refused(change: int) -> None:
    data = KEY.encode(GROUP.encrypted[0].ciphertexts) + bytes(256)
    with pytest.raises(InputError, match=r"^an encrypted vector has the wrong size; expected 768 bytes"):
        KEY.decode(data[: 768 + change], count=3)


def test_a_key_of_1024_bits_is_refused_unless_called_insecure() -> None:
    with pytest.raises(InputError, match=r"got 1024. 1024 bits are insecure and must be asked for as such\.$"):
        PublicKey(KEY.n, KEY.h)
    assert PublicKey(KEY.n, KEY.h, insecure=True).width == 128


def test_a_long_key_is_not_called_insecure() -> None:
    p, q = primes(1024)
    with pytest.raises(InputError, match=r"^a Paillier modulus has the wrong length; expected 1024 bits; got 2048$"):
        PublicKey(p * q, 4, insecure=True)


@pytest.mark.parametrize("n", [2**512 + 1, 2**2046 + 1, 2**4095 + 1])
def test_other_lengths_are_refused(n: int) -> None:
    with pytest.raises(InputError, match=r"^a Paillier modulus has the wrong length; expected 2048 or 3072 bits"):
        PublicKey(n, 4)


@pytest.mark.parametrize("h", [0, 1, KEY.n, GROUP.p, KEY.n_squared])
def test_a_base_that_hides_nothing_is_refused(h: int) -> None:
    with pytest.raises(InputError, match=r"^a Paillier key is malformed"):
        PublicKey(KEY.n, h, insecure=True)


@pytest.mark.parametrize("bits", [0, 223, 4097])
def test_exponents_too_short_to_hide_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match=r"^the length of the random exponent is out of range"):
        PublicKey(KEY.n, KEY.h, bits, insecure=True)


def test_a_random_square_generates_the_squares() -> None:
    half_orders = [(GROUP.p - 1) // 2, (GROUP.q - 1) // 2]
    for _ in range(5):
        square = random_square(KEY.n)
        assert pow(int(square), half_orders[0] * half_orders[1], KEY.n) == 1
        assert all(pow(int(square), order, KEY.n) != 1 for order in half_orders)
