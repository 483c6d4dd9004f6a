"""The opening: its identities hold between the logarithms of what is sent, and for the value at the point only."""

from __future__ import annotations

import random

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.errors import ProofError
from pyml.zk.native.reference.multilinear import evaluate
from pyml.zk.native.reference.opening import send_opening
from pyml.zk.native.transcript import Messages, Transcript
from tests.zk.native.toy_powers import ExponentPowers

TAU = 0x5EED_0000_0000_0000_0001


def opened(n: int, seed: int = 1) -> tuple[Messages, list[int], list[int]]:
    """An opening of a random polynomial at a random point."""
    rng = random.Random(seed)
    coefficients = [rng.randrange(R) for _ in range(1 << n)]
    point = [rng.randrange(R) for _ in range(n)]
    messages = Messages(Transcript(bytes(32)))
    send_opening(messages, ExponentPowers(TAU, h=0), coefficients, point)
    return messages, coefficients, point


def e(point: list[int], x: int) -> int:
    """Π (1 - u + u·x^(2^i))."""
    product = 1
    for u in point:
        product, x = product * (1 - u + u * x) % R, x * x % R
    return product


def inner_product_holds(messages: Messages, point: list[int], value: int) -> bool:
    """The identity on the seven scalars."""
    half = -(-len(point) // 2)
    a, xi, z = (messages.challenges[name] for name in ("a", "xi", "z"))
    gz, gi, hz, hi, ha, sz, si = messages.words[10:17]
    inverse = messages.words[-2]
    left = gz * e(point[:half], inverse) + gi * e(point[:half], z)
    left += xi * (hz * e(point[half:], inverse) + hi * e(point[half:], z))
    assert a != z
    return (left - 2 * (ha + xi * value) - z * sz - si * inverse) % R == 0


def test_the_words_are_eight_points_seven_scalars_and_two_hints() -> None:
    messages, _, _ = opened(5)
    assert len(messages.words) == 8 * 2 + 7 + 2


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8])
def test_the_scalars_fit_the_value_at_the_point_and_no_other(n: int) -> None:
    messages, coefficients, point = opened(n)
    value = evaluate(coefficients, point)
    assert inner_product_holds(messages, point, value)
    assert not inner_product_holds(messages, point, value + 1)
    assert not inner_product_holds(messages, point[::-1], value)  # first coordinate: lowest variable


@pytest.mark.parametrize("n", [2, 3, 5])
def test_both_kzg_openings_hold_between_logarithms(n: int) -> None:
    messages, coefficients, _ = opened(n)
    words, c = messages.words, messages.challenges
    h, g, q, s, d = words[0:10:2]
    gz, gi, hz, hi, ha, sz, si = words[10:17]
    pi, omega, last = words[17:23:2]
    a, z, delta, y = c["a"], c["z"], c["delta"], c["y_M"]
    b, inverse = 1 << -(-n // 2), words[-2]
    assert z * inverse % R == 1
    assert (z - inverse) * (z - a) * (inverse - a) * words[-1] % R == 1
    f = sum(entry * pow(TAU, k, R) for k, entry in enumerate(coefficients))
    assert (f - (pow(z, b, R) - a) * q - gz - pi * (TAU - z)) % R == 0

    def through(x: int, nodes: list[tuple[int, int]]) -> int:
        total = 0
        for node, value in nodes:
            for other, _ in nodes:
                if other != node:
                    value = value * (x - other) * pow(node - other, -1, R) % R
            total += value
        return total

    left = h - through(y, [(z, hz), (inverse, hi), (a, ha)])
    left += (y - a) * delta * (g - through(y, [(z, gz), (inverse, gi)]))
    left += (y - a) * delta**2 * (s - through(y, [(z, sz), (inverse, si)]))
    left += (y - a) * (y - inverse) * delta**3 * (d - pow(z, b - 1, R) * gi)
    left -= (y - z) * (y - inverse) * (y - a) * omega
    assert (left - last * (TAU - y)) % R == 0


class _Fixed(Transcript):
    """Every challenge is the same."""

    def challenge(self) -> int:
        return 5


def test_colliding_challenges_are_refused() -> None:
    with pytest.raises(ProofError, match="another seed"):
        send_opening(Messages(_Fixed(bytes(32))), ExponentPowers(TAU, h=0), list(range(16)), [2, 3, 4, 5])
