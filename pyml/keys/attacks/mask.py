"""What a mask tells: which picture it is, of a list; and what the bits under it are. Hence helpers hide it.

The specification publishes masks (section 1.2) and leaves what they tell to be measured (section 5). In the open they
would name the picture to whoever has a list, without any password; hidden (``pyml.keys.vault``), this is what is left
to somebody who has the password: with the right picture first on his list, nothing more to try.

``identify`` sorts a list of pictures by how much of a helper's mask theirs share.

``predict_bits`` and ``predict_labels`` ask a plain classifier (logistic regression, Cox 1958; ridge penalty) from the
mask alone, and measure it on things that neither it nor its penalty was fitted to. Held-out cross-entropy bounds the
entropy that is left given the mask from above; so what is told is at least the difference, and a better classifier may
find more.
"""

# scikit-learn has no type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.keys.domains import Domain
from pyml.keys.evaluation import Rate
from pyml.keys.fuzzy_commitment import BchCode, Bits
from pyml.keys.mask import feature_bits, reliable_mask
from pyml.ml.embedders.protocol import Embedder

Item = TypeVar("Item")

_PENALTIES = (math.inf, 1000.0, 100.0, 10.0, 1.0)
"""Weights of the ridge; at the first, only how common an answer is counts."""
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class MaskReport:
    """What masks of helpers tell to whoever has a list of candidates, or things of the same kind to learn from."""

    same_file: Identification
    """The very file is on the list."""
    edited_copy: Identification
    """An edited copy of it is on the list, in its place."""
    bits: Prediction
    labels: Prediction | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "same_file": self.same_file.as_dict(),
            "edited_copy": self.edited_copy.as_dict(),
            "bits": self.bits.as_dict(),
            "labels": None if self.labels is None else self.labels.as_dict(),
        }


def read_masks(
    domain: Domain[Item],
    embedder: Embedder[Item],
    things: Sequence[Callable[[], Item]],
    *,
    edit: str,
    code: BchCode | None = None,
    labels: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> MaskReport:
    """Masks of all things against those that an attacker computes, of the things and of edited copies."""
    size = (code or domain.code).n
    masks: list[Bits] = []
    copies: list[Bits] = []
    bits: list[Bits] = []
    for done, load in enumerate(things):
        thing = load()
        seen = embedder.embed(domain.views(thing))
        bits.append(feature_bits(seen[0]))
        masks.append(reliable_mask(seen, size))
        copies.append(reliable_mask(embedder.embed(domain.views(domain.edits[edit](thing))), size))
        if progress is not None:
            progress(done + 1)
    published, owners = np.stack(masks), np.arange(len(masks))
    return MaskReport(
        identify(published, published, owners),
        identify(published, np.stack(copies), owners),
        predict_bits(published, np.stack(bits)),
        None if labels is None else predict_labels(published, np.asarray(labels, np.int64)),
    )


@dataclass(frozen=True, slots=True)
class Identification:
    """Where the right picture stood on the list, for each helper; 1 is first, ties share their mean place."""

    candidates: int
    ranks: tuple[float, ...]

    @property
    def first(self) -> Rate:
        """How often it was first, alone."""
        return Rate(sum(rank == 1 for rank in self.ranks), len(self.ranks))

    @property
    def bits_told(self) -> float:
        """Mean fall of log2 of the place, from the middle of the list that chance gives to where it stood."""
        chance = np.log2(np.arange(1, self.candidates + 1)).mean()
        return float(chance - np.log2(self.ranks).mean())

    @property
    def bits_left(self) -> float:
        """log2 of the mean place: pictures that must still be tried, on average."""
        return math.log2(float(np.mean(self.ranks)))

    def as_dict(self) -> dict[str, Any]:
        return {
            "candidates": self.candidates,
            "helpers": len(self.ranks),
            "first": self.first.as_dict(),
            "mean_rank": float(np.mean(self.ranks)),
            "worst_rank": max(self.ranks),
            "bits_told": self.bits_told,
            "bits_left": self.bits_left,
        }


def identify(masks: Bits, candidates: Bits, owners: NDArray[np.int64]) -> Identification:
    """Rank candidates' masks [m, dimensions] by overlap with each helper's [n, dimensions]; ``owners`` [n] is right."""
    if masks.shape[1:] != candidates.shape[1:] or owners.shape != (len(masks),) or len(candidates) < 2:
        raise InputError("masks and candidates do not fit together", got=(masks.shape, candidates.shape))
    overlap = masks.astype(np.float32) @ candidates.astype(np.float32).T  # counts: exact
    own = overlap[np.arange(len(masks)), owners][:, None]
    better, tied = (overlap > own).sum(axis=1), (overlap == own).sum(axis=1) - 1
    return Identification(len(candidates), tuple((1 + better + tied / 2).tolist()))


@dataclass(frozen=True, slots=True)
class Prediction:
    """Held-out answers of a classifier that sees the mask alone."""

    right: Rate
    by_prior: Rate
    """The same for who always says what was commonest."""
    prior_bits: float
    """Cross-entropy of an answer from how common each was: mean over the things, summed over what is predicted."""
    left_bits: float
    """The same of the classifier's answers: at least what is left."""

    @property
    def told_bits(self) -> float:
        """At least so much is told; never less than none."""
        return max(0.0, self.prior_bits - self.left_bits)

    def as_dict(self) -> dict[str, Any]:
        return {
            "right": self.right.as_dict(),
            "by_prior": self.by_prior.as_dict(),
            "prior_bits": self.prior_bits,
            "left_bits": self.left_bits,
            "told_bits": self.told_bits,
        }


def predict_bits(masks: Bits, bits: Bits) -> Prediction:
    """Bits under the mask from the mask [things, dimensions]; the even things are learnt from, the odd ones asked."""
    if masks.shape != bits.shape or len(masks) < _FEWEST:
        raise InputError("too few masks, or other bits", expected=f"{_FEWEST} or more", got=(masks.shape, bits.shape))
    wanted, kept = bits[1::2].astype(np.int64), masks[1::2].astype(bool)
    given, shares = _held_out(masks[::2], bits[::2].astype(np.int64), masks[1::2], values=2)
    return _prediction(given, np.broadcast_to(shares, given.shape), wanted, kept)


def predict_labels(masks: Bits, labels: NDArray[np.int64]) -> Prediction:
    """What kind of thing it is, from the mask; split as in ``predict_bits``."""
    if len(masks) < _FEWEST or labels.shape != (len(masks),):
        raise InputError("too few masks, or other labels", expected=f"{_FEWEST} or more", got=masks.shape)
    _, numbered = np.unique(labels, return_inverse=True)
    learnt, wanted = numbered[::2, None], numbered[1::2, None]
    given, shares = _held_out(masks[::2], learnt, masks[1::2], values=int(numbered.max()) + 1)
    return _prediction(given, np.broadcast_to(shares, given.shape), wanted, np.ones(wanted.shape, bool))


def _prediction(
    given: NDArray[np.float64], prior: NDArray[np.float64], wanted: NDArray[np.int64], kept: NDArray[np.bool_]
) -> Prediction:
    """Of answers [asked, questions, values] where ``kept`` [asked, questions]."""

    def rate(answers: NDArray[np.float64]) -> Rate:
        return Rate(int((answers.argmax(axis=2) == wanted)[kept].sum()), int(kept.sum()))

    def surprise(answers: NDArray[np.float64]) -> float:
        return float(-np.log2(_of(answers, wanted)[kept]).sum()) / len(wanted)

    return Prediction(rate(given), rate(prior), surprise(prior), surprise(given))


def _held_out(
    masks: Bits, wanted: NDArray[np.int64], asked: Bits, *, values: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities [asked, questions, values] learnt from what was wanted [masks, questions], and each value's share
    [questions, values]; each question with the penalty that surprises least on the last third of what is learnt from.
    """
    counts = (wanted[:, :, None] == np.arange(values)).sum(axis=0) + 0.5  # Krichevsky and Trofimov
    shares = counts / counts.sum(axis=1, keepdims=True)
    cut = 2 * len(masks) // 3
    given = np.empty((len(asked), wanted.shape[1], values))
    for question, share in enumerate(shares):
        answers = wanted[:, question]

        def surprise(penalty: float, answers: NDArray[np.int64] = answers, share: NDArray[np.float64] = share) -> float:
            found = _answered(masks[:cut], answers[:cut], masks[cut:], penalty, share)
            return float(-np.log2(found[np.arange(len(found)), answers[cut:]]).sum())

        given[:, question] = _answered(masks, answers, asked, min(_PENALTIES, key=surprise), share)
    return given, shares


def _answered(
    masks: Bits, wanted: NDArray[np.int64], asked: Bits, penalty: float, share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probabilities [asked, values]; those of values that nothing was learnt of are their shares."""
    from sklearn.linear_model import LogisticRegression  # heavy, late

    given = np.tile(share, (len(asked), 1))
    present = np.unique(wanted)
    if len(present) > 1 and penalty < math.inf:
        model = cast("Any", LogisticRegression)(C=1 / penalty, max_iter=1000)
        model.fit(masks, wanted)
        given[:, present] = model.predict_proba(asked) * share[present].sum()
    return given


def _of(probabilities: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Those of what was wanted [asked, questions]."""
    return np.take_along_axis(probabilities, wanted[:, :, None], axis=2)[:, :, 0]
