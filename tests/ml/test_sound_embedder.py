"""The sound embedder that ships: golden codes, whatever the machine, the batch or the threads."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pyml.errors import InputError, ModelError
from pyml.ml.embedders import log_mel as front
from pyml.ml.embedders.log_mel import log_mel
from pyml.ml.embedders.sound import SoundEmbedder
from tests.keys.wav_files import chirp

DIGEST = "0ebc350729f680cd6f3b8ad4910a2b7b5b596664fa07f8e570ffb6eeb80ff62c"
GOLDEN = [
    "6523a6ea50f5ef1d311d381d9747b961be04667704705f623818c223dbb4ced2",
    "5514970df0b9b526742ea893f38a81593218eb89032437f594163c30b43aceb2",
    "7518b38b6056ecab600fdc4172ddf944493e6a6b591472e1f5570c200d24c6ba",
]
FIRST = [-29136, 2737, 15127, -7712, -12470, 25608]
"""Signs of the features of three sounds, and the first six features of the first."""


def sounds(count: int = 3) -> list[NDArray[np.int16]]:
    return [chirp(seed, 3000 + 700 * seed) for seed in range(count)]


def test_golden_codes() -> None:
    embedder = SoundEmbedder()
    assert embedder.digest.hex() == DIGEST
    features = embedder.embed(sounds())
    assert [np.packbits(row > 0).tobytes().hex() for row in features] == GOLDEN
    assert features[0, :6].tolist() == FIRST


def test_batch_size_and_threads_do_not_matter() -> None:
    embedder, heard = SoundEmbedder(), sounds(6)
    whole = embedder.embed(heard)
    assert np.array_equal(embedder.embed(heard[::-1]), whole[::-1])
    for threads in (1, 2):
        with threadpool_limits(threads):
            assert np.array_equal(np.concatenate([embedder.embed([each]) for each in heard]), whole)
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_features_are_balanced_and_unlike_sounds_differ() -> None:
    bits = SoundEmbedder().embed([chirp(seed) for seed in range(40)]) > 0
    assert 0.4 < bits.mean() < 0.6
    apart = [int((a != b).sum()) for index, a in enumerate(bits) for b in bits[:index]]
    assert np.median(apart) > 90  # of 256; 128 by chance


def test_loudness_does_not_count_but_content_does() -> None:
    embedder, sound = SoundEmbedder(), chirp(5)
    same, quiet, backwards = embedder.embed([sound, sound // 4, sound[::-1].copy()]) > 0
    assert (same != quiet).sum() < 26
    assert (same != backwards).sum() > 60


@pytest.mark.parametrize("content", [b"", b"weights", bytes(1000)])
def test_other_weights(content: bytes) -> None:
    with pytest.raises(ModelError, match="not a fixed-point network"):
        SoundEmbedder(content)


# Log-mel


def test_a_tone_lies_in_the_band_of_its_pitch_all_the_time() -> None:
    for hertz in (200, 1000, 3000):
        tone = (9000 * np.sin(2 * np.pi * hertz * np.arange(6000) / 8000)).astype(np.int16)
        seen = log_mel(tone)[..., 0]
        edges = [1127 * math.log(1 + f / 700) for f in (60, hertz, 4000)]
        band = (edges[1] - edges[0]) / (edges[2] - edges[0]) * 65 - 1
        assert np.abs(seen.argmax(axis=1) - band).max() <= 1
        assert seen.max() == 255


def test_time_runs_along_the_first_axis() -> None:
    tone = (9000 * np.sin(np.arange(8000) * 0.8)).astype(np.int16)
    seen = log_mel(np.concatenate([tone, np.zeros(8000, np.int16)]))[..., 0]
    assert seen[:31].max(axis=1).min() > 250
    assert seen[33:].max() == 0


def test_a_step_is_three_sixteenths_of_a_decibel() -> None:
    """A tenth of the amplitude is 20 dB below: 106.3 steps, less what the logarithm is off."""
    tone = 9000 * np.sin(np.arange(8000) * 0.8)
    seen = log_mel(np.concatenate([tone, tone / 10]).astype(np.int16))[..., 0].max(axis=1)
    assert abs(int(seen[10]) - int(seen[50]) - 106.3) < 2


def test_energies_are_exact() -> None:
    """The same in whole numbers, which no order of summation changes."""
    sound = front._normalised(chirp(1, 3100))
    last = len(sound) - 256
    windows = np.stack([sound[last * frame // 63 :][:256] for frame in range(64)])
    real, imaginary = (windows @ matrix.astype(np.int64) for matrix in front._fourier())
    parts = [(each + (1 << 15)) >> 16 for each in (real, imaginary)]
    halves = [((each & 0xFFFF) == 1 << 15).any() for each in (real, imaginary)]
    assert not any(halves)  # where rounding to even would differ from rounding up
    expected = (parts[0] ** 2 + parts[1] ** 2) @ front._bands().astype(np.int64)
    assert np.array_equal(front._mel_energies(sound), expected)


def test_no_sum_reaches_what_floats_hold() -> None:
    transform = max(float(np.abs(each).sum(axis=0).max()) for each in front._fourier())
    assert transform * (1 << 15) < 2**53
    assert 2 * (transform * (1 << 15) / (1 << 16)) ** 2 * float(front._bands().sum(axis=0).max()) < 2**53


def test_long_sounds_give_as_many_moments() -> None:
    for count in (800, 801, 8449, 480_000):
        assert log_mel(np.resize(chirp(0), count)).shape == (64, 64, 1)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(4000, np.int16), "the sound is silent"),
        (np.ones(799, np.int16), "the sound is too short or too long; expected 0.1 to 60 seconds at 8000 Hz; got 799"),
        (np.ones(480_001, np.int16), "the sound is too short or too long"),
        (np.ones((800, 2), np.int16), "the sound is too short or too long"),
    ],
)
def test_what_is_no_sound(samples: NDArray[np.int16], message: str) -> None:
    with pytest.raises(InputError, match=message):
        log_mel(samples)
