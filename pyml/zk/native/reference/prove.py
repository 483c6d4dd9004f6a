"""Proofs from a model and its data: what the other modules of this package are for.

Source: ``circuits/native_accuracy/SPEC.md``. A seed must be fresh for every proof and secret; so must the blind of C_W,
which serves for as long as the commitment does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.errors import InputError
from pyml.ml.integer import IntArray, IntegerNetwork, predict
from pyml.zk.native.key import first_transcript, key_digest, weights_key_digest
from pyml.zk.native.layout import Layout, WeightsLayout, pack_model
from pyml.zk.native.masks import draw_masks
from pyml.zk.native.reference.accuracy import AccuracyProver, ProverInput, data_chunks
from pyml.zk.native.reference.committed import lay
from pyml.zk.native.reference.inference import InferenceProver, PublicInput, lay_input, monic_evaluation
from pyml.zk.native.reference.powers import Powers, require_size
from pyml.zk.native.reference.proof import InferenceProof, NativeProof
from pyml.zk.native.reference.weights import WeightsProver, weight_table
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.transcript import PointWords
from pyml.zk.native.witness import build_witness, data_columns, require_network, weight_columns


def commit_data(shape: Shape, powers: Powers, inputs: IntArray, labels: IntArray) -> tuple[Point | None, ...]:
    """Points of the verifying key: commitments to X and Y without blinds, so that anyone can compute them again."""
    layout = Layout(shape)
    require_size(powers, shape.degree)
    columns = data_columns(layout, inputs, labels)
    polynomials = lay(layout.data, columns | data_chunks(layout, columns["X"]), shape.degree)
    points = [powers.commit(polynomial, 0) for polynomial in polynomials]
    return tuple(None if point == (0, 0) else Point(*point) for point in points)


def commit_model(shape: Shape, powers: Powers, network: IntegerNetwork, blind: int) -> PointWords:
    """C_W."""
    require_network(shape, network)
    require_size(powers, shape.degree)
    (polynomial,) = lay(pack_model(shape, shape.degree), weight_columns(network), shape.degree)
    return powers.commit(polynomial, blind)


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """What makes a proof hiding: the blind of C_W, and a seed that serves this proof only."""

    model_blind: int
    seed: bytes

    def __repr__(self) -> str:
        return "Secrets()"


def prove_accuracy(
    key: VerifyingKey,
    powers: Powers,
    network: IntegerNetwork,
    samples: tuple[IntArray, IntArray],
    context: int,
    secrets: Secrets,
) -> tuple[int, NativeProof]:
    """The count and its proof, for samples and labels that the key commits to; ``context`` is ρ."""
    layout = Layout(key.shape)
    require_size(powers, layout.n)
    witness = build_witness(layout, network, *samples)
    commitment = commit_model(key.shape, powers, network, secrets.model_blind)
    given = prover_input(layout, witness.columns, witness.count, secrets)
    transcript = first_transcript(key_digest(key), commitment, [context, witness.count])
    prover = AccuracyProver(given, powers, transcript)
    messages = prover.run()
    prover.require_true()
    return witness.count, NativeProof(commitment, tuple(messages.words), messages.challenges)


def prove_inference(
    key: VerifyingKey,
    powers: Powers,
    network: IntegerNetwork,
    features: IntArray,
    challenge: Callable[[PointWords, PointWords], int],
    secrets: Secrets,
) -> InferenceProof:
    """The answer to one secret input; ``challenge`` is ρ, from C_W and the commitment to the input."""
    layout = Layout(key.shape)
    require_size(powers, layout.n)
    label = int(predict(network, features[None, :])[0])
    if label < 0:
        raise InputError("two logits tie: this input has no answer to prove")
    witness = build_witness(layout, network, features[None, :], np.array([label]))
    commitment = commit_model(key.shape, powers, network, secrets.model_blind)
    given = prover_input(layout, witness.columns, witness.count, secrets)
    input_point = powers.commit(lay_input(layout, given.columns["X"]), given.masks.blinds[0])
    rho = challenge(commitment, input_point)
    evaluation = monic_evaluation(features.tolist(), rho)
    transcript = first_transcript(key_digest(key), commitment, [rho, evaluation, label])
    prover = InferenceProver(given, powers, transcript, public=PublicInput(rho, evaluation))
    messages = prover.run()
    prover.require_true()
    proof = NativeProof(commitment, tuple(messages.words), messages.challenges)
    return InferenceProof(rho, evaluation, label, proof)


def prove_weights(
    shape: Shape,
    tau_g2: Sequence[int],
    powers: Powers,
    network: IntegerNetwork,
    context: int,
    secrets: Secrets,
) -> NativeProof:
    """That every weight behind C_W is small and lies within the layers."""
    layout = WeightsLayout(shape)
    require_network(shape, network)
    require_size(powers, layout.n)
    commitment = commit_model(shape, powers, network, secrets.model_blind)
    masks = draw_masks(
        secrets.seed, layout.mask_rows, 1 << layout.n, layout.stage1.polynomials + 1 + layout.stage2.polynomials
    )
    transcript = first_transcript(weights_key_digest(shape, tau_g2), commitment, [context])
    prover = WeightsProver(layout, weight_table(layout, network), secrets.model_blind, masks, powers, transcript)
    messages = prover.run()
    prover.require_true()
    return NativeProof(commitment, tuple(messages.words), messages.challenges)


def prover_input(layout: Layout, columns: Mapping[str, Sequence[int]], count: int, secrets: Secrets) -> ProverInput:
    """Columns modulo r, with masks drawn from the seed."""
    polynomials = layout.stage1.polynomials + 1 + layout.stage2.polynomials
    masks = draw_masks(secrets.seed, layout.mask_rows, 1 << layout.n, polynomials)
    reduced = {name: [entry % R for entry in column] for name, column in columns.items()}
    return ProverInput(layout, reduced, count, secrets.model_blind, masks)
