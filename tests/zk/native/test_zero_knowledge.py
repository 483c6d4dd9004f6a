"""Zero knowledge by rank: the masks reach every transcript that the verifier's equations allow, and just these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pyml.zk.native.layout import Layout, WeightsLayout
from pyml.zk.native.masks import Masks, draw_masks
from pyml.zk.native.reference.accuracy import AccuracyProver
from pyml.zk.native.reference.inference import InferenceProver, PublicInput
from pyml.zk.native.reference.prove import prover_input
from pyml.zk.native.reference.weights import WeightsProver, weight_table
from pyml.zk.native.shape import Shape
from pyml.zk.native.witness import build_witness
from tests.zk.native.mask_rank import FixedChallenges, Run, mask_rank
from tests.zk.native.toy_cases import SECRETS, Case, cases, inference_cases, make_case, weights_cases
from tests.zk.native.toy_powers import ExponentPowers

POWERS = ExponentPowers(tau=0x7A0_0000_0000_0000_0000_0001, h=0xBEEF_0000_0000_0000_0001)
OPENING = 15 - 5
"""Eight points and seven scalars; [q], [π], [Ω], [Ω'] and one scalar follow from the others."""
HINTS = 2


def accuracy_run(case: Case) -> tuple[Run, Masks]:
    """The prover of accuracy, or of inference with an input whose evaluation is the public one."""
    layout = Layout(case.shape)
    witness = build_witness(layout, case.network, case.inputs, case.labels)
    given = prover_input(layout, witness.columns, witness.count, SECRETS)

    def run(masks: Masks) -> Sequence[int]:
        start, moved = FixedChallenges(seed=2), replace(given, masks=masks)
        if case.shape.data_in_witness:
            prover = InferenceProver(moved, POWERS, start, public=PublicInput(5, 7))
        else:
            prover = AccuracyProver(moved, POWERS, start)
        return prover.run().words[:-HINTS]

    return run, given.masks


def weights_run(case: Case) -> tuple[Run, Masks]:
    """The prover of small weights."""
    layout = WeightsLayout(case.shape)
    polynomials = layout.stage1.polynomials + 1 + layout.stage2.polynomials
    drawn = draw_masks(SECRETS.seed, layout.mask_rows, 1 << layout.n, polynomials)

    def run(masks: Masks) -> Sequence[int]:
        table = weight_table(layout, case.network)
        prover = WeightsProver(layout, table, SECRETS.model_blind, masks, POWERS, FixedChallenges(seed=2))
        return prover.run().words[:-HINTS]

    return run, drawn


def free_messages(layout: Layout | WeightsLayout) -> int:
    """Secret scalars that are sent and that no equation of the verifier gives from the others."""
    rows = layout.mask_rows
    points = layout.stage1.polynomials + 1 + layout.stage2.polynomials
    main = 1 + sum(rows.degrees_a) + rows.masks_a  # K_A, rounds without c_1, message 5
    products = (1 + sum(rows.degrees_b) + rows.masks_b) if rows.degrees_b else 0  # K_B, rounds, message 8
    return points + main + products + 2 + 2 * layout.n + 1 + OPENING  # K_S, K_T, SC-C, b_F


SMALL, *OTHERS = cases()
SMALLEST = [
    make_case("one neuron", "columns of one entry", Shape(1, (1, 1, 2), (0,), (1, 1), 4, 1, 8, 2), seed=1, input_max=1),
    make_case("one weight", "SC-B of one round", Shape(1, (1, 2), (), (1,), 3, 1, 8, 2), seed=1, input_max=1),
    make_case(
        "a chain", "three neurons", Shape(2, (1, 1, 1, 1, 2), (0,) * 3, (1,) * 4, 5, 1, 9, 2), seed=1, input_max=1
    ),
]
LARGER, SMALLER = weights_cases()


@pytest.mark.parametrize(
    "case",
    [
        SMALL,
        *(pytest.param(case, marks=pytest.mark.long) for case in [*OTHERS, *SMALLEST, *inference_cases()]),
    ],
    ids=lambda case: case.name,
)
def test_the_masks_reach_every_transcript_of_accuracy_and_inference(case: Case) -> None:
    run, masks = accuracy_run(case)
    free = free_messages(Layout(case.shape))
    assert mask_rank(run, masks, directions=free) == free


@pytest.mark.parametrize("case", [pytest.param(LARGER, marks=pytest.mark.long), SMALLER], ids=lambda case: case.name)
def test_the_masks_reach_every_transcript_of_weights(case: Case) -> None:
    run, masks = weights_run(case)
    free = free_messages(WeightsLayout(case.shape))
    assert mask_rank(run, masks, directions=free) == free


def test_without_the_spare_row_the_rank_shows_a_leak() -> None:
    run, masks = weights_run(SMALLER)
    free = free_messages(WeightsLayout(SMALLER.shape))
    without = replace(masks, spares=(0,) * len(masks.spares))
    assert mask_rank(run, without, directions=free) < free - 1  # K_T is 0, and something else shows


def test_without_the_cover_the_rank_shows_a_leak() -> None:
    run, masks = weights_run(SMALLER)
    free = free_messages(WeightsLayout(SMALLER.shape))
    without = replace(masks, cover=(0,) * len(masks.cover))
    assert mask_rank(run, without, directions=free) < free - 1
