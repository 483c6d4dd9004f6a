"""Weights that are no small integers, or that belong to no layer, are refused once, when they are registered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyml.crypto.bn254 import Point
from pyml.zk.native.reference.weights import valid_places
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.verifier import explain_weights
from tests.zk.native.forgeries import Forged
from tests.zk.native.toy_cases import CONTEXT, POWERS
from tests.zk.native.weights_cheats import CASE, CHEATS, HALF, LAYOUT, forge, outside, prove, with_weight

FORGERIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "native_forgeries.json").read_text(encoding="utf-8")
)["weights"]


def test_weights_at_both_ends_of_the_range_are_accepted() -> None:
    weights = with_weight(0, -HALF)
    weights[1] = HALF - 1
    assert valid_places(LAYOUT)[:2] == [1, 1]
    assert prove(weights) == Forged(frozenset(), None)


def test_there_are_places_outside_the_layers() -> None:
    assert len(outside()) > 3


@pytest.mark.parametrize("name", CHEATS)
def test_a_weight_that_is_none_is_refused(name: str) -> None:
    false_sums = {"SC-A", "SC-C"} if name == "lie_about_an_evaluation" else {"SC-A"}
    assert forge(name) == Forged(frozenset(false_sums), Refusal.INNER_PRODUCTS)


def test_the_forgeries_of_the_vectors_are_these_and_refused() -> None:
    assert [forgery["id"] for forgery in FORGERIES] == list(CHEATS)
    key = VerifyingKey(CASE.shape, (), POWERS.tau_g2)
    for forgery in FORGERIES:
        commitment = Point(*(int(word, 16) for word in forgery["commitment"]))
        proof = bytes.fromhex(forgery["proof"][2:])
        assert explain_weights(key, commitment, CONTEXT, proof) is Refusal.INNER_PRODUCTS
