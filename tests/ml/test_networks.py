"""Perceptrons and CNNs: building them, and reading their shapes from text."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from pyml.errors import ModelError
from pyml.ml.modules import AsImage
from pyml.ml.networks import cnn, mlp, parse_shapes, parse_sizes
from pyml.ml.shapes import Convolution, LayerShape, Pool
from tests.ml.random_networks import chains


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


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0), (3, -1, 2)])
def test_impossible_widths_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="two or more positive widths"):
        mlp(sizes, seed=0)


TEXT = "1x8x8:c4k3p1-max2-c8k3-avg2-10"


@pytest.mark.parametrize("batch_norm", [False, True])
def test_modules_of_a_cnn(batch_norm: bool) -> None:
    normalised = [nn.BatchNorm2d] if batch_norm else []
    made = cnn(parse_shapes(TEXT), seed=1, batch_norm=batch_norm)
    assert [type(module) for module in made] == [
        AsImage, nn.Conv2d, *normalised, nn.ReLU, nn.MaxPool2d,
        nn.Conv2d, *normalised, nn.ReLU, nn.AvgPool2d, nn.Flatten, nn.Linear,
    ]  # fmt: skip


def test_a_cnn_is_determined_by_its_seed_and_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    first, again, other = (cnn(parse_shapes(TEXT), seed=seed, batch_norm=True).state_dict() for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["1.weight"], other["1.weight"])
    greatest = float(first["1.weight"].abs().max())
    assert (6 / 64) ** 0.5 < greatest <= (6 / 9) ** 0.5  # the fan-in is that of a kernel, not of the image
    assert not first["1.bias"].any()


@given(chains(), st.booleans())
def test_a_cnn_has_the_widths_of_its_shapes(shapes: tuple[LayerShape, ...], batch_norm: bool) -> None:
    made = cnn(shapes, seed=0, batch_norm=batch_norm).eval()
    assert made(torch.zeros(2, shapes[0].inputs)).shape == (2, shapes[-1].outputs)


def test_shapes_that_are_no_chain_are_not_built() -> None:
    with pytest.raises(ModelError, match="layer 1 does not fit the one before it"):
        cnn([LayerShape(3, 4), LayerShape(5, 2)], seed=0)


def test_sizes_are_parsed() -> None:
    assert parse_sizes("784-64-10") == (784, 64, 10)


@pytest.mark.parametrize(
    "text", ["", "64", "64-", "-64", "64--10", "64-x", "64-0", "64 - 10", "6٤-10", "64-99999999999"]
)
def test_sizes_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="network sizes cannot be read"):
        parse_sizes(text)
    with pytest.raises(ModelError, match="network sizes cannot be read"):
        parse_shapes(text)


def test_shapes_are_parsed() -> None:
    assert parse_shapes("784-64-10") == (LayerShape(784, 64), LayerShape(64, 10))
    assert parse_shapes(TEXT) == (
        LayerShape(9, 4, Convolution(1, 8, 8, (3, 3), (1, 1), (1, 1)), Pool("max", 2)),
        LayerShape(36, 8, Convolution(4, 4, 4, (3, 3)), Pool("sum", 2)),
        LayerShape(8, 10),
    )
    assert parse_shapes("3x9x7:c5k3s2-4-2") == (
        LayerShape(27, 5, Convolution(3, 9, 7, (3, 3), (2, 2))),
        LayerShape(60, 4),
        LayerShape(4, 2),
    )
    assert parse_shapes("1x2x3:4") == (LayerShape(6, 4),)
    assert parse_shapes("1x2x2:c3k2s1p1") == (LayerShape(4, 3, Convolution(1, 2, 2, (2, 2), (1, 1), (1, 1))),)


@given(chains(least_convolutions=1, square=True))
def test_what_is_written_is_read(shapes: tuple[LayerShape, ...]) -> None:
    first = shapes[0].convolution
    assert first is not None
    text = f"{first.in_channels}x{first.height}x{first.width}:" + "-".join(map(written, shapes))
    assert parse_shapes(text) == shapes


def written(shape: LayerShape) -> str:
    if shape.convolution is None:
        return str(shape.fan_out)
    kernel, stride, padding = shape.convolution.kernel[0], shape.convolution.stride[0], shape.convolution.padding[0]
    text = f"c{shape.fan_out}k{kernel}s{stride}" + (f"p{padding}" if padding else "")
    if shape.pool is not None:
        text += f"-{'max' if shape.pool.kind == 'max' else 'avg'}{shape.pool.size}"
    return text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("8x8:c4k3-10", "the image's size cannot be read; expected CHANNELSxHEIGHTxWIDTH, e.g. 1x8x8; got 8x8"),
        ("1x8x8x1:c4k3-10", "the image's size cannot be read"),
        ("1x08x8:10", "the image's size cannot be read"),
        ("1x8x٨:10", "the image's size cannot be read"),
        (":10", "the image's size cannot be read"),
        ("1x8x8:", "part '' of the network: it cannot be read; expected a width, c8k3, c8k3s2p1, max2 or avg2"),
        ("1x8x8:c4k3--10", "part '' of the network: it cannot be read"),
        ("1x8x8:c4-10", "part 'c4' of the network: it cannot be read"),
        ("1x8x8:c4k3p1s2-10", "part 'c4k3p1s2' of the network: it cannot be read"),
        ("1x8x8:c4k0-10", "part 'c4k0' of the network: it cannot be read"),
        ("1x8x8:c4k3 -10", "part 'c4k3 ' of the network: it cannot be read"),
        ("1x8x8:c4k3-min2-10", "part 'min2' of the network: it cannot be read"),
        ("1x8x8:c4k3-10:5", "part '10:5' of the network: it cannot be read"),
        ("1x8x8:0", "part '0' of the network: it cannot be read"),
        ("1x8x8:9999999", "part '9999999' of the network: it cannot be read"),
        (
            "1x8x8:c4k9-10",
            "part 'c4k9' of the network: a convolution's kernel is larger than its padded image; expected at most 8x8",
        ),
        ("1x8x8:c4k3p3-10", "part 'c4k3p3' of the network: a convolution's padding is out of range"),
        (
            "1x8x8:c4k3p1-max3-10",
            "part 'max3' of the network: a pool's windows do not cover its image; expected height and width divisible",
        ),
        ("1x8x8:c4k3p1-max1-10", "part 'max1' of the network: a pool's window is too small"),
        ("1x8x8:max2-10", "part 'max2' of the network: a pool belongs after a convolution"),
        ("1x8x8:c4k3p1-max2-max2-10", "part 'max2' of the network: a pool belongs after a convolution"),
        ("1x8x8:16-avg2-10", "part 'avg2' of the network: a pool belongs after a convolution"),
        ("1x8x8:16-c4k3-10", "part 'c4k3' of the network: a convolution cannot follow a dense layer"),
        ("1x8x8:c4k3p1-max2", "the last layer gives logits and has no pool"),
        ("1x9999x9999:c4k3-10", "part 'c4k3' of the network: a convolution is too large"),
    ],
)
def test_shapes_that_cannot_be_read_are_refused(text: str, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_shapes(text)
    assert str(caught.value).startswith(problem)


def test_every_shape_of_a_perceptron_is_dense() -> None:
    assert all(shape.convolution is None for shape in parse_shapes("5-4-3"))
    assert [(shape.fan_in, shape.fan_out) for shape in parse_shapes("5-4-3")] == list(itertools.pairwise((5, 4, 3)))
