"""S and the spare row hide SC-C and the opening, at the sizes that are used: rank, with real n and the real weights.

Each message of SC-C, K_S, K_T and what the opening shows of F is a linear form of the committed tables once challenges
are fixed. If these forms are independent already on some entries of S and two of the spare row, the messages are
uniform whatever the other tables hold. Unlike ``test_zero_knowledge``, which runs the whole prover on toys, this looks
at layouts of 2^21 entries and more, entry by entry.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.shape import Shape
from pyml.zk.native.verifier_accuracy_claims import Inference, Sent, gather_claims, main_names, product_names
from pyml.zk.native.verifier_claims import Claims
from pyml.zk.native.verifier_field import eq_at, eq_table, horner
from pyml.zk.native.verifier_layout import Layout, layout_of
from pyml.zk.native.verifier_packing import ENTRIES_A_ROW
from pyml.zk.native.verifier_sums import MainPoint
from tests.zk.native.mask_rank import rank

MNIST = Shape(10_000, (784, 64, 10), (7,), (256, 64), limb_bits=13, margin_limbs=3, degree=21, weight_bits=8)
OPENING = 11
"""F(τ), h(τ), g(τ), S_M(τ), D(τ), g(z), g(1/z), h(z), h(1/z), h(a), S_M(z); the rest of section 8 follows."""
Weight = Callable[[list[int]], int]


def drawn(rng: random.Random, count: int) -> list[int]:
    return [rng.randrange(R) for _ in range(count)]


def claims_at_random(layout: Layout, rng: random.Random, inference: Inference | None = None) -> Claims:
    """The claims of a proof whose messages and challenges are random."""
    layers = layout.shape.hidden_layers
    names = [*main_names(layers), "Y", "X", *product_names(layers)]
    alpha, beta, lam, mu, k_a, p_a, k_b, p_b, k_s, k_t, theta, gamma = drawn(rng, 12)
    main = MainPoint(alpha, beta, drawn(rng, layout.v), lam, drawn(rng, layout.v))
    values = dict(zip(names, drawn(rng, len(names)), strict=True))
    degrees = [4] * (layout.v - 1) + [7], [2] * (layout.rounds_b - 1) + [4]
    r = drawn(rng, layout.rounds_b)
    sent = Sent(main, values, mu, r, k_a, p_a, k_b, p_b, k_s, k_t, theta, *degrees)
    return gather_claims(layout, sent, gamma, inference)


class Forms:
    """All forms at one choice of challenges."""

    def __init__(self, n: int, seed: int) -> None:
        rng = random.Random(seed)
        self.n = n
        self.half = (n + 1) // 2
        self.sigma = drawn(rng, n)
        self.tau, self.a, self.z, self.xi = drawn(rng, 4)
        self.e1, self.e2 = eq_table(self.sigma[: self.half]), eq_table(self.sigma[self.half :])

    def of_sumcheck(self, index: int, weight: Weight) -> list[int]:
        """c_0 and c_2 of every round for a table that is 1 at ``index``."""
        bits, found, bound = [index >> place & 1 for place in range(self.n)], list[int](), 1
        for t in range(self.n):
            low, high = (weight([*self.sigma[:t], x, *bits[t + 1 :]]) for x in (0, 1))
            slope, start = (1, 0) if bits[t] else (-1, 1)  # the table along x: start + slope·x
            found += [bound * start * low % R, bound * slope * (high - low) % R]
            bound = bound * eq_at(bits[t], [self.sigma[t]]) % R
        return found

    def of_opening(self, index: int) -> list[int]:
        """What the opening shows of F = X^index."""
        low, high = index & ((1 << self.half) - 1), index >> self.half
        tau, a, z, by_z = self.tau, self.a, self.z, pow(self.z, -1, R)
        g, h = pow(a, high, R), self.e1[low]

        def s_m(x: int) -> int:
            of_g, of_h = self._cross(low, self.e1), self._cross(high, self.e2)
            return (g * horner(of_g, x) + self.xi * h * horner(of_h, x)) % R

        values = [pow(tau, index, R), h * pow(tau, high, R), g * pow(tau, low, R), s_m(tau)]
        values += [g * pow(tau, (1 << self.half) - 1 - low, R), g * pow(z, low, R), g * pow(by_z, low, R)]
        return [
            value % R for value in (*values, h * pow(z, high, R), h * pow(by_z, high, R), h * pow(a, high, R), s_m(z))
        ]

    @staticmethod
    def _cross(place: int, e: list[int]) -> list[int]:
        """Coefficients of X, X², … in X^place·e(1/X) + X^−place·e(X)."""
        size = len(e)
        return [
            (e[place - k] if 0 <= place - k < size else 0) + (e[place + k] if place + k < size else 0)
            for k in range(1, size)
        ]


@cache
def rows(shape: Shape) -> tuple[list[list[int]], list[list[int]]]:
    """Forms on random entries of S, and on two of the spare row."""
    rng, layout = random.Random(3), layout_of(shape)
    n, claims = shape.degree, claims_at_random(layout, rng)
    forms, k = Forms(n, seed=4), layout.stage1["K"]

    def weight_of_s(point: list[int]) -> int:
        return claims.weight(("S", 0), point)

    def weight_of_k(point: list[int]) -> int:
        return claims.weight(("stage 1", k.polynomial), point)

    def row(index: int, weight: Weight, sums: list[int]) -> list[int]:
        at_sigma = weight(forms.sigma)
        return [*sums, *forms.of_sumcheck(index, weight), *(at_sigma * value % R for value in forms.of_opening(index))]

    places = rng.sample(range(1 << n), 2 * n + OPENING + 3)
    unit = weight_of_s([0] * n)  # γ^j of the claim K_S
    cover = [row(at, weight_of_s, [_corner(weight_of_s, at, n) * pow(unit, -1, R) % R, 0]) for at in places]
    first = k.offset + ENTRIES_A_ROW * layout.masks.spare
    return cover, [row(first + e, weight_of_k, [0, 1]) for e in range(2)]


def _corner(weight: Weight, index: int, n: int) -> int:
    return weight([index >> place & 1 for place in range(n)])


LONG = pytest.mark.long


@pytest.mark.parametrize("degree", [pytest.param(20, marks=LONG), 21, pytest.param(22, marks=LONG)])
def test_the_cover_and_the_spare_row_hide_the_end(degree: int) -> None:
    cover, spare = rows(replace(MNIST, degree=degree))
    free = 2 + 2 * degree + OPENING
    assert len(cover[0]) == free
    assert rank([*cover, *spare]) == free


def test_the_cover_alone_does_not() -> None:
    """In the last round a known weight times a line has two coefficients, where three are shown."""
    cover, _ = rows(MNIST)
    without_k_t = [row[:1] + row[2:] for row in cover]
    assert rank(without_k_t) == len(without_k_t[0]) - 1


def test_the_spare_row_alone_does_not() -> None:
    _, spare = rows(MNIST)
    assert rank(spare) <= len(spare) < len(spare[0])
