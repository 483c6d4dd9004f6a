"""Carries steps out: the loop of every role, its transactions, and what to do about those of a process that died.

A role is asked for its next step, with the chain as it is; the step is carried out; and again. Two roles may want the
same thing (anybody may settle a round), so a refusal by the chain counts only if the step is still wanted afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.transactions import Receipt, Transaction
from pyml.errors import ChainError, ContractRevertedError, TransactionFailedError
from pyml.freezenet.diary import Diary
from pyml.freezenet.registries import FreezenetContracts
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work

Report = Callable[[str], None]
"""Told what a role does or waits for."""
PATIENCE_S: Final = 180.0
"""How long a transaction of an earlier process may stay in a node's pool."""
_REFUSALS: Final = 3
_IDLE_ROUNDS: Final = 20
"""After so many looks in vain the role is asked again: something beside the chain may have come."""


class Role(Protocol):
    """What the loop needs of a role."""

    def next_step(self) -> Step:
        """What to do now, with the chain as it is."""
        ...

    def work(self, name: str) -> bool:
        """Do what takes no transaction; false if it cannot be done yet."""
        ...

    def took_place(self, step: Send, receipt: Receipt) -> None:
        """Told of each transaction that was mined."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What a role works with: an account of its own, its journal, the contracts."""

    contracts: FreezenetContracts
    account: Signer
    diary: Diary
    report: Report
    poll_s: float = 1.0

    @property
    def client(self) -> Client:
        return self.contracts.client

    def send(self, step: Send) -> Receipt:
        """Sign, journal, hand over, wait until it is mined, journal that."""
        handle = self._handle(step)
        tx = Transaction(handle.address, handle.encode(step.function, *step.arguments), step.value_wei)

        def signed(tx_hash: str, nonce: int) -> None:
            self.diary.note("signed", function=step.function, tx=tx_hash, nonce=nonce, value_wei=step.value_wei)

        receipt = self.client.send(tx, self.account, errors=handle.errors, on_signed=signed)
        self.diary.note("mined", function=step.function, tx=receipt.tx_hash, gas=receipt.gas_used)
        return receipt

    def resume(self) -> None:
        """Wait for what an earlier process of this role has sent; forget what no node has."""
        deadline = time.monotonic() + PATIENCE_S
        for record in self.diary.open_transactions():
            tx_hash, nonce = str(record["tx"]), int(record["nonce"])
            while True:
                receipt = self.client.receipt(tx_hash)
                if receipt is not None:
                    self.diary.note("mined", function=record["function"], tx=tx_hash, gas=receipt.gas_used)
                    break
                replaced = self.client.transaction_count(self.account.address) > nonce
                if replaced or self.client.transaction_input(tx_hash) is None:
                    self.diary.note("dropped", tx=tx_hash)
                    break
                if time.monotonic() > deadline:
                    raise ChainError(
                        f"transaction {tx_hash} of an earlier run still waits in the node's pool",
                        hint="Run this again later.",
                    )
                self.report("waiting for a transaction of an earlier run")
                time.sleep(self.poll_s)

    def _handle(self, step: Send) -> Contract:
        return self.contracts.handle(step.contract)


def run_role(role: Role, desk: Desk) -> str:
    """Step until the role is done; returns the outcome. May be interrupted anywhere, and called again."""
    desk.resume()
    refused: list[Send] = []
    while True:
        block = desk.client.block_number()
        step = role.next_step()
        if isinstance(step, Finish):
            return step.outcome
        if isinstance(step, Wait):
            desk.report(f"waiting for block {step.block}: {step.why}")
            _await_block(desk, step.block)
        elif isinstance(step, Work):
            if not role.work(step.name):
                _await_block(desk, block + 1)
        else:
            refused = _carry_out(role, desk, step, refused)


def _carry_out(role: Role, desk: Desk, step: Send, refused: list[Send]) -> list[Send]:
    """Send; a refusal is raised once the same step was refused several times. Returns what was refused in a row."""
    desk.report(step.function)
    try:
        receipt = desk.send(step)
    except (ContractRevertedError, TransactionFailedError) as error:
        reverted = isinstance(error, ContractRevertedError) or isinstance(error.__cause__, ContractRevertedError)
        if not reverted or refused.count(step) + 1 >= _REFUSALS:
            raise
        _await_block(desk, desk.client.block_number() + 1)
        return [*refused, step]
    role.took_place(step, receipt)
    return []


def _await_block(desk: Desk, block: int) -> None:
    """Until ``block`` is there, or for a while."""
    for _ in range(_IDLE_ROUNDS):
        time.sleep(desk.poll_s)
        if desk.client.block_number() >= block:
            return
