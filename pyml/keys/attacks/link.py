"""The linkage attack: are two helpers of the same picture? Told from what is published, without any password.

All parts of a helper are hidden under the password, with fresh salt: the score is the share of equal bits in them.
Beside it stands what masks would tell in the open, as the specification has them (section 1.2): they are a function of
the picture alone, those of similar pictures are similar, and the score is the share of places that they have in common.
The advantage is that of the best threshold, which is found on one half of the pairs and measured on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pyml.crypto.password import ScryptCost
from pyml.errors import InputError
from pyml.keys.attacks import drawn_password
from pyml.keys.domains import Domain
from pyml.keys.evaluation import Rate
from pyml.keys.fuzzy_commitment import BchCode, Bits, unpack
from pyml.keys.helper_file import Helper
from pyml.keys.mask import reliable_mask
from pyml.keys.vault import COST, EmbedderId, enrol
from pyml.ml.embedders.protocol import Embedder

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Linkage:
    """How well a score tells pairs of one picture from pairs of two."""

    auc: float
    """Chance that a pair of one picture scores above a pair of two; ½ is none (Mann and Whitney, 1947)."""
    threshold: float
    linked: Rate
    """Pairs of one picture at or above the threshold, which these pairs did not choose."""
    mistaken: Rate
    """Pairs of two pictures at or above it."""

    @property
    def advantage(self) -> float:
        return self.linked.share - self.mistaken.share

    def as_dict(self) -> dict[str, Any]:
        return {
            "auc": self.auc,
            "threshold": self.threshold,
            "linked": self.linked.as_dict(),
            "mistaken": self.mistaken.as_dict(),
            "advantage": self.advantage,
        }


@dataclass(frozen=True, slots=True)
class LinkReport:
    """Helpers of the same file twice, and of a file and an edited copy, each against helpers of two files."""

    helpers: int
    same_file: Linkage
    edited_copy: Linkage
    same_file_open_masks: Linkage
    """As if masks were published in the open."""
    edited_copy_open_masks: Linkage

    def as_dict(self) -> dict[str, Any]:
        return {
            "helpers": self.helpers,
            "same_file": self.same_file.as_dict(),
            "edited_copy": self.edited_copy.as_dict(),
            "if_masks_were_open": {
                "same_file": self.same_file_open_masks.as_dict(),
                "edited_copy": self.edited_copy_open_masks.as_dict(),
            },
        }


def link(
    domain: Domain[Item],
    embedder: Embedder[Item],
    things: Sequence[Callable[[], Item]],
    *,
    edit: str,
    code: BchCode | None = None,
    cost: ScryptCost = COST,
    progress: Callable[[int], None] | None = None,
) -> LinkReport:
    """Enrol everything twice and its edited copy once, each under a password of its own, and link the helpers."""
    used = code or domain.code
    first: list[Helper] = []
    again: list[Helper] = []
    edited: list[Helper] = []
    masks: list[Bits] = []
    copies: list[Bits] = []
    for done, load in enumerate(things):
        thing = load()
        seen = embedder.embed(domain.views(thing))
        copied = embedder.embed(domain.views(domain.edits[edit](thing)))
        for views, helpers in ((seen, first), (seen, again), (copied, edited)):
            identity = EmbedderId(embedder.name, embedder.digest)
            made, _ = enrol([views], drawn_password(), embedder=identity, code=used, cost=cost)
            helpers.append(made)
        masks.append(reliable_mask(seen, used.n))
        copies.append(reliable_mask(copied, used.n))
        if progress is not None:
            progress(done + 1)
    everyone = range(len(first))
    strangers = [(a, b) for a in everyone for b in everyone if a != b]
    unlike = [likeness(first[a], again[b]) for a, b in strangers]
    unlike_masks = [mask_overlap(masks[a], masks[b]) for a, b in strangers]
    return LinkReport(
        helpers=len(first) + len(again) + len(edited),
        same_file=linkage([likeness(first[a], again[a]) for a in everyone], unlike),
        edited_copy=linkage([likeness(first[a], edited[a]) for a in everyone], unlike),
        same_file_open_masks=linkage([mask_overlap(masks[a], masks[a]) for a in everyone], unlike_masks),
        edited_copy_open_masks=linkage([mask_overlap(masks[a], copies[a]) for a in everyone], unlike_masks),
    )


def likeness(one: Helper, other: Helper) -> float:
    """Share of equal bits in all that is published; ½ on average for helpers that cannot be linked by it."""
    if one.dimensions != other.dimensions or one.embedder_digest != other.embedder_digest:
        raise InputError("the helpers were made with different embedders", expected=one.embedder, got=other.embedder)
    return float((_published(one) == _published(other)).mean())


def mask_overlap(one: Bits, other: Bits) -> float:
    """Share of the first's places that the other has too."""
    return float((one & other).sum() / one.sum())


def linkage(same: Sequence[float], different: Sequence[float]) -> Linkage:
    """Scores of pairs of one picture and of pairs of two, in an order that says nothing."""
    alike, unlike = np.asarray(same, np.float64), np.asarray(different, np.float64)
    if min(len(alike), len(unlike)) < 2:
        raise InputError("too few pairs to tell anything", expected="2 of each kind or more")
    cut = _best_threshold(alike[::2], unlike[::2])
    above = Rate(int((alike[1::2] >= cut).sum()), len(alike[1::2]))
    below = Rate(int((unlike[1::2] >= cut).sum()), len(unlike[1::2]))
    return Linkage(auc(alike, unlike), cut, above, below)


def auc(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """Share of pairs (a, b) with a > b, ties counted half."""
    ordered = np.sort(below)
    lower = np.searchsorted(ordered, above, "left") + np.searchsorted(ordered, above, "right")
    return float(lower.sum() / (2 * len(above) * len(below)))


def _best_threshold(alike: NDArray[np.float64], unlike: NDArray[np.float64]) -> float:
    tried = np.unique(np.concatenate([alike, unlike]))
    gains = [(alike >= cut).mean() - (unlike >= cut).mean() for cut in tried]
    return float(tried[int(np.argmax(gains))])


def _published(helper: Helper) -> Bits:
    first = helper.images[0]
    content = b"".join([first.mask, first.sketch, first.share, helper.sealed, helper.salt, helper.nonce])
    return unpack(content, 8 * len(content))
