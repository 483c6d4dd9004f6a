"""Train the sound embedder that ships with pyml, on spoken digits, and write it in integers.

    PYML_DATA=… python scripts/train_sound_embedder.py     ten minutes of processor time; writes embedders/sound.npz
    PYML_DATA=… python scripts/train_sound_embedder.py --steps 20 --sounds 400 --out sound.npz     to see that it works

The first four speakers of ``pyml.ml.spoken_digits`` are trained on; the last two are left for measurement. Four people
and ten words are too few to learn all sounds from, so each training sound is made of one to three recordings: played at
another speed, some backwards, one after the other or one over the other. What is heard again is such a sound after
other edits than the measured ones, of other strengths. How it is trained: ``pyml.ml.embedders.contrastive``.

The recordings are given under CC BY-SA 4.0 (see ``pyml.ml.embedders.sound`` for what that means for the weights).
"""

# torch's annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress, track
from torch import Tensor, nn

from pyml.config import load_config
from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.keys.sound_edits import coarser, companded, noisy
from pyml.keys.sounds import Samples, decode_sound, resampled
from pyml.ml import embedders
from pyml.ml.embedders.contrastive import in_integers, small_network, train
from pyml.ml.embedders.fixed_point import whitened
from pyml.ml.embedders.log_mel import MAX_SAMPLES, MIN_SAMPLES, SIDE, log_mel
from pyml.ml.embedders.sound import TRAINED_ON, WEIGHTS
from pyml.ml.spoken_digits import read_recordings

WIDTHS = (24, 48, 96, 160)
DIMENSIONS = 256
HEARINGS = 4
"""Times that each training sound is heard."""
CALIBRATION, WHITENING = 512, 3000
"""Sounds that activations are scaled with, and that features are made uncorrelated over."""
OUT = Path(embedders.__file__).parent / WEIGHTS


def made_sound(recordings: Sequence[Samples], draw: np.random.Generator) -> Samples:
    """A sound of one to three recordings, none of them as it was."""
    parts: list[Samples] = []
    for _ in range(draw.integers(1, 4)):
        part = resampled(recordings[int(draw.integers(len(recordings)))], int(draw.integers(75, 136)), 100)
        part = part[::-1] if draw.uniform() < 0.4 else part
        quiet = np.zeros(int(draw.integers(0, 600)), np.int16)
        parts += [_scaled(part, draw.uniform(0.3, 1)), quiet]
    joined = np.concatenate(parts[:-1])
    if draw.uniform() < 0.3:
        over = recordings[int(draw.integers(len(recordings)))][: len(joined)]
        joined = np.concatenate([_scaled(joined[: len(over)], 0.5) + _scaled(over, 0.4), joined[len(over) :]])
    return joined[: MAX_SAMPLES // 2]


def heard_again(sound: Samples, draw: np.random.Generator) -> Samples:
    """The sound after random edits."""
    if draw.uniform() < 0.6:
        sound = resampled(sound, int(draw.integers(950, 1051)), 1000)
    start, end = (int(draw.integers(-400, len(sound) // 14)) for _ in range(2))  # padded where negative
    sound = sound[max(start, 0) : len(sound) - max(end, 0)]
    sound = np.pad(sound, (max(-start, 0), max(-end, 0)))
    kind = draw.uniform()
    if kind < 0.15:
        sound = coarser(int(draw.integers(6, 9)))(sound)
    elif kind < 0.3:
        sound = companded(int(draw.integers(100, 300)))(sound)
    if draw.uniform() < 0.6:
        sound = noisy(draw.uniform(14, 35), int(draw.integers(1 << 30)))(sound)
    return sound if len(sound) >= MIN_SAMPLES else np.pad(sound, (0, MIN_SAMPLES - len(sound)))


def _scaled(sound: Samples, factor: float) -> Samples:
    return (sound * factor).astype(np.int16)


def heard_sounds(recordings: Sequence[Samples], count: int, seed: int) -> NDArray[np.uint8]:
    """Spectrograms [count, 1 + hearings, 64, 64]: of each sound as it was made, then as it is heard again."""
    seen: list[NDArray[np.uint8]] = []
    for index in track(range(count), "sounds", disable=not sys.stderr.isatty()):
        draw = np.random.default_rng((seed, index))
        sound = made_sound(recordings, draw)
        again = [heard_again(sound, draw) for _ in range(HEARINGS)]
        seen.append(np.stack([log_mel(each)[..., 0] for each in (sound, *again)]))
    return np.stack(seen)


def trained(heard: NDArray[np.uint8], *, steps: int, batch: int, seed: int) -> nn.Sequential:
    """The network after so many steps."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    source = torch.from_numpy(heard[:, 1:])

    def pairs() -> tuple[Tensor, Tensor]:
        chosen = torch.randint(0, len(source), (batch,), generator=generator)
        times = torch.rand(batch, HEARINGS, generator=generator).argsort(dim=1)
        return _tilted(source[chosen, times[:, 0]], generator), _tilted(source[chosen, times[:, 1]], generator)

    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("training", total=steps)
        model = small_network(SIDE, 1, WIDTHS, DIMENSIONS)
        return train(model, pairs, steps=steps, progress=lambda done: progress.update(task, completed=done))


def _tilted(seen: Tensor, generator: torch.Generator) -> Tensor:
    """Bytes [n, 64, 64] as float [n, 1, 64, 64], after another microphone: up to 9 dB from one end to the other."""
    slope = (torch.rand(len(seen), 1, 1, generator=generator) - 0.5) * 48
    change = slope * torch.linspace(-1, 1, SIDE)
    return ((seen.float() + change).clamp(0, 255) / 255)[:, None]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--sounds", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    try:
        config = load_config()
        recordings = read_recordings(config.data, download=True, cache_dir=config.home / "data")
        known = [decode_sound(each.content, each.name) for each in recordings if each.speaker in TRAINED_ON]
        heard = heard_sounds(known, options.sounds, options.seed)
        model = trained(heard, steps=options.steps, batch=options.batch, seed=options.seed)
        plain = np.ascontiguousarray(heard[:WHITENING, 0, ..., None])
        integers = in_integers(model, plain[:CALIBRATION])
        write_atomically(options.out, whitened(integers, plain).to_bytes())
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
