"""Networks in both forms: what float training shows is what the integers answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import ModelError
from pyml.freezenet import inference
from pyml.freezenet.batch_norm import FixedScales
from pyml.freezenet.encoding import architecture_hash, network_architecture
from pyml.freezenet.keras_order import paper_cnn as keras_paper_cnn
from pyml.freezenet.trainable import (
    LayerPlan,
    TrainableNetwork,
    architecture,
    encode_inputs,
    float_inputs,
    paper_cnn,
    plan,
    small_cnn,
    small_mlp,
)
from pyml.ml.shapes import LayerShape


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def exercised(plans: tuple[LayerPlan, ...], seed: int) -> TrainableNetwork:
    """With statistics of a normalisation that are not those of birth, as after training."""
    network = TrainableNetwork(plans, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(3):
        network(torch.rand((16, plans[0].shape.inputs), generator=generator))
    return network.eval()


def test_the_paper_has_so_many_parameters() -> None:
    for as_published in (False, True):
        network = TrainableNetwork(paper_cnn(as_published=as_published), seed=0, integer=False)
        assert count(network) == 1_306_922
        assert [tuple(p.shape) for p in network.parameters()] == [p.shape for p in keras_paper_cnn()]
    assert [each.dropout for each in paper_cnn()] == [0, 0.2, 0, 0.3, 0, 0.4, 0, 0.5, 0.5, 0]


def test_small_networks_are_small() -> None:
    assert count(TrainableNetwork(small_mlp(), seed=0)) == 64 * 32 + 32 + 320 + 10
    weights = sum(each.shape.fan_in * each.shape.fan_out for each in small_cnn())
    assert weights == 144 + 4_608 + 32_768 + 2_560
    assert [len(kernel.shape) for kernel in TrainableNetwork(small_cnn(), seed=0).watermarked] == [4, 4, 2]


def test_the_same_seed_gives_the_same_network() -> None:
    first, again, other = (TrainableNetwork(small_mlp(), seed=seed).watermarked[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("plans", [small_mlp(), small_cnn()], ids=["mlp", "cnn"])
@pytest.mark.parametrize("seed", range(3))
def test_integers_answer_as_floats_do(plans: tuple[LayerPlan, ...], seed: int) -> None:
    """Logits agree to the rounding of multipliers; activations to one step of their scale."""
    network = exercised(plans, seed)
    inputs = np.random.default_rng(seed).integers(0, 128, (200, plans[0].shape.inputs)).astype(np.int8)
    with torch.no_grad():
        floats = network(float_inputs(inputs)).numpy()
    integers = inference.logits(network.integer_network(), inputs) / 2.0 ** plans[-1].scales.output_bits
    assert np.abs(floats - integers).max() < 0.1 * np.abs(floats).max()
    assert (floats.argmax(axis=1) == integers.argmax(axis=1)).mean() > 0.9


def test_without_a_normalisation_they_agree_to_the_last_bit() -> None:
    network = exercised(small_mlp(), 4)
    with torch.no_grad():
        for layer in network.trainable:
            layer.bias.copy_((layer.bias * 2**7).round() / 2**7)
    inputs = np.random.default_rng(4).integers(0, 128, (500, 64)).astype(np.int8)
    with torch.no_grad():
        floats = network.double()(float_inputs(inputs).double()).numpy()
    integers = inference.logits(network.integer_network(), inputs)
    assert np.array_equal(np.rint(floats * 2.0 ** small_mlp()[-1].scales.output_bits), integers)


@settings(max_examples=50, deadline=None)
@given(st.floats(-3, 3), st.integers(0, 9))
def test_codes_are_the_nearest_within_their_bounds(value: float, bits: int) -> None:
    shape = LayerShape(1, 1)
    plans = (LayerPlan(shape, FixedScales(7, bits, 4, bits + 3)), LayerPlan(shape, FixedScales(4, 8, 12, 0)))
    network = TrainableNetwork(plans, seed=0).eval()
    with torch.no_grad():
        network.trainable[0].weight.fill_(value)
    code = int(network.trainable[0].codes()[0, 0])
    exact = float(network.trainable[0].weight.detach()) * 2**bits
    assert code == min(max(int(np.floor(exact + 0.5)), -128), 127)


def test_multiplied_weights_run_into_their_bounds() -> None:
    """The scale attack: in float a normalisation forgives any factor, in integers nothing does."""
    network = exercised(small_cnn(), 1)
    before = network.trainable[0].codes()
    with torch.no_grad():
        network.trainable[0].weight.mul_(16)
    after = network.trainable[0].codes()
    assert after.min() == -128
    assert after.max() == 127
    assert (np.abs(before.astype(int)) * 16 > 128).mean() > 0.5


def test_gradients_stop_at_the_bounds() -> None:
    network = TrainableNetwork(small_mlp(), seed=1)
    limit = 128 / 2 ** small_mlp()[0].scales.weight_bits
    with torch.no_grad():
        network.trainable[0].weight[0].fill_(2 * limit)
    network(torch.rand(32, 64)).square().sum().backward()
    gradient = network.trainable[0].weight.grad
    assert gradient is not None
    assert not gradient[0].any()
    assert gradient[1:].any()


def test_an_architecture_is_that_of_every_network_of_it() -> None:
    hashes = [architecture_hash(architecture(plans)) for plans in (small_mlp(), small_cnn(), small_mlp(hidden=16))]
    assert len(set(hashes)) == 3
    assert network_architecture(exercised(small_cnn(), 5).integer_network()) == hashes[1]
    other = (replace(small_mlp()[0], scales=FixedScales(7, 9, 4, 13)), small_mlp()[1])
    assert architecture_hash(architecture(other)) != hashes[0], "scales belong to it"
    dropped = tuple(replace(each, dropout=0.5) for each in small_mlp())
    assert architecture_hash(architecture(dropped)) == hashes[0], "dropout does not"


def test_pixels_become_seven_bits() -> None:
    levels = np.arange(17, dtype=np.uint8).reshape(1, 17)
    assert encode_inputs(levels, pixel_max=16).tolist() == [[int(np.floor(v * 127 / 16 + 0.5)) for v in range(17)]]
    assert encode_inputs(np.array([[0, 255]], np.uint8), pixel_max=255).tolist() == [[0, 127]]
    assert encode_inputs(np.zeros((2, 3, 4), np.uint8), pixel_max=1).shape == (2, 12)


@pytest.mark.parametrize(("level", "pixel_max"), [(17, 16), (0, 0), (0, 256)])
def test_pixels_out_of_range_are_refused(level: int, pixel_max: int) -> None:
    with pytest.raises(ModelError, match="levels are out of range"):
        encode_inputs(np.full((1, 2), level, np.uint8), pixel_max=pixel_max)


def test_what_has_no_integer_form_is_refused() -> None:
    with pytest.raises(ModelError, match="behind a ReLU has no integer form"):
        TrainableNetwork(paper_cnn(as_published=True), seed=0)


def test_layers_must_fit() -> None:
    with pytest.raises(ModelError):
        plan([LayerShape(4, 3), LayerShape(4, 2)])
    with pytest.raises(ModelError):
        TrainableNetwork((), seed=0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_numbers_that_do_not_fit_are_refused(value: float) -> None:
    network = TrainableNetwork(small_mlp(), seed=0)
    with torch.no_grad():
        network.trainable[0].bias[3] = value
    with pytest.raises(ModelError, match="a folded bias does not fit"):
        network.integer_network()
