"""Local differential privacy: the noise that is stated is the noise that is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pyml.deepchain.privacy import GaussianNoise
from pyml.errors import InputError


def test_updates_are_shortened_and_noise_has_the_stated_deviation() -> None:
    noise = GaussianNoise(norm=2.0, multiplier=0.5)
    update = np.zeros(20_000)
    update[0] = 50.0
    private = noise.applied(update, np.random.default_rng(5))
    assert abs(private[0] - 2.0) < 6 * noise.sigma
    # a sample deviation of 20,000 normal draws lies within 5 of its own deviations, sigma / sqrt(2n)
    assert abs(private[1:].std() - noise.sigma) < 5 * noise.sigma / math.sqrt(40_000)


def test_short_updates_keep_their_length() -> None:
    noise = GaussianNoise(norm=1.0, multiplier=1e-9)
    update = np.array([0.3, -0.4])
    assert np.allclose(noise.applied(update, np.random.default_rng(0)), update, atol=1e-7)
    assert np.allclose(noise.applied(np.zeros(2), np.random.default_rng(0)), 0.0, atol=1e-7)


def test_epsilon_is_that_of_the_formula_and_grows_with_rounds() -> None:
    noise = GaussianNoise(norm=1.0, multiplier=10.0)
    rho = 0.02  # 2 / 10^2
    assert noise.epsilon(1, 1e-5) == pytest.approx(rho + 2 * math.sqrt(rho * math.log(1e5)))
    assert noise.epsilon(100, 1e-5) > noise.epsilon(10, 1e-5) > noise.epsilon(1, 1e-5)
    assert GaussianNoise(7.0, 10.0).epsilon(1, 1e-5) == noise.epsilon(1, 1e-5)  # not of the norm


@pytest.mark.parametrize(
    ("norm", "multiplier"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (math.nan, 1.0), (1.0, math.inf)]
)
def test_mechanisms_without_meaning_are_refused(norm: float, multiplier: float) -> None:
    with pytest.raises(InputError, match="positive and finite"):
        GaussianNoise(norm, multiplier)


@pytest.mark.parametrize(("rounds", "delta"), [(0, 1e-5), (1, 0.0), (1, 1.0)])
def test_statements_without_meaning_are_refused(rounds: int, delta: float) -> None:
    with pytest.raises(InputError, match="rounds are positive"):
        GaussianNoise(1.0, 1.0).epsilon(rounds, delta)


def test_a_diverged_update_is_refused() -> None:
    with pytest.raises(InputError, match="NaN or infinity"):
        GaussianNoise(1.0, 1.0).applied(np.array([math.nan]), np.random.default_rng(0))
