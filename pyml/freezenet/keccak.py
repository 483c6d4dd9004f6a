"""Keccak-256 of many messages of 64 bytes at once, in NumPy.

Source: Keccak reference 3.0, section 1.2 (the permutation Keccak-f[1600]); Ethereum's padding, 0x01, not SHA-3's 0x06.
A message of 64 bytes is shorter than the rate of 136, so one call of the permutation hashes it. Contracts hash a seed
and one counter after the other; here many counters go through each of the 24 rounds together, because a loop over
single hashes spends most of its time between them.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MESSAGE_BYTES: Final = 64
DIGEST_BYTES: Final = 32

_ROUNDS: Final = 24
_RATE_LANES: Final = 17
_BATCH: Final = 1024
"""Messages whose states are worked on together: they stay in the cache of one core."""


def keccak256_many(messages: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Digests [count, 32] of messages [count, 64]."""
    lanes = np.ascontiguousarray(messages).view("<u8")
    digests = np.empty((len(lanes), DIGEST_BYTES // 8), dtype="<u8")
    for start in range(0, len(lanes), _BATCH):
        batch = slice(start, start + _BATCH)
        digests[batch] = _hash(lanes[batch].T).T
    return digests.view(np.uint8)


def _hash(lanes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The first four lanes of the state after absorbing messages [8, count]."""
    state = np.zeros((25, lanes.shape[1]), dtype=np.uint64)
    state[: len(lanes)] = lanes
    state[len(lanes)] = 0x01
    state[_RATE_LANES - 1] = 0x80 << 56
    _permute(state)
    return state[: DIGEST_BYTES // 8]


def _permute(state: NDArray[np.uint64]) -> None:
    """Keccak-f[1600] in place; the lane (x, y) of each state is row 5y + x."""
    planes = state.reshape(5, 5, -1)
    rotated, low_bits = np.empty_like(state), np.empty_like(state)
    rows = np.empty((5, 7, state.shape[1]), dtype=np.uint64)  # the lanes x = 0 and 1 once more behind x = 4
    flat_rows = rows.reshape(35, -1)
    for constant in _ROUND_CONSTANTS:
        parity = np.bitwise_xor.reduce(planes, axis=0)
        turned = parity[_NEXT]
        planes ^= parity[_PREVIOUS] ^ (turned << np.uint64(1) | turned >> np.uint64(63))  # theta
        np.left_shift(state, _LEFT, out=rotated)
        np.right_shift(state, _RIGHT, out=low_bits)
        rotated |= low_bits  # rho
        np.take(rotated, _PI, axis=0, out=flat_rows, mode="clip")
        chi = low_bits.reshape(planes.shape)
        np.invert(rows[:, 1:6], out=chi)
        chi &= rows[:, 2:7]
        np.bitwise_xor(rows[:, :5], chi, out=planes)
        state[0] ^= constant


def _round_constants() -> tuple[np.uint64, ...]:
    """The bits of a linear feedback shift register, x^8 + x^6 + x^5 + x^4 + 1, at the places 2^j - 1."""
    register, constants = 1, list[np.uint64]()
    for _ in range(_ROUNDS):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << ((1 << j) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(np.uint64(constant))
    return tuple(constants)


def _rotations() -> NDArray[np.uint64]:
    """Offsets of rho [25, 1]: (t + 1)(t + 2) / 2 at the t-th place of the walk (x, y) -> (y, 2x + 3y)."""
    offsets = np.zeros((25, 1), dtype=np.uint64)
    x, y = 1, 0
    for t in range(24):
        offsets[5 * y + x] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return offsets


def _pi() -> NDArray[np.intp]:
    """Which lane comes to each place of rows of seven, x = 0, 1, 2, 3, 4, 0, 1; lane (x, y) moves to (y, 2x + 3y)."""
    source = np.empty((5, 5), dtype=np.intp)
    for y in range(5):
        for x in range(5):
            source[(2 * x + 3 * y) % 5, y] = 5 * y + x
    return source[:, [0, 1, 2, 3, 4, 0, 1]].reshape(35)


_ROUND_CONSTANTS: Final = _round_constants()
_LEFT: Final = _rotations()
_RIGHT: Final = np.uint64(64) - _LEFT  # a shift by 64 gives zero in NumPy
_PI: Final = _pi()
_NEXT: Final = [1, 2, 3, 4, 0]
_PREVIOUS: Final = [4, 0, 1, 2, 3]
