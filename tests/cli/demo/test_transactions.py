"""What was sent, named: creations, calls, payments, what failed, and what nobody has a name for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Transaction
from pyml.cli.demo.transactions import Names, Sent, gas_by_call, sent_between
from pyml.errors import ToolMissingError, TransactionFailedError
from pyml.keys.deployment import deployment_plan
from pyml.keys.registries import KeysContracts, open_contracts


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    try:
        with Devnet() as node:
            yield node
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def contracts(devnet: Devnet, folder: Path) -> KeysContracts:
    client = Client.connect(devnet.url)
    deploy_system(client, deployment_plan(), devnet.accounts[0], folder=folder)
    return open_contracts(client, folder)


def test_calls_and_payments(devnet: Devnet, folder: Path, contracts: KeysContracts) -> None:
    client, alice = contracts.vault.client, devnet.accounts[0]
    first = client.block_number() + 1
    receipt = contracts.helpers.register(bytes(range(32)), account=alice)
    paid = client.send(Transaction(devnet.accounts[1].address, value_wei=5), alice)
    sent = sent_between(client, first, client.block_number(), Names.recorded(folder, client.chain_id))
    assert sent == (
        Sent(receipt.block_number, receipt.tx_hash, "HelperRegistry.register", receipt.gas_used, True),
        Sent(paid.block_number, paid.tx_hash, "payment", 21_000, True),
    )


def test_creations_and_what_has_no_name(devnet: Devnet, folder: Path, contracts: KeysContracts) -> None:
    client = contracts.vault.client
    names = Names.recorded(folder, client.chain_id)
    created = {each.call for each in sent_between(client, 1, client.block_number(), names) if "new" in each.call}
    assert created == {"new HelperRegistry", "new ImageVault"}
    nameless = sent_between(client, 1, client.block_number(), Names({}, {}))
    assert {each.call for each in nameless if each.call.startswith("new")} == {"new contract"}
    assert [each.gas for each in nameless] == [
        each.gas for each in sent_between(client, 1, client.block_number(), names)
    ]
    abroad = {"input": "0x12345678" + "00" * 32, "to": "0x" + "11" * 20}
    assert names.call(abroad, None) == "call of 0x12345678"
    unknown = {"input": "0x12345678", "to": contracts.vault.address.lower()}
    assert names.call(unknown, None) == "ImageVault.0x12345678"


def test_what_failed_is_there_too(devnet: Devnet, folder: Path, contracts: KeysContracts) -> None:
    client, alice = contracts.vault.client, devnet.accounts[0]
    first = client.block_number() + 1
    tx = Transaction(contracts.vault.address, contracts.vault.encode("refund", 99), gas=200_000)
    with pytest.raises(TransactionFailedError):
        client.send(tx, alice)
    (sent,) = sent_between(client, first, client.block_number(), Names.recorded(folder, client.chain_id))
    assert (sent.call, sent.succeeded) == ("ImageVault.refund", False)
    assert sent.gas > 21_000


def test_blocks_without_transactions(contracts: KeysContracts, folder: Path) -> None:
    client = contracts.vault.client
    first = client.block_number() + 1
    client.rpc.request("anvil_mine", "0x5")
    assert sent_between(client, first, client.block_number(), Names.recorded(folder, client.chain_id)) == ()


def test_gas_by_call() -> None:
    sent = (Sent(1, "0x1", "A.b", 3, True), Sent(2, "0x2", "payment", 21_000, True), Sent(3, "0x3", "A.b", 5, True))
    assert gas_by_call(sent) == {"A.b": [3, 5], "payment": [21_000]}
    assert gas_by_call(()) == {}
