"""Folded normalisations stay within rounding of the float ones; what does not fit is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import ModelError
from pyml.freezenet.batch_norm import FixedScales, fold_batch_norm, fold_bias
from pyml.freezenet.inference import Int8Layer, Int8Network, activations

SCALES = FixedScales(input_bits=7, weight_bits=6, output_bits=4, shift=18)
NORMAL = {
    "gamma": np.array([1.0, -0.5, 0.0]),
    "beta": np.array([0.25, 0.5, -1.0]),
    "mean": np.array([0.0, 0.3, 0.1]),
    "variance": np.array([1.0, 0.25, 2.0]),
}
BIAS = np.array([0.1, -0.2, 0.3])


@given(st.integers(0, 2**32))
def test_integers_follow_the_float_normalisation(seed: int) -> None:
    """Rounding: half a unit of the output, half one of the multiplier for each sum, less than one of the bias."""
    random = np.random.default_rng(seed)
    weight = random.integers(-128, 128, (20, 4), dtype=np.int8)
    inputs = random.integers(-128, 128, (5, 20), dtype=np.int8)
    bias, beta, mean = random.normal(size=(3, 4))
    gamma, variance = random.uniform(-1, 1, 4), random.uniform(0.5, 2, 4)
    normal = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    multiplier, offset = fold_batch_norm(bias, SCALES, **normal, epsilon=1e-3)
    logits = Int8Layer(np.ones((4, 1), np.int8), np.ones(1, np.int16), np.zeros(1, np.int32), relu=False)
    network = Int8Network((Int8Layer(weight, multiplier, offset, SCALES.shift, relu=False), logits))
    (found,) = activations(network, inputs)
    sums = inputs.astype(np.int64) @ weight
    exact = gamma * (sums / 2.0**13 + bias - mean) / np.sqrt(variance + 1e-3) + beta
    wanted = np.clip(exact * 2**SCALES.output_bits, -128, 127)
    tolerance = 0.5 + (0.5 * np.abs(sums) + 1) / 2**SCALES.shift
    assert (np.abs(found - wanted) <= tolerance).all()


def test_a_layer_without_normalisation_has_multiplier_one() -> None:
    multiplier, bias = fold_bias(np.array([0.5, -0.25]), FixedScales(7, 6, 4, 9))
    assert multiplier.dtype == np.int16
    assert multiplier.tolist() == [1, 1]
    assert bias.dtype == np.int32
    assert bias.tolist() == [4096, -2048]


def test_gamma_of_zero_leaves_beta() -> None:
    multiplier, bias = fold_batch_norm(BIAS, SCALES, **NORMAL, epsilon=1e-3)
    assert multiplier[2] == 0
    assert bias[2] == -1 * 2 ** (SCALES.output_bits + SCALES.shift)


def test_shift_too_small_for_the_scales() -> None:
    with pytest.raises(ModelError) as caught:
        fold_bias(np.zeros(2), FixedScales(7, 6, 4, 8))
    assert str(caught.value) == "a layer's shift is too small for its scales; expected 9 bits or more; got 8"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": np.array([1e3, 0, 0])}, "a folded multiplier does not fit; expected [-32768, 32767]; got"),
        ({"gamma": np.array([np.nan, 0, 0])}, "a folded multiplier does not fit; expected [-32768, 32767]; got nan"),
        ({"beta": np.array([1e3, 0, 0])}, "a folded bias does not fit; expected [-2147483648, 2147483647]; got"),
        (
            {"mean": np.array([np.inf, 0, 0])},
            "a folded bias does not fit; expected [-2147483648, 2147483647]; got -inf",
        ),
        (
            {"variance": np.array([-1.0, 1, 1])},
            "a batch normalisation cannot be folded; expected vectors, and positive",
        ),
        (
            {"variance": np.array([np.nan, 1, 1])},
            "a batch normalisation cannot be folded; expected vectors, and positive",
        ),
        ({"epsilon": -1.0}, "a batch normalisation cannot be folded; expected vectors, and positive variances"),
    ],
)
def test_what_does_not_fit(change: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {**NORMAL, "epsilon": 1e-3, **change}
    with pytest.raises(ModelError) as caught:
        fold_batch_norm(BIAS, SCALES, **arguments)
    assert str(caught.value).startswith(message)
