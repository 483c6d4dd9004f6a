"""Float layers, what is folded into them, and the order that a chain of them has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from pyml.errors import ModelError
from pyml.ml.affine import UNKNOWN, AffineChain, AffineLayer, Operation, forward
from pyml.ml.shapes import Convolution, LayerShape, Pool
from tests.ml.random_networks import chains, random_layers

TORCH: Any = functional
AT = Operation("third", "Thing")


def torch_forward(layers: tuple[AffineLayer, ...], inputs: np.ndarray) -> np.ndarray:
    """The same network by PyTorch's own operators in float64."""
    values: torch.Tensor = torch.tensor(inputs)
    for layer in layers:
        geometry, weight, bias = layer.convolution, torch.tensor(layer.weight), torch.tensor(layer.bias)
        if geometry is None:
            values = values.flatten(1) @ weight + bias
        else:
            values = TORCH.conv2d(
                values.reshape(-1, geometry.in_channels, geometry.height, geometry.width),
                weight.T.reshape(-1, geometry.in_channels, *geometry.kernel),
                bias,
                stride=geometry.stride,
                padding=geometry.padding,
            )
        if layer is not layers[-1]:
            values = values.relu()
        if layer.pool is not None:
            if layer.pool.kind == "max":
                values = TORCH.max_pool2d(values, layer.pool.size)
            else:
                values = TORCH.avg_pool2d(values, layer.pool.size, divisor_override=1)
    return values.flatten(1).numpy()


@given(chains(), st.integers(0, 2**32))
def test_forward_agrees_with_torch(shapes: tuple[LayerShape, ...], seed: int) -> None:
    random = np.random.default_rng(seed)
    layers = random_layers(shapes, random)
    inputs = random.normal(size=(3, shapes[0].inputs))
    np.testing.assert_allclose(forward(layers, inputs), torch_forward(layers, inputs), rtol=1e-9, atol=1e-9)


def chain(*dims: int) -> AffineChain:
    return AffineChain(dims, lambda at, why: ModelError(f"{at.kind} {at.name}: {why}"))


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def convolution(made: AffineChain, *shape: int, stride: int = 1, padding: int = 0) -> AffineChain:
    made.convolve(AT, numbers(*shape), stride=(stride, stride), padding=(padding, padding))
    return made


def finished(made: AffineChain) -> tuple[AffineLayer, ...]:
    layers = made.finish()
    assert layers is not None
    return layers


def test_a_batch_normalisation_goes_into_the_layer_before_it() -> None:
    made, (weight, bias) = chain(4), (numbers(4, 3), numbers(3, seed=1))
    gamma, beta, mean, variance = (numbers(3, seed=seed) for seed in (2, 3, 4, 5))
    made.dense(AT, weight, bias)
    made.normalise(AT, gamma=gamma, beta=beta, mean=mean, variance=variance**2, epsilon=1e-3)
    inputs = numbers(6, 4, seed=6)
    expected = TORCH.batch_norm(
        torch.tensor(inputs @ weight + bias), *map(torch.tensor, (mean, variance**2, gamma, beta)), eps=1e-3
    )
    np.testing.assert_allclose(forward(finished(made), inputs), expected.numpy(), rtol=1e-12)


def test_a_second_batch_normalisation_is_folded_as_well() -> None:
    made = chain(1)
    made.dense(AT, np.ones((1, 1)))
    for _ in range(2):  # twice h -> 2·(h − 3)/2 + 1 = h − 2
        made.normalise(
            AT, gamma=np.array([2.0]), beta=np.array([1.0]), mean=np.array([3.0]), variance=np.array([3.0]), epsilon=1.0
        )
    assert forward(finished(made), np.array([[10.0]])).tolist() == [[6.0]]


def test_the_divisor_of_an_average_goes_into_the_weights_behind_it() -> None:
    made = convolution(chain(1, 4, 4), 2, 1, 1, 1)
    made.relu(AT)
    made.pool(AT, "average", size=(2, 2), stride=(2, 2))
    weight = numbers(3, 2, 1, 1, seed=1)
    made.convolve(AT, weight, np.ones(3), stride=(1, 1), padding=(0, 0))
    made.relu(AT)
    made.pool_all(AT)
    made.flatten()
    made.dense(AT, numbers(3, 2, seed=2))
    made.relu(AT)
    made.dense(AT, numbers(2, 2, seed=3))
    first, second, third, last = finished(made)
    assert (first.pool, second.pool) == (Pool("sum", 2), Pool("sum", 2))
    assert np.array_equal(second.weight, weight.reshape(3, 2).T / 4)
    assert second.bias.tolist() == [1, 1, 1]
    assert np.array_equal(third.weight, numbers(3, 2, seed=2) / 4)
    assert np.array_equal(last.weight, numbers(2, 2, seed=3))


def test_a_maximum_divides_nothing_and_may_stand_before_the_relu() -> None:
    layers: list[tuple[AffineLayer, ...]] = []
    for order in ((AffineChain.relu, pool_max), (pool_max, AffineChain.relu)):
        made = convolution(chain(1, 4, 4), 2, 1, 1, 1)
        for step in order:
            step(made, AT)
        made.flatten()
        made.dense(AT, numbers(8, 2))
        layers.append(finished(made))
    assert layers[0][0].pool == layers[1][0].pool == Pool("max", 2)
    assert np.array_equal(layers[1][1].weight, numbers(8, 2))


def pool_max(made: AffineChain, at: Operation) -> None:
    made.pool(at, "max", size=(2, 2), stride=(2, 2))


def test_a_pool_of_one_number_is_none() -> None:
    made = convolution(chain(1, 2, 2), 2, 1, 2, 2)
    made.relu(AT)
    made.pool_all(AT)
    made.flatten()
    made.dense(AT, numbers(2, 2))
    assert [layer.pool for layer in finished(made)] == [None, None]


def test_images_may_be_flattened_before_or_after_the_relu() -> None:
    for early in (True, False):
        made = convolution(chain(1, 2, 2), 2, 1, 1, 1)
        if early:
            made.flatten()
            made.relu(AT)
        else:
            made.relu(AT)
            made.reshape(AT, (8,))
        made.dense(AT, numbers(8, 2))
        assert len(finished(made)) == 2


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "dense on an image": (
        lambda: chain(1, 2, 2).dense(AT, numbers(4, 2)),
        "its input is not flat: Flatten belongs before it",
    ),
    "dense of another width": (lambda: chain(5).dense(AT, numbers(4, 2)), "it takes 4 numbers and is given 5"),
    "dense weight": (lambda: chain(4).dense(AT, numbers(4)), "its weight has 1 dimensions instead of 2"),
    "dense bias": (
        lambda: chain(4).dense(AT, numbers(4, 3), numbers(4)),
        "a bias of shape (4,) is not one number for each output",
    ),
    "convolution weight": (lambda: convolution(chain(1, 2, 2), 2, 1, 2), "its weight has 3 dimensions instead of 4"),
    "convolution of a row": (
        lambda: convolution(chain(4), 2, 1, 2, 2),
        "its input is not an image of known channels, height and width",
    ),
    "convolution of an open size": (
        lambda: convolution(chain(1, UNKNOWN, 4), 2, 1, 2, 2),
        "its input is not an image of known channels, height and width",
    ),
    "channels": (lambda: convolution(chain(3, 4, 4), 2, 1, 2, 2), "it takes 1 channels and is given 3"),
    "kernel": (
        lambda: convolution(chain(1, 2, 2), 2, 1, 3, 3),
        "a convolution's kernel is larger than its padded image",
    ),
    "stride": (lambda: convolution(chain(1, 2, 2), 2, 1, 1, 1, stride=0), "a convolution needs positive sizes"),
    "padding": (
        lambda: convolution(chain(1, 2, 2), 2, 1, 1, 1, padding=1),
        "a convolution's padding is out of range",
    ),
    "two layers": (
        lambda: convolution(convolution(chain(1, 2, 2), 2, 1, 1, 1), 2, 2, 1, 1),
        "two layers without a ReLU between them",
    ),
    "relu first": (lambda: chain(1, 2, 2).relu(AT), "a ReLU belongs after a dense or convolutional layer"),
    "pool first": (
        lambda: pool_max(chain(1, 2, 2), AT),
        "a pool belongs after a convolution and its ReLU, one at most",
    ),
    "two pools": (
        lambda: pool_max(pooled(), AT),
        "a pool belongs after a convolution and its ReLU, one at most",
    ),
    "average before the relu": (
        lambda: convolution(chain(1, 2, 2), 2, 1, 1, 1).pool(AT, "average", size=(2, 2), stride=(2, 2)),
        "an average belongs after the ReLU",
    ),
    "overlapping windows": (
        lambda: convolution(chain(1, 4, 4), 2, 1, 1, 1).pool(AT, "max", size=(2, 2), stride=(1, 1)),
        "its windows are not squares side by side (size (2, 2), stride (1, 1))",
    ),
    "oblong windows": (
        lambda: convolution(chain(1, 4, 4), 2, 1, 1, 1).pool(AT, "max", size=(2, 1), stride=(2, 1)),
        "its windows are not squares side by side (size (2, 1), stride (2, 1))",
    ),
    "windows that leave a rest": (
        lambda: pool_max(convolution(chain(1, 3, 4), 2, 1, 1, 1), AT),
        "a pool's windows do not cover its image (3x4)",
    ),
    "empty windows": (
        lambda: convolution(chain(1, 4, 4), 2, 1, 1, 1).pool(AT, "max", size=(0, 0), stride=(0, 0)),
        "a pool's window is too small (4x4)",
    ),
    "pool of a row": (
        lambda: pool_max(dense(), AT),
        "its input is not an image of known channels, height and width",
    ),
    "batch norm first": (
        lambda: normalised(chain(3)),
        "a batch normalisation belongs right after a dense or convolutional layer",
    ),
    "batch norm after the relu": (
        lambda: normalised(pooled()),
        "a batch normalisation belongs right after a dense or convolutional layer",
    ),
    "batch norm after the pool": (
        lambda: normalised(pooled(relu=False)),
        "a batch normalisation belongs right after a dense or convolutional layer",
    ),
    "batch norm after flatten": (
        lambda: normalised(flat()),
        "a batch normalisation of images belongs before Flatten",
    ),
    "batch norm of another width": (
        lambda: normalised(dense(), width=2),
        "it does not have one number for each of 3 channels",
    ),
    "an image of a layer's output": (lambda: dense().reshape(AT, (3, 1, 1)), "3 numbers cannot be arranged as 3x1x1"),
    "an image of other numbers": (lambda: chain(5).reshape(AT, (1, 2, 2)), "5 numbers cannot be arranged as 1x2x2"),
    "an image of an open size": (
        lambda: chain(4).reshape(AT, (1, 2, UNKNOWN)),
        "4 numbers cannot be arranged as 1x2x?",
    ),
    "a row of other numbers": (lambda: chain(1, 2, 2).reshape(AT, (5,)), "1x2x2 numbers cannot be arranged as 5"),
    "a row of none": (lambda: chain(UNKNOWN).reshape(AT, (0,)), "? numbers cannot be arranged as 0"),
    "two dimensions": (lambda: chain(4).reshape(AT, (2, 2)), "4 numbers cannot be arranged as 2x2"),
}


def dense() -> AffineChain:
    made = chain(4)
    made.dense(AT, numbers(4, 3))
    return made


def pooled(*, relu: bool = True) -> AffineChain:
    made = convolution(chain(1, 4, 4), 3, 1, 1, 1)
    if relu:
        made.relu(AT)
    pool_max(made, AT)
    return made


def flat() -> AffineChain:
    made = convolution(chain(1, 1, 1), 3, 1, 1, 1)
    made.flatten()
    return made


def normalised(made: AffineChain, width: int = 3) -> None:
    ones = np.ones(width)
    made.normalise(AT, gamma=ones, beta=ones, mean=ones, variance=ones, epsilon=0.0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_circuit_cannot_prove_is_refused_where_it_stands(name: str) -> None:
    act, why = REFUSED[name]
    with pytest.raises(ModelError) as caught:
        act()
    assert str(caught.value) == f"Thing third: {why}"


def test_networks_that_do_not_end_in_logits() -> None:
    for made in (chain(4), pooled(), pooled(relu=False), convolution(chain(1, 1, 1), 2, 1, 1, 1)):
        assert made.finish() is None
    ends_in_pool = pooled(relu=False)
    ends_in_pool.flatten()
    assert ends_in_pool.finish() is None
    assert len(finished(dense())) == len(finished(flat())) == 1


@pytest.mark.parametrize(("variance", "epsilon"), [(-1.0, 1e-5), (0.0, 0.0), (np.nan, 0.0), (1.0, np.nan)])
def test_a_batch_normalisation_by_nothing_is_refused(variance: float, epsilon: float) -> None:
    made, ones = dense(), np.ones(3)
    with pytest.raises(ModelError, match="layer third: weight is not finite"):
        made.normalise(AT, gamma=ones, beta=ones, mean=ones, variance=ones * variance, epsilon=epsilon)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["weight", "bias"])
def test_weights_that_are_not_finite_are_refused_by_name(bad: float, where: str) -> None:
    weight, bias = np.ones((2, 2)), np.ones(2)
    (weight if where == "weight" else bias)[0] = bad
    with pytest.raises(ModelError, match=f"layer hidden.2: {where} is not finite"):
        AffineLayer("hidden.2", weight, bias)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((np.ones((2, 3)), np.ones(2)), "layer a: shapes do not match"),
        ((np.ones(3), np.ones(3)), "layer a: shapes do not match"),
        ((np.ones((0, 3)), np.ones(3)), "layer a: shapes do not match"),
        ((np.ones((2, 3)), np.ones(3), Convolution(1, 2, 2, (1, 1))), "a convolution's weight does not fit its kernel"),
        ((np.ones((2, 3)), np.ones(3), None, Pool("max", 2)), "only a convolution's output can be pooled"),
    ],
)
def test_shapes_that_do_not_match_are_refused(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        AffineLayer("a", *arguments)


def test_layers_cannot_be_changed_and_do_not_show_weights() -> None:
    weight = np.full((1, 3), 42.0)
    layer = AffineLayer("a", weight, np.zeros(3), Convolution(1, 4, 4, (1, 1)), Pool("max", 2))
    weight[0, 0] = 0
    assert layer.weight[0, 0] == 42
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[0, 0] = 1
    assert repr(layer) == "AffineLayer('a', 16 -> 12)"
