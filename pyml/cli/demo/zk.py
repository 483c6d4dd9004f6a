"""The consortium proves to a sponsor how good its model is, without showing it; forged claims are refused.

Source: sCrypt, "Zero-Knowledge Private Machine Learning on Bitcoin". The proofs are halo2 proofs, the contracts run on
a local anvil. Only the structured reference string is made on the spot, which is why it is called insecure and accepted
on development chains alone. Told by itself, the chapter trains a digit classifier first, and ends with the paper's
other half: a public model's answer to an input that nobody sees.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pyml.chain.accounts import Signer
from pyml.chain.deploy import deploy_system
from pyml.cli.circuits import engine_of
from pyml.cli.demo.story import BUG, Chapter, Chart, Setting
from pyml.cli.terminal import stopwatch
from pyml.errors import PymlError
from pyml.ml.affine import AffineLayer
from pyml.ml.datasets import Dataset, load
from pyml.ml.integer import predict
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
from pyml.zk.claims import AccuracyClaim, commit_model, prove_accuracy, prove_input, verify_claim
from pyml.zk.deployment import deployment_plan
from pyml.zk.ezkl import generate_insecure_srs
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.preparation import Prepared, prepare
from pyml.zk.registries import (
    ZkContracts,
    open_contracts,
    register_circuit,
    register_model,
    register_proved_model,
    submit_attestation,
    submit_claim,
)
from pyml.zk.srs import find_srs, make_insecure
from pyml.zk.statement import Statement
from pyml.zk.witness import secure_felt
from pyml.zk.workspace import Keyed, Workspace

TITLE: Final = "They prove its accuracy to a sponsor, who does not see the model"
SIZES = (64, 32, 10)
EPOCHS, SEED = 30, 1


@dataclass(frozen=True, slots=True)
class _Desk:
    """What both halves work with."""

    setting: Setting
    chapter: Chapter
    workspace: Workspace
    contracts: ZkContracts
    prepared: Prepared
    data: LabelledSet
    owner: Signer
    stranger: Signer


def tell(setting: Setting, chapter: Chapter) -> None:
    """Prove the accuracy of the consortium's model, or of one trained here; with that one, also a private input."""
    client, accounts = setting.client, setting.devnet.accounts
    owner, stranger = accounts[1], accounts[-1]
    setting.begin("zk: deploying")
    elapsed, folder = stopwatch(), setting.deployments("zk")
    deploy_system(client, deployment_plan(), owner, folder=folder)
    contracts = open_contracts(client, folder)
    chapter.tell("contracts deployed", f"{len(deployment_plan().steps)} on chain {client.chain_id}", seconds=elapsed())
    dataset = load("digits")
    prepared = _quantise(chapter, setting.model or _train(setting, chapter, dataset), dataset)
    workspace = Workspace(setting.config.home, engine_of(setting.config))
    data = labelled_set(dataset, samples=setting.samples)
    desk = _Desk(setting, chapter, workspace, contracts, prepared, data, owner, stranger)
    _accuracy(desk)
    if not setting.model:
        _private_input(desk)
    times = {each.what: each.seconds for each in chapter.steps if each.seconds is not None}
    chapter.charts.append(Chart("Time of each step", "seconds", times))
    chapter.not_shown += [
        f"that the model is good beyond these {setting.samples} digits, or did not memorise them: they are public",
        "anything elsewhere: the reference string was made here, so these proofs mean something on this devnet only",
    ]


def _train(setting: Setting, chapter: Chapter, dataset: Dataset) -> tuple[AffineLayer, ...]:
    setting.begin(f"zk: training a {'-'.join(map(str, SIZES))} network on {len(dataset.train_labels)} digits")
    elapsed = stopwatch()
    model = mlp(SIZES, seed=SEED)
    result = train(model, dataset, TrainingConfig(epochs=EPOCHS, seed=SEED))
    chapter.tell("digit classifier trained", f"{result.test_accuracy:.1%} of the test split", seconds=elapsed())
    return affine_layers(model)


def _quantise(chapter: Chapter, layers: tuple[AffineLayer, ...], dataset: Dataset) -> Prepared:
    prepared = prepare(layers, dataset)
    report = prepared.report
    chapter.tell(
        "quantised to 8-bit integers",
        f"{report.integer_accuracy:.1%}, same answer on {report.agreement:.1%}",
    )
    bars = {"as trained": report.float_accuracy, "as 8-bit integers": report.integer_accuracy}
    chapter.charts.append(Chart("Right answers on the test split", "share", bars))
    return prepared


def _set_up(desk: _Desk, statement: Statement, write_graph: Callable[[Path], None], what: str) -> Keyed:
    elapsed, workspace, begin = stopwatch(), desk.workspace, _phases(desk)
    circuit = workspace.build_circuit(statement, write_graph, progress=begin)
    srs = find_srs(workspace.home, circuit.degree)
    if srs is None:
        begin("making an insecure structured reference string (development only)")
        srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)
    keyed = workspace.set_up(circuit, srs, progress=begin)
    desk.chapter.tell(what, f"2^{circuit.degree} rows", seconds=elapsed())
    return keyed


def _accuracy(desk: _Desk) -> None:
    statement = accuracy_statement(desk.prepared.architecture, desk.data)
    keyed = _set_up(desk, statement, accuracy_graph(statement, desk.data), "accuracy circuit set up")
    chapter, contracts, owner, begin = desk.chapter, desk.contracts, desk.owner, _phases(desk)
    begin("committing to the secret model")
    salts = tuple(secure_felt() for _ in range(keyed.circuit.statement.numerics.committed_salts))
    model = SecretModel(desk.prepared.quantisation.network, salts)
    commitment = commit_model(keyed, desk.workspace.engine, model)
    register_model(contracts, commitment, model.proof_limit, owner)
    chapter.tell("model registered", f"commitment 0x{commitment.hex()[:12]}…")
    entry = register_circuit(contracts, keyed, owner)

    claim = _proved(desk, keyed, entry, model)
    begin("verifying off chain")
    elapsed = stopwatch()
    if not verify_claim(keyed, desk.workspace.engine, entry, claim):
        raise PymlError("an honest claim does not verify", hint=BUG)
    chapter.tell("accuracy proof verified", f"{len(claim.proof)} bytes", seconds=elapsed())
    begin("forging claims")
    _forge_accuracy(desk, keyed, entry, claim)
    begin("claiming on chain")
    receipt = submit_claim(contracts, keyed, entry, claim, owner)
    certified = contracts.accuracy.is_certified(claim.model, claim.circuit, claim.threshold)
    chapter.tell("accuracy claim accepted", f"certified: {'yes' if certified else 'no'}", receipt=receipt)
    chapter.refuse(
        "the same claim again", lambda: submit_claim(contracts, keyed, entry, claim, owner), "WitnessAlreadyUsed"
    )


def _proved(desk: _Desk, keyed: Keyed, entry: CircuitEntry, model: SecretModel) -> AccuracyClaim:
    contracts, data = desk.contracts, desk.data
    context = Context(contracts.client.chain_id, contracts.accuracy.address, desk.owner.address)
    ledger = ProofLedger(desk.setting.place("zk") / "model.proofs", model.proof_limit)
    elapsed = stopwatch()
    claim = prove_accuracy(
        keyed, desk.workspace.engine, entry, model, data, context, ledger=ledger, progress=_phases(desk)
    )
    desk.chapter.tell("accuracy proved", f"{claim.count} of {len(data.labels)}, weights hidden", seconds=elapsed())
    return claim


def _forge_accuracy(desk: _Desk, keyed: Keyed, entry: CircuitEntry, claim: AccuracyClaim) -> None:
    chapter, contracts, engine = desk.chapter, desk.contracts, desk.workspace.engine

    def send(forged: AccuracyClaim, account: Signer) -> object:
        return submit_claim(contracts, keyed, entry, forged, account)

    better = replace(claim, count=claim.count + 1)
    beyond = better.count > len(desk.data.labels)  # said to be more than there are: no proof is even looked at
    chapter.refuse(
        "one more correct answer",
        lambda: send(better, desk.owner),
        "CountOutOfRange" if beyond else "InvalidProof",
    )
    chapter.refuse_off_chain("one more correct answer, off chain", lambda: verify_claim(keyed, engine, entry, better))
    flipped = bytearray(claim.proof)
    flipped[len(flipped) // 2] ^= 1
    chapter.refuse("one flipped bit in the proof", lambda: send(replace(claim, proof=bytes(flipped)), desk.owner))
    copied = replace(claim, context=replace(claim.context, prover=desk.stranger.address))
    copied = replace(copied, model=contracts.models.id_of(desk.stranger.address, claim.commitment))
    register_proved_model(contracts, copied, 1, desk.stranger)
    chapter.refuse("a stranger's copy of model and proof", lambda: send(copied, desk.stranger))


def _private_input(desk: _Desk) -> None:
    network, data = desk.prepared.quantisation.network, desk.data
    statement = input_statement(network, "digit classifier")
    keyed = _set_up(desk, statement, input_graph(statement, network), "input circuit set up")
    chapter, contracts, owner, begin = desk.chapter, desk.contracts, desk.owner, _phases(desk)
    index = int((predict(network, data.inputs) == data.labels).argmax())
    entry = register_circuit(contracts, keyed, owner)
    context = Context(contracts.client.chain_id, contracts.inputs.address, owner.address)
    elapsed = stopwatch()
    attestation = prove_input(
        keyed, desk.workspace.engine, entry, network, data.inputs[index], context, purpose=bytes(32), progress=begin
    )
    chapter.tell("private digit classified", f"it is a {attestation.label}, image hidden", seconds=elapsed())
    begin("attesting on chain")
    other = replace(attestation, label=(attestation.label + 1) % SIZES[-1])
    chapter.refuse("another label", lambda: submit_attestation(contracts, keyed, entry, other, owner))
    chapter.refuse(
        "a stranger's copy of the attestation",
        lambda: submit_attestation(contracts, keyed, entry, attestation, desk.stranger),
    )
    receipt = submit_attestation(contracts, keyed, entry, attestation, owner)
    chapter.tell("private input accepted", f"label {attestation.label}", receipt=receipt)


def _phases(desk: _Desk) -> Callable[[str], None]:
    return lambda phase: desk.setting.begin(f"zk: {phase}")
