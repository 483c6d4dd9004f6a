"""The compiled prover of the native engine: checks what a caller can get wrong, and leaves the protocol to the core.

Source: ``circuits/native_accuracy/SPEC.md``. The core's transcript is byte for byte that of the reference prover under
the same seed. Samples stay the unsigned bytes (or 16-bit words) that they are; weights travel as one int32 matrix a
layer, the biases in its last row. ``powers`` is the core's handle (``Powers.core``).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.bn254 import FELT_BYTES, POINT_BYTES, SCALAR_MODULUS, Point, decode_point
from pyml.errors import CircuitError, InputError, ModelError, ProofError, PymlError, SrsError
from pyml.ml.integer import IntArray, IntegerNetwork
from pyml.zk.engine import Progress, silent
from pyml.zk.native.core import Core, CoreShape, PowersOfTau, Samples, load_core
from pyml.zk.native.shape import Shape, VerifyingKey
from pyml.zk.native.witness import require_network

Context: TypeAlias = int | Callable[[int, tuple[Point, ...]], int]
"""ρ, or what computes it from the count and the proof's first points: C_W; for an inference, that of the input too."""

SEED_BYTES: Final = 32
_MAX_INPUT: Final = 2**16 - 1
_ERRORS: Final[Mapping[str, type[PymlError]]] = {
    "circuit": CircuitError,
    "input": InputError,
    "model": ModelError,
    "powers": SrsError,
    "proof": ProofError,
}


@dataclass(frozen=True, slots=True, repr=False)
class ProverSecrets:
    """What makes a proof hiding: the blind of C_W, and 32 random bytes that serve this one proof."""

    model_blind: int
    seed: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.model_blind < SCALAR_MODULUS:
            raise ProofError("the blind of the weights is not a scalar", expected="0 to r - 1")
        if len(self.seed) != SEED_BYTES:
            raise ProofError("a seed has the wrong length", expected=f"{SEED_BYTES} bytes", got=len(self.seed))

    def __repr__(self) -> str:
        return "ProverSecrets(secret)"


@dataclass(frozen=True, slots=True)
class Proved:
    """A proof as a contract reads it, the count it shows, and where the time went."""

    proof: bytes
    count: int
    """Of correct answers; 1 for an inference, 0 for a proof of weights."""
    timings: Mapping[str, float]
    """Seconds of each phase, in order."""

    @property
    def commitment(self) -> Point:
        """C_W."""
        return decode_point(self.proof[:POINT_BYTES])


def commit_data(shape: Shape, powers: PowersOfTau, inputs: IntArray, labels: IntArray) -> tuple[Point | None, ...]:
    """The points of the verifying key for these samples and labels; ``None`` for a polynomial that is zero."""
    core = load_core()
    samples, wanted = _require_inputs(inputs, _MAX_INPUT), _require_labels(labels)
    with translated(core):
        points = core.commit_data(core_shape(core, shape), powers, samples, wanted)
    return tuple(decode_point(point) if any(point) else None for point in points)


def commit_weights(shape: Shape, powers: PowersOfTau, network: IntegerNetwork, blind: int) -> Point:
    """C_W."""
    core = load_core()
    require_network(shape, network)
    if not 0 <= blind < SCALAR_MODULUS:
        raise ProofError("the blind of the weights is not a scalar", expected="0 to r - 1")
    with translated(core):
        point = core.commit_model(core_shape(core, shape), powers, _matrices(network), _word(blind))
    return decode_point(point)


def prove_accuracy(
    key: VerifyingKey,
    powers: PowersOfTau,
    *,
    network: IntegerNetwork,
    inputs: IntArray,
    labels: IntArray,
    secrets: ProverSecrets,
    context: Context,
    progress: Progress = silent,
    threads: int | None = None,
) -> Proved:
    """That the network answers ``count`` of the key's samples correctly; the samples must be those of the key."""
    if key.shape.data_in_witness:
        raise CircuitError("the verifying key is for another statement", expected="committed data")
    return _prove(key, powers, network, (inputs, labels), secrets, context, progress, threads)


def prove_inference(
    key: VerifyingKey,
    powers: PowersOfTau,
    *,
    network: IntegerNetwork,
    features: IntArray,
    label: int,
    secrets: ProverSecrets,
    context: Context,
    progress: Progress = silent,
    threads: int | None = None,
) -> Proved:
    """That the network answers ``label`` to these features; refused if it does not."""
    if not key.shape.data_in_witness:
        raise CircuitError("the verifying key is for another statement", expected="data in the witness")
    rows = np.asarray(features).reshape(1, -1)
    return _prove(key, powers, network, (rows, np.array([label])), secrets, context, progress, threads)


def prove_weights(
    shape: Shape,
    powers: PowersOfTau,
    *,
    network: IntegerNetwork,
    secrets: ProverSecrets,
    context: Context,
    progress: Progress = silent,
    threads: int | None = None,
) -> Proved:
    """That every weight behind C_W has ``shape.weight_bits`` bits, and that there are no others."""
    core = load_core()
    require_network(shape, network)
    with translated(core), _threads(core, threads):
        proof, count, timings = core.prove_weights(
            core_shape(core, shape),
            powers,
            _matrices(network),
            _word(secrets.model_blind),
            secrets.seed,
            _context_function(context),
            progress,
        )
    return Proved(proof, count, timings)


def _prove(
    key: VerifyingKey,
    powers: PowersOfTau,
    network: IntegerNetwork,
    samples: tuple[IntArray, IntArray],
    secrets: ProverSecrets,
    context: Context,
    progress: Progress,
    threads: int | None,
) -> Proved:
    core = load_core()
    require_network(key.shape, network)
    if powers.tau_g2 != b"".join(map(_word, key.tau_g2)):
        raise SrsError("these are not the powers of tau of the verifying key")
    inputs, labels = _require_inputs(samples[0], network.input_max), _require_labels(samples[1])
    if len(inputs) != len(labels):
        raise InputError("labels do not match the samples", expected=len(inputs), got=len(labels))
    data = b"".join(bytes(POINT_BYTES) if point is None else point.encode() for point in key.data)
    with translated(core), _threads(core, threads):
        proof, count, timings = core.prove_accuracy(
            core_shape(core, key.shape),
            powers,
            data,
            inputs,
            labels,
            _matrices(network),
            _word(secrets.model_blind),
            secrets.seed,
            _context_function(context),
            progress,
        )
    return Proved(proof, count, timings)


def core_shape(core: Core, shape: Shape) -> CoreShape:
    """The shape as the core has it; raises ``core.Refusal`` for what only the core refuses."""
    sizes = (shape.limb_bits, shape.margin_limbs, shape.degree, shape.weight_bits)
    if max(shape.bias_units) >= 2**63:
        raise CircuitError("a bias unit is out of range", expected="1 to 2^44", got=max(shape.bias_units))
    return core.Shape(
        shape.samples, list(shape.widths), list(shape.shifts), list(shape.bias_units), sizes, shape.data_in_witness
    )


def _matrices(network: IntegerNetwork) -> list[NDArray[np.int32]]:
    return [np.vstack([layer.weight, layer.bias]).astype(np.int32) for layer in network.layers]


def _require_inputs(inputs: IntArray, most: int) -> Samples:
    values: NDArray[Any] = np.asarray(inputs)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise InputError("inputs must be integers [samples, features]", got=f"{values.dtype} {list(values.shape)}")
    if values.size == 0:
        raise InputError("there is no sample to prove anything about")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > min(most, _MAX_INPUT):
        raise InputError("an input is out of range", expected=f"[0, {min(most, _MAX_INPUT)}]", got=f"[{low}, {high}]")
    return np.ascontiguousarray(values, dtype=np.uint8 if high < 256 else np.uint16)


def _require_labels(labels: IntArray) -> NDArray[np.int64]:
    values: NDArray[Any] = np.asarray(labels)
    if values.ndim != 1 or values.dtype.kind not in "iu":
        raise InputError("labels must be integers [samples]", got=f"{values.dtype} {list(values.shape)}")
    return np.ascontiguousarray(values, dtype=np.int64)


def _context_function(context: Context) -> Callable[[int, list[bytes]], bytes]:
    def function(count: int, points: list[bytes]) -> bytes:
        value = context if isinstance(context, int) else context(count, tuple(map(decode_point, points)))
        if not 0 <= value < SCALAR_MODULUS:
            raise ProofError("the context is not a scalar", expected="0 to r - 1")
        return _word(value)

    return function


def _word(value: int) -> bytes:
    return value.to_bytes(FELT_BYTES, "big")


@contextmanager
def translated(core: Core) -> Generator[None]:
    """The core's refusals as the errors of this project."""
    try:
        yield
    except core.Refusal as refusal:
        kind, line = refusal.args
        raise _ERRORS[kind](line) from None


@contextmanager
def _threads(core: Core, count: int | None) -> Generator[None]:
    """Use so many threads while a proof is made; ``None`` leaves the core's own choice."""
    if count is None:
        yield
        return
    if count < 1:
        raise InputError("a proof needs at least one thread", got=count)
    before = core.thread_count()
    core.set_thread_count(count)
    try:
        yield
    finally:
        core.set_thread_count(before)
