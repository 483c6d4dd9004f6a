"""Polynomials in one variable as lists of coefficients, lowest first, modulo r."""

from __future__ import annotations

from collections.abc import Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R


def horner(coefficients: Sequence[int], x: int) -> int:
    """The value at x."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % R
    return value


def interpolate(points: Sequence[int], values: Sequence[int]) -> list[int]:
    """Coefficients of the polynomial of least degree through (points, values): Lagrange's form."""
    result = [0] * len(points)
    for place, x in enumerate(points):
        basis, denominator = [1], 1
        for other, y in enumerate(points):
            if other != place:
                basis = multiply(basis, [-y, 1])
                denominator = denominator * (x - y) % R
        factor = values[place] * pow(denominator, -1, R) % R
        result = [(have + factor * part) % R for have, part in zip(result, basis, strict=True)]
    return result


def multiply(left: Sequence[int], right: Sequence[int]) -> list[int]:
    """The product."""
    result = [0] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            result[i + j] = (result[i + j] + a * b) % R
    return result


def add(*parts: Sequence[int]) -> list[int]:
    """The sum of polynomials of any degrees."""
    result = [0] * max(map(len, parts))
    for part in parts:
        for place, coefficient in enumerate(part):
            result[place] = (result[place] + coefficient) % R
    return result


def scale(factor: int, coefficients: Sequence[int]) -> list[int]:
    """factor · polynomial."""
    return [factor * coefficient % R for coefficient in coefficients]


def divide_by_root(coefficients: Sequence[int], root: int) -> list[int]:
    """(f - f(root)) / (X - root), by synthetic division."""
    quotient: list[int] = []
    carry = 0
    for coefficient in reversed(coefficients[1:]):
        carry = (coefficient + root * carry) % R
        quotient.append(carry)
    return quotient[::-1] or [0]
