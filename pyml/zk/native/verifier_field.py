"""What a verifier computes on the cube: eq, tables of it, and the few polynomials that it knows in closed form.

Source: ``circuits/native_accuracy/SPEC.md``, sections 2, 6, 9 and 10; its conventions throughout: variable 0 is the
lowest bit of an index, and an integer stands for its bits, lowest first. Written without sight of the prover.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R


def lg(count: int) -> int:
    """⌈log2 count⌉, section 2; lg(1) = 0."""
    return (count - 1).bit_length()


def invert(value: int) -> int:
    """1 / value; raises ``ValueError`` for zero."""
    return pow(value, -1, R)


def last(point: Sequence[int], count: int) -> Sequence[int]:
    """The last coordinates: the suffix rule of section 2. Of none it is the empty slice."""
    return point[len(point) - count :]


def eq(left: Sequence[int], right: Sequence[int]) -> int:
    """eq(a, b) = Π (1 − a_i − b_i + 2·a_i·b_i), section 2."""
    result = 1
    for a, b in zip(left, right, strict=True):
        result = result * (1 - a - b + 2 * a * b) % R
    return result


def eq_at(index: int, point: Sequence[int]) -> int:
    """eq(k, b) for an integer k; raises ``ValueError`` where k has more bits than b coordinates."""
    if index >> len(point):
        raise ValueError(f"{index} has more than {len(point)} bits")
    result = 1
    for place, coordinate in enumerate(point):
        result = result * (coordinate if index >> place & 1 else 1 - coordinate) % R
    return result


def eq_table(point: Sequence[int]) -> list[int]:
    """eq(k, b) for every k of the cube."""
    table = [1]
    for coordinate in point:
        high = [entry * coordinate % R for entry in table]
        table = [(entry - upper) % R for entry, upper in zip(table, high, strict=True)] + high
    return table


def below(bound: int, point: Sequence[int]) -> int:
    """Σ_{k < bound} eq(k, b): the extension of [k < bound], section 9."""
    return geometric_below(bound, 1, point)


def geometric(ratio: int, point: Sequence[int]) -> int:
    """Σ_k ratio^k·eq(k, b) = Π (1 − b_k + b_k·ratio^(2^k)), section 10."""
    result = 1
    for coordinate in point:
        result = result * (1 - coordinate + coordinate * ratio) % R
        ratio = ratio * ratio % R
    return result


def geometric_below(bound: int, ratio: int, point: Sequence[int]) -> int:
    """Σ_{k < bound} ratio^k·eq(k, b): what is left of the cube at each bit that ``bound`` has."""
    if bound >> len(point):
        return geometric(ratio, point)
    total, prefix = 0, 1
    for place in reversed(range(len(point))):
        power, coordinate = pow(ratio, 1 << place, R), point[place]
        if bound >> place & 1:
            total += prefix * (1 - coordinate) % R * geometric(ratio, point[:place])
            prefix = prefix * coordinate % R * power % R
        else:
            prefix = prefix * (1 - coordinate) % R
    return total % R


def horner(coefficients: Sequence[int], x: int) -> int:
    """Σ coefficients[k]·x^k."""
    result = 0
    for coefficient in reversed(coefficients):
        result = (result * x + coefficient) % R
    return result


def inner(left: Iterable[int], right: Iterable[int]) -> int:
    """Σ left_k·right_k over lists of one length."""
    return sum(a * b for a, b in zip(left, right, strict=True)) % R
