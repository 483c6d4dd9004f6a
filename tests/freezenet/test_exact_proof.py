"""What the exact verifier is shown: all of it, in order, in pieces that fit into transactions, under both roots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.crypto.merkle import root_of
from pyml.freezenet import exact_proof
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.exact_proof import ExactProof, free_before
from pyml.freezenet.registries import Progress, Verdict
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import content_of
from pyml.freezenet.trainable import TrainableNetwork, architecture, plan
from pyml.ml.shapes import LayerShape
from tests.freezenet.round_views import MINER
from tests.freezenet.test_solution import SEED, marked

PLANS = plan([LayerShape(40, 11), LayerShape(11, 9), LayerShape(9, 4)])
TASK = Architecture(architecture(PLANS), 410_000)
NETWORK = marked(TrainableNetwork(PLANS, seed=2).integer_network(), TASK)
CONTENT = content_of(NETWORK, TASK, SEED)
SAMPLES = SampleSet.salted(np.arange(280, dtype=np.int16).reshape(7, 40).astype(np.int8), np.arange(7) % 4)
PROOF = ExactProof(4, 2, MINER, TASK, CONTENT, SAMPLES)
START = Progress(0, 0, 0, numbered=False, verdict=Verdict.UNDECIDED)


def test_numbers_then_weights_then_samples_then_nothing() -> None:
    numbers = PROOF.next_call(START)
    assert numbers is not None
    assert (numbers.contract, numbers.function, numbers.value_wei) == ("exact", "placeNumbers", 0)
    assert numbers.arguments[:4] == (4, 2, MINER, [*TASK.layers])
    place = PROOF.next_call(replace(START, numbered=True))
    assert place is not None
    assert place.function == "place"
    answer = PROOF.next_call(replace(START, numbered=True, placed=TASK.kernel_size))
    assert answer is not None
    assert answer.function == "answer"
    assert PROOF.next_call(replace(START, numbered=True, placed=TASK.kernel_size, answered=7)) is None


@pytest.mark.parametrize("verdict", [Verdict.ACCEPTED, Verdict.REJECTED])
def test_nothing_is_paid_for_behind_a_verdict(verdict: Verdict) -> None:
    assert PROOF.next_call(replace(START, verdict=verdict)) is None


@given(st.integers(1, 600))
def test_parts_cover_all_weights_and_lie_under_the_root(most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_proof, "_PLACE_GAS", 1)
        patch.setattr(exact_proof, "_GAS", most)
        placed = 0
        while placed < TASK.kernel_size:
            first, count, words, path = PROOF.part(placed)
            assert first == placed
            assert 1 <= count <= most
            if words:
                leaf = free_before(TASK, first) // 32
                leaves = [word.to_bytes(32, "big") for word in words]
                total = -(-TASK.free_count // 32)
                assert root_of(leaves, first=leaf, count=total, path=path) == CONTENT.solution().free_root
            placed += count
        assert placed == TASK.kernel_size


@given(st.integers(1, 8))
def test_batches_cover_all_samples_and_lie_under_the_root(most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_proof, "_GAS", most * (80 * TASK.products + 60_000))
        answered = 0
        while answered < len(SAMPLES):
            first, leaves, path = PROOF.batch(answered)
            assert first == answered
            assert 1 <= len(leaves) <= most
            assert root_of(leaves, first=first, count=len(SAMPLES), path=path) == SAMPLES.tree.root
            answered += len(leaves)


@given(st.integers(0, TASK.kernel_size))
def test_free_weights_before_an_index(index: int) -> None:
    flags = [place >= stratum.length for stratum in TASK.strata for place in range(stratum.size)]
    assert free_before(TASK, index) == sum(flags[:index])
