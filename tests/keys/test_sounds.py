"""Files that claim to be sounds: every kind that is taken, and what must be refused in one line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.keys import sounds
from pyml.keys.sound_edits import EDITS, companded, faster, noisy, shifted, trimmed, views
from pyml.keys.sounds import Samples, decode_sound, open_sound, resampled, sounds_in
from tests.keys.wav_files import chirp, header, stored


def refused(content: bytes) -> str:
    with pytest.raises(InputError) as caught:
        decode_sound(content, "s")
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_sample_formats(width: int, channels: int) -> None:
    sound = chirp(0)
    found = decode_sound(stored(sound, width=width, channels=channels))
    assert found.dtype == np.int16
    assert np.array_equal(found, sound if width > 1 else sound >> 8 << 8)


def test_channels_are_averaged_and_rounded() -> None:
    left, right = chirp(0), chirp(1)
    both = np.stack([left, right], axis=1).reshape(-1)
    content = bytearray(stored(both))
    content[22] = 2  # channels
    content[32] = 4  # bytes a frame
    mean = (left.astype(int) + right + 1) // 2
    assert np.array_equal(decode_sound(bytes(content)), mean)


def test_24_bits_are_rounded() -> None:
    fine = np.array([0x7FFFFF, -0x800000, 0x7F, 0x80, -0x80, -0x81] * 200)
    raw = fine.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    found = decode_sound(header(bits=24, size=len(raw)) + raw)
    assert found[:6].tolist() == [32767, -32768, 0, 1, 0, -1]


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_a_tone_stays_the_tone_at_every_rate(rate: int) -> None:
    tone = (12_000 * np.sin(2 * np.pi * 700 * np.arange(rate) / rate)).astype(np.int16)
    found = decode_sound(stored(tone, rate=rate))
    expected = 12_000 * np.sin(2 * np.pi * 700 * np.arange(8000) / 8000)
    assert len(found) == 8000
    assert np.abs(found - expected)[100:-100].max() < 20


def test_what_8_khz_cannot_hold_does_not_come_back_as_another_tone() -> None:
    high = (12_000 * np.sin(2 * np.pi * 6000 * np.arange(44_100) / 44_100)).astype(np.int16)
    assert np.abs(resampled(high, 44_100, 8000)[100:-100]).max() < 20


def test_resampling_is_exact() -> None:
    """In Python's integers, sample by sample, from the same coefficients."""
    sound, step, phases = chirp(3, 900), 147, 80
    coefficients = sounds._coefficients(step, phases).tolist()
    reach = len(coefficients[0]) // 2
    expected: list[int] = []
    for index in range(900 * phases // step):
        place, phase = divmod(index * step, phases)
        taps = range(place - reach + 1, place + reach + 1)
        total = sum(
            int(sound[at]) * weight for at, weight in zip(taps, coefficients[phase], strict=True) if 0 <= at < 900
        )
        expected.append(min(32767, max(-32768, (total + (1 << 14)) >> 15)))
    assert resampled(sound, 14_700, 8000).tolist() == expected
    assert resampled(sound, 8000, 8000) is sound


def test_golden_samples() -> None:
    assert resampled(chirp(0), 11_025, 8000)[1000:1006].tolist() == GOLDEN_11025
    assert resampled(chirp(0), 48_000, 8000)[300:306].tolist() == GOLDEN_48000


GOLDEN_11025 = [-3688, -2728, 1800, 3984, 952, -3338]
GOLDEN_48000 = [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "s is not a WAV file; expected uncompressed PCM"),
        (b"hello", "s is not a WAV file"),
        (b"RIFF\x04\x00\x00\x00WAVE", "s is not a WAV file: fmt chunk and/or data chunk missing"),
        (b"RIFF" + bytes(60), "s is not a WAV file: not a WAVE file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "s is not a WAV file: file does not start with RIFF id"),
        (header(kind=7, bits=8, size=1600), "s is not a WAV file: unknown format: 7"),
        (header(kind=3, bits=32, size=6400), "s is not a WAV file: unknown format: 3"),
        (header(channels=0, size=1600), "s is not a WAV file: bad # of channels"),
        (header(bits=0, size=1600), "s is not a WAV file: bad sample width"),
        (header(bits=32, size=6400), "s has another sample format; expected 8, 16 or 24-bit PCM; got 32-bit"),
        (header(channels=9, size=18_000), "s has too many channels; expected 1 to 8; got 9"),
        (header(rate=0, size=1600), "s has another rate; expected 8000 to 192000 Hz; got 0"),
        (header(rate=7999, size=1600), "s has another rate; expected 8000 to 192000 Hz; got 7999"),
        (header(rate=2**32 // 16, size=1600), "s has another rate"),
        (header(size=0), "s is too short or too long; expected 0.125 to 50 seconds; got 0 samples at 8000 Hz"),
        (header(size=1998), "s is too short or too long; expected 0.125 to 50 seconds; got 999 samples at 8000 Hz"),
        (
            header(size=800_002),
            "s is too short or too long; expected 0.125 to 50 seconds; got 400001 samples at 8000 Hz",
        ),
        (header(size=2**32 - 40), "s is too short or too long"),
        (header(size=2000), "s is cut off; expected 2000 bytes; got 0"),
        (stored(chirp(0))[:-1], "s is cut off; expected 8000 bytes; got 7999"),
        (stored(np.zeros(4000, np.int16)), "s is silent"),
        (stored(np.full(4000, 99, np.int16)), "s is silent"),
    ],
)
def test_what_is_no_sound(content: bytes, message: str) -> None:
    assert refused(content).startswith(message)


def test_limits_are_taken() -> None:
    for count in (1000, 400_000):
        shortest_or_longest = decode_sound(stored(chirp(0, count)))
        assert len(shortest_or_longest) == count
        assert all(800 <= len(each) <= 480_000 for each in (*views(shortest_or_longest), *edited(shortest_or_longest)))
    assert decode_sound(stored(np.tile(np.array([100, -100], np.int16), 500))).max() == 100


@settings(max_examples=150)
@given(st.integers(0, 60), st.integers(1, 255))
def test_damage_to_the_header_is_refused_or_harmless(place: int, change: int) -> None:
    content = bytearray(stored(chirp(0, 1000)))
    content[place] ^= change
    with contextlib.suppress(InputError):
        assert decode_sound(bytes(content)).dtype == np.int16


@settings(max_examples=150)
@given(st.binary(max_size=80))
def test_anything_is_refused_in_one_line(tail: bytes) -> None:
    refused(b"RIFF\xff\xff\xff\x7fWAVE" + tail)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"none\.wav cannot be read: No such file"):
        open_sound(tmp_path / "none.wav")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        open_sound(tmp_path)
    with pytest.raises(InputError, match=r"has no sounds; expected \.wav, \.wave"):
        sounds_in(tmp_path)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        sounds_in(tmp_path / "none")
    (tmp_path / "b.WAV").write_bytes(stored(chirp(0)))
    (tmp_path / "a.wave").write_bytes(stored(chirp(1)))
    (tmp_path / "notes.txt").write_text("no")
    assert [path.name for path in sounds_in(tmp_path)] == ["a.wave", "b.WAV"]
    assert np.array_equal(open_sound(tmp_path / "b.WAV"), chirp(0))
    monkeypatch.setattr(sounds, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="too large a file; expected at most 0 MiB"):
        open_sound(tmp_path / "b.WAV")


# Edits


def edited(sound: Samples) -> list[Samples]:
    return [edit(sound) for edit in EDITS.values()]


def test_edits_do_what_they_say() -> None:
    sound = chirp(2)
    lengths = {name: len(edit(sound)) for name, edit in EDITS.items()}
    assert lengths == dict.fromkeys(EDITS, 4000) | {"shift 25 ms": 4200, "trim 5 %": 3800, "speed 102 %": 3921}
    noise = noisy(20)(sound).astype(float) - sound
    assert 10 * np.log10(np.mean(sound.astype(float) ** 2) / np.mean(noise**2)) == pytest.approx(20, abs=0.5)
    assert np.abs(EDITS["gain 50 %"](sound) * 2 - sound).max() <= 1
    assert not EDITS["shift 25 ms"](sound)[:200].any()
    assert np.array_equal(EDITS["shift 25 ms"](sound)[200:], sound)
    assert np.array_equal(shifted(-0.025)(sound), sound[200:])
    assert np.array_equal(trimmed(0.1, 0)(sound), sound[400:])
    assert len(np.unique(EDITS["8 bit"](sound))) <= 256
    assert len(np.unique(companded(255)(sound))) <= 255
    assert np.abs(companded(255)(sound) - sound.astype(int)).max() < 500
    low, high = (np.sin(np.arange(4000) * angle) for angle in (0.4, 0.8))
    twice = faster(200)((9000 * low).astype(np.int16))
    assert np.abs(twice - 9000 * high[:2000])[50:-50].max() < 20


def test_views_begin_with_the_sound_and_differ_from_the_measured_edits() -> None:
    sound = chirp(4)
    seen = views(sound)
    assert seen[0] is sound
    assert len({each.tobytes() for each in seen}) == len(seen) == 11
    assert {edit(sound).tobytes() for edit in EDITS.values()}.isdisjoint(each.tobytes() for each in seen)
    assert all(each.dtype == np.int16 for each in seen)
