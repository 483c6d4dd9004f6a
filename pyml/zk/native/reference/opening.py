"""One evaluation of one multilinear polynomial, from its commitment as a univariate one: Mercury.

Source: ``circuits/native_accuracy/SPEC.md``, section 8; Eagen and Gabizon, "MERCURY: A multilinear polynomial
commitment scheme with constant proof size and no prover FFTs" (ePrint 2025/385). The batched KZG opening is that of
Boneh, Drake, Fisch and Gabizon (ePrint 2020/081), section 4. Nothing here is blinded: F is a random polynomial.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import ProofError
from pyml.zk.native.reference.multilinear import eq_table, inner
from pyml.zk.native.reference.powers import Powers
from pyml.zk.native.reference.univariate import add, divide_by_root, horner, interpolate, multiply, scale
from pyml.zk.native.transcript import Messages


def send_opening(messages: Messages, powers: Powers, coefficients: Sequence[int], point: Sequence[int]) -> None:
    """Messages 12: that F, with these coefficients, has the value at ``point`` that SC-C ended in."""
    half = -(-len(point) // 2)
    b = 1 << half
    parts = [coefficients[start : start + b] for start in range(0, len(coefficients), b)]
    e1, e2 = eq_table(point[:half]), eq_table(point[half:])

    h = [inner(part, e1) for part in parts]
    _send_commitments(messages, powers, h)
    a = messages.challenge("a")

    g = add(*(scale(pow(a, place, R), part) for place, part in enumerate(parts)))
    q = _quotient(parts, a)
    _send_commitments(messages, powers, g, q)
    xi = messages.challenge("xi")

    s = add(_cross(g, e1), scale(xi, _cross(h, e2)))
    d = g[::-1]
    _send_commitments(messages, powers, s, d)
    z = messages.challenge("z")
    _require_distinct(z, a)

    inverse = pow(z, -1, R)
    values = [horner(g, z), horner(g, inverse), horner(h, z), horner(h, inverse), horner(h, a)]
    values += [horner(s, z), horner(s, inverse)]
    messages.send(*values)
    delta = messages.challenge("delta")

    remainder = add(coefficients, scale(-(pow(z, b, R) - a), q))
    pi = divide_by_root(remainder, z)
    opened = _Batch(
        polynomials=(h, g, s, d),
        nodes=((z, inverse, a), (z, inverse), (z, inverse), (z,)),
        values=((values[2], values[3], values[4]), (values[0], values[1]), (values[5], values[6]), (horner(d, z),)),
    )
    omega = opened.quotient(delta)
    _send_commitments(messages, powers, pi, omega)
    y = messages.challenge("y_M")

    _send_commitments(messages, powers, divide_by_root(opened.linearised(delta, omega, y), y))
    messages.challenge("omega")
    messages.words += [inverse, pow((z - inverse) * (z - a) * (inverse - a), -1, R)]  # hints: not absorbed


class _Batch:
    """KZG openings of several polynomials, each at nodes of its own among z, 1/z, a."""

    def __init__(
        self,
        polynomials: Sequence[Sequence[int]],
        nodes: Sequence[Sequence[int]],
        values: Sequence[Sequence[int]],
    ) -> None:
        self.polynomials = polynomials
        self.nodes = nodes
        self.remainders = [interpolate(at, of) for at, of in zip(nodes, values, strict=True)]

    def quotient(self, delta: int) -> list[int]:
        """Ω = Σ δ^j·(f_j - r_j) / Π (X - node)."""
        total = [0]
        for place, (f, remainder) in enumerate(zip(self.polynomials, self.remainders, strict=True)):
            part = add(f, scale(-1, remainder))
            for node in self.nodes[place]:
                part = divide_by_root(part, node)
            total = add(total, scale(pow(delta, place, R), part))
        return total

    def linearised(self, delta: int, omega: Sequence[int], y: int) -> list[int]:
        """L(X): Σ δ^j·(f_j - r_j(y))·Π (y - nodes that f_j is not opened at) - Π (y - node)·Ω; zero at y."""
        everywhere = self.nodes[0]
        total = scale(-_vanishing(everywhere, y), omega)
        for place, (f, remainder) in enumerate(zip(self.polynomials, self.remainders, strict=True)):
            others = [node for node in everywhere if node not in self.nodes[place]]
            factor = pow(delta, place, R) * _vanishing(others, y)
            total = add(total, scale(factor, add(f, [-horner(remainder, y)])))
        return total


def _quotient(parts: Sequence[Sequence[int]], a: int) -> list[int]:
    """q = (F - g)/(X^b - a): blocks q_i = f_{i+1} + a·q_{i+1}."""
    blocks: list[list[int]] = [[0] * len(parts[0])]
    for part in reversed(parts[1:]):
        blocks.append(add(part, scale(a, blocks[-1])))
    return [entry for block in reversed(blocks[1:]) for entry in block]


def _cross(f: Sequence[int], e: Sequence[int]) -> list[int]:
    """Coefficients of X, X², … in f(X)·e(1/X) + f(1/X)·e(X)."""
    product = add(multiply(f, e[::-1]), multiply(e, f[::-1]))  # shifted by len(f) - 1
    return product[len(f) :]


def _vanishing(nodes: Sequence[int], x: int) -> int:
    product = 1
    for node in nodes:
        product = product * (x - node) % R
    return product


def _require_distinct(z: int, a: int) -> None:
    """Refuse the nodes that cannot be opened at together: then another seed does."""
    if z == 0 or z * z % R == 1 or z == a or a * z % R == 1:
        raise ProofError("the opening's challenges collide", hint="Prove again: another seed is drawn.")


def _send_commitments(messages: Messages, powers: Powers, *polynomials: Sequence[int]) -> None:
    messages.send_points([powers.commit(polynomial, 0) for polynomial in polynomials])
