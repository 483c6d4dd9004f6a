"""How well keys tell things apart: acceptance of an enrolled thing after edits, of things like it, and of all others.

Two modes over the same features. ``evaluate`` is vault mode: mask, fuzzy commitment, BCH decoding of every genuine
trial. ``evaluate_exact`` is paper mode: a key comes back only if every bit of the code does.

Rates are counts with exact (Clopper and Pearson, 1934) bounds; no rate is extrapolated from a model of distances: a
binomial one predicted 2^-27 where 2^-12.4 was measured (specification, section 4). Bounds take trials as independent,
which pairs of a few hundred things are not quite. An impostor is accepted exactly if his word is within t places, which
is decoded for a sample of those that are and of all; a difference between the two is an error, not a rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.keys.domains import Domain
from pyml.keys.entropy import CodeEntropy, code_entropy, degrees_of_freedom
from pyml.keys.fuzzy_commitment import BchCode, Bits, commit, open_sketch
from pyml.keys.mask import feature_bits, masked, reliable_mask
from pyml.ml.embedders.protocol import Embedder

CONFIDENCE = 0.95
SAMPLED_IMPOSTORS = 500
"""Impostors that are decoded: so many of those within t places, and so many of all."""
_BLOCK = 256
Item = TypeVar("Item")


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


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """What an embedder saw of some things: features of each and its views, and of each after every edit.

    ``views`` [things, views, dimensions], the thing itself first; ``edited`` [things, edits, dimensions]; ``labels``
    [things], equal for things that are alike without being the same.
    """

    embedder: str
    edits: tuple[str, ...]
    views: NDArray[np.int64]
    edited: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        count, dimensions = len(self.views), self.views.shape[-1]
        if self.edited.shape != (count, len(self.edits), dimensions) or self.labels.shape != (count,):
            raise InputError("observations do not fit together", got=(self.views.shape, self.edited.shape))
        if len(np.unique(self.labels)) < 2:
            raise InputError("nobody to confuse anybody with", expected="2 unlike things or more", got=count)

    @property
    def bits(self) -> Bits:
        """The whole code of each thing [things, dimensions]."""
        return feature_bits(self.views[:, 0])

    @property
    def edited_bits(self) -> Bits:
        """[things, edits, dimensions]."""
        return feature_bits(self.edited)

    def masks(self, size: int) -> Bits:
        """[things, dimensions]: the bits that enrolment would keep of each."""
        return np.stack([reliable_mask(each, size) for each in self.views])


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured of one embedder, in one mode, on one set of things."""

    embedder: str
    code: BchCode | None
    """``None``: paper mode, where the whole code must be the same."""
    bits: int
    """Length of a word."""
    things: int
    genuine: Mapping[str, Rate]
    """By edit."""
    alike: Rate | None
    """Other things under the same label; ``None`` where there are none."""
    impostors: Rate
    least_impostor: int
    """Places in which the nearest impostor differed."""
    entropy: CodeEntropy
    """Of the words."""
    freedom: float
    """Daugman's degrees of freedom of the impostors' distances."""

    @property
    def all_genuine(self) -> Rate:
        rates = self.genuine.values()
        return Rate(sum(rate.accepted for rate in rates), sum(rate.trials for rate in rates))

    @property
    def leak_bits(self) -> int:
        """What the sketch tells of a word, at most; in vault mode to whoever has the password."""
        return 0 if self.code is None else self.code.leak

    @property
    def net_bits(self) -> float:
        """What is left of the thing itself, for whoever has the password.

        Paper mode: the codes' measured min-entropy. Vault mode: degrees of freedom less the leak of the sketch (average
        min-entropy falls by no more: Dodis, Ostrovsky, Reyzin and Smith, SIAM J. Comput. 38, 2008, lemma 2.2), a
        model's figure, and never more than measured impostors leave: -log2 of the share of them that was accepted.
        ``attacks.mask`` tells what a list of candidates does to it.
        """
        if self.code is None:
            return self.entropy.min_bits
        by_impostors = -math.log2(self.impostors.share) if self.impostors.accepted else math.inf
        return max(0.0, min(self.freedom - self.leak_bits, by_impostors))

    def as_dict(self) -> dict[str, Any]:
        code = self.code
        described = None if code is None else {"n": code.n, "k": code.k, "t": code.t, "leak_bits": code.leak}
        return {
            "embedder": self.embedder,
            "mode": "paper" if code is None else "vault",
            "code": described,
            "bits": self.bits,
            "things": self.things,
            "confidence": CONFIDENCE,
            "tar": self.all_genuine.as_dict(),
            "tar_by_edit": {name: rate.as_dict() for name, rate in self.genuine.items()},
            "alike": None if self.alike is None else self.alike.as_dict(),
            "far": self.impostors.as_dict(),
            "nearest_impostor_differs_in": self.least_impostor,
            "distinct_words": self.entropy.distinct,
            "entropy": self.entropy.as_dict(),
            "degrees_of_freedom": self.freedom,
            "net_bits": self.net_bits,
        }


def observe(
    domain: Domain[Item],
    embedder: Embedder[Item],
    things: Sequence[Callable[[], Item]],
    *,
    labels: Sequence[int] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Observations:
    """Look at every thing, its views and its edits; without ``labels`` no two are alike.

    ``things`` are called one at a time, so that memory stays bounded; ``InputError`` for fewer than two unlike ones.
    """
    if not things or (labels is not None and len(labels) != len(things)):
        raise InputError("nobody to confuse anybody with", expected="a label for each of 2 or more", got=len(things))
    views: list[NDArray[np.int64]] = []
    edited: list[NDArray[np.int64]] = []
    for done, load in enumerate(things):
        thing = load()
        views.append(embedder.embed(domain.views(thing)))
        edited.append(embedder.embed([edit(thing) for edit in domain.edits.values()]))
        if progress is not None:
            progress(done + 1)
    marks = np.arange(len(things)) if labels is None else np.asarray(labels, np.int64)
    return Observations(embedder.name, tuple(domain.edits), np.stack(views), np.stack(edited), marks)


def evaluate(observed: Observations, code: BchCode | None = None) -> Report:
    """Vault mode: enrol everything, show each its edits, and show everybody all the others."""
    code = BchCode() if code is None else code
    bits, masks = observed.bits, observed.masks(code.n)
    accepted = dict.fromkeys(observed.edits, 0)
    for own, mask, seen in zip(bits, masks, observed.edited_bits, strict=True):
        message, sketch = commit(code, masked(own, mask))
        for name, each in zip(observed.edits, seen, strict=True):
            accepted[name] += _opens(code, masked(each, mask), sketch, message)
    _require_agreement(code, bits, masks, observed.labels)
    words = np.stack([masked(own, mask) for own, mask in zip(bits, masks, strict=True)])
    return _report(observed, code, masks, words, accepted)


def evaluate_exact(observed: Observations) -> Report:
    """Paper mode: the whole code is the key."""
    bits = observed.bits
    same = (observed.edited_bits == bits[:, None]).all(axis=2).sum(axis=0)
    accepted = {name: int(count) for name, count in zip(observed.edits, same, strict=True)}
    return _report(observed, None, np.ones_like(bits), bits, accepted)


def distance_histograms(bits: Bits, masks: Bits, labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """How many ordered pairs differ in 0, 1, 2, … places of the first's mask: unlike pairs, then like ones."""
    size = bits.shape[1] + 1
    unlike, like = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for first, distances in _distances(bits, masks):
        same = labels[first : first + len(distances), None] == labels
        unlike += np.bincount(distances[~same], minlength=size)
        like += np.bincount(distances[same], minlength=size)
    like[0] -= len(bits)  # nobody is an other of himself
    return unlike, like


def _report(
    observed: Observations, code: BchCode | None, masks: Bits, words: Bits, accepted: Mapping[str, int]
) -> Report:
    unlike, like = distance_histograms(observed.bits, masks, observed.labels)
    reach = 1 + (0 if code is None else code.t)
    return Report(
        embedder=observed.embedder,
        code=code,
        bits=words.shape[1],
        things=len(words),
        genuine={name: Rate(count, len(words)) for name, count in accepted.items()},
        alike=Rate(int(like[:reach].sum()), int(like.sum())) if like.any() else None,
        impostors=Rate(int(unlike[:reach].sum()), int(unlike.sum())),
        least_impostor=int(np.flatnonzero(unlike)[0]),
        entropy=code_entropy(words),
        freedom=degrees_of_freedom(unlike, words.shape[1]),
    )


def _distances(bits: Bits, masks: Bits) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Blocks [owners, others] of masked distances, with each block's first owner."""
    everyone = bits.astype(np.float32)  # sums of a few hundred zeros and ones: exact
    for first in range(0, len(bits), _BLOCK):
        own, mask = everyone[first : first + _BLOCK], masks[first : first + _BLOCK].astype(np.float32)
        ones = (own * mask).sum(axis=1, keepdims=True)
        yield first, (ones + (mask * (1 - 2 * own)) @ everyone.T).astype(np.int64)


def _require_agreement(code: BchCode, bits: Bits, masks: Bits, labels: NDArray[np.int64]) -> None:
    """Decoding accepts exactly who is within t places, on a sample of impostors."""
    draw = np.random.default_rng(0)
    near: list[tuple[int, int]] = []
    for first, distances in _distances(bits, masks):
        unlike = labels[first : first + len(distances), None] != labels
        near += [(first + int(owner), int(other)) for owner, other in np.argwhere(unlike & (distances <= code.t))]
    chosen: list[int] = draw.permutation(len(near))[:SAMPLED_IMPOSTORS].tolist()
    count = min(SAMPLED_IMPOSTORS, len(bits) ** 2)
    drawn: list[tuple[int, int]] = draw.integers(len(bits), size=(count, 2)).tolist()
    for owner, other in sorted({*(near[index] for index in chosen), *map(tuple, drawn)}):
        word, shown = masked(bits[owner], masks[owner]), masked(bits[other], masks[owner])
        message, sketch = commit(code, word)
        if _opens(code, shown, sketch, message) != (int((word != shown).sum()) <= code.t):
            raise InputError("decoding and distance disagree", got=(owner, other))


def _opens(code: BchCode, word: Bits, sketch: Bits, message: Bits) -> bool:
    opened = open_sketch(code, word, sketch)
    return opened is not None and np.array_equal(opened, message)
