"""Small networks learn to tell things apart, and say the same in integers."""

# torch's annotations are partial.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pyml.ml.embedders.contrastive import in_integers, small_network, train

SIDE = 16


def seen(channels: int, count: int = 64) -> Tensor:
    """Bytes [count, channels, 16, 16]."""
    draw = np.random.default_rng(channels)
    rough = draw.integers(0, 256, (count, channels, 4, 4), dtype=np.uint8)
    return torch.from_numpy(rough.repeat(4, axis=2).repeat(4, axis=3))


def test_training_brings_the_same_together_and_others_apart() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    things, done = seen(1), list[int]()

    def pairs() -> tuple[Tensor, Tensor]:
        shown = things.float() / 255
        return tuple(  # pyright: ignore[reportReturnType]
            (shown + 0.2 * torch.randn(shown.shape, generator=generator)).clamp(0, 1) for _ in range(2)
        )

    def gap() -> float:
        """Mean cosine of the same things less that of others."""
        with torch.no_grad():
            first, second = (torch.nn.functional.normalize(model(each)) for each in pairs())
        products = (first @ second.T).numpy()
        return float(products.diagonal().mean() - products[~np.eye(len(products), dtype=bool)].mean())

    model = small_network(SIDE, 1, (8, 16), 32)
    train(model, pairs, steps=1)
    before = gap()
    train(model, pairs, steps=60, progress=done.append)
    assert done == list(range(1, 61))
    assert not model.training
    assert before < 0.5
    assert gap() > 0.7


def test_integers_have_the_signs_of_the_floats() -> None:
    for channels in (1, 3):
        torch.manual_seed(channels)
        things = seen(channels)
        shown = things.float() / 255
        model = train(small_network(SIDE, channels, (12, 20), 48), lambda shown=shown: (shown, shown), steps=20)
        pictures = np.ascontiguousarray(things.permute(0, 2, 3, 1).numpy())
        network = in_integers(model, pictures)
        assert (network.side, network.channels, network.dimensions) == (SIDE, channels, 48)
        with torch.no_grad():
            real = model(shown).numpy()
        assert (np.sign(real) == np.sign(network.features(pictures))).mean() > 0.95
