"""Products of whole numbers on a device: those of NumPy, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, ToolMissingError
from pyml.ml.devices import product_on, require_device, torch_product
from pyml.ml.integer import IntegerLayer, IntegerNetwork, bounds, hidden
from pyml.ml.shapes import LayerShape, Matrix
from tests.ml.random_networks import chains, random_integers

no_card = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA card here")


def test_the_processor_multiplies_with_numpy() -> None:
    assert product_on("cpu") is np.matmul


@pytest.mark.parametrize("name", ["nonsense", "meta", "", "CUDA?"])
def test_other_devices_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="device"):
        product_on(name)


@no_card
@pytest.mark.parametrize("name", ["cuda", "cuda:3"])
def test_a_card_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(ToolMissingError, match=f"device {name} is not available"):
        product_on(name)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA card")
def test_a_card_gives_the_same_integers() -> None:
    draw = np.random.default_rng(5)
    left, right = (draw.integers(-(2**20), 2**20, (700, 700)).astype(np.float64) for _ in range(2))
    assert np.array_equal(product_on("cuda")(left, right), left @ right)


@settings(deadline=None, max_examples=60)
@given(chains(), st.integers(0, 2**32), st.integers(1, 6))
def test_networks_come_out_the_same(shapes: tuple[LayerShape, ...], seed: int, samples: int) -> None:
    """Dense layers, convolutions and pools, with PyTorch's products in the place of NumPy's."""
    draw = np.random.default_rng(seed)
    network = random_integers(shapes, draw)
    inputs = draw.integers(0, network.input_max + 1, (samples, network.sizes[0]))
    found = hidden(network, inputs, torch_product(require_device("cpu")))
    for own, expected in zip(found, hidden(network, inputs), strict=True):
        assert own.dtype == expected.dtype
        assert np.array_equal(own, expected)


def test_what_floats_cannot_hold_never_reaches_a_product() -> None:
    """Sums beyond 2^53 are taken in integers, whatever the product."""

    def refuse(left: Matrix, right: Matrix) -> Matrix:
        raise AssertionError("asked for a product that is not exact", left, right)

    layer = IntegerLayer(np.full((4, 2), 2**29), np.zeros(2, np.int64), 1)
    network = IntegerNetwork((layer,), bits=31, input_max=2**24)
    assert bounds(network)[0].partial > 2**53
    (logits,) = hidden(network, np.full((1, 4), 2**24), refuse)
    assert logits.tolist() == [[4 * 2**53] * 2]
    with pytest.raises(AssertionError, match="not exact"):
        hidden(IntegerNetwork((layer,), bits=31, input_max=1), np.ones((1, 4), np.int64), refuse)
