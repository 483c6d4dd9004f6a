"""What the kdac contracts cost on chain: deployment, keys, anchored blocks by number of replicas, messages by size.

    python bench/kdac_gas.py      to bench/results/kdac_gas.json, some seconds

Every figure is the gas of a mined transaction on a devnet, from real signatures. Of messages and blocks the second one
is given, since the first fills storage that stays filled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.measuring.record import RESULTS, write_result
from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.sending import SendPolicy
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import PymlError
from pyml.kdac.deployment import SYSTEM, deployment_plan
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.replica_set import ReplicaSet
from pyml.kdac.pbft.votes import Certificate, Kind, Vote, signed_digest
from pyml.kdac.registries import KdacContracts, addresses_of, open_contracts, registration_digest, replica_set

QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
SIZES = (4, 7, 16, 64)
PAYLOADS = (256, 1024, 4096)
BATCHES = (1, 16)
console = Console(stderr=True)


def measure() -> dict[str, Any]:
    """All of it, on a devnet of its own."""
    with Devnet() as devnet, tempfile.TemporaryDirectory() as folder:
        client, account = Client.connect(devnet.url, policy=QUICK), devnet.accounts[0]
        rows = list[dict[str, Any]]()
        for n in SIZES:
            keys = [SigningKey.random() for _ in range(n)]
            contracts, deployment = _deployed(client, account, Path(folder) / str(n), keys)
            rows.append({"replicas": n, "deployment": deployment, **_anchor_gas(contracts, account, keys)})
        contracts, _ = _deployed(client, account, Path(folder) / "4", [])
        return {
            "logs": rows,
            "keys": _key_gas(contracts, devnet.accounts[1]),
            "messages": [_post_gas(contracts, account, size, batch) for size in PAYLOADS for batch in BATCHES],
        }


def _deployed(
    client: Client, account: Signer, folder: Path, keys: Sequence[SigningKey]
) -> tuple[KdacContracts, dict[str, int]]:
    if keys:
        plan = deployment_plan(addresses_of([key.public for key in keys]))
        deployed = deploy_system(client, plan, account, folder=folder)
        receipts = {name: client.receipt(record.tx_hashes[-1]) for name, record in deployed.systems[SYSTEM].items()}
        gas = {name: receipt.gas_used for name, receipt in receipts.items() if receipt is not None}
        return open_contracts(client, folder), gas
    return open_contracts(client, folder), {}


def _anchor_gas(contracts: KdacContracts, account: Signer, keys: Sequence[SigningKey]) -> dict[str, int]:
    log = contracts.log
    if log is None:
        raise RuntimeError("the log was not deployed")
    replicas = replica_set(log, [key.public for key in keys])
    first = Block(1, GENESIS, (b"message",))
    second = Block(2, first.digest, (b"another",))
    receipts = [
        log.anchor(block.header, _signed(replicas, keys, block, log.quorum()), account=account)
        for block in (first, second)
    ]
    return {"signatures": log.quorum(), "anchor": receipts[1].gas_used}


def _signed(replicas: ReplicaSet, keys: Sequence[SigningKey], block: Block, count: int) -> Certificate:
    digest = signed_digest(replicas.network, Kind.COMMIT, block.height, 0, block.digest)
    ordered = sorted(keys, key=lambda key: replicas.index(key.public))
    votes = (
        Vote(Kind.COMMIT, block.height, 0, block.digest, i, ordered[i].sign_recoverable(digest)) for i in range(count)
    )
    return Certificate.of(votes)


def _key_gas(contracts: KdacContracts, account: Signer) -> dict[str, int]:
    key, registry = SigningKey.random(), contracts.keys
    digest = registration_digest(contracts.client.chain_id, registry.address, account.address, key.public)
    registered = registry.register(key.public, key.sign_recoverable(digest), account=account)
    return {"register": registered.gas_used, "revoke": registry.revoke(account=account).gas_used}


def _post_gas(contracts: KdacContracts, account: Signer, size: int, batch: int) -> dict[str, int]:
    def payloads(name: str) -> list[bytes]:
        return [f"{name} {size} {batch} {k} ".encode().ljust(size, b"\xa5") for k in range(batch)]

    contracts.queue.post(payloads("first"), account=account)
    receipt = contracts.queue.post(payloads("second"), account=account)
    return {"payload_bytes": size, "batch": batch, "per_message": receipt.gas_used // batch}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULTS / "kdac_gas.json")
    options = parser.parse_args(arguments)
    started = time.time()
    try:
        content = measure()
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    for row in content["logs"]:
        console.print(f"{row['replicas']} replicas: {row['anchor']:,} gas to anchor a block")
    write_result(options.output, benchmark="kdac_gas", arguments=[], started=started, content=content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
