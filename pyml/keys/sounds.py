"""Sounds from outside, read safely and always to the same kind of array: 16-bit samples, one channel, 8 kHz.

Files are WAV with 8, 16 or 24-bit PCM. A file is bounded in bytes before it is opened; channels are averaged, levels
rounded to 16 bits, and the rate changed by a windowed sinc whose coefficients are integers made by operations that are
the same everywhere (``pyml.ml.embedders.elementary``), so that a file gives the same samples on every machine.
"""

from __future__ import annotations

import io
import math
import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.files import files_in, read_bounded
from pyml.ml.embedders.elementary import Reals, cosine
from pyml.ml.embedders.log_mel import RATE

Samples: TypeAlias = NDArray[np.int16]

MAX_BYTES = 32 << 20
MIN_RATE, MAX_RATE = 8_000, 192_000
MAX_CHANNELS = 8
QUIETEST = 100
"""Least peak, of 32,767: below, there is nothing to recognise."""
SUFFIXES = frozenset({".wav", ".wave"})
MIN_SAMPLES, MAX_SAMPLES = RATE // 8, 50 * RATE
"""At 8 kHz; narrower than the embedder's bounds, because enrolment tries shorter and longer forms of a sound."""
_SECONDS = f"{MIN_SAMPLES / RATE} to {MAX_SAMPLES // RATE} seconds"
_LOBES = 8
"""Zeros of the sinc on either side."""
_PASSED = 0.92
"""Share of the lower rate's band that passes."""
_COEFFICIENT_BITS = 15
_BLOCK = 1 << 12
_TURN = 6.283185307179586


def open_sound(path: Path) -> Samples:
    """Samples at 8 kHz, or ``InputError`` that says what is wrong with the file."""
    try:
        content = read_bounded(path, MAX_BYTES)
    except ValueError as error:
        raise InputError(f"{path} is too large a file", expected=f"at most {MAX_BYTES >> 20} MiB") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode_sound(content, str(path))


def decode_sound(content: bytes, origin: str = "sound") -> Samples:
    """As ``open_sound``, from bytes."""
    try:
        with wave.open(io.BytesIO(content)) as opened:
            rate, channels, width, frames = (
                opened.getframerate(),
                opened.getnchannels(),
                opened.getsampwidth(),
                opened.getnframes(),
            )
            _require_form(origin, rate, channels, width)
            if not MIN_SAMPLES * rate <= frames * RATE <= MAX_SAMPLES * rate:
                raise InputError(
                    f"{origin} is too short or too long", expected=_SECONDS, got=f"{frames} samples at {rate} Hz"
                )
            raw = opened.readframes(frames)
    except (wave.Error, EOFError, RuntimeError) as error:  # the standard library's readers raise all three
        raise InputError(f"{origin} is not a WAV file: {error}".rstrip(": "), expected="uncompressed PCM") from error
    if len(raw) != frames * channels * width:
        raise InputError(f"{origin} is cut off", expected=f"{frames * channels * width} bytes", got=len(raw))
    samples = resampled(_mono(raw, channels, width), rate, RATE)
    if int(np.abs(samples.astype(np.int64)).max()) < QUIETEST:
        raise InputError(f"{origin} is silent")
    return samples


def sounds_in(folder: Path) -> list[Path]:
    """WAV files right in a folder, sorted by name; ``InputError`` where there are none."""
    return files_in(folder, SUFFIXES, what="sounds")


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """The same sound with ``wanted`` samples a second in place of ``rate``; ends fade into silence."""
    if rate == wanted:
        return samples
    shared = math.gcd(rate, wanted)
    step, phases = rate // shared, wanted // shared
    coefficients = _coefficients(step, phases)
    reach = coefficients.shape[1] // 2
    padded = np.pad(samples.astype(np.int64), reach)
    count = len(samples) * phases // step
    made = np.empty(count, np.int64)
    for start in range(0, count, _BLOCK):
        place = np.arange(start, min(start + _BLOCK, count)) * step
        windows = padded[(place // phases)[:, None] + np.arange(1, 2 * reach + 1)]
        made[start : start + len(place)] = (windows * coefficients[place % phases]).sum(axis=1)
    rounded = (made + (1 << (_COEFFICIENT_BITS - 1))) >> _COEFFICIENT_BITS
    return np.clip(rounded, -(1 << 15), (1 << 15) - 1).astype(np.int16)


def _coefficients(step: int, phases: int) -> NDArray[np.int64]:
    """[phases, taps]: a sinc under Hann's window, for each place between two samples; rows sum to one, times 2^15."""
    band = _PASSED * min(1.0, phases / step)
    reach = math.ceil(_LOBES / band)
    # distances of the taps from the place: samples -reach+1 to reach, seen from between 0 and 1
    away = np.arange(-reach + 1, reach + 1, dtype=np.float64) - np.arange(phases)[:, None] / phases
    angle = away * (band * _TURN / 2)
    sinc = np.where(angle == 0, 1.0, cosine(angle - _TURN / 4) / np.where(angle == 0, 1.0, angle))
    window = np.where(np.abs(away) < reach, 0.5 + 0.5 * cosine(away * (_TURN / (2 * reach))), 0.0)
    values: Reals = sinc * window
    total = np.rint(values * (1 << 30)).sum(axis=1, keepdims=True) / (1 << 30)  # whole numbers, in any order the same
    return np.rint(values / total * (1 << _COEFFICIENT_BITS)).astype(np.int64)


def _require_form(origin: str, rate: int, channels: int, width: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise InputError(f"{origin} has another rate", expected=f"{MIN_RATE} to {MAX_RATE} Hz", got=rate)
    if not 1 <= channels <= MAX_CHANNELS:
        raise InputError(f"{origin} has too many channels", expected=f"1 to {MAX_CHANNELS}", got=channels)
    if width not in (1, 2, 3):
        raise InputError(f"{origin} has another sample format", expected="8, 16 or 24-bit PCM", got=f"{8 * width}-bit")


def _mono(raw: bytes, channels: int, width: int) -> Samples:
    """The mean of the channels in 16 bits; 8-bit samples are unsigned, the others signed, little end first."""
    octets = np.frombuffer(raw, np.uint8).reshape(-1, channels, width).astype(np.int32)
    levels = (octets << (8 * np.arange(width, dtype=np.int32))).sum(axis=2, dtype=np.int32)
    half = 1 << (8 * width - 1)
    levels = levels - half if width == 1 else (levels ^ half) - half
    scaled = levels << 8 if width == 1 else levels  # 8 bits to 16; 24 bits are rounded with the mean
    unit = channels << (8 if width == 3 else 0)
    mean = (2 * scaled.sum(axis=1) + unit) // (2 * unit)
    return np.clip(mean, -(1 << 15), (1 << 15) - 1).astype(np.int16)
