"""One chain through one node: what systems use to read state and to send transactions.

    client = Client.connect(url, expected_chain_id=31337)
    receipt = client.send(Transaction(to=address, value_wei=1), signer)

Besu, geth, anvil and Hardhat nodes look the same through it.
"""

from __future__ import annotations

from typing import Any, cast

from pyml.chain.accounts import Signer
from pyml.chain.chain_ids import is_dev_chain
from pyml.chain.reverts import ErrorCatalogue
from pyml.chain.rpc import Rpc, RpcError
from pyml.chain.sending import OnSigned, Sender, SendPolicy
from pyml.chain.transactions import (
    Block,
    Log,
    Receipt,
    Transaction,
    checked_address,
    decode_block,
    decode_log,
    decode_receipt,
    to_hex,
)
from pyml.errors import ChainError

BlockId = int | str
"""A block number, or ``latest``, ``pending``, ``safe``, ``finalized``, ``earliest``."""


class Client:
    """Reads and sends on one chain; safe to share between threads. Use one client an account (see ``sending``)."""

    def __init__(self, rpc: Rpc, chain_id: int, policy: SendPolicy | None = None) -> None:
        self.rpc = rpc
        self.chain_id = chain_id
        self._sender = Sender(self, policy or SendPolicy())

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        expected_chain_id: int | None = None,
        timeout_s: float = 10.0,
        policy: SendPolicy | None = None,
    ) -> Client:
        """Raise ``ChainError`` if no node answers at ``url`` or it serves another chain than expected."""
        rpc = Rpc(url, timeout_s=timeout_s)
        chain_id = _integer(rpc.request("eth_chainId"))
        if expected_chain_id is not None and chain_id != expected_chain_id:
            raise ChainError(
                f"node {rpc.shown} serves another chain",
                expected=f"chain id {expected_chain_id}",
                got=f"chain id {chain_id}",
                hint="Check --rpc.",
            )
        return cls(rpc, chain_id, policy)

    def __repr__(self) -> str:
        return f"Client(chain {self.chain_id}, {self.rpc.shown})"

    @property
    def is_dev(self) -> bool:
        return is_dev_chain(self.chain_id)

    def block_number(self) -> int:
        return _integer(self.rpc.request("eth_blockNumber"))

    def block(self, block: BlockId = "latest") -> Block | None:
        """A header, or ``None`` if the node has no such block."""
        raw = self.rpc.request("eth_getBlockByNumber", _block(block), False)
        return None if raw is None else decode_block(raw)

    def latest_block(self) -> Block:
        block = self.block("latest")
        if block is None:
            raise ChainError(f"node {self.rpc.shown} has no blocks yet", hint="Wait until it has synchronised.")
        return block

    def balance_wei(self, address: str, block: BlockId = "latest") -> int:
        return _integer(self.rpc.request("eth_getBalance", checked_address(address), _block(block)))

    def transaction_count(self, address: str, block: BlockId = "latest") -> int:
        """The next nonce of an account as of ``block``."""
        return _integer(self.rpc.request("eth_getTransactionCount", checked_address(address), _block(block)))

    def code(self, address: str, block: BlockId = "latest") -> bytes:
        """The contract's code; empty if there is none."""
        return _bytes(self.rpc.request("eth_getCode", checked_address(address), _block(block)))

    def receipt(self, tx_hash: str) -> Receipt | None:
        """``None`` while the transaction is not in a block of the node's chain."""
        try:
            raw = self.rpc.request("eth_getTransactionReceipt", tx_hash)
        except RpcError as error:
            if "index" in error.text:  # geth: "transaction indexing is in progress"
                return None
            raise
        return None if raw is None or raw.get("blockNumber") is None else decode_receipt(raw)

    def transaction_input(self, tx_hash: str) -> bytes | None:
        """The call data (creation code for a deployment) of a transaction, mined or waiting; ``None`` if unknown."""
        raw = self.rpc.request("eth_getTransactionByHash", tx_hash)
        return None if raw is None else _bytes(raw["input"])

    def logs(
        self, first_block: int, last_block: int, *, addresses: tuple[str, ...] = (), topics: tuple[bytes, ...] = ()
    ) -> tuple[Log, ...]:
        """Logs in a closed range of blocks; ``topics`` are alternatives for topic 0."""
        query: dict[str, object] = {"fromBlock": hex(first_block), "toBlock": hex(last_block)}
        if addresses:
            query["address"] = [checked_address(address) for address in addresses]
        if topics:
            query["topics"] = [[to_hex(topic) for topic in topics]]
        raw = self.rpc.request("eth_getLogs", query)
        if not isinstance(raw, list):
            raise ChainError(f"node {self.rpc.shown} answered eth_getLogs with no list")
        return tuple(decode_log(log) for log in cast(list[Any], raw))

    def call(
        self,
        tx: Transaction,
        *,
        sender: str | None = None,
        block: BlockId = "latest",
        errors: ErrorCatalogue | None = None,
    ) -> bytes:
        """Run a transaction without sending it; raises ``ContractRevertedError`` if it reverts."""
        try:
            return _bytes(self.rpc.request("eth_call", tx.as_call(sender), _block(block)))
        except RpcError as error:
            raise as_revert(error, errors or ErrorCatalogue(tx.to or "creation")) from error

    def estimate_gas(self, tx: Transaction, sender: str, *, errors: ErrorCatalogue | None = None) -> int:
        """The node's estimate without margin; raises ``ContractRevertedError`` if the transaction would revert."""
        try:
            return _integer(self.rpc.request("eth_estimateGas", tx.as_call(sender)))
        except RpcError as error:
            raise as_revert(error, errors or ErrorCatalogue(tx.to or "creation")) from error

    def send(
        self,
        tx: Transaction,
        signer: Signer,
        *,
        errors: ErrorCatalogue | None = None,
        on_signed: OnSigned | None = None,
        policy: SendPolicy | None = None,
    ) -> Receipt:
        """Sign, send and wait until mined and confirmed; see ``sending.Sender.send`` for the errors."""
        return self._sender.send(
            tx, signer, errors=errors or ErrorCatalogue(tx.to or "creation"), on_signed=on_signed, policy=policy
        )


def as_revert(error: RpcError, errors: ErrorCatalogue) -> ChainError:
    """The decoded revert behind a node's error, or the error itself if nothing was executed."""
    if not error.is_revert:
        return error
    if error.data is None and "revert" not in error.text.lower():
        return error
    return errors.error(error.data or b"")


def _block(block: BlockId) -> str:
    return hex(block) if isinstance(block, int) else block


def _integer(raw: Any) -> int:
    try:
        return int(raw, 16)
    except (TypeError, ValueError):
        raise ChainError("node sent a malformed quantity", expected="hexadecimal", got=repr(raw)[:80]) from None


def _bytes(raw: Any) -> bytes:
    try:
        return bytes.fromhex(raw.removeprefix("0x"))
    except (AttributeError, ValueError):
        raise ChainError("node sent malformed bytes", expected="hexadecimal", got=repr(raw)[:80]) from None
