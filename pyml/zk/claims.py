"""Claims that travel: accuracy, inference and private-input claims, made, checked off chain, written as JSON.

A claim carries no public outputs: whoever checks it recomputes ρ from its context and its proof's commitments, puts
zeros where the checks belong, and asks the engine about exactly these outputs, as the contracts do.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from eth_utils.crypto import keccak

from pyml.crypto.bn254 import POINT_BYTES, decode_point
from pyml.errors import InputError, ProofError
from pyml.files import read_bounded, write_atomically
from pyml.ml.integer import IntArray, IntegerNetwork
from pyml.ml.shapes import Product
from pyml.zk.challenge import (
    MAX_FEATURE_BYTES,
    CircuitEntry,
    Context,
    attest_challenge,
    claim_challenge,
    commitment_of,
    encode_features,
    evaluate_features,
    infer_challenge,
    model_id,
)
from pyml.zk.circuits import LabelledSet
from pyml.zk.engine import Engine, Progress, Proof, Tensors, silent
from pyml.zk.ledger import ProofLedger
from pyml.zk.model_codec import SecretModel
from pyml.zk.statement import Statement
from pyml.zk.witness import input_tensors, secure_felt
from pyml.zk.workspace import Keyed

MAX_CLAIM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AccuracyClaim:
    """ "The owner's model ``model`` answers ``count`` >= ``threshold`` samples of ``circuit``'s set correctly"."""

    KIND: ClassVar[str] = "private_model_accuracy"
    context: Context
    model: bytes
    circuit: bytes
    threshold: int
    count: int
    proof: bytes

    def challenge(self, points: bytes) -> int:
        return claim_challenge(
            self.context,
            model=self.model,
            circuit=self.circuit,
            threshold=self.threshold,
            count=self.count,
            points=points,
        )

    @property
    def result(self) -> int:
        return self.count

    @property
    def commitment(self) -> bytes:
        """The commitment that the proof opens: its first point."""
        return commitment_of(self.proof[:POINT_BYTES])


@dataclass(frozen=True, slots=True)
class InputAttestation:
    """ "The model of ``circuit`` answers ``label`` on an input that I know", said for ``purpose``."""

    KIND: ClassVar[str] = "private_input"
    context: Context
    circuit: bytes
    purpose: bytes
    label: int
    proof: bytes

    def challenge(self, points: bytes) -> int:
        return attest_challenge(
            self.context, circuit=self.circuit, purpose=self.purpose, label=self.label, points=points
        )

    @property
    def result(self) -> int:
        return self.label


@dataclass(frozen=True, slots=True)
class InferenceClaim:
    """ "The owner's model ``model`` answers ``label`` to the public ``features``" (``encode_features``)."""

    KIND: ClassVar[str] = "private_model_inference"
    context: Context
    model: bytes
    circuit: bytes
    features: bytes
    label: int
    proof: bytes

    def challenge(self, points: bytes) -> int:
        return infer_challenge(
            self.context,
            model=self.model,
            circuit=self.circuit,
            features=self.features,
            label=self.label,
            points=points,
        )

    @property
    def result(self) -> int:
        return self.label

    @property
    def commitment(self) -> bytes:
        """The commitment that the proof opens: its first point."""
        return commitment_of(self.proof[:POINT_BYTES])


Claim = AccuracyClaim | InputAttestation | InferenceClaim


def commit_model(keyed: Keyed, engine: Engine, model: SecretModel) -> bytes:
    """The model's commitment, as ``ModelRegistry`` stores it."""
    points = engine.commit_model(keyed.circuit.statement, keyed.circuit.files, keyed.files, keyed.srs, model)
    return commitment_of(b"".join(point.encode() for point in points))


def prove_accuracy(
    keyed: Keyed,
    engine: Engine,
    entry: CircuitEntry,
    model: SecretModel,
    data: LabelledSet,
    context: Context,
    *,
    threshold: int | None = None,
    publisher_circuit: bytes | None = None,
    ledger: ProofLedger,
    product: Product = np.matmul,
    progress: Progress = silent,
) -> AccuracyClaim:
    """Prove how many samples the model answers correctly; ``threshold`` defaults to that count.

    ``publisher_circuit`` is the circuit id if its set was sealed beforehand; ``product`` as for
    ``pyml.ml.integer.hidden``. Raises ``ModelError`` if the model misses the threshold (nothing is proved then) and
    ``ProofError`` once the ledger has no proof left.
    """
    prepared = engine.prepare_accuracy(keyed.circuit.statement, model, data, product)
    count = prepared.result
    wanted = count if threshold is None else threshold
    if not 1 <= wanted <= len(data.labels) or count < wanted:
        raise InputError(
            "the model does not reach the threshold",
            expected=f"at least {wanted} of {len(data.labels)} correct",
            got=count,
            hint="Train further, or claim less.",
        )
    ledger.require_limit(model.proof_limit)
    circuit = publisher_circuit or entry.identifier()

    def claim(points: bytes, proof: bytes = b"") -> AccuracyClaim:
        """The claim about whatever model these points commit to."""
        commitment = commitment_of(points[: POINT_BYTES * entry.committed_points])
        return AccuracyClaim(context, model_id(context.prover, commitment), circuit, wanted, count, proof)

    proof = _prove(keyed, engine, entry, claim, prepared.private, ledger, progress)
    return claim(proof, proof)


def prove_inference(
    keyed: Keyed,
    engine: Engine,
    entry: CircuitEntry,
    model: SecretModel,
    sample: IntArray,
    context: Context,
    *,
    ledger: ProofLedger,
    progress: Progress = silent,
) -> InferenceClaim:
    """Prove what the committed model answers to a public sample [features].

    ``keyed`` must have the k of the circuit that the model was committed under, else the claim is about a model that
    nobody registered. Raises ``ProofError`` once the ledger has no proof left.
    """
    prepared = engine.prepare_inference(keyed.circuit.statement, model, sample)
    features = encode_features([int(value) for value in np.asarray(sample).ravel()])
    ledger.require_limit(model.proof_limit)

    def claim(points: bytes, proof: bytes = b"") -> InferenceClaim:
        """The claim about whatever model these points commit to."""
        commitment = commitment_of(points[: POINT_BYTES * entry.committed_points])
        model_of_proof = model_id(context.prover, commitment)
        return InferenceClaim(context, model_of_proof, entry.identifier(), features, prepared.result, proof)

    proof = _prove(keyed, engine, entry, claim, prepared.private, ledger, progress)
    return claim(proof, proof)


def prove_input(
    keyed: Keyed,
    engine: Engine,
    entry: CircuitEntry,
    network: IntegerNetwork,
    sample: IntArray,
    context: Context,
    *,
    purpose: bytes,
    input_salts: tuple[int, ...] | None = None,
    ledger: ProofLedger | None = None,
    progress: Progress = silent,
) -> InputAttestation:
    """Prove what the public model answers on a private input.

    With ``input_salts`` (as many as the circuit has) the commitment to the input is the same in every proof, and
    ``ledger`` must count them; without, each proof commits under fresh salts.
    """
    if len(purpose) != 32:
        raise InputError("a purpose is 32 bytes", got=len(purpose))
    if (input_salts is None) != (ledger is None):
        raise InputError("lasting input salts and a proof ledger go together")
    statement = keyed.circuit.statement
    if ledger is not None:
        ledger.require_limit(statement.numerics.proof_limit)
    salts = input_salts or tuple(secure_felt() for _ in range(statement.numerics.committed_salts))
    tensors = input_tensors(statement, network, sample, input_salts=salts)
    draft = InputAttestation(context, entry.identifier(), purpose, tensors.result, b"")
    private = Tensors(tensors.committed, tensors.witness)
    proof = _prove(keyed, engine, entry, lambda _: draft, private, ledger, progress)
    return replace(draft, proof=proof)


def verify_claim(
    keyed: Keyed, engine: Engine, entry: CircuitEntry, claim: Claim, *, circuit: bytes | None = None
) -> bool:
    """Whether the claim's proof holds for the claim's own context, under these keys.

    ``circuit`` is the circuit id if the set was sealed. A claim about another circuit, or whose proof is not of the
    circuit's length, is false. What it does not show: that the model is registered; ask ``ModelRegistry``.
    """
    statement = keyed.circuit.statement
    if statement.kind != claim.KIND or claim.circuit != (circuit or entry.identifier()):
        return False
    if entry.vka_digest != keyed.vka_digest or len(claim.proof) != entry.proof_length:
        return False
    if not _is_of_statement(claim, statement):
        return False
    outputs = public_outputs(claim, entry, claim.proof)
    return engine.verify(keyed.circuit.files, keyed.files, keyed.srs, Proof(claim.proof, outputs))


def public_outputs(claim: Claim, entry: CircuitEntry, proof: bytes) -> tuple[int, ...]:
    """What the circuit must put out for the claim to be true: as the contracts build it."""
    rho = claim.challenge(proof[: POINT_BYTES * entry.gate_points])
    public = (evaluate_features(claim.features, rho),) if isinstance(claim, InferenceClaim) else ()
    return (rho, *([0] * entry.checks), *public, claim.result)


def write_claim(claim: Claim, path: Path) -> None:
    """Write a claim as JSON; everything in it is public."""
    write_atomically(path, json.dumps(claim_as_dict(claim), indent=1).encode() + b"\n")


def read_claim(path: Path) -> Claim:
    """Read a claim from anywhere; raises ``InputError`` on anything that is not one."""
    try:
        table: object = json.loads(read_bounded(path, MAX_CLAIM_BYTES).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a claim file: {error}") from error
    if not isinstance(table, dict):
        raise InputError(f"{path} is not a claim file")
    return claim_from_dict(cast("dict[str, Any]", table))


def claim_as_dict(claim: Claim) -> dict[str, Any]:
    """The JSON form."""
    context = claim.context.as_dict()
    common = {"version": 1, "kind": claim.KIND, "context": context, "circuit": claim.circuit.hex()}
    if isinstance(claim, AccuracyClaim):
        special = {"model": claim.model.hex(), "threshold": claim.threshold, "count": claim.count}
    elif isinstance(claim, InferenceClaim):
        special = {"model": claim.model.hex(), "features": claim.features.hex(), "label": claim.label}
    else:
        special = {"purpose": claim.purpose.hex(), "label": claim.label}
    return common | special | {"proof": claim.proof.hex()}


def claim_from_dict(table: dict[str, Any]) -> Claim:
    """Inverse of ``claim_as_dict`` for untrusted input."""
    try:
        if number_field(table["version"]) != 1:
            raise InputError("a claim of an unknown version", expected=1, got=table["version"])
        context = context_field(table["context"])
        circuit, proof = word_field(table["circuit"]), bytes.fromhex(table["proof"])
        _require_points(proof)
        if table["kind"] == AccuracyClaim.KIND:
            threshold, count = number_field(table["threshold"]), number_field(table["count"])
            return AccuracyClaim(context, word_field(table["model"]), circuit, threshold, count, proof)
        if table["kind"] == InferenceClaim.KIND:
            features = _features(table["features"])
            return InferenceClaim(
                context, word_field(table["model"]), circuit, features, number_field(table["label"]), proof
            )
        if table["kind"] == InputAttestation.KIND:
            return InputAttestation(context, circuit, word_field(table["purpose"]), number_field(table["label"]), proof)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"a claim is malformed: {error}") from error
    raise InputError("a claim of an unknown kind", got=str(table["kind"])[:80])


def _prove(
    keyed: Keyed,
    engine: Engine,
    entry: CircuitEntry,
    claim: Callable[[bytes], Claim],
    private: Any,
    ledger: ProofLedger | None,
    progress: Progress,
) -> bytes:
    """A proof of what ``claim`` says of the points that it is given."""
    if ledger is not None:
        ledger.require_room()

    def challenge(points: bytes) -> int:
        return claim(points).challenge(points)

    proof = engine.prove(keyed.circuit.files, keyed.files, keyed.srs, private, challenge, progress=progress)
    expected = public_outputs(claim(proof.data), entry, proof.data)
    if proof.outputs != expected or len(proof.data) != entry.proof_length:
        raise ProofError("the circuit's outputs are not the claim's", expected=expected[1:], got=proof.outputs[1:])
    if ledger is not None:  # on disk before the proof leaves this function
        commitment = commitment_of(proof.data[: POINT_BYTES * entry.committed_points])
        ledger.record_all([keccak(proof.data)], commitments=[commitment])
    return proof.data


def _is_of_statement(claim: Claim, statement: Statement) -> bool:
    """What contracts check besides the proof: whose model it is, and that its numbers are possible."""
    match claim:
        case AccuracyClaim():
            numbers = 1 <= claim.threshold <= claim.count <= statement.samples
            return numbers and claim.model == model_id(claim.context.prover, claim.commitment)
        case InferenceClaim():
            numbers = len(claim.features) == 2 * statement.architecture.sizes[0]
            return numbers and claim.model == model_id(claim.context.prover, claim.commitment)
        case InputAttestation():
            return True


def _require_points(proof: bytes) -> None:
    for index in range(2):
        decode_point(proof[POINT_BYTES * index : POINT_BYTES * (index + 1)])


def context_field(table: dict[str, Any]) -> Context:
    """Inverse of ``Context.as_dict`` for untrusted input."""
    return Context(number_field(table["chain_id"]), str(table["contract"]), str(table["prover"]))


def word_field(text: object) -> bytes:
    """32 bytes in hexadecimal; ``ValueError`` on anything else."""
    data = bytes.fromhex(cast("str", text))
    if len(data) != 32:
        raise ValueError("an identifier is not 32 bytes")
    return data


def _features(text: object) -> bytes:
    data = bytes.fromhex(cast("str", text))
    if not data or len(data) % 2 or len(data) > MAX_FEATURE_BYTES:
        raise ValueError("the features are not two bytes each")
    return data


def number_field(value: object) -> int:
    """A JSON integer of at most 256 bits; ``ValueError`` on anything else, ``true`` and 1.0 among it."""
    if type(value) is not int or not 0 <= value < 2**256:
        raise ValueError("a number is out of range")
    return value
