"""Quantisation: range, rounding, scales, accuracy kept, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.ml.affine import AffineLayer, forward
from pyml.ml.datasets import Dataset, input_shift, integers, load
from pyml.ml.integer import hidden, logits
from pyml.ml.modules import affine_layers
from pyml.ml.networks import cnn, parse_shapes
from pyml.ml.quantise import SEARCH_SAMPLES, measure, quantise
from pyml.ml.shapes import Convolution, LayerShape, Pool
from pyml.ml.training import TrainingConfig, train
from tests.ml.random_networks import chains, random_layers


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


TRAINED = ["64-10", "64-32-10", "64-24-16-12-10", "1x8x8:c6k3p1-max2-c8k3-10", "1x8x8:c6k3-avg2-16-10"]


@pytest.fixture(scope="module", params=TRAINED)
def trained(request: pytest.FixtureRequest, digits: Dataset) -> tuple[AffineLayer, ...]:
    shapes = parse_shapes(request.param)
    model = cnn(shapes, seed=3, batch_norm=shapes[0].convolution is not None)
    train(model, digits, TrainingConfig(epochs=8, seed=4))
    return affine_layers(model)


def test_accuracy_survives_eight_bits(trained: tuple[AffineLayer, ...], digits: Dataset) -> None:
    result = quantise(trained, integers(digits.train_images[:300], pixel_max=16), input_scale=1 / 16, input_max=16)
    report = measure(result, trained, integers(digits.test_images, pixel_max=16), digits.test_labels)
    assert report.samples == 500
    # Random guessing gets 0.1; the bounds leave room for other versions of PyTorch, not for a broken scale.
    assert report.float_accuracy > 0.8
    assert abs(report.accuracy_loss) <= 0.02
    assert report.agreement >= 0.97
    assert report.mean_logit_error < report.max_logit_error < 0.1 * report.max_float_logit


def test_more_bits_give_less_error(trained: tuple[AffineLayer, ...], digits: Dataset) -> None:
    calibration = integers(digits.train_images[:200], pixel_max=16)
    test = integers(digits.test_images, pixel_max=16)
    errors = [
        measure(
            quantise(trained, calibration, input_scale=1 / 16, input_max=16, bits=bits),
            trained, test, digits.test_labels,
        ).mean_logit_error
        for bits in (4, 8, 12, 16)
    ]  # fmt: skip
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 500


def test_narrow_inputs_use_the_matching_scale(trained: tuple[AffineLayer, ...], digits: Dataset) -> None:
    shift = input_shift(16, 4)
    assert shift == 1
    narrow = integers(digits.test_images, pixel_max=16, bits=4)
    assert narrow.max() <= 8
    scale = 2**shift / 16
    result = quantise(trained, narrow[:200], input_scale=scale, input_max=8)
    report = measure(result, trained, narrow, digits.test_labels)
    assert report.agreement > 0.95  # against the float network on the same narrowed inputs


@given(
    seed=st.integers(0, 2**32),
    shapes=chains(),
    bits=st.integers(2, 16),
    magnitude=st.floats(1e-6, 1e6),
)
@settings(deadline=None, max_examples=40)
def test_rescaled_logits_stay_within_the_rounding_error(
    seed: int, shapes: tuple[LayerShape, ...], bits: int, magnitude: float
) -> None:
    """Every weight and bias is in range, and the logits obey an error bound computed from the rounding alone.

    ReLU, maxima and sums pass errors on as they pass values on.
    """
    random = np.random.default_rng(seed)
    layers = [
        replace(layer, weight=layer.weight * magnitude, bias=layer.bias * magnitude)
        for layer in random_layers(shapes, random)
    ]
    inputs = random.integers(0, 256, (8, shapes[0].inputs))
    result = quantise(layers, inputs, input_scale=1 / 255, input_max=255, bits=bits)
    half = 1 << (bits - 1)
    exact = inputs / 255.0
    error = np.zeros_like(exact)
    scale = 1 / 255
    values = exact
    for index, (affine, integer) in enumerate(zip(layers, result.network.layers, strict=True)):
        assert integer.shape == affine.shape == shapes[index]
        assert -half <= integer.weight.min()
        assert integer.weight.max() < half
        assert -half <= integer.bias.min()
        assert integer.bias.max() < half
        top = np.abs(affine.weight).max() * result.clips[index]
        weight_scale = top / (half - 1)
        scale *= weight_scale
        weight_error = np.abs(integer.weight * weight_scale - affine.weight)
        clipped = np.clip(affine.weight, -half * weight_scale, (half - 1) * weight_scale)
        assert (np.abs(integer.weight * weight_scale - clipped) <= weight_scale / 2 * (1 + 1e-9)).all()
        bias_error = np.abs(integer.bias * (float(integer.bias_unit) * scale) - affine.bias)
        assert (bias_error <= integer.bias_unit * scale / 2 * (1 + 1e-9)).all()
        if integer.bias_unit > 1:  # a unit half as large would not have fitted
            assert np.abs(affine.bias).max() / scale > (half - 1) * integer.bias_unit / 2
        multiply, last = affine.shape.multiply, index + 1 == len(layers)
        error = multiply(error, np.abs(affine.weight) + weight_error) + multiply(np.maximum(values, 0), weight_error)
        error = affine.shape.reduce(error + affine.shape.spread(bias_error))
        values = affine.pre_activations(values) if last else affine.activations(values)
    got = logits(result.network, inputs).astype(np.float64) * result.logit_scale
    assert np.isclose(scale, result.logit_scale)
    assert (np.abs(got - forward(layers, exact)) <= error * (1 + 1e-6) + 1e-9 * np.abs(values).max()).all()


@pytest.mark.parametrize("activation_max", [2**10, 2**14])
def test_hidden_values_met_in_calibration_fit_the_activation_range(
    trained: tuple[AffineLayer, ...], digits: Dataset, activation_max: int
) -> None:
    calibration = integers(digits.train_images[:400], pixel_max=16)
    result = quantise(trained, calibration, input_scale=1 / 16, input_max=16, activation_max=activation_max)
    plain = quantise(trained, calibration, input_scale=1 / 16, input_max=16)
    assert not any(layer.shift for layer in plain.network.layers)
    *inner, _ = zip(result.network.layers, hidden(result.network, calibration), strict=True)
    for layer, pre in inner:
        top = int(np.abs(pre >> layer.shift).max())
        assert top <= 0.75 * activation_max + 1
        if layer.shift:  # one bit less would not have fitted
            assert np.abs(pre).max() / 2 ** (layer.shift - 1) > 0.75 * activation_max
    report = measure(result, trained, integers(digits.test_images, pixel_max=16), digits.test_labels)
    assert report.agreement >= 0.97
    if len(trained) > 1 and activation_max == 2**10:
        assert any(layer.shift for layer in result.network.layers)


def test_exactly_representable_networks_lose_nothing() -> None:
    weight = np.array([[127.0, -127.0], [5.0, 64.0]])
    layers = [AffineLayer("only", weight / 8, np.array([3.0, -2.0]) / 8)]
    inputs = np.array([[1, 2], [3, 0], [0, 7]])
    result = quantise(layers, inputs, input_scale=1.0, input_max=7)
    assert result.clips == (1.0,)
    assert np.array_equal(result.network.layers[0].weight, weight.astype(np.int64))
    assert result.network.layers[0].bias.tolist() == [3, -2]
    assert measure(result, layers, inputs, np.array([0, 0, 1])).max_logit_error < 1e-12


SHAPES = (LayerShape(3, 4), LayerShape(4, 2))


def test_exactly_representable_convolutions_lose_nothing() -> None:
    """A quarter of a sum of four is in the weights behind it."""
    first = np.array([[127.0], [-3.0], [5.0], [64.0]])
    layers = [
        AffineLayer("a", first / 8, np.array([2.0]), Convolution(1, 3, 3, (2, 2)), Pool("sum", 2)),
        AffineLayer("b", np.array([[127.0, -64.0]]) / 4, np.array([0.0, 1.0])),
    ]
    inputs = np.random.default_rng(0).integers(0, 8, (20, 9))
    result = quantise(layers, inputs, input_scale=1.0, input_max=7)
    assert result.clips == (1.0, 1.0)
    assert np.array_equal(result.network.layers[0].weight, first.astype(np.int64))
    assert [layer.shape for layer in result.network.layers] == [layer.shape for layer in layers]
    report = measure(result, layers, inputs, np.zeros(20, dtype=np.int64))
    assert report.max_logit_error <= 1e-9 * report.max_float_logit


def test_clips_come_from_the_first_samples_and_shifts_from_all() -> None:
    random = np.random.default_rng(0)
    layers = [replace(layer, bias=np.zeros_like(layer.bias)) for layer in random_layers(SHAPES, random)]
    faint, bright = random.integers(0, 5, (SEARCH_SAMPLES, 3)), np.full((1, 3), 255)
    alone, joined = (
        quantise(layers, np.concatenate(parts), input_scale=1 / 255, input_max=255, activation_max=2**8)
        for parts in ([faint], [faint, bright])
    )
    assert alone.clips[0] == joined.clips[0]
    shifts = alone.network.layers[0].shift, joined.network.layers[0].shift
    assert shifts[0] < shifts[1]
    assert np.array_equal(alone.network.layers[0].weight, joined.network.layers[0].weight)
    assert np.abs(hidden(joined.network, bright)[0] >> shifts[1]).max() <= 0.75 * 2**8 + 1
    assert np.abs(hidden(joined.network, bright)[0] >> shifts[0]).max() > 2**8
    exact = forward(layers, bright / 255)
    np.testing.assert_allclose(logits(joined.network, bright) * joined.logit_scale, exact, atol=0.1)


def test_the_same_network_quantises_to_the_same_integers(trained: tuple[AffineLayer, ...], digits: Dataset) -> None:
    calibration = integers(digits.train_images[:100], pixel_max=16)
    first = quantise(trained, calibration, input_scale=1 / 16, input_max=16)
    assert first == quantise(trained, calibration, input_scale=1 / 16, input_max=16)


def test_a_zero_network_stays_zero() -> None:
    layers = [AffineLayer("a", np.zeros((2, 3)), np.zeros(3)), AffineLayer("b", np.zeros((3, 2)), np.zeros(2))]
    result = quantise(layers, np.array([[1, 2]]), input_scale=1.0, input_max=2)
    assert not any(layer.weight.any() or layer.bias.any() for layer in result.network.layers)
    report = measure(result, layers, np.array([[1, 2]]), np.array([0]))
    assert report.float_accuracy == report.integer_accuracy == 0.0  # ties are wrong in both


def test_a_large_bias_takes_a_larger_unit() -> None:
    layers = [AffineLayer("a", np.array([[1.0]]), np.array([1e6]))]
    result = quantise(layers, np.array([[1]]), input_scale=1.0, input_max=1)
    (layer,) = result.network.layers
    assert layer.bias_unit > 1
    step = layer.bias_unit * result.logit_scale
    assert abs(int(layer.bias[0]) * step - 1e6) <= step / 2


def test_weights_beyond_any_scale_are_refused() -> None:
    layers = [AffineLayer("huge", np.full((1, 1), 1e300), np.zeros(1))]
    with pytest.raises(ModelError, match="layer huge: weights are too large or too small"):
        quantise(layers, np.array([[1]]), input_scale=1.0, input_max=1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"bits": 1}, "weight width"),
        ({"bits": 32}, "weight width"),
        ({"input_scale": 0.0}, "input scale"),
        ({"input_scale": float("nan")}, "input scale"),
        ({"input_max": 0}, "input scale"),
        ({"activation_max": 0}, "activation_max must be positive"),
        ({"input_max": 1}, "calibration input is out of range"),
        ({"calibration": np.array([[0.5, 1.0]])}, "calibration inputs do not fit"),
        ({"calibration": np.array([[1, 2, 3]])}, "calibration inputs do not fit"),
        ({"calibration": np.zeros((0, 2), dtype=np.int64)}, "calibration inputs do not fit"),
        ({"calibration": np.array([[-1, 2]])}, "calibration input is out of range"),
    ],
)
def test_bad_arguments_are_refused(change: dict[str, object], problem: str) -> None:
    arguments: dict[str, object] = {"calibration": np.array([[1, 2]]), "input_scale": 1.0, "input_max": 2, **change}
    layers = [AffineLayer("a", np.ones((2, 2)), np.ones(2))]
    with pytest.raises(InputError, match=problem):
        quantise(layers, arguments.pop("calibration"), **arguments)  # pyright: ignore[reportArgumentType]


def test_no_layers_are_refused() -> None:
    with pytest.raises(ModelError, match="at least one layer"):
        quantise([], np.array([[1]]), input_scale=1.0, input_max=1)


def test_layers_that_are_no_network_are_refused() -> None:
    image = Convolution(1, 2, 2, (1, 1))
    first = AffineLayer("a", np.ones((1, 1)), np.ones(1), image, Pool("max", 2))
    with pytest.raises(ModelError, match="the last layer gives logits and has no pool"):
        quantise([first], np.zeros((1, 4), dtype=np.int64), input_scale=1.0, input_max=1)
    second = AffineLayer("b", np.ones((4, 2)), np.ones(2))
    with pytest.raises(ModelError, match="layer 1 does not fit the one before it; expected 1x1x1 inputs; got 4"):
        quantise([first, second], np.zeros((1, 4), dtype=np.int64), input_scale=1.0, input_max=1)
