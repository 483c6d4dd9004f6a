"""Contexts: every field counts, and the digest is what Solidity's ``abi.encode`` gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from pyml.deepchain.context import Context
from pyml.errors import InputError

CONTEXT = Context(31337, b"\x11" * 20, b"\x22" * 32, 7, b"\x33" * 20, b"\x44" * 32, 5)


def test_the_digest_is_that_of_abi_encode() -> None:
    words = ["bytes32", "uint256", "address", "bytes32", "uint256", "address", "uint256", "bytes32"]
    values = (
        keccak(text="pyml.deepchain.context.v1"),
        31337,
        "0x" + "11" * 20,
        b"\x22" * 32,
        7,
        "0x" + "33" * 20,
        5,
        b"\x44" * 32,
    )
    assert CONTEXT.digest == keccak(encode(words, values))


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": 1},
        {"contract": b"\x12" * 20},
        {"session": b"\x23" * 32},
        {"round": 8},
        {"party": b"\x34" * 20},
        {"index": 6},
        {"seed": b"\x45" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_changes_the_digest(change: dict[str, Any]) -> None:
    assert replace(CONTEXT, **change).digest != CONTEXT.digest


def test_the_same_place_for_another_party() -> None:
    assert CONTEXT.of_party(b"\x35" * 20) == replace(CONTEXT, party=b"\x35" * 20)


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": -1},
        {"round": 2**256},
        {"index": -1},
        {"contract": b"\x11" * 19},
        {"party": b"\x11" * 32},
        {"session": b""},
        {"seed": b"\x11" * 31},
    ],
    ids=lambda change: next(iter(change)),
)
def test_fields_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^(a number|an address|a session or seed)"):
        replace(CONTEXT, **change)
