"""Provers that hide weights which are no small integers, or which belong to no layer."""

from __future__ import annotations

from collections.abc import Sequence

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.zk.native.key import first_transcript, weights_key_digest
from pyml.zk.native.layout import WeightsLayout
from pyml.zk.native.masks import draw_masks
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.sumcheck import Outcome
from pyml.zk.native.reference.weights import WeightsProver, valid_places, weight_table
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
    return Forged(false, explain_weights(key, Point(*commitment), CONTEXT, proof), proof=proof)


def with_weight(place: int, weight: int) -> list[int]:
    """The network's weights but for one."""
    weights = weight_table(LAYOUT, CASE.network)
    weights[place] = weight
    return weights


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


def outside() -> list[int]:
    """Places of W that belong to no layer."""
    return [place for place, valid in enumerate(valid_places(LAYOUT)) if not valid]


CHEATS = {
    "too_high": (HALF, 0, WeightsProver),
    "too_low": (-HALF - 1, 0, WeightsProver),
    "half": (pow(2, -1, R), 0, WeightsProver),
    "huge": (1 << 100, 0, WeightsProver),
    "beyond_outputs": (1, outside()[0], WeightsProver),
    "beyond_inputs": (1, outside()[-1], WeightsProver),
    "lie_about_an_evaluation": (HALF, 0, LiesAboutAnEvaluation),
}
"""A weight, its place, and the prover that hides it."""


def forge(name: str) -> Forged:
    """One of the cheats."""
    weight, place, prover = CHEATS[name]
    return prove(with_weight(place, weight), prover)
