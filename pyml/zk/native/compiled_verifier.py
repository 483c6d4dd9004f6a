"""The core's verifier: everything but the pairing in C++, the pairing in Python.

Source: ``circuits/native_accuracy/SPEC.md``. A third reading of the document beside ``verifier`` and the contract, with
the layout of the compiled prover; its answers and their order are those of ``verifier``.
"""

from __future__ import annotations

from pyml.crypto.bn254 import FELT_BYTES, POINT_BYTES, SCALAR_MODULUS, Point
from pyml.crypto.bn254_group import multiply_g2
from pyml.errors import CircuitError
from pyml.zk.native.core import CoreVerdict, load_core
from pyml.zk.native.pairing import decode_g2, pairings_agree
from pyml.zk.native.prover import core_shape, translated
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey


def explain(key: VerifyingKey, commitment: Point, context: int, count: int, proof: bytes) -> Refusal | None:
    """The first check that fails of a proof of accuracy; ``None`` if it is one."""
    _require_statement(key, inference=False)
    if not (0 <= context < SCALAR_MODULUS and 0 <= count <= key.shape.samples):
        return Refusal.STATEMENT
    core, tau = load_core(), _tau(key)
    data = b"".join(bytes(POINT_BYTES) if point is None else point.encode() for point in key.data)
    with translated(core):
        shape = core_shape(core, key.shape)
        verdict = core.verify_accuracy(shape, data, tau, commitment.encode(), _word(context), count, proof)
    return _conclude(verdict, tau)


def explain_inference(
    key: VerifyingKey, commitment: Point, context: int, evaluation: int, label: int, proof: bytes
) -> Refusal | None:
    """The same of a proof of inference."""
    _require_statement(key, inference=True)
    if not (0 <= context < SCALAR_MODULUS and 0 <= evaluation < SCALAR_MODULUS and 0 <= label < key.shape.widths[-1]):
        return Refusal.STATEMENT
    core, tau = load_core(), _tau(key)
    with translated(core):
        shape = core_shape(core, key.shape)
        words = _word(context), _word(evaluation)
        verdict = core.verify_inference(shape, tau, commitment.encode(), *words, label, proof)
    return _conclude(verdict, tau)


def explain_weights(key: VerifyingKey, commitment: Point, context: int, proof: bytes) -> Refusal | None:
    """The same of a proof of weights; of the key it reads widths, n and [τ]_2."""
    if not 0 <= context < SCALAR_MODULUS:
        return Refusal.STATEMENT
    core, tau = load_core(), _tau(key)
    with translated(core):
        verdict = core.verify_weights(core_shape(core, key.shape), tau, commitment.encode(), _word(context), proof)
    return _conclude(verdict, tau)


def _require_statement(key: VerifyingKey, *, inference: bool) -> None:
    if key.shape.data_in_witness != inference:
        raise CircuitError(
            "the verifying key is for another statement",
            expected="data in the witness" if inference else "committed data",
        )


def _conclude(verdict: CoreVerdict, tau: bytes) -> Refusal | None:
    """e(left, [1]_2) = e(right, [τ]_2), where the infinite point pairs to one."""
    refusal, left, right = verdict
    if refusal is not None:
        return Refusal[refusal]
    if not any(left) or not any(right):
        return None if left == right else Refusal.PAIRING
    return None if pairings_agree((left, multiply_g2(1)), (right, decode_g2(tau))) else Refusal.PAIRING


def _tau(key: VerifyingKey) -> bytes:
    return b"".join(map(_word, key.tau_g2))


def _word(value: int) -> bytes:
    return value.to_bytes(FELT_BYTES, "big")
