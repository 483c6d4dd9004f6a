"""Approve spending of an ERC-20 token, by the standard's three functions alone: the token need not be ours.

https://eips.ethereum.org/EIPS/eip-20
"""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.transactions import Transaction
from pyml.errors import ChainError, InputError, InsufficientFundsError


def approve(client: Client, token: str, spender: str, amount: int, account: Signer) -> None:
    """Let ``spender`` take ``amount`` (in the token's smallest unit) from the account, unless it may already.

    ``InputError`` if there is no token, ``InsufficientFundsError`` if the account has less, ``ChainError`` if the token
    does not do as the standard says.
    """
    if not client.code(token):
        raise InputError(f"there is no token at {token} on chain {client.chain_id}")
    balance = _ask(client, token, "balanceOf", account.address)
    if balance < amount:
        raise InsufficientFundsError(f"{account.address} has too few tokens of {token}", expected=amount, got=balance)
    allowed = _ask(client, token, "allowance", account.address, spender)
    if allowed >= amount:
        return
    for value in (0, amount) if allowed else (amount,):  # some tokens change only what is zero
        client.send(Transaction(token, _encode("approve", ["address", "uint256"], spender, value)), account)
    if _ask(client, token, "allowance", account.address, spender) < amount:
        raise ChainError(f"token {token} did not record the approval")


def _ask(client: Client, token: str, function: str, *addresses: str) -> int:
    answer = client.call(Transaction(token, _encode(function, ["address"] * len(addresses), *addresses)))
    if len(answer) != 32:
        raise ChainError(
            f"{token} does not answer {function} as an ERC-20 token does", expected="32 bytes", got=len(answer)
        )
    return int.from_bytes(answer, "big")


def _encode(function: str, kinds: list[str], *values: object) -> bytes:
    return keccak(text=f"{function}({','.join(kinds)})")[:4] + encode(kinds, list(values))
