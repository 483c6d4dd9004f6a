"""From float layers to what a circuit proves: the same every time, fitting the table, or refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, ModelError
from pyml.ml.affine import AffineLayer, forward
from pyml.ml.datasets import Dataset, integers
from pyml.ml.integer import count_correct, hidden
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.zk.circuits import accuracy_statement, labelled_set
from pyml.zk.preparation import CALIBRATION_SAMPLES, Prepared, prepare, prepare_for
from pyml.zk.statement import Numerics
from pyml.zk.witness import accuracy_tensors, architecture_of

NUMERICS = Numerics(lookup_bits=9, committed_salts=2, witness_salts=2, lookup_salts=1)


def dataset(*, pixel_max: int = 15, seed: int = 0, samples: int = 60) -> Dataset:
    """Random images of 2 × 3 pixels in four classes."""
    random = np.random.default_rng(seed)

    def images() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        return random.integers(0, pixel_max + 1, (samples, 2, 3), dtype=np.uint8)

    def labels() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        return random.integers(0, 4, samples, dtype=np.uint8)

    return Dataset("random", images(), labels(), images(), labels(), classes=4, pixel_max=pixel_max)


def layers(sizes: Sequence[int] = (6, 5, 4), seed: int = 0) -> tuple[AffineLayer, ...]:
    return affine_layers(mlp(sizes, seed=seed))


DATA, LAYERS = dataset(), layers()


def test_prepared_model() -> None:
    prepared = prepare(LAYERS, DATA)
    network = prepared.quantisation.network
    assert network.sizes == (6, 5, 4)
    assert (network.bits, network.input_max) == (8, 15)
    assert prepared.architecture == architecture_of(network)
    assert prepared.quantisation.input_scale == 1 / 15
    assert prepared.report.samples == 60


def test_report_is_about_the_test_split() -> None:
    prepared = prepare(LAYERS, DATA)
    test = integers(DATA.test_images, pixel_max=15)
    labels = DATA.test_labels.astype(np.int64)
    correct = count_correct(prepared.quantisation.network, test, labels)
    assert prepared.report.integer_accuracy == correct / 60
    floats = forward(LAYERS, test / 15)
    assert prepared.report.float_accuracy == (floats.argmax(axis=1) == labels).mean()


@pytest.mark.parametrize(("bits", "drop"), [(None, 0), (4, 0), (9, 0), (3, 1), (1, 3)])
def test_input_bits_cut_the_pixels_and_scale_them_back(bits: int | None, drop: int) -> None:
    prepared = prepare(LAYERS, DATA, input_bits=bits)
    assert prepared.architecture.input_max == 15 >> drop
    assert prepared.quantisation.input_scale == 2**drop / 15


@given(seed=st.integers(0, 10_000), depth=st.integers(1, 3), bits=st.integers(3, 8))
@settings(max_examples=12)
def test_repeating_gives_the_same_model(seed: int, depth: int, bits: int) -> None:
    """``commit`` repeats what ``export`` did, perhaps on another machine: nothing may be left to chance."""
    data, net = dataset(seed=seed), layers((6, *[5] * (depth - 1), 4), seed)
    made = prepare(net, data, weight_bits=bits, numerics=NUMERICS)
    assert prepare_for(net, data, made.architecture, NUMERICS) == made
    again = prepare(
        tuple(AffineLayer(layer.name, layer.weight.copy(), layer.bias) for layer in net),
        data,
        weight_bits=bits,
        numerics=NUMERICS,
    )
    assert again == made


@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.01, 1.0, 300.0]))
@settings(max_examples=12)
def test_every_public_sample_fits_the_table(seed: int, scale: float) -> None:
    """Whatever the weights, what was prepared can be proved on any of the test samples."""
    data = dataset(seed=seed, pixel_max=255)
    net = tuple(AffineLayer(layer.name, layer.weight * scale, layer.bias) for layer in layers((6, 7, 5, 4), seed))
    prepared = prepare(net, data, numerics=NUMERICS)
    network = prepared.quantisation.network
    public = labelled_set(data, samples=60)
    for values, layer in zip(hidden(network, public.inputs)[:-1], network.layers, strict=False):
        kept = values >> layer.shift
        assert kept.min() >= NUMERICS.table_low
        assert kept.max() <= NUMERICS.table_high
    numerics = replace(NUMERICS, margin_limbs=4)
    statement = accuracy_statement(prepared.architecture, public, numerics)
    tensors = accuracy_tensors(statement, network, public.inputs, public.labels, model_salts=(1, 2))
    assert tensors.result == count_correct(network, public.inputs, public.labels)


def test_training_samples_beyond_the_calibration_do_not_matter() -> None:
    random = np.random.default_rng(7)
    images = random.integers(0, 16, (CALIBRATION_SAMPLES + 5, 2, 3), dtype=np.uint8)
    other = images.copy()
    other[CALIBRATION_SAMPLES:] = 0
    labels = np.zeros(len(images), dtype=np.uint8)
    made = [
        prepare(LAYERS, Dataset("random", part, labels, DATA.test_images, DATA.test_labels, classes=4, pixel_max=15))
        for part in (images, other)
    ]
    assert made[0] == made[1]


def test_labels_do_not_enter_the_model() -> None:
    """A model must not be fitted to the answers that it is to be judged by."""
    turned = Dataset(
        "random",
        DATA.train_images,
        (DATA.train_labels + 1) % 4,
        DATA.test_images,
        (DATA.test_labels + 1) % 4,
        classes=4,
        pixel_max=15,
    )
    assert prepare(LAYERS, turned).quantisation == prepare(LAYERS, DATA).quantisation


@pytest.mark.parametrize(
    ("sizes", "got"),
    [
        ((5, 5, 4), "5 inputs and 4 outputs"),
        ((7, 5, 4), "7 inputs and 4 outputs"),
        ((6, 5, 3), "6 inputs and 3 outputs"),
        ((6, 5), "6 inputs and 5 outputs"),
    ],
)
def test_model_that_does_not_fit_the_data_is_refused(sizes: tuple[int, ...], got: str) -> None:
    with pytest.raises(ModelError) as caught:
        prepare(layers(sizes), DATA)
    assert str(caught.value) == f"the model does not fit random; expected 6 inputs and 4 outputs; got {got}"


@pytest.mark.parametrize("bits", [0, 1, 32])
def test_weight_width_out_of_range_is_refused(bits: int) -> None:
    with pytest.raises(InputError, match="weight width is out of range; expected 2 to 31 bits"):
        prepare(LAYERS, DATA, weight_bits=bits)


@pytest.mark.parametrize("bits", [0, -1])
def test_input_width_out_of_range_is_refused(bits: int) -> None:
    with pytest.raises(InputError, match=f"an input needs at least one bit; got {bits}"):
        prepare(LAYERS, DATA, input_bits=bits)


@pytest.mark.parametrize(
    ("weight", "bias"), [(1e-100, 1e300), (1e300, 1.0), (1e-300, 1.0), (1.0, 1e40), (1e-38, 1e38), (1e200, 1e300)]
)
def test_absurd_weights_are_refused(weight: float, bias: float) -> None:
    """A file may hold any number; each of these leaves the range of what can be proved or of floats."""
    net = tuple(AffineLayer(layer.name, layer.weight * weight, layer.bias + bias) for layer in LAYERS)
    with pytest.raises(ModelError):
        prepare(net, DATA)


def exported() -> Prepared:
    return prepare(LAYERS, DATA, numerics=NUMERICS)


def test_preparing_for_the_circuit_of_this_model() -> None:
    made = exported()
    assert prepare_for(LAYERS, DATA, made.architecture, NUMERICS) == made


def test_preparing_for_another_circuit_is_refused() -> None:
    made = exported().architecture
    for other in (
        replace(made, sizes=(6, 4, 4)),
        replace(made, shifts=(made.shifts[0] + 1,)),
        replace(made, bias_units=(made.bias_units[0] * 2, made.bias_units[1])),
    ):
        with pytest.raises(ModelError) as caught:
            prepare_for(LAYERS, DATA, other, NUMERICS)
        assert caught.value.problem == "the model is not of the circuit's architecture"
        assert (caught.value.expected, caught.value.got) == (other, made)
        assert caught.value.hint == "Export a circuit from this model with `pyml zk export`."


def test_retrained_model_of_other_magnitudes_is_refused() -> None:
    """Shifts and bias units are public and part of the circuit: a model that needs others is not of this circuit."""
    large = tuple(
        AffineLayer(layer.name, layer.weight, layer.bias + 50 * (index + 1)) for index, layer in enumerate(LAYERS)
    )
    with pytest.raises(ModelError, match="the model is not of the circuit's architecture"):
        prepare_for(large, DATA, exported().architecture, NUMERICS)


def test_input_max_that_is_no_pixel_range_is_refused() -> None:
    """``input_max`` 9 has the bit length of 15, whose preparation gives 15."""
    with pytest.raises(ModelError, match="the model is not of the circuit's architecture"):
        prepare_for(LAYERS, DATA, replace(exported().architecture, input_max=9), NUMERICS)
