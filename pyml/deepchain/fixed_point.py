"""Updates as whole numbers, and the exact average of their sum: what an encrypted aggregate can be compared with.

Source: DeepChain, section 4.2.4, the rule C(W_i) = C(W_(i-1)) · 1/N · Π C(-ΔW_(i,j)), and the coefficients α_1 … α_l
that pack a vector. Deviations: the paper encrypts "gradients" without saying how a real number becomes a plaintext, and
the factor 1/N does not act on ciphertexts. Here

    e = rint(v · scale) + offset,    scale = (2^(b-1) - 1) / clip,    offset = 2^(b-1),    0 < e < 2^b
    mean = (Σ e - N · offset) / (N · scale)

The sum is what is encrypted, the rest happens after decryption. Rounding is half to even; each value is off by at most
half a step, 1 / (2 · scale). Every operation is one IEEE-754 operation a value, so that all parties get the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError

Update = NDArray[np.float64]
"""ΔW of one party, flat: weights before minus weights after its local training."""
Encoded = NDArray[np.int64]
"""An update as whole numbers below 2^bits, or a sum of such."""

MAX_BITS = 32


@dataclass(frozen=True, slots=True)
class FixedPoint:
    """The encoding that all parties of a group agree on."""

    bits: int = 16
    clip: float = 0.25
    """Greatest magnitude of a value; what is beyond is cut by ``clipped`` or refused by ``encode``."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= MAX_BITS:
            raise InputError("the width of a value is out of range", expected=f"2 to {MAX_BITS} bits", got=self.bits)
        if not (math.isfinite(self.clip) and 2.0**-64 <= self.clip <= 2.0**64):
            raise InputError("the clip is out of range", expected="2^-64 to 2^64", got=self.clip)

    @property
    def offset(self) -> int:
        """What stands for zero."""
        return 1 << (self.bits - 1)

    @property
    def scale(self) -> float:
        """Steps in one unit."""
        return (self.offset - 1) / self.clip

    def clipped(self, update: NDArray[Any]) -> tuple[Update, int]:
        """The update with each value cut to the clip, and how many were; NaN and infinity are refused."""
        values = _finite(update)
        cut = np.clip(values, -self.clip, self.clip)
        return cut, int((cut != values).sum())

    def encode(self, update: NDArray[Any]) -> Encoded:
        """Whole numbers 1 to 2^bits - 1; ``InputError`` on NaN, infinity, or a value beyond the clip."""
        values = _finite(update)
        if values.size and (worst := float(np.abs(values).max())) > self.clip:
            raise InputError(
                "a value of the update is beyond the clip",
                expected=f"at most {self.clip:g}",
                got=worst,
                hint="Clip the update first, or agree on a greater clip.",
            )
        return np.rint(values * self.scale).astype(np.int64) + self.offset

    def mean(self, sums: NDArray[Any], count: int) -> Update:
        """The average of ``count`` encoded updates from their sum; ``InputError`` on sums that cannot be theirs."""
        if count < 1:
            raise InputError("an average needs at least one update", got=count)
        if sums.ndim != 1 or not np.issubdtype(sums.dtype, np.integer):
            raise InputError("sums are one row of whole numbers", got=f"{sums.dtype} {sums.shape}")
        if sums.size and (int(sums.min()) < count or int(sums.max()) > count * (2 * self.offset - 1)):
            raise InputError(
                f"a sum is not one of {count} encoded values",
                expected=f"{count} to {count * (2 * self.offset - 1)}",
                got=f"{int(sums.min())} to {int(sums.max())}",
                hint="A party encrypted values out of range, which no proof excludes (docs/threat-model.md).",
            )
        centred = (sums.astype(np.int64) - count * self.offset).astype(np.float64)
        return centred / (count * self.scale)


def _finite(update: NDArray[Any]) -> Update:
    values = np.asarray(update, dtype=np.float64)
    if values.ndim != 1:
        raise InputError("an update is one row of numbers", got=values.shape)
    if not bool(np.isfinite(values).all()):
        raise InputError("the update holds NaN or infinity", hint="The local training diverged: lower its rate.")
    return values
