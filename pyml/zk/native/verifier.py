"""The independent verifier of the native engine: whether a proof is one, and if not, the first check it fails.

Source: ``circuits/native_accuracy/SPEC.md``. It shares with the prover the parameters (``shape``), the second generator
and the group law, nothing else: layout, transcript and arithmetic were read off the document by another hand. Modules,
in the order of reading: ``verifier_field``, ``verifier_packing``, ``verifier_layout``, ``verifier_transcript``,
``verifier_key``, ``verifier_claims``, ``verifier_sums``, ``verifier_accuracy_claims``, ``verifier_accuracy``,
``verifier_weights``, ``verifier_combination``, ``verifier_opening``, ``pairing``.

The context ρ is the caller's: section 5 says what it hashes, and in inference it must be drawn after the first
stage-1 point of the proof. ``verify_*`` answers False for any bytes that are no proof; a key that is no key raises
``CircuitError``.
"""

from __future__ import annotations

from functools import lru_cache

from pyml.crypto.bn254 import FELT_BYTES, Point
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.challenges import word
from pyml.errors import CircuitError
from pyml.zk.native.refusal import Refusal, RefusedError
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.verifier_accuracy import check_accuracy
from pyml.zk.native.verifier_accuracy_claims import Inference
from pyml.zk.native.verifier_key import accuracy_digest, require_key, tau_point, weights_digest
from pyml.zk.native.verifier_layout import Layout, WeightLayout, layout_of, weight_layout_of
from pyml.zk.native.verifier_transcript import Messages, digest
from pyml.zk.native.verifier_weights import check_weights


def verify(key: VerifyingKey, commitment: Point, context: int, count: int, proof: bytes) -> bool:
    """Whether the network behind ``commitment`` answers at least ``count`` of the key's samples correctly."""
    return explain(key, commitment, context, count, proof) is None


def verify_inference(
    key: VerifyingKey, commitment: Point, context: int, evaluation: int, label: int, proof: bytes
) -> bool:
    """Whether the network answers ``label`` to the features whose monic polynomial is ``evaluation`` at ``context``."""
    return explain_inference(key, commitment, context, evaluation, label, proof) is None


def verify_weights(key: VerifyingKey, commitment: Point, context: int, proof: bytes) -> bool:
    """Whether all that lies behind ``commitment`` are weights in range; of the key it reads widths, n and [τ]_2."""
    return explain_weights(key, commitment, context, proof) is None


def explain(key: VerifyingKey, commitment: Point, context: int, count: int, proof: bytes) -> Refusal | None:
    """The first check of ``verify`` that fails."""
    layout = _accuracy_layout(key, inference=False)
    if not (0 <= context < R and 0 <= count <= key.shape.samples):
        return Refusal.STATEMENT
    return _explain_layout(layout, key, commitment, [context, count], count, None, proof)


def explain_inference(
    key: VerifyingKey, commitment: Point, context: int, evaluation: int, label: int, proof: bytes
) -> Refusal | None:
    """The first check of ``verify_inference`` that fails."""
    layout = _accuracy_layout(key, inference=True)
    if not (0 <= context < R and 0 <= evaluation < R and 0 <= label < key.shape.widths[-1]):
        return Refusal.STATEMENT
    inference = Inference(context, evaluation, label)
    return _explain_layout(layout, key, commitment, [context, evaluation, label], 1, inference, proof)


def explain_weights(key: VerifyingKey, commitment: Point, context: int, proof: bytes) -> Refusal | None:
    """The first check of ``verify_weights`` that fails."""
    layout = _weight_layout(key.shape)
    tau = tau_point(key.tau_g2)
    if not 0 <= context < R:
        return Refusal.STATEMENT
    start = digest([weights_digest(key.shape, key.tau_g2), commitment.encode(), word(context)])
    try:
        messages = _begin(proof, layout.words, commitment)
        check_weights(layout, start, messages, commitment, tau)
    except RefusedError as refused:
        return refused.refusal
    return None


def key_digest(key: VerifyingKey) -> bytes:
    """vk of section 5: what a proof of accuracy or of inference is bound to."""
    return accuracy_digest(key)


def proof_length(shape: Shape) -> int:
    """Bytes of a proof of accuracy, or of inference if the data are in the witness."""
    return FELT_BYTES * _layout(shape).words


def weights_proof_length(shape: Shape) -> int:
    """Bytes of a proof of weights."""
    return FELT_BYTES * _weight_layout(shape).words


def _explain_layout(
    layout: Layout,
    key: VerifyingKey,
    commitment: Point,
    public: list[int],
    count: int,
    inference: Inference | None,
    proof: bytes,
) -> Refusal | None:
    start = digest([accuracy_digest(key), commitment.encode(), *map(word, public)])
    try:
        messages = _begin(proof, layout.words, commitment)
        check_accuracy(layout, start, messages, commitment, list(key.data), tau_point(key.tau_g2), count, inference)
    except RefusedError as refused:
        return refused.refusal
    return None


def _begin(proof: bytes, words: int, commitment: Point) -> Messages:
    messages = Messages(proof, words)
    if messages.points(1) != [commitment]:
        raise RefusedError(Refusal.COMMITMENT)
    return messages


def _accuracy_layout(key: VerifyingKey, *, inference: bool) -> Layout:
    if key.shape.data_in_witness != inference:
        raise CircuitError(
            "the verifying key is for another statement",
            expected="data in the witness" if inference else "committed data",
        )
    layout = _layout(key.shape)
    require_key(key, layout)
    return layout


@lru_cache(maxsize=32)
def _layout(shape: Shape) -> Layout:
    return layout_of(shape)


@lru_cache(maxsize=32)
def _weight_layout(shape: Shape) -> WeightLayout:
    return weight_layout_of(shape)
