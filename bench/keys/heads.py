"""Ways from MobileNetV2's features to 256 bits: our projection, plain thresholds, principal components, a learned head.

Each is fitted on some photographs and gives what it sees in others.
"""

# torch is annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import json

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.keys.photographs import Features
from pyml.keys.evaluation import Observations
from pyml.ml.embedders.onnx_pictures import OnnxPictures
from pyml.ml.embedders.projection import fixed_point, project, sign_matrix
from pyml.ml.siamese import double_margin_loss, triangular_prior

BITS = 256
COMPONENTS = 96
"""Of a hundred photographs."""
_STEPS, _PAIRS, _RATE = 1500, 64, 1e-3
_NEAR, _FAR, _WEIGHT = 0.5, 8.0, 0.1
"""Margins and λ of ``SiameseConfig``."""


def by_hyperplanes(embedder: OnnxPictures, measured: Features) -> Observations:
    """The embedder's own projection, of features that need not be found again."""
    centre = np.array(json.loads(embedder.description())["centre"], np.int64)
    seen = measured.together
    values = project(fixed_point(seen.reshape(-1, seen.shape[2])), centre, sign_matrix(len(centre), BITS, b""))
    return measured.observed(embedder.name, values.reshape(*seen.shape[:2], BITS))


def by_largest_features(fitted: Features, measured: Features) -> Observations:
    """Features themselves, those of the greatest variance, each against its median."""
    known = fitted.views[:, 0]
    chosen = np.argsort(-known.var(axis=0), kind="stable")[:BITS]
    return _seen(measured, "medians", measured.together[..., chosen] - np.median(known[:, chosen], axis=0))


def by_principal_components(fitted: Features, measured: Features, *, turned: bool) -> Observations:
    """Projections on the principal components of the fitted photographs; turned at random, or as they are.

    A hundred photographs have few components: turned, they are spread over 256 directions; unturned, there are fewer
    bits than 256.
    """
    known = fitted.views[:, 0]
    centre = known.mean(axis=0)
    _, _, directions = np.linalg.svd(known - centre, full_matrices=False)
    values = (measured.together - centre) @ directions[:COMPONENTS].T
    if turned:
        values = values @ np.random.default_rng(0).standard_normal((COMPONENTS, BITS))
    return _seen(measured, "principal components", values)


def by_learned_head(fitted: Features, measured: Features) -> dict[str, Observations]:
    """A dense layer of 256 sigmoids before and after training with the paper's two equations: pairs are two versions of
    one fitted photograph, or of two."""
    seen = fitted.together
    mean, deviation = seen.mean(axis=(0, 1)), seen.std(axis=(0, 1)) + 1e-6
    known = torch.tensor((seen - mean) / deviation)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = nn.Linear(seen.shape[2], BITS)
    shown = torch.tensor((measured.together - mean) / deviation)
    before = _activations(head, shown)
    _train(head, known)
    after = _activations(head, shown)
    return {
        "head before training": _seen(measured, "head before training", before),
        "head after training": _seen(measured, "head after training", after),
    }


def _train(head: nn.Linear, known: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(head.parameters(), _RATE)
    count, versions = known.shape[:2]
    for _ in range(_STEPS):
        first, step = (torch.randint(high, (_PAIRS,), generator=generator) for high in (count, count - 1))
        genuine = torch.rand(_PAIRS, generator=generator) < 0.5
        second = torch.where(genuine, first, (first + 1 + step) % count)
        one, other = (known[who, torch.randint(versions, (_PAIRS,), generator=generator)] for who in (first, second))
        left, right = (torch.sigmoid(head(each)) for each in (one, other))
        distance = (left - right).square().sum(dim=1).add(1e-12).sqrt()
        loss = double_margin_loss(distance, genuine.float(), near=_NEAR, far=_FAR)
        loss = loss + triangular_prior(torch.cat([left, right]), weight=_WEIGHT).mean()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()


def _activations(head: nn.Linear, shown: Tensor) -> NDArray[np.float32]:
    """Above ½ where positive."""
    with torch.inference_mode():
        return head(shown).numpy()


def _seen(measured: Features, name: str, values: NDArray[np.floating]) -> Observations:
    return measured.observed(name, fixed_point(values.astype(np.float32)))
