"""Perceptrons in and out of ONNX: what another tool trained comes in as dense layers, ours go out for any runtime.

Read: Gemm, MatMul, Add (of a bias), Relu between layers; a leading Flatten or Reshape; Identity, Dropout, Constant.
Anything else is refused by node and operator. Files are hostile: size-limited, no external data, no operators of the
file's own, checked by onnx.
"""

# onnx has incomplete type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pyml.errors import ModelError
from pyml.files import read_bounded, write_atomically
from pyml.ml.networks import DenseLayer

MAX_BYTES = 1 << 28
OPSET = 16
OLDEST_OPSET = 7
"""Before it, Gemm and Add broadcast by attributes of their own."""
_STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
_SUPPORTED = "Gemm, MatMul, Add, Relu between layers; Flatten or Reshape first; Identity, Dropout"


def write_onnx(model: nn.Module, features: int, path: Path) -> None:
    """Write a perceptron on [batch, features] inputs in [0, 1]; input ``input``, output ``logits``."""
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


def read_onnx(path: Path) -> tuple[DenseLayer, ...]:
    """The dense layers of a file; ``ModelError`` says precisely what is not supported, and why."""
    import onnx  # heavy import, late

    graph = _load(onnx, path).graph
    constants = {tensor.name: _array(onnx, tensor, path) for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelError(
            f"{path} has the wrong number of inputs or outputs", expected=(1, 1), got=(len(inputs), len(graph.output))
        )
    reader = _Reader(path, constants, inputs[0])
    for node in graph.node:
        reader.take(node, lambda tensor: _array(onnx, tensor, path))
    return reader.finish(graph.output[0].name)


class _Reader:
    """Follows the one chain of values from input to output."""

    def __init__(self, path: Path, constants: dict[str, NDArray[Any]], source: str) -> None:
        self._path = path
        self._constants = constants
        self._value = source
        self._layers: list[DenseLayer] = []
        self._relu_due = False
        self._bias_open = False

    def take(self, node: Any, array: Callable[[Any], NDArray[Any]]) -> None:
        kind, name = str(node.op_type), str(node.name or node.op_type)
        attributes = {item.name: item for item in node.attribute}
        if node.domain not in _STANDARD_DOMAINS:
            raise self._refusal(name, kind, f"it is of the domain {node.domain}, not ONNX's own")
        if self._names_constant(node, kind, attributes, array):
            return
        if self._value not in (node.input if kind == "Add" else node.input[:1]):
            raise self._refusal(name, kind, "it does not continue the chain from input to output")
        if kind == "Gemm":
            self._gemm(name, node, attributes)
        elif kind == "MatMul":
            self._dense(name, self._constant(node, 1, name, kind))
        elif kind == "Add":
            self._add(name, node)
        elif kind == "Relu":
            if not self._relu_due:
                raise self._refusal(name, kind, "a ReLU belongs after a dense layer")
            self._relu_due = self._bias_open = False
        else:
            self._pass(name, node, attributes)
        self._value = node.output[0]

    def _names_constant(
        self, node: Any, kind: str, attributes: dict[str, Any], array: Callable[[Any], NDArray[Any]]
    ) -> bool:
        if kind == "Constant":
            if "value" in attributes:
                self._constants[node.output[0]] = array(attributes["value"].t)
            return True
        if kind == "Identity" and node.input[0] in self._constants:  # so exporters share equal tensors
            self._constants[node.output[0]] = self._constants[node.input[0]]
            return True
        return False

    def finish(self, output: str) -> tuple[DenseLayer, ...]:
        if output != self._value:
            raise ModelError(f"{self._path}: the output is not the end of the chain of layers", got=output)
        if not self._layers or not self._relu_due:
            raise ModelError(f"{self._path}: the network does not end in a dense layer", expected=_SUPPORTED)
        return tuple(self._layers)

    def _pass(self, name: str, node: Any, attributes: dict[str, Any]) -> None:
        """Operators that leave the values as they are."""
        kind = str(node.op_type)
        if kind not in {"Identity", "Dropout"} and (kind not in {"Flatten", "Reshape"} or self._layers):
            raise self._refusal(name, kind, "circuits prove dense layers with ReLU between them")
        if kind == "Flatten" and "axis" in attributes and attributes["axis"].i != 1:
            raise self._refusal(name, kind, "axis must be 1")
        if kind == "Dropout" and len(node.input) > 2 and node.input[2]:
            training = self._constants.get(node.input[2])
            if training is None or training.any():
                raise self._refusal(name, kind, "training_mode must be false")

    def _gemm(self, name: str, node: Any, attributes: dict[str, Any]) -> None:
        for factor in ("alpha", "beta"):
            if factor in attributes and attributes[factor].f != 1.0:
                raise self._refusal(name, "Gemm", f"{factor} must be 1")
        if "transA" in attributes and attributes["transA"].i:
            raise self._refusal(name, "Gemm", "transA must be 0")
        weight = self._constant(node, 1, name, "Gemm")
        if "transB" in attributes and attributes["transB"].i:
            weight = weight.T
        self._dense(name, weight)
        if len(node.input) > 2 and node.input[2]:
            self._bias(name, "Gemm", self._constant(node, 2, name, "Gemm"))
        self._bias_open = False

    def _add(self, name: str, node: Any) -> None:
        if not self._bias_open:
            raise self._refusal(name, "Add", "only the bias of a MatMul may be added")
        place = 1 if node.input[0] == self._value else 0
        self._bias(name, "Add", self._constant(node, place, name, "Add"))
        self._bias_open = False

    def _bias(self, name: str, kind: str, bias: NDArray[Any]) -> None:
        """Give the last layer its bias: one number an output, not one a sample or a matrix."""
        last = self._layers.pop()
        width = last.weight.shape[1]
        if bias.shape[-1:] != (width,) or bias.size != width:
            raise self._refusal(name, kind, f"a bias of shape {bias.shape} is not one number for each output")
        self._layers.append(DenseLayer(last.name, last.weight, bias.reshape(-1)))

    def _dense(self, name: str, weight: NDArray[Any]) -> None:
        if self._relu_due:
            raise self._refusal(name, "dense layer", "two layers without a ReLU between them")
        if weight.ndim != 2:
            raise self._refusal(name, "dense layer", f"its weight has {weight.ndim} dimensions instead of 2")
        if self._layers and self._layers[-1].weight.shape[1] != weight.shape[0]:
            raise ModelError(
                f"{self._path}: layer {name} does not fit the one before it",
                expected=f"{self._layers[-1].weight.shape[1]} inputs",
                got=weight.shape[0],
            )
        self._layers.append(DenseLayer(name, weight.astype(np.float64), np.zeros(weight.shape[1])))
        self._relu_due = self._bias_open = True

    def _constant(self, node: Any, place: int, name: str, kind: str) -> NDArray[Any]:
        found = self._constants.get(node.input[place]) if len(node.input) > place else None
        if found is None:
            raise self._refusal(name, kind, "its weights are not constants in the file")
        if found.dtype.kind != "f":
            raise self._refusal(name, kind, f"its weights are {found.dtype}, not floating point")
        return found

    def _refusal(self, name: str, kind: str, why: str) -> ModelError:
        return ModelError(f"{self._path}: operator {kind} ({name}) is not supported: {why}", expected=_SUPPORTED)


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
    if any(function.domain in _STANDARD_DOMAINS for function in model.functions):
        raise ModelError(f"{path} redefines operators of ONNX", expected="standard operators")
    opsets = [entry.version for entry in model.opset_import if entry.domain in _STANDARD_DOMAINS]
    if min(opsets, default=1) < OLDEST_OPSET:
        raise ModelError(
            f"{path} uses an old operator set", expected=f"version {OLDEST_OPSET} or newer", got=min(opsets, default=1)
        )


def _array(onnx: Any, tensor: Any, path: Path) -> NDArray[Any]:
    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path}: a constant cannot be read ({type(error).__name__}: {error})") from error
