"""Apply for a loan with a hidden salary: a private input of five numbers, a public scorecard.

    python scripts/prove_credit_score.py          on a devnet of its own
    python scripts/prove_credit_score.py --json

Source: sCrypt, "Zero-Knowledge Private Machine Learning on Bitcoin", *Private input*: an "insurance company uses a
credit score model for loan approvals. The model is made public for transparency, but the inputs, such as an applicant's
salary and bank statements, should be kept confidential."

No public set of loan applications with salaries comes with the packages that pyml needs, so nothing is trained here:
the scorecard below is written by hand, is no lender's, and its people are invented. Each value counts up to a cap,

    score = sum over features of points * min(value, cap)

and thresholds t_1 < t_2 of the score separate three outcomes. As a network of integers: min(v, c) is
relu(v) - relu(v - c), and outcome k has the logit

    z_k = sum over j <= k of (2 * score - 2 * t_j + 1)

so that z_k - z_(k-1) is odd, positive exactly from t_k on, and falls with k: the greatest logit is that of the right
outcome, and alone. A network that was trained goes the same way (``scripts/prove_breast_cancer.py`` has the steps).

A proof alone says that *some* five numbers are worth a loan, which the scorecard says too. Here a bank, which sees the
account, commits to the numbers with salts that it hands over to the applicant. The lender compares the commitment on
chain with the one that the bank names for the account.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
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
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict
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


@dataclass(frozen=True, slots=True)
class Feature:
    """A whole number from 0 to 255 (entered for any greater one), worth ``points`` for each unit up to ``cap``."""

    name: str
    points: int
    cap: int


SCORECARD = (
    Feature("salary, thousand a year", 2, 100),
    Feature("balance at the bank, thousand", 1, 50),
    Feature("debts, thousand", -2, 100),
    Feature("years with the employer", 3, 10),
    Feature("payments missed in two years", -30, 4),
)
OUTCOMES = ("declined", "referred to a person", "approved")
THRESHOLDS = (40, 100)
DECLINED, APPROVED = 0, 2
VALUE_MAX = 255
NUMERICS = Numerics(lookup_bits=10)
"""Values and margins are small: a table of 2^10 entries instead of 2^13, for an eighth of the work."""

GOOD, BAD = (52, 12, 9, 6, 0), (31, 2, 20, 2, 1)
"""Two invented applicants, in the order of the scorecard."""
EMBELLISHED = (95, *BAD[1:])


def scorecard_network() -> IntegerNetwork:
    """The public model: five values, the values and their excess over the caps, three logits."""
    points = np.array([feature.points for feature in SCORECARD])
    caps = np.array([feature.cap for feature in SCORECARD])
    values = np.eye(len(SCORECARD), dtype=np.int64)
    hidden = IntegerLayer(np.hstack([values, values]), np.concatenate([np.zeros_like(caps), -caps]), bias_unit=1)
    steps = np.array([0, *(1 - 2 * threshold for threshold in THRESHOLDS)])
    weight = 2 * np.outer(np.concatenate([points, -points]), np.arange(len(OUTCOMES)))
    return IntegerNetwork((hidden, IntegerLayer(weight, np.cumsum(steps), bias_unit=1)), bits=10, input_max=VALUE_MAX)


@dataclass(frozen=True, slots=True, repr=False)
class Applicant:
    """An account, its holder's numbers and salts (secret), and the bank's commitment to them."""

    account: Signer
    values: tuple[int, ...]
    salts: tuple[int, ...]
    commitment: bytes


@dataclass(frozen=True, slots=True)
class LoanDesk:
    """A lender's call for applications, and what it takes to apply: contracts, circuit and keys, all public."""

    contracts: ZkContracts
    engine: TensorEngine
    keyed: Keyed
    entry: CircuitEntry
    network: IntegerNetwork
    purpose: bytes
    folder: Path

    def certify(self, account: Signer, values: Sequence[int]) -> Applicant:
        """The bank's part: a commitment to numbers that it has checked, with fresh salts."""
        salts = tuple(secure_felt() for _ in range(NUMERICS.committed_salts))
        tensor = salted(values, salts, committed_layout(self.keyed.circuit.statement))
        points = self.engine.commit(self.keyed.circuit.files, self.keyed.files, self.keyed.srs, tensor)
        return Applicant(account, tuple(values), salts, commitment_of(b"".join(point.encode() for point in points)))

    def apply(self, applicant: Applicant) -> InputAttestation:
        """The applicant's part, at home: a proof for this lender, to be sent from this account."""
        client = self.contracts.client
        return prove_input(
            self.keyed,
            self.engine,
            self.entry,
            self.network,
            np.array(applicant.values),
            Context(client.chain_id, self.contracts.inputs.address, applicant.account.address),
            purpose=self.purpose,
            input_salts=applicant.salts,
            ledger=ProofLedger(self.folder / f"{applicant.commitment.hex()}.proofs", NUMERICS.proof_limit),
        )

    def submit(self, attestation: InputAttestation, sender: Signer) -> Receipt:
        return submit_attestation(self.contracts, self.keyed, self.entry, attestation, sender)

    def approves(self, account: Signer, commitment: bytes) -> bool:
        """The lender's part: the outcome on chain for an account, if it is about the commitment that the bank names."""
        stored = self.contracts.inputs.attestation_of(account.address, self.entry.identifier(), self.purpose)
        return stored["label"] == APPROVED and bytes(stored["inputCommitment"]) == commitment


def open_desk(devnet: Devnet, folder: Path) -> LoanDesk:
    """Model, circuit, keys, contracts; the lender registers the circuit and makes up a purpose nobody used before."""
    client, lender = Client.connect(devnet.url), devnet.accounts[0]
    network = scorecard_network()
    statement = input_statement(network, "credit scorecard", NUMERICS)
    workspace = Workspace(load_config().home, EzklEngine())
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)  # public chains: download_public
    keyed = workspace.set_up(circuit, srs)
    deploy_system(client, deployment_plan(), lender, folder=folder)
    contracts = open_contracts(client, folder)
    entry = register_circuit(contracts, keyed, lender)
    purpose = keccak(text=f"loan {secrets.token_hex(16)}")
    return LoanDesk(contracts, require_tensors(workspace.engine), keyed, entry, network, purpose, folder)


def demonstrate(devnet: Devnet, folder: Path) -> Result:
    """Two applicants: one is approved, the other is not whatever he tries."""
    desk = open_desk(devnet, folder)
    good = desk.certify(devnet.accounts[1], GOOD)
    bad = desk.certify(devnet.accounts[2], BAD)
    proof, honest = desk.apply(good), desk.apply(bad)
    require(verify_claim(desk.keyed, desk.engine, desk.entry, proof), "the proof holds")
    require((proof.label, honest.label) == (APPROVED, DECLINED), "the outcomes are the scorecard's")

    refused = {
        "the declined applicant's proof, with the other outcome": refusal(
            lambda: desk.submit(replace(honest, label=APPROVED), bad.account)
        ),
        "the approved applicant's proof, sent by the other": refusal(lambda: desk.submit(proof, bad.account)),
        "the approved applicant's proof, for another loan": refusal(
            lambda: desk.submit(replace(proof, purpose=keccak(text="another loan")), good.account)
        ),
    }
    receipt = desk.submit(proof, good.account)
    require(desk.approves(good.account, good.commitment), "the loan is approved")

    liar = desk.certify(bad.account, EMBELLISHED)  # a commitment of his own making
    desk.submit(desk.apply(liar), liar.account)
    require(not desk.approves(bad.account, bad.commitment), "an embellished salary is worth nothing")
    refused["a true proof about an embellished salary"] = "accepted by the contract; its commitment is not the bank's"
    return {
        "proved": [
            f"the numbers behind the bank's commitment 0x{good.commitment.hex()[:16]}… are {OUTCOMES[proof.label]}"
        ],
        "hidden": [
            *(feature.name for feature in SCORECARD),
            f"all but this: who knows the rest knows that the salary is at least {least_salary(desk.network, GOOD)}",
        ],
        "not_proved": [
            "that the bank was right, or who holds the account",
            "anything without the bank: the contract takes a proof about any numbers, and knows no bank",
            "that the scorecard is any good: it was written for this demonstration",
            "anything beyond this devnet: the reference string was made here, alone",
        ],
        "refused": refused,
        "gas": receipt.gas_used,
    }


def least_salary(network: IntegerNetwork, values: Sequence[int]) -> int:
    """The least salary that has the same outcome, all else as it is: what the outcome tells of it."""
    candidates = np.tile(np.array(values), (VALUE_MAX + 1, 1))
    candidates[:, 0] = np.arange(VALUE_MAX + 1)
    return int((predict(network, candidates) == predict(network, np.array([values]))).argmax())


def main() -> None:
    """Parse arguments, start a devnet, run."""
    asked = options("Prove the outcome of a loan application with a hidden salary.").parse_args()
    run(demonstrate, show, as_json=asked.json)


if __name__ == "__main__":
    main()
