"""What ``zk`` asks of a proving engine, and nothing more. Two serve it: ezkl and the native one (``pyml.zk.native``).

All files are engine-specific and opaque outside the engine; what crosses the border is the graph (ONNX), private
tensors (integers), commitments (curve points), public outputs (integers) and proofs (bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from pyml.crypto.bn254 import Point
from pyml.errors import CircuitError
from pyml.ml.integer import IntArray
from pyml.ml.shapes import Product
from pyml.zk.srs import Srs
from pyml.zk.statement import Statement

if TYPE_CHECKING:
    from pyml.zk.circuits import LabelledSet
    from pyml.zk.model_codec import SecretModel

Progress = Callable[[str], None]
"""Called with the name of each phase as it begins."""


def silent(phase: str) -> None:
    """The default ``Progress``."""
    del phase


@dataclass(frozen=True, slots=True)
class CircuitFiles:
    """A compiled circuit in one folder; digests pin every byte of it."""

    folder: Path

    @property
    def graph(self) -> Path:
        return self.folder / "graph.onnx"

    @property
    def settings(self) -> Path:
        return self.folder / "settings.json"

    @property
    def compiled(self) -> Path:
        return self.folder / "circuit.ezkl"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Keys of one circuit under one SRS, in one folder."""

    folder: Path

    @property
    def proving_key(self) -> Path:
        return self.folder / "proving.key"

    @property
    def verifying_key(self) -> Path:
        return self.folder / "verifying.key"

    @property
    def artefact(self) -> Path:
        """The verifying key as words for the reusable EVM verifier."""
        return self.folder / "verifying.vka"


@dataclass(frozen=True, slots=True)
class Tensors:
    """The private inputs of a circuit in order; ``repr`` shows sizes only."""

    committed: Sequence[int]
    witness: Sequence[int]

    def __repr__(self) -> str:
        return f"Tensors({len(self.committed)} + {len(self.witness)} secret entries)"


class EntryPoints(NamedTuple):
    """What a proof begins with and shows besides ρ and its result, as ``CircuitRegistry`` is told."""

    committed: int
    """Points that commit to what is registered: the model, or an input."""
    witness: int
    """Points after these that ρ depends on as well."""
    checks: int
    """Public outputs that must be zero."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one proof is made from, in the form of the engine that prepared it; ``repr`` shows the result only."""

    private: Any = field(repr=False)
    result: int
    """The count, or the answer."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof bytes in EVM form and the public outputs in circuit order."""

    data: bytes
    outputs: tuple[int, ...]


class Engine(Protocol):
    """Compile, set up, commit, prepare, prove, verify."""

    name: str
    folder: str
    """Where its circuits are kept below a statement's folder; empty for the statement's folder itself."""
    source_file: str
    """Name of the file that ``compile`` starts from: the graph, or the data."""
    compiled_file: str
    """Name of the file whose digest names a compiled circuit."""
    has_proving_key: bool

    def compile(self, statement: Statement, files: CircuitFiles, *, progress: Progress = silent) -> None:
        """Turn ``files.graph`` into settings and a compiled circuit; ``CircuitError`` if a soundness rule is broken."""
        ...

    def degree(self, files: CircuitFiles) -> int:
        """k: the circuit has 2^k rows and needs an SRS of at least that size."""
        ...

    def set_up(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, *, progress: Progress = silent) -> None:
        """Write proving key, verifying key and EVM artefact into ``keys.folder``."""
        ...

    def artefact(self, keys: KeyFiles) -> tuple[bytes, ...]:
        """The verifying key as 32-byte words for the reusable EVM verifier; keccak256 of them names it on chain."""
        ...

    def proof_length(self, keys: KeyFiles) -> int:
        """Length in bytes of every proof under these keys."""
        ...

    def entry_points(self, statement: Statement) -> EntryPoints:
        """How the proofs of a statement begin, and what they show."""
        ...

    def commit_model(
        self, statement: Statement, files: CircuitFiles, keys: KeyFiles, srs: Srs, model: SecretModel
    ) -> tuple[Point, ...]:
        """Commitment to a model, point by point."""
        ...

    def prepare_accuracy(
        self, statement: Statement, model: SecretModel, data: LabelledSet, product: Product
    ) -> Prepared:
        """Count correct answers and keep what a proof of them needs; refuses what does not fit before any long work."""
        ...

    def prepare_inference(self, statement: Statement, model: SecretModel, sample: IntArray) -> Prepared:
        """Answer one sample [features] and keep what a proof of it needs."""
        ...

    def prove(
        self,
        files: CircuitFiles,
        keys: KeyFiles,
        srs: Srs,
        private: Any,
        challenge: Callable[[bytes], int],
        /,
        *,
        progress: Progress = silent,
    ) -> Proof:
        """Commit to what was prepared, ask ``challenge`` for ρ given the encoded points, then prove."""
        ...

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        """Whether the proof is valid for exactly these public outputs."""
        ...


class TensorEngine(Engine, Protocol):
    """An engine whose circuits take flat private tensors: it serves private inputs and links as well."""

    def commit(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, tensor: Sequence[int]) -> tuple[Point, ...]:
        """KZG commitment to one private tensor, point by point."""
        ...

    def export_verifier(
        self, files: CircuitFiles, keys: KeyFiles, srs: Srs, destination: Path, *, reusable: bool
    ) -> None:
        """Write the Solidity source of a verifier: one for this circuit, or the reusable one."""
        ...


def require_tensors(engine: Engine) -> TensorEngine:
    """The engine, if it takes private tensors; else ``CircuitError``."""
    if not hasattr(engine, "export_verifier"):
        raise CircuitError(
            f"the engine {engine.name} does accuracy and inference only", hint="Export the circuit with --engine ezkl."
        )
    return cast(TensorEngine, engine)
