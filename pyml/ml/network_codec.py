"""Integer networks as bytes: canonical JSON (sorted keys, no spaces), so that equal networks have equal digests.

A dense layer has the keys ``weight``, ``bias``, ``bias_unit`` and ``shift``; ``convolution`` and ``pool`` are there
where the layer has them, and nowhere else. Bytes to be decoded are hostile.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork
from pyml.ml.shapes import Convolution, Pool

_NETWORK_KEYS = frozenset({"version", "bits", "input_max", "layers"})
_LAYER_KEYS = frozenset({"weight", "bias", "bias_unit", "shift"})
_CONVOLUTION_KEYS = frozenset({"in_channels", "height", "width", "kernel", "stride", "padding"})
_POOL_KEYS = frozenset({"kind", "size"})


def encode_network(network: IntegerNetwork) -> bytes:
    """Canonical JSON of an integer network."""
    return encode_canonical(
        {
            "version": 1,
            "bits": network.bits,
            "input_max": network.input_max,
            "layers": [_layer_table(layer) for layer in network.layers],
        }
    )


def decode_network(data: bytes) -> IntegerNetwork:
    """Inverse of ``encode_network`` for untrusted bytes; raises ``ModelError``."""
    return network_from_table(parse_table(data))


def network_digest(network: IntegerNetwork) -> str:
    """sha256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(encode_network(network)).hexdigest()


def network_from_table(table: dict[str, Any]) -> IntegerNetwork:
    """A network from parsed JSON of any origin; raises ``ModelError``."""
    try:
        if table["version"] != 1 or type(table["version"]) is not int:
            raise ModelError("a model file has an unknown version", expected=1, got=table["version"])
        _require_keys(table, _NETWORK_KEYS)
        layers = tuple(_layer(layer) for layer in table["layers"])
        return IntegerNetwork(layers, _integer(table["bits"]), _integer(table["input_max"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError("a model file has the wrong form") from error


def parse_table(data: bytes) -> dict[str, Any]:
    """A JSON object from untrusted bytes; raises ``ModelError`` on anything else."""
    try:
        table: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError("a model file is not JSON") from error
    if not isinstance(table, dict):
        raise ModelError("a model file has the wrong form")
    return cast("dict[str, Any]", table)


def encode_canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _layer_table(layer: IntegerLayer) -> dict[str, Any]:
    table: dict[str, Any] = {
        "weight": layer.weight.tolist(),
        "bias": layer.bias.tolist(),
        "bias_unit": layer.bias_unit,
        "shift": layer.shift,
    }
    if layer.convolution is not None:
        table["convolution"] = asdict(layer.convolution)
    if layer.pool is not None:
        table["pool"] = asdict(layer.pool)
    return table


def _layer(table: dict[str, Any]) -> IntegerLayer:
    _require_keys(table, _LAYER_KEYS | (set(table) & {"convolution", "pool"}))
    return IntegerLayer(
        _integers(table["weight"]),
        _integers(table["bias"]),
        _integer(table["bias_unit"]),
        _integer(table["shift"]),
        _convolution(table["convolution"]) if "convolution" in table else None,
        _pool(table["pool"]) if "pool" in table else None,
    )


def _convolution(table: dict[str, Any]) -> Convolution:
    _require_keys(table, _CONVOLUTION_KEYS)
    in_channels, height, width = (_integer(table[name]) for name in ("in_channels", "height", "width"))
    kernel, stride, padding = (_pair(table[name]) for name in ("kernel", "stride", "padding"))
    return Convolution(in_channels, height, width, kernel, stride, padding)


def _pool(table: dict[str, Any]) -> Pool:
    _require_keys(table, _POOL_KEYS)
    return Pool(table["kind"], _integer(table["size"]))


def _require_keys(table: dict[str, Any], keys: frozenset[str]) -> None:
    if frozenset(table) != keys:
        raise ModelError("a model file has the wrong form", expected=sorted(keys), got=sorted(table))


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ModelError("a model file has a number that is not an integer", got=str(value)[:80])
    return value


def _pair(value: list[object]) -> tuple[int, int]:
    rows, columns = value  # anything but two entries is a ValueError or a TypeError
    return _integer(rows), _integer(columns)


def _integers(values: object) -> NDArray[np.int64]:
    flat: list[object] = [values]
    while flat:
        value = flat.pop()
        if isinstance(value, list):
            flat.extend(cast("list[object]", value))
        elif type(value) is not int:  # NumPy would take True for 1
            raise ModelError("a model file has weights that are not integers", got=str(value)[:80])
    return np.array(values, dtype=np.int64)
