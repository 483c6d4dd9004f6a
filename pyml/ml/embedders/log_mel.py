"""A sound as a small picture: 64 moments by 64 bands of the mel scale, in bytes, the same on every machine.

The usual log-mel spectrogram (Davis and Mermelstein, 1980; mel scale of O'Shaughnessy, 1987) of sound at 8 kHz, with
three departures. However long a sound is, it gives 64 moments: more of its frames are averaged into one, or they lie
closer. Levels are relative to the loudest cell, a byte for 3/16 dB, so that 48 dB are seen and loudness does not count.
And the logarithm is linear between powers of two, at most 0.26 dB off.

Exact: window and Fourier matrix are integers made by ``elementary``; products are taken in 64-bit floats, in which
every partial sum here is an integer below 2^53: 2^15 · 2^14 · 128 (the sum of the window) for the transform,
2^41 · 2^12 for the bands.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.ml.embedders.elementary import Reals, cosine, exponential

RATE = 8000
"""Samples a second."""
SIDE = 64
MIN_SAMPLES, MAX_SAMPLES = RATE // 10, 60 * RATE
_WINDOW, _BINS = 256, 256
_HOP = 128
"""Samples between two frames, at most."""
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 4000.0
_MEL_SPAN = 1.8219993544177733
"""Natural logarithm of (700 + highest)/(700 + lowest)."""
_PEAK = (1 << 15) - 1
_MATRIX_BITS, _DROPPED_BITS, _MEL_BITS = 14, 16, 8
_STEPS_AN_OCTAVE = 16
_TURN = 6.283185307179586


def log_mel(samples: NDArray[np.int16]) -> NDArray[np.uint8]:
    """uint8 [64, 64, 1], time by pitch, of samples at 8 kHz; ``InputError`` for silence or a wrong length."""
    if samples.ndim != 1 or not MIN_SAMPLES <= len(samples) <= MAX_SAMPLES:
        expected = f"{MIN_SAMPLES / RATE} to {MAX_SAMPLES // RATE} seconds at {RATE} Hz"
        raise InputError("the sound is too short or too long", expected=expected, got=f"{samples.size} samples")
    energy = _mel_energies(_normalised(samples))
    averaged = energy.reshape(SIDE, -1, SIDE).sum(axis=1) // (len(energy) // SIDE)
    mantissa, exponent = np.frexp(np.maximum(averaged, 1).astype(np.float64))
    octaves = exponent + 2 * mantissa
    levels = np.floor((octaves - octaves.max()) * _STEPS_AN_OCTAVE) + 255
    return np.clip(levels, 0, 255).astype(np.uint8)[..., None]


def _normalised(samples: NDArray[np.int16]) -> NDArray[np.int64]:
    """The greatest sample at full scale."""
    wide = samples.astype(np.int64)
    peak = int(np.abs(wide).max())
    if not peak:
        raise InputError("the sound is silent")
    return (2 * wide * _PEAK + peak) // (2 * peak)


def _mel_energies(samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 [frames, 64]; frames are a multiple of 64, evenly spread over the sound."""
    last = len(samples) - _WINDOW
    frames = SIDE * max(1, -(-last // (SIDE * _HOP)))
    starts = last * np.arange(frames) // (frames - 1)
    windows = samples[starts[:, None] + np.arange(_WINDOW)].astype(np.float64)
    real, imaginary = (np.rint(windows @ matrix / (1 << _DROPPED_BITS)) for matrix in _fourier())
    return ((real * real + imaginary * imaginary) @ _bands()).astype(np.int64)


@cache
def _fourier() -> tuple[Reals, Reals]:
    """Cosines and sines [256 samples, 256 bins] of frequencies k·8000/512 Hz, under Hann's window, times 2^14."""
    time = np.arange(_WINDOW, dtype=np.float64)
    window = 0.5 - 0.5 * cosine(time * (_TURN / _WINDOW))
    angle = time[:, None] * np.arange(_BINS) * (_TURN / (2 * _BINS))
    scaled = window[:, None] * (1 << _MATRIX_BITS)
    return np.rint(scaled * cosine(angle)), np.rint(scaled * cosine(angle - _TURN / 4))


@cache
def _bands() -> Reals:
    """Triangles [256 bins, 64 bands] that overlap by half, evenly spaced in mel = 2595·log10(1 + f/700), times 2^8."""
    steps = exponential(np.arange(SIDE + 2, dtype=np.float64) * (_MEL_SPAN / (SIDE + 1)))
    edges = ((700 + _LOWEST_HZ) * steps - 700) * (_BINS / _HIGHEST_HZ)
    bins = np.arange(_BINS, dtype=np.float64)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.rint(np.maximum(np.minimum(rising, falling), 0) * (1 << _MEL_BITS))
