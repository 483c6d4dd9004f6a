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
        if table["version"] != 1:
            raise ModelError("a model file has an unknown version", expected=1, got=table["version"])
        layers = tuple(
            IntegerLayer(
                _integers(layer["weight"]), _integers(layer["bias"]), int(layer["bias_unit"]), int(layer["shift"])
            )
            for layer in table["layers"]
        )
        return IntegerNetwork(layers, int(table["bits"]), int(table["input_max"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError("a model file has the wrong form") from error


def _integers(values: object) -> NDArray[np.int64]:
    array = np.array(values)
    if array.dtype.kind != "i":
        raise ModelError("a model file has weights that are not integers")
    return array.astype(np.int64)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        table: object = json.loads(data)
    except ValueError as error:
        raise ModelError("a model file is not JSON") from error
    if not isinstance(table, dict):
        raise ModelError("a model file has the wrong form")
    return cast("dict[str, Any]", table)


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
