"""What makes a relay one of several that agree: its key as a replica, and its ordering engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyml.cli.terminal import Json, PasswordFile, password, show
from pyml.errors import InputError

if TYPE_CHECKING:
    from pyml.chain.deploy import Plan
    from pyml.kdac.ordering import OrderingEngine

Network = Annotated[
    Path | None, typer.Option("--network", help="File that names the replicas [default: this relay orders alone].")
]
ReplicaKey = Annotated[Path | None, typer.Option("--replica-key", help="This replica's key, from replica-key.")]
Begins = Annotated[
    str, typer.Option("--beginning", help="resume; new if it never ran; rejoin if its disk was lost: no vote twice.")
]


def replica_key(
    path: Annotated[Path, typer.Argument(help="File to make; encrypted.")],
    password_file: PasswordFile = None,
    as_json: Json = False,
) -> None:
    """Make the key of a replica, and print the public one for the network file."""
    from pyml.crypto.secp256k1 import SigningKey
    from pyml.kdac.pbft.network_file import REPLICA_KEY_LABEL
    from pyml.store.keystore import Secret, save_secret

    key = SigningKey.random()
    save_secret(path, Secret(key.reveal), password(password_file, confirm=True), label=REPLICA_KEY_LABEL)
    show({"key": key.public.hex(), "file": str(path)}, as_json=as_json)


def plan() -> Plan:
    """The deployment plan of this system, for ``pyml deploy --system kdac``; a log is deployed for its replicas."""
    from pyml.kdac.deployment import deployment_plan

    return deployment_plan()


def ordering_engine(
    folder: Path,
    *,
    batch: int,
    network: Path | None,
    key: Path | None,
    password_file: Path | None,
    beginning: str,
) -> OrderingEngine:
    """One node by itself, or a replica of a network."""
    from pyml.crypto.secp256k1 import SigningKey
    from pyml.kdac.ordering import SingleNode
    from pyml.kdac.pbft.engine import Beginning, PbftEngine
    from pyml.kdac.pbft.network_file import REPLICA_KEY_LABEL, read_network
    from pyml.store.keystore import load_secret

    if network is None:
        return SingleNode(folder / "blocks.journal", batch=batch)
    if key is None:
        raise InputError("a replica needs its key", expected="--replica-key FILE", hint="pyml kdac replica-key FILE")
    choices = {each.value: each for each in Beginning}
    if beginning not in choices:
        raise InputError("unknown beginning", expected=", ".join(choices), got=beginning)
    secret = load_secret(key, password(password_file), label=REPLICA_KEY_LABEL)
    options = read_network(network).options(
        SigningKey.from_secret(secret), folder / "replica", beginning=choices[beginning]
    )
    return PbftEngine(options)
