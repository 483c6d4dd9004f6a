"""From real features to as many bits as wanted: a fixed-point value, a centre, and random signs.

Each output is a sum of all centred features with signs ±1 drawn from SHAKE-256, so that its sign is the side of a
random hyperplane: the angle between two feature vectors becomes a share of different bits (Charikar, STOC 2002).
Nothing is learnt but the centre; principal components before the signs made unlike pictures collide sooner.
Sums are exact in 64-bit floats (every one below 2^53), hence the same everywhere for the same features.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from pyml.errors import ModelError

FRACTION_BITS = 16
_LIMIT = 1 << 31


def fixed_point(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Features times 2^16, rounded; ``ModelError`` where they are not finite or beyond 2^15."""
    scaled = np.rint(features.astype(np.float64) * (1 << FRACTION_BITS))
    if not np.isfinite(scaled).all() or (np.abs(scaled) >= _LIMIT).any():
        raise ModelError("features are not finite, or too large", expected="below 2^15")
    return scaled.astype(np.int64)


def sign_matrix(inputs: int, outputs: int, seed: bytes) -> NDArray[np.int8]:
    """±1 [inputs, outputs] from SHAKE-256 of the seed and the shape."""
    if not 0 < inputs <= 1 << 16 or not 0 < outputs <= 1 << 12:
        raise ModelError("no such projection", got=(inputs, outputs))
    stream = hashlib.shake_256(b"pyml.projection.v1" + inputs.to_bytes(4, "big") + outputs.to_bytes(4, "big") + seed)
    bits = np.unpackbits(np.frombuffer(stream.digest(-(-inputs * outputs // 8)), np.uint8), count=inputs * outputs)
    return (2 * bits.astype(np.int8) - 1).reshape(inputs, outputs)


def project(features: NDArray[np.int64], centre: NDArray[np.int64], signs: NDArray[np.int8]) -> NDArray[np.int64]:
    """[n, inputs] to [n, outputs]."""
    if features.ndim != 2 or features.shape[1:] != centre.shape or len(signs) != len(centre):
        raise ModelError("features do not fit the projection", expected=signs.shape, got=features.shape)
    return ((features - centre).astype(np.float64) @ signs.astype(np.float64)).astype(np.int64)
