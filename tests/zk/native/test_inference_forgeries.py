"""Inputs, evaluations and labels that a prover of inference might lie about; all are refused."""

from __future__ import annotations

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.zk.native.key import first_transcript, key_digest
from pyml.zk.native.reference.inference import InferenceProver, PublicInput, monic_evaluation
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.prove import prover_input
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.verifier import explain_inference
from tests.zk.native.forgeries import Board, Forged, commit_columns, open_board
from tests.zk.native.toy_cases import CONTEXT, POWERS, SECRETS, inference_cases

CASE = inference_cases()[0]
FEATURES: list[int] = CASE.inputs[0].tolist()
LABEL = int(CASE.labels[0])


def prove(board: Board, features: list[int], label: int) -> Forged:
    """What the verifier says about these columns for these public features and this label."""
    key, evaluation = CASE.key, monic_evaluation(features, CONTEXT)
    commitment = commit_columns(board.layout, board.columns)
    given = prover_input(board.layout, board.columns, 1, SECRETS)
    transcript = first_transcript(key_digest(key), commitment, [CONTEXT, evaluation, label])
    run = InferenceProver(given, POWERS, transcript, public=PublicInput(CONTEXT, evaluation))
    proof = NativeProof(commitment, tuple(run.run().words)).encode()
    false = frozenset(name for name, outcome in run.outcomes.items() if outcome.claim != outcome.value)
    return Forged(false, explain_inference(key, Point(*commitment), CONTEXT, evaluation, label, proof))


def answer(board: Board, label: int) -> None:
    """Claim this label, with the margins that it has."""
    board.columns["Y"] = [int(place == label) for place in range(len(board.columns["Y"]))]
    board.columns["c"] = [1]
    board.set_margins(0, board.margins(0))
    board.recount()


def test_the_honest_answer_is_accepted() -> None:
    board = open_board(CASE)
    answer(board, LABEL)
    assert prove(board, FEATURES, LABEL) == Forged(frozenset(), None)


def test_another_answer_is_refused() -> None:
    for label in range(3):
        if label != LABEL:
            board = open_board(CASE)
            answer(board, label)
            assert prove(board, FEATURES, label) == Forged(frozenset({"SC-A"}), Refusal.INNER_PRODUCTS)


def test_an_answer_that_is_not_claimed_is_refused() -> None:
    """c = 0: no margin to show, and nothing counted."""
    other, board = (LABEL + 1) % 3, open_board(CASE)
    board.columns["Y"] = [int(place == other) for place in range(4)]
    board.columns["c"] = [0]
    board.set_margins(0, [0] * 3)
    board.recount()
    assert prove(board, FEATURES, other) == Forged(frozenset({"SC-A"}), Refusal.INNER_PRODUCTS)


def test_another_input_than_the_public_one_is_refused() -> None:
    board = open_board(CASE)
    answer(board, LABEL)
    changed = [*FEATURES]
    changed[1] += 1
    assert prove(board, changed, LABEL) == Forged(frozenset({"SC-C"}), Refusal.INNER_PRODUCTS)


def test_an_input_of_another_length_is_refused() -> None:
    """Two features for three: XI_2 one higher and XI_3 = -1, in the place of the bias, have the right evaluation."""
    short, board = FEATURES[:2], open_board(CASE)
    board.columns["X"] = [*short, 1, -1]
    board.run_network()
    answer(board, max(range(3), key=board.columns["Z"].__getitem__))
    difference = monic_evaluation(short, CONTEXT) - pow(CONTEXT, 3, R)
    assert (sum(x * pow(CONTEXT, k, R) for k, x in enumerate(board.columns["X"])) - difference) % R == 0
    label = board.columns["Y"].index(1)
    assert prove(board, short, label) == Forged(frozenset({"SC-C"}), Refusal.INNER_PRODUCTS)
