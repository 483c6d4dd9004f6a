"""Seals of labelled sets: a publisher promises a set under a salt, and shows it after a closing block.

The chain keeps ``keccak256(abi.encode(publisher, datasetDigest, salt))``; what that promises, and what it cannot, is in
``contracts/zk/ICircuitRegistry.sol``.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from eth_abi.abi import encode
from eth_utils.address import is_checksum_address
from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.errors import InputError
from pyml.files import read_bounded, write_atomically
from pyml.zk.registries import ZkContracts
from pyml.zk.workspace import Keyed

_MAX_SEAL_BYTES = 1 << 12


@dataclass(frozen=True, slots=True)
class SealSecret:
    """What opens a seal. The salt keeps anybody from trying sets against the seal; lost, nothing can be revealed."""

    publisher: str
    dataset_digest: bytes
    salt: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not is_checksum_address(self.publisher):
            raise InputError("the publisher is not an EIP-55 address", got=str(self.publisher)[:80])
        if len(self.dataset_digest) != 32 or len(self.salt) != 32:
            raise InputError("a seal's digest and salt are 32 bytes each")

    @classmethod
    def draw(cls, publisher: str, keyed: Keyed) -> SealSecret:
        """A fresh salt for the set of an accuracy circuit."""
        return cls(publisher, keyed.entry().dataset_digest, secrets.token_bytes(32))

    @property
    def seal(self) -> bytes:
        """``keccak256(abi.encode(publisher, datasetDigest, salt))``: public."""
        return keccak(encode(["address", "bytes32", "bytes32"], [self.publisher, self.dataset_digest, self.salt]))

    def write(self, path: Path) -> None:
        """Keep it in a file of this user's own; an existing one is never overwritten."""
        table = {
            "version": 1,
            "publisher": self.publisher,
            "dataset_digest": self.dataset_digest.hex(),
            "salt": self.salt.hex(),
        }
        try:
            write_atomically(path, json.dumps(table, indent=1).encode() + b"\n", mode=0o600, exclusive=True)
        except FileExistsError:
            raise InputError(f"{path} exists; it may hold the only copy of a salt", hint="Name another file.") from None

    @classmethod
    def read(cls, path: Path) -> SealSecret:
        """Raises ``InputError`` on anything that is not one; the message never shows what was read."""
        try:
            table = cast("dict[str, Any]", json.loads(read_bounded(path, _MAX_SEAL_BYTES).decode()))
            if table["version"] != 1:
                raise ValueError
            digest, salt = bytes.fromhex(table["dataset_digest"]), bytes.fromhex(table["salt"])
            return cls(str(table["publisher"]), digest, salt)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path} is not a seal file ({type(error).__name__})") from None


def require_same_shape(template: Keyed, keyed: Keyed) -> None:
    """Raise ``InputError`` unless a model committed to under ``template`` can be proved about under ``keyed``.

    A commitment depends on architecture, numerics, k and reference string; the sets must differ, or the template would
    show the sealed one.
    """
    ours, theirs = keyed.circuit.statement, template.circuit.statement
    for name, got, expected in (
        ("kind", ours.kind, theirs.kind),
        ("architecture", ours.architecture, theirs.architecture),
        ("numerics", ours.numerics, theirs.numerics),
        ("number of samples", ours.samples, theirs.samples),
        ("degree k", keyed.circuit.degree, template.circuit.degree),
        ("reference string", keyed.srs.digest, template.srs.digest),
    ):
        if got != expected:
            raise InputError(f"the sealed circuit and its template differ in {name}", expected=expected, got=got)
    if ours.subject == theirs.subject:
        raise InputError("the template is about the set that is to be sealed", expected="a template on a public set")


def seal_set(contracts: ZkContracts, secret: SealSecret, closing_block: int, account: Signer) -> int:
    """Promise a set until after ``closing_block``. Returns the closing block in force: the first one, if this is not
    the first time. Only the set's publisher can."""
    if account.address != secret.publisher:
        raise InputError("only its publisher can seal the set", expected=secret.publisher, got=account.address)
    if not contracts.circuits.call("sealOf", secret.publisher, secret.seal)["sealedBlock"]:
        contracts.circuits.send("sealSet", secret.seal, closing_block, account=account)
    return int(contracts.circuits.call("sealOf", secret.publisher, secret.seal)["closingBlock"])
