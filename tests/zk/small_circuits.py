"""Circuits small enough to prove in a third of a second, with their honest prover, a cheating one, and the judge."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from eth_hash.auto import keccak
from numpy.typing import NDArray

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS, decode_felt
from pyml.errors import ProofError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict
from pyml.zk import ezkl
from pyml.zk.challenge import encode_features, evaluate_features
from pyml.zk.circuits import (
    LabelledSet,
    accuracy_graph,
    accuracy_statement,
    inference_graph,
    input_graph,
    input_statement,
)
from pyml.zk.engine import CircuitFiles, Proof, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.srs import Srs
from pyml.zk.statement import ANY_INPUT, Numerics, Statement
from pyml.zk.witness import PrivateTensors, accuracy_tensors, architecture_of, inference_tensors, input_tensors
from pyml.zk.workspace import Keyed, Workspace

INFERENCE_DEGREE = 10
"""k that all small inference circuits fit."""
GATE_POINTS = 2
"""Commitments that the challenge covers: the committed and the witness tensor."""


def random_network(
    random: np.random.Generator,
    sizes: Sequence[int],
    shifts: Sequence[int],
    *,
    bits: int = 4,
    input_max: int = 3,
    unit: int = 2,
) -> IntegerNetwork:
    """Uniform weights over their whole range."""
    half = 1 << (bits - 1)
    layers = tuple(
        IntegerLayer(random.integers(-half, half, shape), random.integers(-half, half, shape[1]), unit, shift)
        for shape, shift in zip(itertools.pairwise(sizes), (*shifts, 0), strict=True)
    )
    return IntegerNetwork(layers, bits, input_max)


def random_set(random: np.random.Generator, network: IntegerNetwork, samples: int) -> LabelledSet:
    """Random inputs with the model's own answers as labels, but for a third of them (and all ties)."""
    inputs = random.integers(0, network.input_max + 1, (samples, network.sizes[0]))
    answers = predict(network, inputs)
    labels = np.where(answers < 0, 0, answers)
    labels[::3] = (labels[::3] + 1) % network.sizes[-1]
    return LabelledSet(f"random/test[0:{samples}]", inputs, labels.astype(np.int64))


@dataclass(frozen=True, slots=True)
class Small:
    """A circuit with keys, the honest tensors, and what is public."""

    engine: EzklEngine
    keyed: Keyed
    network: IntegerNetwork
    honest: PrivateTensors
    data: LabelledSet | None = None
    features: bytes = b""
    """The public input of an inference circuit."""

    @property
    def statement(self) -> Statement:
        return self.keyed.circuit.statement

    @property
    def table(self) -> range:
        """What the lookup accepts."""
        low, high = ezkl.read_settings(self.keyed.circuit.files.settings)["run_args"]["lookup_range"]
        return range(low, high + 1)

    def challenge(self, points: bytes) -> int:
        return int.from_bytes(keccak(self.keyed.vka_digest + self.features + points), "big") % SCALAR_MODULUS

    def prove(
        self,
        tensors: Tensors | PrivateTensors,
        *,
        challenge: Callable[[bytes], int] | None = None,
        layout: CircuitFiles | None = None,
    ) -> Proof:
        """Whatever the tensors are; ``layout`` is another compiled circuit to lay out under this one's keys."""
        keyed = self.keyed
        return self.engine.prove(
            layout or keyed.circuit.files,
            keyed.files,
            keyed.srs,
            Tensors(tensors.committed, tensors.witness),
            challenge or self.challenge,
        )

    def expected(self, rho: int, result: int) -> tuple[int, ...]:
        """What every verifier of ours asks for: zeros for the checks, and the public input's polynomial at ρ."""
        inference = self.statement.kind == "private_model_inference"
        public = (evaluate_features(self.features, rho),) if inference else ()
        return (rho, *[0] * self.statement.checks, *public, result)

    def failing(self, outputs: Sequence[int]) -> set[str]:
        """Names of the outputs that are not as expected: ``layer_l`` and ``margins``; ``boolean`` (accuracy),
        ``one_hot`` (else), ``input`` (inference), ``range`` (private input)."""
        names = [f"layer_{number + 1}" for number in range(self.statement.architecture.layers)]
        match self.statement.kind:
            case "private_model_accuracy":
                names += ["margins", "boolean"]
            case "private_model_inference":
                names += ["one_hot", "margins", "input"]
            case _:
                kept = [name for name, shift in zip(names, self.statement.architecture.shifts, strict=False) if shift]
                names = ["range", *kept, "one_hot", "margins"]
        expected = self.expected(outputs[0], outputs[-1])
        return {name for name, got, want in zip(names, outputs[1:-1], expected[1:-1], strict=True) if got != want}

    def run(self, tensors: Tensors | PrivateTensors, *, rho: int | None = None) -> tuple[int, ...]:
        """The circuit's outputs without a proof; ρ from the commitments unless it is given."""
        if rho is None:
            rho = self.challenge(self.commit(tensors.committed) + self.commit(tensors.witness))
        with tempfile.TemporaryDirectory() as name:
            self._calculate(tensors, rho, Path(name))
            outputs = json.loads((Path(name) / "witness.json").read_text())["outputs"]
        return tuple(decode_felt(text) for row in outputs for text in row)

    def commit(self, tensor: Sequence[int]) -> bytes:
        points = self.engine.commit(self.keyed.circuit.files, self.keyed.files, self.keyed.srs, tensor)
        return b"".join(point.encode() for point in points)

    def violations(self, tensors: Tensors | PrivateTensors, *, rho: int = 5) -> str:
        """What halo2's mock prover says of these tensors: nothing if every gate, copy and lookup is satisfied.

        The real prover cannot be asked: it never returns from a lookup that fails.
        """
        with tempfile.TemporaryDirectory() as name:
            self._calculate(tensors, rho, Path(name))
            try:
                ezkl._step("mock", witness=Path(name) / "witness.json", model=self.keyed.circuit.files.compiled)
            except ProofError as error:
                return error.problem
        return ""

    def _calculate(self, tensors: Tensors | PrivateTensors, rho: int, folder: Path) -> None:
        """Write ``witness.json``, whether or not the engine's adapter would go on to prove it."""
        keyed, flat = self.keyed, Tensors(tensors.committed, tensors.witness)
        try:
            self.engine._witness(keyed.circuit.files, keyed.files, keyed.srs, flat, rho, folder)
        except ProofError as error:
            if "outside the lookup table" not in error.problem:
                raise

    def verify(self, proof: Proof) -> bool:
        """For the outputs that the proof itself claims."""
        return self.engine.verify(self.keyed.circuit.files, self.keyed.files, self.keyed.srs, proof)

    def accepts(self, data: bytes, result: int) -> bool:
        """What every verifier of ours does: ρ from the proof's points, and then ``expected``."""
        rho = self.challenge(data[: GATE_POINTS * POINT_BYTES])
        return self.verify(Proof(data, self.expected(rho, result)))


class Edit:
    """Named parts of the honest tensors, to be changed by hand: ``edit.witness["logits"][0, 1] += 1``."""

    def __init__(self, statement: Statement, tensors: Tensors | PrivateTensors) -> None:
        self._layouts = (committed_layout(statement), witness_layout(statement))
        self._salts = [tensor[layout.values :] for tensor, layout in zip(_both(tensors), self._layouts, strict=True)]
        self.committed, self.witness = (
            _parts(tensor, layout) for tensor, layout in zip(_both(tensors), self._layouts, strict=True)
        )

    def done(self) -> Tensors:
        flat = [
            (*(int(value) for part in parts.values() for value in part.ravel()), *salts)
            for parts, salts in zip((self.committed, self.witness), self._salts, strict=True)
        ]
        return Tensors(flat[0], flat[1])


def _both(tensors: Tensors | PrivateTensors) -> tuple[Sequence[int], Sequence[int]]:
    return tensors.committed, tensors.witness


def _parts(tensor: Sequence[int], layout: Layout) -> dict[str, NDArray[Any]]:
    return {
        name: np.array(tensor[part.start : part.start + part.length], dtype=object).reshape(part.shape)
        for name, part in layout.parts.items()
    }


def small_accuracy(
    home: Path,
    engine: EzklEngine,
    srs_of: Callable[[int], Srs],
    network: IntegerNetwork,
    data: LabelledSet,
    *,
    degree: int = 0,
    numerics: Numerics | None = None,
) -> Small:
    statement = accuracy_statement(architecture_of(network), data, numerics or small_numerics(), degree=degree)
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, accuracy_graph(statement, data))
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    salts = range(1, statement.numerics.committed_salts + 1)
    honest = accuracy_tensors(statement, network, data.inputs, data.labels, model_salts=tuple(salts))
    return Small(engine, keyed, network, honest, data)


def small_input(
    home: Path,
    engine: EzklEngine,
    srs_of: Callable[[int], Srs],
    network: IntegerNetwork,
    sample: NDArray[np.int64],
    *,
    numerics: Numerics | None = None,
) -> Small:
    statement = input_statement(network, "random model", numerics or small_numerics())
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    salts = tuple(range(1, statement.numerics.committed_salts + 1))
    return Small(engine, keyed, network, input_tensors(statement, network, sample, input_salts=salts))


def small_inference(
    home: Path,
    engine: EzklEngine,
    srs_of: Callable[[int], Srs],
    network: IntegerNetwork,
    sample: NDArray[np.int64],
    *,
    degree: int = INFERENCE_DEGREE,
    numerics: Numerics | None = None,
) -> Small:
    """``sample`` [features] is public."""
    architecture = architecture_of(network)
    statement = Statement(
        "private_model_inference", architecture, 1, ANY_INPUT, "any input", degree, numerics or small_numerics()
    )
    workspace = Workspace(home, engine)
    circuit = workspace.build_circuit(statement, inference_graph(statement))
    keyed = workspace.set_up(circuit, srs_of(circuit.degree))
    salts = tuple(range(1, statement.numerics.committed_salts + 1))
    honest = inference_tensors(statement, network, sample, model_salts=salts)
    return Small(engine, keyed, network, honest, features=encode_features([int(value) for value in sample]))


def small_numerics(**changes: int) -> Numerics:
    return replace(
        Numerics(lookup_bits=8, margin_limbs=2, committed_salts=3, witness_salts=2, lookup_salts=5), **changes
    )
