"""Published scrypt vectors, purposes that separate, and costs from hostile files."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pyml.crypto.password import N_MAX, N_MIN, ScryptCost, stretch
from pyml.errors import InputError, KeystoreError

CHEAP = ScryptCost(N_MIN)
SALT = bytes(32)


def test_the_library_gives_the_published_vector() -> None:
    """RFC 7914, section 12, third vector."""
    key = Scrypt(salt=b"SodiumChloride", length=64, n=16384, r=8, p=1).derive(b"pleaseletmein")
    assert key.hex() == (
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )


def test_purpose_salt_password_and_length_all_count() -> None:
    base = stretch(b"password", purpose=b"a", salt=SALT, cost=CHEAP)
    assert len(base) == 32
    others = [
        stretch(b"password", purpose=b"b", salt=SALT, cost=CHEAP),
        stretch(b"password", purpose=b"a", salt=b"\1" + SALT[1:], cost=CHEAP),
        stretch(b"password\0", purpose=b"a", salt=SALT, cost=CHEAP),
        stretch(b"password", purpose=b"a", salt=SALT, cost=ScryptCost(N_MIN, 9)),
    ]
    assert len({base, *others}) == 5
    assert stretch(b"password", purpose=b"a", salt=SALT, cost=CHEAP, length=64)[:32] == base


@pytest.mark.parametrize(
    "cost", [(N_MIN - 1,), (N_MIN * 3,), (N_MAX * 2,), (0,), (-(2**15),), (N_MIN, 7), (N_MIN, 17), (N_MIN, 8, 0)]
)
def test_costs_out_of_range(cost: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="scrypt costs are out of range"):
        ScryptCost(*cost)


def test_an_empty_password() -> None:
    with pytest.raises(KeystoreError, match="the password is empty"):
        stretch(b"", purpose=b"a", salt=SALT, cost=CHEAP)
