"""Certify a tumour classifier whose weights stay secret: a private model, a public labelled set.

    python scripts/prove_breast_cancer.py          on a devnet of its own
    python scripts/prove_breast_cancer.py --json

Source: sCrypt, "Zero-Knowledge Private Machine Learning on Bitcoin", *Private model*: "we use a tumor classification
model owned by a private company to detect tumors from images. The model is certified to have 99% accuracy when
classifying a public dataset. The company can just publish the cryptographic commitment of its model".

The public set is scikit-learn's copy of the Wisconsin breast-cancer set: 30 measurements of cell nuclei in an image,
as bytes (``pyml.ml.datasets``), and the answer malignant (0) or benign (1). The company trains on 456 rows; the claim
is about the other 113. It asks to be certified for 95 %, which training reaches on any machine, and states its count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Receipt
from pyml.cli.demo.story import require
from pyml.config import load_config
from pyml.ml.datasets import load
from pyml.ml.integer import IntegerNetwork
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.circuits import LabelledSet, accuracy_graph, accuracy_statement, labelled_set
from pyml.zk.claims import AccuracyClaim, commit_model, prove_accuracy, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import TensorEngine, require_tensors
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.preparation import Prepared, prepare
from pyml.zk.registries import ZkContracts, open_contracts, register_circuit, register_model, submit_claim
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Numerics
from pyml.zk.witness import secure_felt
from pyml.zk.workspace import Keyed, Workspace
from scripts.demonstration import Result, options, refusal, run, show_claims

SIZES, EPOCHS, SEED = (30, 8, 2), 100, 1
CERTIFIED_SHARE = 0.95
QUANTISATION_TOLERANCE = 0.01
"""At most one of the 113 samples may be lost between the float model and its integers."""
NUMERICS = Numerics(lookup_bits=10)
"""Two classes and few weights: a table of 2^10 entries instead of 2^13."""


@dataclass(frozen=True, slots=True)
class Certification:
    """What a claim about the public set takes: contracts, circuit and keys, all public."""

    contracts: ZkContracts
    engine: TensorEngine
    keyed: Keyed
    entry: CircuitEntry
    data: LabelledSet
    folder: Path

    def commit(self, network: IntegerNetwork) -> tuple[SecretModel, bytes]:
        """A model with fresh salts, and its commitment."""
        model = SecretModel(network, tuple(secure_felt() for _ in range(NUMERICS.committed_salts)))
        return model, commit_model(self.keyed, self.engine, model)

    def prove(self, model: SecretModel, commitment: bytes, owner: Signer) -> AccuracyClaim:
        """How many samples the model answers correctly, for the owner's account."""
        return prove_accuracy(
            self.keyed,
            self.engine,
            self.entry,
            model,
            self.data,
            Context(self.contracts.client.chain_id, self.contracts.accuracy.address, owner.address),
            threshold=math.ceil(CERTIFIED_SHARE * len(self.data.labels)),
            ledger=ProofLedger(self.folder / f"{commitment.hex()}.proofs", model.proof_limit),
        )

    def submit(self, claim: AccuracyClaim, sender: Signer) -> Receipt:
        return submit_claim(self.contracts, self.keyed, self.entry, claim, sender)


def train_classifier() -> Prepared:
    """The company's secret: trained as floats, then rounded to 8-bit integers, which are what is proved."""
    dataset = load("breast-cancer")
    model = mlp(SIZES, seed=SEED)
    train(model, dataset, TrainingConfig(epochs=EPOCHS, seed=SEED))
    return prepare(affine_layers(model), dataset, numerics=NUMERICS)


def open_certification(devnet: Devnet, folder: Path, prepared: Prepared) -> Certification:
    """Public set, circuit, keys, contracts."""
    client, owner = Client.connect(devnet.url), devnet.accounts[0]
    dataset = load("breast-cancer")
    data = labelled_set(dataset, samples=len(dataset.test_labels))
    statement = accuracy_statement(prepared.architecture, data, NUMERICS)
    workspace = Workspace(load_config().home, EzklEngine())
    circuit = workspace.build_circuit(statement, accuracy_graph(statement, data))
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)  # public chains: download_public
    keyed = workspace.set_up(circuit, srs)
    deploy_system(client, deployment_plan(), owner, folder=folder)
    contracts = open_contracts(client, folder)
    entry = register_circuit(contracts, keyed, owner)
    return Certification(contracts, require_tensors(workspace.engine), keyed, entry, data, folder)


def demonstrate(devnet: Devnet, folder: Path) -> Result:
    """Train, commit, register, prove, claim; a better count, another owner and another model are refused."""
    owner, stranger = devnet.accounts[:2]
    prepared = train_classifier()
    require(prepared.report.accuracy_loss <= QUANTISATION_TOLERANCE, "integers answer as well as floats")
    certification = open_certification(devnet, folder, prepared)
    contracts = certification.contracts
    network = prepared.quantisation.network
    model, commitment = certification.commit(network)
    registered = register_model(contracts, commitment, model.proof_limit, owner)
    claim = certification.prove(model, commitment, owner)
    require(verify_claim(certification.keyed, certification.engine, certification.entry, claim), "the proof holds")

    stolen = register_model(contracts, commitment, model.proof_limit, stranger)
    _, another = certification.commit(altered(network))
    changed = register_model(contracts, another, model.proof_limit, owner)
    samples, report = len(certification.data.labels), prepared.report
    refused = {
        "one more correct answer": refusal(
            lambda: certification.submit(replace(claim, count=claim.count + 1), owner),
            "InvalidProof" if claim.count < samples else "CountOutOfRange",
        ),
        "the proof, sent by a stranger who registered the same commitment": refusal(
            lambda: certification.submit(replace(claim, model=stolen), stranger)
        ),
        "the proof, for a model that differs in one weight": refusal(
            lambda: certification.submit(replace(claim, model=changed), owner), "NotThisModel"
        ),
    }
    receipt = certification.submit(claim, owner)
    require(contracts.accuracy.is_certified(registered, claim.circuit, claim.threshold), "the model is certified")
    require(not contracts.accuracy.is_certified(registered, claim.circuit, claim.count + 1), "and for no more")
    return {
        "proved": [
            f"the model behind commitment 0x{commitment.hex()[:16]}… answers {claim.count} of {samples} correctly",
            f"it is certified for at least {claim.threshold} ({CERTIFIED_SHARE:.0%})",
        ],
        "hidden": [f"its {prepared.architecture.parameters} weights and biases", "which samples it answers wrongly"],
        "not_proved": [
            "that it did not learn these samples by heart: the set was public before the model was registered",
            "that it is any good for other patients: this is no medical device",
            "anything beyond this devnet: the reference string was made here, alone",
        ],
        "quantisation": {
            "float_accuracy": report.float_accuracy,
            "integer_accuracy": report.integer_accuracy,
            "agreement": report.agreement,
        },
        "refused": refused,
        "gas": receipt.gas_used,
    }


def altered(network: IntegerNetwork) -> IntegerNetwork:
    """The same model but for one step in one weight."""
    first, *rest = network.layers
    weight = first.weight.copy()
    weight[0, 0] += 1 if weight[0, 0] < 0 else -1
    return replace(network, layers=(replace(first, weight=weight), *rest))


def show(result: Result) -> None:
    """The result as text."""
    show_claims(result)
    for name, share in result["quantisation"].items():
        print(f"{name.replace('_', ' ')} {share:.1%}", end=", ")
    print(f"{result['gas']:,} gas, {result['seconds']} s")


def main() -> None:
    """Parse arguments, start a devnet, run."""
    asked = options("Certify a private tumour classifier on a public set.").parse_args()
    run(demonstrate, show, as_json=asked.json)


if __name__ == "__main__":
    main()
