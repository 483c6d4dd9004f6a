"""The rows of a column as the engine sees them: powers of a root of unity, and what a value of the column says of each.

Source: halo2, ``poly/domain.rs``; the column's polynomial is Σ_i u_i·L_i(X) with L_i(ω^j) = [i = j].
"""

from __future__ import annotations

from pyml.crypto.bn254 import SCALAR_MODULUS

TWO_ADICITY = 28
ROOT_OF_UNITY = pow(7, (SCALAR_MODULUS - 1) >> TWO_ADICITY, SCALAR_MODULUS)
"""Of order 2^28; 7 is what halo2curves takes as generator."""


def root_of_unity(degree: int) -> int:
    """ω: the rows of a circuit of 2^degree rows are its powers."""
    return pow(ROOT_OF_UNITY, 1 << (TWO_ADICITY - degree), SCALAR_MODULUS)


def lagrange_row(degree: int, x: int, entries: int) -> list[int]:
    """L_i(x) for the first rows i of 2^degree: L_i(x) = (ω^i / n)·(x^n - 1)/(x - ω^i)."""
    size, omega = 1 << degree, root_of_unity(degree)
    scaled = (pow(x, size, SCALAR_MODULUS) - 1) * pow(size, -1, SCALAR_MODULUS)
    powers = [pow(omega, place, SCALAR_MODULUS) for place in range(entries)]
    return [power * scaled * pow(x - power, -1, SCALAR_MODULUS) % SCALAR_MODULUS for power in powers]
