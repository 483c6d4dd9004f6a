"""Addresses of many images: known answers, the same as one by one, in order, within bounds, and no key on the way."""

from __future__ import annotations

import gc
import logging
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.crypto.secp256k1 import ORDER, KeyRangeError, SigningKey
from pyml.errors import InputError
from pyml.keys import addresses, derivation, paper
from pyml.keys.addresses import Network
from pyml.keys.derivation import Kind, Recipe, addresses_of, derive_addresses
from pyml.store.keystore import Secret
from tests.keys.test_secrecy import SECRET, secrets_in, shown

EVERY_KIND = tuple(Kind)
PASSWORD = Secret(b"hunter2-hunter2")
NUMBER = int.from_bytes(SECRET, "big")


def saturated(*numbers: int) -> NDArray[np.float32]:
    """Activations [n, 256] that say these numbers."""
    digits = [[number >> place & 1 for place in range(255, -1, -1)] for number in numbers]
    return np.where(np.array(digits) == 1, 0.98, 0.02).astype(np.float32)


def random_batches(rows: int, size: int, seed: int = 0) -> list[NDArray[np.float32]]:
    values = np.random.default_rng(seed).random((rows, 256), np.float32)
    return [values[start : start + size] for start in range(0, rows, size)]


def test_one_gives_the_addresses_that_everybody_knows() -> None:
    """For k = 1: P2PKH and EIP-55 of the specification; BIP-173's P2WPKH example; P2SH-P2WPKH as wallets give it."""
    (main,) = derive_addresses([saturated(1)], Recipe(EVERY_KIND))
    assert dict(zip(EVERY_KIND, main, strict=True)) == {
        Kind.P2PKH: "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH",
        Kind.P2PKH_UNCOMPRESSED: "1EHNa6Q4Jz2uvNExL497mE43ikXhwF6kZm",
        Kind.P2SH: "3JvL6Ymt8MVWiCNHC7oWU6nLeHNJKLZGLN",
        Kind.P2WPKH: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        Kind.ETHEREUM: "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    }
    (test,) = derive_addresses([saturated(1)], Recipe(EVERY_KIND, Network.TESTNET))
    assert test == (
        "mrCDrCybB6J1vRfbwM5hemdJz73FwDBC8r",
        "mtoKs9V381UAhUia3d7Vb9GNak8Qvmcsme",
        "2NAUYAHhujozruyzpsFRP63mbrdaU5wnEpN",
        "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
        "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf",
    )


@given(st.integers(1, ORDER - 1))
def test_addresses_are_those_of_the_checked_functions(number: int) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    for network in Network:
        nested = addresses.p2sh(addresses.p2wpkh_script(addresses.hash160(key.public)), network)
        assert addresses_of(key.public, EVERY_KIND, network) == (
            addresses.p2pkh(key.public, network),
            addresses.p2pkh(key.public_uncompressed, network),
            nested,
            addresses.p2wpkh(key.public, network),
            addresses.ethereum(key.public),
        )


@settings(max_examples=15)
@given(st.integers(0, 20), st.integers(1, 9), st.integers(1, 4), st.booleans())
def test_many_are_as_one_by_one(rows: int, size: int, workers: int, stretched: bool) -> None:
    password = PASSWORD if stretched else None
    recipe = Recipe((Kind.P2WPKH,), password=password, salt=b"salt", iterations=2)
    batches = random_batches(rows, size)
    keys = [paper.derive(row, password=password, salt=b"salt", iterations=2) for batch in batches for row in batch]
    expected = [(addresses.p2wpkh(key.public),) for key in keys]
    assert list(derive_addresses(batches, recipe, workers=workers)) == expected


def test_repeated_codes_give_the_same_address_wherever_they_stand() -> None:
    numbers = [5, 6, 5, 5, 7, 6]
    found = list(derive_addresses([saturated(*numbers[:3]), saturated(*numbers[3:])], Recipe()))
    assert [found.index(each) for each in found] == [0, 1, 0, 0, 4, 1]


def test_repeated_codes_are_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    original = derivation.addresses_of

    def counted(public: bytes, *rest: Any) -> Any:
        made.append(public.hex())
        return original(public, *rest)

    monkeypatch.setattr(derivation, "addresses_of", counted)
    list(derive_addresses([saturated(5, 5, 6), saturated(6, 5)], Recipe()))
    assert len(made) == 2


def test_the_password_changes_every_address_and_opens_saturated_codes() -> None:
    batch = saturated(0, 1, 2**256 - 1)
    recipes = [Recipe(password=Secret(word), iterations=1) for word in (b"a", b"b")]
    found = [address for recipe in recipes for address in derive_addresses([batch], recipe)]
    assert len(set(found)) == 6


# Order of work


def test_a_batch_is_derived_while_the_next_is_looked_at() -> None:
    """The network is asked for batch 1 before the addresses of batch 0 are waited for, and never for batch 2."""
    asked: list[int] = []

    def batches() -> Iterator[NDArray[np.float32]]:
        for number, batch in enumerate(random_batches(9, 3)):
            asked.append(number)
            yield batch

    rows = derive_addresses(batches(), Recipe(password=PASSWORD, iterations=1))
    next(rows)
    assert asked == [0, 1]
    assert len(list(rows)) == 8


def test_without_pbkdf2_sixteen_batches_are_derived_at_once() -> None:
    taken: list[int] = []

    def batches() -> Iterator[NDArray[np.float32]]:
        for number, batch in enumerate(random_batches(80, 2)):
            taken.append(number)
            yield batch

    rows = derive_addresses(batches(), Recipe())
    next(rows)
    assert len(taken) == 32
    assert len(list(rows)) == 79


def test_threads_end_with_the_work_and_with_its_refusal() -> None:
    before = threading.active_count()
    list(derive_addresses(random_batches(8, 2), Recipe(), workers=3))
    with pytest.raises(KeyRangeError):
        list(derive_addresses([saturated(1), saturated(0)], Recipe(), workers=3))
    abandoned = derive_addresses(random_batches(8, 2), Recipe(), workers=3)
    next(abandoned)
    abandoned.close()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert threading.active_count() == before


def test_memory_does_not_grow_with_the_number_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derivation, "_REMEMBERED", 64)

    def peak(rows: int) -> int:
        values = np.random.default_rng(1)
        batches = (values.random((32, 256), np.float32) for _ in range(rows // 32))
        gc.collect()
        tracemalloc.start()
        for _ in derive_addresses(batches, Recipe()):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(6144) < 1.15 * peak(2048)


# Refusals


@pytest.mark.parametrize("number", [0, ORDER, 2**256 - 1])
def test_codes_that_are_no_key_are_named(number: int) -> None:
    batches = [saturated(1, 2), saturated(3, number, number)]
    with pytest.raises(KeyRangeError) as caught:
        list(derive_addresses(batches, Recipe(), name=lambda index: f"photo-{index}.jpg"))
    assert str(caught.value) == (
        "photo-3.jpg gives no private key; expected a code that is a number from 1 to n-1. A code of zeros or ones "
        "throughout means that the network's activations are saturated."
    )
    with pytest.raises(KeyRangeError, match=r"^image 3 gives no private key"):
        list(derive_addresses(batches, Recipe()))


@pytest.mark.parametrize("numbers", [(0, ORDER), (ORDER, 0)])
def test_the_first_of_several_that_are_no_key_is_named(numbers: tuple[int, int]) -> None:
    batches = [saturated(5, 6), saturated(5, *numbers), saturated(7, *numbers)]
    with pytest.raises(KeyRangeError, match=r"^image 3 gives no private key"):
        list(derive_addresses(batches, Recipe()))


@pytest.mark.parametrize("value", [np.nan, -0.1, 1.1])
def test_activations_that_are_none_are_refused(value: float) -> None:
    batch = saturated(1)
    batch[0, 7] = value
    with pytest.raises(InputError, match=r"^activations are not those of a sigmoid"):
        list(derive_addresses([batch], Recipe()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"password": Secret(b"a\0")}, "^the password is not usable"),
        ({"password": PASSWORD, "iterations": 0}, "^the number of iterations is out of range"),
    ],
)
def test_passwords_that_cannot_be_used_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(derive_addresses([saturated(1)], Recipe(**fields)))


@pytest.mark.parametrize("kinds", [(), (Kind.P2PKH, Kind.P2PKH)])
def test_recipes_name_each_kind_once(kinds: tuple[Kind, ...]) -> None:
    with pytest.raises(InputError, match=r"^name each kind of address once"):
        Recipe(kinds)


# Secrecy


def test_neither_errors_nor_logs_nor_reprs_show_a_key(caplog: pytest.LogCaptureFixture) -> None:
    recipe = Recipe(password=Secret(SECRET), iterations=1)
    refusals: list[tuple[list[NDArray[np.float32]], Recipe]] = [
        ([saturated(NUMBER, 0)], Recipe()),
        ([saturated(NUMBER), saturated(0)], Recipe()),
        ([saturated(NUMBER), np.full((1, 256), np.nan, np.float32)], Recipe()),
        ([saturated(NUMBER)], Recipe(password=Secret(b"a\0"))),
        ([saturated(NUMBER)], Recipe(password=PASSWORD, iterations=0)),
        ([saturated(1)], Recipe(password=Secret(SECRET), iterations=0)),
    ]
    with caplog.at_level(logging.DEBUG):
        for batches, each in refusals:
            with pytest.raises(InputError) as caught:
                list(derive_addresses(batches, each, workers=2))
            assert secrets_in(shown(caught.value)) == []
            assert secrets_in(f"{caught.value} {caught.value!r}") == []
    assert secrets_in(f"{recipe} {recipe!r} {caplog.text}") == []
    assert secrets_in(repr(list(derive_addresses([saturated(NUMBER)], Recipe(EVERY_KIND))))) == []
