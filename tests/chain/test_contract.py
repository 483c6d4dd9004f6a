"""Handles: results, events, and every way in which a contract can refuse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract, deploy
from pyml.chain.devnet import DevNode
from pyml.chain.rpc import Rpc
from pyml.chain.transactions import MAX_CODE_BYTES
from pyml.errors import (
    ChainError,
    ContractRevertedError,
    InputError,
    IntegrityError,
    NotDeployedError,
    TransactionFailedError,
)

NOBODY = "0x000000000000000000000000000000000000dEaD"


def test_send_changes_state_and_emits(vault: Contract, node: DevNode) -> None:
    account = node.accounts[1]
    receipt = vault.send("store", 42, "hello", account=account, value_wei=3)
    (event,) = vault.events_in(receipt, "Stored")
    assert event.arguments["by"] == account.address
    assert event.arguments["value"] == 42
    assert event.arguments["note"] == "hello"
    assert len(event.arguments["hashedNote"]) == 32
    assert vault.call("all") == ({"by": account.address, "value": 42, "note": b"hello"},)
    assert vault.client.balance_wei(vault.address) == 3


def test_several_outputs_are_a_tuple_and_a_void_result_is_none(vault: Contract) -> None:
    limit, inner = vault.call("pair")
    assert (limit, inner) == (100, vault.call("inner"))
    assert vault.call("incrementBelow", 5) is None


def test_overloads_are_chosen_by_signature(vault: Contract) -> None:
    assert vault.call("overloaded(uint256)", 5) == 5
    assert vault.call("overloaded(bytes32)", b"\1" * 32) == b"\1" * 32
    with pytest.raises(InputError, match="no single function overloaded with 1 arguments"):
        vault.call("overloaded", 5)


@pytest.mark.parametrize(
    ("function", "args", "name", "arguments"),
    [
        ("store", (101, "x"), "LimitExceeded", {"limit": 100, "asked": 101}),
        ("requireString", (), "Error", {"message": "plain words"}),
        ("overflow", (2**256 - 1,), "Panic", {"code": 0x11, "meaning": "arithmetic overflow or underflow"}),
        ("silent", (), "Empty", {}),
        ("unknownError", (), "Unknown", {"data": bytes.fromhex("deadbeef")}),
    ],
)
def test_revert_is_decoded_in_call_and_in_send(
    vault: Contract, node: DevNode, function: str, args: tuple[Any, ...], name: str, arguments: dict[str, object]
) -> None:
    account = node.accounts[1]
    nonce = vault.client.transaction_count(account.address)
    with pytest.raises(ContractRevertedError) as called:
        vault.call(function, *args)
    with pytest.raises(ContractRevertedError) as sent:
        vault.send(function, *args, account=account)
    for caught in (called.value, sent.value):
        assert (caught.contract, caught.name, caught.arguments) == ("Vault", name, arguments)
    assert vault.client.transaction_count(account.address) == nonce, "a call known to revert is not sent"


def test_struct_in_an_error(vault: Contract, node: DevNode) -> None:
    sender = node.accounts[2].address
    with pytest.raises(ContractRevertedError) as caught:
        vault.call("refuseStruct", sender=sender)
    assert caught.value.arguments == {"entry": {"by": sender, "value": 7, "note": b"\1\2"}}


def test_error_of_a_called_contract_needs_its_abi(vault: Contract) -> None:
    tag = b"\7" * 32
    with pytest.raises(ContractRevertedError) as caught:
        vault.call("refuseInner", tag)
    assert caught.value.name == "InnerRefused"
    assert caught.value.arguments == {"tag": tag, "caller": vault.address}
    blind = Contract(vault.client, vault.artifact, vault.address)
    with pytest.raises(ContractRevertedError) as unknown:
        blind.call("refuseInner", tag)
    assert unknown.value.name == "Unknown"
    assert "pass the ABI" in str(unknown.value)


def test_mined_failure_is_explained(vault: Contract, node: DevNode) -> None:
    with pytest.raises(TransactionFailedError, match=r"LimitExceeded\(limit=100, asked=101\)") as caught:
        vault.send("store", 101, "x", account=node.accounts[1], gas=200_000)
    assert isinstance(caught.value.__cause__, ContractRevertedError)
    assert caught.value.__cause__.arguments == {"limit": 100, "asked": 101}


def test_running_out_of_gas_is_explained(vault: Contract, node: DevNode) -> None:
    with pytest.raises(TransactionFailedError, match="gas"):
        vault.send("burnAllGas", account=node.accounts[1], gas=100_000)


@pytest.mark.parametrize("args", [("not a number", "x"), (1,), (2**256, "x"), (-1, "x"), (1, "x", 3)])
def test_wrong_arguments_are_an_input_error(vault: Contract, args: tuple[Any, ...]) -> None:
    with pytest.raises(InputError, match="store"):
        vault.encode("store", *args)


def test_unknown_function_lists_the_known_ones(vault: Contract) -> None:
    with pytest.raises(InputError, match=r"no single function withdraw.*store"):
        vault.call("withdraw")


def test_contract_absent(client: Client, node: DevNode, compiled: dict[str, Artifact]) -> None:
    with pytest.raises(NotDeployedError, match=f"Vault is not deployed at {NOBODY} on chain 31337"):
        Contract.at(client, NOBODY, artifact=compiled["Vault"])
    handle = Contract(client, compiled["Vault"], NOBODY)
    with pytest.raises(NotDeployedError):
        handle.call("limit")
    nonce = client.transaction_count(node.accounts[0].address)
    with pytest.raises(NotDeployedError):
        handle.send("increment", account=node.accounts[0])
    assert client.transaction_count(node.accounts[0].address) == nonce, "nothing is sent into the void"


def test_another_contract_at_the_address(vault: Contract, compiled: dict[str, Artifact]) -> None:
    with pytest.raises(IntegrityError, match="is not Inner"):
        Contract.at(vault.client, vault.address, artifact=compiled["Inner"])
    assert Contract.at(vault.client, vault.address, artifact=compiled["Vault"]).call("limit") == 100


def test_one_changed_byte_of_code_is_noticed_outside_immutables_only(vault: Contract) -> None:
    code = vault.client.code(vault.address)
    start, length = vault.artifact.immutable_references[0]
    inside = code[:start] + bytes(length) + code[start + length :]
    outside = code[: start - 1] + bytes([code[start - 1] ^ 1]) + code[start:]
    assert vault.artifact.matches_code(inside)
    assert not vault.artifact.matches_code(outside)
    assert not vault.artifact.matches_code(code + b"\0")


def test_constructor_revert_and_wrong_constructor_arguments(
    client: Client, node: DevNode, compiled: dict[str, Artifact]
) -> None:
    with pytest.raises(ContractRevertedError, match="constructor of Vault refused the call: LimitExceeded"):
        deploy(client, compiled["Vault"], 0, NOBODY, account=node.accounts[0])
    with pytest.raises(InputError, match="constructor arguments of Vault do not fit"):
        deploy(client, compiled["Vault"], 1, account=node.accounts[0])
    with pytest.raises(InputError, match="constructor arguments of Vault do not fit"):
        deploy(client, compiled["Vault"], 1, "0x1234", account=node.accounts[0])
    with pytest.raises(InputError, match="constructor arguments of Inner do not fit"):
        deploy(client, compiled["Inner"], 1, account=node.accounts[0])


def test_oversize_contract_is_refused_before_sending(
    client: Client, node: DevNode, compiled: dict[str, Artifact]
) -> None:
    account = node.accounts[0]
    nonce = client.transaction_count(account.address)
    large = replace(compiled["Inner"], deployed_bytecode="00" * (MAX_CODE_BYTES + 1))
    with pytest.raises(InputError, match=r"Inner is too large \(EIP-170\).*expected ≤ 24576 bytes; got 24577"):
        deploy(client, large, account=account)
    long_creation = replace(compiled["Inner"], bytecode="00" * (2 * MAX_CODE_BYTES + 1))
    with pytest.raises(InputError, match="EIP-3860"):
        deploy(client, long_creation, account=account)
    assert client.transaction_count(account.address) == nonce


def test_interface_cannot_be_deployed(client: Client, node: DevNode, compiled: dict[str, Artifact]) -> None:
    with pytest.raises(InputError, match="IShape is an interface or abstract"):
        deploy(client, compiled["IShape"], account=node.accounts[0])


def test_insecure_artifact_stays_on_development_chains(
    client: Client, node: DevNode, compiled: dict[str, Artifact]
) -> None:
    insecure = replace(compiled["Inner"], insecure="verifying key from a locally made SRS")
    assert deploy(client, insecure, account=node.accounts[0]).contract_address
    public = Client(Rpc(node.url), chain_id=1)
    with pytest.raises(ChainError, match=r"Inner is insecure \(verifying key from a locally made SRS\).*got 1"):
        deploy(public, insecure, account=node.accounts[0])


def test_libraries_are_linked(client: Client, node: DevNode, compiled: dict[str, Artifact]) -> None:
    account = node.accounts[0]
    library = Contract.deploy(client, account=account, artifact=compiled["Doubling"])
    linked = Contract.deploy(
        client, account=account, artifact=compiled["Linked"], libraries={"Doubling": library.address}
    )
    assert linked.call("fourfold", 3) == 12
    with pytest.raises(InputError, match="Linked needs libraries"):
        deploy(client, compiled["Linked"], account=account)
    with pytest.raises(InputError, match="libraries of Linked do not match"):
        deploy(client, compiled["Linked"], account=account, libraries={"Halving": library.address})


def test_events_of_other_contracts_are_left_out(vault: Contract, node: DevNode) -> None:
    receipt = vault.send("increment", account=node.accounts[1])
    assert [event.arguments for event in vault.events_in(receipt)] == [{"count": 1}]
    assert vault.events_in(receipt, "Stored") == ()
    other = Contract(vault.client, vault.artifact, NOBODY)
    assert other.events_in(receipt) == ()
    with pytest.raises(InputError, match="0 events named 'Gone'"):
        vault.topic("Gone")


class TypedVault(Contract):
    """What a system's handle looks like."""

    artifact_name = "Vault"

    def limit(self) -> int:
        return self.call("limit")


def test_subclass_is_a_typed_handle(vault: Contract) -> None:
    handle = TypedVault.at(vault.client, vault.address, artifact=vault.artifact)
    assert handle.limit() == 100
    assert repr(handle) == f"Vault({vault.address} on chain 31337)"
