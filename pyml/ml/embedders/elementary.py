"""Exponential, cosine and error function, the same to the bit on every machine.

A machine's own differ in their last bits from one library and processor to the next. These use only what IEEE 754
rounds exactly (+, -, ·, /, rint, scaling by powers of two) on one element at a time, and NumPy fuses no operations, so
that nothing is left to differ. They are right to about 1e-13; the error function to 1.5e-7.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Reals: TypeAlias = NDArray[np.float64]

_LOG_2 = 0.6931471805599453
_TURN = 6.283185307179586
_LEAST = -700.0
"""Below, e^x is taken for e^-700: a number that is not subnormal, and nothing beside 1."""
_EXPONENTIAL = [1 / math.factorial(n) for n in range(14)]
_COSINE = [(-1) ** n / math.factorial(2 * n) for n in range(15)]
_ERROR = [0.0, 0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429]
"""Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26."""


def exponential(x: Reals) -> Reals:
    """e^x for x up to 700."""
    bounded = np.clip(x, _LEAST, -_LEAST)
    doublings = np.rint(bounded / _LOG_2)
    return np.ldexp(_polynomial(_EXPONENTIAL, bounded - doublings * _LOG_2), doublings.astype(np.int32))


def cosine(x: Reals) -> Reals:
    """cos x, for an angle of a few million turns at most."""
    angle = x - np.rint(x / _TURN) * _TURN
    return _polynomial(_COSINE, angle * angle)


def error_function(x: Reals) -> Reals:
    """erf x = 2/√π ∫₀ˣ exp(-t²) dt."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    return np.copysign(1 - _polynomial(_ERROR, t) * exponential(-(x * x)), x)


def _polynomial(coefficients: list[float], x: Reals) -> Reals:
    """Σ coefficients[n]·x^n by Horner's rule."""
    total = np.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total
