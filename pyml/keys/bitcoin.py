"""Spending what a Bitcoin address holds: transactions that send P2PKH or P2WPKH outputs on, signed for all of it.

Source: Bitcoin Core, ``SignatureHash`` in src/script/interpreter.cpp (the first digest, for P2PKH); BIP-143 (that of
witness version 0); BIP-144 (encoding with witnesses). Hash type ALL only; coins and payments keep their order.

Nothing is looked up: a coin is worth what the caller says. The digest of P2PKH does not cover that, so whoever lies to
the caller about it makes the caller pay a larger fee than the limit given here; that of P2WPKH does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyml.crypto.base58 import sha256d
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.keys.addresses import Network, hash160, p2pkh_script, script_pubkey

MAX_SATOSHI: Final = 21 * 10**14
"""All bitcoins that there will be (consensus/amount.h)."""
SIGHASH_ALL: Final = 1
FINAL_SEQUENCE: Final = 0xFFFFFFFF
_UINT32: Final = 2**32
_TXID: Final = re.compile(r"[0-9a-f]{64}")
_SEGWIT_MARKER: Final = b"\x00\x01"


@dataclass(frozen=True, slots=True)
class Coin:
    """An unspent output: the transaction's id as explorers show it, the output's index, its value."""

    txid: str
    index: int
    value_sat: int

    def __post_init__(self) -> None:
        _require_outpoint(self.txid, self.index)
        _require_value("a coin", self.value_sat)


@dataclass(frozen=True, slots=True)
class Payment:
    """Who gets how much; what coins are worth beyond all payments is the fee, so change is a payment too."""

    address: str
    value_sat: int

    def __post_init__(self) -> None:
        _require_value("a payment", self.value_sat)


@dataclass(frozen=True, slots=True)
class Input:
    """A reference to an output, and what unlocks it."""

    txid: str
    index: int
    sequence: int = FINAL_SEQUENCE
    script_sig: bytes = b""
    witness: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        _require_outpoint(self.txid, self.index)
        _require_uint32("a sequence number", self.sequence)

    @property
    def outpoint(self) -> bytes:
        return bytes.fromhex(self.txid)[::-1] + _uint32(self.index)


@dataclass(frozen=True, slots=True)
class Output:
    """A value and the script that guards it."""

    value_sat: int
    script: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.value_sat <= MAX_SATOSHI:
            raise InputError("an output's value is out of range", expected=f"0 to {MAX_SATOSHI}", got=self.value_sat)

    def encode(self) -> bytes:
        return self.value_sat.to_bytes(8, "little") + _with_size(self.script)


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction, signed or not."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    version: int = 2
    lock_time: int = 0

    def __post_init__(self) -> None:
        if not self.inputs or not self.outputs:
            raise InputError("a transaction lacks inputs or outputs", expected="at least one of each")
        if len({source.outpoint for source in self.inputs}) != len(self.inputs):
            raise InputError("a transaction spends the same coin twice")
        _require_uint32("a version", self.version)
        _require_uint32("a lock time", self.lock_time)

    def encode(self, *, witness: bool = True) -> bytes:
        """As sent to a node; with ``witness=False`` the part that the transaction's id is made of."""
        segwit = witness and any(source.witness for source in self.inputs)
        inputs = (source.outpoint + _with_size(source.script_sig) + _uint32(source.sequence) for source in self.inputs)
        return b"".join(
            [
                _uint32(self.version),
                _SEGWIT_MARKER if segwit else b"",
                compact_size(len(self.inputs)),
                *inputs,
                compact_size(len(self.outputs)),
                *(output.encode() for output in self.outputs),
                *(_witness(source.witness) for source in self.inputs if segwit),
                _uint32(self.lock_time),
            ]
        )

    @property
    def txid(self) -> str:
        """The id as explorers show it."""
        return sha256d(self.encode(witness=False))[::-1].hex()


def spend_p2pkh(
    key: SigningKey,
    coins: Sequence[Coin],
    payments: Sequence[Payment],
    *,
    fee_limit_sat: int,
    network: Network = Network.MAINNET,
    compressed: bool = True,
) -> Transaction:
    """Send coins of the key's P2PKH address on; ``compressed`` says which of its two such addresses holds them.

    Raises ``InputError`` if payments exceed the coins, or fall short of them by more than ``fee_limit_sat``.
    """
    public = key.public if compressed else key.public_uncompressed
    script = p2pkh_script(hash160(public))
    unsigned = _unsigned(coins, payments, fee_limit_sat, network)
    inputs: list[Input] = []
    for position, source in enumerate(unsigned.inputs):
        signature = _signature(key, legacy_digest(unsigned, position, script))
        inputs.append(replace(source, script_sig=_push(signature) + _push(public)))
    return replace(unsigned, inputs=tuple(inputs))


def spend_p2wpkh(
    key: SigningKey,
    coins: Sequence[Coin],
    payments: Sequence[Payment],
    *,
    fee_limit_sat: int,
    network: Network = Network.MAINNET,
) -> Transaction:
    """Send coins of the key's segwit address on; raises as ``spend_p2pkh``. A coin's wrong value makes it invalid."""
    script = p2pkh_script(hash160(key.public))
    unsigned = _unsigned(coins, payments, fee_limit_sat, network)
    inputs: list[Input] = []
    for position, (source, coin) in enumerate(zip(unsigned.inputs, coins, strict=True)):
        signature = _signature(key, witness_digest(unsigned, position, script, coin.value_sat))
        inputs.append(replace(source, witness=(signature, key.public)))
    return replace(unsigned, inputs=tuple(inputs))


def legacy_digest(transaction: Transaction, position: int, script: bytes) -> bytes:
    """What signs an input that is no witness: the transaction with the spent output's script in that input alone."""
    inputs = [replace(source, script_sig=b"") for source in transaction.inputs]
    inputs[position] = replace(inputs[position], script_sig=script)
    return sha256d(replace(transaction, inputs=tuple(inputs)).encode(witness=False) + _uint32(SIGHASH_ALL))


def witness_digest(transaction: Transaction, position: int, script: bytes, value_sat: int) -> bytes:
    """What signs an input of witness version 0 (BIP-143); ``script`` is its script code, for P2WPKH that of P2PKH."""
    source = transaction.inputs[position]
    return sha256d(
        b"".join(
            [
                _uint32(transaction.version),
                sha256d(b"".join(each.outpoint for each in transaction.inputs)),
                sha256d(b"".join(_uint32(each.sequence) for each in transaction.inputs)),
                source.outpoint,
                _with_size(script),
                value_sat.to_bytes(8, "little"),
                _uint32(source.sequence),
                sha256d(b"".join(output.encode() for output in transaction.outputs)),
                _uint32(transaction.lock_time),
                _uint32(SIGHASH_ALL),
            ]
        )
    )


def compact_size(number: int) -> bytes:
    """Bitcoin's variable-length integer, in its shortest form."""
    for limit, prefix, width in ((0xFD, b"", 1), (2**16, b"\xfd", 2), (2**32, b"\xfe", 4)):
        if number < limit:
            return prefix + number.to_bytes(width, "little")
    return b"\xff" + number.to_bytes(8, "little")


def _unsigned(coins: Sequence[Coin], payments: Sequence[Payment], fee_limit_sat: int, network: Network) -> Transaction:
    outputs = tuple(Output(payment.value_sat, script_pubkey(payment.address, network)) for payment in payments)
    fee_sat = sum(coin.value_sat for coin in coins) - sum(payment.value_sat for payment in payments)
    if fee_sat < 0:
        raise InputError("the payments exceed the coins", expected="at least 0 satoshi left as fee", got=fee_sat)
    if fee_sat > fee_limit_sat:
        raise InputError(
            "the fee exceeds its limit",
            expected=f"at most {fee_limit_sat} satoshi",
            got=fee_sat,
            hint="Add a payment back to yourself for the change.",
        )
    return Transaction(tuple(Input(coin.txid, coin.index) for coin in coins), outputs)


def _signature(key: SigningKey, digest: bytes) -> bytes:
    return key.sign_der(digest) + bytes([SIGHASH_ALL])


def _push(data: bytes) -> bytes:
    """The script that puts data on the stack; signatures and public keys are below 76 bytes, which one byte counts."""
    return bytes([len(data)]) + data


def _with_size(data: bytes) -> bytes:
    return compact_size(len(data)) + data


def _witness(items: tuple[bytes, ...]) -> bytes:
    return compact_size(len(items)) + b"".join(map(_with_size, items))


def _uint32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _require_uint32(what: str, number: int) -> None:
    if not 0 <= number < _UINT32:
        raise InputError(f"{what} is out of range", expected="0 to 2^32 - 1", got=number)


def _require_outpoint(txid: str, index: int) -> None:
    if not _TXID.fullmatch(txid):
        raise InputError("a transaction id is malformed", expected="64 hexadecimal digits, lower case", got=ascii(txid))
    _require_uint32("an output's index", index)


def _require_value(what: str, value_sat: int) -> None:
    if not 0 < value_sat <= MAX_SATOSHI:
        raise InputError(f"{what} has no possible value", expected=f"1 to {MAX_SATOSHI} satoshi", got=value_sat)
