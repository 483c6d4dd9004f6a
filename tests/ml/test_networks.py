"""Perceptrons: building, reading their layers, and naming what is not supported."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from pyml.errors import ModelError
from pyml.ml.networks import dense_layers, forward, mlp, parse_sizes


def linear(model: nn.Sequential) -> nn.Linear:
    first = model[0]
    assert isinstance(first, nn.Linear)
    return first


def test_mlp_is_determined_by_its_seed_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = mlp((5, 4, 3), seed=1), mlp((5, 4, 3), seed=1), mlp((5, 4, 3), seed=2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(linear(first).weight, linear(again).weight)
    assert not torch.equal(linear(first).weight, linear(other).weight)
    assert [type(module) for module in first] == [nn.Linear, nn.ReLU, nn.Linear]
    assert not linear(first).bias.any()
    assert float(linear(first).weight.detach().abs().max()) <= (6 / 5) ** 0.5


@pytest.mark.parametrize("sizes", [(7, 3), (7, 5, 3), (7, 6, 5, 4, 3)])
def test_dense_layers_compute_what_the_module_computes(sizes: tuple[int, ...]) -> None:
    model = mlp(sizes, seed=1).double()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.bias.data.normal_(generator=torch.Generator().manual_seed(5))
    inputs = np.random.default_rng(0).normal(size=(11, sizes[0]))
    layers = dense_layers(model)
    assert [layer.weight.shape for layer in layers] == list(itertools.pairwise(sizes))
    expected = model(torch.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(forward(layers, inputs), expected, rtol=1e-12)


def test_inert_modules_and_nesting_are_accepted() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.ReLU()), nn.Linear(3, 2))
    assert [layer.name for layer in dense_layers(model)] == ["1.0", "2"]
    assert [layer.name for layer in dense_layers(nn.Linear(2, 2))] == ["Linear"]


def test_a_layer_without_bias_has_a_zero_bias() -> None:
    (layer,) = dense_layers(nn.Linear(3, 2, bias=False))
    assert layer.bias.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        ([nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)], r"layer 1 \(Tanh\) is not supported"),
        ([nn.Conv2d(1, 1, 1)], r"layer 0 \(Conv2d\) is not supported"),
        ([nn.ReLU(), nn.Linear(2, 2)], r"layer 0 \(ReLU\) is not supported"),
        ([nn.Linear(2, 2), nn.Linear(2, 2)], r"layer 1 \(Linear\) is not supported: two Linear layers"),
        ([nn.Linear(2, 2), nn.ReLU(), nn.ReLU(), nn.Linear(2, 2)], r"layer 2 \(ReLU\) is not supported"),
        ([nn.Linear(2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)], r"layer 2 \(Flatten\) is not supported"),
        ([nn.Linear(2, 2), nn.ReLU()], "ends in a ReLU"),
        ([nn.Linear(2, 3), nn.ReLU(), nn.Linear(2, 2)], "layer 2 does not fit 0"),
        ([nn.Identity()], "no Linear layer"),
        ([], "no Linear layer"),
    ],
)
def test_what_a_circuit_cannot_prove_is_named(modules: list[nn.Module], problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        dense_layers(nn.Sequential(*modules))


def test_a_module_of_its_own_kind_is_not_guessed_at() -> None:
    class Shifted(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
            return super().forward(input) + 1

    class Residual(nn.Sequential):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
            return torch.add(super().forward(input), input)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    with pytest.raises(ModelError, match=r"layer 0 \(Shifted\) is not supported"):
        dense_layers(nn.Sequential(Shifted(2, 2)))
    with pytest.raises(ModelError, match=r"layer Residual \(Residual\) is not supported"):
        dense_layers(Residual(nn.Linear(2, 2)))


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (3, -1, 2)])
def test_impossible_widths_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="two or more positive widths"):
        mlp(sizes, seed=0)


def test_sizes_are_parsed() -> None:
    assert parse_sizes("784-64-10") == (784, 64, 10)


@pytest.mark.parametrize(
    "text", ["", "64", "64-", "-64", "64--10", "64-x", "64-0", "64 - 10", "6٤-10", "64-99999999999"]
)
def test_sizes_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="network sizes cannot be read"):
        parse_sizes(text)
