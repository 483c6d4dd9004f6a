"""The independent verifier accepts the reference prover's proofs and nothing else that was tried.

Three kinds of forger: one that changes bytes (``MUTATIONS`` ways, 100,000 times with ``--long``), one that mends the
hints after every change, and one that mends the hints and the inner products, whom only the pairing can refuse.
"""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import pytest

from pyml.crypto.bn254 import FELT_BYTES, FIELD_MODULUS, Point
from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254_group import multiply_g1
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.verifier import proof_length, verify, verify_inference, verify_weights, weights_proof_length
from tests.zk.native.proof_mutations import mutated
from tests.zk.native.proved_cases import Proved, proved_cases, smallest

CASES = proved_cases()
ACCURACY = [case for case in CASES if case.kind == "accuracy"]
INFERENCE = [case for case in CASES if case.kind == "inference"]
WEIGHTS = [case for case in CASES if case.kind == "weights"]
RUNS, LONG_RUNS = 1_000, 100_000
HINTED = {Refusal.HINT_INVERSE_Z, Refusal.HINT_DIFFERENCES}


def named(cases: list[Proved]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[f"{case.kind}: {case.name}" for case in cases])


@named(list(CASES))
def test_proofs_of_the_reference_prover_are_accepted(case: Proved) -> None:
    assert case.refusal is None


def test_weights_are_proved_for_their_context() -> None:
    case = WEIGHTS[-1]
    assert verify_weights(case.key, case.commitment, case.context, case.proof)
    assert not verify_weights(case.key, case.commitment, case.context ^ 1, case.proof)
    wider = replace(case.key, shape=replace(case.key.shape, weight_bits=case.key.shape.weight_bits + 1))
    assert not verify_weights(wider, case.commitment, case.context, case.proof)


def test_lengths_are_those_of_the_proofs() -> None:
    for case in CASES:
        length = weights_proof_length if case.kind == "weights" else proof_length
        assert length(case.key.shape) == len(case.proof)
        assert FELT_BYTES * (case.starts[-1] + 2) == len(case.proof)


def accepted_mutations(case: Proved, runs: int, seed: int) -> list[bytes]:
    rng, accepted = random.Random(seed), list[bytes]()
    for _ in range(runs):
        changed = mutated(case.proof, rng)
        assert changed != case.proof
        if replace(case, proof=changed).refusal is None:
            accepted.append(changed)
    return accepted


def test_mutated_proofs_are_refused() -> None:
    assert accepted_mutations(smallest(), RUNS, seed=8) == []


@pytest.mark.long
def test_a_hundred_thousand_mutated_proofs_are_refused() -> None:
    share = -(-LONG_RUNS // len(CASES))
    with ProcessPoolExecutor() as pool:
        for accepted in pool.map(accepted_mutations, CASES, [share] * len(CASES), range(len(CASES))):
            assert accepted == []


@named([smallest(), INFERENCE[0], WEIGHTS[-1]])
def test_every_word_counts(case: Proved) -> None:
    for place, number in enumerate(case.words):
        for changed in (number ^ 1, 0, (number + R) % 2**256):
            words = case.words
            words[place] = changed
            assert case.with_words(words).refusal is not None, place


@named([smallest(), INFERENCE[0], WEIGHTS[-1]])
def test_points_are_finite_and_on_the_curve(case: Proved) -> None:
    points = [word for word in range(case.starts[-1]) if _is_coordinate(case, word)][::2]
    for at in points:
        x, y = case.words[at : at + 2]
        for bad in ((0, 0), (x, y + 1), (x + FIELD_MODULUS, y), (x, y + FIELD_MODULUS)):
            words = case.words
            words[at : at + 2] = bad
            assert case.with_words(words).refusal is Refusal.POINT


def test_scalars_are_reduced() -> None:
    case = smallest()
    points = {0, 1}
    for place in (2, 3, 10, len(case.sizes) - 7, len(case.sizes) - 3):
        words, at = case.words, case.starts[place]
        assert at not in points
        words[at] += R
        assert case.with_words(words).refusal is Refusal.SCALAR
    for hint in (-2, -1):
        words = case.words
        words[hint] += R
        assert case.with_words(words).refusal is Refusal.SCALAR


def test_hints_are_checked() -> None:
    case = smallest()
    assert case.with_hints().proof == case.proof
    for hint, refusal in ((-2, Refusal.HINT_INVERSE_Z), (-1, Refusal.HINT_DIFFERENCES)):
        for forged in (0, 1, case.words[hint] ^ 1):
            words = case.words
            words[hint] = forged
            assert case.with_words(words).refusal is refusal


@named([smallest(), INFERENCE[0], WEIGHTS[-1]])
def test_a_forger_who_mends_the_hints_fails_at_the_inner_products(case: Proved) -> None:
    last_scalar = case.starts[-4] + 7
    for place in range(2, last_scalar):
        if _is_coordinate(case, place):
            continue
        words = case.words
        words[place] = (words[place] + 1) % R
        assert case.with_words(words).with_hints().refusal is Refusal.INNER_PRODUCTS, place


@named([smallest(), INFERENCE[0], WEIGHTS[-1]])
def test_a_forger_who_mends_the_inner_products_fails_at_the_pairing(case: Proved) -> None:
    assert case.with_inner_products().proof == case.proof
    rng = random.Random(4)
    few = 3 if case.kind == "accuracy" else 1
    for message in rng.sample(range(len(case.sizes)), few):
        words, at = case.words, case.starts[message]
        if _is_coordinate(case, at):
            point = multiply_g1(Point(words[at], words[at + 1]), 2)
            assert point is not None
            words[at : at + 2] = point.x, point.y
        else:
            words[at] = (words[at] + 1) % R
        assert case.with_words(words).with_inner_products().refusal is Refusal.PAIRING, message


def _is_coordinate(case: Proved, word: int) -> bool:
    if word < 2:  # C_W
        return True
    message = max(place for place, start in enumerate(case.starts) if start <= word)
    return message < 2 or message - len(case.sizes) in {-6, -5, -4, -2, -1}


@named(ACCURACY)
def test_no_other_count(case: Proved) -> None:
    (count,) = case.public
    for other in {count + 1, count - 1, 0, case.key.shape.samples} - {count}:
        expected = HINTED if 0 <= other <= case.key.shape.samples else {Refusal.STATEMENT}
        assert replace(case, public=(other,)).refusal in expected
    assert replace(case, public=(count + R,)).refusal is Refusal.STATEMENT
    assert not verify(case.key, case.commitment, case.context, count + 2**256, case.proof)


def test_another_count_fails_at_the_pairing_of_the_best_forger() -> None:
    case = smallest()
    (count,) = case.public
    assert replace(case, public=(count - 1,)).with_inner_products().refusal is Refusal.PAIRING


@named(INFERENCE)
def test_no_other_label_or_input(case: Proved) -> None:
    evaluation, label = case.public
    classes = case.key.shape.widths[-1]
    for other in range(classes):
        assert (replace(case, public=(evaluation, other)).refusal is None) == (other == label)
    for outside in (classes, classes + R, -1):
        assert replace(case, public=(evaluation, outside)).refusal is Refusal.STATEMENT
    assert replace(case, public=(evaluation + R, label)).refusal is Refusal.STATEMENT
    assert replace(case, public=((evaluation + 1) % R, label)).refusal in HINTED
    assert not verify_inference(case.key, case.commitment, case.context, evaluation ^ 1, label, case.proof)


@named([smallest(), INFERENCE[0], WEIGHTS[-1]])
def test_no_other_context_or_commitment(case: Proved) -> None:
    assert replace(case, context=case.context ^ 1).refusal in HINTED
    assert replace(case, context=case.context + R).refusal is Refusal.STATEMENT
    assert replace(case, context=-1).refusal is Refusal.STATEMENT
    other = multiply_g1(case.commitment, 2)
    assert other is not None
    assert replace(case, commitment=other).refusal is Refusal.COMMITMENT
    moved = replace(case, commitment=other, proof=other.encode() + case.proof[64:])
    assert moved.refusal in HINTED
    assert moved.with_hints().refusal is Refusal.INNER_PRODUCTS


def test_proofs_are_no_proofs_of_other_statements() -> None:
    for case in CASES:
        for other in CASES:
            if case is not other:
                assert replace(case, proof=other.proof).refusal is not None
                assert replace(case, proof=other.proof, commitment=other.commitment).refusal is not None
