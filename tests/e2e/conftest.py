"""One small accuracy circuit and one private-input circuit with real proofs, on the devnet that ``--devnet`` names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode, HardhatNode
from pyml.chain.sending import SendPolicy
from pyml.ml.datasets import load
from pyml.ml.integer import IntegerNetwork
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    accuracy_statement,
    input_graph,
    input_statement,
    labelled_set,
)
from pyml.zk.claims import (
    AccuracyClaim,
    InputAttestation,
    commit_model,
    prove_accuracy,
    prove_input,
)
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import TensorEngine, require_tensors
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.preparation import prepare
from pyml.zk.registries import ZkContracts, open_contracts, register_circuit, register_model
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Numerics
from pyml.zk.witness import secure_felt
from pyml.zk.workspace import Keyed, Workspace

QUICK = SendPolicy(deadline_s=30, poll_s=0.01)
NUMERICS = Numerics(lookup_bits=11, committed_salts=64)
SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Prover:
    """Keys, secrets and data of the module's two circuits."""

    engine: TensorEngine
    accuracy: Keyed
    private_input: Keyed
    network: IntegerNetwork
    model: SecretModel
    data: LabelledSet
    ledger: ProofLedger

    def claim(self, context: Context, entry: CircuitEntry, *, threshold: int | None = None) -> AccuracyClaim:
        return prove_accuracy(
            self.accuracy,
            self.engine,
            entry,
            self.model,
            self.data,
            context,
            threshold=threshold,
            ledger=self.ledger,
        )

    def attest(
        self, context: Context, entry: CircuitEntry, *, index: int = 0, purpose: bytes = b"\x07" * 32
    ) -> InputAttestation:
        return prove_input(
            self.private_input,
            self.engine,
            entry,
            self.network,
            self.data.inputs[index],
            context,
            purpose=purpose,
        )


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"), EzklEngine())


@pytest.fixture(scope="session")
def prover(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Prover:
    dataset = load("digits")
    net = mlp((64, 8, 10), seed=3)
    train(net, dataset, TrainingConfig(epochs=10, seed=3))
    prepared = prepare(affine_layers(net), dataset, weight_bits=6, numerics=NUMERICS)
    network = prepared.quantisation.network
    data = labelled_set(dataset, samples=SAMPLES)
    statement = accuracy_statement(prepared.architecture, data, NUMERICS)
    about_input = input_statement(network, "e2e", NUMERICS)
    circuits = (
        workspace.build_circuit(statement, accuracy_graph(statement, data)),
        workspace.build_circuit(about_input, input_graph(about_input, network)),
    )
    accuracy, private_input = (
        workspace.set_up(circuit, make_insecure(workspace.home, circuit.degree, generate_insecure_srs))
        for circuit in circuits
    )
    model = SecretModel(network, tuple(secure_felt() for _ in range(NUMERICS.committed_salts)))
    ledger = ProofLedger(tmp_path_factory.mktemp("ledger") / "proofs", NUMERICS.proof_limit)
    return Prover(require_tensors(workspace.engine), accuracy, private_input, network, model, data, ledger)


@pytest.fixture(scope="session")
def node(devnet_kind: str) -> Iterator[DevNode]:
    node = HardhatNode() if devnet_kind == "hardhat" else Devnet(DevnetOptions(enforce_tx_gas_cap=True))
    with node:
        yield node


@pytest.fixture(scope="session")
def client(node: DevNode) -> Client:
    return Client.connect(node.url, policy=QUICK)


@pytest.fixture(scope="session")
def contracts(client: Client, node: DevNode, tmp_path_factory: pytest.TempPathFactory) -> ZkContracts:
    folder = tmp_path_factory.mktemp("deployments")
    deploy_system(client, deployment_plan(), node.accounts[0], folder=folder, policy=QUICK)
    return open_contracts(client, folder)


@pytest.fixture(scope="session")
def entry(contracts: ZkContracts, prover: Prover, node: DevNode) -> CircuitEntry:
    """The accuracy circuit, registered for the reusable verifier."""
    return register_circuit(contracts, prover.accuracy, node.accounts[0])


@pytest.fixture(scope="session")
def input_entry(contracts: ZkContracts, prover: Prover, node: DevNode) -> CircuitEntry:
    return register_circuit(contracts, prover.private_input, node.accounts[0])


@pytest.fixture(scope="session")
def commitment(prover: Prover) -> bytes:
    return commit_model(prover.accuracy, prover.engine, prover.model)


@pytest.fixture(scope="session")
def model_id(contracts: ZkContracts, commitment: bytes, node: DevNode) -> bytes:
    """The model, registered by account 0 with as many proofs as it has salts."""
    return register_model(contracts, commitment, NUMERICS.proof_limit, node.accounts[0])


@pytest.fixture(scope="session")
def context(contracts: ZkContracts, node: DevNode) -> Context:
    """Account 0 claiming at the accuracy registry."""
    return Context(contracts.client.chain_id, contracts.accuracy.address, node.accounts[0].address)


@pytest.fixture(scope="session")
def honest(prover: Prover, context: Context, entry: CircuitEntry, model_id: bytes) -> AccuracyClaim:
    """A claim that would be accepted; tests never send it."""
    made = prover.claim(context, entry)
    assert made.model == model_id
    return made
