"""The core's verifier answers as the independent one does: on proofs, on forgeries, on mutated bytes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyml.crypto.bn254 import SCALAR_MODULUS as R
from pyml.crypto.bn254 import Point
from pyml.errors import CircuitError
from pyml.zk.native.compiled_verifier import explain, explain_inference, explain_weights
from pyml.zk.native.core import Core
from pyml.zk.native.refusal import Refusal
from pyml.zk.native.shape import VerifyingKey
from tests.zk.native.inference_cheats import CASE as INFERENCE_CASE
from tests.zk.native.proof_mutations import mutated
from tests.zk.native.proved_cases import Proved, proved_cases, smallest
from tests.zk.native.toy_cases import CONTEXT, POWERS, cases
from tests.zk.native.weights_cheats import CASE as WEIGHTS_CASE

CASES = proved_cases()
FORGERIES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "native_forgeries.json").read_text(encoding="utf-8")
)
RUNS, LONG_RUNS = 400, 100_000

pytestmark = pytest.mark.usefixtures("core")

named = pytest.mark.parametrize("case", CASES, ids=[f"{case.kind}: {case.name}" for case in CASES])


def answer(case: Proved) -> Refusal | None:
    if case.kind == "accuracy":
        return explain(case.key, case.commitment, case.context, case.public[0], case.proof)
    if case.kind == "inference":
        evaluation, label = case.public
        return explain_inference(case.key, case.commitment, case.context, evaluation, label, case.proof)
    return explain_weights(case.key, case.commitment, case.context, case.proof)


@named
def test_proofs_are_accepted(case: Proved) -> None:
    assert answer(case) is None


def test_every_path_accepts(any_path: Core) -> None:
    assert any_path.path()
    assert answer(smallest()) is None


@pytest.mark.parametrize("forgery", FORGERIES["accuracy"], ids=lambda forgery: forgery["id"])
def test_a_cheating_prover_is_refused(forgery: dict[str, Any]) -> None:
    key = cases()[int(forgery["circuit"])].key
    case = forged("accuracy", key, forgery, (forgery["count"],))
    assert answer(case) is case.refusal is not None


@pytest.mark.parametrize("forgery", FORGERIES["inference"], ids=lambda forgery: forgery["id"])
def test_a_lie_about_an_inference_is_refused(forgery: dict[str, Any]) -> None:
    public = int(forgery["evaluation"], 16), forgery["label"]
    assert answer(forged("inference", INFERENCE_CASE.key, forgery, public)) is Refusal.INNER_PRODUCTS


@pytest.mark.parametrize("forgery", FORGERIES["weights"], ids=lambda forgery: forgery["id"])
def test_a_weight_that_is_none_is_refused(forgery: dict[str, Any]) -> None:
    key = VerifyingKey(WEIGHTS_CASE.shape, (), POWERS.tau_g2)
    assert answer(forged("weights", key, forgery, ())) is Refusal.INNER_PRODUCTS


def forged(kind: str, key: VerifyingKey, forgery: dict[str, Any], public: tuple[int, ...]) -> Proved:
    x, y = (int(word, 16) for word in forgery["commitment"])
    return Proved(forgery["id"], kind, key, Point(x, y), CONTEXT, public, bytes.fromhex(forgery["proof"][2:]))


def differences(case: Proved, runs: int, seed: int) -> list[bytes]:
    """Mutated proofs that this verifier accepts, or refuses for another reason than the independent one."""
    rng, found = random.Random(seed), list[bytes]()
    for _ in range(runs):
        changed = replace(case, proof=mutated(case.proof, rng))
        refusal = answer(changed)
        if refusal is None or refusal is not changed.refusal:
            found.append(changed.proof)
    return found


def test_mutated_proofs_are_refused_for_the_same_reason() -> None:
    for seed, case in enumerate((smallest(), CASES[5], CASES[-1])):
        assert differences(case, RUNS // 3, seed) == []


@pytest.mark.long
@named
def test_many_mutated_proofs_are_refused_for_the_same_reason(case: Proved) -> None:
    assert differences(case, LONG_RUNS // len(CASES), seed=17) == []


@named
def test_only_the_pairing_is_left_to_a_forger(case: Proved) -> None:
    words = case.words
    words[case.starts[2]] = (words[case.starts[2]] + 1) % R  # K_A
    forgery = case.with_words(words)
    assert answer(forgery) is Refusal.HINT_INVERSE_Z
    assert answer(forgery.with_hints()) is Refusal.INNER_PRODUCTS
    assert answer(forgery.with_inner_products()) is Refusal.PAIRING


def test_other_statements_are_refused() -> None:
    accuracy, inference, weights = smallest(), CASES[5], CASES[-1]
    count, (evaluation, label) = accuracy.public[0], inference.public
    for changed in (
        replace(accuracy, public=(count - 1,)),
        replace(accuracy, context=accuracy.context + 1),
        replace(accuracy, key=replace(accuracy.key, shape=replace(accuracy.key.shape, bias_units=(2, 2)[:1]))),
        replace(inference, public=((evaluation + 1) % R, label)),
        replace(inference, public=(evaluation, (label + 1) % 3)),
        replace(weights, context=weights.context + 1),
    ):
        assert answer(changed) is changed.refusal is not None
    for changed in (
        replace(accuracy, public=(accuracy.key.shape.samples + 1,)),
        replace(accuracy, public=(count + R,)),
        replace(accuracy, context=R),
        replace(inference, public=(R, label)),
        replace(inference, public=(evaluation, 3)),
        replace(weights, context=-1),
    ):
        assert answer(changed) is changed.refusal is Refusal.STATEMENT
    other = replace(accuracy, commitment=inference.commitment)
    assert answer(other) is other.refusal is Refusal.COMMITMENT


def test_keys_of_another_statement_raise() -> None:
    accuracy, inference = smallest(), CASES[5]
    with pytest.raises(CircuitError, match="for another statement"):
        explain(inference.key, inference.commitment, CONTEXT, 1, inference.proof)
    with pytest.raises(CircuitError, match="for another statement"):
        explain_inference(accuracy.key, accuracy.commitment, CONTEXT, 1, 1, accuracy.proof)
    with pytest.raises(CircuitError, match="another number of data commitments"):
        explain(replace(accuracy.key, data=()), accuracy.commitment, CONTEXT, 1, accuracy.proof)
