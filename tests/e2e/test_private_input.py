"""Private-input attestations against real contracts with real proofs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.chain.devnet import DevNode
from pyml.errors import ContractRevertedError, InputError
from pyml.ml.integer import predict
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.claims import InputAttestation, prove_input, verify_claim
from pyml.zk.registries import ZkContracts, submit_attestation
from tests.e2e.conftest import Prover


@pytest.fixture(scope="session")
def input_context(contracts: ZkContracts, node: DevNode) -> Context:
    return Context(contracts.client.chain_id, contracts.inputs.address, node.accounts[0].address)


@pytest.fixture(scope="session")
def attestation(prover: Prover, input_context: Context, input_entry: CircuitEntry) -> InputAttestation:
    """One that would be accepted; tests never send it."""
    return prover.attest(input_context, input_entry)


def attempt(contracts: ZkContracts, prover: Prover, made: InputAttestation, sender: str) -> None:
    contracts.inputs.call(
        "attest", made.circuit, made.purpose, made.label, made.proof, list(prover.private_input.artefact), sender=sender
    )


def test_attestation_verifies_and_is_accepted_once(
    contracts: ZkContracts, prover: Prover, input_context: Context, input_entry: CircuitEntry, node: DevNode
) -> None:
    made = prover.attest(input_context, input_entry, index=1, purpose=b"\x01" * 32)
    assert made.label == predict(prover.network, prover.data.inputs[1:2])[0]
    assert verify_claim(prover.private_input, prover.engine, input_entry, made)
    submit_attestation(contracts, prover.private_input, input_entry, made, node.accounts[0])
    stored = contracts.inputs.attestation_of(input_context.prover, made.circuit, made.purpose)
    assert stored["label"] == made.label
    assert bytes(stored["inputCommitment"]) == keccak(made.proof[:64])
    with pytest.raises(ContractRevertedError) as caught:
        submit_attestation(contracts, prover.private_input, input_entry, made, node.accounts[0])
    assert caught.value.name in {"WitnessAlreadyUsed", "AlreadyAttested"}


Forge = Callable[[InputAttestation], InputAttestation]
FORGERIES: list[tuple[Forge, str]] = [
    (lambda made: replace(made, label=(made.label + 1) % 10), "InvalidProof"),
    (lambda made: replace(made, label=made.label + 2**208), "LabelTooLarge"),
    (lambda made: replace(made, purpose=b"\x08" * 32), "InvalidProof"),
    (lambda made: replace(made, proof=made.proof[:-32]), "ProofLengthMismatch"),
    (lambda made: replace(made, circuit=bytes(32)), "CircuitUnknown"),
    (lambda made: replace(made, proof=made.proof[64:128] + made.proof[64:]), "InvalidProof"),
]


@pytest.mark.parametrize(
    ("forge", "error"),
    FORGERIES,
    ids=["label", "huge-label", "purpose", "short", "circuit", "commitment"],
)
def test_forged_attestation_is_refused(
    forge: Forge,
    error: str,
    contracts: ZkContracts,
    prover: Prover,
    attestation: InputAttestation,
    input_entry: CircuitEntry,
    node: DevNode,
) -> None:
    forged = forge(attestation)
    with pytest.raises(ContractRevertedError) as caught:
        attempt(contracts, prover, forged, attestation.context.prover)
    assert caught.value.name == error
    assert not verify_claim(prover.private_input, prover.engine, input_entry, forged)


@settings(max_examples=15)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(
    contracts: ZkContracts,
    prover: Prover,
    attestation: InputAttestation,
    input_context: Context,
    place: int,
    bit: int,
) -> None:
    flipped = bytearray(attestation.proof)
    flipped[place % len(flipped)] ^= 1 << bit
    with pytest.raises(ContractRevertedError) as caught:
        attempt(contracts, prover, replace(attestation, proof=bytes(flipped)), input_context.prover)
    assert caught.value.name == "InvalidProof"


def test_other_sender_is_refused(
    contracts: ZkContracts, prover: Prover, attestation: InputAttestation, input_entry: CircuitEntry, node: DevNode
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        attempt(contracts, prover, attestation, node.accounts[1].address)
    assert caught.value.name == "InvalidProof"
    stolen = replace(attestation, context=replace(attestation.context, prover=node.accounts[1].address))
    assert not verify_claim(prover.private_input, prover.engine, input_entry, stolen)


def test_lasting_salts_need_a_ledger(prover: Prover, input_context: Context, input_entry: CircuitEntry) -> None:
    with pytest.raises(InputError, match="go together"):
        prove_input(
            prover.private_input,
            prover.engine,
            input_entry,
            prover.network,
            prover.data.inputs[0],
            input_context,
            purpose=bytes(32),
            input_salts=(1,) * 64,
        )
    with pytest.raises(InputError, match="32 bytes"):
        prove_input(
            prover.private_input,
            prover.engine,
            input_entry,
            prover.network,
            prover.data.inputs[0],
            input_context,
            purpose=b"short",
        )
