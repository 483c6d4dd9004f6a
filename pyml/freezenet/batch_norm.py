"""Batch normalisation folded into a layer's integer multiplier and bias, under scales that are powers of two.

Source: specification, section 1.3; Jacob et al. 2018, section 3.2. An integer q stands for q · 2^-bits. A normalisation
of x·w + b in float,

    y = gamma · (x·w + b - mean) / sqrt(variance + epsilon) + beta,

is, with x, w and y in integers of ``input_bits``, ``weight_bits`` and ``output_bits``, and s the layer's shift,

    y = (multiplier · (x·w) + bias) / 2^s
    multiplier = gamma / sqrt(variance + epsilon) · 2^(output_bits + s - input_bits - weight_bits)
    bias       = (gamma · (b - mean) / sqrt(variance + epsilon) + beta) · 2^(output_bits + s)

each rounded to the nearest integer. Kernels stay as they are, for they are watermarked. All scales are the task's, so a
miner's normalisation is bounded by the int16 and int32 that hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError


@dataclass(frozen=True, slots=True)
class FixedScales:
    """How many fractional bits a layer's integers have, and the shift that leads from its sums to its outputs."""

    input_bits: int
    weight_bits: int
    output_bits: int
    shift: int

    @property
    def sum_exponent(self) -> int:
        """A sum has to be multiplied by 2^this before the shift."""
        return self.output_bits + self.shift - self.input_bits - self.weight_bits


def fold_bias(bias: NDArray[np.floating], scales: FixedScales) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Multiplier and bias of a layer without normalisation, from its float bias [channels].

    Raises ``ModelError`` where the shift is too small for the scales, or a number beyond int16 or int32.
    """
    if scales.sum_exponent < 0:
        raise ModelError(
            "a layer's shift is too small for its scales",
            expected=f"{scales.shift - scales.sum_exponent} bits or more",
            got=scales.shift,
        )
    return _folded(np.ones(len(bias)), np.asarray(bias, dtype=np.float64), scales)


def fold_batch_norm(
    bias: NDArray[np.floating],
    scales: FixedScales,
    *,
    gamma: NDArray[np.floating],
    beta: NDArray[np.floating],
    mean: NDArray[np.floating],
    variance: NDArray[np.floating],
    epsilon: float,
) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Multiplier and bias [channels] of a layer whose sums are normalised; ``ModelError`` beyond int16 or int32."""
    parts = np.broadcast_arrays(bias, gamma, beta, mean, variance)
    b, g, offset, centre, spread = (np.asarray(part, dtype=np.float64) for part in parts)
    if b.ndim != 1 or epsilon < 0 or not (spread + epsilon > 0).all():
        raise ModelError("a batch normalisation cannot be folded", expected="vectors, and positive variances")
    factor = g / np.sqrt(spread + epsilon)
    return _folded(factor, factor * (b - centre) + offset, scales)


def _folded(
    factor: NDArray[np.float64], offset: NDArray[np.float64], scales: FixedScales
) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    multiplier = np.ldexp(factor, scales.sum_exponent)
    bias = np.ldexp(offset, scales.output_bits + scales.shift)
    return _rounded(multiplier, "multiplier", np.int16), _rounded(bias, "bias", np.int32)


def _rounded(values: NDArray[np.float64], name: str, kind: type[np.signedinteger[Any]]) -> NDArray[Any]:
    limits, rounded = np.iinfo(kind), np.rint(values)
    if not ((rounded >= limits.min) & (rounded <= limits.max)).all():  # NaN is refused too
        raise ModelError(
            f"a folded {name} does not fit", expected=f"[{limits.min}, {limits.max}]", got=float(values[_worst(values)])
        )
    return rounded.astype(kind)


def _worst(values: NDArray[np.float64]) -> int:
    return int(np.argmax(np.abs(values)))
