"""Which samples of a test set a solution answers, as a miner states it when he reveals.

One bit a sample, of as few bytes as hold them: sample i in bit i mod 8, counted from the lowest, of byte i div 8; bits
beyond the last sample are zero. ``contracts/freezenet/Answers.sol`` is the twin of this module.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError


def pack_answers(answered: NDArray[np.bool_]) -> bytes:
    """The bits of one flag a sample."""
    if answered.dtype != np.bool_ or answered.ndim != 1:
        raise InputError("answers are one flag a sample", got=f"{answered.dtype} of {list(answered.shape)}")
    return np.packbits(answered, bitorder="little").tobytes()


def unpack_answers(answers: bytes, samples: int) -> NDArray[np.bool_]:
    """One flag a sample; raises ``InputError`` where the bits are of another number of samples."""
    if len(answers) != -(-samples // 8):
        raise InputError("the answers are of another test set", expected=f"{-(-samples // 8)} bytes", got=len(answers))
    bits = np.unpackbits(np.frombuffer(answers, dtype=np.uint8), bitorder="little").astype(np.bool_)
    if bits[samples:].any():
        raise InputError("an answer belongs to no sample", expected=f"bits of {samples} samples")
    return bits[:samples]
