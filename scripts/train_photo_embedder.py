"""Train the photo embedder that ships with pyml, on pictures made by rule, and write it in integers.

    python scripts/train_photo_embedder.py                 half an hour of processor time; writes embedders/photo.npz
    python scripts/train_photo_embedder.py --steps 20 --pictures 600 --out photo.npz      to see that it works

Nothing but ``synthetic_pictures`` is seen, so nobody's photographs are in the weights. How it is trained:
``pyml.ml.embedders.contrastive``.
"""

# torch's annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn import functional

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.ml import embedders
from pyml.ml.embedders.contrastive import in_integers, small_network, train
from pyml.ml.embedders.fixed_point import whitened
from pyml.ml.embedders.photo import SIDE, WEIGHTS
from pyml.ml.embedders.synthetic import synthetic_pictures

WIDTHS = (48, 96, 160, 256)
DIMENSIONS = 256
SOURCE_SIDE = 96
CALIBRATION, WHITENING = 512, 3000
"""Pictures that activations are scaled with, and that features are made uncorrelated over."""
OUT = Path(embedders.__file__).parent / WEIGHTS


def seen_again(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Pictures uint8 [n, 3, 96, 96] after random edits: float [n, 3, 64, 64] from 0 to 1."""

    def uniform(*shape: int, low: float, high: float) -> Tensor:
        return torch.rand(*shape, generator=generator) * (high - low) + low

    count = len(pictures)
    share = torch.where(uniform(count, low=0, high=1) < 0.3, torch.ones(count), uniform(count, low=0.77, high=1.02))
    angle = torch.where(uniform(count, low=0, high=1) < 0.4, torch.zeros(count), uniform(count, low=-0.09, high=0.09))
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 0, 1] = share * angle.cos(), -share * angle.sin()
    place[:, 1, 0], place[:, 1, 1] = share * angle.sin(), share * angle.cos()
    place[:, :, 2] = uniform(count, 2, low=-0.6, high=0.6) * (1 - share)[:, None]
    grid = functional.affine_grid(place, [count, 3, SIDE, SIDE], align_corners=False)
    seen = functional.grid_sample(pictures.float() / 255, grid, align_corners=False)
    if uniform(1, low=0, high=1).item() < 0.5:
        smaller = int(uniform(1, low=24, high=60).item())
        seen = _resized(_resized(seen, smaller), SIDE)
    seen = (seen * uniform(count, 1, 1, 1, low=0.65, high=1.35)).clamp(0, 1)
    noise = torch.randn(seen.shape, generator=generator) * uniform(count, 1, 1, 1, low=0, high=0.04)
    return (seen + noise).clamp(0, 1)


def _resized(pictures: Tensor, side: int) -> Tensor:
    return functional.interpolate(pictures, size=side, mode="bilinear", antialias=True, align_corners=False)


def trained(pictures: NDArray[np.uint8], *, steps: int, batch: int, seed: int) -> nn.Sequential:
    """The network after so many steps."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    source = torch.from_numpy(pictures).permute(0, 3, 1, 2)

    def pairs() -> tuple[Tensor, Tensor]:
        chosen = source[torch.randint(0, len(source), (batch,), generator=generator)]
        return seen_again(chosen, generator), seen_again(chosen, generator)

    with Progress(disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("training", total=steps)
        model = small_network(SIDE, 3, WIDTHS, DIMENSIONS)
        return train(model, pairs, steps=steps, progress=lambda done: progress.update(task, completed=done))


def _pictures(count: int) -> NDArray[np.uint8]:
    share = -(-count // 16)
    with ProcessPoolExecutor() as pool:
        parts = pool.map(synthetic_pictures, [share] * 16, [SOURCE_SIDE] * 16, range(16))
        return np.concatenate(list(parts))[:count]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    try:
        pictures = _pictures(options.pictures)
        model = trained(pictures, steps=options.steps, batch=options.batch, seed=options.seed)
        margin = (SOURCE_SIDE - SIDE) // 2
        middle = np.ascontiguousarray(pictures[:WHITENING, margin:-margin, margin:-margin])
        integers = in_integers(model, middle[:CALIBRATION])
        write_atomically(options.out, whitened(integers, middle).to_bytes())
    except PymlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
