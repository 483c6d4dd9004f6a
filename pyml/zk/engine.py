"""What ``zk`` asks of a proving engine, and nothing more: a second engine implements the same five steps.

All files are engine-specific and opaque outside the engine; what crosses the border is the graph (ONNX), private
tensors (integers), commitments (curve points), public outputs (integers) and proofs (bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pyml.crypto.bn254 import Point
from pyml.zk.srs import Srs
from pyml.zk.statement import Statement

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


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof bytes in EVM form and the public outputs in circuit order."""

    data: bytes
    outputs: tuple[int, ...]


class Engine(Protocol):
    """Compile, set up, commit, prove, verify, export a verifier."""

    name: str

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

    def commit(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, tensor: Sequence[int]) -> tuple[Point, ...]:
        """KZG commitment to one private tensor, point by point."""
        ...

    def prove(
        self,
        files: CircuitFiles,
        keys: KeyFiles,
        srs: Srs,
        tensors: Tensors,
        challenge: Callable[[bytes], int],
        *,
        progress: Progress = silent,
    ) -> Proof:
        """Commit, ask ``challenge`` for ρ given the encoded commitment points, then prove."""
        ...

    def verify(self, files: CircuitFiles, keys: KeyFiles, srs: Srs, proof: Proof) -> bool:
        """Whether the proof is valid for exactly these public outputs."""
        ...

    def export_verifier(
        self, files: CircuitFiles, keys: KeyFiles, srs: Srs, destination: Path, *, reusable: bool
    ) -> None:
        """Write the Solidity source of a verifier: one for this circuit, or the reusable one."""
        ...
