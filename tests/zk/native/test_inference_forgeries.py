"""Inputs and labels that a prover of inference might lie about; all are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyml.crypto.bn254 import Point
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.verifier import explain_inference
from tests.zk.native.forgeries import Forged, open_board
from tests.zk.native.inference_cheats import CASE, CHEATS, FEATURES, LABEL, answer, prove
from tests.zk.native.toy_cases import CONTEXT

FORGERIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "native_forgeries.json").read_text(encoding="utf-8")
)["inference"]


def test_the_honest_answer_is_accepted() -> None:
    board = open_board(CASE)
    answer(board, LABEL)
    assert prove(board, FEATURES, LABEL) == Forged(frozenset(), None)


@pytest.mark.parametrize("name", CHEATS)
def test_a_lie_about_an_inference_is_refused(name: str) -> None:
    cheat, false_sum = CHEATS[name]
    assert cheat() == Forged(frozenset({false_sum}), Refusal.INNER_PRODUCTS)


def test_the_forgeries_of_the_vectors_are_these_and_refused() -> None:
    assert [forgery["id"] for forgery in FORGERIES] == list(CHEATS)
    for forgery in FORGERIES:
        commitment = Point(*(int(word, 16) for word in forgery["commitment"]))
        evaluation, proof = int(forgery["evaluation"], 16), bytes.fromhex(forgery["proof"][2:])
        refusal = explain_inference(CASE.key, commitment, CONTEXT, evaluation, forgery["label"], proof)
        assert refusal is Refusal.INNER_PRODUCTS
