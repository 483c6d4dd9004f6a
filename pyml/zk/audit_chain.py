"""The section of an audit that is about a chain: which code is where, and which circuit it was told of.

Everything is compared with the artefacts that ship with the package and with keys made again, never with what a
contract says of itself, unless that contract's code was found to be the shipped one. The node is believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_utils.crypto import keccak

from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deployments import Deployment, load_deployments
from pyml.chain.solc import Solc
from pyml.errors import PymlError
from pyml.zk.audit_report import Check, Section, Verdict, attempted, equal, holds, judged, uncheckable
from pyml.zk.challenge import NO_ADDRESS, CircuitEntry
from pyml.zk.deployment import REUSABLE_CONTRACT, SYSTEM
from pyml.zk.engine import TensorEngine
from pyml.zk.registries import CircuitRegistry, ReusableVerifier, compile_dedicated_verifier
from pyml.zk.srs import DEVELOPMENT_CHAINS, Srs
from pyml.zk.statement import Kind
from pyml.zk.workspace import Keyed

_CONSUMERS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "private_model_accuracy": ("ModelRegistry", "AccuracyRegistry"),
    "private_model_inference": ("ModelRegistry", "PrivateInference"),
    "model_link": ("ModelRegistry", "ModelLinks"),
    "private_input": ("PrivateInput",),
}
"""Contracts that take claims of a kind, with those that they rest on."""
_REFERENCES: Final = {
    "REUSABLE_VERIFIER": REUSABLE_CONTRACT,
    "CIRCUITS": "CircuitRegistry",
    "MODELS": "ModelRegistry",
}
"""Immutable addresses by the name of their getter: which contract each must be."""


@dataclass(frozen=True, slots=True)
class ChainUnderAudit:
    """Where to look: ``<deployments>/<chainid>.json``, and the circuit that a claim names if it is known."""

    client: Client
    deployments: Path
    circuit_id: bytes | None = None


def chain_section(
    chain: ChainUnderAudit, kind: Kind, keyed: Keyed | None, engine: TensorEngine, solc: Solc | None
) -> Section:
    """Code, wiring, verifying key and circuit description on this chain."""
    client, names = chain.client, (REUSABLE_CONTRACT, "CircuitRegistry", *_CONSUMERS[kind])
    facts = {"chain": f"id {client.chain_id}, node {client.rpc.shown}"}
    try:
        facts["block"] = str(client.block_number())
        recorded = load_deployments(chain.deployments, client.chain_id).systems.get(SYSTEM, {})
    except PymlError as error:
        return Section("chain", facts, checks=(uncheckable("contracts", str(error)),))
    records = {name: record for name in names if (record := recorded.get(name)) and record.state == "deployed"}
    code = {name: _code_check(client, name, records.get(name)) for name in names}
    shipped = {name: records[name].address for name, check in code.items() if check.verdict is Verdict.OK}
    checks = [*code.values()]
    for name in shipped:
        checks += attempted(f"contracts behind {name}", "", lambda name=name: _wiring_checks(client, name, records))
    what = "circuit on chain"
    if keyed is None:
        checks.append(uncheckable(what, "the keys could not be made again"))
    elif not {REUSABLE_CONTRACT, "CircuitRegistry"} <= shipped.keys():
        checks.append(uncheckable(what, f"{REUSABLE_CONTRACT} or CircuitRegistry is not the shipped contract"))
    else:
        checks.append(_srs_check(keyed.srs, client))
        checks += attempted(what, "", lambda: _circuit_checks(chain, shipped, keyed, engine, solc))
    return Section("chain", facts | {name: record.address for name, record in records.items()}, checks=tuple(checks))


def _code_check(client: Client, name: str, record: Deployment | None) -> Check:
    what, artifact = f"code of {name}", load_artifact(name)
    if record is None:
        return uncheckable(what, f"there is no record of it on chain {client.chain_id}")
    try:
        return _same_code(
            what, artifact.link(record.libraries) if record.libraries else artifact, client, record.address
        )
    except PymlError as error:
        return judged(what, name, error)


def _same_code(what: str, artifact: Artifact, client: Client, address: str) -> Check:
    code = client.code(address)
    shipped, found = (_text_of_code(each, artifact) for each in (bytes.fromhex(artifact.deployed_bytecode), code))
    return holds(what, shipped, found, artifact.matches_code(code))


def _wiring_checks(client: Client, name: str, records: Mapping[str, Deployment]) -> Iterator[Check]:
    """The contracts that this one asks, fixed when it was created, against the deployment's own."""
    artifact = load_artifact(name)
    handle = Contract(client, artifact, records[name].address)
    for getter, target in _REFERENCES.items():
        if target in records and any(entry.get("name") == getter for entry in artifact.abi):
            yield equal(f"{name}.{getter}", records[target].address, handle.call(getter))


def _srs_check(srs: Srs, client: Client) -> Check:
    development = client.chain_id in DEVELOPMENT_CHAINS
    wanted = "any, on a development chain" if development else "a public one"
    found = "insecure" if srs.insecure else "public"
    return holds("structured reference string for this chain", wanted, found, development or not srs.insecure)


def _circuit_checks(
    chain: ChainUnderAudit, addresses: Mapping[str, str], keyed: Keyed, engine: TensorEngine, solc: Solc | None
) -> Iterator[Check]:
    """The circuit that is registered under the id, field by field, and the verifier that it leads to."""
    registry = CircuitRegistry(chain.client, load_artifact("CircuitRegistry"), addresses["CircuitRegistry"])
    identifier = chain.circuit_id or keyed.entry().identifier()
    known = registry.is_registered(identifier)
    yield holds("circuit registered", _text_of(identifier), "yes" if known else "no", known)
    described = dict(registry.call("circuitOf", identifier)) if known else {}
    dedicated = str(described.get("dedicatedVerifier", NO_ADDRESS))
    if dedicated == NO_ADDRESS:
        verifier = ReusableVerifier(chain.client, load_artifact(REUSABLE_CONTRACT), addresses[REUSABLE_CONTRACT])
        told = verifier.knows(keyed.artefact)
        yield holds("verifying key registered with the reusable verifier", "yes", "yes" if told else "no", told)
        entry = keyed.entry()
    else:
        code_hash = keccak(chain.client.code(dedicated))
        entry = keyed.entry(dedicated_verifier=dedicated, verifier_code_hash=code_hash)
        yield from _dedicated_checks(chain.client, dedicated, keyed, engine, solc)
    for (name, found), wanted in zip(described.items(), entry.as_tuple(), strict=known):
        yield equal(f"registered {name}", _text_of(wanted), _text_of(found))
    if known:
        publisher = str(dict(registry.call("registrationOf", identifier))["publisher"])
        found_id = CircuitEntry(*described.values()).identifier(publisher)
        yield equal("hash of the registered description", _text_of(identifier), _text_of(found_id))


def _dedicated_checks(
    client: Client, address: str, keyed: Keyed, engine: TensorEngine, solc: Solc | None
) -> Iterator[Check]:
    """The verifier generated from the key that was made again, compiled, against the code at the address."""
    what = f"code of the dedicated verifier {address}"
    if solc is None:
        yield uncheckable(what, "it takes a compiler, and none was given")
        return
    yield _same_code(what, compile_dedicated_verifier(keyed, engine, solc), client, address)


def _text_of_code(code: bytes, artifact: Artifact) -> str:
    """Length and hash, immutables left out: their values are known on deployment only (``_wiring_checks``)."""
    if not code:
        return "no code"
    blanked = bytearray(code)
    spans = artifact.immutable_references if len(code) == artifact.code_size else ()
    for start, length in spans:
        blanked[start : start + length] = bytes(length)
    without = " without immutables" if spans else ""
    return f"{len(code):,} bytes, keccak256{without} 0x{keccak(bytes(blanked)).hex()}"


def _text_of(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
