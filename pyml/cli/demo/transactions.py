"""Every transaction of a range of blocks, named by contract and function: what a chapter did on the chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyml.chain.abi import selector
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.deployments import load_deployments

_SELECTOR_DIGITS = 2 + 8


@dataclass(frozen=True, slots=True)
class Sent:
    """One mined transaction."""

    block: int
    tx_hash: str
    call: str
    gas: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Names:
    """Contracts by address, functions by contract and selector."""

    contracts: Mapping[str, str]
    functions: Mapping[str, Mapping[str, str]]

    @classmethod
    def recorded(cls, folder: Path, chain_id: int) -> Names:
        """Of all contracts in a deployment record; the library's artefacts have the functions."""
        records = [each for system in load_deployments(folder, chain_id).systems.values() for each in system.values()]
        return cls(
            {each.address.lower(): each.contract for each in records},
            {each.contract: _functions(each.contract) for each in records},
        )

    def call(self, transaction: Mapping[str, Any], created: str | None) -> str:
        """What a transaction did, in words for a table."""
        if created is not None:
            return f"new {self.contracts.get(created.lower(), 'contract')}"
        data, target = str(transaction["input"]), str(transaction["to"]).lower()
        if len(data) < _SELECTOR_DIGITS:
            return "payment"
        contract = self.contracts.get(target)
        if contract is None:
            return f"call of {data[:_SELECTOR_DIGITS]}"
        return f"{contract}.{self.functions[contract].get(data[:_SELECTOR_DIGITS], data[:_SELECTOR_DIGITS])}"


def sent_between(client: Client, first: int, last: int, names: Names) -> tuple[Sent, ...]:
    """The transactions of a closed range of blocks, in order."""
    found: list[Sent] = []
    for number in range(first, last + 1):
        transactions: list[Any] = client.rpc.request("eth_getBlockByNumber", hex(number), True)["transactions"]
        receipts: list[Any] = client.rpc.request("eth_getBlockReceipts", hex(number)) if transactions else []
        for transaction, receipt in zip(transactions, receipts, strict=True):
            found.append(
                Sent(
                    number,
                    str(receipt["transactionHash"]),
                    names.call(transaction, receipt.get("contractAddress")),
                    int(receipt["gasUsed"], 16),
                    int(receipt["status"], 16) == 1,
                )
            )
    return tuple(found)


def gas_by_call(sent: tuple[Sent, ...]) -> dict[str, list[int]]:
    """What each call took, each time, in the order in which they were first made."""
    found: dict[str, list[int]] = {}
    for each in sent:
        found.setdefault(each.call, []).append(each.gas)
    return found


def _functions(contract: str) -> dict[str, str]:
    abi = load_artifact(contract).abi
    return {"0x" + selector(entry).hex(): str(entry["name"]) for entry in abi if entry["type"] == "function"}
