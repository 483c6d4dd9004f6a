"""What a certified model answers to public inputs: on a devnet, with real proofs, and every forgery refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.devnet import DevNode
from pyml.chain.solc import find_solc
from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import ContractRevertedError
from pyml.ml.integer import predict
from pyml.zk.challenge import CircuitEntry, Context, encode_features, evaluate_features
from pyml.zk.challenge import model_id as id_of
from pyml.zk.circuits import inference_graph, inference_statement
from pyml.zk.claims import AccuracyClaim, InferenceClaim, prove_inference, verify_claim
from pyml.zk.engine import Tensors
from pyml.zk.ezkl import generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import (
    ZkContracts,
    deploy_dedicated_verifier,
    register_circuit,
    register_model,
    register_proved_model,
    submit_answer,
    submit_claim,
    words_for,
)
from pyml.zk.srs import make_insecure
from pyml.zk.witness import accuracy_tensors, inference_tensors, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from tests.e2e.conftest import Prover

ANSWER_GAS_REUSABLE, ANSWER_GAS_DEDICATED = 1_000_000, 800_000


@dataclass(frozen=True, slots=True)
class Answering:
    """The inference circuit for the models of the accuracy circuit, at its k."""

    prover: Prover
    keyed: Keyed
    contracts: ZkContracts

    def answer(
        self, context: Context, entry: CircuitEntry, index: int, *, model: SecretModel | None = None,
        ledger: ProofLedger | None = None,
    ) -> InferenceClaim:  # fmt: skip
        return prove_inference(
            self.keyed,
            self.prover.engine,
            entry,
            model or self.prover.model,
            self.prover.data.inputs[index],
            context,
            ledger=ledger or self.prover.ledger,
        )

    def attempt(self, claim: InferenceClaim, sender: str, entry: CircuitEntry | None = None) -> None:
        """Without a transaction."""
        words = words_for(self.keyed, entry) if entry else self.keyed.artefact
        self.contracts.inference.try_answer(claim, words, sender=sender)

    def holds(self, claim: InferenceClaim, entry: CircuitEntry) -> bool:
        return verify_claim(self.keyed, self.prover.engine, entry, claim)


@pytest.fixture(scope="module")
def answering(prover: Prover, workspace: Workspace, contracts: ZkContracts) -> Answering:
    accuracy = prover.accuracy.circuit
    statement = inference_statement(accuracy.statement, accuracy.degree)
    circuit = workspace.build_circuit(statement, inference_graph(statement))
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)
    return Answering(prover, workspace.set_up(circuit, srs), contracts)


@pytest.fixture(scope="module")
def answer_entry(contracts: ZkContracts, answering: Answering, node: DevNode) -> CircuitEntry:
    return register_circuit(contracts, answering.keyed, node.accounts[0])


@pytest.fixture(scope="module")
def answer_context(contracts: ZkContracts, node: DevNode) -> Context:
    """Account 0 answering."""
    return Context(contracts.client.chain_id, contracts.inference.address, node.accounts[0].address)


@pytest.fixture(scope="module")
def answer(
    answering: Answering, answer_context: Context, answer_entry: CircuitEntry, model_id: bytes
) -> InferenceClaim:
    """One that would be accepted; tests never send it."""
    made = answering.answer(answer_context, answer_entry, 0)
    assert made.model == model_id
    return made


def salted_anew(prover: Prover) -> SecretModel:
    """The same weights under fresh salts: another commitment, so that the shared model stays without an answer."""
    return SecretModel(prover.network, tuple(secure_felt() for _ in prover.model.salts))


def fresh_ledger(folder: Path, model: SecretModel) -> ProofLedger:
    return ProofLedger(folder / "proofs", model.proof_limit)


def refused(name: str, attempt: Callable[[], object]) -> ContractRevertedError:
    with pytest.raises(ContractRevertedError) as caught:
        attempt()
    assert caught.value.name == name, caught.value
    return caught.value


def test_the_model_that_was_certified_answers(
    contracts: ZkContracts,
    prover: Prover,
    answering: Answering,
    entry: CircuitEntry,
    context: Context,
    answer_entry: CircuitEntry,
    answer_context: Context,
    node: DevNode,
    tmp_path: Path,
) -> None:
    """One commitment, one model id, one budget; the accuracy first, then answers."""
    sender, model = node.accounts[0], salted_anew(prover)
    ledger = fresh_ledger(tmp_path, model)
    claim = replace(prover, model=model, ledger=ledger).claim(context, entry)
    registered = register_proved_model(contracts, claim, 3, sender)
    submit_claim(contracts, prover.accuracy, entry, claim, sender)
    for index, left in ((0, 1), (1, 0)):
        made = answering.answer(answer_context, answer_entry, index, model=model, ledger=ledger)
        assert made.model == registered == claim.model
        assert made.label == predict(prover.network, prover.data.inputs[index][None])[0]
        assert answering.holds(made, answer_entry)
        receipt = submit_answer(contracts, answering.keyed, answer_entry, made, sender)
        assert receipt.gas_used <= ANSWER_GAS_REUSABLE
        (event,) = contracts.inference.events_in(receipt, "ModelAnswered")
        assert event.arguments["modelId"] == registered
        assert event.arguments["inputHash"] == keccak(made.features)
        assert event.arguments["label"] == made.label
        stored = contracts.inference.answer_of(registered, made.circuit, made.features)
        assert (stored["label"], stored["answeredBlock"]) == (made.label, receipt.block_number)
        assert contracts.models.call("remainingProofs", registered) == left
    assert contracts.accuracy.is_certified(registered, claim.circuit, claim.count)
    assert ledger.used == 3

    third = answering.answer(answer_context, answer_entry, 2, model=model, ledger=ledger)
    spent = refused("ProofLimitReached", lambda: answering.attempt(third, sender.address))
    assert spent.arguments["proofLimit"] == 3
    assert contracts.inference.answer_of(registered, third.circuit, third.features)["answeredBlock"] == 0


def test_replays_and_second_answers_are_refused(
    contracts: ZkContracts,
    prover: Prover,
    answering: Answering,
    answer_entry: CircuitEntry,
    answer_context: Context,
    node: DevNode,
    tmp_path: Path,
) -> None:
    sender, model = node.accounts[0], salted_anew(prover)
    ledger = fresh_ledger(tmp_path, model)
    made = answering.answer(answer_context, answer_entry, 0, model=model, ledger=ledger)
    register_proved_model(contracts, made, 8, sender)
    submit_answer(contracts, answering.keyed, answer_entry, made, sender)
    refused("WitnessAlreadyUsed", lambda: answering.attempt(made, sender.address))
    again = answering.answer(answer_context, answer_entry, 0, model=model, ledger=ledger)
    assert again.proof[POINT_BYTES : 2 * POINT_BYTES] != made.proof[POINT_BYTES : 2 * POINT_BYTES]
    assert answering.holds(again, answer_entry)
    twice = refused("AlreadyAnswered", lambda: answering.attempt(again, sender.address))
    assert twice.arguments["inputHash"] == keccak(made.features)


Forge = Callable[[InferenceClaim], InferenceClaim]
OTHER_INPUT = encode_features([16] * 64)
FORGERIES: dict[str, tuple[Forge, str]] = {
    "label": (lambda made: replace(made, label=(made.label + 1) % 10), "InvalidProof"),
    "label that is no class": (lambda made: replace(made, label=10), "InvalidProof"),
    "huge label": (lambda made: replace(made, label=made.label + 2**208), "LabelTooLarge"),
    "label beyond the field": (lambda made: replace(made, label=made.label + SCALAR_MODULUS), "LabelTooLarge"),
    "input": (lambda made: replace(made, features=OTHER_INPUT), "InvalidProof"),
    "one feature": (lambda made: replace(made, features=made.features[:-1] + b"\x01"), "InvalidProof"),
    "one high byte": (lambda made: replace(made, features=b"\x01" + made.features[1:]), "InvalidProof"),
    "features turned": (lambda made: replace(made, features=made.features[2:] + made.features[:2]), "InvalidProof"),
    "a feature more": (lambda made: replace(made, features=made.features + b"\x00\x01"), "InvalidProof"),
    "a zero feature more": (lambda made: replace(made, features=made.features + bytes(2)), "InvalidProof"),
    "a feature less": (lambda made: replace(made, features=made.features[2:]), "InvalidProof"),
    "odd": (lambda made: replace(made, features=made.features[:-1]), "InputLengthInvalid"),
    "no input": (lambda made: replace(made, features=b""), "InputLengthInvalid"),
    "too long": (lambda made: replace(made, features=bytes((1 << 14) + 2)), "InputLengthInvalid"),
    "short proof": (lambda made: replace(made, proof=made.proof[:-32]), "ProofLengthMismatch"),
    "long proof": (lambda made: replace(made, proof=made.proof + bytes(32)), "ProofLengthMismatch"),
    "circuit": (lambda made: replace(made, circuit=bytes(32)), "CircuitUnknown"),
    "model": (lambda made: replace(made, model=bytes(32)), "ModelUnknown"),
    "commitment": (lambda made: replace(made, proof=made.proof[64:128] + made.proof[64:]), "NotThisModel"),
    "witness": (
        lambda made: replace(made, proof=made.proof[:64] + made.proof[:64] + made.proof[128:]),
        "InvalidProof",
    ),
}


@pytest.mark.parametrize(("forge", "error"), FORGERIES.values(), ids=FORGERIES)
def test_a_forged_answer_is_refused(
    forge: Forge, error: str, answering: Answering, answer: InferenceClaim, answer_entry: CircuitEntry, node: DevNode
) -> None:
    answering.attempt(answer, node.accounts[0].address)
    forged = forge(answer)
    assert forged != answer
    refused(error, lambda: answering.attempt(forged, node.accounts[0].address))
    assert not answering.holds(forged, answer_entry)


@settings(max_examples=15)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(
    answering: Answering, answer: InferenceClaim, node: DevNode, place: int, bit: int
) -> None:
    flipped = bytearray(answer.proof)
    flipped[place % len(flipped)] ^= 1 << bit
    with pytest.raises(ContractRevertedError) as caught:
        answering.attempt(replace(answer, proof=bytes(flipped)), node.accounts[0].address)
    assert caught.value.name in {"InvalidProof", "NotThisModel"}


def test_another_models_answer_is_refused(
    contracts: ZkContracts,
    answering: Answering,
    prover: Prover,
    answer: InferenceClaim,
    answer_entry: CircuitEntry,
    answer_context: Context,
    node: DevNode,
    tmp_path: Path,
) -> None:
    """A better model, or another one, under the certified model's name: its proof opens its own commitment."""
    sender, other = node.accounts[0], salted_anew(prover)
    made = answering.answer(answer_context, answer_entry, 0, model=other, ledger=fresh_ledger(tmp_path, other))
    assert answering.holds(made, answer_entry)
    refused("ModelUnknown", lambda: answering.attempt(made, sender.address))
    named = replace(made, model=answer.model)
    assert not answering.holds(named, answer_entry)
    mistaken = refused("NotThisModel", lambda: answering.attempt(named, sender.address))
    assert mistaken.arguments["actual"] == made.commitment
    opened = replace(named, proof=answer.proof[:POINT_BYTES] + made.proof[POINT_BYTES:])
    refused("InvalidProof", lambda: answering.attempt(opened, sender.address))
    assert not answering.holds(opened, answer_entry)
    register_proved_model(contracts, made, 2, sender)
    answering.attempt(made, sender.address)  # under its own name it may


def test_a_stranger_who_copies_model_and_proof_is_refused(
    contracts: ZkContracts, answering: Answering, answer: InferenceClaim, answer_entry: CircuitEntry, node: DevNode
) -> None:
    thief = node.accounts[1]
    refused("NotModelOwner", lambda: answering.attempt(answer, thief.address))
    stolen = replace(
        answer,
        context=replace(answer.context, prover=thief.address),
        model=id_of(thief.address, answer.commitment),
    )
    refused("ModelUnknown", lambda: answering.attempt(stolen, thief.address))
    register_model(contracts, answer.commitment, 5, thief)
    refused("InvalidProof", lambda: answering.attempt(stolen, thief.address))
    assert not answering.holds(stolen, answer_entry)


def test_an_answer_for_another_contract_or_chain_is_refused(
    contracts: ZkContracts,
    answering: Answering,
    answer_context: Context,
    answer_entry: CircuitEntry,
    model_id: bytes,
    node: DevNode,
) -> None:
    for other in (
        replace(answer_context, chain_id=answer_context.chain_id + 1),
        replace(answer_context, contract=contracts.accuracy.address),
    ):
        elsewhere = answering.answer(other, answer_entry, 0)
        assert elsewhere.model == model_id
        assert answering.holds(elsewhere, answer_entry)
        with pytest.raises(ContractRevertedError) as caught:
            answering.attempt(elsewhere, node.accounts[0].address)
        assert caught.value.name == "InvalidProof"
        assert not answering.holds(replace(elsewhere, context=answer_context), answer_entry)


def test_consent_and_revocation(
    contracts: ZkContracts,
    answering: Answering,
    prover: Prover,
    answer_context: Context,
    answer_entry: CircuitEntry,
    node: DevNode,
    tmp_path: Path,
) -> None:
    """A model that was registered for accuracy claims only, then for answers too, then revoked."""
    sender, model = node.accounts[0], salted_anew(prover)
    ledger = fresh_ledger(tmp_path, model)
    made = answering.answer(answer_context, answer_entry, 0, model=model, ledger=ledger)
    contracts.models.register(made.commitment, 2, [contracts.accuracy.address], account=sender)
    refused("ConsumerNotApproved", lambda: answering.attempt(made, sender.address))
    contracts.models.send("approveConsumer", made.model, contracts.inference.address, account=sender)
    answering.attempt(made, sender.address)
    contracts.models.revoke(made.model, account=sender)
    refused("ModelIsRevoked", lambda: answering.attempt(made, sender.address))


def test_circuits_are_not_confused(
    contracts: ZkContracts,
    answering: Answering,
    prover: Prover,
    answer: InferenceClaim,
    answer_entry: CircuitEntry,
    entry: CircuitEntry,
    honest: AccuracyClaim,
    node: DevNode,
) -> None:
    """An accuracy circuit's proof at this contract, an answer at the accuracy registry; each made for its ρ there."""
    sender = node.accounts[0].address
    as_claim = AccuracyClaim(honest.context, answer.model, answer.circuit, 1, 1, answer.proof)
    as_answer = InferenceClaim(answer.context, honest.model, honest.circuit, answer.features, 1, honest.proof)
    for proof in (answer.proof, proved_answer(answering, answer, as_claim.challenge)):
        forged = replace(as_claim, proof=proof)
        refused(
            "InvalidProof",
            lambda forged=forged: contracts.accuracy.try_claim(forged, answering.keyed.artefact, sender=sender),
        )
        assert not verify_claim(answering.keyed, prover.engine, answer_entry, forged)
    for proof in (honest.proof, proved_count(prover, as_answer.challenge)):
        forged = replace(as_answer, proof=proof)
        refused(
            "InvalidProof",
            lambda forged=forged: contracts.inference.try_answer(forged, prover.accuracy.artefact, sender=sender),
        )
        assert not verify_claim(prover.accuracy, prover.engine, entry, forged)
    refused("VkaMismatch", lambda: contracts.inference.try_answer(answer, prover.accuracy.artefact, sender=sender))


def proved_answer(answering: Answering, answer: InferenceClaim, challenge: Callable[[bytes], int]) -> bytes:
    """The honest witness of an answer, proved at the ρ of another claim."""
    prover, keyed = answering.prover, answering.keyed
    sample = np.frombuffer(answer.features, dtype=">u2").astype(np.int64)
    tensors = inference_tensors(keyed.circuit.statement, prover.network, sample, model_salts=prover.model.salts)
    return proved(prover, keyed, Tensors(tensors.committed, tensors.witness), challenge)


def proved_count(prover: Prover, challenge: Callable[[bytes], int]) -> bytes:
    """The honest witness of an accuracy claim, proved at the ρ of another claim."""
    keyed, data, salts = prover.accuracy, prover.data, prover.model.salts
    tensors = accuracy_tensors(keyed.circuit.statement, prover.network, data.inputs, data.labels, model_salts=salts)
    return proved(prover, keyed, Tensors(tensors.committed, tensors.witness), challenge)


def proved(prover: Prover, keyed: Keyed, tensors: Tensors, challenge: Callable[[bytes], int]) -> bytes:
    return prover.engine.prove(keyed.circuit.files, keyed.files, keyed.srs, tensors, challenge).data


@pytest.mark.parametrize("change", ["zeros behind", "zeros before", "last feature cut"])
def test_an_input_of_another_length_is_refused(
    change: str, answering: Answering, answer: InferenceClaim, answer_entry: CircuitEntry, node: DevNode
) -> None:
    """The contract does not know how many features a model has, but the polynomial does: its proof at the right ρ."""
    features = {
        "zeros behind": answer.features + bytes(2),
        "zeros before": bytes(2) + answer.features,
        "last feature cut": answer.features[:-2],
    }[change]
    other = replace(answer, features=features)
    made = replace(other, proof=proved_answer(answering, answer, other.challenge))
    rho = made.challenge(made.proof[: 2 * POINT_BYTES])
    assert evaluate_features(features, rho) != evaluate_features(answer.features, rho)
    refused("InvalidProof", lambda: answering.attempt(made, node.accounts[0].address))
    assert not answering.holds(made, answer_entry)


def test_a_dedicated_verifier_serves_the_same_circuit(
    contracts: ZkContracts,
    answering: Answering,
    answer: InferenceClaim,
    answer_context: Context,
    model_id: bytes,
    node: DevNode,
) -> None:
    sender = node.accounts[0]
    engine = answering.prover.engine
    dedicated, _ = deploy_dedicated_verifier(contracts.client, answering.keyed, engine, find_solc(), sender)
    register_circuit(contracts, answering.keyed, sender, entry=dedicated)
    made = answering.answer(answer_context, dedicated, 3)
    assert made.model == model_id
    for forged in (
        replace(made, label=(made.label + 1) % 10),
        replace(made, features=OTHER_INPUT),
        replace(answer, circuit=dedicated.identifier()),
    ):
        refused("InvalidProof", lambda forged=forged: answering.attempt(forged, sender.address, dedicated))
    refused("VkaNotExpected", lambda: answering.attempt(made, sender.address))
    receipt = submit_answer(contracts, answering.keyed, dedicated, made, sender)
    assert receipt.gas_used <= ANSWER_GAS_DEDICATED


def test_challenge_agrees_with_the_contract(contracts: ZkContracts, answer: InferenceClaim) -> None:
    points = answer.proof[: 2 * POINT_BYTES]
    on_chain = contracts.inference.call(
        "challenge",
        answer.context.prover,
        answer.model,
        answer.circuit,
        keccak(answer.features),
        answer.label,
        keccak(points),
    )
    assert on_chain == answer.challenge(points)
