"""Integer models as bytes: the public form of ``private_input`` circuits, and the secret form with its salts.

Canonical JSON (sorted keys, no spaces), so that equal models have equal digests. The secret form is only ever written
inside a keystore file (``pyml.store.keystore``).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.bn254 import decode_felt, encode_felt
from pyml.errors import ModelError
from pyml.ml.integer import IntegerLayer, IntegerNetwork


@dataclass(frozen=True, slots=True, repr=False)
class SecretModel:
    """A model that nobody else has seen, and the salts that hide it in its commitment."""

    network: IntegerNetwork
    salts: tuple[int, ...]

    @property
    def proof_limit(self) -> int:
        """One proof fewer than salts: the commitment itself is a relation on them."""
        return len(self.salts) - 1

    def __repr__(self) -> str:
        return f"SecretModel({'-'.join(map(str, self.network.sizes))}, {len(self.salts)} salts)"


def encode_network(network: IntegerNetwork) -> bytes:
    """Canonical JSON of an integer network."""
    layers = [
        {
            "weight": layer.weight.tolist(),
            "bias": layer.bias.tolist(),
            "bias_unit": layer.bias_unit,
            "shift": layer.shift,
        }
        for layer in network.layers
    ]
    return _canonical({"version": 1, "bits": network.bits, "input_max": network.input_max, "layers": layers})


def decode_network(data: bytes) -> IntegerNetwork:
    """Inverse of ``encode_network`` for untrusted bytes; raises ``ModelError``."""
    return _network(_parsed(data))


def network_digest(network: IntegerNetwork) -> str:
    """sha256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(encode_network(network)).hexdigest()


def encode_secret_model(model: SecretModel) -> bytes:
    """Canonical JSON of a model and its salts; secret."""
    return _canonical(
        {"network": json.loads(encode_network(model.network)), "salts": [encode_felt(salt) for salt in model.salts]}
    )


def decode_secret_model(data: bytes) -> SecretModel:
    """Inverse of ``encode_secret_model``."""
    table = _parsed(data)
    try:
        return SecretModel(_network(table["network"]), tuple(decode_felt(salt) for salt in table["salts"]))
    except (KeyError, TypeError) as error:
        raise ModelError("a model file has the wrong form") from error


def _network(table: dict[str, Any]) -> IntegerNetwork:
    try:
        if table["version"] != 1 or type(table["version"]) is not int:
            raise ModelError("a model file has an unknown version", expected=1, got=table["version"])
        _require_keys(table, {"version", "bits", "input_max", "layers"})
        layers: list[IntegerLayer] = []
        for layer in table["layers"]:
            _require_keys(layer, {"weight", "bias", "bias_unit", "shift"})
            layers.append(
                IntegerLayer(
                    _integers(layer["weight"]),
                    _integers(layer["bias"]),
                    _integer(layer["bias_unit"]),
                    _integer(layer["shift"]),
                )
            )
        return IntegerNetwork(tuple(layers), _integer(table["bits"]), _integer(table["input_max"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError("a model file has the wrong form") from error


def _require_keys(table: dict[str, Any], keys: set[str]) -> None:
    if set(table) != keys:
        raise ModelError("a model file has the wrong form", expected=sorted(keys), got=sorted(table))


def _integer(value: object) -> int:
    if type(value) is not int:
        raise ModelError("a model file has a number that is not an integer", got=str(value)[:80])
    return value


def _integers(values: object) -> NDArray[np.int64]:
    flat: list[object] = [values]
    while flat:
        value = flat.pop()
        if isinstance(value, list):
            flat.extend(cast("list[object]", value))
        elif type(value) is not int:  # NumPy would take True for 1
            raise ModelError("a model file has weights that are not integers", got=str(value)[:80])
    return np.array(values, dtype=np.int64)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        table: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError("a model file is not JSON") from error
    if not isinstance(table, dict):
        raise ModelError("a model file has the wrong form")
    return cast("dict[str, Any]", table)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
