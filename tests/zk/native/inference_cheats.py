"""Provers of inference that lie about the input or the answer."""

from __future__ import annotations

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.zk.native.key import first_transcript, key_digest
from pyml.zk.native.reference.inference import InferenceProver, PublicInput, monic_evaluation
from pyml.zk.native.reference.proof import NativeProof
from pyml.zk.native.reference.prove import prover_input
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
    refusal = explain_inference(key, Point(*commitment), CONTEXT, evaluation, label, proof)
    return Forged(false, refusal, label, proof)


def answer(board: Board, label: int) -> None:
    """Claim this label, with the margins that it has."""
    board.columns["Y"] = [int(place == label) for place in range(len(board.columns["Y"]))]
    board.columns["c"] = [1]
    board.set_margins(0, board.margins(0))
    board.recount()


def public_features(name: str) -> list[int]:
    """What a cheat calls the input."""
    changed = {"another_input": [FEATURES[0], FEATURES[1] + 1, *FEATURES[2:]], "shorter_input": FEATURES[:2]}
    return changed.get(name, FEATURES)


def another_answer() -> Forged:
    """The next class, with negative margins."""
    board, label = open_board(CASE), (LABEL + 1) % 3
    answer(board, label)
    return prove(board, FEATURES, label)


def unclaimed_answer() -> Forged:
    """The next class with c = 0: no margin to show, and nothing counted."""
    board, label = open_board(CASE), (LABEL + 1) % 3
    board.columns["Y"] = [int(place == label) for place in range(4)]
    board.columns["c"] = [0]
    board.set_margins(0, [0] * 3)
    board.recount()
    return prove(board, FEATURES, label)


def another_input() -> Forged:
    """A feature is one higher in public."""
    board = open_board(CASE)
    answer(board, LABEL)
    return prove(board, public_features("another_input"), LABEL)


def shorter_input() -> Forged:
    """Two features for three: XI_2 one higher and XI_3 = -1, in the place of the bias, have the right evaluation."""
    short, board = public_features("shorter_input"), open_board(CASE)
    board.columns["X"] = [*short, 1, -1]
    board.run_network()
    label = max(range(3), key=board.columns["Z"].__getitem__)
    answer(board, label)
    monic = sum(x * pow(CONTEXT, k, R) for k, x in enumerate([*short, 1, 0]))
    assert monic_evaluation(short, CONTEXT) == monic % R
    return prove(board, short, label)


CHEATS = {"another_answer": (another_answer, "SC-A"), "unclaimed_answer": (unclaimed_answer, "SC-A")} | {
    "another_input": (another_input, "SC-C"),
    "shorter_input": (shorter_input, "SC-C"),
}
"""The forgery, and the sum that is false."""
