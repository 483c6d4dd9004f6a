"""Networks from ONNX files: read to the function that onnxruntime computes, or refused by node and reason."""

# onnx and onnxruntime have incomplete type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownParameterType=false

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper
from torch import nn

from pyml.errors import ModelError
from pyml.ml.affine import forward
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.onnx_file import MAX_BYTES, read_onnx, write_onnx
from tests.ml.onnx_models import HELPER, Array, Model, Node, model, node, read, refusal, require_agreement, run

ONNX: Any = onnx

W = np.arange(12, dtype=np.float32).reshape(4, 3) / 7 - 1
V = np.array([[1, -2], [3, 0.5], [-1, 4]], dtype=np.float32)
B, C = np.array([1, -2, 3], dtype=np.float32), np.array([0.25, -4], dtype=np.float32)
X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


def two_layers(*between: Node, first: str = "h", last: str = "r", **named: Any) -> Model:
    """Gemm, what is given (a ReLU by default), Gemm."""
    nodes = between or (node("Relu", ["h"], "r"),)
    return model(
        [node("Gemm", ["x", "W", "B"], first), *nodes, node("Gemm", [last, "V", "C"])],
        {"W": W, "V": V, "B": B, "C": C, "two": np.array([2, 2], dtype=np.float32)},
        **named,
    )


# Accepted


@pytest.mark.parametrize(
    "made",
    [
        two_layers(),
        two_layers(node("Identity", ["h"], "i"), node("Relu", ["i"], "r")),
        two_layers(node("Dropout", ["h"], "i"), node("Relu", ["i"], "j"), node("Dropout", ["j"], "r")),
        model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": B}, classes=3),
        model([node("Gemm", ["x", "W"])], {"W": W}, classes=3),
        model([node("Gemm", ["x", "W", ""])], {"W": W}, classes=3),
        model([node("MatMul", ["x", "W"])], {"W": W}, classes=3),
        model([node("Gemm", ["x", "W", "B"], transB=1)], {"W": W.T.copy(), "B": B}, classes=3),
        model([node("Gemm", ["x", "W", "B"], alpha=1.0, beta=1.0, transA=0, transB=0)], {"W": W, "B": B}, classes=3),
        model([node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"])], {"W": W, "B": B}, classes=3),
        model([node("MatMul", ["x", "W"], "h"), node("Add", ["B", "h"])], {"W": W, "B": B}, classes=3),
        model([node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"])], {"W": W, "B": B[None]}, classes=3),
        model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": B[None]}, classes=3),
        model(
            [node("MatMul", ["x", "W"], "h"), node("Identity", ["h"], "i"), node("Add", ["i", "B"])],
            {"W": W, "B": B},
            classes=3,
        ),
        model([node("Flatten", ["x"], "f"), node("Gemm", ["f", "W"])], {"W": W}, classes=3),
        model([node("Flatten", ["x"], "f", axis=1), node("Gemm", ["f", "W"])], {"W": W}, classes=3),
        model([node("Identity", ["W"], "U"), node("Gemm", ["x", "U"])], {"W": W}, classes=3),
        model([node("Identity", ["x"], "i"), node("Gemm", ["i", "W"])], {"W": W}, classes=3),
        two_layers(node("Relu", ["h"], "i"), node("Flatten", ["i"], "r")),
    ],
    ids=[
        "two layers", "identity", "dropout", "one layer", "no bias", "empty bias", "MatMul", "transB", "defaults",
        "Add", "Add first", "Add row", "Gemm row", "Add after identity", "Flatten", "Flatten axis", "shared", "in",
        "Flatten between",
    ],
)  # fmt: skip
def test_accepted_forms_compute_the_same(tmp_path: Path, made: Model) -> None:
    require_agreement(tmp_path, made, X)


def test_weights_come_as_they_are_in_the_file(tmp_path: Path) -> None:
    first, second = read(tmp_path, two_layers())
    for layer, weight, bias in ((first, W, B), (second, V, C)):
        assert (layer.weight.dtype, layer.bias.dtype) == (np.float64, np.float64)
        assert np.array_equal(layer.weight, weight)
        assert np.array_equal(layer.bias, bias)
    (alone,) = read(tmp_path, model([node("MatMul", ["x", "W"])], {"W": W}, classes=3))
    assert alone.bias.tolist() == [0, 0, 0]


def test_image_shaped_inputs_are_flattened_row_by_row(tmp_path: Path) -> None:
    images = np.random.default_rng(1).normal(size=(3, 1, 2, 2)).astype(np.float32)
    flatten = model([node("Flatten", ["x"], "f"), node("Gemm", ["f", "W"])], {"W": W}, shape=("b", 1, 2, 2), classes=3)
    require_agreement(tmp_path, flatten, images)
    for shape in ([-1, 4], [0, -1]):
        reshape = model(
            [node("Reshape", ["x", "s"], "f"), node("Gemm", ["f", "W"])],
            {"W": W, "s": np.array(shape, dtype=np.int64)},
            shape=("b", 1, 2, 2),
            classes=3,
        )
        require_agreement(tmp_path, reshape, images)


def test_constants_may_be_nodes(tmp_path: Path) -> None:
    def constant(name: str, value: Array) -> Node:
        return node("Constant", [], name, value=numpy_helper.from_array(value, name))

    made = model(
        [
            node("Constant", [], "s", value_ints=[-1, 4]),
            node("Reshape", ["x", "s"], "f"),
            constant("W", W),
            node("MatMul", ["f", "W"], "h"),
            constant("B", B),
            node("Add", ["h", "B"]),
            constant("unused", B),
        ],
        {},
        classes=3,
    )
    require_agreement(tmp_path, made, X)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21])
def test_opsets(tmp_path: Path, opset: int) -> None:
    require_agreement(tmp_path, two_layers(opset=opset), X)


@pytest.mark.parametrize("opset", [1, 6])
def test_opsets_of_the_old_broadcasting_are_refused(tmp_path: Path, opset: int) -> None:
    made = model(
        [node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"], broadcast=1, axis=0)], {"W": W, "B": B}, opset=opset
    )
    assert refusal(tmp_path, made) == f" uses an old operator set; expected version 7 or newer; got {opset}"


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floating_point_weights_of_any_width(tmp_path: Path, kind: type[np.floating[Any]]) -> None:
    made = model([node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"])], {"W": W.astype(kind), "B": B.astype(kind)})
    (layer,) = read(tmp_path, made)
    assert np.array_equal(layer.weight, W.astype(kind).astype(np.float64))


def test_weights_that_are_inputs_with_defaults(tmp_path: Path) -> None:
    """Before IR 4 every initializer had to be listed as an input."""
    made = model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": B}, classes=3)
    made.graph.input.extend(
        [
            HELPER.make_tensor_value_info("W", TensorProto.FLOAT, [4, 3]),
            HELPER.make_tensor_value_info("B", TensorProto.FLOAT, [3]),
        ]
    )
    require_agreement(tmp_path, made, X)


widths = st.lists(st.integers(1, 9), min_size=2, max_size=5)


@given(sizes=widths, seed=st.integers(0, 2**32 - 1), form=st.sampled_from(["Gemm", "transB", "MatMul"]))
def test_random_models_agree_with_onnxruntime(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int, form: str
) -> None:
    random = np.random.default_rng(seed)
    nodes, constants, value = [], {}, "x"
    for index, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        weight = random.normal(size=(fan_in, fan_out)).astype(np.float32)
        constants[f"W{index}"] = weight.T.copy() if form == "transB" else weight
        constants[f"B{index}"] = random.normal(size=fan_out).astype(np.float32)
        if form == "MatMul":
            nodes += [
                node("MatMul", [value, f"W{index}"], f"m{index}"),
                node("Add", [f"m{index}", f"B{index}"], f"h{index}"),
            ]
        else:
            named = {"transB": 1} if form == "transB" else {}
            nodes.append(node("Gemm", [value, f"W{index}", f"B{index}"], f"h{index}", **named))
        value = f"h{index}"
        if index < len(sizes) - 2:
            nodes.append(node("Relu", [value], f"r{index}"))
            value = f"r{index}"
    made = model(nodes, constants, shape=("b", sizes[0]), output=value, classes=sizes[-1])
    inputs = random.normal(size=(4, sizes[0])).astype(np.float32)
    layers = require_agreement(tmp_path_factory.mktemp("random"), made, inputs)
    assert [layer.weight.shape for layer in layers] == list(itertools.pairwise(sizes))


# Written by us and by torch


@given(sizes=widths, seed=st.integers(0, 1000), biases=st.sampled_from(["zero", "equal", "random"]))
@settings(max_examples=15)
def test_what_we_write_we_read(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int, biases: str
) -> None:
    """Also where layers have equal parameters, of which the exporter keeps one."""
    made = mlp(sizes, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in made:
            if isinstance(module, nn.Linear) and biases != "zero":
                module.bias.copy_(torch.ones_like(module.bias))
                if biases == "random":
                    module.bias.normal_(generator=generator)
    path = tmp_path_factory.mktemp("ours") / "model.onnx"
    write_onnx(made, sizes[0], path)
    for found, expected in zip(read_onnx(path), affine_layers(made), strict=True):
        assert np.array_equal(found.weight, expected.weight)
        assert np.array_equal(found.bias, expected.bias)
    inputs = np.random.default_rng(seed).normal(size=(3, sizes[0])).astype(np.float32)
    np.testing.assert_allclose(
        forward(read_onnx(path), inputs.astype(np.float64)), run(path.read_bytes(), inputs), rtol=1e-4, atol=1e-4
    )


def test_what_we_write_is_ours_alone_and_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.onnx"
    net = nn.Sequential(nn.Flatten(), mlp((4, 3, 2), seed=1))
    net.train()
    write_onnx(net, 4, path)
    assert path.stat().st_mode & 0o777 == 0o600, "the weights may be a secret"
    assert [item.name for item in path.parent.iterdir()] == ["model.onnx"]
    written = ONNX.load(str(path))
    ONNX.checker.check_model(written, full_check=True)
    assert [value.name for value in written.graph.input] == ["input"]
    assert [value.name for value in written.graph.output] == ["logits"]
    assert run(path.read_bytes(), X[:3]).shape == (3, 2), "the batch is free"
    write_onnx(mlp((4, 2), seed=1), 4, path)
    assert len(read_onnx(path)) == 1, "an existing file is replaced"


TORCH: dict[str, nn.Module] = {
    "plain": nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2)),
    "no bias": nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 2, bias=False)),
    "flatten, dropout, identity": nn.Sequential(
        nn.Flatten(), nn.Identity(), nn.Linear(4, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 2)
    ),
    "nested": nn.Sequential(
        nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Linear(4, 2)
    ),
}


@pytest.mark.parametrize("name", TORCH)
@pytest.mark.parametrize("exporter", ["TorchScript", "dynamo"])
def test_what_torch_writes(tmp_path: Path, name: str, exporter: str) -> None:
    torch.manual_seed(0)
    path, net = tmp_path / "torch.onnx", TORCH[name].eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            cast("Any", torch.onnx).export(net, (torch.zeros(2, 4),), dynamo=True, verbose=False).save(str(path))
        else:
            cast("Any", torch.onnx).export(net, (torch.zeros(2, 4),), str(path), dynamo=False)
    require_agreement(tmp_path, path.read_bytes(), X[:2])
    for found, expected in zip(read_onnx(path), affine_layers(net), strict=True):
        assert np.array_equal(found.weight, expected.weight)


def test_shared_layers_are_read_twice(tmp_path: Path) -> None:
    shared = nn.Linear(4, 4)
    write_onnx(nn.Sequential(shared, nn.ReLU(), shared), 4, tmp_path / "model.onnx")
    first, second = read_onnx(tmp_path / "model.onnx")
    assert np.array_equal(first.weight, second.weight)


# Refused

SUPPORTED = (
    "; expected Gemm, MatMul with Add, Conv; BatchNormalization behind them; Relu between layers; MaxPool, "
    "AveragePool, GlobalAveragePool; Flatten, Reshape; Identity, Dropout"
)


def unsupported(kind: str, why: str) -> str:
    return f": operator {kind} ({kind}) is not supported: {why}{SUPPORTED}"


NOT_THE_CHAIN = "it does not continue the chain from input to output"
ONLY_AFFINE = "circuits prove dense and convolutional layers with ReLU between them"
NOT_CONSTANT = "its weights are not constants in the file"

OPERATORS: dict[str, tuple[Model, str]] = {
    "Sigmoid": (two_layers(node("Sigmoid", ["h"], "r")), unsupported("Sigmoid", ONLY_AFFINE)),
    "Softmax last": (
        model([node("Gemm", ["x", "W"], "h"), node("Softmax", ["h"])], {"W": W}),
        unsupported("Softmax", ONLY_AFFINE),
    ),
    "LeakyRelu": (two_layers(node("LeakyRelu", ["h"], "r")), unsupported("LeakyRelu", ONLY_AFFINE)),
    "Clip": (two_layers(node("Clip", ["h"], "r")), unsupported("Clip", ONLY_AFFINE)),
    "Transpose": (
        model([node("Transpose", ["x"], "t"), node("Gemm", ["t", "W"])], {"W": W}),
        unsupported("Transpose", ONLY_AFFINE),
    ),
    "Cast": (two_layers(node("Relu", ["h"], "i"), node("Cast", ["i"], "r", to=1)), unsupported("Cast", ONLY_AFFINE)),
    "Mul": (two_layers(node("Relu", ["h"], "i"), node("Mul", ["i", "B"], "r")), unsupported("Mul", ONLY_AFFINE)),
    "Relu first": (
        model([node("Relu", ["x"], "r"), node("Gemm", ["r", "W"])], {"W": W}),
        unsupported("Relu", "a ReLU belongs after a dense or convolutional layer"),
    ),
    "two Relus": (
        two_layers(node("Relu", ["h"], "i"), node("Relu", ["i"], "r")),
        unsupported("Relu", "a ReLU belongs after a dense or convolutional layer"),
    ),
    "Flatten across samples": (
        model([node("Flatten", ["x"], "f", axis=0), node("Gemm", ["f", "W"])], {"W": W}),
        unsupported("Flatten", "axis must be 1"),
    ),
    "no Relu": (
        two_layers(node("Identity", ["h"], "r")),
        unsupported("Gemm", "two layers without a ReLU between them"),
    ),
    "alpha": (
        model([node("Gemm", ["x", "W"], alpha=2.0)], {"W": W}),
        unsupported("Gemm", "alpha must be 1"),
    ),
    "alpha nearly 1": (
        model([node("Gemm", ["x", "W"], alpha=0.99999994)], {"W": W}),
        unsupported("Gemm", "alpha must be 1"),
    ),
    "beta": (model([node("Gemm", ["x", "W", "B"], beta=0.0)], {"W": W, "B": B}), unsupported("Gemm", "beta must be 1")),
    "transA": (model([node("Gemm", ["x", "W"], transA=1)], {"W": W}), unsupported("Gemm", "transA must be 0")),
    "Add of the input": (
        model([node("Gemm", ["x", "W"], "h"), node("Add", ["h", "x"])], {"W": W}),
        unsupported("Add", "only the bias of a MatMul may be added"),
    ),
    "second bias": (
        model([node("Gemm", ["x", "W", "B"], "h"), node("Add", ["h", "B"])], {"W": W, "B": B}),
        unsupported("Add", "only the bias of a MatMul may be added"),
    ),
    "second Add": (
        model(
            [node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"], "i"), node("Add", ["i", "B"])], {"W": W, "B": B}
        ),
        unsupported("Add", "only the bias of a MatMul may be added"),
    ),
    "Add to itself": (
        model([node("MatMul", ["x", "W"], "h"), node("Add", ["h", "h"])], {"W": W}),
        unsupported("Add", NOT_CONSTANT),
    ),
    "skip connection": (
        model([node("MatMul", ["x", "S"], "h"), node("Add", ["h", "x"])], {"S": np.eye(4, dtype=np.float32)}),
        unsupported("Add", NOT_CONSTANT),
    ),
    "input as bias": (
        model([node("Gemm", ["x", "S", "x"])], {"S": np.eye(4, dtype=np.float32)}),
        unsupported("Gemm", NOT_CONSTANT),
    ),
    "input as weight": (model([node("Gemm", ["x", "x"])], {}), unsupported("Gemm", NOT_CONSTANT)),
    "weight times input": (
        model([node("MatMul", ["W", "x"])], {"W": W.T.copy()}),
        unsupported("MatMul", NOT_THE_CHAIN),
    ),
    "second use of a value": (
        two_layers(node("Relu", ["h"], "r"), node("Relu", ["h"], "other")),
        unsupported("Relu", NOT_THE_CHAIN),
    ),
    "branch from the input": (
        model([node("Gemm", ["x", "W"], "h"), node("MatMul", ["x", "W"], "i"), node("Relu", ["h"])], {"W": W}),
        unsupported("MatMul", NOT_THE_CHAIN),
    ),
    "dangling at the end": (
        model([node("Gemm", ["x", "W"]), node("Relu", ["y"], "r"), node("Gemm", ["r", "V"], "z")], {"W": W, "V": V}),
        ": the output is not the end of the chain of layers; got y",
    ),
    "ends in Relu": (
        model([node("Gemm", ["x", "W"], "h"), node("Relu", ["h"])], {"W": W}),
        f": the network does not end in a layer that gives logits{SUPPORTED}",
    ),
    "no layer": (
        model([node("Identity", ["x"])], {}),
        f": the network does not end in a layer that gives logits{SUPPORTED}",
    ),
    "constant output": (
        model([node("Constant", [], "y", value=numpy_helper.from_array(C, "y"))], {}),
        ": the output is not the end of the chain of layers; got y",
    ),
    "shape in the place of the input": (
        model([node("Reshape", ["s", "x"], "f"), node("Gemm", ["f", "W"])], {"W": W, "s": X[:1]}),
        unsupported("Reshape", NOT_THE_CHAIN),
    ),
    "ratio in the place of the input": (
        two_layers(node("Relu", ["h"], "i"), node("Dropout", ["B", "i"], "r")),
        unsupported("Dropout", NOT_THE_CHAIN),
    ),
    "integer weights": (
        model([node("MatMul", ["x", "W"])], {"W": np.ones((4, 3), dtype=np.int64)}),
        unsupported("MatMul", "its weights are int64, not floating point"),
    ),
    "integer bias": (
        model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": np.ones(3, dtype=np.int32)}),
        unsupported("Gemm", "its weights are int32, not floating point"),
    ),
    "bfloat16": (
        model([node("MatMul", ["x", "W"])], {"W": W.astype(ml_dtypes.bfloat16)}),
        unsupported("MatMul", "its weights are bfloat16, not floating point"),
    ),
    "weight of three dimensions": (
        model([node("MatMul", ["x", "W"])], {"W": W[None]}),
        unsupported("MatMul", "its weight has 3 dimensions instead of 2"),
    ),
    "one number a sample": (
        model([node("MatMul", ["x", "W"], "h"), node("Add", ["h", "B"])], {"W": W, "B": B[:, None]}),
        unsupported("Add", "a bias of shape (3, 1) is not one number for each output"),
    ),
    "one number a sample, Gemm": (
        model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": B[:, None]}),
        unsupported("Gemm", "a bias of shape (3, 1) is not one number for each output"),
    ),
    "one number for all": (
        model([node("Gemm", ["x", "W", "B"])], {"W": W, "B": np.array([2], dtype=np.float32)}),
        unsupported("Gemm", "a bias of shape (1,) is not one number for each output"),
    ),
    "layers that do not fit": (
        model([node("Gemm", ["x", "W"], "h"), node("Relu", ["h"], "r"), node("Gemm", ["r", "W"])], {"W": W}),
        unsupported("Gemm", "it takes 4 numbers and is given 3"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_other_networks_are_refused_by_name(tmp_path: Path, name: str) -> None:
    made, line = OPERATORS[name]
    assert refusal(tmp_path, made) == line


@pytest.mark.parametrize(
    ("value", "name"), [(np.nan, "weight"), (np.inf, "weight"), (-np.inf, "bias"), (np.nan, "bias")]
)
def test_numbers_that_are_none(tmp_path: Path, value: float, name: str) -> None:
    spoiled = {"weight": W.copy(), "bias": B.copy()}
    spoiled[name].reshape(-1)[1] = value
    made = model([node("Gemm", ["x", "W", "B"])], {"W": spoiled["weight"], "B": spoiled["bias"]})
    with pytest.raises(ModelError, match=f"layer Gemm: {name} is not finite") as caught:
        read(tmp_path, made)
    assert caught.value.got == "1 NaN or infinite values"


def test_layer_is_named_as_its_node(tmp_path: Path) -> None:
    made = two_layers()
    made.graph.node[0].name, made.graph.node[2].name = "first", "second"
    assert [layer.name for layer in read(tmp_path, made)] == ["first", "second"]
    made.graph.node[2].attribute.append(HELPER.make_attribute("transA", 1))
    assert refusal(tmp_path, made).startswith(": operator Gemm (second) is not supported: transA must be 0")


@pytest.mark.parametrize("training", [True, False, None])
def test_dropout_that_is_not_inert_is_refused(tmp_path: Path, training: bool | None) -> None:
    """In training mode onnxruntime really drops values: the network would answer by chance."""
    made = two_layers(node("Dropout", ["h", "ratio", "mode"], "i"), node("Relu", ["i"], "r"))
    made.graph.initializer.append(numpy_helper.from_array(np.array(0.5, dtype=np.float32), "ratio"))
    if training is None:
        made.graph.node.insert(0, node("Identity", ["x"], "mode"))
        with pytest.raises(ModelError):
            read(tmp_path, made)
        return
    made.graph.initializer.append(numpy_helper.from_array(np.array(training), "mode"))
    if training:
        assert refusal(tmp_path, made) == unsupported("Dropout", "training_mode must be false")
    else:
        require_agreement(tmp_path, made, X)


def test_operators_of_another_domain_are_refused(tmp_path: Path) -> None:
    """A runtime may know a ``Relu`` of that domain that does something else."""
    made = two_layers(node("Relu", ["h"], "r", domain="somebody.else"))
    made.opset_import.append(HELPER.make_opsetid("somebody.else", 1))
    assert refusal(tmp_path, made) == unsupported("Relu", "it is of the domain somebody.else, not ONNX's own")


def test_operators_that_the_file_redefines_are_refused(tmp_path: Path) -> None:
    made = two_layers()
    made.functions.append(
        HELPER.make_function("", "Relu", ["a"], ["b"], [node("Neg", ["a"], "b")], [HELPER.make_opsetid("", 16)])
    )
    assert refusal(tmp_path, made) == " redefines operators of ONNX; expected standard operators"


def test_wrong_number_of_inputs_and_outputs(tmp_path: Path) -> None:
    made = two_layers()
    made.graph.input.append(HELPER.make_tensor_value_info("x2", TensorProto.FLOAT, ["b", 4]))
    assert refusal(tmp_path, made) == " has the wrong number of inputs or outputs; expected (1, 1); got (2, 1)"
    made = two_layers()
    made.graph.output.append(HELPER.make_tensor_value_info("r", TensorProto.FLOAT, ["b", 3]))
    assert refusal(tmp_path, made) == " has the wrong number of inputs or outputs; expected (1, 1); got (1, 2)"
    made = two_layers()
    del made.graph.input[:]
    with pytest.raises(ModelError):
        read(tmp_path, made)


def external(name: str, location: str) -> Any:
    tensor = numpy_helper.from_array(W, name)
    ONNX.external_data_helper.set_external_data(tensor, location)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    return tensor


@pytest.mark.parametrize("location", ["weights.bin", "../weights.bin", "/dev/zero", "absent"])
def test_weights_in_other_files_are_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    """Neither beside the model nor in the working directory, as an initializer or in a Constant node."""
    (tmp_path / "weights.bin").write_bytes(W.tobytes())
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    line = " keeps its weights in another file; expected weights inside the ONNX file"
    made = model([node("Gemm", ["x", "W"])], {})
    made.graph.initializer.append(external("W", location))
    assert refusal(tmp_path, made) == line
    made = model([node("Constant", [], "W", value=external("W", location)), node("Gemm", ["x", "W"])], {})
    assert refusal(tmp_path, made) == line


def test_external_without_a_place_is_refused(tmp_path: Path) -> None:
    made = two_layers()
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    assert refusal(tmp_path, made).startswith(" is not a valid ONNX model: ")


def spoil_dims(*dims: int) -> Callable[[Model], None]:
    def spoil(made: Model) -> None:
        del made.graph.initializer[0].dims[:]
        made.graph.initializer[0].dims.extend(dims)

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_dims(-1, 3),
        spoil_dims(2**40, 2**40),
        spoil_dims(2**62, 3),
        spoil_dims(4, 4),
        spoil_dims(12),
        spoil_dims(),
        spoil_dims(0, 3),
        lambda made: made.graph.initializer[0].ClearField("raw_data"),
        lambda made: made.graph.initializer[0].ClearField("data_type"),
        lambda made: setattr(made.graph.initializer[0], "data_type", 99),
        lambda made: setattr(made.graph.initializer[0], "data_type", TensorProto.STRING),
        lambda made: setattr(made.graph.initializer[1], "name", "W"),
        lambda made: setattr(made.graph.initializer[0], "name", ""),
        lambda made: setattr(made.graph.node[1], "op_type", "NoSuchOperator"),
        lambda made: setattr(made.graph.node[1], "op_type", ""),
        lambda made: made.graph.node[0].ClearField("output"),
        lambda made: made.graph.node[1].ClearField("input"),
        lambda made: made.graph.node[0].input.append("extra"),
        lambda made: made.graph.node[2].input.__setitem__(0, "nowhere"),
        lambda made: made.graph.node[1].output.__setitem__(0, "h"),
        lambda made: made.graph.ClearField("node"),
        lambda made: made.graph.ClearField("output"),
        lambda made: made.ClearField("graph"),
        lambda made: made.ClearField("opset_import"),
        lambda made: made.ClearField("ir_version"),
    ],
)
def test_inconsistent_files_are_refused(tmp_path: Path, spoil: Callable[[Model], None]) -> None:
    made = two_layers()
    spoil(made)
    refusal_or_layer_error(tmp_path, made)


def refusal_or_layer_error(folder: Path, made: Model) -> None:
    """Shapes that only the layer itself can refuse are named by layer rather than by file."""
    with pytest.raises(ModelError) as caught:
        read(folder, made)
    assert str(caught.value).startswith((str(folder / "model.onnx"), "layer Gemm: shapes do not match"))


@pytest.mark.parametrize(
    "content", [b"", b"\x00", b"PK\x03\x04 zip", b"\x08", b"not onnx at all\n", b"{}", bytes(1000)]
)
def test_what_is_no_onnx(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content).startswith(" is not an ONNX file")


def test_absent_folder_and_too_large(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_onnx(tmp_path / "absent.onnx")
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        read_onnx(tmp_path)
    with (tmp_path / "large.onnx").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(ModelError) as caught:
        read_onnx(tmp_path / "large.onnx")
    assert str(caught.value).endswith("cannot be read: larger than 268435456 bytes")


def hand_made() -> bytes:
    """A file with every construct that is read."""
    return model(
        [
            node("Constant", [], "W", value=numpy_helper.from_array(W, "W")),
            node("Flatten", ["x"], "f"),
            node("MatMul", ["f", "W"], "h"),
            node("Add", ["h", "B"], "i"),
            node("Dropout", ["i"], "j"),
            node("Relu", ["j"], "k"),
            node("Gemm", ["k", "V", "C"], transB=1),
        ],
        {"B": B, "V": V.T.copy(), "C": C},
    ).SerializeToString()


HAND_MADE = hand_made()


@pytest.mark.parametrize("start", range(8))
def test_every_truncation_is_refused(tmp_path: Path, start: int) -> None:
    for end in range(start, len(HAND_MADE) - 1, 8):
        refusal_or_layer_error(tmp_path, HAND_MADE[:end])


@given(data=st.data())
@settings(max_examples=200)
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
    folder = tmp_path_factory.mktemp("mutated")
    try:
        layers = read(folder, bytes(content))
    except ModelError:
        return
    largest = max(float(np.abs(part).max()) for layer in layers for part in (layer.weight, layer.bias))
    assume(largest < 1e6)  # beyond, 32-bit sums overflow or cancel
    try:
        expected = run(bytes(content), X)
    except Exception:  # onnxruntime's own refusals have no common class
        return
    found = forward(layers, X.astype(np.float64))
    magnitude = max(1.0, float(np.abs(found).max()), largest**2)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * magnitude)
