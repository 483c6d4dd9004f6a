"""Keras's order of parameters: the paper's network counts right, and both orders compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pyml.errors import ModelError
from pyml.freezenet.keras_order import TorchParameter, keras_order, paper_cnn


def test_paper_network() -> None:
    parameters = paper_cnn()
    assert sum(parameter.size for parameter in parameters) == 1_306_922
    order = keras_order(parameters)
    assert np.array_equal(np.sort(order), np.arange(1_306_922))
    shapes = [parameter.shape for parameter in parameters]
    assert shapes[:8] == [(32, 3, 3, 3), (32,), (32,), (32,), (32, 32, 3, 3), (32,), (32,), (32,)]
    assert shapes[-6:] == [(128, 1024), (128,), (128,), (128,), (10, 128), (10,)]
    assert parameters[-6].flattened == (256, 2, 2)
    # Keras's first weights are those of row 0, column 0, input channel 0: one for each of the 32 output channels.
    assert order[:33].tolist() == [*range(0, 32 * 27, 27), 9]


def test_paper_network_is_the_order_of_pytorch_s_parameters() -> None:
    layers: list[nn.Module] = []
    channels = 3
    for filters in (32, 64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            channels = filters
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.BatchNorm1d(128), nn.Linear(128, 10)]
    shapes = [tuple(parameter.shape) for parameter in nn.Sequential(*layers).parameters()]
    assert shapes == [parameter.shape for parameter in paper_cnn()]


def test_both_orders_compute_the_same() -> None:
    """A convolution and a dense layer behind its flattened image, by Keras's formulas on Keras's arrays."""
    random = np.random.default_rng(5)
    flat = random.normal(size=4 * 3 * 2 * 3 + 4 + 5 * 4 * 2 * 3 + 5)
    order = keras_order(
        [TorchParameter((4, 3, 2, 3)), TorchParameter((4,)), TorchParameter((5, 24), (4, 2, 3)), TorchParameter((5,))]
    )
    image = random.normal(size=(3, 3, 5))
    kernel, bias, dense, offset = np.split(flat, [72, 76, 196])
    hidden = functional.conv2d(torch.tensor(image)[None], torch.tensor(kernel).reshape(4, 3, 2, 3), torch.tensor(bias))
    torch_output = functional.linear(hidden.flatten(1), torch.tensor(dense).reshape(5, 24), torch.tensor(offset))

    keras_kernel, keras_bias, keras_dense, keras_offset = np.split(flat[order], [72, 76, 196])
    keras_kernel, pixels = keras_kernel.reshape(2, 3, 3, 4), image.transpose(1, 2, 0)
    places = [[pixels[y : y + 2, x : x + 3] for x in range(3)] for y in range(2)]
    keras_hidden = np.array([[np.tensordot(patch, keras_kernel, 3) + keras_bias for patch in row] for row in places])
    keras_output = keras_hidden.reshape(-1) @ keras_dense.reshape(24, 5) + keras_offset
    np.testing.assert_allclose(keras_output, torch_output[0].numpy(), rtol=1e-12)


def test_vectors_keep_their_order_and_nothing_is_nothing() -> None:
    assert keras_order([TorchParameter((3,)), TorchParameter((2,))]).tolist() == [0, 1, 2, 3, 4]
    assert keras_order([]).size == 0


@pytest.mark.parametrize("shape", [(), (2, 3, 4), (2, 3, 4, 5, 6), (0,), (2, -1)])
def test_wrong_shape(shape: Any) -> None:
    with pytest.raises(ModelError) as caught:
        TorchParameter(shape)
    assert str(caught.value) == (
        "a parameter is neither a vector, a dense weight nor a kernel; "
        f"expected positive sizes, 1, 2 or 4 of them; got {shape}"
    )


@pytest.mark.parametrize(("shape", "image"), [((5, 24), (4, 2, 4)), ((24,), (4, 2, 3)), ((4, 6, 2, 2), (6, 2, 2))])
def test_wrong_image(shape: Any, image: Any) -> None:
    with pytest.raises(ModelError) as caught:
        TorchParameter(shape, image)
    assert (
        str(caught.value)
        == f"a flattened image does not fit its dense weight; expected {shape[1:]} numbers; got {image}"
    )
