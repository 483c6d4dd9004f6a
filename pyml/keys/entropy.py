"""How hard codes are to guess, from a sample of them: entropies, and guesses that open a share of the keys.

With n_i of N codes alike and p_i = n_i/N:

* Shannon: -Σ p_i log2 p_i (maximum likelihood), too low by about (m - 1)/(2N ln 2) for m codes that occur; with that
  added it is Miller and Madow's (G. Miller, "Note on the bias of information estimates", 1955).
* Collision (Rényi, order 2): -log2 of Σ n_i(n_i - 1) / N(N - 1), which estimates the chance that two codes coincide
  without bias (E. H. Simpson, "Measurement of diversity", Nature 163, 1949); its logarithm is on average too high. No
  number where no two codes coincide.
* Min: -log2 max p_i. The largest share of a sample is on average too large, so this is on average too low. Beside it
  the bound of NIST SP 800-90B, section 6.3.1: -log2 of the share's upper 99 % confidence limit.

N samples cannot show more than log2 N bits of Shannon or min-entropy, however hard the codes are to guess: where all
codes differ, these are numbers about N. No entropy is extrapolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.keys.fuzzy_commitment import Bits

_NORMAL_995 = 2.576
"""The normal distribution's 99.5 % quantile, as SP 800-90B rounds it."""


@dataclass(frozen=True, slots=True, eq=False)
class CodeEntropy:
    """How often each code of a sample occurs, in falling order."""

    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.counts.ndim != 1 or not len(self.counts) or self.counts.min() < 1 or (np.diff(self.counts) > 0).any():
            raise InputError("not the counts of a sample", expected="positive numbers in falling order")

    @property
    def samples(self) -> int:
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        return len(self.counts)

    @property
    def shannon_bits(self) -> float:
        """Maximum likelihood; too low."""
        shares = self.counts / self.samples
        return float(-(shares * np.log2(shares)).sum()) + 0.0

    @property
    def shannon_corrected_bits(self) -> float:
        """Miller and Madow's."""
        return self.shannon_bits + (self.distinct - 1) / (2 * self.samples * math.log(2))

    @property
    def collision_bits(self) -> float | None:
        """``None`` where no two codes coincide: then N samples say nothing but that."""
        pairs = int((self.counts * (self.counts - 1)).sum())
        return -math.log2(pairs / (self.samples * (self.samples - 1))) + 0.0 if pairs else None

    @property
    def min_bits(self) -> float:
        """What the likeliest code is worth, by its share of the sample."""
        return -math.log2(int(self.counts[0]) / self.samples) + 0.0

    @property
    def min_bits_bound(self) -> float:
        """By the upper confidence limit of that share (SP 800-90B, 6.3.1)."""
        if self.samples < 2:
            return 0.0
        share = int(self.counts[0]) / self.samples
        reach = _NORMAL_995 * math.sqrt(share * (1 - share) / (self.samples - 1))
        return -math.log2(min(1.0, share + reach)) + 0.0

    def guesses(self, share: float) -> int:
        """Codes to try, likeliest first, until that share of the sample's keys is open.

        The order is the sample's own, so this is the fewest that anybody could need; an attacker who ranks codes by
        other samples (``attacks.dictionary``) needs more.
        """
        if not 0 < share <= 1:
            raise InputError("not a share of the keys", expected="above 0, at most 1", got=share)
        needed = math.ceil(share * self.samples - 1e-9)
        return int(np.searchsorted(np.cumsum(self.counts), needed)) + 1

    def as_dict(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "distinct": self.distinct,
            "shannon_bits": self.shannon_bits,
            "shannon_corrected_bits": self.shannon_corrected_bits,
            "collision_bits": self.collision_bits,
            "min_bits": self.min_bits,
            "min_bits_bound": self.min_bits_bound,
            "most_that_samples_show_bits": math.log2(self.samples),
            "guesses_for_half": self.guesses(0.5),
            "guesses_for_nine_tenths": self.guesses(0.9),
        }


def code_entropy(codes: Bits) -> CodeEntropy:
    """Of codes [samples, bits]."""
    if codes.ndim != 2 or 0 in codes.shape:
        raise InputError("not codes", expected="[1 or more, 1 or more]", got=codes.shape)
    packed = np.packbits(codes, axis=1)
    _, counts = np.unique(packed, axis=0, return_counts=True)
    return CodeEntropy(np.sort(counts.astype(np.int64))[::-1])


def degrees_of_freedom(distances: NDArray[np.int64], bits: int) -> float:
    """Fair, independent bits whose distances would vary as much as these do between unlike things.

    J. Daugman, "The importance of being random", Pattern Recognition 36, 2003: p(1 - p)/σ² of the share of bits that
    differ, at p = ½. A figure of a model, for comparing codes: no bound on any entropy, and without meaning where
    unlike things differ in far fewer than half of their bits. ``distances`` is a histogram: its entry d counts the
    pairs that differ in d places.
    """
    pairs = int(distances.sum())
    if not pairs:
        raise InputError("no two unlike things to compare")
    shares = np.arange(len(distances)) / bits
    mean = float(distances @ shares) / pairs
    variance = float(distances @ (shares - mean) ** 2) / pairs
    return 0.25 / max(variance, 1e-12)
