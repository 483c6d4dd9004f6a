"""What of ``pyml kdac`` needs a chain: deployment for a network, registered keys, anchoring and checking anchors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from pyml.cli.terminal import Json, PasswordFile, connect, password, share_done, show, signer, signer_on
from pyml.config import load_config
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.client import Client
    from pyml.kdac.anchoring import Anchoring
    from pyml.kdac.ordering import OrderingEngine
    from pyml.kdac.pbft.replica_set import ReplicaSet
    from pyml.kdac.registries import MessageLog
    from pyml.kdac.relay_metrics import RelayMetrics

    Anchors: TypeAlias = Callable[[RelayMetrics], Anchoring]

_SEND_S = 30.0
"""A relay that is stopped waits for a transaction that it has sent, but not for longer."""

Rpc = Annotated[str | None, typer.Option("--rpc", help="URL of a node; default from the settings.")]
Account = Annotated[str | None, typer.Option("--account", help="Stored account that pays; on a devnet a public one.")]
AccountPasswordFile = Annotated[
    Path | None, typer.Option("--account-password-file", help="File that holds the account's password.")
]
Deployments = Annotated[Path, typer.Option("--deployments", help="Where deployments are recorded.")]
_Network = Annotated[Path, typer.Option("--network", help="File that names the replicas.")]


def deploy(
    network: _Network,
    rpc: Rpc = None,
    account: Account = None,
    account_password_file: AccountPasswordFile = None,
    chain_id: Annotated[int | None, typer.Option(help="Refuse any other chain.")] = None,
    deployments: Deployments = Path("deployments"),
    as_json: Json = False,
) -> None:
    """Deploy KeyRegistry, MessageQueue and this network's MessageLog, and write chain and log into the network file.

    Before the relays first start: their signatures cover both. What is there already is used again.
    """
    from pyml.chain.deploy import deploy_system
    from pyml.kdac.deployment import SYSTEM, deployment_plan
    from pyml.kdac.pbft.network_file import bind_network, read_network
    from pyml.kdac.registries import addresses_of

    config = load_config()
    named = read_network(network).replicas
    client = connect(config, rpc, chain_id=chain_id or named.chain_id or None)
    payer = signer(client, config, account, account_password_file)
    with share_done(SYSTEM, as_json=as_json) as report:
        plan = deployment_plan(addresses_of(named.keys))
        records = deploy_system(client, plan, payer, folder=deployments, progress=report).systems[SYSTEM]
    bind_network(network, client.chain_id, bytes.fromhex(records["MessageLog"].address[2:]))
    addresses = {name: record.address for name, record in records.items()}
    show({"chain_id": client.chain_id, "network": str(network), **addresses}, as_json=as_json, title="deployed")


def register(
    rpc: Rpc = None,
    account: Account = None,
    account_password_file: AccountPasswordFile = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="Say that the key is not to be used, for good.")] = False,
    deployments: Deployments = Path("deployments"),
    home: Annotated[Path | None, typer.Option(help="Folder of the identity [default: PYML_HOME/kdac].")] = None,
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Put your long-term public key on the chain, for good, with proof that you have the private one.

    The account is linked to the key in public: use one that is known for nothing else.
    """
    from pyml.kdac.client_store import opened_store
    from pyml.kdac.registries import open_contracts, register_key

    config = load_config()
    client = connect(config, rpc)
    registry = open_contracts(client, deployments).keys
    owner = signer(client, config, account, account_password_file)
    with opened_store(home or config.home / "kdac", password(password_file)) as store:
        if revoke:
            found = registry.find(owner.address)
            if found is None or found.key != store.key.public:
                raise InputError("this account has not registered this identity's key", got=owner.address)
            if found.is_valid:
                registry.revoke(account=owner)
        else:
            register_key(registry, store.key, owner)
        entry = registry.find(owner.address)
    result: dict[str, Any] = {"account": owner.address, "valid": entry is not None and entry.is_valid}
    if entry is not None:
        result |= {"key": entry.key.hex(), "since_block": entry.registered_block}
    show(result, as_json=as_json, title="key")


def verify_anchor(
    archive: Annotated[Path, typer.Argument(help="A relay's replica/blocks.sqlite, or a copy of it.")],
    height: Annotated[int, typer.Argument(min=1, help="Of the block.")],
    network: _Network,
    rpc: Rpc = None,
    as_json: Json = False,
) -> None:
    """Check that a quorum signed a block and that the chain has it, itself or a block that follows from it.

    Exit code 1 if not. A relay that anchors shows blocks of its archive to others once they are anchored.
    """
    from pyml.kdac.anchoring import bound_log, verify
    from pyml.kdac.pbft.network_file import read_network

    replicas = _anchored(network, read_network(network).replicas)
    log = bound_log(_log_of(connect(load_config(), rpc, chain_id=replicas.chain_id), replicas), replicas)
    found = verify(archive, height, log, replicas)
    result: dict[str, Any] = {
        "height": height,
        "digest": found.digest.hex(),
        "messages": found.messages,
        "signers": found.signers,
        "anchored": found.holds,
    }
    if found.covered_by is not None:
        result |= {"by_height": found.covered_by.height, "in_block": found.covered_by.anchored_block}
    if not found.holds:
        result["reason"] = found.reason
    show(result, as_json=as_json, title="block")
    if not found.holds:
        raise typer.Exit(1)


def registered_owner(rpc: str, deployments: Path, key: bytes) -> str:
    """Who registered a key; ``InputError`` if nobody did or it was revoked."""
    from pyml.kdac.registries import open_contracts

    registry = open_contracts(connect(load_config(), rpc), deployments).keys
    owner = registry.owner_of(key)
    if owner is None or not registry.is_valid(key):
        raise InputError(
            "the inviter's key is not registered" if owner is None else "the inviter has revoked this key",
            hint="Ask the inviter, by another way, before you accept without --rpc.",
        )
    return owner


def evm_engine(
    url: str, deployments: Path, *, account: str | None, password_file: Path | None, confirmations: int
) -> OrderingEngine:
    """Ordering by the chain's MessageQueue."""
    from pyml.kdac.evm import EvmEngine
    from pyml.kdac.registries import open_contracts

    config = load_config()
    client = connect(config, url)
    contracts = open_contracts(client, deployments)
    payer = signer(client, config, account, password_file)
    return EvmEngine(contracts.queue, payer, since_block=contracts.since_block, confirmations=confirmations)


def anchoring_of(
    engine: OrderingEngine,
    network: Path,
    url: str,
    *,
    every: int,
    account: str | None,
    password_file: Path | None,
) -> Anchors:
    """What anchors this replica's blocks, once there are metrics to count in. The node need not answer yet."""
    from pyml.chain.client import Client
    from pyml.chain.sending import SendPolicy
    from pyml.kdac.anchoring import Anchoring, bound_log
    from pyml.kdac.pbft.engine import PbftEngine
    from pyml.kdac.pbft.network_file import read_network

    replicas = _anchored(network, read_network(network).replicas)
    if not isinstance(engine, PbftEngine):
        raise InputError("there is nothing to anchor", expected="--network FILE")
    payer = signer_on(replicas.chain_id, load_config(), account, password_file)
    policy = SendPolicy(deadline_s=_SEND_S)

    def open_log() -> MessageLog:
        client = Client.connect(url, expected_chain_id=replicas.chain_id, policy=policy)
        return bound_log(_log_of(client, replicas), replicas)

    def begin(metrics: RelayMetrics) -> Anchoring:
        metrics.watch("decided_height", "The last height that this replica has", lambda: engine.health().height)
        return Anchoring(engine, open_log, payer, metrics=metrics, every=every)

    return begin


def _anchored(network: Path, replicas: ReplicaSet) -> ReplicaSet:
    if not any(replicas.log_address):
        raise InputError(
            f"{network} names no message_log", hint="pyml kdac deploy --network FILE writes it, before relays start."
        )
    return replicas


def _log_of(client: Client, replicas: ReplicaSet) -> MessageLog:
    from pyml.kdac.registries import MessageLog

    return MessageLog.at(client, "0x" + replicas.log_address.hex())
