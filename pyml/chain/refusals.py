"""Why a node or the chain refused a transaction, from the wordings of the common nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyml.chain.reverts import ErrorCatalogue
from pyml.chain.rpc import RpcError
from pyml.chain.transactions import MAX_TX_GAS, Receipt, Transaction
from pyml.errors import ChainError, ContractRevertedError, InsufficientFundsError, TransactionFailedError

if TYPE_CHECKING:
    from pyml.chain.client import Client

# Wording of geth, anvil, Hardhat, Besu, Nethermind, Erigon in that order where they differ.
ALREADY_KNOWN: Final = re.compile(r"already known|already imported|known transaction|alreadyknown", re.I)
NONCE_TOO_LOW: Final = re.compile(r"nonce too low|nonce.*(below|less than)|oldnonce|old nonce", re.I)
UNDERPRICED: Final = re.compile(r"underpriced|replacement|fee too low to replace", re.I)
_NO_FUNDS: Final = re.compile(r"insufficient (funds|balance)|enough funds|upfront cost|insufficientfunds", re.I)
_GAS_CAP: Final = re.compile(r"gas.*(\bcap\b|too high)|exceeds (maximum|block gas limit)", re.I)


def require_balance(client: Client, address: str, needed_wei: int) -> None:
    """Raise ``InsufficientFundsError`` unless the account has this much."""
    available = client.balance_wei(address)
    if available < needed_wei:
        raise _insufficient(address, needed_wei, available)


def refusal_error(client: Client, error: RpcError, address: str, needed_wei: int) -> ChainError:
    """The precise error for a node's refusal, or the refusal itself."""
    if _NO_FUNDS.search(error.text):
        return _insufficient(address, needed_wei, client.balance_wei(address))
    if _GAS_CAP.search(error.text):
        return TransactionFailedError(
            f"the node refuses the gas limit: {error.text}", expected=f"at most {MAX_TX_GAS} gas (EIP-7825)"
        )
    return error


def explain_failure(
    client: Client, receipt: Receipt, tx: Transaction, sender: str, errors: ErrorCatalogue
) -> TransactionFailedError:
    """Find out why a mined transaction failed by running it again on the state after and before its block."""
    problem = f"transaction {receipt.tx_hash} failed in block {receipt.block_number}"
    for block in (receipt.block_number, receipt.block_number - 1):
        try:
            client.call(tx, sender=sender, block=max(block, 0), errors=errors)
        except ContractRevertedError as revert:
            failed = TransactionFailedError(f"{problem}: {revert.problem}", hint=revert.hint)
            failed.__cause__ = revert
            return failed
        except ChainError as error:
            if isinstance(error, RpcError) and "gas" in error.text.lower():
                return TransactionFailedError(problem, got=f"out of gas ({receipt.gas_used} used)")
    used_up = tx.gas is not None and receipt.gas_used >= tx.gas
    return TransactionFailedError(
        problem, got="all its gas used up" if used_up else "no reason when run again on the same state"
    )


def _insufficient(address: str, needed_wei: int, available_wei: int) -> InsufficientFundsError:
    return InsufficientFundsError(
        f"account {address} cannot pay for this transaction",
        expected=f"{needed_wei} wei (value plus gas)",
        got=f"{available_wei} wei",
        hint="Fund the account.",
    )
