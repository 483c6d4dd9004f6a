"""Weights that are no small integers, or that belong to no layer, are refused once, when they are registered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.zk.native.key import first_transcript, weights_key_digest
from pyml.zk.native.layout import WeightsLayout
from pyml.zk.native.masks import draw_masks
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.sumcheck import Outcome
from pyml.zk.native.reference.weights import WeightsProver, valid_places, weight_table
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.verifier import explain_weights
from tests.zk.native.forgeries import Forged
from tests.zk.native.toy_cases import CONTEXT, POWERS, SECRETS, weights_cases

CASE = weights_cases()[0]
LAYOUT = WeightsLayout(CASE.shape)
HALF = 1 << CASE.shape.weight_bits - 1


def prove(weights: list[int], prover: type[WeightsProver] = WeightsProver) -> Forged:
    """What the verifier says about these weights."""
    size = 1 << LAYOUT.n
    commitment = POWERS.commit([weight % R for weight in weights], SECRETS.model_blind)
    polynomials = LAYOUT.stage1.polynomials + 1 + LAYOUT.stage2.polynomials
    masks = draw_masks(SECRETS.seed, LAYOUT.mask_rows, size, polynomials)
    transcript = first_transcript(weights_key_digest(CASE.shape, POWERS.tau_g2), commitment, [CONTEXT])
    run = prover(LAYOUT, [weight % R for weight in weights], SECRETS.model_blind, masks, POWERS, transcript)
    proof = NativeProof(commitment, tuple(run.run().words)).encode()
    false = frozenset(name for name, outcome in run.outcomes.items() if outcome.claim != outcome.value)
    key = VerifyingKey(CASE.shape, (), POWERS.tau_g2)
    return Forged(false, explain_weights(key, Point(*commitment), CONTEXT, proof))


def with_weight(place: int, weight: int) -> list[int]:
    """The network's weights but for one."""
    weights = weight_table(LAYOUT, CASE.network)
    weights[place] = weight
    return weights


def test_weights_at_both_ends_of_the_range_are_accepted() -> None:
    weights = with_weight(valid_places(LAYOUT).index(1), -HALF)
    weights[1] = HALF - 1
    assert valid_places(LAYOUT)[:2] == [1, 1]
    assert prove(weights) == Forged(frozenset(), None)


@pytest.mark.parametrize("weight", [HALF, -HALF - 1, pow(2, -1, R), 1 << 100], ids=["high", "low", "half", "huge"])
def test_a_weight_out_of_range_is_refused(weight: int) -> None:
    assert prove(with_weight(0, weight)) == Forged(frozenset({"SC-A"}), Refusal.INNER_PRODUCTS)


def test_a_weight_outside_its_layer_is_refused() -> None:
    valid = valid_places(LAYOUT)
    outside = [place for place in range(len(valid)) if not valid[place]]
    assert len(outside) > 3
    for place in (outside[0], outside[-1]):  # within a layer's column, beyond its outputs; and beyond its inputs
        assert prove(with_weight(place, 1)) == Forged(frozenset({"SC-A"}), Refusal.INNER_PRODUCTS)


class LiesAboutAnEvaluation(WeightsProver):
    """Sends the evaluation of M that makes the end of SC-A come out."""

    def open_columns(self, names: Sequence[str], outcome: Outcome) -> dict[str, int]:
        opened = super().open_columns(names, outcome)
        lam, square = self.messages.challenges["lambda"], 1
        for place in range(LAYOUT.v - CASE.shape.weight_bits, LAYOUT.v):
            a, b = self.messages.challenges[f"tau_{place}"], outcome.point[place]
            square = square * (1 - a - b + 2 * a * b) % R
        slope = -pow(2, CASE.shape.weight_bits - LAYOUT.v, R) * lam * lam * square  # of M in the summand
        opened["M"] = (opened["M"] + (outcome.claim - outcome.value) * pow(slope, -1, R)) % R
        return opened


def test_an_evaluation_cannot_take_a_lie() -> None:
    forged = prove(with_weight(0, HALF), LiesAboutAnEvaluation)
    assert forged == Forged(frozenset({"SC-A", "SC-C"}), Refusal.INNER_PRODUCTS)
