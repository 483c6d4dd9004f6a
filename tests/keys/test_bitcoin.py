"""Spends: python-bitcoinlib's script interpreter and digests as judge, published transactions, and forgeries."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.crypto.secp256k1 import ORDER, SigningKey, verify
from pyml.errors import InputError
from pyml.keys.addresses import (
    Network,
    hash160,
    p2pkh,
    p2pkh_script,
    p2sh,
    p2wpkh,
    p2wpkh_script,
    script_pubkey,
)
from pyml.keys.bitcoin import (
    MAX_SATOSHI,
    Coin,
    Input,
    Output,
    Payment,
    Transaction,
    compact_size,
    legacy_digest,
    spend_p2pkh,
    spend_p2wpkh,
    witness_digest,
)
from tests.keys import bitcoinlib

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "keys_transactions.json").read_text(encoding="utf-8"))
KEY = SigningKey.from_secret(bytes(range(1, 33)))
OTHER = SigningKey.from_secret(bytes(range(2, 34)))
TXID = "11" * 32
Spend = Callable[..., Transaction]


def runs(transaction: Transaction, position: int, script: bytes) -> bool:
    return bitcoinlib.runs(transaction.encode(), position, script)


def witness_holds(transaction: Transaction, position: int, script: bytes, value_sat: int) -> bool:
    """What BIP-141 and BIP-143 ask of a P2WPKH input, with python-bitcoinlib's digest."""
    source = transaction.inputs[position]
    if source.script_sig or len(source.witness) != 2:
        return False
    signature, public = source.witness
    code = p2pkh_script(hash160(public))
    digest = bitcoinlib.witness_digest(transaction.encode(), position, code, value_sat)
    belongs = p2wpkh_script(hash160(public)) == script
    return belongs and signature[-1:] == b"\x01" and verify(public, digest, signature[:-1])


def coins(count: int, value_sat: int = 10_000) -> list[Coin]:
    return [Coin(f"{index + 1:064x}", index, value_sat) for index in range(count)]


def test_the_example_of_bip_143() -> None:
    vector: dict[str, Any] = VECTORS["witness"]
    key = SigningKey.from_secret(bytes.fromhex(vector["secret"]))
    unsigned = bitcoinlib.read(bytes.fromhex(vector["unsigned"]))
    assert unsigned.encode().hex() == vector["unsigned"]
    code, position = bytes.fromhex(vector["script_code"]), vector["position"]
    assert p2pkh_script(hash160(key.public)) == code
    digest = witness_digest(unsigned, position, code, vector["value_sat"])
    assert digest.hex() == vector["digest"]
    assert key.sign_der(digest).hex() == vector["der"]
    first, second = unsigned.inputs
    signed = replace(
        unsigned,
        inputs=(
            replace(first, script_sig=bytes.fromhex(vector["other_script_sig"])),
            replace(second, witness=(bytes.fromhex(vector["der"]) + b"\x01", key.public)),
        ),
    )
    assert signed.encode().hex() == vector["signed"]
    assert signed.txid == bitcoinlib.read(bytes.fromhex(vector["signed"])).txid


def test_a_legacy_output_redeemed_step_by_step() -> None:
    vector: dict[str, Any] = VECTORS["legacy"]
    key = SigningKey.from_secret(bytes.fromhex(vector["secret"]))
    assert key.public_uncompressed.hex() == vector["public"]
    script = p2pkh_script(hash160(key.public_uncompressed))
    signed = spend_p2pkh(
        key,
        [Coin(vector["previous_txid"], vector["index"], 10**8)],
        [Payment(**vector["payment"])],
        fee_limit_sat=100_000,
        compressed=False,
    )
    unsigned = replace(signed, version=1)  # as in 2012
    preimage = replace(unsigned, inputs=(replace(unsigned.inputs[0], script_sig=script),))
    assert preimage.encode().hex() + "01000000" == vector["preimage"]
    assert legacy_digest(unsigned, 0, script).hex() == vector["digest"]
    assert runs(signed, 0, script)


@pytest.mark.parametrize("vector", VECTORS["on_chain"], ids=lambda vector: vector["id"])
def test_transactions_of_the_main_chain(vector: dict[str, str]) -> None:
    transaction = bitcoinlib.read(bytes.fromhex(vector["raw"]))
    assert transaction.encode().hex() == vector["raw"]
    assert transaction.txid == vector["txid"]
    digest = legacy_digest(transaction, 0, bytes.fromhex(vector["script"]))
    assert digest.hex() == vector["digest"]
    assert verify(bytes.fromhex(vector["public"]), digest, bytes.fromhex(vector["der"]))


@given(
    st.integers(1, ORDER - 1),
    st.integers(1, 5),
    st.lists(st.sampled_from([p2pkh(OTHER.public), p2wpkh(OTHER.public), p2sh(b"x")]), min_size=1, max_size=4),
    st.booleans(),
)
@settings(max_examples=15)
def test_p2pkh_spends_run_in_another_interpreter(number: int, count: int, payees: list[str], short: bool) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    payments = [Payment(address, 1000 + index) for index, address in enumerate(payees)]
    signed = spend_p2pkh(key, coins(count), payments, fee_limit_sat=10**6, compressed=short)
    script = script_pubkey(p2pkh(key.public if short else key.public_uncompressed))
    assert signed.txid == bitcoinlib.txid(signed.encode())
    for position in range(count):
        assert runs(signed, position, script)
        digest = bitcoinlib.legacy_digest(signed.encode(), position, script)
        assert legacy_digest(signed, position, script) == digest
        assert not runs(signed, position, script_pubkey(p2pkh(OTHER.public)))
        assert not runs(signed, position, script_pubkey(p2pkh(key.public_uncompressed if short else key.public)))


@given(st.integers(1, ORDER - 1), st.integers(1, 5), st.integers(1, 10**9))
@settings(max_examples=15)
def test_p2wpkh_spends_satisfy_bip_143(number: int, count: int, value_sat: int) -> None:
    key = SigningKey.from_secret(number.to_bytes(32, "big"))
    signed = spend_p2wpkh(key, coins(count, value_sat), [Payment(p2pkh(OTHER.public), 1)], fee_limit_sat=10**10)
    script = script_pubkey(p2wpkh(key.public))
    assert bitcoinlib.rewritten(signed.encode()) == signed.encode()
    assert signed.txid == bitcoinlib.txid(signed.encode())
    for position in range(count):
        assert witness_holds(signed, position, script, value_sat)
        assert not witness_holds(signed, position, script, value_sat + 1)
        assert not witness_holds(signed, position, script_pubkey(p2wpkh(OTHER.public)), value_sat)


def test_a_spend_on_testnet_pays_testnet_addresses_only() -> None:
    payment = Payment(p2pkh(OTHER.public, Network.TESTNET), 9_000)
    for spend in (spend_p2pkh, spend_p2wpkh):
        signed = spend(KEY, coins(1), [payment], fee_limit_sat=1_000, network=Network.TESTNET)
        assert signed.outputs[0].script == p2pkh_script(hash160(OTHER.public))
        with pytest.raises(InputError, match=r"^a text is not an address of Bitcoin's mainnet"):
            spend(KEY, coins(1), [payment], fee_limit_sat=1_000)


def alterations(signed: Transaction) -> list[Transaction]:
    """Everything that a signature of hash type ALL must cover, each changed a little."""
    first, *others = signed.inputs
    output, *rest = signed.outputs
    return [
        replace(signed, version=1),
        replace(signed, lock_time=1),
        replace(signed, inputs=(replace(first, txid="22" * 32), *others)),
        replace(signed, inputs=(replace(first, index=7), *others)),
        replace(signed, inputs=(replace(first, sequence=0xFFFFFFFD), *others)),
        replace(signed, inputs=(first, *(replace(source, sequence=1) for source in others))),
        replace(signed, inputs=(first, *others, Input("33" * 32, 0))),
        replace(signed, inputs=(first, *others[:-1])),
        replace(signed, outputs=(replace(output, value_sat=output.value_sat + 1), *rest)),
        replace(signed, outputs=(replace(output, script=p2pkh_script(bytes(20))), *rest)),
        replace(signed, outputs=(output, *rest, output)),
        replace(signed, outputs=(*rest,)),
        replace(signed, outputs=(*rest, output)),
    ]


PAYMENTS = [Payment(p2pkh(OTHER.public), 5_000), Payment(p2wpkh(KEY.public), 4_000)]


def test_nothing_of_a_signed_p2pkh_spend_can_be_changed() -> None:
    signed = spend_p2pkh(KEY, coins(3), PAYMENTS, fee_limit_sat=30_000)
    script = script_pubkey(p2pkh(KEY.public))
    assert runs(signed, 0, script)
    assert not any(runs(altered, 0, script) for altered in alterations(signed))
    unlocked = signed.inputs[0].script_sig
    for bit in range(8 * len(unlocked)):
        changed = bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(unlocked))
        assert not runs(
            replace(signed, inputs=(replace(signed.inputs[0], script_sig=changed), *signed.inputs[1:])), 0, script
        )


def test_nothing_of_a_signed_p2wpkh_spend_can_be_changed() -> None:
    signed = spend_p2wpkh(KEY, coins(3), PAYMENTS, fee_limit_sat=30_000)
    script = script_pubkey(p2wpkh(KEY.public))
    assert witness_holds(signed, 0, script, 10_000)
    assert not any(witness_holds(altered, 0, script, 10_000) for altered in alterations(signed))
    signature, public = signed.inputs[0].witness
    for bit in range(8 * len(signature)):
        changed = bytes(byte ^ (1 << bit % 8 if place == bit // 8 else 0) for place, byte in enumerate(signature))
        source = replace(signed.inputs[0], witness=(changed, public))
        assert not witness_holds(replace(signed, inputs=(source, *signed.inputs[1:])), 0, script, 10_000)


@pytest.mark.parametrize("spend", [spend_p2pkh, spend_p2wpkh])
@pytest.mark.parametrize(
    ("sources", "payments", "limit", "problem"),
    [
        (coins(1), [Payment(p2pkh(KEY.public), 10_001)], 10**6, "the payments exceed the coins; expected at least 0 "),
        (
            coins(2),
            [Payment(p2pkh(KEY.public), 10_000)],
            9_999,
            "the fee exceeds its limit; expected at most 9999 satoshi; got 10000. Add a payment back to yourself",
        ),
        (coins(1), [], 10**6, "a transaction lacks inputs or outputs; expected at least one of each"),
        ([], [], 10**6, "a transaction lacks inputs or outputs"),
        ([], [Payment(p2pkh(KEY.public), 1)], 10**6, "the payments exceed the coins"),
        (coins(1) * 2, [Payment(p2pkh(KEY.public), 1)], 10**6, "a transaction spends the same coin twice"),
        (coins(1), [Payment("1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMh", 1)], 10**6, "a Base58 text has a wrong checksum"),
        (coins(1), [Payment("0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf", 1)], 10**6, "a text is not Base58"),
        (coins(1), [Payment("", 1)], 10**6, "a Base58 text has a wrong checksum"),
    ],
)
def test_spends_that_would_lose_money_are_refused(
    spend: Spend, sources: list[Coin], payments: list[Payment], limit: int, problem: str
) -> None:
    with pytest.raises(InputError) as refusal:
        spend(KEY, sources, payments, fee_limit_sat=limit)
    assert str(refusal.value).startswith(problem)


def test_the_fee_may_be_anything_up_to_its_limit() -> None:
    for fee in (0, 1, 500):
        signed = spend_p2pkh(KEY, coins(1), [Payment(p2pkh(KEY.public), 10_000 - fee)], fee_limit_sat=500)
        assert signed.outputs[0].value_sat == 10_000 - fee


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: Coin("11" * 31, 0, 1), "a transaction id is malformed"),
        (lambda: Coin("AA" * 32, 0, 1), "a transaction id is malformed"),
        (lambda: Coin("0x" + "11" * 31, 0, 1), "a transaction id is malformed"),
        (lambda: Coin(TXID + "\n", 0, 1), "a transaction id is malformed"),
        (lambda: Coin(TXID, -1, 1), "an output's index is out of range; expected 0 to 2^32 - 1; got -1"),
        (lambda: Coin(TXID, 2**32, 1), "an output's index is out of range"),
        (lambda: Coin(TXID, 0, 0), "a coin has no possible value; expected 1 to 2100000000000000 satoshi; got 0"),
        (lambda: Coin(TXID, 0, -5), "a coin has no possible value"),
        (lambda: Coin(TXID, 0, MAX_SATOSHI + 1), "a coin has no possible value"),
        (lambda: Payment("x", 0), "a payment has no possible value"),
        (lambda: Payment("x", -1), "a payment has no possible value"),
        (lambda: Payment("x", MAX_SATOSHI + 1), "a payment has no possible value"),
        (lambda: Input(TXID, 0, sequence=2**32), "a sequence number is out of range"),
        (lambda: Output(-1, b""), "an output's value is out of range"),
        (lambda: Output(2**64, b""), "an output's value is out of range"),
        (lambda: Transaction((Input(TXID, 0),), ()), "a transaction lacks inputs or outputs"),
        (lambda: Transaction((Input(TXID, 0),), (Output(1, b""),), version=-1), "a version is out of range"),
        (lambda: Transaction((Input(TXID, 0),), (Output(1, b""),), lock_time=2**32), "a lock time is out of range"),
    ],
)
def test_impossible_parts_are_refused(make: Callable[[], object], problem: str) -> None:
    with pytest.raises(InputError) as refusal:
        make()
    assert str(refusal.value).startswith(problem)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"), (0xFC, "fc"), (0xFD, "fdfd00"), (0xFFFF, "fdffff"), (0x10000, "fe00000100"),
        (0xFFFFFFFF, "feffffffff"), (2**32, "ff0000000001000000"), (2**64 - 1, "ff" + "ff" * 8),
    ],
)  # fmt: skip
def test_compact_sizes(number: int, encoded: str) -> None:
    assert compact_size(number).hex() == encoded


def test_more_inputs_and_outputs_than_one_byte_counts() -> None:
    signed = spend_p2wpkh(KEY, coins(260), [Payment(p2pkh(KEY.public), 1000)] * 300, fee_limit_sat=10**7)
    assert bitcoinlib.rewritten(signed.encode()) == signed.encode()
    assert witness_holds(signed, 259, script_pubkey(p2wpkh(KEY.public)), 10_000)
