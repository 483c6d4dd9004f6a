"""The operators of an ONNX graph that are read, as operations on a chain of affine layers.

Read: Gemm, MatMul, Add (of a MatMul's bias) and Conv (one group, no dilation, explicit padding) with Relu between them;
BatchNormalization in its inference form right behind them; MaxPool and AveragePool over squares side by side and
GlobalAveragePool; Flatten and Reshape that keep one row or one image a sample; Identity, Dropout and Constant. Anything
else is refused by node and reason.
"""

# onnx has incomplete type stubs.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.ml.affine import UNKNOWN, AffineChain, AffineLayer, Operation

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
_SUPPORTED = (
    "Gemm, MatMul with Add, Conv; BatchNormalization behind them; Relu between layers; MaxPool, AveragePool, "
    "GlobalAveragePool; Flatten, Reshape; Identity, Dropout"
)


class GraphReader:
    """Follows the one chain of values from input to output; ``shape`` is the input's, batch first, if it is known."""

    def __init__(self, path: Path, constants: dict[str, NDArray[Any]], source: str, shape: tuple[int, ...]) -> None:
        self._path = path
        self._constants = constants
        self._value = source
        self._batch = shape[0] if shape else UNKNOWN
        self._chain = AffineChain(shape[1:] if len(shape) > 1 else (UNKNOWN,), self._refusal)
        self._bias_open = False
        self._readers: dict[str, Callable[[Operation, Any, dict[str, Any]], None]] = {
            "Add": self._add,
            "AveragePool": self._average_pool,
            "BatchNormalization": self._batch_normalization,
            "Conv": self._conv,
            "Dropout": self._dropout,
            "Flatten": self._flatten,
            "Gemm": self._gemm,
            "GlobalAveragePool": lambda at, _node, _attributes: self._chain.pool_all(at),
            "Identity": lambda _at, _node, _attributes: None,
            "MatMul": self._matmul,
            "MaxPool": self._max_pool,
            "Relu": lambda at, _node, _attributes: self._chain.relu(at),
            "Reshape": self._reshape,
        }

    def take(self, node: Any, array: Callable[[Any], NDArray[Any]]) -> None:
        """Read the next node; ``array`` decodes a constant."""
        at = Operation(str(node.name or node.op_type), str(node.op_type))
        attributes = {item.name: item for item in node.attribute}
        if node.domain not in STANDARD_DOMAINS:
            raise self._refusal(at, f"it is of the domain {node.domain}, not ONNX's own")
        if self._names_constant(node, at.kind, attributes, array):
            return
        if self._value not in (node.input if at.kind == "Add" else node.input[:1]):
            raise self._refusal(at, "it does not continue the chain from input to output")
        reader = self._readers.get(at.kind)
        if reader is None:
            raise self._refusal(at, "circuits prove dense and convolutional layers with ReLU between them")
        reader(at, node, attributes)
        self._bias_open = at.kind == "MatMul" or (self._bias_open and at.kind in {"Identity", "Dropout"})
        self._value = node.output[0]

    def finish(self, output: str) -> tuple[AffineLayer, ...]:
        """The layers read; ``output`` is the name of the graph's output."""
        if output != self._value:
            raise ModelError(f"{self._path}: the output is not the end of the chain of layers", got=output)
        layers = self._chain.finish()
        if layers is None:
            raise ModelError(
                f"{self._path}: the network does not end in a layer that gives logits", expected=_SUPPORTED
            )
        return layers

    def _names_constant(
        self, node: Any, kind: str, attributes: dict[str, Any], array: Callable[[Any], NDArray[Any]]
    ) -> bool:
        if kind == "Constant":
            if "value" in attributes:
                self._constants[node.output[0]] = array(attributes["value"].t)
            elif "value_ints" in attributes:
                self._constants[node.output[0]] = np.array(attributes["value_ints"].ints, dtype=np.int64)
            return True
        if kind == "Identity" and node.input[0] in self._constants:  # so exporters share equal tensors
            self._constants[node.output[0]] = self._constants[node.input[0]]
            return True
        return False

    # Affine layers

    def _gemm(self, at: Operation, node: Any, attributes: dict[str, Any]) -> None:
        for factor in ("alpha", "beta"):
            if factor in attributes and attributes[factor].f != 1.0:
                raise self._refusal(at, f"{factor} must be 1")
        if "transA" in attributes and attributes["transA"].i:
            raise self._refusal(at, "transA must be 0")
        weight = self._numbers(at, node, 1)
        if "transB" in attributes and attributes["transB"].i:
            weight = weight.T
        self._chain.dense(at, weight, self._optional(at, node, 2))

    def _matmul(self, at: Operation, node: Any, _attributes: dict[str, Any]) -> None:
        self._chain.dense(at, self._numbers(at, node, 1))

    def _add(self, at: Operation, node: Any, _attributes: dict[str, Any]) -> None:
        if not self._bias_open:
            raise self._refusal(at, "only the bias of a MatMul may be added")
        self._chain.add_bias(at, self._numbers(at, node, 1 if node.input[0] == self._value else 0))

    def _conv(self, at: Operation, node: Any, attributes: dict[str, Any]) -> None:
        weight = self._numbers(at, node, 1)
        if "group" in attributes and attributes["group"].i != 1:
            raise self._refusal(at, "group must be 1")
        if "kernel_shape" in attributes and tuple(attributes["kernel_shape"].ints) != weight.shape[2:]:
            raise self._refusal(at, "kernel_shape is not the shape of its weight")
        stride, padding = self._window(at, attributes)
        self._chain.convolve(at, weight, self._optional(at, node, 2), stride=stride, padding=padding)

    def _batch_normalization(self, at: Operation, node: Any, attributes: dict[str, Any]) -> None:
        if "training_mode" in attributes and attributes["training_mode"].i:
            raise self._refusal(at, "training_mode must be 0")
        if "spatial" in attributes and attributes["spatial"].i != 1:  # until operator set 8
            raise self._refusal(at, "spatial must be 1")
        if any(node.output[1:]):
            raise self._refusal(at, "it must have one output: others are of training")
        gamma, beta, mean, variance = (self._numbers(at, node, place) for place in range(1, 5))
        epsilon = float(attributes["epsilon"].f) if "epsilon" in attributes else float(np.float32(1e-5))
        self._chain.normalise(at, gamma=gamma, beta=beta, mean=mean, variance=variance, epsilon=epsilon)

    # Pools

    def _max_pool(self, at: Operation, node: Any, attributes: dict[str, Any]) -> None:
        if any(node.output[1:]):
            raise self._refusal(at, "it must have one output, not the indices")
        self._pool(at, attributes)

    def _average_pool(self, at: Operation, _node: Any, attributes: dict[str, Any]) -> None:
        self._pool(at, attributes)

    def _pool(self, at: Operation, attributes: dict[str, Any]) -> None:
        stride, padding = self._window(at, attributes)
        if padding != (0, 0):
            raise self._refusal(at, "pads must be 0")
        if "ceil_mode" in attributes and attributes["ceil_mode"].i:
            raise self._refusal(at, "ceil_mode must be 0")
        size = self._pair(at, attributes, "kernel_shape", (0, 0))
        self._chain.pool(at, "max" if at.kind == "MaxPool" else "average", size=size, stride=stride)

    def _window(self, at: Operation, attributes: dict[str, Any]) -> tuple[tuple[int, int], tuple[int, int]]:
        """Stride and padding of a kernel that moves over images."""
        if "auto_pad" in attributes and attributes["auto_pad"].s != b"NOTSET":
            raise self._refusal(at, "auto_pad must be NOTSET")
        if self._pair(at, attributes, "dilations", (1, 1)) != (1, 1):
            raise self._refusal(at, "dilations must be 1")
        pads = tuple(attributes["pads"].ints) if "pads" in attributes else (0, 0, 0, 0)
        if len(pads) != 4 or pads[:2] != pads[2:]:
            raise self._refusal(at, "pads must be the same on opposite sides of an image")
        return self._pair(at, attributes, "strides", (1, 1)), (int(pads[0]), int(pads[1]))

    def _pair(self, at: Operation, attributes: dict[str, Any], name: str, default: tuple[int, int]) -> tuple[int, int]:
        values = tuple(attributes[name].ints) if name in attributes else default
        if len(values) != 2:
            raise self._refusal(at, f"{name} must be two numbers, for rows and columns")
        return int(values[0]), int(values[1])

    # Operators that leave the values as they are

    def _flatten(self, at: Operation, _node: Any, attributes: dict[str, Any]) -> None:
        if "axis" in attributes and attributes["axis"].i != 1:
            raise self._refusal(at, "axis must be 1")
        self._chain.flatten()

    def _reshape(self, at: Operation, node: Any, attributes: dict[str, Any]) -> None:
        shape = self._constant(at, node, 1, "its shape is not a constant in the file")
        if shape.dtype != np.int64 or shape.ndim != 1:
            raise self._refusal(at, "its shape is not a list of whole numbers")
        zero_is_zero = "allowzero" in attributes and attributes["allowzero"].i != 0
        batch, *dims = [int(size) for size in shape] or [0]
        if batch not in (UNKNOWN, 0, self._batch) or (zero_is_zero and batch == 0) or not dims:
            raise self._refusal(at, "it does not keep one row or image a sample")
        self._chain.reshape(at, tuple(dims))

    def _dropout(self, at: Operation, node: Any, _attributes: dict[str, Any]) -> None:
        if len(node.input) > 2 and node.input[2]:
            training = self._constants.get(node.input[2])
            if training is None or training.any():
                raise self._refusal(at, "training_mode must be false")

    # Constants

    def _numbers(self, at: Operation, node: Any, place: int) -> NDArray[Any]:
        found = self._constant(at, node, place, "its weights are not constants in the file")
        if found.dtype.kind != "f":
            raise self._refusal(at, f"its weights are {found.dtype}, not floating point")
        return found

    def _optional(self, at: Operation, node: Any, place: int) -> NDArray[Any] | None:
        return self._numbers(at, node, place) if len(node.input) > place and node.input[place] else None

    def _constant(self, at: Operation, node: Any, place: int, problem: str) -> NDArray[Any]:
        found = self._constants.get(node.input[place]) if len(node.input) > place else None
        if found is None:
            raise self._refusal(at, problem)
        return found

    def _refusal(self, at: Operation, why: str) -> ModelError:
        return ModelError(f"{self._path}: operator {at.kind} ({at.name}) is not supported: {why}", expected=_SUPPORTED)
