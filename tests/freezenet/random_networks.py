"""Random integer networks of all shapes, and the vectors' networks read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyml.freezenet.inference import Int8Layer, Int8Network
from pyml.ml.shapes import Convolution, Pool

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "freezenet_inference.json").read_text(encoding="utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]


def case_named(name: str) -> dict[str, Any]:
    return next(case for case in CASES if case["id"] == name)


def network_of(case: dict[str, Any]) -> Int8Network:
    return Int8Network(tuple(map(layer_of, case["layers"])))


def layer_of(entry: dict[str, Any]) -> Int8Layer:
    channels, height, width, outputs, rows, columns, down, right, top, side, shift, relu, pool = entry["layer"]
    dense = (height, width, rows, columns, down, right, top, side) == (1, 1, 1, 1, 1, 1, 0, 0)
    fan_in = channels * rows * columns
    words = np.frombuffer(bytes.fromhex(entry["weights"][2:]), dtype=np.int8).reshape(outputs, -1, 32)
    affine = np.frombuffer(bytes.fromhex(entry["affine"][2:]), dtype=[("multiplier", ">i2"), ("bias", ">i4")])
    return Int8Layer(
        np.ascontiguousarray(words[:, :, ::-1].reshape(outputs, -1)[:, :fan_in].T),
        affine["multiplier"].astype(np.int16),
        affine["bias"].astype(np.int32),
        shift,
        bool(relu),
        None if dense else Convolution(channels, height, width, (rows, columns), (down, right), (top, side)),
        Pool("max", pool) if pool else None,
    )


def signed_bytes(text: str) -> NDArray[np.int8]:
    return np.frombuffer(bytes.fromhex(text[2:]), dtype=np.int8)


def sample_inputs(case: dict[str, Any]) -> NDArray[np.int8]:
    return np.stack([signed_bytes(sample["inputs"]) for sample in case["samples"]])


def sample_logits(case: dict[str, Any]) -> list[list[int]]:
    words = [[int(word, 16) for word in sample["logits"]] for sample in case["samples"]]
    return [[word - 2**256 if word >> 255 else word for word in each] for each in words]


@st.composite
def networks(draw: st.DrawFn) -> Int8Network:
    """Up to two convolutions, then up to two dense layers; numbers of full width."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    layers: list[Int8Layer] = []
    dims = (draw(st.integers(1, 3)), draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    for _ in range(draw(st.integers(0, 2))):
        geometry, pool = _draw_geometry(draw, dims)
        outputs = draw(st.sampled_from([1, 2, 3, 5, 8, 9, 17]))  # contracts take eight channels at once
        layers.append(_random_layer(random, draw, geometry.fan_in, outputs, convolution=geometry, pool=pool))
        size = pool.size if pool else 1
        dims = (outputs, geometry.out_height // size, geometry.out_width // size)
    width = dims[0] * dims[1] * dims[2]
    for outputs in draw(st.lists(st.integers(1, 40), max_size=1)):
        layers.append(_random_layer(random, draw, width, outputs))
        width = outputs
    return Int8Network((*layers, _random_layer(random, draw, width, draw(st.integers(1, 10)), last=True)))


def _draw_geometry(draw: st.DrawFn, dims: tuple[int, int, int]) -> tuple[Convolution, Pool | None]:
    channels, height, width = dims
    kernel = (draw(st.integers(1, min(3, height))), draw(st.integers(1, min(3, width))))
    padding = (draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1)))
    stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
    geometry = Convolution(channels, height, width, kernel, stride, padding)
    sizes = [size for size in (2, 3) if not (geometry.out_height % size or geometry.out_width % size)]
    return geometry, Pool("max", draw(st.sampled_from(sizes))) if sizes and draw(st.booleans()) else None


def _random_layer(
    random: np.random.Generator, draw: st.DrawFn, fan_in: int, outputs: int, *, last: bool = False, **shape: Any
) -> Int8Layer:
    return Int8Layer(
        random.integers(-128, 128, (fan_in, outputs), dtype=np.int8),
        random.integers(-(2**15), 2**15, outputs, dtype=np.int16) >> draw(st.integers(0, 15)),
        random.integers(-(2**31), 2**31, outputs, dtype=np.int32) >> draw(st.integers(0, 31)),
        0 if last else draw(st.integers(0, 31)),
        relu=not last and draw(st.booleans()),
        **shape,
    )
