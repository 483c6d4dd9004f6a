"""Field elements between Python's integers and the core's arrays: uint64 [n, 4], canonical, little-endian limbs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pyml.zk.native.core import Limbs

SCALAR_BYTES = 32


def to_limbs(values: Iterable[int]) -> Limbs:
    """Integers from 0 to 2^256 - 1 as rows; the core refuses those that are not below the modulus."""
    data = b"".join(value.to_bytes(SCALAR_BYTES, "little") for value in values)
    return np.frombuffer(data, dtype="<u8").astype(np.uint64).reshape(-1, 4)


def from_limbs(limbs: Limbs) -> list[int]:
    """The integers of the rows."""
    data = np.ascontiguousarray(limbs, dtype="<u8").tobytes()
    return [int.from_bytes(data[i : i + SCALAR_BYTES], "little") for i in range(0, len(data), SCALAR_BYTES)]
