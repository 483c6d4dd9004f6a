"""What embedders compute, as functions with gradients: for those who attack them (``pyml.keys.attacks.collision``).

Each takes the levels of a picture [height, width, 3] as real numbers from 0 to 255 and gives its features up to a
positive factor, nearly: Pillow rounds between its two passes and integers are rounded after each layer, here not.
Whatever is found with these is to be checked with the embedder itself.
"""

# torch, onnx and onnxruntime are annotated in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pyml.errors import ModelError
from pyml.ml.embedders.fixed_point import FixedPointNetwork, Layer
from pyml.ml.embedders.onnx_pictures import OnnxPictures
from pyml.ml.embedders.photo import WEIGHTS
from pyml.ml.embedders.projection import FRACTION_BITS, sign_matrix

_SHIFT = 24
"""Of ``fixed_point``'s layers; a test compares features."""
PictureModel: TypeAlias = Callable[[Tensor], Tensor]
"""Levels [height, width, 3] to features [dimensions]."""


def shipped_network() -> FixedPointNetwork:
    """The network of the embedder that ships."""
    return FixedPointNetwork.from_bytes((resources.files("pyml.ml.embedders") / WEIGHTS).read_bytes())


def photo_model(network: FixedPointNetwork, size: tuple[int, int]) -> PictureModel:
    """Of the embedder that ships, for pictures of that width and height."""
    method = Image.Resampling.BOX if min(size) >= 2 * network.side else Image.Resampling.BICUBIC  # as photo.thumbnail
    squeeze = _squeeze(size, network.side, method)
    convolutions = [_convolution(layer) for layer in network.convolutions]
    dense, bias = _floats(network.dense.weight), _floats(network.dense.bias)

    def features(levels: Tensor) -> Tensor:
        values = squeeze(levels).permute(2, 0, 1)[None]
        for convolution in convolutions:
            values = convolution(values)
        return values.permute(0, 2, 3, 1).flatten() @ dense + bias

    return features


def onnx_model(embedder: OnnxPictures, model: bytes, size: tuple[int, int]) -> PictureModel:
    """Of an ONNX embedder; ``ModelError`` where its network is no plain convolutional one."""
    described: dict[str, Any] = json.loads(embedder.description())
    side = int(described["side"])
    mean, deviation = torch.tensor(described["mean"]), torch.tensor(described["deviation"])
    centre = torch.tensor(described["centre"], dtype=torch.float64)
    signs = torch.from_numpy(sign_matrix(len(centre), embedder.dimensions, b"").astype(np.float32))
    squeeze, network = _squeeze(size, side, Image.Resampling.BICUBIC), _Graph(model)

    def features(levels: Tensor) -> Tensor:
        inputs = (squeeze(levels) / 255 - mean) / deviation
        found = network(inputs.permute(2, 0, 1)[None]).flatten()
        return (found - (centre / (1 << FRACTION_BITS)).float()) @ signs

    return features


def _squeeze(size: tuple[int, int], side: int, method: Image.Resampling) -> PictureModel:
    """Pillow's resizing to a square, which is linear in each direction: its response to unit impulses."""
    across, down = (torch.from_numpy(_responses(length, side, method)) for length in size)

    def squeeze(levels: Tensor) -> Tensor:
        rows = torch.einsum("xi,yxc->yic", across, levels)
        return torch.einsum("yj,yic->jic", down, rows).clamp(0, 255)

    return squeeze


def _responses(length: int, side: int, method: Image.Resampling) -> NDArray[np.float32]:
    impulses = Image.fromarray(np.eye(length, dtype=np.float32))
    return np.array(impulses.resize((side, length), method))


def _convolution(layer: Layer) -> Callable[[Tensor], Tensor]:
    fan_in, outputs = layer.weight.shape
    weight = _floats(layer.weight).reshape(3, 3, fan_in // 9, outputs).permute(3, 2, 0, 1)
    bias, factor = _floats(layer.bias), _floats(layer.multiplier)[:, None, None] / (1 << _SHIFT)
    return lambda values: (functional.conv2d(values, weight, bias, stride=2, padding=1) * factor).clamp(0, 255)


def _floats(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


class _Graph:
    """An ONNX network in torch, after onnxruntime has folded everything that is constant for one picture."""

    def __init__(self, model: bytes) -> None:
        import onnx  # heavy, late

        graph = onnx.load_model_from_string(_folded(model)).graph
        self._nodes = [
            (node, {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}) for node in graph.node
        ]
        arrays: Any = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
        self._constants: Mapping[str, Tensor] = {
            name: torch.from_numpy(np.array(each)) for name, each in arrays.items()
        }
        self._input, self._output = graph.input[0].name, graph.output[0].name
        unknown = sorted({node.op_type for node, _ in self._nodes} - set(_OPERATORS))
        if unknown:
            raise ModelError("no gradient of these operators", expected=", ".join(_OPERATORS), got=", ".join(unknown))

    def __call__(self, inputs: Tensor) -> Tensor:
        values = {**self._constants, self._input: inputs}
        for node, attributes in self._nodes:
            given = [values[name] for name in node.input if name]
            values[node.output[0]] = _OPERATORS[node.op_type](given, attributes)
        return values[self._output]


def _folded(model: bytes) -> bytes:
    import onnx
    import onnxruntime

    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    for dimension in onnx.load_model_from_string(model).graph.input[0].type.tensor_type.shape.dim:
        if dimension.dim_param:
            options.add_free_dimension_override_by_name(dimension.dim_param, 1)
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(folded)
        runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return folded.read_bytes()


def _conv(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    padded = functional.pad(given[0], (left, right, top, bottom))
    strides, dilations = tuple(attributes.get("strides", (1, 1))), tuple(attributes.get("dilations", (1, 1)))
    bias = given[2] if len(given) > 2 else None
    return functional.conv2d(padded, given[1], bias, strides, 0, dilations, int(attributes.get("group", 1)))


def _pad(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
    """By zeros, rows and columns."""
    pads: list[int] = given[1].tolist()
    if attributes.get("mode", b"constant") != b"constant" or pads[:2] != [0, 0] or pads[4:6] != [0, 0]:
        raise ModelError("no gradient of this padding", got=pads)
    return functional.pad(given[0], (pads[3], pads[7], pads[2], pads[6]))


def _average_pool(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
    if (
        any(attributes.get("pads", ()))
        or attributes.get("ceil_mode")
        or attributes.get("auto_pad", b"NOTSET") != b"NOTSET"
    ):
        raise ModelError("no gradient of this pooling", expected="no padding")
    return functional.avg_pool2d(given[0], tuple(attributes["kernel_shape"]), tuple(attributes.get("strides", (1, 1))))


def _mean(given: list[Tensor], attributes: dict[str, Any]) -> Tensor:
    axes = tuple(attributes["axes"]) if "axes" in attributes else tuple(given[1].tolist())
    return given[0].mean(dim=axes, keepdim=bool(attributes.get("keepdims", 1)))


_OPERATORS: Mapping[str, Callable[[list[Tensor], dict[str, Any]], Tensor]] = {
    "Add": lambda given, _: given[0] + given[1],
    "AveragePool": _average_pool,
    "Clip": lambda given, _: torch.clamp(given[0], given[1], given[2]),
    "Conv": _conv,
    "Flatten": lambda given, _: given[0].flatten(1),
    "GlobalAveragePool": lambda given, _: given[0].mean(dim=(2, 3), keepdim=True),
    "MatMul": lambda given, _: given[0] @ given[1],
    "Mul": lambda given, _: given[0] * given[1],
    "Pad": _pad,
    "ReduceMean": _mean,
    "Relu": lambda given, _: given[0].clamp(0),
    "Sub": lambda given, _: given[0] - given[1],
}
