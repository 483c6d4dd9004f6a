"""Float layers of modules: what the module computes, and naming what is not supported."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pyml.errors import ModelError
from pyml.ml.affine import forward
from pyml.ml.modules import AsImage, affine_layers
from pyml.ml.networks import mlp
from pyml.ml.shapes import LayerShape, Pool
from tests.ml.random_networks import chains, random_module


def require_agreement(model: nn.Module, features: int) -> None:
    """What was read computes what the module computes, in float64."""
    inputs = np.random.default_rng(0).normal(size=(5, features))
    expected = model.double().eval()(torch.tensor(inputs)).detach().numpy()
    np.testing.assert_allclose(forward(affine_layers(model), inputs), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sizes", [(7, 3), (7, 5, 3), (7, 6, 5, 4, 3)])
def test_perceptrons(sizes: tuple[int, ...]) -> None:
    model = mlp(sizes, seed=1)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.bias.data.normal_(generator=torch.Generator().manual_seed(5))
    require_agreement(model, 7)
    assert [layer.weight.shape for layer in affine_layers(model)] == list(itertools.pairwise(sizes))


@given(chains(), st.booleans(), st.integers(0, 2**32))
def test_convolutional_networks(shapes: tuple[LayerShape, ...], batch_norm: bool, seed: int) -> None:
    model = random_module(shapes, np.random.default_rng(seed), batch_norm=batch_norm)
    require_agreement(model, shapes[0].inputs)
    assert tuple(layer.shape for layer in affine_layers(model)) == shapes


@pytest.mark.parametrize(
    "modules",
    [
        [nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2)],
        [nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3, affine=False), nn.ReLU(), nn.Linear(3, 2)],
        [AsImage(1, 2, 2), nn.Conv2d(1, 3, 2, bias=False), nn.BatchNorm2d(3), nn.Flatten()],
        [AsImage(1, 2, 2), nn.Conv2d(1, 3, 1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(3, 2)],
        [AsImage(1, 2, 2), nn.Conv2d(1, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)],
        [AsImage(1, 2, 2), nn.Conv2d(1, 3, 1), nn.Flatten(), nn.ReLU(), nn.Linear(12, 2)],
        [AsImage(1, 2, 2), nn.Conv2d(1, 3, 1), nn.Dropout2d(), nn.ReLU(), nn.Flatten(1, -1), nn.Linear(12, 2)],
        [AsImage(1, 1, 4), nn.Conv2d(1, 2, (1, 2), stride=(2, 1), padding=(0, 1)), nn.Flatten()],
        [AsImage(1, 2, 2), nn.Flatten(), nn.Linear(4, 2)],
    ],
)
def test_accepted_forms_compute_the_same(modules: list[nn.Module]) -> None:
    model = nn.Sequential(*modules)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5, generator=generator)
    require_agreement(model, 4)


def test_inert_modules_and_nesting_are_accepted() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.5), nn.ReLU()), nn.Linear(3, 2))
    assert [layer.name for layer in affine_layers(model)] == ["1.0", "2"]
    assert [layer.name for layer in affine_layers(nn.Linear(2, 2))] == ["Linear"]


def test_a_layer_without_bias_has_a_zero_bias() -> None:
    (layer,) = affine_layers(nn.Linear(3, 2, bias=False))
    assert layer.bias.tolist() == [0.0, 0.0]


def test_an_average_pool_is_a_sum() -> None:
    linear = nn.Linear(3, 2)
    model = nn.Sequential(AsImage(1, 2, 2), nn.Conv2d(1, 3, 1), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), linear)
    first, second = affine_layers(model)
    assert first.pool == Pool("sum", 2)
    assert np.array_equal(second.weight * 4, linear.weight.detach().double().numpy().T)


IMAGE, CONV = AsImage(1, 4, 4), nn.Conv2d(1, 2, 1)


@pytest.mark.parametrize(
    ("modules", "problem"),
    [
        (
            [nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)],
            "layer 1 (Tanh) is not supported: a circuit proves Linear and Conv2d layers with ReLU between them",
        ),
        ([nn.Conv2d(1, 1, 1)], "layer 0 (Conv2d) is not supported: its input is not an image of known channels"),
        ([nn.ReLU(), nn.Linear(2, 2)], "layer 0 (ReLU) is not supported: a ReLU belongs after a dense"),
        ([nn.Linear(2, 2), nn.Linear(2, 2)], "layer 1 (Linear) is not supported: two layers without a ReLU"),
        ([nn.Linear(2, 2), nn.ReLU(), nn.ReLU(), nn.Linear(2, 2)], "layer 2 (ReLU) is not supported"),
        ([nn.Flatten(0), nn.Linear(2, 2)], "layer 0 (Flatten) is not supported: it must leave one row a sample"),
        ([nn.Flatten(1, 2), nn.Linear(2, 2)], "layer 0 (Flatten) is not supported: it must leave one row a sample"),
        ([nn.Linear(2, 2), nn.ReLU()], "the network does not end in its logits; expected a Linear layer"),
        ([IMAGE, CONV], "the network does not end in its logits; expected a Linear layer, or Conv2d and Flatten"),
        ([IMAGE, CONV, nn.MaxPool2d(2), nn.Flatten()], "the network does not end in its logits"),
        (
            [nn.Linear(2, 3), nn.ReLU(), nn.Linear(2, 2)],
            "layer 2 (Linear) is not supported: it takes 2 numbers and is given 3",
        ),
        ([nn.Identity()], "the network has no Linear or Conv2d layer; got Sequential"),
        ([], "the network has no Linear or Conv2d layer"),
        ([nn.Unflatten(1, (1, 4, 4)), CONV], "layer 0 (Unflatten) is not supported"),
        (
            [nn.Linear(16, 16), nn.ReLU(), IMAGE, CONV],
            "layer 2 (AsImage) is not supported: 16 numbers cannot be arranged",
        ),
        ([IMAGE, nn.Linear(4, 2)], "layer 1 (Linear) is not supported: its input is not flat"),
        ([IMAGE, nn.Conv2d(2, 2, 1)], "layer 1 (Conv2d) is not supported: it takes 2 channels and is given 1"),
        ([AsImage(2, 4, 4), nn.Conv2d(2, 2, 1, groups=2)], "layer 1 (Conv2d) is not supported: it must have one group"),
        (
            [IMAGE, nn.Conv2d(1, 2, 2, dilation=2)],
            "layer 1 (Conv2d) is not supported: it must have one group, no dilation",
        ),
        (
            [IMAGE, nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")],
            "layer 1 (Conv2d) is not supported: it must have one group, no dilation and zeros for padding",
        ),
        (
            [IMAGE, nn.Conv2d(1, 2, 3, padding="same")],
            "layer 1 (Conv2d) is not supported: its padding must be given in numbers",
        ),
        ([IMAGE, nn.ConvTranspose2d(1, 2, 1)], "layer 1 (ConvTranspose2d) is not supported: a circuit proves"),
        (
            [IMAGE, CONV, nn.BatchNorm2d(2, track_running_stats=False)],
            "layer 2 (BatchNorm2d) is not supported: it has no running",
        ),
        (
            [IMAGE, CONV, nn.BatchNorm2d(3)],
            "layer 2 (BatchNorm2d) is not supported: it does not have one number for each of 2",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.BatchNorm2d(2)],
            "layer 3 (BatchNorm2d) is not supported: a batch normalisation belongs",
        ),
        ([IMAGE, nn.BatchNorm2d(1), CONV], "layer 1 (BatchNorm2d) is not supported: a batch normalisation belongs"),
        (
            [IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(2, stride=1)],
            "layer 3 (MaxPool2d) is not supported: its windows are not squares",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(3)],
            "layer 3 (MaxPool2d) is not supported: a pool's windows do not cover",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(3, ceil_mode=True)],
            "layer 3 (MaxPool2d) is not supported: it must have no",
        ),
        ([IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(2, padding=1)], "layer 3 (MaxPool2d) is not supported: it must have no"),
        (
            [IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(2, dilation=2)],
            "layer 3 (MaxPool2d) is not supported: it must have no",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.MaxPool2d(2, return_indices=True)],
            "layer 3 (MaxPool2d) is not supported: it must",
        ),
        (
            [IMAGE, CONV, nn.AvgPool2d(2), nn.ReLU()],
            "layer 2 (AvgPool2d) is not supported: an average belongs after the ReLU",
        ),
        ([IMAGE, CONV, nn.ReLU(), nn.AvgPool2d(2, padding=1)], "layer 3 (AvgPool2d) is not supported: it must have no"),
        (
            [IMAGE, CONV, nn.ReLU(), nn.AvgPool2d(2, ceil_mode=True)],
            "layer 3 (AvgPool2d) is not supported: it must have no",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.AvgPool2d(2, divisor_override=1)],
            "layer 3 (AvgPool2d) is not supported: it must have",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.AdaptiveAvgPool2d(2)],
            "layer 3 (AdaptiveAvgPool2d) is not supported: its output must be",
        ),
        (
            [AsImage(1, 2, 4), CONV, nn.ReLU(), nn.AdaptiveAvgPool2d(1)],
            "layer 3 (AdaptiveAvgPool2d) is not supported: its windows are not squares side by side",
        ),
        (
            [IMAGE, CONV, nn.ReLU(), nn.AdaptiveMaxPool2d(1)],
            "layer 3 (AdaptiveMaxPool2d) is not supported: a circuit proves",
        ),
    ],
)
def test_what_a_circuit_cannot_prove_is_named(modules: list[nn.Module], problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        affine_layers(nn.Sequential(*modules))
    assert str(caught.value).startswith(problem)


def test_a_module_of_its_own_kind_is_not_guessed_at() -> None:
    class Shifted(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
            return super().forward(input) + 1

    class Residual(nn.Sequential):
        def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - PyTorch's name
            return torch.add(super().forward(input), input)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]

    with pytest.raises(ModelError, match=r"layer 0 \(Shifted\) is not supported"):
        affine_layers(nn.Sequential(Shifted(2, 2)))
    with pytest.raises(ModelError, match=r"layer Residual \(Residual\) is not supported"):
        affine_layers(Residual(nn.Linear(2, 2)))


def test_a_trained_module_with_nan_is_refused_by_name() -> None:
    model = mlp((4, 3, 2), seed=0)
    list(model.parameters())[2].data[1, 1] = float("nan")
    with pytest.raises(ModelError, match=r"layer 2: weight is not finite.*1 NaN or infinite"):
        affine_layers(model)


def test_the_geometry_of_an_image_is_part_of_its_description() -> None:
    assert repr(AsImage(1, 2, 3)) == "AsImage(1, 2, 3)"  # which tells checkpoints of two networks apart
