"""Powers of a tau drawn here: quick to make, and worth nothing outside development chains.

Whoever knows tau can open a commitment to anything. It lives in this function only, but nobody else can know that:
``pyml.zk.srs`` calls such a file insecure, and the registries refuse it on any chain but development chains. The format
is halo2's, Lagrange half included, so that ezkl reads the file as well: L_i(τ) = w^i (τ^n - 1) / (n (τ - w^i)) with
w = 7^((r-1)/n), as halo2curves has it.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS
from pyml.crypto.bn254_group import PointG2, multiply_g2
from pyml.errors import SrsError
from pyml.zk.engine import Progress, silent
from pyml.zk.native.core import load_core
from pyml.zk.srs import MIN_DEGREE

MAX_DEGREE: Final = 23
_CHUNK: Final = 1 << 16


def write_insecure_powers(path: Path, degree: int, *, tau: int | None = None, progress: Progress = silent) -> None:
    """Write 2^degree powers of a random tau (or of the one given, for tests) in halo2's raw format."""
    if not MIN_DEGREE <= degree <= MAX_DEGREE:
        raise SrsError("degree out of range", expected=f"{MIN_DEGREE} to {MAX_DEGREE}", got=degree)
    size = 1 << degree
    tau = 1 + secrets.randbelow(SCALAR_MODULUS - 1) if tau is None else tau
    if not 0 < tau < SCALAR_MODULUS or pow(tau, size, SCALAR_MODULUS) == 1:
        raise SrsError("this tau has no powers to commit with: it is 0, not reduced or a root of unity")
    core, secret = load_core(), tau.to_bytes(32, "big")
    chunk = min(size, _CHUNK)
    with path.open("wb") as stream:
        stream.write(degree.to_bytes(4, "little"))
        for begin in range(0, size, chunk):
            stream.write(core.unsafe_raw_powers(secret, begin, chunk))
            progress(f"powers of tau: {begin + chunk} of {2 * size}")
        for begin in range(0, size, chunk):
            stream.write(core.unsafe_raw_lagrange(secret, degree, begin, chunk))
            progress(f"powers of tau: {size + begin + chunk} of {2 * size}")
        stream.write(_raw_g2(multiply_g2(1)) + _raw_g2(multiply_g2(tau)))


def _raw_g2(point: PointG2) -> bytes:
    """x.re x.im y.re y.im, little-endian, in Montgomery form a · 2^256."""
    parts = (*point.x, *point.y)
    return b"".join(((part << 256) % FIELD_MODULUS).to_bytes(32, "little") for part in parts)
