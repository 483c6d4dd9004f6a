"""What happens to sounds between enrolment and recovery: the edits that are measured, and those that enrolment tries.

As ``pyml.keys.edits`` has it for pictures. All follow from the sound itself: noise is of a fixed seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.keys.sounds import Samples, resampled
from pyml.ml.embedders.log_mel import RATE

Edit: TypeAlias = Callable[[Samples], Samples]
_FULL = (1 << 15) - 1


def noisy(decibels: float, seed: int = 0) -> Edit:
    """With white noise so far below the sound's mean power."""

    def edit(sound: Samples) -> Samples:
        power = float(np.mean(np.square(sound, dtype=np.float64)))
        noise = np.random.default_rng(seed).standard_normal(len(sound))
        return _clipped(sound + noise * math.sqrt(power * 10 ** (-decibels / 10)))

    return edit


def louder(factor: float) -> Edit:
    """Every sample times a factor, rounded and clipped."""
    return lambda sound: _clipped(sound * factor)


def shifted(seconds: float) -> Edit:
    """Later, after so much silence; earlier, without so much of the beginning, where negative."""

    def edit(sound: Samples) -> Samples:
        count = round(abs(seconds) * RATE)
        return np.pad(sound, (count, 0)) if seconds > 0 else sound[count:]

    return edit


def trimmed(share: float, at: float = 1.0) -> Edit:
    """Without a share of its length: all from the end, or from the beginning where ``at`` is 0."""

    def edit(sound: Samples) -> Samples:
        dropped = round(len(sound) * share)
        before = round(dropped * (1 - at))
        return sound[before : len(sound) - (dropped - before)]

    return edit


def coarser(bits: int) -> Edit:
    """Rounded to so many bits a sample."""
    step = 1 << (16 - bits)
    return lambda sound: _clipped(np.rint(sound / step) * step)


def companded(mu: int) -> Edit:
    """Through a telephone's 8-bit code and back (ITU-T G.711's µ-law has µ = 255; its smooth curve)."""

    def edit(sound: Samples) -> Samples:
        level = sound / (_FULL + 1)
        code = np.rint(np.sign(level) * np.log1p(mu * np.abs(level)) / np.log1p(mu) * 127)
        heard = np.sign(code) * np.expm1(np.abs(code) / 127 * np.log1p(mu)) / mu
        return _clipped(heard * (_FULL + 1))

    return edit


def faster(percent: int) -> Edit:
    """Played at another speed, and so at another pitch."""
    return lambda sound: resampled(sound, percent, 100)


EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "noise 30 dB": noisy(30),
        "noise 20 dB": noisy(20),
        "gain 50 %": louder(0.5),
        "shift 25 ms": shifted(0.025),
        "trim 5 %": trimmed(0.05),
        "8 bit": coarser(8),
        "µ-law": companded(255),
        "speed 102 %": faster(102),
    }
)

_VIEWS: tuple[Edit, ...] = (
    noisy(25, 1),
    noisy(17, 2),
    louder(2),
    shifted(0.015),
    shifted(0.04),
    trimmed(0.03, 0),
    trimmed(0.08),
    coarser(7),
    faster(97),
    faster(103),
)


def views(sound: Samples) -> list[Samples]:
    """The sound itself, then as enrolment expects to meet it again."""
    return [sound, *(edit(sound) for edit in _VIEWS)]


def _clipped(levels: NDArray[np.floating[Any]]) -> Samples:
    return np.clip(np.rint(levels), -_FULL - 1, _FULL).astype(np.int16)
