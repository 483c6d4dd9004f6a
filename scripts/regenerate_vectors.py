"""Write tests/vectors/gated_claims.json anew, after a change of circuits, engine, challenge or deployment.

    python scripts/regenerate_vectors.py        a few minutes

The file holds real proofs, honest and forged, of an accuracy circuit, the inference circuit of the same model, and a
private-input circuit, all over the bundled digits. A proof is bound to a chain, a contract and a sender, so chain,
deployer and prover are fixed: the contracts lie where the deployer's first transactions put them, on any EVM. pytest,
forge, Hardhat and Brownie all read it, and so need no proving key. Keys and salts stay in a temporary folder; the
models are trained from public seeds.

Then record gas anew, as CONTRIBUTING.md says.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.chain.artifacts import Artifact
from pyml.chain.deploy import created_address
from pyml.chain.solc import find_solc
from pyml.errors import ModelError, ProofError, PymlError
from pyml.files import write_atomically
from pyml.ml.datasets import load
from pyml.ml.integer import IntArray, IntegerNetwork, predict
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.zk.challenge import CircuitEntry, Context, model_id
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    accuracy_statement,
    inference_graph,
    inference_statement,
    input_graph,
    input_statement,
    labelled_set,
)
from pyml.zk.claims import (
    AccuracyClaim,
    Claim,
    InferenceClaim,
    InputAttestation,
    commit_model,
    prove_accuracy,
    prove_inference,
    prove_input,
    public_outputs,
    verify_claim,
)
from pyml.zk.engine import Proof, TensorEngine, Tensors, require_tensors
from pyml.zk.ezkl import ENGINE_VERSION, EzklEngine, generate_insecure_srs
from pyml.zk.layout import Part, committed_layout, witness_layout
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.preparation import Prepared, prepare
from pyml.zk.registries import compile_dedicated_verifier
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Statement
from pyml.zk.witness import accuracy_tensors, inference_tensors, input_tensors, secure_felt
from pyml.zk.workspace import Circuit, Keyed, Workspace

TARGET: Final = Path(__file__).parents[1] / "tests" / "vectors" / "gated_claims.json"
CHAIN_ID: Final = 31337
DEPLOYER: Final = to_checksum_address("0x" + "d0" * 20)
PROVER: Final = to_checksum_address("0x" + "a1" * 20)
CREATED: Final = ("reusable", "dedicated", "circuits", "models", "accuracy", "privateInput", "privateInference")
"""What the deployer's transactions with nonces 0, 1, … create."""
ADDRESSES: Final = {name: created_address(DEPLOYER, nonce) for nonce, name in enumerate(CREATED)}
SIZES: Final = (64, 32, 10)
SAMPLES: Final = 100
THRESHOLD: Final = 80
LABEL: Final = 1
"""The answer, attested or a private model's: also a possible count, should someone pass it off as that."""
PURPOSE: Final = keccak(text="pyml.test.purpose")
CHOSEN_RHO: Final = 987654321987654321987654321987654321
COMMENT: Final = (
    f"Made by scripts/regenerate_vectors.py: proofs by ezkl {ENGINE_VERSION} over bundled digits, models from public "
    "seeds, keys from an insecure local reference string. `deployer` creates `addresses`, in this order, with nonces "
    "0 to 6 on `chainId`. A case's `rho` is the challenge of the statement that it is handed in with (`threshold` and "
    "`count`, or `purpose` and `label`, or `features` and `label`), `result` what the contract says of it; `instances` "
    "are the public inputs under which the verifier itself accepts the proof, forged or not. Flags: `forged`, the "
    "contract asks the verifier about other inputs; `other-model`, it asks nothing, the proof opens another commitment."
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A circuit with its keys, under a name and with its entry in the registry."""

    name: str
    keyed: Keyed
    entry: CircuitEntry

    def forge(self, engine: TensorEngine, draft: Claim, tensors: Tensors, *, rho: int | None = None) -> Case:
        """A cheating prover's proof: these tensors for that statement, which they do not bear out."""

        def challenge(points: bytes) -> int:
            return draft.challenge(points) if rho is None else rho

        keyed = self.keyed
        made = engine.prove(keyed.circuit.files, keyed.files, keyed.srs, tensors, challenge)
        return Case(self, replace(draft, proof=made.data), made.outputs)

    def vector(self) -> dict[str, Any]:
        """The circuit as ``CircuitRegistry.Circuit`` names its fields, and what these come from."""
        entry = self.entry
        return {
            "id": _hex(entry.identifier()),
            "statement": self.keyed.circuit.statement.as_dict(),
            "statementDigest": _hex(entry.statement_digest),
            "datasetDigest": _hex(entry.dataset_digest),
            "samples": entry.samples,
            "proofLength": entry.proof_length,
            "committedPoints": entry.committed_points,
            "witnessPoints": entry.witness_points,
            "checks": entry.checks,
            "vka": [_hex(word) for word in self.keyed.artefact],
        }


@dataclass(frozen=True, slots=True)
class Case:
    """A claim with its proof, and the outputs that a forged proof really has."""

    circuit: Registered
    claim: Claim
    forged: tuple[int, ...] | None = None

    def vector(self, engine: TensorEngine, identifier: str, comment: str) -> dict[str, Any]:
        """The JSON form, after checking that proof and verdict are what it says."""
        keyed, entry, claim = self.circuit.keyed, self.circuit.entry, self.claim
        valid = self.forged is None
        gated = public_outputs(claim, entry, claim.proof)
        outputs = gated if self.forged is None else self.forged
        if not engine.verify(keyed.circuit.files, keyed.files, keyed.srs, Proof(claim.proof, outputs)):
            raise ProofError(f"{identifier} is no proof of its own outputs")
        if verify_claim(keyed, engine, entry, claim) != valid:
            raise ProofError(f"{identifier} gets the wrong verdict", expected="valid" if valid else "invalid")
        print(identifier, flush=True)
        return {
            "id": identifier,
            "comment": comment,
            "flags": [] if valid else ["other-model" if outputs == gated else "forged"],
            "result": "valid" if valid else "invalid",
            "circuit": self.circuit.name,
            **_said(claim),
            "rho": hex(gated[0]),
            "instances": [hex(value) for value in outputs],
            "proof": _hex(claim.proof),
        }


def _said(claim: Claim) -> dict[str, Any]:
    """What of a claim is its own, not the file's."""
    match claim:
        case AccuracyClaim():
            return {"threshold": claim.threshold, "count": claim.count}
        case InferenceClaim():
            return {"features": _hex(claim.features), "label": claim.label}
        case InputAttestation():
            return {"label": claim.label}


def main() -> None:
    """Train, set up, prove, check, write."""
    parser = argparse.ArgumentParser(description="Write the proofs that the tests of all tools share.")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: the file that the tests read")
    output: Path = parser.parse_args().output
    try:
        with tempfile.TemporaryDirectory() as folder:
            vectors = make_vectors(Workspace(Path(folder), EzklEngine()))
        write_atomically(output, json.dumps(vectors, indent=1).encode() + b"\n")
    except PymlError as error:
        sys.exit(f"regenerate_vectors: {error}")
    print(f"{output}: {output.stat().st_size} bytes")


def make_vectors(workspace: Workspace) -> dict[str, Any]:
    """Everything that the file says."""
    engine, data = require_tensors(workspace.engine), labelled_set(load("digits"), samples=SAMPLES)
    private, public = _trained(seed=1), _trained(seed=2).quantisation.network
    keyed = _set_up_accuracy(workspace, private, data)
    about_input = _set_up_input(workspace, public)
    answering = _set_up_inference(workspace, keyed.circuit)
    model = _salted(private.quantisation.network, keyed.circuit.statement)
    ledger = ProofLedger(workspace.home / "model.proofs", model.proof_limit)

    verifier = compile_dedicated_verifier(keyed, engine, find_solc())
    accuracy = Registered("accuracy", keyed, keyed.entry())
    dedicated = Registered("dedicated", keyed, _dedicated_entry(keyed, verifier))
    about = Registered("input", about_input, about_input.entry())
    inference = Registered("inference", answering, answering.entry())
    commitment = commit_model(keyed, engine, model)
    return {
        "comment": COMMENT,
        "chainId": CHAIN_ID,
        "deployer": DEPLOYER,
        "prover": PROVER,
        "addresses": ADDRESSES,
        "purpose": _hex(PURPOSE),
        "proofLimit": model.proof_limit,
        "commitment": _hex(commitment),
        "modelId": _hex(model_id(PROVER, commitment)),
        "circuits": {
            "accuracy": accuracy.vector(),
            "dedicated": {
                "id": _hex(dedicated.entry.identifier()),
                "codeHash": _hex(dedicated.entry.verifier_code_hash),
                "initCode": "0x" + verifier.bytecode,
            },
            "input": about.vector(),
            "inference": inference.vector(),
        },
        "cases": [
            *_claims(engine, accuracy, dedicated, model, data, ledger),
            *_attestations(engine, about, public, data),
            *_answers(engine, inference, model, data, ledger),
        ],
    }


def _claims(
    engine: TensorEngine,
    reusable: Registered,
    dedicated: Registered,
    model: SecretModel,
    data: LabelledSet,
    ledger: ProofLedger,
) -> list[dict[str, Any]]:
    """Honest claims through both verifiers; four ways to claim more than the model has earned."""
    context = Context(CHAIN_ID, ADDRESSES["accuracy"], PROVER)

    def prove(circuit: Registered) -> AccuracyClaim:
        return prove_accuracy(
            circuit.keyed, engine, circuit.entry, model, data, context, threshold=THRESHOLD, ledger=ledger
        )

    honest = prove(reusable)
    statement = reusable.keyed.circuit.statement

    def tensors() -> Tensors:
        made = accuracy_tensors(statement, model.network, data.inputs, data.labels, model_salts=model.salts)
        return Tensors(made.committed, made.witness)

    one_more = replace(honest, count=honest.count + 1)
    activation, margin = _activation_raised(statement, tensors()), _wrong_answer_counted(statement, tensors(), data)
    made = (
        ("claim-reusable", "honest", Case(reusable, honest)),
        ("claim-dedicated", "honest", Case(dedicated, prove(dedicated))),
        (
            "claim-forged-count",
            "the count claimed is one more than the tensors give",
            reusable.forge(engine, one_more, tensors()),
        ),
        (
            "claim-forged-activation",
            "a hidden activation is one too high; the first check is not zero",
            reusable.forge(engine, honest, activation),
        ),
        (
            "claim-forged-margin",
            "a wrong answer is counted as right, with the best margins it has; the check of the margins is not zero",
            reusable.forge(engine, one_more, margin),
        ),
        (
            "claim-chosen-rho",
            "honest tensors, all checks zero, at a rho that the prover chose beforehand",
            reusable.forge(engine, honest, tensors(), rho=CHOSEN_RHO),
        ),
    )
    return [case.vector(engine, identifier, comment) for identifier, comment, case in made]


def _attestations(
    engine: TensorEngine, circuit: Registered, network: IntegerNetwork, data: LabelledSet
) -> list[dict[str, Any]]:
    """An honest attestation; an answer that the model does not give; an input that is no image."""
    context = Context(CHAIN_ID, ADDRESSES["privateInput"], PROVER)
    statement = circuit.keyed.circuit.statement
    sample = data.inputs[int(np.argmax(predict(network, data.inputs) == LABEL))]
    honest = prove_input(circuit.keyed, engine, circuit.entry, network, sample, context, purpose=PURPOSE)

    def tensors() -> Tensors:
        salts = [secure_felt() for _ in range(statement.numerics.committed_salts)]
        made = input_tensors(statement, network, sample, input_salts=salts)
        return Tensors(made.committed, made.witness)

    label, pixel = _answer_moved(statement, tensors()), _pixel_negative(statement, tensors())
    made = (
        ("attest", "honest", Case(circuit, honest)),
        (
            "attest-forged-label",
            "an answer next to the model's, with the margins of the right one; the check of the margins is not zero",
            circuit.forge(engine, replace(honest, label=LABEL + 1), label),
        ),
        (
            "attest-forged-input",
            "the first pixel is -1; the check of the input's range is not zero",
            circuit.forge(engine, honest, pixel),
        ),
    )
    return [case.vector(engine, identifier, comment) for identifier, comment, case in made]


def _answers(
    engine: TensorEngine, circuit: Registered, model: SecretModel, data: LabelledSet, ledger: ProofLedger
) -> list[dict[str, Any]]:
    """An honest answer of the model of the claims; four others that it does not give to this input."""
    context = Context(CHAIN_ID, ADDRESSES["privateInference"], PROVER)
    statement = circuit.keyed.circuit.statement
    given = predict(model.network, data.inputs)
    sample, another = (data.inputs[int(np.argmax(given == label))] for label in (LABEL, LABEL + 1))
    honest = prove_inference(circuit.keyed, engine, circuit.entry, model, sample, context, ledger=ledger)
    next_label, padded = replace(honest, label=LABEL + 1), replace(honest, features=honest.features + bytes(2))

    def tensors(of: SecretModel = model, about: IntArray = sample) -> Tensors:
        made = inference_tensors(statement, of.network, about, model_salts=of.salts)
        return Tensors(made.committed, made.witness)

    label, activation = _answer_moved(statement, tensors()), _activation_raised(statement, tensors())
    renamed = _salted(_classes_renamed(model.network), statement)
    made = (
        ("infer", "honest", Case(circuit, honest)),
        (
            "infer-forged-label",
            "an answer next to the model's, with the margins of the right one; the check of the margins is not zero",
            circuit.forge(engine, next_label, label),
        ),
        (
            "infer-forged-input",
            "the honest answer to another input than the one handed in; the evaluation is not this input's",
            circuit.forge(engine, next_label, tensors(about=another)),
        ),
        (
            "infer-forged-activation",
            "a hidden activation is one too high; the first check is not zero",
            circuit.forge(engine, honest, activation),
        ),
        (
            "infer-padded-input",
            "the honest answer, for the input with a zero after it; the evaluation is that of the shorter input",
            circuit.forge(engine, padded, tensors()),
        ),
        (
            "infer-other-model",
            "the honest answer of another model, which has the classes renamed; only the commitment is not the model's",
            circuit.forge(engine, next_label, tensors(renamed)),
        ),
    )
    return [case.vector(engine, identifier, comment) for identifier, comment, case in made]


def _salted(network: IntegerNetwork, statement: Statement) -> SecretModel:
    return SecretModel(network, tuple(secure_felt() for _ in range(statement.numerics.committed_salts)))


def _classes_renamed(network: IntegerNetwork) -> IntegerNetwork:
    """The network that answers k + 1 where this one answers k."""
    *below, last = network.layers
    renamed = replace(last, weight=np.roll(last.weight, 1, axis=1), bias=np.roll(last.bias, 1))
    return replace(network, layers=(*below, renamed))


def _activation_raised(statement: Statement, tensors: Tensors) -> Tensors:
    parts, witness = witness_layout(statement).parts, np.array(tensors.witness, dtype=object)
    cells = _cells(witness, parts["high_1" if "high_1" in parts else "hidden_1"])
    cells[0, int(np.argmax(cells[0] > 0))] += 1
    return replace(tensors, witness=tuple(witness))


def _wrong_answer_counted(statement: Statement, tensors: Tensors, data: LabelledSet) -> Tensors:
    parts, witness = witness_layout(statement).parts, np.array(tensors.witness, dtype=object)
    counted = _cells(witness, parts["margin_0"])[np.arange(len(data.labels)), data.labels]
    wrong = int(np.argmin(counted))
    label = int(data.labels[wrong])
    if counted[wrong]:
        raise ModelError("the model answers every sample correctly, so no wrong answer can be counted")
    logits = _cells(witness, parts["logits"])[wrong]
    margins = np.maximum(logits[label] - logits - 1, 0)
    margins[label] = 1
    bits = statement.numerics.lookup_bits
    for limb in range(statement.numerics.margin_limbs):
        _cells(witness, parts[f"margin_{limb}"])[wrong] = margins >> (bits * limb) & ((1 << bits) - 1)
    return replace(tensors, witness=tuple(witness))


def _answer_moved(statement: Statement, tensors: Tensors) -> Tensors:
    witness = np.array(tensors.witness, dtype=object)
    answer = _cells(witness, witness_layout(statement).parts["answer"])
    answer[0] = np.roll(answer[0], 1)
    return replace(tensors, witness=tuple(witness))


def _pixel_negative(statement: Statement, tensors: Tensors) -> Tensors:
    committed = np.array(tensors.committed, dtype=object)
    _cells(committed, committed_layout(statement).parts["input"])[0] = -1
    return replace(tensors, committed=tuple(committed))


def _cells(tensor: NDArray[np.object_], part: Part) -> NDArray[np.object_]:
    """A part of a flat tensor in its shape; what is written to it is written to the tensor."""
    return tensor[part.start : part.start + part.length].reshape(part.shape)


def _set_up_accuracy(workspace: Workspace, model: Prepared, data: LabelledSet) -> Keyed:
    statement = accuracy_statement(model.architecture, data)
    return _set_up(workspace, workspace.build_circuit(statement, accuracy_graph(statement, data)))


def _set_up_input(workspace: Workspace, network: IntegerNetwork) -> Keyed:
    statement = input_statement(network, "digits model of seed 2")
    return _set_up(workspace, workspace.build_circuit(statement, input_graph(statement, network)))


def _set_up_inference(workspace: Workspace, accuracy: Circuit) -> Keyed:
    statement = inference_statement(accuracy.statement, accuracy.degree)
    return _set_up(workspace, workspace.build_circuit(statement, inference_graph(statement)))


def _set_up(workspace: Workspace, circuit: Circuit) -> Keyed:
    srs = make_insecure(workspace.home, circuit.degree, generate_insecure_srs)
    return workspace.set_up(circuit, srs, progress=print)


def _dedicated_entry(keyed: Keyed, verifier: Artifact) -> CircuitEntry:
    code_hash = keccak(bytes.fromhex(verifier.deployed_bytecode))
    return keyed.entry(dedicated_verifier=ADDRESSES["dedicated"], verifier_code_hash=code_hash)


def _trained(seed: int) -> Prepared:
    dataset, network = load("digits"), mlp(SIZES, seed=seed)
    train(network, dataset, TrainingConfig(epochs=30, seed=seed))
    return prepare(affine_layers(network), dataset)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    main()
