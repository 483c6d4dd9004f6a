"""Where the codes of a v1 watermark lie: an invertible permutation P of [0, n) drawn from a seed.

Source: specification, section 1.2, in place of the paper's draw without replacement (section 3.2), which can neither be
inverted at one position nor recomputed in a contract. A generalised Feistel network (Black and Rogaway 2002) of 8
rounds acts on Z_a × Z_b, a = ⌈√n⌉ and b = ⌈n / a⌉, with x = l·b + r:

    round k even: l ← (l + F_k(r)) mod a        F_k(v) = uint256(keccak256(seed ‖ uint256(((k + 1) << 64) | v)))
    round k odd:  r ← (r + F_k(l)) mod b

and is repeated while x ≥ n. That ends: x runs through a cycle of a permutation of [0, a·b), which began below n and so
returns there, after at most a·b - n + 1 < a + 1 passes.

``contracts/freezenet/Watermark.sol`` is the twin of this module.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.freezenet.counters import ROUND_SPACE_BITS, require_seed, word, words

ROUNDS: Final = 8
"""Two and three rounds are told from a random permutation by pairs in one column; from four on they are not."""
MAX_SIZE: Final = 2**63 - 1
"""Largest n: positions are int64."""
MAX_IMAGES: Final = 1 << 28
"""Largest n whose images are computed at once, in an array of 2 GiB."""

_BATCH: Final = 1 << 14


def permutation(seed: bytes, n: int) -> NDArray[np.int64]:
    """All images [P(0), …, P(n-1)]: the position of each code, and behind the codes of each free weight.

    Takes 8·√n hashes and 8 look-ups an image. ``n`` is at most ``MAX_IMAGES``; raises ``InputError``.
    """
    require_seed(seed)
    _require_size(n, MAX_IMAGES)
    a, b = _grid(n)
    images = np.empty(a * b, dtype=np.int64)
    tables = [_round_table(seed, k, a, b) for k in range(ROUNDS)]
    for start in range(0, a * b, _BATCH):
        images[start : start + _BATCH] = _pass(np.arange(start, min(start + _BATCH, a * b)), tables, a, b)
    positions = images[:n].copy()
    outside = np.flatnonzero(positions >= n)
    while outside.size:
        positions[outside] = images[positions[outside]]
        outside = outside[positions[outside] >= n]
    return positions


def position(seed: bytes, n: int, index: int) -> int:
    """P(index), for ``n`` up to ``MAX_SIZE``; raises ``InputError`` for an index outside [0, n)."""
    a, b = _require_domain(seed, n, index)
    x = index
    while True:
        left, right = divmod(x, b)
        for k in range(0, ROUNDS, 2):
            left = (left + _round(seed, k, right)) % a
            right = (right + _round(seed, k + 1, left)) % b
        x = left * b + right
        if x < n:
            return x


def inverse_position(seed: bytes, n: int, j: int) -> int:
    """The index r with P(r) = j, for ``n`` up to ``MAX_SIZE``; raises ``InputError`` for a position outside [0, n)."""
    a, b = _require_domain(seed, n, j)
    x = j
    while True:
        left, right = divmod(x, b)
        for k in reversed(range(0, ROUNDS, 2)):
            right = (right - _round(seed, k + 1, left)) % b
            left = (left - _round(seed, k, right)) % a
        x = left * b + right
        if x < n:
            return x


def _grid(n: int) -> tuple[int, int]:
    a = isqrt(n - 1) + 1
    return a, -(-n // a)


def _round(seed: bytes, k: int, value: int) -> int:
    return int.from_bytes(word(seed, (k + 1) << ROUND_SPACE_BITS | value), "big")


def _round_table(seed: bytes, k: int, a: int, b: int) -> NDArray[np.int64]:
    """F_k at each right half modulo a, or at each left half modulo b."""
    values, modulus = (b, a) if k % 2 == 0 else (a, b)
    digests = words(seed, (k + 1) << ROUND_SPACE_BITS, np.arange(values, dtype=np.uint64))
    remainder = np.zeros(values, dtype=np.uint64)
    for limb in digests.view(">u4").astype(np.uint64).T:  # schoolbook: a remainder and a limb fit 64 bits
        remainder = (remainder << np.uint64(32) | limb) % np.uint64(modulus)
    return remainder.astype(np.int64)


def _pass(x: NDArray[np.int64], tables: list[NDArray[np.int64]], a: int, b: int) -> NDArray[np.int64]:
    """All rounds once. Sums stay below twice their modulus, which one conditional subtraction reduces."""
    left, right = np.divmod(x, b)
    for k in range(0, ROUNDS, 2):
        left += tables[k][right]
        left -= a * (left >= a)
        right += tables[k + 1][left]
        right -= b * (right >= b)
    left *= b
    left += right
    return left


def _require_domain(seed: bytes, n: int, element: int) -> tuple[int, int]:
    require_seed(seed)
    _require_size(n, MAX_SIZE)
    if type(element) is not int or not 0 <= element < n:
        raise InputError("a position is out of range", expected=f"0 to {n - 1}", got=element)
    return _grid(n)


def _require_size(n: int, maximum: int) -> None:
    if type(n) is not int or not 0 < n <= maximum:
        raise InputError("the number of positions is out of range", expected=f"1 to {maximum}", got=n)
