"""The cheating provers: each breaks one constraint, or lies in one message, and keeps to the rest of the protocol.

Their proofs are in ``tests/vectors/native_forgeries.json`` too, for the verifiers that are not in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.zk.native.masks import Libra
from pyml.zk.native.reference.accuracy import AccuracyProver
from pyml.zk.native.reference.constraints import ConstraintChallenges, LookupChallenges
from pyml.zk.native.reference.sumcheck import Outcome
from pyml.zk.native.refusal import Refusal
from tests.zk.native.forgeries import Board, Forged, Tamper, forge, negative_padding
from tests.zk.native.toy_cases import Case, cases

CASE, DEEP = cases()[:2]
CONSTRAINTS, PRODUCTS, COMBINATION = "SC-A", "SC-B", "SC-C"


def count_one_more(board: Board) -> None:
    """N6."""
    board.count += 1


def count_a_wrong_sample(board: Board) -> None:
    """N4: c = 1 over margins of zero."""
    board.columns["c"][board.wrong_sample] = 1
    board.count += 1


def count_a_tie(board: Board) -> None:
    """N4: margins as if equality sufficed."""
    sample, start = board.right_sample, board.right_sample << board.layout.nc
    board.columns["Z"][start : start + 3] = [1, 1, 1]
    board.set_margins(sample, [0] * 3)
    board.recount()


def count_twice(board: Board) -> None:
    """N5: c = 2 over twice the margins."""
    sample = board.right_sample
    board.columns["c"][sample] = 2
    board.set_margins(sample, [2 * margin for margin in board.margins(sample)])
    board.count += 1
    board.recount()


def negative_margin(board: Board) -> None:
    """N2: the margin of a wrong answer, highest limb below zero."""
    sample = board.wrong_sample
    board.columns["c"][sample] = 1
    board.set_margins(sample, board.margins(sample))
    board.count += 1
    board.recount()


def wrapped_limb(board: Board) -> None:
    """N2, N3: L0 one digit too large, L1 one less: the same number."""
    board.columns["L0_1"][2] += 1 << board.case.shape.limb_bits
    board.columns["L1_1"][2] -= 1
    board.recount()


def wrong_activation(board: Board) -> None:
    """N3: R one higher, with what follows from it."""
    board.columns["R_1"][0] += 1
    board.run_last_layer()


def activation_from_the_limbs(board: Board) -> None:
    """N3: an active neuron that answers 0, looked up as (u, 0, 0), which is a row for limbs: the tag keeps it out."""
    half, bits = 1 << board.case.shape.limb_bits - 1, board.case.shape.limb_bits
    place = next(place for place, high in enumerate(board.columns["L1_1"]) if high > half)
    high = board.columns["L1_1"][place]
    board.columns["R_1"][place] = 0
    board.run_last_layer()
    board.columns["M"][high] += 1
    board.columns["M"][(1 << bits) + high] -= 1


def negative_multiplicity(board: Board) -> None:
    """N2, N3: rows looked up -1 and +2 times too often, so that their number is right."""
    board.columns["M"][3] -= 1
    board.columns["M"][5] += 1


def invent_logits(board: Board) -> None:
    """Z that make every answer right."""
    for sample, label in enumerate(board.case.labels.tolist()):
        board.columns["Z"][(sample << 2) : (sample << 2) + 4] = [int(place == label) * 2 for place in range(4)]
    board.claim_what_is_right()
    board.recount()


def move_the_bias(board: Board) -> None:
    """W_2 with its biases at another input: its first, where nothing should be but a weight."""
    weights = board.columns["W_2"]
    weights[:4], weights[12:16] = weights[12:16], weights[:4]


def other_weights_in_a_layer(board: Board) -> None:
    """Logits by weights that C_W does not hold."""
    board.columns["W_2"][0] += 1


def wrong_pre_activation(board: Board) -> None:
    """N1: h one higher than the product."""
    place = next(place for place, low in enumerate(board.columns["L0_1"]) if low + 8 < 32)
    board.columns["L0_1"][place] += 1 << board.case.shape.limb_bits - board.case.shape.shifts[0]
    board.recount()


def fraction_of_a_step(board: Board) -> None:
    """N1: L0 between two multiples of 2^(B-s)."""
    board.columns["L0_1"][0] += 1
    board.recount()


def claim_padding(board: Board) -> None:
    """Nothing wrong: a row without a label may be claimed, and counts for nothing."""
    row = board.case.shape.samples
    board.columns["c"][row] = 1
    board.set_margins(row, board.margins(row))
    board.recount()


def count_padding(board: Board) -> None:
    """N6: the same, counted."""
    claim_padding(board)
    board.count += 1


def labels_as_features(board: Board) -> None:
    """W_1 reads a seventh feature of five that is the label; the key's X has zeros there."""
    for sample, label in enumerate(board.case.labels.tolist()):
        board.columns["X"][(sample << board.layout.nx) + 6] = label
    board.columns["W_1"][6 << board.layout.nh(1)] = 1
    board.run_network()


def under_the_first_key(board: Board) -> None:
    """Everything is true, of data that the key does not commit to."""
    board.case = CASE


@dataclass(frozen=True, slots=True, repr=False)
class LyingLibra(Libra):
    """A mask whose sum is told smaller than it is."""

    excess: int = 0

    def cube_sum(self) -> int:
        return (Libra.cube_sum(self) - self.excess) % R


class LiesInSumOfMasks(AccuracyProver):
    """Counts one more, and K_A takes the difference: SC-A is true, and K_A is not the sum of p_A."""

    def prove_constraints(self, challenges: ConstraintChallenges) -> tuple[Outcome, dict[str, int]]:
        libra, excess = self.masks.libra_a, pow(challenges.lam, self.layout.hidden + 5, R)
        self.masks = replace(self.masks, libra_a=LyingLibra(libra.constant, libra.rounds, excess))
        return super().prove_constraints(challenges)


class LiesAboutAnEvaluation(AccuracyProver):
    """Counts one more, and sends the GM that makes the end of SC-A come out."""

    def open_columns(self, names: Sequence[str], outcome: Outcome) -> dict[str, int]:
        opened = super().open_columns(names, outcome)
        lam, alpha = self.messages.challenges["lambda"], self.messages.challenges["alpha"]
        layout, v = self.layout, self.layout.v
        size = layout.nq + layout.logits
        product = 1
        for place in range(v - size, v):
            a, b = self.messages.challenges[f"tau_{place}"], outcome.point[place]
            product = product * (1 - a - b + 2 * a * b) % R
        slope = 1 + pow(lam, layout.hidden + 1, R) * product * (alpha + opened["ML"])
        slope = slope * pow(2, size - v, R) % R
        opened["GM"] = (opened["GM"] + (outcome.claim - outcome.value) * pow(slope, -1, R)) % R
        return opened


class LiesInTheTable(AccuracyProver):
    """A limb that is no row of the table, and GT that makes the sum of the lookup come out."""

    def helper_columns(self, lookup: LookupChallenges) -> dict[str, list[int]]:
        helpers = super().helper_columns(lookup)
        excess = sum(map(sum, (column for name, column in helpers.items() if name != "GT"))) - sum(helpers["GT"])
        helpers["GT"][0] = (helpers["GT"][0] + excess) % R
        return helpers


class LeavesOutALookup(AccuracyProver):
    """A limb that is no row of the table, and GM = 0 for it."""

    def helper_columns(self, lookup: LookupChallenges) -> dict[str, list[int]]:
        helpers = super().helper_columns(lookup)
        place = next(place for place, limb in enumerate(self.columns["ML"]) if limb >= 1 << 5)
        helpers["GM"][place] = 0
        return helpers


@dataclass(frozen=True, slots=True)
class Cheat:
    """One forgery: what it is made from, which sums it makes false, and the check that finds it out."""

    name: str
    case: Case
    tamper: Tamper
    false_sums: frozenset[str]
    prover: type[AccuracyProver] = AccuracyProver
    refusal: Refusal = Refusal.INNER_PRODUCTS

    def forge(self) -> Forged:
        """The proof, and what the verifier says."""
        return forge(self.case, self.tamper, self.prover)


def _cheat(tamper: Tamper, *false_sums: str, case: Case = CASE) -> Cheat:
    return Cheat(tamper.__name__, case, tamper, frozenset(false_sums))


def _lie(tamper: Tamper, prover: type[AccuracyProver], *false_sums: str) -> Cheat:
    return Cheat(prover.__name__, CASE, tamper, frozenset(false_sums), prover)


def _other_data() -> list[Cheat]:
    inputs, labels = CASE.inputs.copy(), CASE.labels.copy()
    inputs[1, 1] ^= 1
    labels[1] = (labels[1] + 1) % 3
    changed = {"another_pixel": replace(CASE, inputs=inputs), "another_label": replace(CASE, labels=labels)}
    return [
        Cheat(name, case, under_the_first_key, frozenset(), refusal=Refusal.PAIRING) for name, case in changed.items()
    ]


CHEATS: Final = (
    _cheat(count_one_more, CONSTRAINTS),
    _cheat(count_a_wrong_sample, CONSTRAINTS),
    _cheat(count_a_tie, CONSTRAINTS, PRODUCTS),
    _cheat(count_twice, CONSTRAINTS),
    _cheat(negative_margin, CONSTRAINTS),
    _cheat(wrapped_limb, CONSTRAINTS),
    _cheat(wrong_activation, CONSTRAINTS),
    _cheat(activation_from_the_limbs, CONSTRAINTS),
    _cheat(negative_multiplicity, CONSTRAINTS),
    _cheat(count_padding, CONSTRAINTS, case=negative_padding(CASE)),
    _cheat(invent_logits, PRODUCTS),
    _cheat(move_the_bias, PRODUCTS),
    _cheat(other_weights_in_a_layer, PRODUCTS),
    _cheat(wrong_pre_activation, PRODUCTS),
    _cheat(fraction_of_a_step, PRODUCTS),
    Cheat("labels_as_features", DEEP, labels_as_features, frozenset(), refusal=Refusal.PAIRING),
    *_other_data(),
    _lie(count_one_more, LiesInSumOfMasks, COMBINATION),
    _lie(count_one_more, LiesAboutAnEvaluation, CONSTRAINTS, COMBINATION),
    _lie(negative_margin, LiesInTheTable, CONSTRAINTS),
    _lie(negative_margin, LeavesOutALookup, CONSTRAINTS),
)
