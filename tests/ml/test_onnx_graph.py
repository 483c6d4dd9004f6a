"""Convolutional networks from ONNX graphs: the function that onnxruntime computes, or refused by node and reason."""

# onnx has incomplete type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import numpy_helper
from torch import nn

from pyml.errors import ModelError
from pyml.ml.affine import forward
from pyml.ml.modules import AsImage, affine_layers
from pyml.ml.onnx_file import read_onnx, write_onnx
from pyml.ml.shapes import LayerShape, Pool
from tests.ml.onnx_models import Array, Model, Node, model, node, read, refusal, require_agreement, run
from tests.ml.random_networks import chains, random_module

RANDOM = np.random.default_rng(0)
K = RANDOM.normal(size=(3, 2, 3, 3)).astype(np.float32)
B = np.array([1, -2, 0.5], dtype=np.float32)
V = RANDOM.normal(size=(12, 2)).astype(np.float32)
X = RANDOM.normal(size=(5, 2, 4, 4)).astype(np.float32)
GAMMA, BETA, MEAN = (RANDOM.normal(size=3).astype(np.float32) for _ in range(3))
VARIANCE = RANDOM.uniform(0.5, 2, size=3).astype(np.float32)
CONSTANTS = {"K": K, "B": B, "V": V, "gamma": GAMMA, "beta": BETA, "mean": MEAN, "variance": VARIANCE}
PADS = [1, 1, 1, 1]


def conv(*, output: str = "c", **attributes: Any) -> Node:
    return node("Conv", ["x", "K", "B"], output, **{"pads": PADS, **attributes})


def norm(source: str = "c", output: str = "n", **attributes: Any) -> Node:
    return node("BatchNormalization", [source, "gamma", "beta", "mean", "variance"], output, **attributes)


def pool(kind: str = "MaxPool", source: str = "r", output: str = "p", **attributes: Any) -> Node:
    return node(kind, [source], output, **{"kernel_shape": [2, 2], "strides": [2, 2], **attributes})


def picture(*nodes: Node, constants: Mapping[str, Array] | None = None, **named: Any) -> Model:
    """The nodes given, then Flatten and a MatMul to two logits; inputs are two channels of 4 by 4."""
    behind = [node("Flatten", [nodes[-1].output[0]], "f"), node("MatMul", ["f", "V"])]
    named = {"shape": ("batch", 2, 4, 4), **named}
    return model([*nodes, *behind], CONSTANTS | dict(constants or {}), **named)


def reshaped(shape: Array, **attributes: Any) -> Model:
    """A reshape between the pool and the flattening."""
    return picture(conv(), RELU, pool(), node("Reshape", ["p", "s"], "q", **attributes), constants={"s": shape})


RELU = node("Relu", ["c"], "r")


# Accepted


WIDE = RANDOM.normal(size=(48, 2)).astype(np.float32)
ACCEPTED: dict[str, Model] = {
    "max": picture(conv(), RELU, pool()),
    "average": picture(conv(), RELU, pool("AveragePool")),
    "count_include_pad": picture(conv(), RELU, pool("AveragePool", count_include_pad=1)),
    "max before the ReLU": picture(conv(), pool(source="c", output="m"), node("Relu", ["m"], "p")),
    "batch norm": picture(conv(), norm(), node("Relu", ["n"], "r"), pool()),
    "epsilon": picture(conv(), norm(epsilon=0.1, momentum=0.5), node("Relu", ["n"], "r"), pool()),
    "inert": picture(
        conv(), node("Identity", ["c"], "i"), norm("i"), node("Dropout", ["n"], "d"), node("Relu", ["d"], "r"), pool()
    ),
    "defaults said": picture(
        conv(group=1, dilations=[1, 1], auto_pad="NOTSET", kernel_shape=[3, 3]),
        RELU,
        pool(pads=[0, 0, 0, 0], ceil_mode=0, storage_order=1, auto_pad="NOTSET"),
    ),
    "stride": picture(conv(strides=[2, 2]), RELU),
    "no bias": picture(node("Conv", ["x", "K"], "c", pads=PADS, strides=[2, 2]), RELU),
    "no padding": picture(node("Conv", ["x", "K", ""], "c"), RELU),
    "oblong": picture(conv(pads=[0, 1, 0, 1], strides=[1, 2]), RELU),
    "a pool of one": picture(
        conv(strides=[2, 2]),
        pool(source="c", kernel_shape=[1, 1], strides=[1, 1]),
        node("Relu", ["p"], "r"),
    ),
    "global": picture(conv(), RELU, node("GlobalAveragePool", ["r"], "p"), constants={"V": V[:3]}),
    "Reshape to 0 and -1": reshaped(np.array([0, -1])),
    "Reshape to a width": reshaped(np.array([-1, 12])),
    "Flatten before the ReLU": picture(
        conv(), node("Flatten", ["c"], "q"), node("Relu", ["q"], "p"), constants={"V": WIDE}
    ),
    "constant node": picture(
        node("Constant", [], "L", value=numpy_helper.from_array(K)), node("Conv", ["x", "L"], "c"), RELU
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_forms_compute_the_same(tmp_path: Path, name: str) -> None:
    require_agreement(tmp_path, ACCEPTED[name], X)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21])
def test_opsets(tmp_path: Path, opset: int) -> None:
    made = picture(conv(), norm(), node("Relu", ["n"], "r"), pool("AveragePool"), opset=opset)
    require_agreement(tmp_path, made, X)


def test_rows_become_images(tmp_path: Path) -> None:
    for shape, declared in (([-1, 2, 4, 4], ("b", 32)), ([0, 2, 4, 4], ("b", 32)), ([5, 2, 4, 4], (5, 32))):
        start = node("Reshape", ["x", "s"], "image")
        convolution = node("Conv", ["image", "K", "B"], "c", pads=PADS)
        made = picture(start, convolution, RELU, pool(), shape=declared, constants={"s": np.array(shape)})
        require_agreement(tmp_path, made, X.reshape(5, 32))


def test_a_batch_norm_behind_a_dense_layer(tmp_path: Path) -> None:
    made = model(
        [node("Gemm", ["x", "W"], "c"), norm(), node("Relu", ["n"], "r"), node("Gemm", ["r", "U"])],
        CONSTANTS | {"W": V[:4, :1] @ np.ones((1, 3), np.float32), "U": V[:3]},
    )
    require_agreement(tmp_path, made, RANDOM.normal(size=(6, 4)).astype(np.float32))


def test_layers_are_named_and_shaped_as_in_the_file(tmp_path: Path) -> None:
    made = picture(conv(), RELU, pool("AveragePool"))
    made.graph.node[0].name = "first"
    first, second = read(tmp_path, made)
    assert (first.name, second.name) == ("first", "MatMul")
    assert np.array_equal(first.weight, K.reshape(3, 18).T.astype(np.float64))
    assert np.array_equal(first.bias, B)
    assert (first.pool, first.shape.output_dims) == (Pool("sum", 2), (3, 2, 2))
    assert np.array_equal(second.weight * 4, V.astype(np.float64))


@given(chains(), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_what_we_write_we_read(
    tmp_path_factory: pytest.TempPathFactory, shapes: tuple[LayerShape, ...], batch_norm: bool, seed: int
) -> None:
    """The exporter folds batch normalisations in 32 bits, so weights agree to that many."""
    random = np.random.default_rng(seed)
    made = random_module(shapes, random, batch_norm=batch_norm)
    path = tmp_path_factory.mktemp("ours") / "model.onnx"
    write_onnx(made, shapes[0].inputs, path)
    layers = read_onnx(path)
    for found, expected in zip(layers, affine_layers(made), strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-4, atol=1e-5)
    inputs = random.normal(size=(3, shapes[0].inputs)).astype(np.float32)
    found = forward(layers, inputs.astype(np.float64))
    np.testing.assert_allclose(found, run(path.read_bytes(), inputs), rtol=1e-3, atol=1e-4 * np.abs(found).max())


TORCH: dict[str, nn.Module] = {
    "rows": nn.Sequential(
        AsImage(2, 4, 4), nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)
    ),
    "batch norm": nn.Sequential(
        AsImage(2, 4, 4),
        nn.Conv2d(2, 3, 3, bias=False),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(3, 4),
        nn.BatchNorm1d(4),
        nn.ReLU(),
        nn.Linear(4, 2),
    ),
}


@pytest.mark.parametrize(
    ("name", "exporter"), [("rows", "TorchScript"), ("batch norm", "TorchScript"), ("batch norm", "dynamo")]
)
def test_what_torch_writes(tmp_path: Path, name: str, exporter: str) -> None:
    torch.manual_seed(0)
    path, net = tmp_path / "torch.onnx", TORCH[name].eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            cast("Any", torch.onnx).export(net, (torch.zeros(2, 32),), dynamo=True, verbose=False).save(str(path))
        else:
            cast("Any", torch.onnx).export(net, (torch.zeros(2, 32),), str(path), dynamo=False)
    require_agreement(tmp_path, path.read_bytes(), X[:2].reshape(2, 32))


# Refused

SECOND = RANDOM.normal(size=(3, 3, 1, 1)).astype(np.float32)
NOT_SQUARE = "its windows are not squares side by side"
OPERATORS: dict[str, tuple[Model, str, str]] = {
    "no ReLU": (picture(conv(), constants={"V": WIDE}), "MatMul", "two layers without a ReLU between them"),
    "two convolutions": (
        picture(conv(), node("Conv", ["c", "S"], "p"), constants={"S": SECOND}),
        "Conv",
        "two layers without a ReLU between them",
    ),
    "groups": (
        picture(conv(group=2), constants={"K": K[:2, :1], "B": B[:2]}),
        "Conv",
        "group must be 1",
    ),
    "dilations": (picture(conv(dilations=[2, 2], pads=[2, 2, 2, 2])), "Conv", "dilations must be 1"),
    "same padding": (
        picture(node("Conv", ["x", "K"], "c", auto_pad="SAME_UPPER")),
        "Conv",
        "auto_pad must be NOTSET",
    ),
    "valid padding": (picture(node("Conv", ["x", "K"], "c", auto_pad="VALID")), "Conv", "auto_pad must be NOTSET"),
    "uneven padding": (
        picture(conv(pads=[1, 1, 0, 1])),
        "Conv",
        "pads must be the same on opposite sides of an image",
    ),
    "pads of one direction": (
        picture(conv(pads=[1, 1])),
        "Conv",
        "pads must be the same on opposite sides of an image",
    ),
    "negative padding": (picture(conv(pads=[-1, -1, -1, -1])), "Conv", "a convolution's padding is out of range"),
    "padding alone": (picture(conv(pads=[3, 3, 3, 3])), "Conv", "a convolution's padding is out of range"),
    "strides of one direction": (
        picture(conv(strides=[2])),
        "Conv",
        "strides must be two numbers, for rows and columns",
    ),
    "no stride": (picture(conv(strides=[0, 1])), "Conv", "a convolution needs positive sizes"),
    "another kernel_shape": (picture(conv(kernel_shape=[3, 1])), "Conv", "kernel_shape is not the shape of its weight"),
    "kernel in one direction": (
        picture(conv(), constants={"K": K[:, :, 0]}),
        "Conv",
        "its weight has 3 dimensions instead of 4",
    ),
    "channels": (picture(conv(), constants={"K": K[:, :1]}), "Conv", "it takes 1 channels and is given 2"),
    "bias": (picture(conv(), constants={"B": B[:2]}), "Conv", "a bias of shape (2,) is not one number for each output"),
    "weights of the input": (
        picture(node("Conv", ["x", "x"], "p")),
        "Conv",
        "its weights are not constants in the file",
    ),
    "integer weights": (
        picture(conv(), constants={"K": K.astype(np.int64)}),
        "Conv",
        "its weights are int64, not floating point",
    ),
    "open size": (
        picture(conv(), shape=("batch", 2, "height", 4)),
        "Conv",
        "its input is not an image of known channels, height and width",
    ),
    "rows without Reshape": (
        picture(conv(), shape=("batch", 32)),
        "Conv",
        "its input is not an image of known channels, height and width",
    ),
    "a product on an image": (
        model([node("MatMul", ["x", "W"])], {"W": V[:4]}, shape=("batch", 2, 4, 4)),
        "MatMul",
        "its input is not flat: Flatten belongs before it",
    ),
    "a product of another width": (picture(conv(), RELU), "MatMul", "it takes 12 numbers and is given 48"),
    "batch norm in training": (picture(conv(), norm(training_mode=1)), "BatchNormalization", "training_mode must be 0"),
    "batch norm of each pixel": (
        picture(conv(), norm(spatial=0), opset=8),
        "BatchNormalization",
        "spatial must be 1",
    ),
    "batch norm first": (
        picture(norm("x")),
        "BatchNormalization",
        "a batch normalisation belongs right after a dense or convolutional layer",
    ),
    "batch norm of another width": (
        picture(conv(), norm(), constants={"mean": MEAN[:2]}),
        "BatchNormalization",
        "it does not have one number for each of 3 channels",
    ),
    "batch norm by the input": (
        picture(conv(), node("BatchNormalization", ["c", "gamma", "beta", "x", "variance"], "p")),
        "BatchNormalization",
        "its weights are not constants in the file",
    ),
    "max of overlapping windows": (
        picture(conv(), RELU, pool(strides=[1, 1])),
        "MaxPool",
        f"{NOT_SQUARE} (size (2, 2), stride (1, 1))",
    ),
    "max with stride 1 by default": (
        picture(conv(), RELU, node("MaxPool", ["r"], "p", kernel_shape=[2, 2])),
        "MaxPool",
        f"{NOT_SQUARE} (size (2, 2), stride (1, 1))",
    ),
    "max of three": (
        picture(conv(), RELU, pool(kernel_shape=[3, 3], strides=[3, 3])),
        "MaxPool",
        "a pool's windows do not cover its image (4x4)",
    ),
    "max with padding": (picture(conv(), RELU, pool(pads=PADS)), "MaxPool", "pads must be 0"),
    "max with dilation": (picture(conv(), RELU, pool(dilations=[2, 2])), "MaxPool", "dilations must be 1"),
    "max rounding up": (picture(conv(), RELU, pool(ceil_mode=1)), "MaxPool", "ceil_mode must be 0"),
    "max of same padding": (picture(conv(), RELU, pool(auto_pad="SAME_LOWER")), "MaxPool", "auto_pad must be NOTSET"),
    "max of one direction": (
        picture(conv(), RELU, pool(kernel_shape=[2], strides=[2, 2])),
        "MaxPool",
        "kernel_shape must be two numbers, for rows and columns",
    ),
    "max of no window": (
        picture(conv(), RELU, pool(kernel_shape=[0, 0], strides=[0, 0])),
        "MaxPool",
        "a pool's window is too small (4x4)",
    ),
    "average before the ReLU": (
        picture(conv(), pool("AveragePool", "c")),
        "AveragePool",
        "an average belongs after the ReLU",
    ),
    "average with padding": (picture(conv(), RELU, pool("AveragePool", pads=PADS)), "AveragePool", "pads must be 0"),
    "two pools": (
        picture(conv(), RELU, pool(output="q"), pool(source="q")),
        "MaxPool",
        "a pool belongs after a convolution and its ReLU, one at most",
    ),
    "pool first": (
        picture(pool(source="x")),
        "MaxPool",
        "a pool belongs after a convolution and its ReLU, one at most",
    ),
    "global average of an oblong": (
        picture(conv(strides=[2, 1]), RELU, node("GlobalAveragePool", ["r"], "p")),
        "GlobalAveragePool",
        f"{NOT_SQUARE} (size (2, 4), stride (2, 4))",
    ),
    "global maximum": (
        picture(conv(), RELU, node("GlobalMaxPool", ["r"], "p")),
        "GlobalMaxPool",
        "circuits prove dense and convolutional layers with ReLU between them",
    ),
    "bias added to a convolution": (
        picture(conv(), node("Add", ["c", "T"], "p"), constants={"T": B[:, None, None]}),
        "Add",
        "only the bias of a MatMul may be added",
    ),
    "reshape across samples": (
        reshaped(np.array([1, -1])),
        "Reshape",
        "it does not keep one row or image a sample",
    ),
    "reshape to nothing": (
        reshaped(np.array([-1])),
        "Reshape",
        "it does not keep one row or image a sample",
    ),
    "reshape to half a sample": (
        reshaped(np.array([-1, 6])),
        "Reshape",
        "3x2x2 numbers cannot be arranged as 6",
    ),
    "reshape by a value": (
        picture(conv(), RELU, pool(), node("Reshape", ["p", "x"], "q")),
        "Reshape",
        "its shape is not a constant in the file",
    ),
    "reshape by fractions": (
        picture(conv(), RELU, pool(), node("Reshape", ["p", "B"], "q")),
        "Reshape",
        "its shape is not a list of whole numbers",
    ),
    "reshape with allowzero": (
        reshaped(np.array([0, -1]), allowzero=1),
        "Reshape",
        "it does not keep one row or image a sample",
    ),
    "images turned": (
        picture(node("Transpose", ["x"], "t", perm=[0, 2, 3, 1]), node("Conv", ["t", "K"], "p")),
        "Transpose",
        "circuits prove dense and convolutional layers with ReLU between them",
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_other_networks_are_refused_by_name(tmp_path: Path, name: str) -> None:
    made, kind, why = OPERATORS[name]
    line, _, expected = refusal(tmp_path, made).partition("; expected ")
    assert line == f": operator {kind} ({kind}) is not supported: {why}"
    assert expected.startswith("Gemm, MatMul with Add, Conv; BatchNormalization behind them;")


def test_an_image_is_no_row_of_logits(tmp_path: Path) -> None:
    made = model([conv(output="y")], CONSTANTS, shape=("batch", 2, 4, 4))
    assert refusal(tmp_path, made).startswith(": the network does not end in a layer that gives logits")


def test_outputs_of_training_are_refused(tmp_path: Path) -> None:
    made = picture(conv(), RELU, pool())
    made.graph.node[2].output.append("indices")
    assert "operator MaxPool (MaxPool) is not supported: it must have one output, not the indices" in refusal(
        tmp_path, made
    )
    made = picture(conv(), norm(), opset=8)
    made.graph.node[1].output.extend(["m", "v", "sm", "sv"])
    assert "operator BatchNormalization (BatchNormalization) is not supported: it must have one output" in refusal(
        tmp_path, made
    )


def with_variance(variance: float) -> Model:
    spoiled = VARIANCE.copy()
    spoiled[1] = variance
    return picture(conv(), norm(epsilon=0.25), node("Relu", ["n"], "r"), pool(), constants={"variance": spoiled})


@pytest.mark.parametrize("variance", [-1.0, -0.25, np.nan])
def test_batch_norms_by_nothing_are_refused(tmp_path: Path, variance: float) -> None:
    with pytest.raises(ModelError, match=r"layer Conv: weight is not finite"):
        read(tmp_path, with_variance(variance))


def test_a_batch_norm_by_infinity_is_a_channel_of_zeros(tmp_path: Path) -> None:
    require_agreement(tmp_path, with_variance(np.inf), X)


HAND_MADE = picture(
    node("Reshape", ["x", "s"], "image"),
    node("Conv", ["image", "K", "B"], "c", pads=PADS, strides=[1, 1]),
    norm(epsilon=0.01),
    node("Relu", ["n"], "r"),
    pool("AveragePool", output="a"),
    node("Conv", ["a", "S"], "d"),
    pool(source="d", output="e"),
    node("Relu", ["e"], "p"),
    shape=("batch", 32),
    constants={"s": np.array([-1, 2, 4, 4]), "S": SECOND, "V": V[:3]},
).SerializeToString()


@given(data=st.data())
@settings(max_examples=150)
def test_mutated_files_are_refused_or_mean_what_onnxruntime_runs(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Never another error; and where both read the file, never another function."""
    content = bytearray(HAND_MADE)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        if data.draw(st.booleans()):
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        else:
            content[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    inputs = X.reshape(5, 32)
    try:
        layers = read(tmp_path_factory.mktemp("mutated"), bytes(content))
    except ModelError:
        return
    largest = max(float(np.abs(part).max()) for layer in layers for part in (layer.weight, layer.bias))
    assume(largest < 1e3 and layers[0].shape.inputs == 32)  # beyond, 32-bit sums overflow or cancel
    try:
        expected = run(bytes(content), inputs)
    except Exception:  # onnxruntime's own refusals have no common class
        return
    found = forward(layers, inputs.astype(np.float64))
    magnitude = max(1.0, float(np.abs(found).max()), largest**2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * magnitude)


def test_the_file_that_is_mutated_is_read(tmp_path: Path) -> None:
    assert len(require_agreement(tmp_path, HAND_MADE, X.reshape(5, 32))) == 3
