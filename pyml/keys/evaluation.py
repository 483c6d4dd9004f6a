"""How well a vault tells pictures apart: acceptance of edited pictures, acceptance of others, and what a helper tells.

Rates are counts with exact (Clopper and Pearson, 1934) bounds; no rate is extrapolated from a model of distances: a
binomial one predicted 2^-27 where 2^-12.4 was measured (specification, section 4). Every genuine trial is decoded. An
impostor is accepted exactly if his word is within t places, which is decoded for all that are and for a sample of
those that are not; a difference between the two is an error, not a rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys.edits import EDITS, views
from pyml.keys.fuzzy_commitment import BchCode, Bits, commit, open_sketch
from pyml.keys.mask import feature_bits, masked, reliable_mask
from pyml.ml.embedders.protocol import Embedder

CONFIDENCE = 0.95
SAMPLED_IMPOSTORS = 500
"""Impostors beyond t places that are decoded all the same."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with the bounds of a two-sided interval."""

    accepted: int
    trials: int

    @property
    def share(self) -> float:
        return self.accepted / self.trials

    def bounds(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Clopper and Pearson's interval."""
        import scipy.stats  # heavy, late

        quantile = cast("Any", scipy.stats).beta.ppf
        tail, missed = (1 - confidence) / 2, self.trials - self.accepted
        low = float(quantile(tail, self.accepted, missed + 1)) if self.accepted else 0.0
        high = float(quantile(1 - tail, self.accepted + 1, missed)) if missed else 1.0
        return low, high

    def as_dict(self) -> dict[str, float]:
        low, high = self.bounds()
        return {"accepted": self.accepted, "trials": self.trials, "share": self.share, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured of one embedder and one code on one set of pictures."""

    embedder: str
    code: BchCode
    pictures: int
    genuine: Mapping[str, Rate]
    """By edit."""
    impostors: Rate
    least_impostor: int
    """Places in which the nearest impostor differed."""
    distinct_words: int
    freedom: float
    """Daugman's degrees of freedom of the impostors' distances: independent fair bits with the same variance."""

    @property
    def all_genuine(self) -> Rate:
        rates = self.genuine.values()
        return Rate(sum(rate.accepted for rate in rates), sum(rate.trials for rate in rates))

    def as_dict(self) -> dict[str, Any]:
        return {
            "embedder": self.embedder,
            "code": {"n": self.code.n, "k": self.code.k, "t": self.code.t, "leak_bits": self.code.leak},
            "pictures": self.pictures,
            "confidence": CONFIDENCE,
            "tar": self.all_genuine.as_dict(),
            "tar_by_edit": {name: rate.as_dict() for name, rate in self.genuine.items()},
            "far": self.impostors.as_dict(),
            "nearest_impostor_differs_in": self.least_impostor,
            "distinct_words": self.distinct_words,
            "degrees_of_freedom": self.freedom,
        }


def evaluate(
    embedder: Embedder[Image.Image],
    pictures: Sequence[Callable[[], Image.Image]],
    code: BchCode | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Enrol every picture, show each its eight edits, and show everybody all the others.

    ``pictures`` are called one at a time, so that memory stays bounded; ``InputError`` for fewer than two.
    """
    code = BchCode() if code is None else code
    if len(pictures) < 2:
        raise InputError("nobody to confuse anybody with", expected="2 pictures or more", got=len(pictures))
    masks: list[Bits] = []
    bits: list[Bits] = []
    accepted = dict.fromkeys(EDITS, 0)
    for done, load in enumerate(pictures):
        picture = load()
        seen = embedder.embed(views(picture))
        edited = embedder.embed([edit(picture) for edit in EDITS.values()])
        mask = reliable_mask(seen, code.n)
        word = masked(feature_bits(seen[0]), mask)
        message, sketch = commit(code, word)
        for name, values in zip(EDITS, edited, strict=True):
            opened = open_sketch(code, masked(feature_bits(values), mask), sketch)
            accepted[name] += opened is not None and np.array_equal(opened, message)
        masks.append(mask)
        bits.append(feature_bits(seen[0]))
        if progress is not None:
            progress(done + 1)
    distances, false_accepts = _impostors(code, masks, bits)
    words = {masked(own, mask).tobytes() for own, mask in zip(bits, masks, strict=True)}
    return Report(
        embedder=embedder.name,
        code=code,
        pictures=len(pictures),
        genuine={name: Rate(int(count), len(pictures)) for name, count in accepted.items()},
        impostors=Rate(false_accepts, len(distances)),
        least_impostor=int(distances.min()),
        distinct_words=len(words),
        freedom=float(0.25 / max(float(np.var(distances / code.n)), 1e-12)),
    )


def _impostors(code: BchCode, masks: Sequence[Bits], bits: Sequence[Bits]) -> tuple[NDArray[np.int64], int]:
    """Distances of all ordered pairs, and how many of them open the other's sketch."""
    everyone = np.stack(bits)
    pairs: list[tuple[int, int, int]] = []
    for owner, mask in enumerate(masks):
        kept = everyone[:, mask.astype(bool)]
        far = (kept != kept[owner]).sum(axis=1)
        pairs += [(owner, other, int(far[other])) for other in range(len(bits)) if other != owner]
    near = [pair for pair in pairs if pair[2] <= code.t]
    beyond = [pair for pair in pairs if pair[2] > code.t]
    chosen: list[int] = np.random.default_rng(0).permutation(len(beyond))[:SAMPLED_IMPOSTORS].tolist()
    for owner, other, distance in (*near, *(beyond[index] for index in chosen)):
        word = masked(bits[owner], masks[owner])
        message, sketch = commit(code, word)
        opened = open_sketch(code, masked(bits[other], masks[owner]), sketch)
        if (opened is not None and np.array_equal(opened, message)) != (distance <= code.t):
            raise InputError("decoding and distance disagree", got=(owner, other, distance))
    return np.array([distance for _, _, distance in pairs], np.int64), len(near)
