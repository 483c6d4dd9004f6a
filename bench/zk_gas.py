"""What the zk contracts cost on chain: deployment, registration, and every kind of proof, at the current fork's prices.

    python bench/zk_gas.py            to bench/results/zk_gas.json
    python bench/zk_gas.py --quick    a small circuit only, to see that it works

Every figure is the gas of a mined transaction on a devnet that refuses transactions above 2^24 gas (EIP-7825), from
proofs made here. Each claim is its model's first, which is the dearest: it fills new storage. "Ungated" is the verifier
called directly, without the registries that give a proof its meaning.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from bench.measuring.record import RESULTS, write_result
from bench.zk.pyml_form import engine_for
from bench.zk.workload import Prepared, Workload, prepare, read
from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.solc import Solc, find_solc
from pyml.chain.transactions import MAX_CODE_BYTES, Receipt
from pyml.config import load_config
from pyml.errors import PymlError
from pyml.ml.networks import parse_sizes
from pyml.zk import registries
from pyml.zk.challenge import CircuitEntry, Context
from pyml.zk.circuits import accuracy_graph, accuracy_statement, input_graph, input_statement
from pyml.zk.claims import AccuracyClaim, InputAttestation, commit_model, prove_accuracy, prove_input
from pyml.zk.deployment import deployment_plan
from pyml.zk.engine import TensorEngine
from pyml.zk.ezkl import EzklEngine, generate_insecure_srs, read_settings
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.srs import make_insecure
from pyml.zk.witness import architecture_of, secure_felt
from pyml.zk.workspace import Keyed, Workspace

TARGETS = {"reusable": 1_200_000, "dedicated": 950_000}
"""Most gas of a gated accuracy claim, by verifier."""
_PURPOSE = bytes(31) + b"\x01"
console = Console(stderr=True)


@dataclass(slots=True)
class Session:
    """One devnet with the contracts on it, and what to prove."""

    client: Client
    account: Signer
    contracts: registries.ZkContracts
    work: Prepared
    folder: Path
    srs_home: Path
    solc: Solc

    def context(self, contract: Contract) -> Context:
        return Context(self.client.chain_id, contract.address, self.account.address)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    started = time.time()
    config = load_config()
    devnet = DevnetOptions(enforce_tx_gas_cap=True)
    try:
        solc = find_solc(config.solc)
        with tempfile.TemporaryDirectory(prefix="pyml-bench-") as home, Devnet(devnet, anvil=config.anvil) as node:
            folder = Path(home)
            workload = Workload(options.data, parse_sizes(options.sizes), options.samples)
            described = prepare(workload, folder / "work", config.data)
            client, account = Client.connect(node.url), node.accounts[0]
            deployed = _deploy(client, account, folder)
            contracts = registries.open_contracts(client, folder)
            session = Session(client, account, contracts, read(folder / "work"), folder, config.home, solc)
            cases = [case for count in options.columns for case in _measure(session, count)]
            chain = {"fork": _fork(node), "chain_id": client.chain_id, "tx_gas_cap": 2**24, "solc": solc.version}
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    content = {"workload": described, "chain": chain, "deployment": deployed, "circuits": cases}
    content["targets"] = _verdicts(cases)
    output = options.output or RESULTS / "zk_gas.json"
    shown = [word for word in arguments if word != "--output" and word != str(options.output)]
    write_result(output, benchmark="zk_gas", arguments=shown, started=started, content=content)
    _show(content)
    return 0


def _deploy(client: Client, account: Signer, folder: Path) -> dict[str, Any]:
    """The system's contracts: gas and size of each."""
    plan = deployment_plan()
    records = deploy_system(client, plan, account, folder=folder)
    result: dict[str, Any] = {}
    for step in plan.steps:
        receipt = client.receipt(records.require(plan.system, step.name).tx_hashes[-1])
        if receipt is None:
            raise PymlError(f"the deployment of {step.name} has no receipt")
        result[step.name] = {"gas": receipt.gas_used, "code_bytes": step.artifact.code_size}
    result["total_gas"] = sum(item["gas"] for item in result.values())
    result["code_bytes_limit"] = MAX_CODE_BYTES
    return result


def _measure(session: Session, columns: int) -> list[dict[str, Any]]:
    """Both circuits with this number of inner columns, each through both verifiers."""
    work, engine = session.work, engine_for(columns, None)
    workspace = Workspace(session.folder / f"home-{columns}", engine)
    statement = accuracy_statement(architecture_of(work.default_network), work.data)
    console.print(f"accuracy circuit, {columns} inner columns …")
    circuit = workspace.build_circuit(statement, accuracy_graph(statement, work.data))
    accuracy = workspace.set_up(circuit, make_insecure(session.srs_home, circuit.degree, generate_insecure_srs))
    console.print(f"private-input circuit, {columns} inner columns …")
    statement = input_statement(work.default_network, "benchmark")
    circuit = workspace.build_circuit(statement, input_graph(statement, work.default_network))
    inputs = workspace.set_up(circuit, make_insecure(session.srs_home, circuit.degree, generate_insecure_srs))
    cases: list[dict[str, Any]] = []
    for keyed in (accuracy, inputs):
        case = _described(keyed, columns)
        case["reusable"] = _through_reusable(session, keyed, engine)
        case["dedicated"] = _through_dedicated(session, keyed, engine)
        cases.append(case)
    return cases


def _through_reusable(session: Session, keyed: Keyed, engine: TensorEngine) -> dict[str, Any]:
    contracts, account = session.contracts, session.account
    result = {"register_vka_gas": contracts.verifier.register_vka(keyed.artefact, account=account).gas_used}
    result |= _prove(session, keyed, engine, keyed.entry(), contracts.verifier)
    return result | {"vka_words": len(keyed.artefact)}


def _through_dedicated(session: Session, keyed: Keyed, engine: TensorEngine) -> dict[str, Any]:
    client = session.client
    entry, receipt = registries.deploy_dedicated_verifier(client, keyed, engine, session.solc, session.account)
    code = client.code(entry.dedicated_verifier)
    result: dict[str, Any] = {"deploy_gas": receipt.gas_used, "code_bytes": len(code)}
    verifier = Contract(client, load_artifact("IDedicatedVerifier"), entry.dedicated_verifier)
    return result | _prove(session, keyed, engine, entry, verifier)


def _prove(
    session: Session, keyed: Keyed, engine: TensorEngine, entry: CircuitEntry, verifier: Contract
) -> dict[str, Any]:
    """Register the circuit, prove, and send the proof gated and ungated."""
    registered = session.contracts.circuits.register(entry, account=session.account)
    result: dict[str, Any] = {"register_circuit_gas": registered.gas_used}
    words = registries.words_for(keyed, entry)
    if keyed.circuit.statement.kind == "private_model_accuracy":
        claim, model_gas = _accuracy_claim(session, keyed, engine, entry)
        result["register_model_gas"] = model_gas
        contract, function = session.contracts.accuracy, "claim"
        sent = (claim.model, claim.circuit, claim.threshold, claim.count, claim.proof, list(words))
    else:
        claim = _attestation(session, keyed, engine, entry)
        contract, function = session.contracts.inputs, "attest"
        sent = (claim.circuit, claim.purpose, claim.label, claim.proof, list(words))
    result["gated_gas"] = _succeeded(contract.send(function, *sent, account=session.account))
    result["gated_calldata_bytes"] = len(contract.encode(function, *sent))
    points = claim.proof[: 64 * entry.gate_points]
    outputs = [claim.challenge(points), *([0] * entry.checks), claim.result]
    direct = (claim.proof, outputs, *((list(words),) if words else ()))
    if not session.contracts.circuits.verify(claim.circuit, claim.proof, tuple(outputs), words):
        raise PymlError("the proof that the gate accepted is false to its verifier")
    result["ungated_gas"] = _succeeded(verifier.send("verifyProof", *direct, account=session.account))
    result["proof_bytes"] = len(claim.proof)
    return result


def _accuracy_claim(
    session: Session, keyed: Keyed, engine: TensorEngine, entry: CircuitEntry
) -> tuple[AccuracyClaim, int]:
    """A claim by a model that has made none, and the gas of registering that model."""
    salts = tuple(secure_felt() for _ in range(keyed.circuit.statement.numerics.committed_salts))
    model = SecretModel(session.work.default_network, salts)
    commitment = commit_model(keyed, engine, model)
    consumers = [session.contracts.accuracy.address]
    receipt = session.contracts.models.register(commitment, model.proof_limit, consumers, account=session.account)
    ledger = ProofLedger(session.folder / f"ledger-{commitment.hex()}", model.proof_limit)
    context = session.context(session.contracts.accuracy)
    claim = prove_accuracy(keyed, engine, entry, model, session.work.data, context, ledger=ledger)
    return claim, receipt.gas_used


def _attestation(session: Session, keyed: Keyed, engine: TensorEngine, entry: CircuitEntry) -> InputAttestation:
    sample = np.asarray(session.work.data.inputs[0])
    context = session.context(session.contracts.inputs)
    return prove_input(keyed, engine, entry, session.work.default_network, sample, context, purpose=_PURPOSE)


def _described(keyed: Keyed, columns: int) -> dict[str, Any]:
    settings = read_settings(keyed.circuit.files.settings)
    return {
        "circuit": keyed.circuit.statement.kind,
        "inner_columns": columns,
        "chosen_by_default": columns == _default_columns(keyed),
        "k": keyed.circuit.degree,
        "rows": int(settings["num_rows"]),
    }


def _default_columns(keyed: Keyed) -> int:
    """What pyml picks for this circuit when nobody says how many."""
    with tempfile.TemporaryDirectory() as name:
        files = type(keyed.circuit.files)(Path(name))
        files.graph.write_bytes(keyed.circuit.files.graph.read_bytes())
        EzklEngine().compile(keyed.circuit.statement, files)
        return int(read_settings(files.settings)["run_args"]["num_inner_cols"])


def _succeeded(receipt: Receipt) -> int:
    if not receipt.succeeded:
        raise PymlError("a measured transaction failed", got=receipt.tx_hash)
    return receipt.gas_used


def _fork(node: Devnet) -> str:
    return str(node.rpc.request("anvil_nodeInfo")["hardFork"])


def _verdicts(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The project's targets, for the accuracy circuit as pyml makes it by default."""
    chosen = next(
        (case for case in cases if case["circuit"] == "private_model_accuracy" and case["chosen_by_default"]), None
    )
    if chosen is None:
        return {}
    return {
        name: {"at_most": limit, "got": chosen[name]["gated_gas"], "met": chosen[name]["gated_gas"] <= limit}
        for name, limit in TARGETS.items()
    }


def _show(content: dict[str, Any]) -> None:
    screen = Console()
    contracts = Table(
        "contract",
        "gas",
        "code bytes",
        title=f"deployment ({content['chain']['fork']})",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    for name, item in content["deployment"].items():
        if isinstance(item, dict):
            contracts.add_row(name, f"{item['gas']:,}", f"{item['code_bytes']:,}")
    screen.print(contracts)
    proofs = Table(title="gas of a proof, and once for its circuit", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("circuit", "verifier", "gated", "ungated", "key", "register", "data B"):
        proofs.add_column(heading, justify="left" if heading in {"circuit", "verifier"} else "right", no_wrap=True)
    for case in content["circuits"]:
        for name in TARGETS:
            row = case[name]
            once = row["register_vka_gas"] if name == "reusable" else row["deploy_gas"]
            numbers = (row["gated_gas"], row["ungated_gas"], once, row["register_circuit_gas"])
            cells = [f"{number:,}" for number in (*numbers, row["gated_calldata_bytes"])]
            kind = "accuracy" if case["circuit"] == "private_model_accuracy" else "input"
            proofs.add_row(f"{kind} ×{case['inner_columns']}", name, *cells)
    screen.print(proofs)
    screen.print("×: inner columns; key: registering it with the reusable verifier, or deploying the dedicated one")
    for name, verdict in content["targets"].items():
        met = "met" if verdict["met"] else "[red]missed[/red]"
        screen.print(f"claim through the {name} verifier: {verdict['got']:,} of {verdict['at_most']:,} gas: {met}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--sizes", default="64-32-10")
    parser.add_argument("--data", default="digits", help="digits, or mnist and others from PYML_DATA")
    parser.add_argument("--columns", default="1,2,3", help="inner columns, comma-separated")
    parser.add_argument("--quick", action="store_true", help="4 samples of 64-4-10 with 2 columns")
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args(arguments)
    if options.quick:
        options.samples, options.sizes, options.columns = 4, "64-4-10", "2"
    options.columns = [int(count) for count in options.columns.split(",")]
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
