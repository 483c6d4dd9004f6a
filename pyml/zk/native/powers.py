"""Powers of tau for the native engine: loaded into the core, and shown to be powers of one tau.

A public string's digest is pinned (``pyml.zk.srs``); this check catches what a pin cannot: a wrong pin, a reader that
misunderstands the format. P_0 must be the generator G, every point finite and on the curve, and with random 128-bit r_i

    e(Σ r_i P_i, τ·G2) = e(Σ r_i P_(i+1), G2),  0 ≤ i < 2^k - 1

so that P_i = τ^i·G for all i, but with probability below 2^-127. A string is checked once: a file named by its digest
records that. The digest is of the file as ``open_srs`` read it; who can exchange files under a running program needs no
false powers.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyml.crypto.bn254 import FELT_BYTES, FIELD_MODULUS, Point
from pyml.crypto.bn254_group import G1, PointG2, multiply_g2
from pyml.errors import InputError, SrsError
from pyml.files import write_atomically
from pyml.zk.engine import Progress, silent
from pyml.zk.native.core import PowersOfTau, load_core
from pyml.zk.native.pairing import decode_g2, pairings_agree
from pyml.zk.srs import Srs

_RECORD: Final = b"pyml.zk.native.powers.v1\n"
_SEED_BYTES: Final = 32
_G2_BYTES: Final = 128


@dataclass(frozen=True, slots=True)
class Powers:
    """Checked powers of tau: the core's handle and τ·G2."""

    srs: Srs
    core: PowersOfTau
    tau_g2: PointG2

    def point(self, i: int) -> Point:
        """τ^i·G."""
        data = self.core.point(i)
        return Point(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big"))


def load_powers(srs: Srs, home: Path, *, count: int = 0, progress: Progress = silent) -> Powers:
    """The first ``count`` powers (0: all) of a string; the first time that it is used, it is checked as a whole."""
    if count > 2**srs.degree:
        raise SrsError(
            "the statement is larger than the structured reference string",
            expected=f"{count} powers of tau",
            got=f"2^{srs.degree}",
            hint=f"Get a larger one with `pyml zk srs {(count - 1).bit_length()}`.",
        )
    record = _record_path(home, srs)
    if not record.is_file():
        progress("checking the powers of tau, once")
        require_powers(_read(srs, 0), srs)
        write_atomically(record, _RECORD)
    core = _read(srs, count)
    return Powers(srs, core, decode_g2(core.tau_g2))


def tau_g2_of(srs: Srs) -> tuple[int, int, int, int]:
    """[τ]_2 at the end of a string, in EIP-197's order, read without the core: four numbers a·2^256, little-endian."""
    with srs.path.open("rb") as stream:
        stream.seek(-_G2_BYTES, 2)
        raw = stream.read(_G2_BYTES)
    unscale = pow(1 << 256, -1, FIELD_MODULUS)
    numbers = [int.from_bytes(raw[i : i + FELT_BYTES], "little") for i in range(0, _G2_BYTES, FELT_BYTES)]
    if max(numbers) >= FIELD_MODULUS:
        raise _refusal(srs, "a coordinate of its last point is not reduced")
    x_real, x_imaginary, y_real, y_imaginary = (number * unscale % FIELD_MODULUS for number in numbers)
    return x_imaginary, x_real, y_imaginary, y_real


def require_powers(core: PowersOfTau, srs: Srs) -> None:
    """Raises ``SrsError`` unless the points are powers of the tau behind τ·G2, all of them."""
    try:
        core.require_valid()
        tau_g2 = decode_g2(core.tau_g2)
    except (ValueError, InputError) as error:
        raise _refusal(srs, str(error)) from error
    if core.g2 != multiply_g2(1).encode():
        raise _refusal(srs, "its point of G2 is not the generator")
    if core.point(0) != G1.encode():
        raise _refusal(srs, "its first point is not the generator")
    # Drawn after the points are in memory, unknown to whoever made them.
    lower, upper = core.combination(secrets.token_bytes(_SEED_BYTES))
    if not pairings_agree((lower, tau_g2), (upper, multiply_g2(1))):
        raise _refusal(srs, "its points are not powers of one tau")


def _read(srs: Srs, count: int) -> PowersOfTau:
    try:
        return load_core().Srs(str(srs.path), count)
    except ValueError as error:
        raise _refusal(srs, str(error)) from error


def _record_path(home: Path, srs: Srs) -> Path:
    return home / "srs" / "checked" / srs.digest


def _refusal(srs: Srs, reason: str) -> SrsError:
    return SrsError(
        f"{srs.path} does not hold powers of tau: {reason}", hint="Remove it and get it again with `pyml zk srs`."
    )
