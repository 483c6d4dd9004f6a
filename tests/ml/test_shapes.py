"""Geometry of convolutions and pools, against PyTorch's unfold, conv2d and pools."""

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
from pyml.ml.shapes import MAX_ENTRIES, Convolution, LayerShape, Pool, require_chain, row_batches


@st.composite
def sides(draw: st.DrawFn) -> tuple[int, int, int]:
    """Size of an image, padding and size of a kernel that fit together, in one direction."""
    size, padding = draw(st.integers(1, 7)), draw(st.integers(0, 3))
    return size, padding, draw(st.integers(padding + 1, size + 2 * padding))


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    """Any small geometry, with strides that leave a rest and padding up to its limit."""
    (height, padding_y, kernel_y), (width, padding_x, kernel_x) = draw(sides()), draw(sides())
    stride = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    return Convolution(draw(st.integers(1, 3)), height, width, (kernel_y, kernel_x), stride, (padding_y, padding_x))


@given(convolutions())
def test_patches_are_what_unfold_reads(geometry: Convolution) -> None:
    numbered = torch.arange(1.0, geometry.inputs + 1, dtype=torch.float64)  # zero is left to the padding
    image = numbered.reshape(1, geometry.in_channels, geometry.height, geometry.width)
    unfolded = functional.unfold(image, geometry.kernel, padding=geometry.padding, stride=geometry.stride)
    patches = geometry.patches()
    assert (patches.shape, patches.dtype) == ((geometry.positions, geometry.fan_in), np.int64)
    assert np.array_equal(patches.T + 1, unfolded[0].numpy())


@given(convolutions(), st.integers(1, 4), st.integers(0, 2**32))
def test_products_are_those_of_conv2d(geometry: Convolution, channels: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    shape = LayerShape(geometry.fan_in, channels, geometry)
    values, weight = random.integers(-99, 99, (3, shape.inputs)), random.integers(-99, 99, (shape.fan_in, channels))
    bias = random.integers(-99, 99, channels)
    expected = functional.conv2d(
        torch.tensor(values, dtype=torch.float64).reshape(3, geometry.in_channels, geometry.height, geometry.width),
        torch.tensor(weight.T, dtype=torch.float64).reshape(channels, geometry.in_channels, *geometry.kernel),
        torch.tensor(bias, dtype=torch.float64),
        stride=geometry.stride,
        padding=geometry.padding,
    )
    assert expected.shape[1:] == shape.output_dims
    for number in (np.int64, np.float64, object):
        found = shape.multiply(values.astype(number), weight.astype(number)) + shape.spread(bias.astype(number))
        assert found.dtype == number
        assert np.array_equal(found.astype(np.int64), expected.flatten(1).numpy())


@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(2, 3), st.integers(0, 2**32))
def test_windows_are_those_of_torch(channels: int, rows: int, columns: int, size: int, seed: int) -> None:
    geometry = Convolution(1, rows * size, columns * size, (1, 1))
    images = torch.tensor(np.random.default_rng(seed).integers(-9, 9, (2, channels, rows * size, columns * size)))
    oracles: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "max": lambda image: functional.max_pool2d(image, size),
        "sum": lambda image: functional.avg_pool2d(image, size, divisor_override=1),
    }
    for kind, oracle in oracles.items():
        shape = LayerShape(1, channels, geometry, Pool(kind, size))  # pyright: ignore[reportArgumentType]
        expected = oracle(images.double())
        assert shape.output_dims == expected.shape[1:]
        assert shape.windows().shape == (shape.outputs, size * size)
        found = shape.reduce(images.flatten(1).numpy())
        assert found.dtype == np.int64
        assert np.array_equal(found, expected.flatten(1).numpy())


def test_an_example_by_hand() -> None:
    geometry = Convolution(2, 2, 3, (2, 2), (1, 2), (1, 1))
    assert (geometry.inputs, geometry.fan_in, geometry.positions) == (12, 8, 6)
    assert (geometry.out_height, geometry.out_width) == (3, 2)
    assert geometry.patches().tolist() == [
        [-1, -1, -1, 0, -1, -1, -1, 6],
        [-1, -1, 1, 2, -1, -1, 7, 8],
        [-1, 0, -1, 3, -1, 6, -1, 9],
        [1, 2, 4, 5, 7, 8, 10, 11],
        [-1, 3, -1, -1, -1, 9, -1, -1],
        [4, 5, -1, -1, 10, 11, -1, -1],
    ]
    assert Pool("max", 2).windows(1, 2, 4).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7]]


def test_a_dense_layer_is_one_position_that_sees_everything() -> None:
    shape = LayerShape(3, 2)
    assert (shape.inputs, shape.pre_activations, shape.outputs, shape.positions) == (3, 2, 2, 1)
    assert shape.output_dims == (2,)
    assert shape.patches().tolist() == [[0, 1, 2]]
    assert shape.windows().tolist() == [[0], [1]]


def test_flat_widths_of_a_convolution() -> None:
    shape = LayerShape(9, 5, Convolution(1, 8, 6, (3, 3), padding=(1, 1)), Pool("sum", 2))
    assert (shape.inputs, shape.pre_activations, shape.outputs) == (48, 5 * 48, 5 * 12)
    assert (shape.positions, shape.output_dims) == (48, (5, 4, 3))


def test_many_samples_are_taken_in_batches() -> None:
    geometry = Convolution(1, 64, 64, (8, 8), padding=(3, 3))
    shape = LayerShape(64, 1, geometry)
    assert len(list(row_batches(20, geometry.patches().size))) > 1
    values = np.random.default_rng(0).integers(0, 9, (20, shape.inputs))
    together = shape.multiply(values, np.ones((64, 1), dtype=np.int64))
    apart = [shape.multiply(values[[row]], np.ones((64, 1), dtype=np.int64))[0] for row in range(20)]
    assert np.array_equal(together, apart)
    assert shape.multiply(values[:0], np.ones((64, 1), dtype=np.int64)).shape == (0, shape.pre_activations)


@given(st.integers(0, 50), st.integers(1, 2**23))
def test_batches_cover_every_sample_once(samples: int, entries: int) -> None:
    batches = list(row_batches(samples, entries))
    assert batches
    assert [row for batch in batches for row in range(samples)[batch]] == list(range(samples))


CONVOLUTIONS: list[tuple[tuple[Any, ...], str]] = [
    ((0, 4, 4, (2, 2)), "a convolution needs positive sizes"),
    ((1, 4, -4, (2, 2)), "a convolution needs positive sizes"),
    ((1, 4, 4, (0, 2)), "a convolution needs positive sizes"),
    ((1, 4, 4, (2, 2), (1, 0)), "a convolution needs positive sizes"),
    ((1, 4, 4, (2, 2), (1, 1), (-1, 0)), "a convolution's padding is out of range"),
    (
        (1, 4, 4, (2, 2), (1, 1), (0, 2)),
        "a convolution's padding is out of range; expected less than the kernel, so that every position sees the image",
    ),
    (
        (1, 4, 4, (7, 3), (1, 1), (1, 1)),
        "a convolution's kernel is larger than its padded image; expected at most 6x6; got 7x3",
    ),
    ((1, 4, 4, (3, 3, 3)), "a convolution's geometry is not made of whole numbers"),
    ((1, 4, 4.0, (3, 3)), "a convolution's geometry is not made of whole numbers"),
    ((True, 4, 4, (3, 3)), "a convolution's geometry is not made of whole numbers"),
    ((1, 4, 4, (3, "3")), "a convolution's geometry is not made of whole numbers"),
    (
        (1, 4096, 4097, (1, 1)),
        f"a convolution is too large; expected at most {MAX_ENTRIES} numbers in all patches; got 16781312",
    ),
    ((1, 10**9, 10**9, (1, 1), (10**8, 10**8)), "a convolution is too large"),
    ((1, 2048, 2048, (3, 3)), "a convolution is too large"),
]


@pytest.mark.parametrize(("numbers", "problem"), CONVOLUTIONS)
def test_impossible_convolutions_are_refused(numbers: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        Convolution(*numbers)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("kind", "size", "problem"),
    [
        ("mean", 2, "unknown kind of pool; expected max or sum; got mean"),
        (None, 2, "unknown kind of pool; expected max or sum"),
        (["max"], 2, "unknown kind of pool; expected max or sum; got ['max']"),
        ("max", 1, "a pool's window is too small; expected 2 or more; got 1"),
        ("max", -2, "a pool's window is too small; expected 2 or more; got -2"),
        ("sum", 2.0, "a pool's window is too small; expected 2 or more; got 2.0"),
    ],
)
def test_impossible_pools_are_refused(kind: Any, size: Any, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        Pool(kind, size)
    assert str(caught.value) == problem


IMAGE = Convolution(1, 6, 4, (1, 1))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((0, 2), "a layer needs positive widths; got (0, 2)"),
        ((2, 0), "a layer needs positive widths; got (2, 0)"),
        ((2, 2, None, Pool("max", 2)), "only a convolution's output can be pooled; got Pool(kind='max', size=2)"),
        ((2, 2, IMAGE), "a convolution's weight does not fit its kernel; expected 1 rows; got 2"),
        (
            (1, 2, IMAGE, Pool("sum", 3)),
            "a pool's windows do not cover its image; expected height and width divisible by 3; got 6x4",
        ),
        (
            (1, 2, IMAGE, Pool("max", 4)),
            "a pool's windows do not cover its image; expected height and width divisible by 4; got 6x4",
        ),
        ((1, 2**22, IMAGE), f"a convolution is too large; expected at most {MAX_ENTRIES} outputs; got {24 * 2**22}"),
    ],
)
def test_layers_that_do_not_fit_together_are_refused(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        LayerShape(*arguments)
    assert str(caught.value) == problem


FIRST = LayerShape(1, 3, IMAGE, Pool("max", 2))  # gives 3x3x2


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        ([], "a network needs at least one layer"),
        ([FIRST], "the last layer gives logits and has no pool; got Pool(kind='max', size=2)"),
        ([FIRST, LayerShape(17, 2)], "layer 1 does not fit the one before it; expected 3x3x2 inputs; got 17"),
        (
            [FIRST, LayerShape(3, 2, Convolution(3, 2, 3, (1, 1)))],
            "layer 1 does not fit the one before it; expected 3x3x2 inputs; got 3x2x3",
        ),
        (
            [LayerShape(5, 18), LayerShape(3, 2, Convolution(3, 3, 2, (1, 1)))],
            "layer 1 does not fit the one before it; expected 18 inputs; got 3x3x2",
        ),
        (
            [LayerShape(2, 3), LayerShape(3, 4), LayerShape(3, 2)],
            "layer 2 does not fit the one before it; expected 4 inputs; got 3",
        ),
    ],
)
def test_layers_that_are_no_chain_are_refused(shapes: list[LayerShape], problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        require_chain(shapes)
    assert str(caught.value) == problem


def test_chains_are_accepted() -> None:
    require_chain([FIRST, LayerShape(18, 2)])
    require_chain([FIRST, LayerShape(3, 2, Convolution(3, 3, 2, (1, 1)))])
