"""Proofs of the reference prover: those of the vectors, and accepted for every network and number of samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pyml.crypto.bn254 import Point
from pyml.crypto.bn254_group import G1, multiply_g1
from pyml.errors import CircuitError, InputError, ProofError, SrsError
from pyml.ml.integer import count_correct
from pyml.zk.native.key import key_digest
from pyml.zk.native.layout import Layout
from pyml.zk.native.reference.accuracy import AccuracyProver
from pyml.zk.native.reference.powers import ListedPowers
from pyml.zk.native.reference.prove import (
    Secrets,
    commit_data,
    commit_model,
    prove_accuracy,
    prove_inference,
    prove_weights,
    prover_input,
)
from pyml.zk.native.shape import Shape
from pyml.zk.native.transcript import PointWords, Transcript
from pyml.zk.native.verifier import verify
from pyml.zk.native.witness import build_witness
from tests.zk.native.toy_cases import (
    CONTEXT,
    POWERS,
    SECRETS,
    Case,
    cases,
    inference_cases,
    make_case,
    weights_cases,
)
from tests.zk.native.toy_powers import ExponentPowers, ToyPowers

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "native_accuracy.json").read_text(encoding="utf-8")
)
CASE = cases()[0]
EDGES = (1, 2, 3, 4, 5, 7, 8, 9)
"""1, 2^k and 2^k ± 1."""


def fixed_challenge(_commitment: PointWords, _input: PointWords) -> int:
    return CONTEXT


def paired(made: list[Case], kind: str) -> list[Any]:
    """Cases with their vectors."""
    return [pytest.param(*pair, id=pair[0].name) for pair in zip(made, VECTORS[kind], strict=True)]


@pytest.mark.parametrize(("case", "vector"), paired(cases(), "accuracy"))
def test_proofs_of_accuracy_are_those_of_the_vectors(case: Case, vector: dict[str, Any]) -> None:
    count, proof = prove_accuracy(case.key, POWERS, case.network, (case.inputs, case.labels), CONTEXT, SECRETS)
    assert (vector["id"], vector["count"]) == (case.name, count)
    assert vector["vk"] == "0x" + key_digest(case.key).hex()
    assert vector["challenges"] == {name: f"0x{value:064x}" for name, value in proof.challenges.items()}
    assert vector["proof"] == "0x" + proof.encode().hex()


@pytest.mark.parametrize(("case", "vector"), paired(inference_cases(), "inference"))
def test_proofs_of_inference_are_those_of_the_vectors(case: Case, vector: dict[str, Any]) -> None:
    proved = prove_inference(case.key, POWERS, case.network, case.inputs[0], fixed_challenge, SECRETS)
    assert (vector["label"], int(vector["evaluation"], 16)) == (proved.label, proved.evaluation)
    assert vector["proof"] == "0x" + proved.proof.encode().hex()


@pytest.mark.parametrize(("case", "vector"), paired(weights_cases(), "weights"))
def test_proofs_of_weights_are_those_of_the_vectors(case: Case, vector: dict[str, Any]) -> None:
    proof = prove_weights(case.shape, POWERS.tau_g2, POWERS, case.network, CONTEXT, SECRETS)
    assert vector["proof"] == "0x" + proof.encode().hex()


@st.composite
def statements(draw: st.DrawFn) -> Case:
    """Random depths, widths, shifts and units, over the numbers of samples at which padding begins and ends."""
    hidden = draw(st.integers(0, 3))
    widths = (*(draw(st.integers(1, 5)) for _ in range(hidden + 1)), draw(st.integers(2, 5)))
    units = tuple(1 << draw(st.integers(0, 2)) for _ in range(hidden + 1))
    shifts = tuple(draw(st.integers(0, 3)) for _ in range(hidden))
    shape = Shape(
        draw(st.sampled_from(EDGES)), widths, shifts, units, limb_bits=7, margin_limbs=4, degree=9, weight_bits=3
    )
    return make_case("random", "", shape, seed=draw(st.integers(0, 2**32)), input_max=2)


def provable(case: Case) -> bool:
    """Whether the limbs hold every pre-activation, which random weights do not see to."""
    try:
        build_witness(Layout(case.shape), case.network, case.inputs, case.labels)
    except CircuitError:
        return False
    return True


@given(statements())
def test_the_claim_of_every_random_network_is_true(case: Case) -> None:
    """The sum-checks end well for the integer model's count, whatever the shape; no group is needed for that."""
    assume(provable(case))
    layout = Layout(case.shape)
    witness = build_witness(layout, case.network, case.inputs, case.labels)
    count = count_correct(case.network, case.inputs, case.labels)
    for claimed in (count, count + 1):
        given_columns = prover_input(layout, witness.columns, claimed, SECRETS)
        prover = AccuracyProver(given_columns, ExponentPowers(3, 5), Transcript(bytes(32)))
        prover.run()
        if claimed == count:
            prover.require_true()
        else:
            with pytest.raises(ProofError, match="claim of SC-A"):
                prover.require_true()


@settings(max_examples=3)
@given(statements())
def test_every_random_network_is_proved(case: Case) -> None:
    require_proof(case)


@pytest.mark.long
@settings(max_examples=200)
@given(statements())
def test_many_random_networks_are_proved(case: Case) -> None:
    require_proof(case)


def require_proof(case: Case) -> None:
    """The independent verifier accepts the integer model's count, and no other."""
    assume(provable(case))
    count, proof = prove_accuracy(case.key, POWERS, case.network, (case.inputs, case.labels), CONTEXT, SECRETS)
    assert count == count_correct(case.network, case.inputs, case.labels)
    commitment = Point(*proof.commitment)
    assert verify(case.key, commitment, CONTEXT, count, proof.encode())
    assert not verify(case.key, commitment, CONTEXT, count + 1, proof.encode())


def test_commitments_by_listed_powers_are_those_by_their_secret() -> None:
    """A shape so small that every point can be listed."""
    tau, points = 0x1234_5678_9ABC, list[Point]()
    for power in range(1 << CASE.shape.degree):
        point = multiply_g1(G1, pow(tau, power))
        assert point is not None
        points.append(point)
    listed, toy = ListedPowers(tuple(points)), ToyPowers(tau)
    assert listed.commit([3, 0, 5], 7) == toy.commit([3, 0, 5], 7)
    assert listed.commit([], 0) == (0, 0)
    assert commit_model(CASE.shape, listed, CASE.network, 9) == commit_model(CASE.shape, toy, CASE.network, 9)


def test_data_that_are_zero_have_the_infinite_point() -> None:
    case = cases()[3]  # whose polynomials hold one chunk of X each
    blank = case.inputs.copy()
    blank[:, 16:32] = 0
    points = commit_data(case.shape, POWERS, blank, case.labels)
    assert [point is None for point in points] == [False, True, False, False, False]


def test_a_set_up_that_is_too_small_is_refused_before_anything_else() -> None:
    small = ToyPowers(5, size=(1 << CASE.shape.degree) - 1)
    broken = CASE.inputs - 99  # would be refused as well, and later
    for attempt in (
        lambda: commit_data(CASE.shape, small, broken, CASE.labels),
        lambda: commit_model(CASE.shape, small, CASE.network, 1),
        lambda: prove_accuracy(CASE.key, small, CASE.network, (broken, CASE.labels), CONTEXT, SECRETS),
        lambda: prove_weights(CASE.shape, POWERS.tau_g2, small, CASE.network, CONTEXT, SECRETS),
    ):
        with pytest.raises(SrsError) as refused:
            attempt()
        assert (refused.value.expected, refused.value.got) == ("at least 2^8", 255)


def test_an_input_without_an_answer_is_refused() -> None:
    case = inference_cases()[0]
    blank = [replace(layer, weight=layer.weight * 0, bias=layer.bias * 0) for layer in case.network.layers]
    tie = replace(case.network, layers=tuple(blank))
    with pytest.raises(InputError, match="two logits tie"):
        prove_inference(case.key, POWERS, tie, case.inputs[0], fixed_challenge, SECRETS)


def test_two_seeds_give_proofs_with_no_word_in_common() -> None:
    proofs = [
        prove_accuracy(
            CASE.key,
            POWERS,
            CASE.network,
            (CASE.inputs, CASE.labels),
            CONTEXT,
            Secrets(SECRETS.model_blind, bytes([n] * 32)),
        )[1]
        for n in (1, 2)
    ]
    assert proofs[0].commitment == proofs[1].commitment
    assert not set(proofs[0].words) & set(proofs[1].words)


def test_ties_count_as_wrong() -> None:
    labels = np.zeros(5, dtype=np.int64)
    blank = [replace(layer, weight=layer.weight * 0, bias=layer.bias * 0) for layer in CASE.network.layers]
    case = replace(CASE, labels=labels, network=replace(CASE.network, layers=tuple(blank)))
    count, _ = prove_accuracy(case.key, POWERS, case.network, (case.inputs, labels), CONTEXT, SECRETS)
    assert count == 0
