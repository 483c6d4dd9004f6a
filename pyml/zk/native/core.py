"""The compiled core (``native/``, module ``pyml_native``): the only place that imports it.

``load_core`` gives it, typed, or says in one line why it is not there; everything else of ``zk`` works without it.
Vectors of field elements travel as NumPy arrays uint64 [n, 4] of canonical little-endian limbs (``limbs``), scalars as
32 and points as 64 big-endian bytes. The core checks every argument: ``TypeError`` and ``ValueError`` name the one that
is wrong and never show its contents. It gives the interpreter's lock back while it computes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ToolMissingError

API = 3
"""The signatures below; a core of another number is refused."""

Limbs = NDArray[np.uint64]
Values = NDArray[np.int32] | Limbs
Samples = NDArray[np.uint8 | np.uint16]


class PowersOfTau(Protocol):
    """``pyml_native.Srs``: τ^i·G in memory."""

    degree: int
    g2: bytes
    tau_g2: bytes

    def __len__(self) -> int: ...
    def point(self, i: int) -> bytes: ...
    def require_valid(self) -> None: ...
    def combination(self, seed: bytes) -> tuple[bytes, bytes]: ...
    def commit(self, values: Values) -> bytes: ...


class CoreShape(Protocol):
    """``pyml_native.Shape``: public parameters, checked again."""


ContextFunction = Callable[[int, list[bytes]], bytes]
"""ρ from the count and the first points of a proof."""
Proof = tuple[bytes, int, dict[str, float]]
"""Its bytes, the count, the seconds of each phase."""


CoreVerdict = tuple[str | None, bytes, bytes]
"""Name of a refusal, or ``None`` and the two points of G1 that the pairing is to compare."""


class Core(Protocol):
    """``pyml_native``, as far as Python uses it; each function's docstring is in the module."""

    def path(self) -> str: ...
    def paths(self) -> list[str]: ...
    def select_path(self, name: str) -> None: ...
    def thread_count(self) -> int: ...
    def set_thread_count(self, count: int) -> None: ...
    def keccak256(self, data: bytes) -> bytes: ...
    def reduce_bytes(self, field: str, data: bytes) -> bytes: ...

    def vec_add(self, field: str, a: Limbs, b: Limbs) -> Limbs: ...
    def vec_sub(self, field: str, a: Limbs, b: Limbs) -> Limbs: ...
    def vec_mul(self, field: str, a: Limbs, b: Limbs) -> Limbs: ...
    def vec_mul_add(self, field: str, total: Limbs, a: Limbs, b: Limbs) -> Limbs: ...
    def vec_scale(self, field: str, a: Limbs, s: bytes) -> Limbs: ...
    def vec_add_scalar(self, field: str, a: Limbs, s: bytes) -> Limbs: ...
    def vec_axpy(self, field: str, total: Limbs, s: bytes, a: Limbs) -> Limbs: ...
    def vec_fold(self, field: str, low: Limbs, high: Limbs, r: bytes) -> Limbs: ...
    def vec_dot(self, field: str, a: Limbs, b: Limbs) -> bytes: ...
    def vec_sum(self, field: str, a: Limbs) -> bytes: ...
    def vec_inverse(self, field: str, a: Limbs) -> Limbs: ...
    def vec_horner(self, field: str, a: Limbs, x: bytes) -> bytes: ...
    def vec_powers(self, field: str, x: bytes, n: int) -> Limbs: ...
    def vec_from_i32(self, field: str, values: NDArray[np.int32]) -> Limbs: ...

    def point_add(self, p: bytes, q: bytes) -> bytes: ...
    def point_negate(self, p: bytes) -> bytes: ...
    def point_multiply(self, p: bytes, s: bytes) -> bytes: ...
    def blinding_generator(self) -> bytes: ...
    def hash_to_curve(self, seed: bytes) -> bytes: ...
    def msm(self, points: bytes, values: Values) -> bytes: ...
    def Srs(self, path: str, count: int = 0) -> PowersOfTau: ...  # noqa: N802  # a class there

    Refusal: type[Exception]
    """A caller's mistake; ``args`` are its kind and one line."""

    def Shape(  # noqa: N802  # a class there
        self,
        samples: int,
        widths: list[int],
        shifts: list[int],
        bias_units: list[int],
        sizes: tuple[int, int, int, int],
        data_in_witness: bool,
    ) -> CoreShape: ...
    def commit_data(
        self, shape: CoreShape, srs: PowersOfTau, inputs: Samples, labels: NDArray[np.int64]
    ) -> list[bytes]: ...
    def commit_model(
        self, shape: CoreShape, srs: PowersOfTau, layers: Sequence[NDArray[np.int32]], blind: bytes
    ) -> bytes: ...
    def prove_accuracy(
        self,
        shape: CoreShape,
        srs: PowersOfTau,
        data: bytes,
        inputs: Samples,
        labels: NDArray[np.int64],
        layers: Sequence[NDArray[np.int32]],
        blind: bytes,
        seed: bytes,
        context: ContextFunction,
        notice: Callable[[str], None] | None,
    ) -> Proof: ...
    def prove_weights(
        self,
        shape: CoreShape,
        srs: PowersOfTau,
        layers: Sequence[NDArray[np.int32]],
        blind: bytes,
        seed: bytes,
        context: ContextFunction,
        notice: Callable[[str], None] | None,
    ) -> Proof: ...
    def verify_accuracy(
        self,
        shape: CoreShape,
        data: bytes,
        tau_g2: bytes,
        commitment: bytes,
        context: bytes,
        count: int,
        proof: bytes,
    ) -> CoreVerdict: ...
    def verify_inference(
        self,
        shape: CoreShape,
        tau_g2: bytes,
        commitment: bytes,
        context: bytes,
        evaluation: bytes,
        label: int,
        proof: bytes,
    ) -> CoreVerdict: ...
    def verify_weights(
        self, shape: CoreShape, tau_g2: bytes, commitment: bytes, context: bytes, proof: bytes
    ) -> CoreVerdict: ...
    def unsafe_raw_powers(self, tau: bytes, begin: int, count: int) -> bytes: ...
    def unsafe_raw_lagrange(self, tau: bytes, degree: int, begin: int, count: int) -> bytes: ...


@cache
def load_core() -> Core:
    """The compiled core; raises ``ToolMissingError`` if it was not built, or is of another version than this code."""
    try:
        module = importlib.import_module("pyml_native")
    except ImportError as error:
        raise ToolMissingError(
            f"the native engine is not built: {error}",
            hint="With a C++ compiler and CMake 3.20 or newer, `./dev setup` builds it; `--engine ezkl` works without.",
        ) from error
    found = getattr(module, "API", None)
    if found != API:
        raise ToolMissingError(
            "the native engine was built from other sources",
            expected=f"interface {API}",
            got=found,
            hint="Build it again with `./dev setup`.",
        )
    return cast(Core, module)
