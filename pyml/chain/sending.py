"""Send a transaction once, whatever the network between does, and wait until the chain has it for good.

One account's transactions from one client are numbered under a lock that is held from choosing the nonce to the
node's acceptance, so threads never share a nonce and a refused transaction leaves no gap. A signed transaction is
the same transaction however often it is handed over, so a lost answer is met by sending it again. One that is
not mined in time is replaced with the same nonce and a higher fee: at most one of the versions can ever count.

Two clients (or processes) may use one account. The loser of a race for a nonce takes the next; one whose accepted
transaction was pushed out of the pool by the other's learns it from ``TransactionFailedError``. Nothing is done twice
and no success is reported that was not one, but it is wasteful: give each process an account of its own.
"""

from __future__ import annotations

import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pyml.chain.accounts import SignedTransaction, Signer
from pyml.chain.fees import Fees, market_fees
from pyml.chain.refusals import (
    ALREADY_KNOWN,
    NONCE_TOO_LOW,
    UNDERPRICED,
    explain_failure,
    refusal_error,
    require_balance,
)
from pyml.chain.reverts import ErrorCatalogue
from pyml.chain.rpc import RpcError, RpcUnavailableError
from pyml.chain.transactions import MAX_TX_GAS, Receipt, Transaction, to_hex
from pyml.errors import TransactionFailedError

if TYPE_CHECKING:
    from pyml.chain.client import Client

OnSigned = Callable[[str, int], None]
"""Called with transaction hash and nonce before each hand-over, so that a journal can know of it first."""

_RACE_LOST: Final = re.compile(
    "|".join(f"(?:{word.pattern})" for word in (NONCE_TOO_LOW, UNDERPRICED, ALREADY_KNOWN)), re.I
)
_FIRST_TRIES: Final = 12
_BUMPS_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """How long to wait and how much to pay."""

    confirmations: int = 1
    """Blocks that must contain or follow the transaction; 1 is "mined". More needs a chain that goes on by itself."""
    deadline_s: float = 180.0
    """After this long without the confirmations, give up (the transaction may still be mined later)."""
    resend_after_s: float = 20.0
    """Replace with a higher fee when not mined for this long."""
    lost_after_s: float = 5.0
    """Believe that another transaction took the nonce when the node has said so for this long."""
    poll_s: float = 0.05
    """First pause between questions to the node; doubles up to 1 s."""
    gas_margin: float = 1.2
    """Multiplier on the estimate: state may change between estimate and execution."""
    max_fee_wei: int | None = None
    """Never offer more than this for a unit of gas; without more, wait."""


@dataclass(slots=True)
class _Flight:
    """A nonce in use and every version signed for it."""

    nonce: int
    fields: dict[str, object]
    fees: Fees
    versions: list[SignedTransaction] = field(default_factory=list[SignedTransaction])


@dataclass(slots=True)
class _Account:
    lock: threading.Lock = field(default_factory=threading.Lock)
    next_nonce: int = 0
    in_flight: int = 0


class Sender:
    """Nonces, fees, replacement and confirmation for one client."""

    def __init__(self, client: Client, policy: SendPolicy) -> None:
        self._client = client
        self._policy = policy
        self._accounts: dict[str, _Account] = {}
        self._accounts_lock = threading.Lock()

    def send(
        self,
        tx: Transaction,
        signer: Signer,
        *,
        errors: ErrorCatalogue,
        on_signed: OnSigned | None,
        policy: SendPolicy | None,
    ) -> Receipt:
        """Return the receipt of the successful transaction.

        Raises ``InsufficientFundsError``; ``ContractRevertedError`` when the estimate already reverts (nothing is
        sent); ``TransactionFailedError`` when it was mined and failed (its cause is the decoded revert), was replaced
        by another sender, or was not mined within the deadline; ``ChainError`` when the node cannot be reached.
        """
        policy = policy or self._policy
        signer.require_usable_on(self._client.chain_id)
        fees = self._affordable(market_fees(self._client), policy)
        require_balance(self._client, signer.address, tx.value_wei)
        gas = tx.gas if tx.gas is not None else self._gas(tx, signer.address, errors, policy)
        require_balance(self._client, signer.address, tx.value_wei + gas * fees.cap_wei)
        fields: dict[str, object] = {
            "chainId": self._client.chain_id,
            "data": to_hex(tx.data),
            "value": tx.value_wei,
            "gas": gas,
        }
        if tx.to is not None:
            fields["to"] = tx.to
        account = self._account(signer.address)
        with self._launched(account, signer, fields, fees, on_signed) as flight:
            receipt = self._await(flight, signer, on_signed, policy)
        if not receipt.succeeded:
            raise explain_failure(self._client, receipt, replace(tx, gas=gas), signer.address, errors)
        return receipt

    # --- before sending ---

    def _gas(self, tx: Transaction, sender: str, errors: ErrorCatalogue, policy: SendPolicy) -> int:
        try:
            estimate = self._client.estimate_gas(tx, sender, errors=errors)
        except RpcError as error:
            raise refusal_error(self._client, error, sender, tx.value_wei) from error
        padded = max(int(estimate * policy.gas_margin), estimate)
        return min(padded, MAX_TX_GAS) if estimate <= MAX_TX_GAS else padded

    def _affordable(self, fees: Fees, policy: SendPolicy) -> Fees:
        limit = policy.max_fee_wei
        if limit is None or fees.cap_wei <= limit:
            return fees
        return Fees(limit, None if fees.tip_wei is None else min(fees.tip_wei, limit))

    # --- nonce and first hand-over ---

    def _account(self, address: str) -> _Account:
        with self._accounts_lock:
            return self._accounts.setdefault(address, _Account())

    @contextmanager
    def _launched(
        self, account: _Account, signer: Signer, fields: dict[str, object], fees: Fees, on_signed: OnSigned | None
    ) -> Generator[_Flight]:
        with account.lock:
            flight = self._launch(account, signer, fields, fees, on_signed)
            account.next_nonce = flight.nonce + 1
            account.in_flight += 1
        try:
            yield flight
        finally:
            with account.lock:
                account.in_flight -= 1

    def _launch(
        self, account: _Account, signer: Signer, fields: dict[str, object], fees: Fees, on_signed: OnSigned | None
    ) -> _Flight:
        """Find a free nonce and get the node to accept the transaction; the account's lock is held."""
        refusal: RpcError | None = None
        for attempt in range(_FIRST_TRIES):
            pending = self._client.transaction_count(signer.address, "pending")
            # Trust our own count only while something of ours is on its way; otherwise the chain may have gone back.
            nonce = max(pending, account.next_nonce) if account.in_flight else pending
            flight = _Flight(nonce, fields, fees)
            try:
                self._hand_over(flight, signer, on_signed)
            except RpcUnavailableError as error:
                raise TransactionFailedError(
                    f"the node stopped answering while transaction {flight.versions[-1].tx_hash} was handed over",
                    hint="It may have been accepted: look for the hash before you repeat the action.",
                ) from error
            except RpcError as error:
                if not _RACE_LOST.search(error.text):
                    value, gas = fields["value"], fields["gas"]
                    needed = int(str(value)) + int(str(gas)) * fees.cap_wei
                    raise refusal_error(self._client, error, signer.address, needed) from error
                refusal = error
                account.next_nonce = 0
                if "replacement" not in error.text and UNDERPRICED.search(error.text):
                    fees = fees.bumped(market_fees(self._client))
                time.sleep(min(0.01 * 2**attempt, 1.0) * (0.5 + secrets.randbelow(100) / 100))
                continue
            return flight
        raise TransactionFailedError(
            f"no free nonce for {signer.address} after {_FIRST_TRIES} tries",
            got=refusal.text if refusal else None,
            hint="Another program sends from this account, or an old transaction is stuck in the node's pool.",
        )

    def _hand_over(self, flight: _Flight, signer: Signer, on_signed: OnSigned | None) -> None:
        """Sign for the flight's nonce and fees and send.

        Being known already counts as accepted only when an answer to us was lost before. Else another client with the
        same key sent the very same transaction (signatures are deterministic), and it is theirs: ours must be one more.
        """
        signed = signer.sign({**flight.fields, **flight.fees.as_fields(), "nonce": flight.nonce})
        if on_signed is not None:
            on_signed(signed.tx_hash, flight.nonce)
        flight.versions.append(signed)  # first: an answer that gets lost must not make us forget it
        repeats: list[None] = []
        try:
            self._client.rpc.request(
                "eth_sendRawTransaction", to_hex(signed.raw), on_repeat=lambda: repeats.append(None)
            )
        except RpcError as error:
            ours = bool(repeats) or not _RACE_LOST.search(error.text)
            known = bool(repeats) and ALREADY_KNOWN.search(error.text)
            # Hardhat mines a transaction that fails, and answers with the failure.
            if not known and not (ours and self._client.receipt(signed.tx_hash)):
                raise

    # --- until it is final ---

    def _await(self, flight: _Flight, signer: Signer, on_signed: OnSigned | None, policy: SendPolicy) -> Receipt:
        started = last_sent = time.monotonic()
        pause, overtaken = policy.poll_s, math.inf  # since when the nonce is used without a receipt of ours
        while True:
            try:
                head = self._client.block_number()
                receipt = self._mined(flight)
                if receipt is not None:
                    overtaken = math.inf
                    if head + 1 >= receipt.block_number + policy.confirmations:
                        return receipt
                elif self._client.transaction_count(signer.address) > flight.nonce:
                    overtaken = min(overtaken, time.monotonic())
                elif time.monotonic() - last_sent >= policy.resend_after_s:
                    self._replace(flight, signer, on_signed, policy)
                    last_sent = time.monotonic()
            except RpcUnavailableError:
                pass  # a pause of the node is no failure of the transaction; the deadline below bounds it
            if time.monotonic() - overtaken >= policy.lost_after_s:
                raise self._lost(flight, signer.address)
            if time.monotonic() - started >= policy.deadline_s:
                raise self._late(flight, policy)
            time.sleep(pause)
            pause = min(pause * 2, 1.0, max(policy.resend_after_s / 4, 0.01))

    def _mined(self, flight: _Flight) -> Receipt | None:
        found = (self._client.receipt(version.tx_hash) for version in reversed(flight.versions))
        return next((receipt for receipt in found if receipt is not None), None)

    def _replace(self, flight: _Flight, signer: Signer, on_signed: OnSigned | None, policy: SendPolicy) -> None:
        """Offer more for the same nonce. A refusal changes nothing: an earlier version is in the pool or mined."""
        for _ in range(_BUMPS_AT_ONCE):
            fees = flight.fees.bumped(market_fees(self._client))
            if policy.max_fee_wei is not None and fees.cap_wei > policy.max_fee_wei:
                return
            flight.fees = fees
            try:
                self._hand_over(flight, signer, on_signed)
            except RpcError as error:
                if UNDERPRICED.search(error.text):
                    continue
            return

    def _lost(self, flight: _Flight, address: str) -> TransactionFailedError:
        return TransactionFailedError(
            f"nonce {flight.nonce} of {address} was used by another transaction",
            got=f"none of {[version.tx_hash for version in flight.versions]} was mined",
            hint="Another program sends from this account. The action was not done; repeat it.",
        )

    def _late(self, flight: _Flight, policy: SendPolicy) -> TransactionFailedError:
        return TransactionFailedError(
            f"transaction {flight.versions[-1].tx_hash} did not reach {policy.confirmations} confirmations in time",
            expected=f"within {policy.deadline_s:g} s",
            got=f"{len(flight.versions)} versions with nonce {flight.nonce}, the last at {flight.fees.cap_wei} wei",
            hint="It may still be mined: look for it before you repeat the action.",
        )
