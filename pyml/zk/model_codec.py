"""Integer models with their salts as bytes: canonical JSON like that of the network alone (``pyml.ml.network_codec``).

The secret form is only ever written inside a keystore file (``pyml.store.keystore``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pyml.crypto.bn254 import decode_felt, encode_felt
from pyml.errors import ModelError
from pyml.ml.integer import IntegerNetwork
from pyml.ml.network_codec import (
    decode_network,
    encode_canonical,
    encode_network,
    network_digest,
    network_from_table,
    parse_table,
)

__all__ = [
    "SecretModel",
    "decode_network",
    "decode_secret_model",
    "encode_network",
    "encode_secret_model",
    "network_digest",
]


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


def encode_secret_model(model: SecretModel) -> bytes:
    """Canonical JSON of a model and its salts; secret."""
    return encode_canonical(
        {"network": json.loads(encode_network(model.network)), "salts": [encode_felt(salt) for salt in model.salts]}
    )


def decode_secret_model(data: bytes) -> SecretModel:
    """Inverse of ``encode_secret_model``."""
    table = parse_table(data)
    try:
        return SecretModel(network_from_table(table["network"]), tuple(decode_felt(salt) for salt in table["salts"]))
    except (KeyError, TypeError) as error:
        raise ModelError("a model file has the wrong form") from error
