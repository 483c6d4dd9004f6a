"""WAV files for tests, right and wrong."""

from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np

from pyml.keys.sounds import Samples


def stored(samples: Samples, *, rate: int = 8000, width: int = 2, channels: int = 1) -> bytes:
    """16-bit samples [n] in every channel of a file with ``width`` bytes a sample."""
    wide = np.repeat(samples.astype(np.int64), channels)
    if width == 1:
        raw = ((wide >> 8) + 128).astype(np.uint8).tobytes()
    elif width == 2:
        raw = wide.astype("<i2").tobytes()
    else:
        raw = (wide << (8 * (width - 2))).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setframerate(rate)
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.writeframes(raw)
    return content.getvalue()


def header(*, kind: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16, size: int = 0) -> bytes:
    """A header that says what it likes, and nothing after it."""
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
    )


def chirp(seed: int, count: int = 4000) -> Samples:
    """Half a second of three voices that glide, each seed its own."""
    draw = np.random.default_rng(seed)
    time = np.arange(count) / count
    low, high = draw.uniform(150, 3000, (2, 3, 1))
    phase = 2 * np.pi * (low * time + (high - low) * time**2 / 2) * count / 8000
    loud = draw.uniform(0.2, 1, (3, 1)) * np.sin(np.pi * np.clip(time * draw.uniform(1, 4, (3, 1)), 0, 1)) ** 2
    return (8000 * (loud * np.sin(phase)).sum(axis=0)).astype(np.int16)


def write_chirp(path: Path, seed: int) -> Path:
    path.write_bytes(stored(chirp(seed)))
    return path
