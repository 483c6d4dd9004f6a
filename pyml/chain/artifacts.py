"""Compiled contracts as they ship in the wheel, ``artifacts/<Contract>.json`` here, so that users need no compiler.

A file holds ABI, creation and deployed bytecode, where immutables go, compiler and settings, the keccak-256 of every
source that the contract depends on, and a digest of all of that, which is checked when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

from eth_utils.crypto import keccak

from pyml.chain.transactions import MAX_CODE_BYTES, checked_address
from pyml.errors import InputError, IntegrityError
from pyml.files import write_atomically

SCHEMA: Final = 1
_LIBRARY_PREFIX: Final = "73" + "00" * 20  # PUSH20 of its own address, filled in on deployment (call protection)


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract."""

    name: str
    source: str
    abi: tuple[Mapping[str, Any], ...]
    bytecode: str
    """Creation code in hexadecimal without ``0x``; has placeholders until ``link``."""
    deployed_bytecode: str
    immutable_references: tuple[tuple[int, int], ...]
    """(start, length) in the deployed code of values known only on deployment."""
    link_references: Mapping[str, tuple[tuple[int, int], ...]]
    """(start, length) of each library's address in the creation code."""
    compiler: str
    settings: Mapping[str, Any]
    sources: Mapping[str, str]
    """keccak-256 of each source unit that the contract depends on, itself included."""
    insecure: str | None = None
    """Why this contract must stay on development chains, if it must (for instance: verifying key from a local SRS)."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise InputError("contract name is malformed", got=repr(self.name))
        if len(self.bytecode) % 2 or len(self.deployed_bytecode) % 2:
            raise InputError(f"bytecode of {self.name} is malformed", expected="whole bytes in hexadecimal")

    @property
    def digest(self) -> str:
        """SHA-256 of everything in the artefact."""
        return "sha256:" + hashlib.sha256(_canonical(self._fields())).hexdigest()

    @property
    def sources_digest(self) -> str:
        """SHA-256 over names and digests of all sources."""
        return "sha256:" + hashlib.sha256(_canonical(dict(self.sources))).hexdigest()

    @property
    def deployable(self) -> bool:
        """False for interfaces and abstract contracts."""
        return bool(self.bytecode)

    @property
    def code_size(self) -> int:
        """Bytes on chain; EIP-170 allows 24,576."""
        return len(self.deployed_bytecode) // 2

    @property
    def is_linked(self) -> bool:
        return "__$" not in self.bytecode

    def creation_code(self) -> bytes:
        """Bytes that create the contract, without constructor arguments."""
        if not self.deployable:
            raise InputError(f"{self.name} is an interface or abstract and cannot be deployed")
        if not self.is_linked:
            raise InputError(f"{self.name} needs libraries", expected=f"addresses of {sorted(self.link_references)}")
        return bytes.fromhex(self.bytecode)

    def require_size(self) -> None:
        """Raise ``InputError`` if no chain would accept the contract."""
        if self.code_size > MAX_CODE_BYTES:
            raise InputError(
                f"contract {self.name} is too large (EIP-170)", expected=f"≤ {MAX_CODE_BYTES} bytes", got=self.code_size
            )

    def link(self, libraries: Mapping[str, str]) -> Artifact:
        """The artefact with library addresses put in, by library name; raises unless exactly those needed are given."""
        if set(libraries) != set(self.link_references):
            raise InputError(
                f"libraries of {self.name} do not match", expected=sorted(self.link_references), got=sorted(libraries)
            )
        bytecode, deployed = self.bytecode, self.deployed_bytecode
        for name, address in libraries.items():
            digits = checked_address(address)[2:].lower()
            mark = _placeholder(self.bytecode, self.link_references[name])
            bytecode, deployed = bytecode.replace(mark, digits), deployed.replace(mark, digits)
        return replace(self, bytecode=bytecode, deployed_bytecode=deployed, link_references={})

    def matches_code(self, code: bytes) -> bool:
        """True if this is the contract's code on chain, whatever values its immutables have."""
        expected = self.deployed_bytecode
        if "__$" in expected or len(code) * 2 != len(expected):
            return False
        blanks = list(self.immutable_references)
        if expected.startswith(_LIBRARY_PREFIX):
            blanks.append((1, 20))
        wanted, found = bytearray.fromhex(expected), bytearray(code)
        for start, length in blanks:
            wanted[start : start + length] = found[start : start + length] = bytes(length)
        return keccak(bytes(wanted)) == keccak(bytes(found))

    def to_json(self) -> bytes:
        """The file's content."""
        return json.dumps({**self._fields(), "digest": self.digest}, indent=1, sort_keys=True).encode() + b"\n"

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "schema": SCHEMA,
            "name": self.name,
            "source": self.source,
            "abi": [dict(entry) for entry in self.abi],
            "bytecode": self.bytecode,
            "deployedBytecode": self.deployed_bytecode,
            "immutableReferences": [list(item) for item in self.immutable_references],
            "linkReferences": {name: [list(item) for item in at] for name, at in self.link_references.items()},
            "compiler": self.compiler,
            "settings": dict(self.settings),
            "sources": dict(self.sources),
        }
        return fields if self.insecure is None else {**fields, "insecure": self.insecure}


def decode_artifact(content: bytes, shown_name: str) -> Artifact:
    """Read an artefact file's content; raises ``IntegrityError`` if it is not one or was changed."""
    try:
        raw = cast(dict[str, Any], json.loads(content))
        artifact = Artifact(
            name=raw["name"],
            source=raw["source"],
            abi=tuple(raw["abi"]),
            bytecode=raw["bytecode"],
            deployed_bytecode=raw["deployedBytecode"],
            immutable_references=tuple((int(start), int(size)) for start, size in raw["immutableReferences"]),
            link_references={
                name: tuple((int(start), int(size)) for start, size in at) for name, at in raw["linkReferences"].items()
            },
            compiler=raw["compiler"],
            settings=raw["settings"],
            sources=raw["sources"],
            insecure=raw.get("insecure"),
        )
        schema, digest = raw["schema"], raw["digest"]
    except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise IntegrityError(f"{shown_name} is not a contract artefact ({type(error).__name__}: {error})") from error
    if schema != SCHEMA:
        raise IntegrityError(f"{shown_name} has another schema", expected=SCHEMA, got=schema)
    if digest != artifact.digest:
        raise IntegrityError(f"{shown_name} was changed", expected=digest, got=artifact.digest)
    return artifact


def load_artifact(name: str, *, folder: Path | None = None) -> Artifact:
    """A shipped contract by name, or one from ``folder``."""
    place = files("pyml.chain").joinpath("artifacts") if folder is None else folder
    file = place.joinpath(f"{name}.json")
    if not name.isidentifier() or not file.is_file():
        shipped = sorted(item.name.removesuffix(".json") for item in place.iterdir() if item.name.endswith(".json"))
        raise InputError(f"there is no contract artefact {name!r}", expected=f"one of {shipped}")
    artifact = decode_artifact(file.read_bytes(), f"artefact {name}")
    if artifact.name != name:
        raise IntegrityError(f"artefact {name} holds another contract", got=artifact.name)
    return artifact


def save_artifact(artifact: Artifact, folder: Path) -> Path:
    """Write ``<folder>/<Contract>.json`` atomically."""
    path = folder / f"{artifact.name}.json"
    write_atomically(path, artifact.to_json())
    return path


def _placeholder(bytecode: str, positions: tuple[tuple[int, int], ...]) -> str:
    start = positions[0][0]
    return bytecode[2 * start : 2 * start + 40]


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
