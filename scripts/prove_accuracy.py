"""Prove a private model's accuracy and have the contract accept it: the library calls, one after another.

    python scripts/prove_accuracy.py                  a devnet of its own
    python scripts/prove_accuracy.py --rpc URL        a running devnet: anvil, `npx hardhat node`, …

Copy from here. `pyml demo zk` does the same with progress, a private input and forgeries; `pyml zk` step by step.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from pyml.chain.accounts import Signer, dev_signers
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.ml.datasets import load
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.zk.challenge import Context
from pyml.zk.circuits import accuracy_graph, accuracy_statement, labelled_set
from pyml.zk.claims import commit_model, prove_accuracy, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.preparation import prepare
from pyml.zk.registries import open_contracts, register_circuit, register_model, submit_claim
from pyml.zk.srs import make_insecure
from pyml.zk.witness import secure_felt
from pyml.zk.workspace import Workspace


def run(client: Client, owner: Signer, folder: Path, samples: int) -> None:
    """Train, commit, register, prove, verify, claim."""
    dataset = load("digits")
    model = mlp((64, 32, 10), seed=1)
    train(model, dataset, TrainingConfig(epochs=30, seed=1))
    prepared = prepare(affine_layers(model), dataset)
    data = labelled_set(dataset, samples=samples)

    statement = accuracy_statement(prepared.architecture, data)
    workspace = Workspace(load_config().home, EzklEngine())
    circuit = workspace.build_circuit(statement, accuracy_graph(statement, data))
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)  # public chains: download_public
    keyed = workspace.set_up(circuit, srs)

    salts = tuple(secure_felt() for _ in range(statement.numerics.committed_salts))
    secret = SecretModel(prepared.quantisation.network, salts)  # keep it with model_file.save_model
    deploy_system(client, deployment_plan(), owner, folder=folder)
    contracts = open_contracts(client, folder)
    register_model(contracts, commit_model(keyed, workspace.engine, secret), secret.proof_limit, owner)
    entry = register_circuit(contracts, keyed, owner)

    context = Context(client.chain_id, contracts.accuracy.address, owner.address)
    ledger = ProofLedger(folder / "model.proofs", secret.proof_limit)
    claim = prove_accuracy(keyed, workspace.engine, entry, secret, data, context, ledger=ledger)
    if not verify_claim(keyed, workspace.engine, entry, claim):
        raise PymlError("the claim does not verify")
    receipt = submit_claim(contracts, keyed, entry, claim, owner)
    certified = contracts.accuracy.is_certified(claim.model, claim.circuit, claim.count)
    print(f"{claim.count} of {samples} proved; certified: {certified}; {receipt.gas_used} gas")


def main() -> None:
    """Parse arguments, find a chain, run."""
    parser = argparse.ArgumentParser(description="Prove a private model's accuracy on a development chain.")
    parser.add_argument("--rpc", metavar="URL", help="a running devnet (default: one of its own)")
    parser.add_argument("--samples", type=int, default=100, help="test digits to prove the accuracy on")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            if options.rpc is None:
                with Devnet() as devnet:
                    run(Client.connect(devnet.url), devnet.accounts[0], Path(folder), options.samples)
            else:
                run(Client.connect(options.rpc), dev_signers(1)[0], Path(folder), options.samples)
    except PymlError as error:
        sys.exit(f"prove_accuracy: {error}")


if __name__ == "__main__":
    main()
