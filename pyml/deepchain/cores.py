"""Powers of many numbers, spread over the cores of one machine.

GMP computes a list of powers without the interpreter's lock, so threads do, and nothing secret leaves the process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pyml.crypto.big_integers import powers
from pyml.errors import InputError

_CHUNK = 16
"""Powers that a thread takes at once: some tens of milliseconds, so that an interrupt is soon heard."""


@dataclass(frozen=True, slots=True)
class Cores:
    """A number of threads; its ``powers`` is a ``ListPower`` for ``threshold_paillier``."""

    count: int

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError("a computation needs at least one core", got=self.count)

    @classmethod
    def available(cls) -> Cores:
        """As many as this process may use."""
        affinity = getattr(os, "sched_getaffinity", None)
        return cls(max(1, len(affinity(0)) if affinity is not None else os.cpu_count() or 1))

    def powers(self, bases: Sequence[int], exponent: int, modulus: int) -> list[int]:
        """``big_integers.powers``, in the same order."""
        if self.count == 1 or len(bases) <= _CHUNK:
            return powers(bases, exponent, modulus)
        chunks = [bases[start : start + _CHUNK] for start in range(0, len(bases), _CHUNK)]
        with ThreadPoolExecutor(self.count) as pool:
            waiting = [pool.submit(powers, chunk, exponent, modulus) for chunk in chunks]
            return [value for row in waiting for value in row.result()]
