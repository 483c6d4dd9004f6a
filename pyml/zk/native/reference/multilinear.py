"""Tables over the cube and their multilinear extensions; variable 0 is the lowest bit of an index.

Source: ``circuits/native_accuracy/SPEC.md``, section 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R


def eq_table(point: Sequence[int]) -> list[int]:
    """eq(x, point) for every x of the cube."""
    table = [1]
    for coordinate in point:
        table = [entry * (1 - coordinate) % R for entry in table] + [entry * coordinate % R for entry in table]
    return table


def eq(left: Sequence[int], right: Sequence[int]) -> int:
    """Π (1 - a - b + 2ab)."""
    product = 1
    for a, b in zip(left, right, strict=True):
        product = product * (1 - a - b + 2 * a * b) % R
    return product


def bits(number: int, count: int) -> list[int]:
    """A number's bits, lowest first."""
    return [number >> place & 1 for place in range(count)]


def fold(table: Sequence[int], value: int) -> list[int]:
    """The table with variable 0 bound."""
    return [(low + value * (high - low)) % R for low, high in zip(table[::2], table[1::2], strict=True)]


def evaluate(table: Sequence[int], point: Sequence[int]) -> int:
    """The multilinear extension of a table of 2^t entries at t coordinates."""
    for coordinate in point:
        table = fold(table, coordinate)
    if len(table) != 1:
        raise AssertionError("a point has as many coordinates as the table has variables")
    return table[0] % R


def inner(left: Sequence[int], right: Sequence[int]) -> int:
    """Σ left·right."""
    return sum(a * b for a, b in zip(left, right, strict=True)) % R


def repeat_low(table: Sequence[int], variables: int) -> list[int]:
    """The table as one over further lowest variables, on which it does not depend."""
    return [entry for entry in table for _ in range(1 << variables)]


def invert_all(values: Sequence[int]) -> list[int]:
    """Inverses modulo r with one inversion (Montgomery's trick); raises ``ValueError`` for a zero."""
    products = [1]
    for value in values:
        products.append(products[-1] * value % R)
    inverse = pow(products[-1], -1, R)
    result = [0] * len(values)
    for place in range(len(values) - 1, -1, -1):
        result[place] = inverse * products[place] % R
        inverse = inverse * values[place] % R
    return result
