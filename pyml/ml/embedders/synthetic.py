"""Pictures made by rule, to train on without anybody's photographs: dead leaves and clouds.

Opaque shapes with power-law sizes that cover one another ("dead leaves": Lee, Mumford and Huang, IJCV 2001) and fields
with a 1/f^a spectrum have the statistics of natural pictures that matter here; networks trained on such pictures alone
see photographs well enough (Baradad et al., "Learning to see by looking at noise", NeurIPS 2021). Everything follows
from the seed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError


def synthetic_pictures(count: int, side: int, seed: int) -> NDArray[np.uint8]:
    """RGB pictures uint8 [count, side, side, 3]."""
    if count < 1 or side < 16:
        raise InputError("no such pictures", expected="1 or more, of 16 pixels or more", got=(count, side))
    return np.stack([_picture(np.random.default_rng((seed, index)), side) for index in range(count)])


def _picture(draw: np.random.Generator, side: int) -> NDArray[np.uint8]:
    palette = draw.uniform(0, 255, (draw.integers(3, 9), 3))
    canvas = palette[0] + _clouds(draw, side) * draw.uniform(5, 70)
    for size in np.sort(_sizes(draw, side))[::-1]:
        _paint(draw, canvas, palette, size)
    contrast, light = draw.uniform(0.5, 1.2), draw.uniform(-40, 40)
    return np.clip((canvas - 128) * contrast + 128 + light, 0, 255).astype(np.uint8)


def _sizes(draw: np.random.Generator, side: int) -> NDArray[np.float64]:
    """Radii with density r^-3 between a thirtieth and a half of the side."""
    low, high = side / 30, side / 2
    share = draw.uniform(0, 1, draw.integers(5, 120))
    return (low**-2 - share * (low**-2 - high**-2)) ** -0.5


def _paint(draw: np.random.Generator, canvas: NDArray[np.float64], palette: NDArray[np.float64], size: float) -> None:
    """One leaf: an ellipse, rectangle or stripe, turned, with a colour of its own, a gradient or a texture."""
    side = len(canvas)
    x, y = draw.uniform(-0.1 * side, 1.1 * side, 2)
    reach = int(2 * size) + 2
    left, right = max(0, int(x) - reach), min(side, int(x) + reach)
    top, bottom = max(0, int(y) - reach), min(side, int(y) + reach)
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float64)
    angle, aspect = draw.uniform(0, np.pi), draw.uniform(0.25, 1)
    u = ((columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)) / size
    v = ((rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)) / (size * aspect)
    inside = (u**2 + v**2 < 1) if draw.uniform() < 0.6 else (np.maximum(abs(u), abs(v)) < 1)
    colour = palette[draw.integers(len(palette))] + draw.normal(0, 20, 3)
    leaf = np.broadcast_to(colour, (*u.shape, 3)).copy()
    kind = draw.uniform()
    if kind < 0.4:
        leaf += (u * draw.uniform(-60, 60))[..., None]
    elif kind < 0.6:
        leaf += (np.sin(u * draw.uniform(3, 25) + draw.uniform(0, 6)) * draw.uniform(5, 50))[..., None]
    elif kind < 0.8:
        leaf += draw.normal(0, draw.uniform(3, 25), (*u.shape, 1))
    canvas[top:bottom, left:right][inside] = leaf[inside]


def _clouds(draw: np.random.Generator, side: int) -> NDArray[np.float64]:
    """A field [side, side, 3] of variance one with spectrum 1/f^a; its channels are mostly alike."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = 1
    fall = frequency ** -draw.uniform(1, 2)
    fall[0, 0] = 0
    shared, own = draw.uniform(0.5, 1), draw.normal(0, 1, (3, side, side))
    noise = shared * draw.normal(0, 1, (1, side, side)) + (1 - shared) * own
    fields = np.fft.irfft2(np.fft.rfft2(noise) * fall, s=(side, side))
    return np.moveaxis(fields / (fields.std(axis=(1, 2), keepdims=True) + 1e-9), 0, -1)
