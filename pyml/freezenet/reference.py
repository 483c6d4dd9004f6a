"""The paper's watermark, bit for bit, to import and reproduce the author's numbers; never accepted for value.

Source: FreezeNet, sections 3.1 to 3.3; specification, section 1.1. The digest of the data is cut to a 32-bit seed of
two Mersenne Twisters (``numpy.random.RandomState``, whose streams NumPy keeps fixed): one draws weights from [-1, 1),
the other positions without replacement. As in the author's program, the k-th weight goes to the k-th *smallest*
position, not to the k-th drawn.

Weights are compared on both sides. The author's check has no absolute value, so that every weight below the watermark
passes; it exists here under a name that says so, to show the flaw.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.freezenet.feistel import MAX_IMAGES

SEED_MODULUS: Final = 2**32


def reference_watermark(data: bytes, length: int, n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """``length`` float32 weights, and the ascending positions in [0, n) at which they lie, in the same order."""
    if type(n) is not int or not 0 < n <= MAX_IMAGES:
        raise InputError("the number of parameters is out of range", expected=f"1 to {MAX_IMAGES}", got=n)
    if type(length) is not int or not 0 <= length <= n:
        raise InputError("the watermark does not fit the parameters", expected=f"0 to {n} weights", got=length)
    seed = int.from_bytes(sha256(data).digest(), "big") % SEED_MODULUS
    weights = np.random.RandomState(seed).uniform(-1, 1, length).astype(np.float32)
    drawn = np.random.RandomState(seed).choice(n, length, replace=False)
    return weights, np.sort(drawn).astype(np.int64)


def verify_reference_watermark(parameters: NDArray[np.float32], data: bytes, length: int, *, tolerance: float) -> bool:
    """Whether flat parameters [n], in Keras's order, are within ``tolerance`` of the watermark at its positions."""
    return bool((np.abs(_differences(parameters, data, length)) <= tolerance).all())


def verify_reference_watermark_one_sided(
    parameters: NDArray[np.float32], data: bytes, length: int, *, tolerance: float
) -> bool:
    """The author's check, which accepts any weight below the watermark. Only to show what it lets through."""
    return bool((_differences(parameters, data, length) <= tolerance).all())


def _differences(parameters: NDArray[np.float32], data: bytes, length: int) -> NDArray[np.float32]:
    if parameters.ndim != 1 or parameters.dtype != np.float32:
        raise InputError(
            "the parameters are not flat", expected="float32 of one dimension", got=(parameters.dtype, parameters.shape)
        )
    weights, positions = reference_watermark(data, length, len(parameters))
    return parameters[positions] - weights
