"""The file that says who the replicas of a network are; all replicas have the same one. TOML:

chain_id = 31337                     # and the log's address, where blocks are anchored; else leave both out
message_log = "0x…"
batch = 500                          # the same everywhere: they decide which blocks are acceptable
duplicate_window = 512
round_ms = 1000

[[replica]]
key = "02…"                          # compressed public key, 66 hexadecimal digits
host = "relay-1.example"
port = 7800
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import InputError
from pyml.files import read_bounded, write_atomically
from pyml.kdac.pbft.engine import Beginning, Options
from pyml.kdac.pbft.links import Address, Tls
from pyml.kdac.pbft.replica_set import NO_CONTRACT, ReplicaSet

LIMIT: Final = 64 * 1024
REPLICA_KEY_LABEL: Final = "kdac.replica.v1"
"""What the encrypted file of a replica's key is for."""
_NUMBERS: Final = {"chain_id": 0, "batch": 500, "duplicate_window": 512, "round_ms": 1000}


@dataclass(frozen=True, slots=True)
class Network:
    """A read file. ``addresses`` are in the order of ``replicas.keys``."""

    replicas: ReplicaSet
    addresses: tuple[Address, ...]
    batch: int
    duplicate_window: int
    round_ms: int

    def options(
        self,
        key: SigningKey,
        folder: Path,
        *,
        beginning: Beginning,
        listen: Address | None = None,
        tls: Tls | None = None,
    ) -> Options:
        """For the replica whose key this is; it listens where the file says unless told otherwise."""
        index = self.replicas.index(key.public)
        return Options(
            replicas=self.replicas,
            key=key,
            folder=folder,
            listen=listen or self.addresses[index],
            peers={i: address for i, address in enumerate(self.addresses) if i != index},
            beginning=beginning,
            batch=self.batch,
            round_ms=self.round_ms,
            tick_ms=max(self.round_ms // 2, 1),
            duplicate_window=self.duplicate_window,
            tls=tls,
        )


def read_network(path: Path) -> Network:
    """Raises ``InputError`` that names the file and what is wrong in it."""
    try:
        content = tomllib.loads(read_bounded(path, LIMIT).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the network file {path} cannot be read: {error}") from error
    unknown = set(content) - {*_NUMBERS, "message_log", "replica"}
    if unknown:
        raise InputError(f"{path} has unknown entries", got=", ".join(sorted(unknown)))
    numbers = {name: _number(path, content, name, default) for name, default in _NUMBERS.items()}
    rows: object = content.get("replica")
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{path} names no replicas", expected="a [[replica]] table for each")
    found = [_replica(path, row) for row in cast("list[object]", rows)]
    replicas = ReplicaSet.of(
        (key for key, _ in found), chain_id=numbers["chain_id"], log_address=_contract(path, content.get("message_log"))
    )
    by_key = dict(found)
    return Network(
        replicas,
        tuple(by_key[key] for key in replicas.keys),
        numbers["batch"],
        numbers["duplicate_window"],
        numbers["round_ms"],
    )


def bind_network(path: Path, chain_id: int, message_log: bytes) -> Network:
    """Write the chain and the log into a file that names none; ``InputError`` if it names others."""
    network = read_network(path)
    bound = ReplicaSet(network.replicas.keys, chain_id, message_log)
    if network.replicas.log_address == NO_CONTRACT and network.replicas.chain_id in {0, chain_id}:
        lines = path.read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if not line.replace(" ", "").startswith("chain_id=")]
        head = [f"chain_id = {chain_id}", f'message_log = "0x{message_log.hex()}"']
        write_atomically(path, "\n".join([*head, *named, ""]).encode())
        network = read_network(path)
    if network.replicas != bound:
        raise InputError(
            f"{path} is of another chain or log",
            expected=f"chain {chain_id}, 0x{message_log.hex()}",
            got=f"chain {network.replicas.chain_id}, 0x{network.replicas.log_address.hex()}",
            hint="Signatures cover both: take a new file, and new folders for the relays.",
        )
    return network


def _number(path: Path, content: Mapping[str, Any], name: str, default: int) -> int:
    value = content.get(name, default)
    if type(value) is not int or value < (0 if name == "chain_id" else 1):
        raise InputError(f"{path}: {name} is not a positive whole number", got=value)
    return value


def _replica(path: Path, row: object) -> tuple[bytes, Address]:
    fields = cast("dict[str, object]", row) if isinstance(row, dict) else {}
    key, host, port = fields.get("key"), fields.get("host"), fields.get("port")
    if set(fields) != {"key", "host", "port"} or not isinstance(key, str) or not isinstance(host, str):
        raise InputError(f"{path}: a replica has a key, a host and a port", got=", ".join(sorted(fields)) or None)
    if type(port) is not int or not 0 < port < 2**16:
        raise InputError(f"{path}: a replica's port is out of range", expected="1 to 65535", got=port)
    return _hexadecimal(path, key, 33), Address(host, port)


def _contract(path: Path, text: object) -> bytes:
    if text is None:
        return NO_CONTRACT
    if not isinstance(text, str) or not text.startswith("0x"):
        raise InputError(f"{path}: message_log is not an address", got=text)
    return _hexadecimal(path, text[2:], 20)


def _hexadecimal(path: Path, text: str, length: int) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != length:
        raise InputError(f"{path}: not {length} bytes in hexadecimal", got=text[:80])
    return found
