"""Statistics of bit strings: are ones and zeros, and their runs, what coin tosses give?

Source: NIST SP 800-22 rev. 1a, sections 2.1 (frequency), 2.3 (runs); a χ² test of balance at each position.
"""

# scipy has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Bits = NDArray[np.uint8]


def bits_of(strings: list[bytes]) -> Bits:
    """Rows of bits, most significant first."""
    rows = np.frombuffer(b"".join(strings), dtype=np.uint8).reshape(len(strings), -1)
    return np.unpackbits(rows, axis=1)


def frequency(bits: Bits) -> float:
    """p-value: as many ones as zeros?"""
    flat = bits.ravel().astype(np.int64)
    return erfc(abs(int(2 * flat.sum() - flat.size)) / sqrt(2 * flat.size))


def runs(bits: Bits) -> float:
    """p-value: does the bit change as often as chance would have it?"""
    flat = bits.ravel()
    share = float(flat.mean())
    if abs(share - 0.5) >= 2 / sqrt(flat.size):
        return 0.0
    changes = int(np.count_nonzero(flat[1:] != flat[:-1])) + 1
    expected = 2 * flat.size * share * (1 - share)
    return erfc(abs(changes - expected) / (2 * sqrt(2 * flat.size) * share * (1 - share)))


def balance_by_position(bits: Bits) -> float:
    """p-value: is every position one half of the time?"""
    count = bits.shape[0]
    ones = bits.sum(axis=0, dtype=np.int64)
    statistic = float((4.0 * (ones - count / 2) ** 2 / count).sum())
    return float(chi2.sf(statistic, bits.shape[1]))
