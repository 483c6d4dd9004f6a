"""python-bitcoinlib, an implementation of Bitcoin that is not ours, with types: the judge of what ``pyml.keys`` makes.

LGPL and a development dependency only. Its script interpreter does not know witnesses; for those it gives the digest.
"""

from __future__ import annotations

from typing import Any, cast

import bitcoin
from bitcoin import base58, core, signmessage, wallet
from bitcoin.core import key, script, scripteval

from pyml.keys.addresses import Network
from pyml.keys.bitcoin import Input, Output, Transaction

_params, _base58, _core, _key = (cast("Any", module) for module in (bitcoin, base58, core, key))
_messages, _script, _scripteval, _wallet = (cast("Any", module) for module in (signmessage, script, scripteval, wallet))
_FLAGS = (_scripteval.SCRIPT_VERIFY_P2SH, _scripteval.SCRIPT_VERIFY_CLEANSTACK)


def base58_digits(data: bytes) -> str:
    return str(_base58.encode(data))


def address_of(script: bytes, network: Network) -> str:
    _params.SelectParams(network.name.lower())
    try:
        return str(_wallet.CBitcoinAddress.from_scriptPubKey(_script.CScript(script)))
    finally:
        _params.SelectParams("mainnet")


def read(raw: bytes) -> Transaction:
    """A transaction as python-bitcoinlib reads it."""
    theirs = _core.CTransaction.deserialize(raw)
    witnesses = [tuple(each.scriptWitness.stack) for each in theirs.wit.vtxinwit] or [()] * len(theirs.vin)
    return Transaction(
        tuple(
            Input(source.prevout.hash[::-1].hex(), source.prevout.n, source.nSequence, bytes(source.scriptSig), witness)
            for source, witness in zip(theirs.vin, witnesses, strict=True)
        ),
        tuple(Output(output.nValue, bytes(output.scriptPubKey)) for output in theirs.vout),
        version=theirs.nVersion,
        lock_time=theirs.nLockTime,
    )


def txid(raw: bytes) -> str:
    return bytes(_core.CTransaction.deserialize(raw).GetTxid())[::-1].hex()


def rewritten(raw: bytes) -> bytes:
    """Read and written again."""
    return bytes(_core.CTransaction.deserialize(raw).serialize())


def runs(raw: bytes, position: int, script: bytes) -> bool:
    """Whether the interpreter lets the input spend an output with this script."""
    theirs = _core.CTransaction.deserialize(raw)
    unlocking, locking = theirs.vin[position].scriptSig, _script.CScript(script)
    try:
        _scripteval.VerifyScript(unlocking, locking, theirs, position, flags=_FLAGS)
    except (_scripteval.VerifyScriptError, _scripteval.EvalScriptError):
        return False
    return True


def legacy_digest(raw: bytes, position: int, script: bytes) -> bytes:
    theirs = _core.CTransaction.deserialize(raw)
    return bytes(_script.SignatureHash(_script.CScript(script), theirs, position, _script.SIGHASH_ALL))


def witness_digest(raw: bytes, position: int, script: bytes, value_sat: int) -> bytes:
    theirs, version = _core.CTransaction.deserialize(raw), _script.SIGVERSION_WITNESS_V0
    spent = {"amount": value_sat, "sigversion": version}
    return bytes(_script.SignatureHash(_script.CScript(script), theirs, position, _script.SIGHASH_ALL, **spent))


def sign_message(secret: bytes, message: str) -> str:
    signer = _wallet.CBitcoinSecret.from_secret_bytes(secret)
    return bytes(_messages.SignMessage(signer, _messages.BitcoinMessage(message))).decode("ascii")


def verify_message(address: str, message: str, signature: str) -> bool:
    return bool(_messages.VerifyMessage(address, _messages.BitcoinMessage(message), signature))


def signer_of(message: str, signature: bytes) -> bytes:
    """The public key that a message's 65-byte signature is of."""
    return bytes(_key.CPubKey.recover_compact(_messages.BitcoinMessage(message).GetHash(), signature))
