"""ONNX models made by hand, and what onnxruntime says of them."""

# onnx and onnxruntime have incomplete type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pyml.errors import ModelError
from pyml.ml.affine import AffineLayer, forward
from pyml.ml.onnx_file import read_onnx

Array = NDArray[Any]
Node = Any
Model = Any

HELPER: Any = helper
onnxruntime.set_default_logger_severity(4)


def node(kind: str, inputs: Sequence[str], output: str = "y", **attributes: Any) -> Node:
    return HELPER.make_node(kind, list(inputs), [output], **attributes)


def model(
    nodes: Sequence[Node],
    constants: Mapping[str, Array],
    *,
    opset: int = 16,
    shape: Sequence[int | str] = ("batch", 4),
    output: str = "y",
    classes: int = 2,
) -> Model:
    graph = HELPER.make_graph(
        list(nodes),
        "network",
        [HELPER.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))],
        [HELPER.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", classes])],
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return HELPER.make_model(graph, opset_imports=[HELPER.make_opsetid("", opset)], ir_version=8)


def read(folder: Path, made: Model | bytes) -> tuple[AffineLayer, ...]:
    path = folder / "model.onnx"
    path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
    return read_onnx(path)


def refusal(folder: Path, made: Model | bytes) -> str:
    with pytest.raises(ModelError) as caught:
        read(folder, made)
    line = str(caught.value)
    assert line.startswith(str(folder / "model.onnx"))
    assert len(line.splitlines()) == 1
    return line.removeprefix(str(folder / "model.onnx"))


def run(made: Model | bytes, inputs: Array) -> Array:
    content = made if isinstance(made, bytes) else made.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return cast("Array", session.run(None, {session.get_inputs()[0].name: inputs})[0])


def require_agreement(folder: Path, made: Model | bytes, inputs: Array) -> tuple[AffineLayer, ...]:
    """What was read computes what onnxruntime computes, up to the rounding of 32-bit sums."""
    layers = read(folder, made)
    expected = run(made, inputs)
    found = forward(layers, inputs.reshape(len(inputs), -1).astype(np.float64))
    assert found.shape == expected.shape
    magnitude = max(1.0, float(np.abs(found).max()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * magnitude)
    return layers
