"""Siamese networks whose 256 activations are the bits of a key: losses, pairs and training.

Source: "Towards ECDSA key derivation from deep embeddings for novel Blockchain applications" (arXiv 1711.04069),
section 4; the double margin is that of DeepHash (Lin et al., arXiv 1501.04711). The published text lacks the bodies of
its two equations: (1) is taken as DeepHash has it, (2) is reconstructed from the prose ("triangular", "on the
activations of the last layer", "balancing term").

Keys made this way are UNSAFE (``pyml.keys.paper`` says why): the better this training works, the fewer codes there are.

Decided here: a pair is an anchor and, with probability ½, another image of its class (the same one where it is alone),
else an image of another class. Both are seen through the same network in one pass; where ``jitter`` says so, each is
first turned, moved and scaled a little. The loss is equation 1, plus the mean of equation 2 over both codes.
"""

# PyTorch annotates these calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pyml.errors import InputError, ModelError
from pyml.ml.devices import require_device
from pyml.ml.resnet import ResNet50
from pyml.ml.training import Minimised, Progress, TrainingConfig, minimise

CODE: Final = 256
"""Activations, and so bits of a key."""
Kind = Literal["cnn", "resnet50"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_SIDES: Final[dict[Kind, tuple[int, int]]] = {"cnn": (8, 128), "resnet50": (32, 512)}
_IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION: Final = (0.229, 0.224, 0.225)
_REPORT_BATCHES: Final = 25


@dataclass(frozen=True, slots=True)
class Architecture:
    """What fixes a network's shape: its kind and the images that it takes (1 or 3 channels)."""

    kind: Kind
    channels: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError("unknown network", expected=" or ".join(KINDS), got=self.kind)
        low, high = _SIDES[self.kind]
        fits = self.channels in (1, 3) and low <= self.height <= high and low <= self.width <= high
        if not fits:
            raise ModelError(
                f"images do not fit a {self.kind}",
                expected=f"1 or 3 channels, sides from {low} to {high}",
                got=[self.channels, self.height, self.width],
            )

    @classmethod
    def of(cls, kind: Kind, shape: tuple[int, ...]) -> Architecture:
        """For images of a shape: [height, width] or [channels, height, width]."""
        if len(shape) not in (2, 3):
            raise ModelError("not the shape of an image", expected="height and width", got=list(shape))
        return cls(kind, *((1, *shape) if len(shape) == 2 else shape))


class Siamese(nn.Module):
    """Images float [n, height, width] or [n, channels, height, width] in [0, 1] to activations (0, 1) [n, 256].

    ``cnn`` is three 3×3 convolutions and a dense layer; ``resnet50`` is that network with 256 outputs, on images
    normalised as ImageNet's, grey ones repeated in each channel.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.trunk = ResNet50(CODE) if architecture.kind == "resnet50" else _small_cnn(architecture)

    def forward(self, images: Tensor) -> Tensor:
        wanted = self.architecture
        maps = images.reshape(-1, wanted.channels, wanted.height, wanted.width)
        if wanted.kind == "resnet50":
            mean, deviation = (maps.new_tensor(each)[:, None, None] for each in (_IMAGENET_MEAN, _IMAGENET_DEVIATION))
            maps = (maps - mean) / deviation
        return torch.sigmoid(self.trunk(maps))

    def extra_repr(self) -> str:
        return str(self.architecture)


def siamese(architecture: Architecture, *, seed: int = 0) -> Siamese:
    """A network with weights drawn from ``seed``; the caller's generator is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Siamese(architecture).eval()


def double_margin_loss(distance: Tensor, genuine: Tensor, *, near: float, far: float) -> Tensor:
    """Equation 1: ½ · mean[y·max(0, D - m₁)² + (1 - y)·max(0, m₂ - D)²], a number.

    ``distance`` [n] are L2 distances D, ``genuine`` [n] is y: 1 for a genuine pair, 0 for impostors. ``near`` is m₁,
    below which genuine pairs are drawn no closer, ``far`` is m₂, beyond which impostors are pushed no further.
    """
    pull = genuine * torch.relu(distance - near).square()
    push = (1 - genuine) * torch.relu(far - distance).square()
    return (pull + push).mean() / 2


def triangular_prior(activations: Tensor, *, weight: float) -> Tensor:
    """Equation 2: R = λ·min(s, 1 - s) for each activation s; nothing at 0 and 1, most at ½.

    Reconstructed from the paper's prose. Its slope is ±λ everywhere but at ½, so that it drives activations to the
    bounds with a force that does not fade on the way.
    """
    return weight * torch.minimum(activations, 1 - activations)


@dataclass(frozen=True, slots=True)
class SiameseConfig(TrainingConfig):
    """As ``TrainingConfig``, and the constants of the two equations. ``batch_size`` counts pairs."""

    epochs: int = 4
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    near_margin: float = 0.5
    """m₁, as an L2 distance of two codes; 16 is the greatest."""
    far_margin: float = 5.0
    """m₂; two independent fair codes are √128 ≈ 11.3 apart."""
    prior_weight: float = 0.5
    """λ; 0 trains without the prior."""
    jitter: float = 0.0
    """How much images are moved in training: 1 is up to 10° of turning, 8 % of shift, 10 % of scale."""

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)  # super() does not find its class in one that slots made again
        if not 0 <= self.near_margin < self.far_margin <= math.sqrt(CODE):
            raise InputError(
                "the margins are out of order", expected="0 ≤ m₁ < m₂ ≤ 16", got=[self.near_margin, self.far_margin]
            )
        if not (0 <= self.prior_weight < math.inf and 0 <= self.jitter <= 3):
            raise InputError("prior weight or jitter is out of range", expected="λ ≥ 0, jitter from 0 to 3")


class Images(Protocol):
    """Rows of images uint8 [n, ...]: an array, or something that makes them when it is asked."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[np.uint8]:
        """Images [rows, ...] of a slice or an array of indices."""
        ...


class LabelledImages(Protocol):
    """What can be trained on; every ``pyml.ml.datasets.Dataset`` is one."""

    @property
    def train_images(self) -> Images: ...

    @property
    def train_labels(self) -> NDArray[Any]:
        """Whole numbers [n]: the class of each image."""
        ...

    @property
    def pixel_max(self) -> int: ...

    @property
    def digest(self) -> bytes:
        """Over all images and labels."""
        ...


def train_siamese(
    network: Siamese,
    dataset: LabelledImages,
    config: SiameseConfig,
    *,
    device: str = "cpu",
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> Minimised:
    """Train in place on the training images; afterwards the network is on the CPU, in evaluation mode.

    Deterministic, and resumed from ``checkpoint`` to the same bits, as ``pyml.ml.training.train`` describes with its
    errors. Raises ``InputError`` for images of one class only, and for a class of one image without jitter.
    """
    target = require_device(device)
    images, pairs = dataset.train_images, Pairs(dataset.train_labels)
    _require_shape(network, images)
    if pairs.smallest_class == 1 and config.jitter == 0:
        raise InputError("an image alone in its class makes no pair", hint="With jitter, two views of it do.")

    def batch_loss(anchors: Tensor, generator: torch.Generator) -> Tensor:
        partners, genuine = pairs.draw(anchors, generator)
        shown = _floats(images[torch.cat([anchors, partners]).numpy()], dataset.pixel_max)
        shown = jittered(shown.reshape(len(shown), -1, *shown.shape[-2:]), generator, strength=config.jitter)
        activations = network(shown.to(target))
        first, second = activations.chunk(2)
        distance = torch.linalg.vector_norm(first - second, dim=1)
        return (
            double_margin_loss(distance, genuine.to(target), near=config.near_margin, far=config.far_margin)
            + triangular_prior(activations, weight=config.prior_weight).mean()
        )

    return minimise(
        network,
        batch_loss,
        config,
        samples=len(images),
        data_digest=dataset.digest,
        device=target,
        checkpoint=checkpoint,
        progress=progress,
        progress_batches=_REPORT_BATCHES,
    )


class Pairs:
    """Partners of images, by their classes."""

    def __init__(self, labels: NDArray[Any]) -> None:
        classes, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
        if len(classes) < 2:
            raise InputError("no impostors to train with", expected="images of two classes or more", got=len(classes))
        self.smallest_class = int(sizes.min())
        self._size = torch.from_numpy(sizes[members])
        self._sorted = torch.from_numpy(np.argsort(members, kind="stable"))
        self._start = torch.from_numpy((np.cumsum(sizes) - sizes)[members])
        """Place in ``_sorted`` of the first image of the class of each image."""
        self._place = torch.argsort(self._sorted)

    def draw(self, anchors: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """For each anchor (int64 [n]) its partner (int64 [n]), and 1. where the pair is genuine, else 0."""
        size, start = self._size[anchors], self._start[anchors]
        genuine = torch.rand(len(anchors), generator=generator) < 0.5
        share = torch.rand(len(anchors), generator=generator, dtype=torch.float64)
        # Genuine: a step of 1 to size - 1 through the class, which goes around; 0 where the image is alone.
        step = torch.minimum(1 + (share * (size - 1)).long(), size - 1)
        friend = start + (self._place[anchors] - start + step) % size
        # Impostor: a place outside the class, whose places lie together.
        stranger = (share * (len(self._sorted) - size)).long()
        stranger += size * (stranger >= start)
        return self._sorted[torch.where(genuine, friend, stranger)], genuine.float()


def jittered(images: Tensor, generator: torch.Generator, *, strength: float = 1.0) -> Tensor:
    """Images float [n, channels, h, w], each turned, moved and scaled at random; black comes in from outside.

    Uniform up to ±10°, ±8 % of the side and ±10 % of the size, times ``strength``.
    """
    if strength == 0:
        return images
    angle, scale, right, down = strength * (2 * torch.rand(4, len(images), generator=generator) - 1)
    angle, scale = angle * math.radians(10), 1 + 0.1 * scale
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    # grid_sample's coordinates run from -1 to 1, so that 8 % of the side is 0.16.
    rows = (torch.stack([cosine, -sine, 0.16 * right], dim=1), torch.stack([sine, cosine, 0.16 * down], dim=1))
    grid = nn.functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, grid, align_corners=False)


def activations(
    network: Siamese, images: Images, *, pixel_max: int, batch: int = 32, device: str = "cpu"
) -> Iterator[NDArray[np.float32]]:
    """Activations float32 [b, 256] of all images in order, ``batch`` at a time: memory stays that of one batch.

    ``images`` are uint8 [n, ...] up to ``pixel_max``. Sums may differ in their last bits between batch sizes, thread
    counts and machines, and an activation within that of ½ then is another bit: hold on to one setting.
    """
    if batch < 1:
        raise InputError("a batch needs at least one image", got=batch)
    target = require_device(device)
    _require_shape(network, images)
    network.to(target).eval()
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            shown = _floats(images[start : start + batch], pixel_max)
            yield network(shown.to(target)).cpu().numpy()


def _floats(images: NDArray[np.uint8], pixel_max: int) -> Tensor:
    return torch.from_numpy(images.astype(np.float32)) / pixel_max


def _require_shape(network: Siamese, images: Images) -> None:
    wanted = network.architecture
    shape = images[:1].shape[1:]
    if len(shape) not in (2, 3) or Architecture.of(wanted.kind, shape) != wanted:
        raise ModelError(
            "the network takes other images",
            expected=list(asdict(wanted).values())[1:],
            got=list(shape),
        )


def _small_cnn(architecture: Architecture) -> nn.Sequential:
    """Strided convolutions where others pool: those are deterministic on every device."""
    rows, columns = (-(-side // 4) for side in (architecture.height, architecture.width))
    return nn.Sequential(
        nn.Conv2d(architecture.channels, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * rows * columns, CODE),
    )
