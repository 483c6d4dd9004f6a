"""The audit of what a chain was told: honest deployments pass, other code and other descriptions are found."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.sending import SendPolicy
from pyml.chain.solc import Solc, find_solc
from pyml.ml.integer import IntegerNetwork
from pyml.zk.audit_chain import ChainUnderAudit, chain_section
from pyml.zk.audit_report import Check, Section, Verdict
from pyml.zk.challenge import CircuitEntry
from pyml.zk.circuits import input_graph, input_statement
from pyml.zk.deployment import SYSTEM, deployment_plan
from pyml.zk.ezkl import EzklEngine
from pyml.zk.registries import ZkContracts, deploy_dedicated_verifier, open_contracts, register_circuit
from pyml.zk.statement import Kind
from pyml.zk.workspace import Keyed, Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import random_network, small_numerics

QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
HARMLESS = "0x6001600055"
"""Code that is none of ours."""


@dataclass(frozen=True, slots=True)
class Place:
    """A devnet with the contracts, the circuit's keys, and what an audit needs to look at both."""

    node: Devnet
    client: Client
    contracts: ZkContracts
    folder: Path
    keyed: Keyed
    engine: EzklEngine
    solc: Solc

    def audit(
        self, *, circuit_id: bytes | None = None, keyed: Keyed | None = None, solc: Solc | None = None
    ) -> Section:
        chain = ChainUnderAudit(self.client, self.folder, circuit_id)
        return chain_section(chain, "private_input", keyed or self.keyed, self.engine, solc)

    @contextmanager
    def other_code(self, address: str, code: str) -> Generator[None]:
        """Something else at an address, for as long as it lasts."""
        before = self.client.code(address)
        self.client.rpc.request("anvil_setCode", address, code)
        try:
            yield
        finally:
            self.client.rpc.request("anvil_setCode", address, "0x" + before.hex())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, quick_engine: EzklEngine, srs_of: SrsOf) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("deployments")
    with Devnet() as node:
        client = Client.connect(node.url, policy=QUICK)
        deploy_system(client, deployment_plan(), node.accounts[0], folder=folder, policy=QUICK)
        contracts = open_contracts(client, folder)
        keyed = keys(tmp_path_factory.mktemp("workspace"), quick_engine, srs_of, 3)
        register_circuit(contracts, keyed, node.accounts[0])
        yield Place(node, client, contracts, folder, keyed, quick_engine, find_solc())


def keys(home: Path, engine: EzklEngine, srs_of: SrsOf, seed: int) -> Keyed:
    network: IntegerNetwork = random_network(np.random.default_rng(seed), (4, 3, 2), (1,))
    statement = input_statement(network, "a model", small_numerics())
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    return workspace.set_up(circuit, srs_of(circuit.degree))


def those(section: Section, verdict: Verdict) -> set[str]:
    return {check.what for check in section.checks if check.verdict is verdict}


def named(section: Section, what: str) -> Check:
    (check,) = (check for check in section.checks if check.what == what)
    return check


FIELDS = {
    "registered vkaDigest",
    "registered verifierCodeHash",
    "registered statementDigest",
    "registered datasetDigest",
    "registered dedicatedVerifier",
    "registered samples",
    "registered proofLength",
    "registered committedPoints",
    "registered witnessPoints",
    "registered checks",
}
CODE = {"code of Halo2VerifierReusable", "code of CircuitRegistry", "code of PrivateInput"}
WIRING = {"CircuitRegistry.REUSABLE_VERIFIER", "PrivateInput.CIRCUITS"}
DESCRIPTION = {"circuit registered", "hash of the registered description"}
VKA = "verifying key registered with the reusable verifier"
SRS = "structured reference string for this chain"


def test_an_honest_deployment_is_all_right(place: Place) -> None:
    section = place.audit()
    assert {check.what for check in section.checks} == CODE | WIRING | FIELDS | DESCRIPTION | {VKA, SRS}
    assert those(section, Verdict.OK) == {check.what for check in section.checks}
    assert section.facts["chain"] == f"id 31337, node {place.client.rpc.shown}"
    assert section.facts["CircuitRegistry"] == place.contracts.circuits.address
    assert named(section, "circuit registered").expected == "0x" + place.keyed.entry().identifier().hex()


@pytest.mark.parametrize("name", ["Halo2VerifierReusable", "CircuitRegistry", "PrivateInput"])
@pytest.mark.parametrize("code", [HARMLESS, "0x"])
def test_other_code_at_an_address_is_found(name: str, code: str, place: Place) -> None:
    with place.other_code(place.audit().facts[name], code):
        section = place.audit()
    assert those(section, Verdict.FAILED) == {f"code of {name}"}
    check = named(section, f"code of {name}")
    assert check.found == ("no code" if code == "0x" else f"5 bytes, keccak256 0x{keccak(hexstr=code).hex()}")
    if name != "PrivateInput":
        assert those(section, Verdict.UNCHECKABLE) == {"circuit on chain"}
        assert FIELDS.isdisjoint({check.what for check in section.checks}), "a stranger's word is not asked for"


def test_one_flipped_bit_of_code_is_found(place: Place) -> None:
    address = place.contracts.verifier.address
    code = bytearray(place.client.code(address))
    code[len(code) // 2] ^= 1
    with place.other_code(address, "0x" + code.hex()):
        assert those(place.audit(), Verdict.FAILED) == {"code of Halo2VerifierReusable"}


def test_a_registry_that_asks_another_verifier_is_found(place: Place) -> None:
    """Code that differs in an immutable alone: the same contract, created with another address."""
    registry, verifier = place.contracts.circuits.address, place.contracts.verifier.address
    code = place.client.code(registry).hex()
    assert code.count(verifier[2:].lower()) >= 1
    stranger = place.node.accounts[5].address
    with place.other_code(registry, "0x" + code.replace(verifier[2:].lower(), stranger[2:].lower())):
        section = place.audit()
    assert those(section, Verdict.FAILED) == {"CircuitRegistry.REUSABLE_VERIFIER"}
    assert named(section, "CircuitRegistry.REUSABLE_VERIFIER").expected == verifier
    assert named(section, "CircuitRegistry.REUSABLE_VERIFIER").found == stranger


def test_a_circuit_that_nobody_registered_is_found(place: Place, tmp_path: Path, srs_of: SrsOf) -> None:
    section = place.audit(keyed=keys(tmp_path, place.engine, srs_of, 4))
    assert those(section, Verdict.FAILED) == {"circuit registered", VKA}
    assert named(section, "circuit registered").found == "no"


Change = Callable[[CircuitEntry], CircuitEntry]
OTHER_ENTRIES: dict[str, Change] = {
    "vkaDigest": lambda entry: replace(entry, vka_digest=keccak(b"another key")),
    "statementDigest": lambda entry: replace(entry, statement_digest=keccak(b"another statement")),
    "datasetDigest": lambda entry: replace(entry, dataset_digest=keccak(b"a well-known set")),
    "samples": lambda entry: replace(entry, samples=2),
    "proofLength": lambda entry: replace(entry, proof_length=entry.proof_length + 32),
    "committedPoints": lambda entry: replace(entry, committed_points=2),
    "witnessPoints": lambda entry: replace(entry, witness_points=0),
    "checks": lambda entry: replace(entry, checks=entry.checks - 1),
}


@pytest.mark.parametrize("field", OTHER_ENTRIES)
def test_a_circuit_registered_with_another_field_is_found(field: str, place: Place) -> None:
    entry = OTHER_ENTRIES[field](place.keyed.entry())
    place.contracts.circuits.register(entry, account=place.node.accounts[1])
    section = place.audit(circuit_id=entry.identifier())
    assert those(section, Verdict.FAILED) == {f"registered {field}"}
    assert those(section, Verdict.OK) >= DESCRIPTION


def test_a_circuit_on_a_sealed_set_is_known_by_its_publisher(place: Place) -> None:
    entry, publisher, salt = place.keyed.entry(), place.node.accounts[2], b"\x05" * 32
    circuits, closing = place.contracts.circuits, place.client.block_number() + 2
    seal = keccak(encode(["address", "bytes32", "bytes32"], [publisher.address, entry.dataset_digest, salt]))
    circuits.send("sealSet", seal, closing, account=publisher)
    place.client.rpc.request("anvil_mine", "0x3")
    circuits.send("registerSealed", entry.as_tuple(), salt, account=publisher)
    section = place.audit(circuit_id=entry.identifier(publisher.address))
    assert those(section, Verdict.OK) == {check.what for check in section.checks}
    assert named(section, "hash of the registered description").found != "0x" + entry.identifier().hex()


def test_an_unknown_circuit_id_is_found(place: Place) -> None:
    section = place.audit(circuit_id=b"\x11" * 32)
    assert those(section, Verdict.FAILED) == {"circuit registered"}


@pytest.fixture(scope="module")
def dedicated(place: Place) -> CircuitEntry:
    entry, _ = deploy_dedicated_verifier(place.client, place.keyed, place.engine, place.solc, place.node.accounts[0])
    register_circuit(place.contracts, place.keyed, place.node.accounts[0], entry=entry)
    return entry


def test_a_dedicated_verifier_is_compiled_from_the_key_and_compared(place: Place, dedicated: CircuitEntry) -> None:
    what = f"code of the dedicated verifier {dedicated.dedicated_verifier}"
    section = place.audit(circuit_id=dedicated.identifier(), solc=place.solc)
    assert those(section, Verdict.OK) == {check.what for check in section.checks}
    assert {what, *FIELDS} <= those(section, Verdict.OK)
    code = bytearray(place.client.code(dedicated.dedicated_verifier))
    code[-1] ^= 1
    with place.other_code(dedicated.dedicated_verifier, "0x" + code.hex()):
        section = place.audit(circuit_id=dedicated.identifier(), solc=place.solc)
    assert those(section, Verdict.FAILED) == {what, "registered verifierCodeHash"}


def test_a_dedicated_verifier_for_another_key_is_found(
    place: Place, dedicated: CircuitEntry, tmp_path: Path, srs_of: SrsOf
) -> None:
    """Everything about it is consistent, only it verifies another circuit."""
    other = keys(tmp_path, place.engine, srs_of, 5)
    section = place.audit(circuit_id=dedicated.identifier(), keyed=other, solc=place.solc)
    assert those(section, Verdict.FAILED) == {
        f"code of the dedicated verifier {dedicated.dedicated_verifier}",
        "registered vkaDigest",
        "registered statementDigest",
    }


def test_without_compiler_a_dedicated_verifier_cannot_be_checked(place: Place, dedicated: CircuitEntry) -> None:
    section = place.audit(circuit_id=dedicated.identifier())
    assert those(section, Verdict.UNCHECKABLE) == {f"code of the dedicated verifier {dedicated.dedicated_verifier}"}
    assert not those(section, Verdict.FAILED)


def test_an_insecure_string_on_a_public_chain_is_found(place: Place) -> None:
    elsewhere = Client(place.client.rpc, 1)
    record = json.loads((place.folder / "31337.json").read_text())
    (place.folder / "1.json").write_text(json.dumps(record | {"chain_id": 1}))
    section = chain_section(ChainUnderAudit(elsewhere, place.folder), "private_input", place.keyed, place.engine, None)
    assert those(section, Verdict.FAILED) == {SRS}
    assert named(section, SRS) == Check(SRS, "a public one", "insecure", Verdict.FAILED)


def test_what_was_not_deployed_cannot_be_checked(place: Place, tmp_path: Path) -> None:
    section = chain_section(ChainUnderAudit(place.client, tmp_path), "private_input", place.keyed, place.engine, None)
    assert those(section, Verdict.UNCHECKABLE) == CODE | {"circuit on chain"}
    assert named(section, "code of PrivateInput").reason == "there is no record of it on chain 31337"
    records = json.loads((place.folder / "31337.json").read_text())
    del records["systems"][SYSTEM]["PrivateInput"]
    (tmp_path / "31337.json").write_text(json.dumps(records))
    section = chain_section(ChainUnderAudit(place.client, tmp_path), "private_input", place.keyed, place.engine, None)
    assert those(section, Verdict.UNCHECKABLE) == {"code of PrivateInput"}
    assert those(section, Verdict.OK) >= FIELDS


def test_a_damaged_record_cannot_be_checked(place: Place, tmp_path: Path) -> None:
    (tmp_path / "31337.json").write_text("{")
    section = chain_section(ChainUnderAudit(place.client, tmp_path), "private_input", place.keyed, place.engine, None)
    (check,) = section.checks
    assert (check.what, check.verdict) == ("contracts", Verdict.UNCHECKABLE)
    assert "is not a deployment file" in check.reason


def test_without_keys_the_code_is_still_compared(place: Place) -> None:
    chain = ChainUnderAudit(place.client, place.folder)
    section = chain_section(chain, "private_input", None, place.engine, None)
    assert those(section, Verdict.OK) == CODE | WIRING
    assert those(section, Verdict.UNCHECKABLE) == {"circuit on chain"}


def test_every_kind_has_its_contracts_checked(place: Place) -> None:
    chain = ChainUnderAudit(place.client, place.folder)
    models = {"code of ModelRegistry"}
    shared = {"code of Halo2VerifierReusable", "code of CircuitRegistry", "CircuitRegistry.REUSABLE_VERIFIER"}
    consumers: dict[Kind, str] = {
        "private_model_accuracy": "AccuracyRegistry",
        "private_model_inference": "PrivateInference",
        "model_link": "ModelLinks",
    }
    for kind, name in consumers.items():
        section = chain_section(chain, kind, None, place.engine, None)
        own = {f"code of {name}", f"{name}.MODELS", f"{name}.CIRCUITS"}
        assert those(section, Verdict.OK) == shared | models | own


def test_a_node_that_is_gone_cannot_be_asked(place: Place) -> None:
    with Devnet() as node:
        client = Client.connect(node.url, policy=QUICK)
    section = chain_section(ChainUnderAudit(client, place.folder), "private_input", place.keyed, place.engine, None)
    assert those(section, Verdict.UNCHECKABLE) == {"contracts"}
