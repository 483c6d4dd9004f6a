"""What is deployed where: ``deployments/<chainid>.json``, written atomically, never believed without asking the chain.

The file is a convenience and not a root of trust: before a record is used, the chain must have the artefact's code at
its address, and where the node still knows the creating transaction, that must have created this address from this
bytecode with these constructor arguments. Whoever can change the file can still point it at a contract of the same
code that they deployed themselves; publish addresses where users can compare them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import require_code
from pyml.chain.transactions import checked_address
from pyml.errors import InputError, IntegrityError, NotDeployedError
from pyml.files import write_atomically

SCHEMA: Final = 1
_HASH = re.compile(r"0x[0-9a-f]{64}")
_HEX = re.compile(r"0x([0-9a-f]{2})*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One contract of one system. ``pending``: signed, perhaps sent, not known to be mined."""

    contract: str
    address: str
    artifact_digest: str
    deployer: str
    constructor_arguments: str
    """ABI-encoded, ``0x…``."""
    tx_hashes: tuple[str, ...]
    """The creating transaction; while pending, every version that was signed for its nonce."""
    block_number: int | None
    libraries: Mapping[str, str] = field(default_factory=dict[str, str])
    state: Literal["pending", "deployed"] = "deployed"

    def __post_init__(self) -> None:
        checked_address(self.address)
        checked_address(self.deployer)
        for address in self.libraries.values():
            checked_address(address)
        valid = (
            self.state in ("pending", "deployed")
            and bool(self.tx_hashes)
            and all(_HASH.fullmatch(tx_hash) for tx_hash in self.tx_hashes)
            and _HEX.fullmatch(self.constructor_arguments)
            and _DIGEST.fullmatch(self.artifact_digest)
            and (self.block_number is None) == (self.state == "pending")
        )
        if not valid:
            raise InputError(f"deployment record of {self.contract} is malformed")


@dataclass(frozen=True, slots=True)
class Deployments:
    """All records of one chain: system → step → record; ``superseded`` keeps what newer deployments replaced."""

    chain_id: int
    systems: Mapping[str, Mapping[str, Deployment]] = field(default_factory=dict[str, Mapping[str, Deployment]])
    superseded: tuple[Deployment, ...] = ()

    def find(self, system: str, name: str) -> Deployment | None:
        return self.systems.get(system, {}).get(name)

    def require(self, system: str, name: str) -> Deployment:
        """A finished deployment; raises ``NotDeployedError`` if there is none."""
        found = self.find(system, name)
        if found is None or found.state != "deployed":
            raise NotDeployedError(
                f"{name} of system {system} is not deployed on chain {self.chain_id}",
                hint=f"Run pyml deploy --system {system} with the URL of that chain's node.",
            )
        return found

    def with_record(self, system: str, name: str, record: Deployment) -> Deployments:
        """A copy with the record put in; a finished record that it replaces is kept as superseded."""
        old = self.find(system, name)
        moved = (old,) if old is not None and old.state == "deployed" and old.address != record.address else ()
        systems = {**self.systems, system: {**self.systems.get(system, {}), name: record}}
        return replace(self, systems=systems, superseded=(*self.superseded, *moved))

    def save(self, folder: Path) -> Path:
        """Write ``<folder>/<chainid>.json``."""
        path = deployments_path(folder, self.chain_id)
        content = {
            "schema": SCHEMA,
            "chain_id": self.chain_id,
            "systems": {
                system: {name: asdict(record) for name, record in records.items()}
                for system, records in self.systems.items()
            },
            "superseded": [asdict(record) for record in self.superseded],
        }
        write_atomically(path, json.dumps(content, indent=2).encode() + b"\n")
        return path


def deployments_path(folder: Path, chain_id: int) -> Path:
    return folder / f"{chain_id}.json"


def load_deployments(folder: Path, chain_id: int) -> Deployments:
    """The records of a chain, empty if there is no file; raises ``IntegrityError`` on a malformed one."""
    path = deployments_path(folder, chain_id)
    try:
        raw = cast(dict[str, Any], json.loads(path.read_bytes()))
        schema, recorded_id = raw["schema"], raw["chain_id"]
        deployments = Deployments(
            chain_id=chain_id,
            systems={
                system: {name: _record(item) for name, item in records.items()}
                for system, records in raw["systems"].items()
            },
            superseded=tuple(_record(item) for item in raw["superseded"]),
        )
    except FileNotFoundError:
        return Deployments(chain_id)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise IntegrityError(
            f"{path} is not a deployment file ({error})", hint="Restore it, or remove it and deploy again."
        ) from error
    if schema != SCHEMA:
        raise IntegrityError(f"{path} has another schema", expected=SCHEMA, got=schema)
    if recorded_id != chain_id:
        raise IntegrityError(f"{path} is of another chain", expected=f"chain id {chain_id}", got=recorded_id)
    return deployments


def require_deployed(client: Client, record: Deployment, artifact: Artifact) -> None:
    """Check a record against the chain; raises ``NotDeployedError`` or ``IntegrityError``."""
    if artifact.digest != record.artifact_digest:
        raise IntegrityError(
            f"{record.contract} at {record.address} was deployed from another build",
            expected=artifact.digest,
            got=record.artifact_digest,
            hint="Deploy again, or use the version of pyml that deployed it.",
        )
    linked = artifact.link(record.libraries) if record.libraries else artifact
    require_code(client, linked, record.address)
    creation = created_by(client, record)
    if creation is None:
        if client.is_dev:  # a devnet keeps every transaction: an unknown one belongs to an earlier devnet
            raise NotDeployedError(
                f"{record.contract} at {record.address} is not from its recorded transaction",
                hint="The devnet was restarted; deploy again.",
            )
        return
    if creation != linked.creation_code() + bytes.fromhex(record.constructor_arguments[2:]):
        raise IntegrityError(f"{record.contract} at {record.address} was created with other code or arguments")


def created_by(client: Client, record: Deployment) -> bytes | None:
    """The creation code of the record's mined transaction; ``None`` if the node does not know it (any more)."""
    for tx_hash in record.tx_hashes:
        receipt = client.receipt(tx_hash)
        if receipt is None:
            continue
        if not receipt.succeeded or receipt.contract_address != record.address:
            raise IntegrityError(
                f"transaction {tx_hash} did not create {record.contract}",
                expected=record.address,
                got=receipt.contract_address,
            )
        return client.transaction_input(tx_hash)
    return None


def _record(raw: Mapping[str, Any]) -> Deployment:
    tx_hashes, libraries = raw["tx_hashes"], raw["libraries"]
    if not isinstance(tx_hashes, list) or not isinstance(libraries, dict):
        raise InputError("deployment record is malformed")
    fields: dict[str, Any] = {**raw, "tx_hashes": tuple(cast(list[str], tx_hashes))}
    return Deployment(**fields)
