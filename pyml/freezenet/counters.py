"""Pseudorandom words keccak256(seed ‖ uint256(counter)): all that a v1 watermark is derived from.

Source: specification, section 1.2. Counters of different uses lie apart, so no hash serves twice: round k of the
permutation has ((k + 1) << 64) | v with v below 2^64, the codes have (1 << 128) | word, a tensor's own seed has
(2 << 128) | tensor.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from eth_utils.crypto import keccak
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.freezenet.keccak import MESSAGE_BYTES, keccak256_many

SEED_BYTES: Final = 32
ROUND_SPACE_BITS: Final = 64
CODE_SPACE: Final = 1 << 128
TENSOR_SPACE: Final = 2 << 128

_WORD_BYTES: Final = 32


def require_seed(seed: bytes) -> None:
    """Raise ``InputError`` unless ``seed`` is 32 bytes: a shorter one can be searched for."""
    if type(seed) is not bytes:
        raise InputError("a seed is not bytes", expected=f"{SEED_BYTES} bytes", got=type(seed).__name__)
    if len(seed) != SEED_BYTES:
        raise InputError("a seed has the wrong length", expected=f"{SEED_BYTES} bytes", got=len(seed))


def word(seed: bytes, counter: int) -> bytes:
    """One word; as a number it is big-endian."""
    return keccak(seed + counter.to_bytes(_WORD_BYTES, "big"))


def words(seed: bytes, space: int, values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The words [count, 32] of the counters ``space | value``, where ``space`` is a multiple of 2^64."""
    messages = np.empty((len(values), MESSAGE_BYTES), dtype=np.uint8)
    messages[:, :SEED_BYTES] = np.frombuffer(seed, dtype=np.uint8)
    messages[:, SEED_BYTES:] = np.frombuffer(space.to_bytes(_WORD_BYTES, "big"), dtype=np.uint8)
    messages[:, -8:] = values.astype(">u8")[:, None].view(np.uint8)
    return keccak256_many(messages)
