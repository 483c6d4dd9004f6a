"""Prove "I am at least 18" without giving one's age: a private input, a public model written by hand.

    python scripts/prove_age.py                    on a devnet of its own
    python scripts/prove_age.py --at-least 21      the source's example
    python scripts/prove_age.py --json

Source: sCrypt, "Zero-Knowledge Private Machine Learning on Bitcoin", *Private input*: "one can prove he is over 21
years old without disclosing his age". The model is one layer of integers with two answers:

    z_0 = threshold - age              years that are missing
    z_1 = age - threshold + 1          years to spare, and one

It answers 1 exactly from the threshold on. The logits add up to 1 and so are never equal: no age is without an answer.

That somebody knows *some* such age is no news, so a proof alone says nothing about anybody (the source leaves this
open). Here a registry office, which has seen a passport, commits to the age with salts that it hands over to its
holder. Whoever checks compares the commitment on chain with the one that the office names for the account.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from eth_utils.crypto import keccak

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Receipt
from pyml.cli.demo.story import require
from pyml.config import load_config
from pyml.errors import InputError
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.zk.challenge import CircuitEntry, Context, commitment_of
from pyml.zk.circuits import input_graph, input_statement
from pyml.zk.claims import InputAttestation, prove_input, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import TensorEngine, require_tensors
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs
from pyml.zk.layout import committed_layout
from pyml.zk.ledger import ProofLedger
from pyml.zk.registries import ZkContracts, open_contracts, register_circuit, submit_attestation
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Numerics
from pyml.zk.witness import salted, secure_felt
from pyml.zk.workspace import Keyed, Workspace
from scripts.demonstration import Result, options, refusal, run, show

AGE_MAX = 127
YOUNGER, AT_LEAST = 0, 1
NUMERICS = Numerics(lookup_bits=10)
"""Ages and margins are small: a table of 2^10 entries instead of 2^13, for an eighth of the work."""


def age_model(threshold: int) -> IntegerNetwork:
    """The public model: ``AT_LEAST`` from the threshold on, else ``YOUNGER``; ages in whole years, 0 to 127."""
    if not 1 <= threshold <= AGE_MAX:
        raise InputError("an age threshold is out of range", expected=f"1 to {AGE_MAX} years", got=threshold)
    layer = IntegerLayer(np.array([[-1, 1]]), np.array([threshold, 1 - threshold]), bias_unit=1)
    return IntegerNetwork((layer,), bits=8, input_max=AGE_MAX)


@dataclass(frozen=True, slots=True, repr=False)
class Person:
    """An account, its holder's age and salts (secret), and the office's commitment to them."""

    account: Signer
    age: int
    salts: tuple[int, ...]
    commitment: bytes


@dataclass(frozen=True, slots=True)
class AgeCheck:
    """One question of a shop, and what it takes to answer it: contracts, circuit and keys, all public."""

    contracts: ZkContracts
    engine: TensorEngine
    keyed: Keyed
    entry: CircuitEntry
    network: IntegerNetwork
    purpose: bytes
    folder: Path

    def certify(self, account: Signer, age: int) -> Person:
        """The office's part: a commitment to an age that it has checked, with fresh salts."""
        salts = tuple(secure_felt() for _ in range(NUMERICS.committed_salts))
        tensor = salted([age], salts, committed_layout(self.keyed.circuit.statement))
        points = self.engine.commit(self.keyed.circuit.files, self.keyed.files, self.keyed.srs, tensor)
        return Person(account, age, salts, commitment_of(b"".join(point.encode() for point in points)))

    def attest(self, person: Person) -> InputAttestation:
        """The person's part, at home: a proof for this question, to be sent from this account."""
        client = self.contracts.client
        return prove_input(
            self.keyed,
            self.engine,
            self.entry,
            self.network,
            np.array([person.age]),
            Context(client.chain_id, self.contracts.inputs.address, person.account.address),
            purpose=self.purpose,
            input_salts=person.salts,
            ledger=ProofLedger(self.folder / f"{person.commitment.hex()}.proofs", NUMERICS.proof_limit),
        )

    def submit(self, attestation: InputAttestation, sender: Signer) -> Receipt:
        return submit_attestation(self.contracts, self.keyed, self.entry, attestation, sender)

    def admits(self, account: Signer, commitment: bytes) -> bool:
        """The shop's part: the answer on chain for an account, if it is about the commitment that the office names."""
        stored = self.contracts.inputs.attestation_of(account.address, self.entry.identifier(), self.purpose)
        return stored["label"] == AT_LEAST and bytes(stored["inputCommitment"]) == commitment


def open_check(devnet: Devnet, folder: Path, threshold: int) -> AgeCheck:
    """Model, circuit, keys, contracts; the shop registers the circuit and makes up a purpose nobody used before."""
    client, shop = Client.connect(devnet.url), devnet.accounts[0]
    network = age_model(threshold)
    statement = input_statement(network, f"at least {threshold} years", NUMERICS)
    workspace = Workspace(load_config().home, EzklEngine())
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)  # public chains: download_public
    keyed = workspace.set_up(circuit, srs)
    deploy_system(client, deployment_plan(), shop, folder=folder)
    contracts = open_contracts(client, folder)
    entry = register_circuit(contracts, keyed, shop)
    purpose = keccak(text=f"order {secrets.token_hex(16)}, at least {threshold} years")
    return AgeCheck(contracts, require_tensors(workspace.engine), keyed, entry, network, purpose, folder)


def demonstrate(devnet: Devnet, folder: Path, threshold: int) -> Result:
    """Two people a year apart, at the threshold: one gets in, the other does not whatever he tries."""
    check = open_check(devnet, folder, threshold)
    adult = check.certify(devnet.accounts[1], threshold)
    minor = check.certify(devnet.accounts[2], threshold - 1)
    proof, honest = check.attest(adult), check.attest(minor)
    require(verify_claim(check.keyed, check.engine, check.entry, proof), "the adult's proof holds")
    require((proof.label, honest.label) == (AT_LEAST, YOUNGER), "the answers are those of the two ages")

    refused = {
        "the minor's own proof, with the other answer": refusal(
            lambda: check.submit(replace(honest, label=AT_LEAST), minor.account)
        ),
        "the adult's proof, sent by the minor": refusal(lambda: check.submit(proof, minor.account)),
        "the adult's proof, for another order": refusal(
            lambda: check.submit(replace(proof, purpose=keccak(text="another order")), adult.account)
        ),
    }
    receipt = check.submit(proof, adult.account)
    require(check.admits(adult.account, adult.commitment), "the adult is admitted")
    refused["the adult's proof, a second time"] = refusal(
        lambda: check.submit(proof, adult.account), "WitnessAlreadyUsed"
    )

    liar = check.certify(minor.account, threshold)  # a commitment of his own making
    check.submit(check.attest(liar), liar.account)
    require(not check.admits(minor.account, minor.commitment), "the minor is not admitted")
    refused["a true proof about an invented age"] = "accepted by the contract; its commitment is not the office's"
    commitment = f"0x{adult.commitment.hex()[:16]}…"
    return {
        "proved": [f"the age behind the registry office's commitment {commitment} is at least {threshold}"],
        "hidden": ["the age, of which one bit is told", "the salts"],
        "not_proved": [
            "that the office was right, or who holds the account",
            "anything without the office: the contract takes a proof about any age, and knows no office",
            "anything beyond this devnet: the reference string was made here, alone",
        ],
        "refused": refused,
        "gas": receipt.gas_used,
    }


def main() -> None:
    """Parse arguments, start a devnet, run."""
    parser = options("Prove that an age reaches a threshold without giving the age.")
    parser.add_argument("--at-least", type=int, default=18, metavar="YEARS", help="the threshold (default: 18)")
    asked = parser.parse_args()
    run(lambda devnet, folder: demonstrate(devnet, folder, asked.at_least), show, as_json=asked.json)


if __name__ == "__main__":
    main()
