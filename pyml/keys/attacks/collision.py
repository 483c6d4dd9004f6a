"""The white-box collision: a picture moved, invisibly, until its code is another picture's, bit for bit.

Projected gradient steps (Madry et al., ICLR 2018) on the embedder as a function of the picture's levels, within
``limit`` of 255 levels of where each pixel was. The loss is a hinge on each bit: how far its feature is from lying on
the other picture's side by a margin, in units of the features' usual size. Features of the differentiable model are
near those of the embedder, not equal; a code counts as hit only if the embedder itself, of the picture with whole
levels, says so.

In paper mode the moved picture *is* the other's key. In vault mode it is as good as the other picture, no more: it
opens a helper with the password alone.
"""

# torch is annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pyml.crypto.password import ScryptCost
from pyml.errors import InputError, RecoveryError
from pyml.keys.attacks import drawn_password
from pyml.keys.domains import IMAGE
from pyml.keys.fuzzy_commitment import Bits
from pyml.keys.mask import feature_bits
from pyml.keys.vault import COST, EmbedderId, enrol, recover
from pyml.ml.embedders.differentiable import PictureModel
from pyml.ml.embedders.protocol import Embedder
from pyml.store.keystore import Secret

LIMIT = 4
"""Levels of 255 that a pixel may move by."""
_RATE, _MARGIN, _CHECK_EVERY = 1 / 8, 0.3, 8
"""Share of the limit that a step may move a pixel by; share of the usual feature that each shall clear zero by."""


@dataclass(frozen=True, slots=True, eq=False)
class Collision:
    """The nearest that was come: ``differing`` is 0 where the code is the other's, all of it."""

    picture: Image.Image
    steps: int
    differing: int
    differed_before: int
    bits: int
    greatest_move: int
    """Levels by which the most moved pixel moved."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "bits": self.bits,
            "differed_before": self.differed_before,
            "differing": self.differing,
            "steps": self.steps,
            "greatest_move_levels": self.greatest_move,
        }


def collide(
    embedder: Embedder[Image.Image],
    model: PictureModel,
    start: Image.Image,
    target: Bits,
    *,
    limit: int = LIMIT,
    steps: int = 2000,
    progress: Callable[[int, int], None] | None = None,
) -> Collision:
    """Move ``start`` towards the code ``target`` [bits]; ``model`` is the embedder's, for pictures of this size.

    ``progress`` is told the steps done and the bits that still differ. ``InputError`` for a code of another length.
    """
    if target.shape != (embedder.dimensions,) or limit < 1 or steps < 1:
        raise InputError("not a code of this embedder", expected=f"{embedder.dimensions} bits", got=target.shape)
    levels = np.asarray(start.convert("RGB")).astype(np.int64)
    lowest, highest = (torch.from_numpy(np.clip(levels + by, 0, 255).astype(np.float32)) for by in (-limit, limit))
    wanted = torch.from_numpy(2 * target.astype(np.float32) - 1)
    moved = torch.from_numpy(levels.astype(np.float32)).requires_grad_()
    with torch.no_grad():
        size = model(moved).abs().mean()
    optimiser = torch.optim.Adam([moved], lr=_RATE * limit)
    before = _differing(embedder, start, target)
    nearest = Collision(start, 0, before, before, len(target), 0)
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        loss = (_MARGIN - wanted * model(moved) / size).clamp(0).sum()
        torch.autograd.backward(loss)
        optimiser.step()
        with torch.no_grad():
            moved.copy_(torch.minimum(torch.maximum(moved, lowest), highest))
        if step % _CHECK_EVERY == 0 or step == steps:
            picture = Image.fromarray(_whole(moved))
            left = _differing(embedder, picture, target)
            if left < nearest.differing:
                move = int(np.abs(np.asarray(picture).astype(np.int64) - levels).max())
                nearest = Collision(picture, step, left, before, len(target), move)
            if progress is not None:
                progress(step, left)
            if not left:
                break
    return nearest


@dataclass(frozen=True, slots=True)
class VaultAnswer:
    """Whether a vault opened to a picture that was moved to the code of the one enrolled."""

    with_its_password: bool
    with_another: bool


def show_to_vault(
    embedder: Embedder[Image.Image], enrolled: Image.Image, moved: Image.Image, *, cost: ScryptCost = COST
) -> VaultAnswer:
    """Enrol the one picture under a password of its own, and try to recover with the other."""
    identity, password = EmbedderId(embedder.name, embedder.digest), drawn_password()
    helper, entropy = enrol([embedder.embed(IMAGE.views(enrolled))], password, embedder=identity, cost=cost)
    shown = list(embedder.embed([moved]))

    def opens(secret: Secret) -> bool:
        try:
            return recover(helper, shown, secret, embedder=identity) == entropy
        except RecoveryError:
            return False

    return VaultAnswer(opens(password), opens(drawn_password()))


def _whole(levels: Tensor) -> NDArray[np.uint8]:
    return np.rint(levels.detach().numpy()).astype(np.uint8)


def _differing(embedder: Embedder[Image.Image], picture: Image.Image, target: Bits) -> int:
    return int((feature_bits(embedder.embed([picture])[0]) != target).sum())
