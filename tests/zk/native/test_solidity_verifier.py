"""The verifier contracts on a chain: one statement through all registries, as for any other engine.

Proofs are the reference prover's; the contract is generated, compiled and registered as for any circuit. What each word
of a proof does to the contracts is in ``tests/contracts/zk/native``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest
from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract, deploy
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.solc import find_solc
from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError, ContractRevertedError, InputError
from pyml.zk.challenge import CircuitEntry, encode_features, model_id
from pyml.zk.deployment import deployment_plan
from pyml.zk.native.key import key_digest
from pyml.zk.native.reference.prove import Secrets, commit_model, prove_accuracy, prove_inference, prove_weights
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.solidity import architecture_id, compile_verifier, constants, verifier_source
from pyml.zk.native.transcript import PointWords, words_of
from scripts.regenerate_native_constants import TARGET, make_constants
from tests.zk.native.proof_mutations import mutated
from tests.zk.native.proved_cases import Proved, proved_cases
from tests.zk.native.toy_cases import POWERS, SECRETS, Case, cases, inference_cases

_COUNT: Final = 4
_INFERENCE_SECRETS: Final = Secrets(model_blind=SECRETS.model_blind, seed=bytes(range(32, 64)))
_NO_ARTEFACT: Final[tuple[bytes, ...]] = ()
_RANGES: Final = "0x" + "11" * 20


@dataclass(frozen=True, slots=True)
class Chain:
    """A devnet with the system."""

    client: Client
    owner: Signer
    stranger: Signer
    contracts: dict[str, Contract]

    def __getitem__(self, name: str) -> Contract:
        return self.contracts[name]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with Devnet() as devnet:
        client = Client.connect(devnet.url)
        owner, stranger = devnet.accounts[:2]
        folder: Path = tmp_path_factory.mktemp("deployment")
        deployed = deploy_system(client, deployment_plan(), owner, folder=folder)
        addresses = {name: record.address for name, record in deployed.systems["zk"].items()}
        contracts = {name: Contract(client, load_artifact(name), address) for name, address in addresses.items()}
        yield Chain(client, owner, stranger, contracts)


@dataclass(frozen=True, slots=True)
class Registered:
    """A circuit of the native engine and its owner's model, on chain."""

    case: Case
    key: VerifyingKey
    circuit: bytes
    model: bytes
    commitment: PointWords
    verifier: Contract

    @property
    def commitment_hash(self) -> bytes:
        return keccak(words_of(self.commitment))


@pytest.fixture(scope="module")
def accuracy(chain: Chain) -> Registered:
    return _register(chain, cases()[0], 106, witness_points=0)


@pytest.fixture(scope="module")
def inference(chain: Chain) -> Registered:
    return _register(chain, inference_cases()[0], 107, witness_points=1)


def test_a_claim_goes_through_all_registries(chain: Chain, accuracy: Registered) -> None:
    proof = _accuracy_proof(chain, accuracy, chain.owner, _COUNT)
    arguments = (accuracy.model, accuracy.circuit, _COUNT, _COUNT, proof, _NO_ARTEFACT)

    # Before the weights are proved, the verifier refuses what it accepts afterwards.
    assert _refusal(chain["AccuracyRegistry"], arguments, chain.owner).name == "InvalidProof"
    _prove_ranges(chain, accuracy, chain.owner)
    # A copy serves nobody else, nor another count.
    assert _refusal(chain["AccuracyRegistry"], arguments, chain.stranger).name == "NotModelOwner"
    lower = (accuracy.model, accuracy.circuit, _COUNT - 1, _COUNT - 1, proof, _NO_ARTEFACT)
    assert _refusal(chain["AccuracyRegistry"], lower, chain.owner).name == "InvalidProof"

    receipt = chain["AccuracyRegistry"].send("claim", *arguments, account=chain.owner)
    assert receipt.gas_used < 640_000
    made = dict(chain["AccuracyRegistry"].call("claimOf", accuracy.model, accuracy.circuit))
    assert made["count"] == _COUNT
    assert chain["AccuracyRegistry"].call("isCertified", accuracy.model, accuracy.circuit, _COUNT)
    assert _refusal(chain["AccuracyRegistry"], arguments, chain.owner).name == "CountNotRaised"


def test_a_copied_model_needs_its_own_proof(chain: Chain, accuracy: Registered) -> None:
    proof = _accuracy_proof(chain, accuracy, chain.owner, _COUNT)
    consumers = [chain["AccuracyRegistry"].address]
    chain["ModelRegistry"].send("register", accuracy.commitment_hash, 100, consumers, account=chain.stranger)
    copied = model_id(chain.stranger.address, accuracy.commitment_hash)
    arguments = (copied, accuracy.circuit, _COUNT, _COUNT, proof, _NO_ARTEFACT)
    assert _refusal(chain["AccuracyRegistry"], arguments, chain.stranger).name == "InvalidProof"


def test_one_inference_goes_through_the_registry(chain: Chain, inference: Registered) -> None:
    features = inference.case.inputs[0]
    encoded = encode_features(features.tolist())
    label = int(inference.case.labels[0])

    def challenge(commitment: PointWords, witness: PointWords) -> int:
        points = keccak(words_of([*commitment, *witness]))
        asked = (chain.owner.address, inference.model, inference.circuit, keccak(encoded), label, points)
        return int(chain["PrivateInference"].call("challenge", *asked))

    _prove_ranges(chain, inference, chain.owner)
    proved = prove_inference(inference.key, POWERS, inference.case.network, features, challenge, _INFERENCE_SECRETS)
    proof = proved.proof.encode()
    wrong = (inference.model, inference.circuit, encoded, (label + 1) % 3, proof, _NO_ARTEFACT)
    assert _refusal(chain["PrivateInference"], wrong, chain.owner, "answer").name == "InvalidProof"
    longer = (inference.model, inference.circuit, encoded + bytes(2), label, proof, _NO_ARTEFACT)
    assert _refusal(chain["PrivateInference"], longer, chain.owner, "answer").name == "InvalidProof"
    chain["PrivateInference"].send(
        "answer", inference.model, inference.circuit, encoded, label, proof, _NO_ARTEFACT, account=chain.owner
    )
    answer = dict(chain["PrivateInference"].call("answerOf", inference.model, inference.circuit, keccak(encoded)))
    assert answer["label"] == label


def test_contract_and_python_say_the_same_of_mutated_proofs(
    chain: Chain, accuracy: Registered, inference: Registered, request: pytest.FixtureRequest
) -> None:
    rng, rounds = random.Random(8), 1000 if request.config.getoption("--long") else 40
    for made in (accuracy, inference):
        _prove_ranges(chain, made, chain.owner)
        case = next(proved for proved in proved_cases() if proved.name == made.case.name)
        assert case.refusal is None
        assert _accepts(made, case)
        for _ in range(rounds):
            changed = replace(case, proof=mutated(case.proof, rng))
            assert _accepts(made, changed) == (changed.refusal is None)


def test_contract_and_python_refuse_what_only_the_pairing_can_tell(
    chain: Chain, accuracy: Registered, inference: Registered
) -> None:
    for made in (accuracy, inference):
        _prove_ranges(chain, made, chain.owner)
        case = next(proved for proved in proved_cases() if proved.name == made.case.name)
        # K_A, a round of SC-A, and messages further on: each with hints and inner products in order.
        for word in (case.starts[2], case.starts[3] + 1, case.starts[-10], case.starts[-8]):
            words = case.words
            words[word] = (words[word] + 1) % SCALAR_MODULUS
            forged = case.with_words(words).with_inner_products()
            assert forged.refusal == Refusal.PAIRING
            assert not _accepts(made, forged)


def test_a_range_proof_serves_its_sender_once(chain: Chain, accuracy: Registered) -> None:
    shape = accuracy.case.shape
    architecture = (shape.widths, shape.weight_bits, POWERS.tau_g2)
    identifier = architecture_id(shape, POWERS.tau_g2)
    assert chain["WeightRanges"].call("idOf", architecture) == identifier
    other = prove_weights(
        shape, POWERS.tau_g2, POWERS, accuracy.case.network, _range_context(chain, accuracy, chain.owner, 99), _blind(1)
    )
    commitment = keccak(words_of(other.commitment))
    arguments = (architecture, shape.degree, other.encode())
    # Proved for another commitment's context.
    refused = _refusal(chain["WeightRanges"], arguments, chain.owner, "prove")
    assert refused.name == "InvalidRangeProof"

    context = _range_context(chain, accuracy, chain.owner, 1)
    proof = prove_weights(shape, POWERS.tau_g2, POWERS, accuracy.case.network, context, _blind(1)).encode()
    arguments = (architecture, shape.degree, proof)
    assert _refusal(chain["WeightRanges"], arguments, chain.stranger, "prove").name == "InvalidRangeProof"
    assert not chain["WeightRanges"].call("isProved", identifier, commitment)
    chain["WeightRanges"].send("prove", *arguments, account=chain.owner)
    assert chain["WeightRanges"].call("isProved", identifier, commitment)
    repeated = _refusal(chain["WeightRanges"], arguments, chain.owner, "prove")
    assert (repeated.name, repeated.arguments) == (
        "AlreadyProved",
        {"architecture": identifier, "commitment": commitment},
    )


def test_the_vectors_for_forge_are_those_of_this_generator() -> None:
    assert json.loads(TARGET.read_text(encoding="utf-8")) == make_constants()


def test_the_generated_text_depends_on_its_inputs_alone() -> None:
    key = cases()[0].key
    text = verifier_source(key, _RANGES)
    assert text == verifier_source(key, _RANGES)
    words = constants(key)
    assert all(f"{word:064x}" in text for word in words)
    assert words[0].to_bytes(32, "big") == key_digest(key)
    assert verifier_source(cases()[1].key, _RANGES) != text


def test_a_key_of_another_size_or_an_address_without_checksum_is_refused() -> None:
    key = cases()[0].key
    with pytest.raises(CircuitError, match="data does not fit"):
        constants(VerifyingKey(key.shape, (*key.data, None), key.tau_g2))
    with pytest.raises(InputError, match="checksum"):
        verifier_source(key, "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")


def _accepts(made: Registered, proved: Proved) -> bool:
    return bool(made.verifier.call("verifyProof", proved.proof, [proved.context, *proved.public]))


def _register(chain: Chain, case: Case, words: int, *, witness_points: int) -> Registered:
    key = case.key
    solc = find_solc()
    artifact = compile_verifier(key, chain["WeightRanges"].address, solc)
    artifact.require_size()
    receipt = deploy(chain.client, artifact, account=chain.owner)
    verifier = str(receipt.contract_address)
    entry = CircuitEntry(
        vka_digest=key_digest(key),
        verifier_code_hash=keccak(chain.client.code(verifier)),
        statement_digest=keccak(b"statement"),
        dataset_digest=keccak(b"set") if not witness_points else bytes(32),
        dedicated_verifier=verifier,
        samples=case.shape.samples,
        proof_length=32 * words,
        committed_points=1,
        witness_points=witness_points,
        checks=0,
    )
    chain["CircuitRegistry"].send("register", entry.as_tuple(), account=chain.owner)
    commitment = commit_model(case.shape, POWERS, case.network, SECRETS.model_blind)
    hashed = keccak(words_of(commitment))
    consumers = [chain[name].address for name in ("AccuracyRegistry", "PrivateInference")]
    chain["ModelRegistry"].send("register", hashed, 100, consumers, account=chain.owner)
    handle = Contract(chain.client, load_artifact("IDedicatedVerifier"), verifier)
    return Registered(case, key, entry.identifier(), model_id(chain.owner.address, hashed), commitment, handle)


def _accuracy_proof(chain: Chain, made: Registered, prover: Signer, count: int) -> bytes:
    asked = (prover.address, made.model, made.circuit, count, count, made.commitment_hash)
    context = int(chain["AccuracyRegistry"].call("challenge", *asked))
    samples = made.case.inputs, made.case.labels
    answered, proof = prove_accuracy(made.key, POWERS, made.case.network, samples, context, SECRETS)
    assert answered == count
    return proof.encode()


def _prove_ranges(chain: Chain, made: Registered, prover: Signer) -> None:
    shape = made.case.shape
    architecture = (shape.widths, shape.weight_bits, POWERS.tau_g2)
    identifier = architecture_id(shape, POWERS.tau_g2)
    if chain["WeightRanges"].call("isProved", identifier, made.commitment_hash):
        return
    asked = (prover.address, identifier, shape.degree, made.commitment_hash)
    context = int(chain["WeightRanges"].call("challenge", *asked))
    proof = prove_weights(shape, POWERS.tau_g2, POWERS, made.case.network, context, SECRETS)
    chain["WeightRanges"].send("prove", architecture, shape.degree, proof.encode(), account=prover)
    assert chain["WeightRanges"].call("isProved", identifier, made.commitment_hash)


def _range_context(chain: Chain, made: Registered, prover: Signer, blind: int) -> int:
    """ρ for the same weights under another blind."""
    shape = made.case.shape
    commitment = commit_model(shape, POWERS, made.case.network, blind)
    identifier = architecture_id(shape, POWERS.tau_g2)
    asked = (prover.address, identifier, shape.degree, keccak(words_of(commitment)))
    return int(chain["WeightRanges"].call("challenge", *asked))


def _blind(blind: int) -> Secrets:
    return Secrets(model_blind=blind, seed=SECRETS.seed)


def _refusal(
    contract: Contract, arguments: tuple[object, ...], sender: Signer, function: str = "claim"
) -> ContractRevertedError:
    with pytest.raises(ContractRevertedError) as caught:
        contract.estimate_gas(function, *arguments, sender=sender.address)
    return caught.value
