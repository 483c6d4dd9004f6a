"""``pyml demo``: the main job on real data, from nothing to an accepted claim, and forgeries being refused.

Everything is real: the digits are scikit-learn's, the network is trained here, the proofs are halo2 proofs, the
contracts run on a local anvil. Only the structured reference string is made on the spot, which is why it is called
insecure and accepted on development chains alone.
"""

from __future__ import annotations

import json
import resource
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.circuits import engine_of
from pyml.cli.terminal import Json, phases, stopwatch
from pyml.config import load_config
from pyml.errors import ContractRevertedError, PymlError

if TYPE_CHECKING:
    from pyml.chain.accounts import Signer
    from pyml.chain.transactions import Receipt
    from pyml.ml.affine import AffineLayer
    from pyml.ml.datasets import Dataset
    from pyml.zk.challenge import CircuitEntry
    from pyml.zk.circuits import LabelledSet
    from pyml.zk.claims import AccuracyClaim
    from pyml.zk.preparation import Prepared
    from pyml.zk.registries import ZkContracts
    from pyml.zk.statement import Statement
    from pyml.zk.workspace import Keyed, Workspace

SIZES = (64, 32, 10)
EPOCHS, SEED = 30, 1


@dataclass(slots=True)
class _Story:
    """What happened so far: rows of the final table, and the forgeries tried."""

    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    refused: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def tell(self, what: str, result: str, *, seconds: float | None = None, gas: int | None = None) -> None:
        self.rows.append({"what": what, "result": result, "seconds": seconds and round(seconds, 2), "gas": gas})

    def expect_refusal(self, forgery: str, attempt: Callable[[], object]) -> None:
        """Run a forgery; being let through is a bug of ours and ends the demo."""
        try:
            outcome = attempt()
        except ContractRevertedError as error:
            self.refused.append({"forgery": forgery, "where": error.contract, "answer": error.name})
            return
        if outcome is not False:
            raise PymlError(f"a forgery was accepted: {forgery}", hint="This is a bug in pyml; please report it.")
        self.refused.append({"forgery": forgery, "where": "off chain", "answer": "the proof is false"})


def demo(
    samples: Annotated[int, typer.Option(min=1, max=500, help="Test digits that the accuracy is proved on.")] = 100,
    as_json: Json = False,
) -> None:
    """Train on digits, prove the accuracy with the model hidden, have it accepted on chain; see forgeries refused."""
    from pyml.chain.client import Client
    from pyml.chain.deploy import deploy_system
    from pyml.chain.devnet import Devnet
    from pyml.zk.deployment import deployment_plan
    from pyml.zk.registries import open_contracts
    from pyml.zk.workspace import Workspace

    config, total, story = load_config(), stopwatch(), _Story()
    with ExitStack() as stack:
        begin = stack.enter_context(phases(as_json=as_json))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyml-demo-")))
        begin("starting a devnet and deploying the contracts")
        elapsed = stopwatch()
        devnet = stack.enter_context(Devnet(anvil=config.anvil))
        client = Client.connect(devnet.url)
        owner, stranger = devnet.accounts[:2]
        deploy_system(client, deployment_plan(), owner, folder=folder)
        contracts = open_contracts(client, folder)
        story.tell("contracts deployed", f"5 on chain {client.chain_id}", seconds=elapsed())
        workspace = Workspace(config.home, engine_of(config))
        _run(story, workspace, contracts, owner, stranger, folder, samples, begin)
    _print(story, total(), as_json=as_json)


def _run(
    story: _Story,
    workspace: Workspace,
    contracts: ZkContracts,
    owner: Signer,
    stranger: Signer,
    folder: Path,
    samples: int,
    begin: Callable[[str], None],
) -> None:
    from pyml.ml.datasets import load
    from pyml.zk.circuits import (
        accuracy_graph,
        accuracy_statement,
        input_graph,
        input_statement,
        labelled_set,
    )

    dataset = load("digits")
    layers = _train(story, dataset, begin)
    prepared = _quantise(story, layers, dataset)
    data = labelled_set(dataset, samples=samples)

    statement = accuracy_statement(prepared.architecture, data)
    keyed = _set_up(story, workspace, statement, accuracy_graph(statement, data), "accuracy circuit set up", begin)
    _accuracy(story, workspace, contracts, keyed, prepared, data, owner, stranger, folder, begin)

    network = prepared.quantisation.network
    statement = input_statement(network, "digit classifier")
    keyed = _set_up(story, workspace, statement, input_graph(statement, network), "input circuit set up", begin)
    _private_input(story, workspace, contracts, keyed, prepared, data, owner, stranger, begin)


def _train(story: _Story, dataset: Dataset, begin: Callable[[str], None]) -> tuple[AffineLayer, ...]:
    from pyml.ml.modules import affine_layers
    from pyml.ml.networks import mlp
    from pyml.ml.training import TrainingConfig, train

    begin(f"training a {'-'.join(map(str, SIZES))} network on {len(dataset.train_labels)} digits")
    elapsed = stopwatch()
    model = mlp(SIZES, seed=SEED)
    result = train(model, dataset, TrainingConfig(epochs=EPOCHS, seed=SEED))
    story.tell("digit classifier trained", f"{result.test_accuracy:.1%} of the test split", seconds=elapsed())
    return affine_layers(model)


def _quantise(story: _Story, layers: tuple[AffineLayer, ...], dataset: Dataset) -> Prepared:
    from pyml.zk.preparation import prepare

    prepared = prepare(layers, dataset)
    report = prepared.report
    story.tell(
        "quantised to 8-bit integers",
        f"{report.integer_accuracy:.1%}, same answer on {report.agreement:.1%}",
    )
    return prepared


def _set_up(
    story: _Story,
    workspace: Workspace,
    statement: Statement,
    write_graph: Callable[[Path], None],
    what: str,
    begin: Callable[[str], None],
) -> Keyed:
    from pyml.zk.ezkl import generate_insecure_srs
    from pyml.zk.srs import find_srs, make_insecure

    elapsed = stopwatch()
    circuit = workspace.build_circuit(statement, write_graph, progress=begin)
    srs = find_srs(workspace.home, circuit.degree)
    if srs is None:
        begin("making an insecure structured reference string (development only)")
        srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)
    keyed = workspace.set_up(circuit, srs, progress=begin)
    story.tell(what, f"2^{circuit.degree} rows", seconds=elapsed())
    return keyed


def _accuracy(
    story: _Story,
    workspace: Workspace,
    contracts: ZkContracts,
    keyed: Keyed,
    prepared: Prepared,
    data: LabelledSet,
    owner: Signer,
    stranger: Signer,
    folder: Path,
    begin: Callable[[str], None],
) -> None:
    from pyml.zk.challenge import Context
    from pyml.zk.claims import commit_model, prove_accuracy, verify_claim
    from pyml.zk.ledger import ProofLedger
    from pyml.zk.model_codec import SecretModel
    from pyml.zk.registries import register_circuit, register_model, submit_claim
    from pyml.zk.witness import secure_felt

    begin("committing to the secret model")
    salts = tuple(secure_felt() for _ in range(keyed.circuit.statement.numerics.committed_salts))
    model = SecretModel(prepared.quantisation.network, salts)
    commitment = commit_model(keyed, workspace.engine, model)
    register_model(contracts, commitment, model.proof_limit, owner)
    story.tell("model registered", f"commitment 0x{commitment.hex()[:12]}…")
    entry = register_circuit(contracts, keyed, owner)

    context = Context(contracts.client.chain_id, contracts.accuracy.address, owner.address)
    ledger = ProofLedger(folder / "model.proofs", model.proof_limit)
    elapsed = stopwatch()
    claim = prove_accuracy(keyed, workspace.engine, entry, model, data, context, ledger=ledger, progress=begin)
    story.tell("accuracy proved", f"{claim.count} of {len(data.labels)}, weights hidden", seconds=elapsed())
    begin("verifying off chain")
    elapsed = stopwatch()
    if not verify_claim(keyed, workspace.engine, entry, claim):
        raise PymlError("an honest claim does not verify", hint="This is a bug in pyml; please report it.")
    story.tell("accuracy proof verified", f"{len(claim.proof)} bytes", seconds=elapsed())
    begin("forging claims")
    _forge_accuracy(story, workspace, contracts, keyed, entry, claim, owner, stranger)
    begin("claiming on chain")
    receipt: Receipt = submit_claim(contracts, keyed, entry, claim, owner)
    certified = contracts.accuracy.is_certified(claim.model, claim.circuit, claim.threshold)
    story.tell("accuracy claim accepted", f"certified: {'yes' if certified else 'no'}", gas=receipt.gas_used)
    story.expect_refusal("the same claim again", lambda: submit_claim(contracts, keyed, entry, claim, owner))


def _forge_accuracy(
    story: _Story,
    workspace: Workspace,
    contracts: ZkContracts,
    keyed: Keyed,
    entry: CircuitEntry,
    claim: AccuracyClaim,
    owner: Signer,
    stranger: Signer,
) -> None:
    from pyml.zk.claims import verify_claim
    from pyml.zk.registries import register_proved_model, submit_claim

    def send(forged: AccuracyClaim, account: Signer) -> object:
        return submit_claim(contracts, keyed, entry, forged, account)

    better = replace(claim, count=claim.count + 1)
    story.expect_refusal("one more correct answer", lambda: send(better, owner))
    story.expect_refusal(
        "one more correct answer, off chain", lambda: verify_claim(keyed, workspace.engine, entry, better)
    )
    flipped = bytearray(claim.proof)
    flipped[len(flipped) // 2] ^= 1
    story.expect_refusal("one flipped bit in the proof", lambda: send(replace(claim, proof=bytes(flipped)), owner))
    copied = replace(claim, context=replace(claim.context, prover=stranger.address))
    copied = replace(copied, model=contracts.models.id_of(stranger.address, claim.commitment))
    register_proved_model(contracts, copied, 1, stranger)
    story.expect_refusal("a stranger's copy of model and proof", lambda: send(copied, stranger))


def _private_input(
    story: _Story,
    workspace: Workspace,
    contracts: ZkContracts,
    keyed: Keyed,
    prepared: Prepared,
    data: LabelledSet,
    owner: Signer,
    stranger: Signer,
    begin: Callable[[str], None],
) -> None:
    from pyml.ml.integer import predict
    from pyml.zk.challenge import Context
    from pyml.zk.claims import prove_input
    from pyml.zk.registries import register_circuit, submit_attestation

    network = prepared.quantisation.network
    index = int((predict(network, data.inputs) == data.labels).argmax())
    entry = register_circuit(contracts, keyed, owner)
    context = Context(contracts.client.chain_id, contracts.inputs.address, owner.address)
    elapsed = stopwatch()
    attestation = prove_input(
        keyed, workspace.engine, entry, network, data.inputs[index], context, purpose=bytes(32), progress=begin
    )
    story.tell("private digit classified", f"it is a {attestation.label}, image hidden", seconds=elapsed())
    begin("attesting on chain")
    other = replace(attestation, label=(attestation.label + 1) % SIZES[-1])
    story.expect_refusal("another label", lambda: submit_attestation(contracts, keyed, entry, other, owner))
    story.expect_refusal(
        "a stranger's copy of the attestation",
        lambda: submit_attestation(contracts, keyed, entry, attestation, stranger),
    )
    receipt: Receipt = submit_attestation(contracts, keyed, entry, attestation, owner)
    story.tell("private input accepted", f"label {attestation.label}", gas=receipt.gas_used)


def _print(story: _Story, seconds: float, *, as_json: bool) -> None:
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "steps": story.rows,
                    "refused": story.refused,
                    "seconds": round(seconds, 1),
                    "peak_process_mb": kilobytes // 1024,
                }
            )
        )
        return
    console = Console()
    table = Table("what", "result", "seconds", "gas", title="What was proved and accepted", title_justify="left")
    for row in story.rows:
        gas = "" if row["gas"] is None else f"{row['gas']:,}"
        table.add_row(row["what"], row["result"], "" if row["seconds"] is None else f"{row['seconds']:.1f}", gas)
    console.print(table)
    refused = Table("forgery", "refused by", "answer", title="What was refused", title_justify="left")
    for item in story.refused:
        refused.add_row(item["forgery"], item["where"], item["answer"])
    console.print(refused)
    console.print(
        f"Total {seconds:.0f} s; largest process {kilobytes / 2**20:.1f} GB. "
        "The reference string was made here, so these proofs mean something on this devnet only.",
        highlight=False,
    )
