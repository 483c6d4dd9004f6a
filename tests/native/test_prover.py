"""The compiled prover: the same bytes as the reference, on every path and with any number of threads; its refusals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from pyml.crypto.bn254 import SCALAR_MODULUS, Point
from pyml.errors import CircuitError, InputError, ModelError, ProofError, SrsError
from pyml.ml.integer import count_correct
from pyml.zk.native.core import Core, PowersOfTau
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.prover import (
    Proved,
    ProverSecrets,
    commit_data,
    commit_weights,
    prove_accuracy,
    prove_inference,
    prove_weights,
)
from pyml.zk.native.reference import prove as reference
from pyml.zk.native.shape import VerifyingKey
from pyml.zk.native.verifier import explain
from tests.native.prover_cases import CONTEXT, DEGREE, PROVER_SECRETS, TAU, VECTORS, statements, vector_case
from tests.zk.native.toy_cases import POWERS, SECRETS, Case, cases

VERIFIED = (settings.default or settings()).max_examples // 6
"""Pairings take long."""
ENTRIES = [(kind, entry) for kind in ("accuracy", "inference", "weights") for entry in VECTORS[kind]]
NAMES = [entry["id"] for _, entry in ENTRIES]


@pytest.fixture(scope="module")
def powers(core: Core, tmp_path_factory: pytest.TempPathFactory) -> PowersOfTau:
    path = tmp_path_factory.mktemp("powers") / "toy.srs"
    write_insecure_powers(path, DEGREE, tau=TAU)
    return core.Srs(str(path))


@pytest.fixture(scope="module")
def case() -> Case:
    return cases()[0]


@pytest.fixture(scope="module")
def key(case: Case) -> VerifyingKey:
    return case.key


def prove(powers: PowersOfTau, case: Case, key: VerifyingKey, **changes: Any) -> Proved:
    given: dict[str, Any] = {
        "network": case.network,
        "inputs": case.inputs,
        "labels": case.labels,
        "secrets": PROVER_SECRETS,
        "context": CONTEXT,
    }
    return prove_accuracy(key, powers, **(given | changes))


def prove_entry(kind: str, entry: dict[str, Any], powers: PowersOfTau, threads: int | None = None) -> Proved:
    """The proof of a golden vector."""
    case = vector_case(entry)
    common: dict[str, Any] = {
        "network": case.network,
        "secrets": PROVER_SECRETS,
        "context": CONTEXT,
        "threads": threads,
    }
    if kind == "weights":
        return prove_weights(case.shape, powers, **common)
    if kind == "inference":
        key = VerifyingKey(case.shape, (), POWERS.tau_g2)
        return prove_inference(key, powers, features=case.inputs[0], label=int(case.labels[0]), **common)
    key = VerifyingKey(case.shape, commit_data(case.shape, powers, case.inputs, case.labels), POWERS.tau_g2)
    return prove_accuracy(key, powers, inputs=case.inputs, labels=case.labels, **common)


@pytest.mark.parametrize(("kind", "entry"), ENTRIES, ids=NAMES)
def test_every_golden_vector_on_every_path(
    any_path: Core, powers: PowersOfTau, kind: str, entry: dict[str, Any]
) -> None:
    assert any_path.path()
    proved = prove_entry(kind, entry, powers)
    assert proved.proof.hex() == entry["proof"].removeprefix("0x")
    assert [proved.commitment.x, proved.commitment.y] == [int(word, 16) for word in entry["commitment"]]
    assert proved.count == {"accuracy": entry.get("count"), "inference": 1, "weights": 0}[kind]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(core: Core, powers: PowersOfTau, threads: int) -> None:
    before = core.thread_count()
    for kind, entry in ENTRIES[3:8]:
        assert prove_entry(kind, entry, powers, threads).proof.hex() == entry["proof"].removeprefix("0x")
    assert core.thread_count() == before


def test_commitments_are_those_of_the_reference(powers: PowersOfTau) -> None:
    for each in cases():
        assert commit_data(each.shape, powers, each.inputs, each.labels) == each.key.data
        wanted = reference.commit_model(each.shape, POWERS, each.network, SECRETS.model_blind)
        assert commit_weights(each.shape, powers, each.network, SECRETS.model_blind) == Point(*wanted)


@given(statement=statements())
def test_random_statements_agree_with_the_reference(powers: PowersOfTau, statement: Case) -> None:
    key = statement.key
    proved = prove(powers, statement, key)
    assert proved.count == count_correct(statement.network, statement.inputs, statement.labels)
    samples = statement.inputs, statement.labels
    count, proof = reference.prove_accuracy(key, POWERS, statement.network, samples, CONTEXT, SECRETS)
    assert (proved.count, proved.proof) == (count, proof.encode())


@settings(max_examples=VERIFIED)
@given(statement=statements())
def test_the_independent_verifier_accepts_random_statements(powers: PowersOfTau, statement: Case) -> None:
    data = commit_data(statement.shape, powers, statement.inputs, statement.labels)
    key = VerifyingKey(statement.shape, data, POWERS.tau_g2)
    proved = prove(powers, statement, key, secrets=ProverSecrets(7, b"\x05" * 32))
    assert explain(key, proved.commitment, CONTEXT, proved.count, proved.proof) is None
    if proved.count < statement.shape.samples:
        assert explain(key, proved.commitment, CONTEXT, proved.count + 1, proved.proof) is not None


def test_16_bit_inputs(powers: PowersOfTau, case: Case) -> None:
    wide = dataclasses.replace(case, network=dataclasses.replace(case.network, input_max=1000))
    inputs = case.inputs.astype(np.uint16)
    inputs[0, 0] = 900
    shape = dataclasses.replace(case.shape, limb_bits=8, degree=10, shifts=(8,))
    layers = (dataclasses.replace(case.network.layers[0], shift=8), case.network.layers[1])
    network = dataclasses.replace(wide.network, layers=layers)
    changed = Case("wide", "", shape, network, inputs.astype(np.int64), case.labels)
    count, proof = reference.prove_accuracy(
        changed.key, POWERS, network, (changed.inputs, changed.labels), CONTEXT, SECRETS
    )
    proved = prove(powers, changed, changed.key)
    assert (proved.count, proved.proof) == (count, proof.encode())


def test_another_seed_gives_another_proof(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    first = prove(powers, case, key)
    second = prove(powers, case, key, secrets=ProverSecrets(SECRETS.model_blind, bytes(32)))
    assert first.commitment == second.commitment
    shared = sum(first.proof[i : i + 32] == second.proof[i : i + 32] for i in range(64, len(first.proof), 32))
    assert shared == 0


def test_the_context_may_depend_on_what_is_proved(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    seen: list[tuple[int, tuple[Point, ...]]] = []

    def context(count: int, points: tuple[Point, ...]) -> int:
        seen.append((count, points))
        return CONTEXT

    proved = prove(powers, case, key, context=context)
    assert seen == [(proved.count, (proved.commitment,))]
    assert proved == dataclasses.replace(prove(powers, case, key), timings=proved.timings)


def test_phases_are_told_and_timed(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    told: list[str] = []
    proved = prove(powers, case, key, progress=told.append)
    assert told == list(proved.timings)
    assert told[0] == "witness"
    assert min(proved.timings.values()) >= 0


@pytest.mark.parametrize("phase", ["witness", "constraints", "open"])
def test_a_proof_can_be_interrupted(powers: PowersOfTau, case: Case, key: VerifyingKey, phase: str) -> None:
    def stop(begun: str) -> None:
        if begun == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(powers, case, key, progress=stop)


def test_an_error_of_the_context_reaches_the_caller(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    def refuse(count: int, points: tuple[Point, ...]) -> int:
        raise LookupError(count, len(points))

    with pytest.raises(LookupError):
        prove(powers, case, key, context=refuse)
    with pytest.raises(ProofError, match="the context is not a scalar"):
        prove(powers, case, key, context=SCALAR_MODULUS)


def set_label(case: Case, value: int) -> dict[str, Any]:
    labels = case.labels.copy()
    labels[3] = value
    return {"labels": labels}


REFUSED_SAMPLES: list[tuple[str, Callable[[Case], dict[str, Any]], str]] = [
    ("no samples", lambda c: {"inputs": c.inputs[:0], "labels": c.labels[:0]}, "there is no sample"),
    ("too few", lambda c: {"inputs": c.inputs[1:], "labels": c.labels[1:]}, "number of samples is not the circuit's"),
    ("too few labels", lambda c: {"labels": c.labels[1:]}, "labels do not match the samples"),
    ("too narrow", lambda c: {"inputs": c.inputs[:, 1:]}, "wrong width; expected 4; got 3"),
    ("fractions", lambda c: {"inputs": c.inputs * 0.5}, "inputs must be integers"),
    ("one row", lambda c: {"inputs": c.inputs[0]}, "inputs must be integers"),
    ("negative", lambda c: {"inputs": c.inputs - 1}, "an input is out of range"),
    ("too large", lambda c: {"inputs": c.inputs + 1}, "an input is out of range"),
    ("no such class", lambda c: set_label(c, 3), "sample 3: the label is out of range; expected 0 to 2; got 3"),
    ("negative label", lambda c: set_label(c, -1), "sample 3: the label is out of range; expected 0 to 2; got -1"),
    ("labels of two axes", lambda c: {"labels": c.labels[:, None]}, "labels must be integers"),
    ("no threads", lambda _: {"threads": 0}, "at least one thread"),
]


@pytest.mark.parametrize("refused", REFUSED_SAMPLES, ids=[refused[0] for refused in REFUSED_SAMPLES])
def test_refused_samples(
    powers: PowersOfTau,
    case: Case,
    key: VerifyingKey,
    refused: tuple[str, Callable[[Case], dict[str, Any]], str],
) -> None:
    _, change, line = refused
    told: list[str] = []
    with pytest.raises(InputError, match=line):
        prove(powers, case, key, progress=told.append, **change(case))
    assert told in ([], ["witness"])  # before any long work


def test_refused_overflows_name_layer_and_sample(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    narrow = dataclasses.replace(case.shape, shifts=(0,))
    layers = (dataclasses.replace(case.network.layers[0], shift=0), case.network.layers[1])
    network = dataclasses.replace(case.network, layers=layers)
    with pytest.raises(CircuitError, match=r"layer 1, neuron \d, sample \d: the pre-activation overflows the limbs"):
        prove(powers, case, dataclasses.replace(key, shape=narrow), network=network)
    tight = dataclasses.replace(case.shape, limb_bits=5, margin_limbs=1)
    with pytest.raises(CircuitError, match=r"sample \d: the margin of the logits overflows its limbs"):
        prove(powers, case, dataclasses.replace(key, shape=tight))


def test_refused_padding_rows(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    """The bias acts in rows without a sample too, and overflows there where the features make up for it."""
    shape = dataclasses.replace(case.shape, bias_units=(128, 1), shifts=(2,))
    bias = np.array([7, 0, 0], dtype=np.int64)  # 896 alone, limit 64
    first = dataclasses.replace(case.network.layers[0], bias=bias, bias_unit=128)
    network = dataclasses.replace(case.network, layers=(first, case.network.layers[1]))
    with pytest.raises(CircuitError, match="layer 1, neuron 0"):
        prove(powers, case, dataclasses.replace(key, shape=shape), network=network)


def test_refused_models(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    with pytest.raises(ModelError, match="widths are not those of the circuit"):
        prove(powers, case, key, network=cases()[1].network)
    with pytest.raises(ModelError, match="weight bits are not those of the circuit"):
        prove(powers, case, key, network=dataclasses.replace(case.network, bits=5))
    with pytest.raises(ModelError, match="widths are not those of the circuit"):
        commit_weights(case.shape, powers, cases()[1].network, 1)


def test_refused_keys(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    with pytest.raises(CircuitError, match="another number of data commitments; expected 1; got 2"):
        prove(powers, case, dataclasses.replace(key, data=key.data * 2))
    with pytest.raises(CircuitError, match="the degree is too small for this shape; expected at least 9"):
        prove(powers, case, dataclasses.replace(key, shape=dataclasses.replace(case.shape, samples=64, degree=6)))
    with pytest.raises(CircuitError, match="the weights do not fit one polynomial"):
        prove(powers, case, dataclasses.replace(key, shape=dataclasses.replace(case.shape, degree=5)))


def test_refused_powers(core: Core, powers: PowersOfTau, case: Case, key: VerifyingKey, tmp_path: Path) -> None:
    with pytest.raises(SrsError, match="not the powers of tau of the verifying key"):
        prove(powers, case, dataclasses.replace(key, tau_g2=(1, 2, 3, 4)))
    write_insecure_powers(tmp_path / "short.srs", 7, tau=TAU)
    short = core.Srs(str(tmp_path / "short.srs"))
    with pytest.raises(SrsError, match=r"too few powers of tau for this shape; expected at least 2\^8; got 128"):
        prove(short, case, key)
    with pytest.raises(SrsError, match="too few powers of tau"):
        commit_data(case.shape, short, case.inputs, case.labels)


def test_refused_statements(powers: PowersOfTau, case: Case, key: VerifyingKey) -> None:
    entry = VECTORS["inference"][0]
    inference = vector_case(entry)
    inference_key = VerifyingKey(inference.shape, (), POWERS.tau_g2)
    given: dict[str, Any] = {"network": inference.network, "secrets": PROVER_SECRETS, "context": CONTEXT}
    wrong = (int(inference.labels[0]) + 1) % 3
    with pytest.raises(InputError, match="the network does not answer this label"):
        prove_inference(inference_key, powers, features=inference.inputs[0], label=wrong, **given)
    with pytest.raises(CircuitError, match="for another statement; expected data in the witness"):
        prove_inference(key, powers, features=case.inputs[0], label=0, **given)
    with pytest.raises(CircuitError, match="for another statement; expected committed data"):
        prove(powers, inference, inference_key)


def test_refused_secrets_and_no_word_about_them() -> None:
    with pytest.raises(ProofError, match="a seed has the wrong length; expected 32 bytes; got 31"):
        ProverSecrets(1, bytes(31))
    with pytest.raises(ProofError, match="not a scalar") as refused:
        ProverSecrets(SCALAR_MODULUS, bytes(32))
    assert str(SCALAR_MODULUS) not in str(refused.value)
    assert repr(PROVER_SECRETS) == "ProverSecrets(secret)"
    assert f"{SECRETS.model_blind}" not in repr([PROVER_SECRETS])


def test_the_core_checks_what_python_passes(core: Core, powers: PowersOfTau, case: Case) -> None:
    """Whoever calls the core directly cannot make it read beyond an array."""
    shape = core.Shape(5, [4, 3, 3], [2], [1, 1], (5, 2, 8, 4), False)
    inputs = case.inputs.astype(np.uint8)
    weights = [np.zeros((5, 3), dtype=np.int32), np.zeros((4, 3), dtype=np.int32)]
    wrong_layers: list[Any] = [weights[:1], [weights[0][1:], weights[1]], [weights[0].astype(np.int64), weights[1]]]
    for layers in wrong_layers:
        with pytest.raises((ValueError, TypeError)):
            core.commit_model(shape, powers, layers, bytes(32))
    wrong_labels: list[Any] = [case.labels[1:], case.labels.astype(np.int32)]
    for labels in wrong_labels:
        with pytest.raises(ValueError, match="labels must be a NumPy array of int64"):
            core.commit_data(shape, powers, inputs, labels)
    wide: Any = case.inputs
    with pytest.raises(ValueError, match="inputs must be a NumPy array"):
        core.commit_data(shape, powers, wide, case.labels)
    with pytest.raises(core.Refusal, match="a weight is out of range"):
        core.commit_model(shape, powers, [weights[0] + 8, weights[1]], bytes(32))
    with pytest.raises(ValueError, match="blind is not below the modulus"):
        core.commit_model(shape, powers, weights, b"\xff" * 32)
    wrong_shapes: list[Any] = [
        (0, [4, 3, 3], [2], [1, 1]),
        (5, [4], [], []),
        (5, [4, 3, 1], [2], [1, 1]),
        (5, [4, 3, 3], [9], [1, 1]),
    ]
    for samples, widths, shifts, units in wrong_shapes:
        with pytest.raises(core.Refusal):
            core.Shape(samples, widths, shifts, units, (5, 2, 8, 4), False)
