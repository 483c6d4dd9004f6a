"""Rates are counts with honest bounds, and the report says what happened."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys.evaluation import Rate, evaluate
from pyml.keys.fuzzy_commitment import BchCode
from pyml.ml.embedders.projection import project, sign_matrix
from pyml.ml.embedders.synthetic import synthetic_pictures


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


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    """0 of 159,600: the exact upper bound is 1 - (α/2)^(1/n); 8 of 10 from the published table."""
    low, high = Rate(0, 159_600).bounds()
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 159_600), rel=1e-6)
    assert Rate(10, 10).bounds() == (pytest.approx(0.025**0.1, rel=1e-6), 1.0)
    assert Rate(8, 10).bounds() == (pytest.approx(0.4439, abs=1e-4), pytest.approx(0.9748, abs=1e-4))


def test_a_real_embedder() -> None:
    seen: list[int] = []
    report = evaluate(Thumbnails(), pictures(6), BchCode(127, 64), progress=seen.append)
    assert seen == list(range(1, 7))
    assert len(report.genuine) == 8
    assert {rate.trials for rate in report.genuine.values()} == {6}
    assert report.impostors.trials == 6 * 5
    assert report.all_genuine.trials == 48
    assert report.genuine["jpeg 75"].share > 0.9
    assert report.impostors.accepted <= 3
    assert report.distinct_words == 6
    shown = report.as_dict()
    assert shown["code"] == {"n": 127, "k": 64, "t": 10, "leak_bits": 63}
    assert shown["far"]["low"] <= shown["far"]["share"] <= shown["far"]["high"]


def test_a_blind_embedder_is_shown_to_be_blind() -> None:
    report = evaluate(Blind(), pictures(5))
    assert report.impostors.share == 1
    assert report.all_genuine.share == 1
    assert (report.least_impostor, report.distinct_words) == (0, 1)


def test_nobody_else() -> None:
    with pytest.raises(InputError, match="nobody to confuse anybody with"):
        evaluate(Thumbnails(), pictures(1))
