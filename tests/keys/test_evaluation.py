"""Rates are counts with honest bounds, and the report says what happened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys import evaluation
from pyml.keys.domains import IMAGE
from pyml.keys.evaluation import Observations, Rate, distance_histograms, evaluate, evaluate_exact, observe
from pyml.keys.fuzzy_commitment import BchCode, Bits
from pyml.ml.embedders.projection import project, sign_matrix
from pyml.ml.embedders.synthetic import synthetic_pictures

SMALL = BchCode(127, 64)


class Thumbnails:
    """Random projections of tiny pictures: a poor but real embedder."""

    name, digest, dimensions = "thumbnails", bytes(32), 200

    def embed(self, items: Sequence[Image.Image]) -> NDArray[np.int64]:
        tiny = np.stack([np.asarray(item.resize((8, 8), Image.Resampling.BOX)).reshape(-1) for item in items])
        values = tiny.astype(np.int64)
        return project(values, np.full(192, 128, np.int64), sign_matrix(192, 200, b""))


class Blind(Thumbnails):
    """Sees the same in everything."""

    def embed(self, items: Sequence[Image.Image]) -> NDArray[np.int64]:
        return np.tile(super().embed([Image.new("RGB", (64, 64), (9, 99, 199))]), (len(items), 1))


def pictures(count: int) -> list[partial[Image.Image]]:
    return [partial(Image.fromarray, each) for each in synthetic_pictures(count, 64, 5)]


def observations(labels: Sequence[int], *, flips: int = 0, seed: int = 0) -> Observations:
    """Random features of 200 dimensions; things of one label are the same but for ``flips`` of their weakest bits."""
    kinds = np.random.default_rng(seed).integers(100, 1000, (max(labels) + 1, 200))
    kinds *= np.random.default_rng((seed, 1)).choice([-1, 1], kinds.shape)
    values = kinds[list(labels)]
    edited = values.copy()
    edited[:, :flips] *= -1
    return Observations("drawn", ("turned",), values[:, None], edited[:, None], np.array(labels))


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    """0 of 159,600: the exact upper bound is 1 - (α/2)^(1/n); 8 of 10 from the published table."""
    low, high = Rate(0, 159_600).bounds()
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 159_600), rel=1e-6)
    assert Rate(10, 10).bounds() == (pytest.approx(0.025**0.1, rel=1e-6), 1.0)
    assert Rate(8, 10).bounds() == (pytest.approx(0.4439, abs=1e-4), pytest.approx(0.9748, abs=1e-4))


def test_a_real_embedder() -> None:
    seen: list[int] = []
    observed = observe(IMAGE, Thumbnails(), pictures(6), progress=seen.append)
    assert seen == list(range(1, 7))
    report = evaluate(observed, SMALL)
    assert len(report.genuine) == 8
    assert {rate.trials for rate in report.genuine.values()} == {6}
    assert report.impostors.trials == 6 * 5
    assert report.alike is None
    assert report.all_genuine.trials == 48
    assert report.genuine["jpeg 75"].share > 0.9
    assert report.impostors.accepted <= 3
    assert report.entropy.distinct == 6
    shown = report.as_dict()
    assert shown["mode"] == "vault"
    assert shown["code"] == {"n": 127, "k": 64, "t": 10, "leak_bits": 63}
    assert shown["far"]["low"] <= shown["far"]["share"] <= shown["far"]["high"]
    assert report.net_bits == max(0, report.freedom - 63)


def test_paper_mode_asks_for_every_bit() -> None:
    observed = observe(IMAGE, Thumbnails(), pictures(6))
    vault, paper = evaluate(observed, SMALL), evaluate_exact(observed)
    assert paper.all_genuine.share < 0.5 < vault.all_genuine.share
    assert (paper.bits, paper.leak_bits, paper.code) == (200, 0, None)
    assert paper.as_dict()["mode"] == "paper"
    assert paper.net_bits == paper.entropy.min_bits == pytest.approx(np.log2(6))


@pytest.mark.parametrize(("flips", "opens"), [(0, True), (10, True), (11, False)])
def test_a_vault_opens_up_to_t(flips: int, opens: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "reliable_mask", first_places)
    report = evaluate(observations([0, 1, 2], flips=flips), SMALL)
    assert report.genuine["turned"] == Rate(3 if opens else 0, 3)
    exact = evaluate_exact(observations([0, 1, 2], flips=flips))
    assert exact.genuine["turned"] == Rate(0 if flips else 3, 3)


def first_places(views: NDArray[np.int64], size: int) -> Bits:
    return np.array([place < size for place in range(views.shape[1])], np.uint8)


def test_things_that_are_alike_are_counted_apart() -> None:
    report = evaluate_exact(observations([0, 0, 0, 1, 1, 2]))
    assert report.alike == Rate(6 + 2, 6 + 2)
    assert report.impostors == Rate(0, 30 - 8)
    assert report.entropy.counts.tolist() == [3, 2, 1]
    assert evaluate(observations([0, 0, 1]), SMALL).alike == Rate(2, 2)


def test_distances_are_those_counted_one_by_one() -> None:
    draw = np.random.default_rng(3)
    bits, masks = (draw.integers(2, size=(300, 40)).astype(np.uint8) for _ in range(2))  # more than one block
    labels = draw.integers(50, size=300)
    unlike, like = distance_histograms(bits, masks, labels)
    slow_unlike, slow_like = np.zeros(41, np.int64), np.zeros(41, np.int64)
    for a in range(300):
        for b in range(300):
            if a != b:
                counts = slow_like if labels[a] == labels[b] else slow_unlike
                counts[int(((bits[a] != bits[b]) & (masks[a] == 1)).sum())] += 1
    assert np.array_equal(unlike, slow_unlike)
    assert np.array_equal(like, slow_like)


def test_a_blind_embedder_is_shown_to_be_blind() -> None:
    observed = observe(IMAGE, Blind(), pictures(5))
    report = evaluate(observed)
    assert report.impostors.share == 1
    assert report.all_genuine.share == 1
    assert (report.least_impostor, report.entropy.distinct) == (0, 1)
    assert evaluate_exact(observed).net_bits == 0
    assert (report.freedom > 10**9, report.net_bits) == (True, 0)  # the model alone would call it safe


def test_net_security_is_no_more_than_impostors_leave() -> None:
    """Forty things of two kinds, 14 bits apart, nobody like another: every other impostor opens."""
    values = np.tile(observations([0, 1]).views[:1, 0], (40, 1))
    values[20:, np.argsort(-np.abs(values[0]))[:14]] *= -1
    report = evaluate(Observations("two kinds", ("none",), values[:, None], values[:, None], np.arange(40)), SMALL)
    assert report.impostors == Rate(40 * 19, 40 * 39)
    assert report.freedom - report.leak_bits > 5
    assert report.net_bits == pytest.approx(np.log2(39 / 19))


def test_decoding_that_disagrees_with_distance_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def opens_everything(code: BchCode, word: Bits, sketch: Bits) -> Bits:
        return np.zeros(code.k, np.uint8)

    observed = observations([0, 0, 1])
    monkeypatch.setattr(evaluation, "open_sketch", opens_everything)
    with pytest.raises(InputError, match="decoding and distance disagree"):
        evaluate(observed, SMALL)


@pytest.mark.parametrize("labels", [None, [4]])
def test_nobody_else(labels: list[int] | None) -> None:
    with pytest.raises(InputError, match="nobody to confuse anybody with; expected 2 unlike things or more; got 1"):
        observe(IMAGE, Thumbnails(), pictures(1), labels=labels)
    with pytest.raises(InputError, match="nobody to confuse anybody with"):
        observe(IMAGE, Thumbnails(), [])


def test_a_label_for_each() -> None:
    with pytest.raises(InputError, match="nobody to confuse anybody with; expected a label for each"):
        observe(IMAGE, Thumbnails(), pictures(2), labels=[0])


def test_observations_fit_together() -> None:
    good = observations([0, 1])
    with pytest.raises(InputError, match="observations do not fit together"):
        Observations("x", ("a", "b"), good.views, good.edited, good.labels)
