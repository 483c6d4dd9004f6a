"""Accuracy claims against real contracts with real proofs: the honest one is accepted, everything else is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode
from pyml.chain.solc import find_solc
from pyml.errors import ContractRevertedError, ProofError
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.claims import AccuracyClaim, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.registries import (
    ZkContracts,
    deploy_dedicated_verifier,
    open_contracts,
    register_circuit,
    register_model,
    register_proved_model,
    submit_claim,
)
from pyml.zk.verifiers import reusable_source
from pyml.zk.witness import secure_felt
from tests.e2e.conftest import SAMPLES, Prover

Try = Callable[[AccuracyClaim], None]
CLAIM_GAS_REUSABLE, CLAIM_GAS_DEDICATED = 1_200_000, 950_000


@pytest.fixture(scope="session")
def attempt(contracts: ZkContracts, prover: Prover, node: DevNode) -> Try:
    """Run a claim as account 0 without a transaction."""
    return lambda claim: contracts.accuracy.try_claim(claim, prover.accuracy.artefact, sender=node.accounts[0].address)


def refused(name: str, attempt: Callable[[], object]) -> ContractRevertedError:
    with pytest.raises(ContractRevertedError) as caught:
        attempt()
    assert caught.value.name == name, caught.value
    return caught.value


def test_honest_claim_verifies_off_chain_and_on_chain(
    prover: Prover, entry: CircuitEntry, honest: AccuracyClaim, attempt: Try
) -> None:
    assert verify_claim(prover.accuracy, prover.engine, entry, honest)
    attempt(honest)


def with_another_model(prover: Prover) -> Prover:
    """The same weights under fresh salts: another commitment, so that the shared model stays without a claim."""
    return replace(prover, model=SecretModel(prover.network, tuple(secure_felt() for _ in prover.model.salts)))


def test_claim_is_accepted_once_and_certifies_the_model(
    contracts: ZkContracts, prover: Prover, entry: CircuitEntry, context: Context, node: DevNode
) -> None:
    claim = with_another_model(prover).claim(context, entry, threshold=1)
    sender = node.accounts[0]
    model = register_proved_model(contracts, claim, 8, sender)
    receipt = submit_claim(contracts, prover.accuracy, entry, claim, sender)
    assert receipt.gas_used <= CLAIM_GAS_REUSABLE
    (event,) = contracts.accuracy.events_in(receipt, "AccuracyClaimed")
    assert (event.arguments["count"], event.arguments["threshold"]) == (claim.count, 1)
    made = contracts.accuracy.claim_of(model, claim.circuit)
    assert (made["count"], made["threshold"], made["setKnownInAdvance"]) == (claim.count, 1, True)
    assert contracts.accuracy.is_certified(model, claim.circuit, claim.count)
    assert not contracts.accuracy.is_certified(model, claim.circuit, claim.count + 1)
    refused("WitnessAlreadyUsed", lambda: submit_claim(contracts, prover.accuracy, entry, claim, sender))


Forge = Callable[[AccuracyClaim], AccuracyClaim]
FORGERIES: list[tuple[Forge, str]] = [
    (lambda claim: replace(claim, count=claim.count + 1), "InvalidProof"),
    (lambda claim: replace(claim, threshold=claim.threshold - 1), "InvalidProof"),
    (lambda claim: replace(claim, threshold=claim.count + 1), "CountOutOfRange"),
    (lambda claim: replace(claim, threshold=0), "ThresholdOutOfRange"),
    (lambda claim: replace(claim, count=SAMPLES + 1), "CountOutOfRange"),
    (lambda claim: replace(claim, proof=claim.proof[:-32]), "ProofLengthMismatch"),
    (lambda claim: replace(claim, proof=claim.proof + bytes(32)), "ProofLengthMismatch"),
    (lambda claim: replace(claim, circuit=bytes(32)), "CircuitUnknown"),
    (lambda claim: replace(claim, model=bytes(32)), "ModelUnknown"),
    (lambda claim: replace(claim, proof=claim.proof[64:128] + claim.proof[64:]), "NotThisModel"),
]


@pytest.mark.parametrize(
    ("forge", "error"),
    FORGERIES,
    ids=[
        "count",
        "threshold",
        "threshold-above",
        "threshold-0",
        "count-above",
        "short",
        "long",
        "circuit",
        "model",
        "commitment",
    ],
)
def test_forged_claim_is_refused(
    forge: Forge,
    error: str,
    prover: Prover,
    entry: CircuitEntry,
    honest: AccuracyClaim,
    attempt: Try,
) -> None:
    forged = forge(honest)
    refused(error, lambda: attempt(forged))
    assert not verify_claim(prover.accuracy, prover.engine, entry, forged)


@settings(max_examples=25)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(honest: AccuracyClaim, attempt: Try, place: int, bit: int) -> None:
    flipped = bytearray(honest.proof)
    flipped[place % len(flipped)] ^= 1 << bit
    with pytest.raises(ContractRevertedError) as caught:
        attempt(replace(honest, proof=bytes(flipped)))
    assert caught.value.name in {"InvalidProof", "NotThisModel"}


def test_copier_of_model_and_proof_is_refused(
    contracts: ZkContracts, prover: Prover, honest: AccuracyClaim, entry: CircuitEntry, node: DevNode
) -> None:
    thief = node.accounts[1]
    stolen = replace(honest, context=replace(honest.context, prover=thief.address))
    refused(
        "NotModelOwner",
        lambda: contracts.accuracy.try_claim(honest, prover.accuracy.artefact, sender=thief.address),
    )
    stolen = replace(stolen, model=contracts.models.id_of(thief.address, honest.commitment))
    register_proved_model(contracts, stolen, 5, thief)
    refused(
        "InvalidProof", lambda: contracts.accuracy.try_claim(stolen, prover.accuracy.artefact, sender=thief.address)
    )
    assert not verify_claim(prover.accuracy, prover.engine, entry, stolen)


def test_claim_for_another_contract_or_chain_is_refused(
    contracts: ZkContracts, prover: Prover, entry: CircuitEntry, context: Context, node: DevNode, attempt: Try
) -> None:
    for other in (
        replace(context, chain_id=context.chain_id + 1),
        replace(context, contract=contracts.inputs.address),
    ):
        elsewhere = prover.claim(other, entry)
        assert verify_claim(prover.accuracy, prover.engine, entry, elsewhere)
        refused("InvalidProof", partial(attempt, elsewhere))
        moved = replace(elsewhere, context=context)
        assert not verify_claim(prover.accuracy, prover.engine, entry, moved)


def test_another_key_is_refused(
    contracts: ZkContracts,
    prover: Prover,
    honest: AccuracyClaim,
    entry: CircuitEntry,
    input_entry: CircuitEntry,
    node: DevNode,
) -> None:
    sender = node.accounts[0].address
    refused("VkaMismatch", lambda: contracts.accuracy.try_claim(honest, prover.private_input.artefact, sender=sender))
    other = replace(honest, circuit=input_entry.identifier())
    with pytest.raises(ContractRevertedError) as caught:
        contracts.accuracy.try_claim(other, prover.private_input.artefact, sender=sender)
    assert caught.value.name in {"CountOutOfRange", "ThresholdOutOfRange", "ProofLengthMismatch", "InvalidProof"}
    assert not verify_claim(prover.private_input, prover.engine, input_entry, other)
    assert not verify_claim(prover.accuracy, prover.engine, replace(entry, vka_digest=bytes(32)), honest)


def test_unregistered_key_and_revoked_model_are_refused(
    contracts: ZkContracts, prover: Prover, entry: CircuitEntry, context: Context, node: DevNode
) -> None:
    claim = with_another_model(prover).claim(context, entry)
    sender = node.accounts[0]
    artefact = prover.accuracy.artefact
    refused("ModelUnknown", lambda: contracts.accuracy.try_claim(claim, artefact, sender=sender.address))
    model = register_proved_model(contracts, claim, 1, sender)
    contracts.accuracy.try_claim(claim, artefact, sender=sender.address)
    contracts.models.revoke(model, account=sender)
    refused("ModelIsRevoked", lambda: contracts.accuracy.try_claim(claim, artefact, sender=sender.address))


def test_proof_budget_is_kept_on_chain_and_off_chain(
    contracts: ZkContracts, prover: Prover, entry: CircuitEntry, context: Context, node: DevNode
) -> None:
    other = with_another_model(prover)
    claim, sender = other.claim(context, entry), node.accounts[0]
    model = register_proved_model(contracts, claim, 1, sender)
    contracts.models.send("approveConsumer", model, sender.address, account=sender)
    contracts.models.send("recordProof", model, account=sender)
    spent_on_chain = refused(
        "ProofLimitReached",
        lambda: contracts.accuracy.try_claim(claim, prover.accuracy.artefact, sender=sender.address),
    )
    assert spent_on_chain.arguments["proofLimit"] == 1
    spent = replace(other, ledger=ProofLedger(prover.ledger.path.with_name("spent"), 1))
    spent.claim(context, entry)
    with pytest.raises(ProofError, match="no proof left"):
        spent.claim(context, entry)
    assert spent.ledger.used == 1


def test_dedicated_verifier_serves_the_same_circuit(
    contracts: ZkContracts,
    prover: Prover,
    context: Context,
    model_id: bytes,
    honest: AccuracyClaim,
    node: DevNode,
) -> None:
    sender = node.accounts[0]
    dedicated, _ = deploy_dedicated_verifier(contracts.client, prover.accuracy, prover.engine, find_solc(), sender)
    register_circuit(contracts, prover.accuracy, sender, entry=dedicated)
    claim = prover.claim(context, dedicated)
    assert claim.model == model_id
    forged = replace(claim, count=claim.count + 1)
    refused("InvalidProof", lambda: contracts.accuracy.try_claim(forged, (), sender=sender.address))
    moved = replace(honest, circuit=dedicated.identifier())
    refused("InvalidProof", lambda: contracts.accuracy.try_claim(moved, (), sender=sender.address))
    refused(
        "VkaNotExpected",
        lambda: contracts.accuracy.try_claim(claim, prover.accuracy.artefact, sender=sender.address),
    )
    receipt = submit_claim(contracts, prover.accuracy, dedicated, claim, sender)
    assert receipt.gas_used <= CLAIM_GAS_DEDICATED


def test_shipped_verifier_is_what_the_engine_writes(prover: Prover) -> None:
    shipped = Path(__file__).parents[2] / "contracts" / "generated" / "Halo2VerifierReusable.sol"
    assert reusable_source(prover.accuracy, prover.engine) == shipped.read_text(encoding="utf-8")


def test_challenge_agrees_with_the_contract(contracts: ZkContracts, honest: AccuracyClaim) -> None:
    points = honest.proof[:128]
    on_chain = contracts.accuracy.call(
        "challenge", honest.context.prover, honest.model, honest.circuit, honest.threshold, honest.count, keccak(points)
    )
    assert on_chain == honest.challenge(points)


def test_same_claim_on_a_chain_with_the_same_addresses_is_refused(
    prover: Prover, honest: AccuracyClaim, commitment: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A fork of the chain under another id: same deployer, same nonces, same addresses, same model, same sender."""
    with Devnet(DevnetOptions(chain_id=1337)) as twin:
        client = Client.connect(twin.url)
        folder = tmp_path_factory.mktemp("twin")
        deploy_system(client, deployment_plan(), twin.accounts[0], folder=folder)
        contracts = open_contracts(client, folder)
        if contracts.accuracy.address != honest.context.contract:
            pytest.skip("the other node's contracts have other addresses")
        register_circuit(contracts, prover.accuracy, twin.accounts[0])
        register_model(contracts, commitment, 5, twin.accounts[0])
        refused(
            "InvalidProof",
            lambda: contracts.accuracy.try_claim(honest, prover.accuracy.artefact, sender=twin.accounts[0].address),
        )
