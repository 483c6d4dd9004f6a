"""The zk contracts on a chain: typed handles, and the steps from a claim file to an accepted claim.

Each step looks first whether it was done before, so an interrupted sequence is simply run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import Artifact, load_artifact
from pyml.chain.build import compile_sources
from pyml.chain.client import Client
from pyml.chain.contract import Contract, deploy
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.solc import Solc
from pyml.chain.transactions import Receipt
from pyml.errors import ContractRevertedError, InputError, IntegrityError
from pyml.zk.challenge import NO_ADDRESS, CircuitEntry, model_id
from pyml.zk.claims import AccuracyClaim, InferenceClaim, InputAttestation
from pyml.zk.deployment import REUSABLE_CONTRACT, SYSTEM
from pyml.zk.engine import TensorEngine
from pyml.zk.links import ModelLink, ModelLinks
from pyml.zk.srs import require_allowed
from pyml.zk.verifiers import DEDICATED_CONTRACT, dedicated_source
from pyml.zk.workspace import Keyed


class ReusableVerifier(Contract):
    """ezkl's verifier for all circuits; it must be told of a verifying key once."""

    artifact_name = REUSABLE_CONTRACT

    def knows(self, artefact: tuple[bytes, ...]) -> bool:
        """Whether the artefact was registered: an empty proof fails without a reason only if it was."""
        try:
            self.call("verifyProof", b"", [], list(artefact))
        except ContractRevertedError as error:
            return "VKA not registered" not in str(error)
        return True

    def register_vka(self, artefact: tuple[bytes, ...], *, account: Signer) -> Receipt:
        return self.send("registerVka", list(artefact), account=account)


class CircuitRegistry(Contract):
    """Circuits by the hash of everything that their meaning depends on."""

    artifact_name = "CircuitRegistry"

    def is_registered(self, circuit: bytes) -> bool:
        try:
            self.call("circuitOf", circuit)
        except ContractRevertedError as error:
            if error.name == "CircuitUnknown":
                return False
            raise
        return True

    def register(self, entry: CircuitEntry, *, account: Signer) -> Receipt:
        return self.send("register", entry.as_tuple(), account=account)

    def verify(self, circuit: bytes, proof: bytes, outputs: tuple[int, ...], artefact: tuple[bytes, ...]) -> bool:
        """The verifier's word on exactly these public outputs, without a transaction."""
        return bool(self.call("verify", circuit, proof, list(outputs), list(artefact)))


class ModelRegistry(Contract):
    """Commitments to models, their owners and their proof budgets."""

    artifact_name = "ModelRegistry"

    def find(self, model: bytes) -> dict[str, Any] | None:
        try:
            return dict(self.call("modelOf", model))
        except ContractRevertedError as error:
            if error.name == "ModelUnknown":
                return None
            raise

    def register(self, commitment: bytes, proof_limit: int, consumers: list[str], *, account: Signer) -> Receipt:
        return self.send("register", commitment, proof_limit, consumers, account=account)

    def id_of(self, owner: str, commitment: bytes) -> bytes:
        return bytes(self.call("idOf", owner, commitment))

    def revoke(self, model: bytes, *, account: Signer) -> Receipt:
        return self.send("revoke", model, account=account)


@dataclass(frozen=True, slots=True)
class Total:
    """What a model has proved over several circuits."""

    count: int
    samples: int
    set_known_in_advance: bool


class AccuracyRegistry(Contract):
    """Accepted accuracy claims."""

    artifact_name = "AccuracyRegistry"
    error_sources = ("ModelRegistry", "CircuitRegistry")

    def claim(self, claim: AccuracyClaim, artefact: tuple[bytes, ...], *, account: Signer) -> Receipt:
        return self.send("claim", *_claim_arguments(claim, artefact), account=account)

    def try_claim(self, claim: AccuracyClaim, artefact: tuple[bytes, ...], *, sender: str) -> None:
        """Run the claim without a transaction; raises ``ContractRevertedError`` if it would be refused."""
        self.call("claim", *_claim_arguments(claim, artefact), sender=sender)

    def claim_of(self, model: bytes, circuit: bytes) -> dict[str, Any]:
        return dict(self.call("claimOf", model, circuit))

    def is_certified(self, model: bytes, circuit: bytes, minimum_count: int) -> bool:
        return bool(self.call("isCertified", model, circuit, minimum_count))

    def total_of(self, model: bytes, circuits: Sequence[bytes]) -> Total:
        """The model's claims under distinct circuits added up; a circuit without a claim has no correct answer."""
        return Total(*self.call("totalOf", model, sorted(circuits)))


class PrivateInference(Contract):
    """Accepted answers of registered models."""

    artifact_name = "PrivateInference"
    error_sources = ("ModelRegistry", "CircuitRegistry")

    def answer(self, claim: InferenceClaim, artefact: tuple[bytes, ...], *, account: Signer) -> Receipt:
        return self.send("answer", *_answer_arguments(claim, artefact), account=account)

    def try_answer(self, claim: InferenceClaim, artefact: tuple[bytes, ...], *, sender: str) -> None:
        """Run it without a transaction; raises ``ContractRevertedError`` if it would be refused."""
        self.call("answer", *_answer_arguments(claim, artefact), sender=sender)

    def answer_of(self, model: bytes, circuit: bytes, features: bytes) -> dict[str, Any]:
        return dict(self.call("answerOf", model, circuit, keccak(features)))


class WeightRanges(Contract):
    """Commitments of the native engine whose weights are proved to be small."""

    artifact_name = "WeightRanges"


class PrivateInput(Contract):
    """Accepted private-input attestations."""

    artifact_name = "PrivateInput"
    error_sources = ("CircuitRegistry",)

    def attest(self, attestation: InputAttestation, artefact: tuple[bytes, ...], *, account: Signer) -> Receipt:
        return self.send("attest", *_attest_arguments(attestation, artefact), account=account)

    def attestation_of(self, prover: str, circuit: bytes, purpose: bytes) -> dict[str, Any]:
        return dict(self.call("attestationOf", prover, circuit, purpose))


@dataclass(frozen=True, slots=True)
class ZkContracts:
    """Handles of one deployment."""

    client: Client
    verifier: ReusableVerifier
    circuits: CircuitRegistry
    models: ModelRegistry
    accuracy: AccuracyRegistry
    inference: PrivateInference
    links: ModelLinks
    inputs: PrivateInput
    ranges: WeightRanges


def open_contracts(client: Client, folder: Path) -> ZkContracts:
    """Handles from ``<folder>/<chainid>.json``, after asking the chain; ``NotDeployedError`` if there are none."""
    records = load_deployments(folder, client.chain_id)

    def address(name: str) -> str:
        record = records.require(SYSTEM, name)
        require_deployed(client, record, load_artifact(name))
        return record.address

    return ZkContracts(
        client,
        ReusableVerifier.at(client, address(REUSABLE_CONTRACT)),
        CircuitRegistry.at(client, address("CircuitRegistry")),
        ModelRegistry.at(client, address("ModelRegistry")),
        AccuracyRegistry.at(client, address("AccuracyRegistry")),
        PrivateInference.at(client, address("PrivateInference")),
        ModelLinks.at(client, address("ModelLinks")),
        PrivateInput.at(client, address("PrivateInput")),
        WeightRanges.at(client, address("WeightRanges")),
    )


def register_circuit(
    contracts: ZkContracts, keyed: Keyed, account: Signer, *, entry: CircuitEntry | None = None
) -> CircuitEntry:
    """Make a circuit known on chain, its verifying key too where the reusable verifier serves it.

    Raises ``SrsError`` when the keys come from an insecure SRS and the chain is not a development chain.
    """
    require_allowed(keyed.srs, contracts.client.chain_id)
    chosen = entry or keyed.entry()
    if not chosen.dedicated and not contracts.verifier.knows(keyed.artefact):
        contracts.verifier.register_vka(keyed.artefact, account=account)
    if not contracts.circuits.is_registered(chosen.identifier()):
        contracts.circuits.register(chosen, account=account)
    return chosen


def deploy_dedicated_verifier(
    client: Client, keyed: Keyed, engine: TensorEngine, solc: Solc, account: Signer
) -> tuple[CircuitEntry, Receipt]:
    """Compile and deploy a verifier for one circuit; returns the circuit's entry with it."""
    return deploy_verifier(client, keyed, compile_dedicated_verifier(keyed, engine, solc), account)


def deploy_verifier(client: Client, keyed: Keyed, artifact: Artifact, account: Signer) -> tuple[CircuitEntry, Receipt]:
    """Deploy a compiled verifier for one circuit; returns the circuit's entry with it."""
    require_allowed(keyed.srs, client.chain_id)
    receipt = deploy(client, artifact, account=account)
    address = str(receipt.contract_address)
    code = client.code(address)
    if not artifact.matches_code(code):
        raise IntegrityError(f"the verifier at {address} is not the one that was deployed")
    return keyed.entry(dedicated_verifier=address, verifier_code_hash=keccak(code)), receipt


def compile_dedicated_verifier(keyed: Keyed, engine: TensorEngine, solc: Solc) -> Artifact:
    """The dedicated verifier's artefact."""
    source = f"contracts/generated/{DEDICATED_CONTRACT}.sol"
    artifacts = compile_sources(solc, {source: dedicated_source(keyed, engine)})
    return next(artifact for artifact in artifacts if artifact.name == DEDICATED_CONTRACT)


def register_model(contracts: ZkContracts, commitment: bytes, proof_limit: int, account: Signer) -> bytes:
    """Register a commitment for the account, with all that may count its proofs; returns the model id."""
    model = model_id(account.address, commitment)
    if contracts.models.find(model) is None:
        consumers = [contracts.accuracy.address, contracts.inference.address, contracts.links.address]
        contracts.models.register(commitment, proof_limit, consumers, account=account)
    return model


def register_proved_model(
    contracts: ZkContracts, claim: AccuracyClaim | InferenceClaim, proof_limit: int, account: Signer
) -> bytes:
    """Register the commitment that a claim's proof opens, unless that was done before the proof, as it should be."""
    commitment = claim.commitment
    if model_id(claim.context.prover, commitment) != claim.model:
        raise InputError("the claim's proof opens another model's commitment", expected="0x" + claim.model.hex())
    return register_model(contracts, commitment, proof_limit, account)


def submit_claim(
    contracts: ZkContracts, keyed: Keyed, entry: CircuitEntry, claim: AccuracyClaim, account: Signer
) -> Receipt:
    """Send an accuracy claim; refusals come back as ``ContractRevertedError``."""
    require_allowed(keyed.srs, contracts.client.chain_id)
    return contracts.accuracy.claim(claim, words_for(keyed, entry), account=account)


def submit_answer(
    contracts: ZkContracts, keyed: Keyed, entry: CircuitEntry, claim: InferenceClaim, account: Signer
) -> Receipt:
    """Send a model's answer; refusals come back as ``ContractRevertedError``."""
    require_allowed(keyed.srs, contracts.client.chain_id)
    return contracts.inference.answer(claim, words_for(keyed, entry), account=account)


def submit_link(contracts: ZkContracts, first: Keyed, second: Keyed, link: ModelLink, account: Signer) -> Receipt:
    """Send a link between two registered models; refusals come back as ``ContractRevertedError``."""
    for keyed in (first, second):
        require_allowed(keyed.srs, contracts.client.chain_id)
    return contracts.links.link(link, (first.artefact, second.artefact), account=account)


def submit_attestation(
    contracts: ZkContracts, keyed: Keyed, entry: CircuitEntry, attestation: InputAttestation, account: Signer
) -> Receipt:
    """Send a private-input attestation; refusals come back as ``ContractRevertedError``."""
    require_allowed(keyed.srs, contracts.client.chain_id)
    return contracts.inputs.attest(attestation, words_for(keyed, entry), account=account)


def words_for(keyed: Keyed, entry: CircuitEntry) -> tuple[bytes, ...]:
    """The artefact that a claim must carry: none for a dedicated verifier."""
    return () if entry.dedicated_verifier != NO_ADDRESS else keyed.artefact


def _claim_arguments(claim: AccuracyClaim, artefact: tuple[bytes, ...]) -> tuple[object, ...]:
    return claim.model, claim.circuit, claim.threshold, claim.count, claim.proof, list(artefact)


def _answer_arguments(claim: InferenceClaim, artefact: tuple[bytes, ...]) -> tuple[object, ...]:
    return claim.model, claim.circuit, claim.features, claim.label, claim.proof, list(artefact)


def _attest_arguments(attestation: InputAttestation, artefact: tuple[bytes, ...]) -> tuple[object, ...]:
    return attestation.circuit, attestation.purpose, attestation.label, attestation.proof, list(artefact)
