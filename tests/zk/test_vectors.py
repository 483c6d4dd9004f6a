"""The vectors that all tools share: Python and the shipped contracts' bytecode say of each proof what the file says.

The contracts lie on a devnet at the addresses that the proofs are bound to, so deployer and prover are impersonated.
Nothing here needs a proving key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak

from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import encode_constructor
from pyml.chain.deploy import created_address
from pyml.chain.devnet import Devnet, DevNode, HardhatNode
from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import ContractRevertedError
from pyml.zk.challenge import NO_ADDRESS, CircuitEntry, Context, circuit_entry, commitment_of, model_id, tensor_points
from pyml.zk.claims import (
    AccuracyClaim,
    Claim,
    InferenceClaim,
    InputAttestation,
    claim_as_dict,
    claim_from_dict,
    public_outputs,
    verify_claim,
)
from pyml.zk.engine import CircuitFiles, Engine, KeyFiles, Proof
from pyml.zk.ezkl import proof_length
from pyml.zk.registries import (
    AccuracyRegistry,
    CircuitRegistry,
    ModelRegistry,
    PrivateInference,
    PrivateInput,
    ReusableVerifier,
)
from pyml.zk.srs import Srs
from pyml.zk.statement import Statement, statement_from_dict
from pyml.zk.workspace import Circuit, Keyed

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "gated_claims.json").read_text())
CASES: dict[str, dict[str, Any]] = {case["id"]: case for case in VECTORS["cases"]}
FORGED = [name for name, case in CASES.items() if case["result"] == "invalid"]
VALID = [name for name, case in CASES.items() if case["result"] == "valid"]
PROVER: str = VECTORS["prover"]
KIND = {"accuracy": "accuracy", "dedicated": "accuracy", "input": "input", "inference": "inference"}
"""Where a circuit's statement and verifying key stand."""


def data(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def described(circuit: str) -> dict[str, Any]:
    return VECTORS["circuits"][KIND[circuit]]


def statement_of(circuit: str) -> Statement:
    return statement_from_dict(described(circuit)["statement"])


def words_of(circuit: str) -> tuple[bytes, ...]:
    """The verifying key."""
    return tuple(data(word) for word in described(circuit)["vka"])


def entry_of(circuit: str) -> CircuitEntry:
    """As production code derives it from statement and key."""
    own = VECTORS["circuits"]["dedicated"] if circuit == "dedicated" else None
    return circuit_entry(
        statement_of(circuit),
        vka_digest=keccak(b"".join(words_of(circuit))),
        proof_length=proof_length(words_of(circuit)),
        dedicated_verifier=VECTORS["addresses"]["dedicated"] if own else NO_ADDRESS,
        verifier_code_hash=data(own["codeHash"]) if own else bytes(32),
    )


def claim_of(name: str) -> Claim:
    case = CASES[name]
    circuit, proof = entry_of(case["circuit"]).identifier(), data(case["proof"])

    def to(contract: str) -> Context:
        return Context(VECTORS["chainId"], VECTORS["addresses"][contract], PROVER)

    if case["circuit"] == "input":
        return InputAttestation(to("privateInput"), circuit, data(VECTORS["purpose"]), case["label"], proof)
    model = data(VECTORS["modelId"])
    if case["circuit"] == "inference":
        features = data(case["features"])
        return InferenceClaim(to("privateInference"), model, circuit, features, case["label"], proof)
    return AccuracyClaim(to("accuracy"), model, circuit, case["threshold"], case["count"], proof)


def altered_features(claim: InferenceClaim) -> tuple[bytes, ...]:
    """The input with one bit flipped, a feature more, a feature less."""
    features = claim.features
    return features[:-1] + bytes([features[-1] ^ 1]), features + bytes(2), features[:-2]


def outputs_of(name: str) -> tuple[int, ...]:
    """What the proof really proves."""
    return tuple(int(value, 16) for value in CASES[name]["instances"])


def points_of(name: str) -> bytes:
    return data(CASES[name]["proof"])[: POINT_BYTES * entry_of(CASES[name]["circuit"]).gate_points]


def keyed_of(circuit: str) -> Keyed:
    """What of a circuit's keys is public; its files are not needed."""
    none = Path("absent")
    layout = Circuit(statement_of(circuit), CircuitFiles(none), 0, {})
    words, srs = words_of(circuit), Srs(none, 0, "", insecure=True)
    points = tensor_points(layout.statement)
    return Keyed(layout, srs, KeyFiles(none), words, proof_length(words), {}, points)


@dataclass(frozen=True, slots=True)
class Site:
    """The contracts where the vectors' deployer puts them, with the circuits and the model registered."""

    circuits: CircuitRegistry
    accuracy: AccuracyRegistry
    inputs: PrivateInput
    inference: PrivateInference

    def verify(self, circuit: str, proof: bytes, outputs: tuple[int, ...]) -> bool:
        words = () if circuit == "dedicated" else words_of(circuit)
        return self.circuits.verify(entry_of(circuit).identifier(), proof, outputs, words)

    def hand_in(self, claim: Claim, circuit: str) -> None:
        """As its prover would, but leaving no trace; raises ``ContractRevertedError`` if it is refused."""
        words = () if circuit == "dedicated" else words_of(circuit)
        match claim:
            case AccuracyClaim():
                self.accuracy.try_claim(claim, words, sender=PROVER)
            case InferenceClaim():
                self.inference.try_answer(claim, words, sender=PROVER)
            case InputAttestation():
                arguments = (claim.circuit, claim.purpose, claim.label, claim.proof, list(words))
                self.inputs.call("attest", *arguments, sender=PROVER)

    def challenge(self, claim: Claim, points: bytes) -> int:
        """What the claim's contract says that its proof must carry."""
        match claim:
            case AccuracyClaim():
                arguments = (PROVER, claim.model, claim.circuit, claim.threshold, claim.count, points)
                return self.accuracy.call("challenge", *arguments)
            case InferenceClaim():
                arguments = (PROVER, claim.model, claim.circuit, keccak(claim.features), claim.label, points)
                return self.inference.call("challenge", *arguments)
            case InputAttestation():
                arguments = (PROVER, claim.circuit, claim.purpose, claim.label, points)
                return self.inputs.call("challenge", *arguments)


@dataclass(frozen=True, slots=True)
class Verifiers:
    """Of an engine only ``verify``: the generated verifiers on the chain in the place of keys on a disk."""

    site: Site
    circuit: str

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        return self.site.verify(self.circuit, proof.data, proof.outputs)


def send_as(node: DevNode, sender: str, code: bytes, to: str | None = None) -> None:
    node.rpc.request("hardhat_impersonateAccount", sender)
    node.rpc.request("hardhat_setBalance", sender, hex(10**20))
    fields = {"from": sender, "data": "0x" + code.hex(), **({"to": to} if to else {})}
    sent = node.rpc.request("eth_sendTransaction", fields)
    for _ in range(1000):  # anvil answers before it mines
        receipt = node.rpc.request("eth_getTransactionReceipt", sent)
        if receipt is not None:
            assert receipt["status"] == "0x1"
            return
        time.sleep(0.01)
    pytest.fail(f"{sent} was not mined within 10 s")


@pytest.fixture(scope="module")
def site(devnet_kind: str) -> Iterator[Site]:
    with HardhatNode() if devnet_kind == "hardhat" else Devnet() as node:
        client = Client.connect(node.url, expected_chain_id=VECTORS["chainId"])
        at = VECTORS["addresses"]

        def create(name: str, *arguments: str) -> None:
            artifact = load_artifact(name)
            code = artifact.creation_code() + encode_constructor(client, artifact, *arguments)
            send_as(node, VECTORS["deployer"], code)

        create("Halo2VerifierReusable")
        send_as(node, VECTORS["deployer"], data(VECTORS["circuits"]["dedicated"]["initCode"]))
        create("CircuitRegistry", at["reusable"])
        create("ModelRegistry")
        create("AccuracyRegistry", at["models"], at["circuits"])
        create("PrivateInput", at["circuits"])
        create("PrivateInference", at["models"], at["circuits"])

        def send(contract: ReusableVerifier | CircuitRegistry | ModelRegistry, name: str, *arguments: object) -> None:
            send_as(node, PROVER, contract.encode(name, *arguments), contract.address)

        verifier, models = ReusableVerifier.at(client, at["reusable"]), ModelRegistry.at(client, at["models"])
        circuits = CircuitRegistry.at(client, at["circuits"])
        for circuit in ("accuracy", "input", "inference"):
            send(verifier, "registerVka", list(words_of(circuit)))
        for circuit in VECTORS["circuits"]:
            send(circuits, "register", entry_of(circuit).as_tuple())
        consumers = [at["accuracy"], at["privateInference"]]
        send(models, "register", data(VECTORS["commitment"]), VECTORS["proofLimit"], consumers)
        assert keccak(client.code(at["dedicated"])) == data(VECTORS["circuits"]["dedicated"]["codeHash"])
        yield Site(
            circuits,
            AccuracyRegistry.at(client, at["accuracy"]),
            PrivateInput.at(client, at["privateInput"]),
            PrivateInference.at(client, at["privateInference"]),
        )


# --- the file --------------------------------------------------------------------------------------------------------


def test_the_file_holds_public_values_only() -> None:
    """What a case or a circuit may say; weights and salts are none of it."""
    description = {"id", "statement", "statementDigest", "datasetDigest", "samples", "proofLength", "vka"}
    description |= {"committedPoints", "witnessPoints", "checks"}
    assert {name: set(circuit) for name, circuit in VECTORS["circuits"].items()} == {
        "accuracy": description,
        "dedicated": {"id", "codeHash", "initCode"},
        "input": description,
        "inference": description,
    }
    common = {"id", "comment", "flags", "result", "circuit", "rho", "instances", "proof"}
    for case in CASES.values():
        assert set(case) - common in ({"threshold", "count"}, {"label"}, {"features", "label"})
    top = {"comment", "chainId", "deployer", "prover", "addresses", "purpose", "proofLimit", "commitment", "modelId"}
    assert set(VECTORS) == top | {"circuits", "cases"}


def test_results_and_flags_agree() -> None:
    assert len(CASES) == len(VECTORS["cases"])
    assert len(FORGED) >= len(VALID) == 4
    for name, case in CASES.items():
        other = name == "infer-other-model"
        assert case["flags"] == (["other-model"] if other else ["forged"] if name in FORGED else [])


# --- identifiers -----------------------------------------------------------------------------------------------------


def test_contracts_lie_where_the_deployer_creates_them() -> None:
    order = ("reusable", "dedicated", "circuits", "models", "accuracy", "privateInput", "privateInference")
    assert VECTORS["addresses"] == {
        name: created_address(VECTORS["deployer"], nonce) for nonce, name in enumerate(order)
    }


@pytest.mark.parametrize("circuit", KIND)
def test_entries_come_out_the_same(circuit: str) -> None:
    entry, about = entry_of(circuit), described(circuit)
    assert entry.statement_digest == data(about["statementDigest"])
    assert entry.dataset_digest == data(about["datasetDigest"])
    sizes = (entry.samples, entry.proof_length, entry.committed_points, entry.witness_points, entry.checks)
    assert sizes == tuple(
        about[name] for name in ("samples", "proofLength", "committedPoints", "witnessPoints", "checks")
    )
    assert entry.identifier() == data(VECTORS["circuits"][circuit]["id"])
    assert keyed_of(circuit).vka_digest == entry.vka_digest


@pytest.mark.parametrize(
    "change",
    [
        {"vka_digest": b"\x01" * 32},
        {"verifier_code_hash": b"\x01" * 32},
        {"statement_digest": b"\x01" * 32},
        {"dataset_digest": b"\x01" * 32},
        {"dedicated_verifier": "0x" + "11" * 20},
        *({name: 3} for name in ("samples", "proof_length", "committed_points", "witness_points", "checks")),
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_circuit_has_another_id(change: dict[str, Any], site: Site) -> None:
    other = replace(entry_of("accuracy"), **change)
    assert other.identifier() != entry_of("accuracy").identifier()
    assert site.circuits.call("idOf", other.as_tuple(), NO_ADDRESS) == other.identifier()
    assert not site.circuits.is_registered(other.identifier())


def test_claims_open_the_registered_model() -> None:
    commitment = data(VECTORS["commitment"])
    assert model_id(PROVER, commitment) == data(VECTORS["modelId"])
    for name, case in CASES.items():
        of_the_model = case["circuit"] != "input" and case["flags"] != ["other-model"]
        assert (commitment_of(data(case["proof"])[:POINT_BYTES]) == commitment) == of_the_model, name


def test_the_certified_model_is_the_one_that_answers() -> None:
    """One commitment under two circuits of one architecture and one k."""
    accuracy, inference = statement_of("accuracy"), statement_of("inference")
    assert (inference.architecture, inference.numerics) == (accuracy.architecture, accuracy.numerics)
    claim, answer = claim_of("claim-reusable"), claim_of("infer")
    assert isinstance(claim, AccuracyClaim)
    assert isinstance(answer, InferenceClaim)
    assert (claim.model, claim.commitment) == (answer.model, answer.commitment)


@pytest.mark.parametrize("name", CASES)
def test_challenges_come_out_the_same(name: str, site: Site) -> None:
    claim = claim_of(name)
    rho = claim.challenge(points_of(name))
    assert rho == int(CASES[name]["rho"], 16)
    assert (rho == outputs_of(name)[0]) == (name != "claim-chosen-rho")
    assert site.challenge(claim, keccak(points_of(name))) == rho


@pytest.mark.parametrize("name", VALID)
def test_the_challenge_covers_everything(name: str) -> None:
    claim, points = claim_of(name), points_of(name)
    contexts = ({"chain_id": 1}, {"contract": VECTORS["addresses"]["models"]}, {"prover": VECTORS["deployer"]})
    others = [replace(claim, context=replace(claim.context, **cast("Any", change))) for change in contexts]
    others.append(replace(claim, circuit=b"\x01" * 32))
    match claim:
        case AccuracyClaim():
            others += [replace(claim, model=b"\x01" * 32), replace(claim, count=claim.count - 1)]
            others.append(replace(claim, threshold=claim.threshold + 1))
        case InferenceClaim():
            others += [replace(claim, model=b"\x01" * 32), replace(claim, label=claim.label + 1)]
            others += [replace(claim, features=features) for features in altered_features(claim)]
        case InputAttestation():
            others += [replace(claim, purpose=b"\x01" * 32), replace(claim, label=claim.label + 1)]
    found = {other.challenge(points) for other in (claim, *others)}
    found |= {claim.challenge(points[:index] + bytes([points[index] ^ 1]) + points[index + 1 :]) for index in (0, 127)}
    assert len(found) == len(others) + 3


@pytest.mark.parametrize("name", CASES)
def test_claims_travel_as_json(name: str) -> None:
    claim = claim_of(name)
    assert claim_from_dict(json.loads(json.dumps(claim_as_dict(claim)))) == claim


# --- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_every_proof_is_valid_for_its_own_outputs(name: str, site: Site) -> None:
    """Forged ones too: it is the zeros and ρ that the contracts put there which refuse them."""
    assert site.verify(CASES[name]["circuit"], data(CASES[name]["proof"]), outputs_of(name))


@pytest.mark.parametrize("name", CASES)
def test_python_and_contract_agree(name: str, site: Site) -> None:
    circuit, claim = CASES[name]["circuit"], claim_of(name)
    verifiers = cast("Engine", Verifiers(site, circuit))
    assert verify_claim(keyed_of(circuit), verifiers, entry_of(circuit), claim) == (name in VALID)
    if name in VALID:
        site.hand_in(claim, circuit)
        return
    with pytest.raises(ContractRevertedError) as refused:
        site.hand_in(claim, circuit)
    if CASES[name]["flags"] == ["other-model"]:
        assert isinstance(claim, InferenceClaim)
        assert refused.value.name == "NotThisModel"
        assert refused.value.arguments == {"expected": data(VECTORS["commitment"]), "actual": claim.commitment}
        return
    assert refused.value.name == "InvalidProof"
    assert refused.value.arguments == {"circuitId": claim.circuit, "rho": int(CASES[name]["rho"], 16)}


def test_only_its_commitment_tells_the_other_model_apart(site: Site) -> None:
    claim, entry = claim_of("infer-other-model"), entry_of("inference")
    assert public_outputs(claim, entry, claim.proof) == outputs_of("infer-other-model")
    assert site.verify("inference", claim.proof, outputs_of("infer-other-model"))


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("change", ["prover", "contract", "chain", "subject", "result"])
def test_another_statement_is_refused(name: str, change: str, site: Site) -> None:
    circuit, claim = CASES[name]["circuit"], claim_of(name)
    altered = {
        "prover": replace(claim, context=replace(claim.context, prover=VECTORS["deployer"])),
        "contract": replace(claim, context=replace(claim.context, contract=VECTORS["addresses"]["models"])),
        "chain": replace(claim, context=replace(claim.context, chain_id=1)),
    }
    match claim:
        case AccuracyClaim():
            altered["subject"] = replace(claim, threshold=claim.threshold + 1)
            altered["result"] = replace(claim, count=claim.count - 1)
        case InferenceClaim():
            altered["subject"] = replace(claim, features=altered_features(claim)[0])
            altered["result"] = replace(claim, label=claim.label - 1)
        case InputAttestation():
            altered["subject"] = replace(claim, purpose=b"\x01" * 32)
            altered["result"] = replace(claim, label=claim.label - 1)
    verifiers = cast("Engine", Verifiers(site, circuit))
    assert not verify_claim(keyed_of(circuit), verifiers, entry_of(circuit), altered[change])


def test_an_answer_to_another_input_is_refused(site: Site) -> None:
    claim = claim_of("infer")
    assert isinstance(claim, InferenceClaim)
    for features in altered_features(claim):
        altered = replace(claim, features=features)
        verifiers = cast("Engine", Verifiers(site, "inference"))
        assert not verify_claim(keyed_of("inference"), verifiers, entry_of("inference"), altered)
        with pytest.raises(ContractRevertedError) as refused:
            site.hand_in(altered, "inference")
        assert refused.value.name == "InvalidProof"
        assert refused.value.arguments == {"circuitId": claim.circuit, "rho": altered.challenge(points_of("infer"))}


@pytest.mark.parametrize("name", VALID)
def test_a_flipped_bit_in_any_word_is_refused(name: str, site: Site) -> None:
    proof, circuit = data(CASES[name]["proof"]), CASES[name]["circuit"]
    for word in range(0, len(proof) // 32, 1 if name in ("claim-reusable", "infer") else 7):
        place = 32 * word + word % 32
        flipped = proof[:place] + bytes([proof[place] ^ (1 << word % 8)]) + proof[place + 1 :]
        assert not site.verify(circuit, flipped, outputs_of(name)), word


@pytest.mark.parametrize("name", VALID)
def test_any_altered_output_is_refused(name: str, site: Site) -> None:
    proof, circuit, outputs = data(CASES[name]["proof"]), CASES[name]["circuit"], outputs_of(name)
    for index in range(len(outputs)):
        altered = (*outputs[:index], (outputs[index] + 1) % SCALAR_MODULUS, *outputs[index + 1 :])
        assert not site.verify(circuit, proof, altered), index
        aliased = (*outputs[:index], outputs[index] + SCALAR_MODULUS, *outputs[index + 1 :])
        with pytest.raises(ContractRevertedError) as refused:
            site.verify(circuit, proof, aliased)
        assert refused.value.name == "NotInScalarField"
    for other in (outputs[:-1], (*outputs, 0)):
        assert not site.verify(circuit, proof, other)


@pytest.mark.parametrize("name", VALID)
def test_a_proof_of_another_length_is_refused(name: str, site: Site) -> None:
    circuit, claim = CASES[name]["circuit"], claim_of(name)
    verifiers = cast("Engine", Verifiers(site, circuit))
    for proof in (claim.proof + bytes(32), claim.proof[:-32], claim.proof[:-1], claim.proof[: 2 * POINT_BYTES]):
        assert not verify_claim(keyed_of(circuit), verifiers, entry_of(circuit), replace(claim, proof=proof))
        with pytest.raises(ContractRevertedError) as refused:
            site.verify(circuit, proof, outputs_of(name))
        assert refused.value.name == "ProofLengthMismatch"
        assert refused.value.arguments == {"expected": len(claim.proof), "actual": len(proof)}


def test_the_other_circuits_key_is_refused(site: Site) -> None:
    proof, outputs, entry = data(CASES["claim-reusable"]["proof"]), outputs_of("claim-reusable"), entry_of("accuracy")
    with pytest.raises(ContractRevertedError) as refused:
        site.circuits.verify(entry.identifier(), proof, outputs, words_of("input"))
    assert refused.value.name == "VkaMismatch"
    assert refused.value.arguments == {"expected": entry.vka_digest, "actual": entry_of("input").vka_digest}
    assert site.circuits.verify(entry.identifier(), proof, outputs, words_of("accuracy"))
