"""Values of a v1 watermark: int8 codes, uniform over all 256 values, from one of two sources.

Source: specification, section 1.2. Codes are integers under scales that the task fixes, so a miner cannot drown
them by scaling the weights that are his. ``watermark_codes`` takes 32 codes from each keccak256 word, as contracts do;
``hash_drbg_codes`` is the one generator for hashing and drawing that the paper proposes in section 3.6.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.freezenet.counters import CODE_SPACE, require_seed, words
from pyml.freezenet.hash_drbg import MAX_REQUEST_BYTES, HashDrbg

CODES_PER_WORD: Final = 32
MAX_CODES: Final = 1 << 28
"""Most codes that are drawn at once."""

_NONCE: Final = b"freezenet/v1/i8\0"
_PERSONALIZATION: Final = b"freezenet/v1 watermark codes"


def watermark_codes(seed: bytes, length: int) -> NDArray[np.int8]:
    """The first ``length`` codes: code i is byte i mod 32, from the least significant, of the word i div 32."""
    require_seed(seed)
    _require_length(length)
    count = -(-length // CODES_PER_WORD)
    drawn = words(seed, CODE_SPACE, np.arange(count, dtype=np.uint64))
    return drawn[:, ::-1].reshape(-1)[:length].view(np.int8)


def hash_drbg_codes(seed: bytes, length: int) -> NDArray[np.int8]:
    """``length`` codes from Hash_DRBG with SHA-256, instantiated with the seed as its entropy input.

    The nonce is fixed: a seed belongs to one miner and one round. Output is requested in full requests of 2^16 bytes,
    the last one shorter.
    """
    require_seed(seed)
    _require_length(length)
    generator = HashDrbg(seed, _NONCE, _PERSONALIZATION)
    sizes = [min(MAX_REQUEST_BYTES, length - start) for start in range(0, length, MAX_REQUEST_BYTES)]
    return np.frombuffer(b"".join(map(generator.generate, sizes)), dtype=np.int8).copy()


def _require_length(length: int) -> None:
    if type(length) is not int or not 0 <= length <= MAX_CODES:
        raise InputError("the number of codes is out of range", expected=f"0 to {MAX_CODES}", got=length)
