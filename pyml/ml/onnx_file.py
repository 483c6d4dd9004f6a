"""Networks in and out of ONNX: what another tool trained comes in as affine layers, ours go out for any runtime.

``pyml.ml.onnx_graph`` says which operators are read; anything else is refused by node and operator. Files are hostile:
size-limited, no external data, no operators of the file's own, checked by onnx.
"""

# onnx has incomplete type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pyml.errors import ModelError
from pyml.files import read_bounded, write_atomically
from pyml.ml.affine import UNKNOWN, AffineLayer
from pyml.ml.onnx_graph import STANDARD_DOMAINS, GraphReader

MAX_BYTES = 1 << 28
OPSET = 16
OLDEST_OPSET = 7
"""Before it, Gemm and Add broadcast by attributes of their own."""


def write_onnx(model: nn.Module, features: int, path: Path) -> None:
    """Write a network on [batch, features] inputs in [0, 1]; input ``input``, output ``logits``."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its successor
        cast("Any", torch.onnx).export(
            model.eval(),
            (torch.zeros(1, features),),
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        )
    write_atomically(path, buffer.getvalue(), mode=0o600)  # the weights may be somebody's secret


def read_onnx(path: Path) -> tuple[AffineLayer, ...]:
    """The affine layers of a file; ``ModelError`` says precisely what is not supported, and why."""
    import onnx  # heavy import, late

    graph = _load(onnx, path).graph
    constants = {tensor.name: _array(onnx, tensor, path) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelError(
            f"{path} has the wrong number of inputs or outputs", expected=(1, 1), got=(len(inputs), len(graph.output))
        )
    reader = GraphReader(path, constants, inputs[0].name, _declared_shape(inputs[0]))
    for node in graph.node:
        reader.take(node, lambda tensor: _array(onnx, tensor, path))
    return reader.finish(graph.output[0].name)


def _declared_shape(value: Any) -> tuple[int, ...]:
    """Shape of the input with ``UNKNOWN`` for what is open; empty where the file does not say."""
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else UNKNOWN for dim in dims)


def _load(onnx: Any, path: Path) -> Any:
    try:
        content = read_bounded(path, MAX_BYTES)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf raises its own DecodeError, whose module moves between versions
        raise ModelError(f"{path} is not an ONNX file", hint="Write one with `pyml zk train` or torch.onnx.") from error
    if not model.HasField("graph") or not model.graph.node:
        raise ModelError(f"{path} is not an ONNX file", expected="a graph with at least one operator")
    _require_plain(path, model)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, UnicodeDecodeError) as error:  # the latter where it quotes a mangled name
        raise ModelError(f"{path} is not a valid ONNX model: {' '.join(str(error).split())[:200]}") from error
    return model


def _require_plain(path: Path, model: Any) -> None:
    """Refuse tensors kept elsewhere, operators that the file defines itself, and operator sets of the old meaning."""
    values = [item.t for node in model.graph.node for item in node.attribute if item.HasField("t")]
    if any(tensor.external_data for tensor in [*model.graph.initializer, *values]):
        raise ModelError(f"{path} keeps its weights in another file", expected="weights inside the ONNX file")
    if any(function.domain in STANDARD_DOMAINS for function in model.functions):
        raise ModelError(f"{path} redefines operators of ONNX", expected="standard operators")
    opsets = [entry.version for entry in model.opset_import if entry.domain in STANDARD_DOMAINS]
    if min(opsets, default=1) < OLDEST_OPSET:
        raise ModelError(
            f"{path} uses an old operator set", expected=f"version {OLDEST_OPSET} or newer", got=min(opsets, default=1)
        )


def _array(onnx: Any, tensor: Any, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path}: a constant cannot be read ({type(error).__name__}: {error})") from error
