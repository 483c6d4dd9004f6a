"""Every constraint of ``circuits/native_accuracy/SPEC.md`` broken once, by a prover that keeps to the rest.

``false_sums`` tells where the lie lies; the verifier, which knows nothing of it, must refuse the proof.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyml.crypto.bn254 import Point
from pyml.zk.native.verifier import explain
from tests.zk.native.cheats import CASE, CHEATS, DEEP, Cheat, claim_padding
from tests.zk.native.forgeries import Board, Forged, forge, negative_padding
from tests.zk.native.toy_cases import CONTEXT, cases

HONEST = Forged(frozenset(), None)
FORGERIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "native_forgeries.json").read_text(encoding="utf-8")
)["accuracy"]


def leave_alone(board: Board) -> None:
    """The honest witness."""


def claim_less(board: Board) -> None:
    """Nothing wrong: a right answer is not claimed."""
    sample = board.right_sample
    board.columns["c"][sample] = 0
    board.set_margins(sample, [0] * 3)
    board.count -= 1
    board.recount()


def weights_of_no_feature(board: Board) -> None:
    """Nothing wrong: W_1 reads a seventh feature of five, which is 0."""
    before = board.count
    board.columns["W_1"][6 << board.layout.nh(1)] = 1
    board.run_network()
    assert board.count == before


def test_an_untouched_witness_is_accepted() -> None:
    assert forge(CASE, leave_alone) == HONEST


def test_claiming_less_than_the_truth_is_accepted() -> None:
    assert forge(CASE, claim_less) == HONEST


def test_a_padding_row_may_be_claimed_and_counts_for_nothing() -> None:
    assert forge(negative_padding(CASE), claim_padding) == HONEST


def test_weights_of_features_that_do_not_exist_are_useless() -> None:
    assert DEEP.shape.widths[0] == 5
    assert forge(DEEP, weights_of_no_feature) == HONEST


@pytest.mark.parametrize("cheat", CHEATS, ids=lambda cheat: cheat.name)
def test_a_cheating_prover_is_refused(cheat: Cheat) -> None:
    assert cheat.forge() == Forged(cheat.false_sums, cheat.refusal)


def test_the_forgeries_of_the_vectors_are_these_and_refused() -> None:
    assert [forgery["id"] for forgery in FORGERIES] == [cheat.name for cheat in CHEATS]
    keys = [case.key for case in cases()[:2]]
    for cheat, forgery in zip(CHEATS, FORGERIES, strict=True):
        commitment = Point(*(int(word, 16) for word in forgery["commitment"]))
        proof = bytes.fromhex(forgery["proof"][2:])
        assert explain(keys[int(forgery["circuit"])], commitment, CONTEXT, forgery["count"], proof) is cheat.refusal
