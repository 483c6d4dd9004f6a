"""Train the photo embedder that ships with pyml, on pictures made by rule, and write it in integers.

    python scripts/train_photo_embedder.py                 half an hour of processor time; writes embedders/photo.npz
    python scripts/train_photo_embedder.py --steps 20 --pictures 600 --out photo.npz      to see that it works

Two edits of one picture are to have features in the same direction, those of different pictures not (InfoNCE: van den
Oord, Li and Vinyals 2018; as in SimCLR: Chen et al. 2020). Nothing but ``synthetic_pictures`` is seen, so nobody's
photographs are in the weights. Training in floats repeats to the bit on one machine only; what it writes is integers,
which give the same codes on all.
"""

# torch's annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn
from torch.nn import functional

from pyml.errors import PymlError
from pyml.files import write_atomically
from pyml.ml import embedders
from pyml.ml.embedders.fixed_point import FixedPointNetwork, quantised, whitened
from pyml.ml.embedders.photo import SIDE, WEIGHTS
from pyml.ml.embedders.synthetic import synthetic_pictures

WIDTHS = (48, 96, 160, 256)
DIMENSIONS = 256
SOURCE_SIDE = 96
TEMPERATURE = 0.07
CALIBRATION, WHITENING = 512, 3000
"""Pictures that activations are scaled with, and that features are made uncorrelated over."""
OUT = Path(embedders.__file__).parent / WEIGHTS


def network() -> nn.Sequential:
    """Convolutions of stride 2, a dense layer, and features of mean 0 and variance 1 over a batch."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        layers += [nn.Conv2d(channels, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    cells = (SIDE >> len(WIDTHS)) ** 2
    dense = nn.Linear(channels * cells, DIMENSIONS, bias=False)
    return nn.Sequential(*layers, nn.Flatten(), dense, nn.BatchNorm1d(DIMENSIONS, affine=False))


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
    model = network().train()
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, max(steps, 2))
    same = torch.arange(batch)
    for _ in track(range(steps), "training", disable=not sys.stderr.isatty()):
        chosen = source[torch.randint(0, len(source), (batch,), generator=generator)]
        first, second = (functional.normalize(model(seen_again(chosen, generator))) for _ in range(2))
        likeness = first @ second.T / TEMPERATURE
        loss = (functional.cross_entropy(likeness, same) + functional.cross_entropy(likeness.T, same)) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return model.eval()


def in_integers(model: nn.Sequential, pictures: NDArray[np.uint8]) -> FixedPointNetwork:
    """The trained network with batch normalisation folded, calibrated on ``pictures`` [n, 64, 64, 3]."""
    parts = list(model)
    convolutions = [
        _folded(cast("nn.Conv2d", parts[index]).weight.permute(2, 3, 1, 0).flatten(0, 2), parts[index + 1])
        for index in range(0, 3 * len(WIDTHS), 3)
    ]
    dense = cast("nn.Linear", parts[-2])
    cells = SIDE >> len(WIDTHS)
    # torch flattens channel, row, column; the integers row, column, channel
    weight = dense.weight.reshape(DIMENSIONS, WIDTHS[-1], cells, cells).permute(2, 3, 1, 0).flatten(0, 2)
    return quantised(SIDE, convolutions, _folded(weight, parts[-1]), pictures)


def _folded(weight: Tensor, normalisation: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights [fan_in, outputs] and biases that do the normalisation as well."""
    factor = (normalisation.running_var + normalisation.eps).rsqrt()
    if normalisation.affine:
        factor = factor * normalisation.weight
    bias = -normalisation.running_mean * factor + (normalisation.bias if normalisation.affine else 0)
    return (weight * factor).detach().numpy(), bias.detach().numpy()


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
