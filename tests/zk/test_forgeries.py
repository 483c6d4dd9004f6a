"""Every way we know to lie in a proof, on circuits of one to three layers, with and without shifts.

The cheating prover is the engine itself: it proves whatever satisfies the gates, so a lie makes a check output differ
from zero, and the proof is valid for those outputs only. Verifiers put zeros there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import InputError, ProofError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, hidden, predict
from pyml.zk import ezkl
from pyml.zk.circuits import LabelledSet, accuracy_graph, accuracy_statement, input_graph, input_statement
from pyml.zk.engine import Proof, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.srs import make_insecure
from pyml.zk.witness import PrivateTensors, accuracy_tensors, architecture_of, input_tensors
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import (
    Edit,
    Small,
    random_network,
    random_set,
    small_accuracy,
    small_input,
    small_numerics,
)

SAMPLES = 9
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "one layer": ((12, 4), ()),
    "two layers": ((12, 6, 4), (0,)),
    "two layers, shift": ((12, 6, 4), (3,)),
    "three layers, mixed": ((10, 6, 5, 4), (0, 2)),
}
PROVED = ("three layers, mixed",)
"""Shapes on which each forgery is also proved and judged; on the others the check outputs are looked at."""


@pytest.fixture(scope="module", params=SHAPES)
def accuracy(
    request: pytest.FixtureRequest, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Small:
    random = np.random.default_rng(0)
    network = random_network(random, *SHAPES[request.param])
    data = random_set(random, network, SAMPLES)
    return small_accuracy(tmp_path_factory.mktemp("accuracy"), quick_engine, srs_of, network, data)


@pytest.fixture(scope="module", params=SHAPES)
def private_input(
    request: pytest.FixtureRequest, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Small:
    random = np.random.default_rng(0)
    network = random_network(random, *SHAPES[request.param])
    sample = next(sample for sample in random_set(random, network, 40).inputs if is_rich(network, sample))
    return small_input(tmp_path_factory.mktemp("input"), quick_engine, srs_of, network, sample)


def is_rich(network: IntegerNetwork, sample: np.ndarray) -> bool:
    """Whether every forgery has something to forge: a low limb of 0 and one of at least 64, both above zero."""
    layer = next((index for index, each in enumerate(network.layers) if each.shift), None)
    if layer is None:
        return bool(predict(network, sample[None])[0] >= 0)
    values = hidden(network, sample[None])[layer]
    cut = 1 << network.layers[layer].shift
    lent = (values % cut == 0) & (values >= cut)
    return bool(predict(network, sample[None])[0] >= 0 and lent.any() and (4 * (values % cut) >= cut).any())


@pytest.fixture(scope="module")
def one(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The circuit on which proof bytes, outputs and keys are tampered with."""
    random = np.random.default_rng(0)
    network = random_network(random, *SHAPES["two layers, shift"], unit=4)
    data = random_set(random, network, SAMPLES)
    return small_accuracy(tmp_path_factory.mktemp("one"), quick_engine, srs_of, network, data)


@pytest.fixture(scope="module")
def proof(one: Small) -> Proof:
    return one.prove(one.honest)


def is_proved(small: Small) -> bool:
    shape = small.statement.architecture
    return (shape.sizes, shape.shifts) in [SHAPES[name] for name in PROVED]


def require_caught(small: Small, lie: Tensors | PrivateTensors, result: int, *, by: set[str]) -> None:
    """The named checks are not zero and, where the shape is a proved one, a proof that says they are is refused."""
    outputs = small.run(lie)
    assert by <= small.failing(outputs)
    assert outputs[-1] == result
    if is_proved(small):
        proof = small.prove(lie)
        assert proof.outputs == outputs
        assert small.verify(proof)  # valid for what it really shows, so that it is the zeros that are refused
        assert not small.accepts(proof.data, result)


def test_the_honest_proof_is_accepted(accuracy: Small) -> None:
    outputs = accuracy.run(accuracy.honest)
    assert accuracy.failing(outputs) == set()
    assert outputs[-1] == accuracy.honest.result
    assert 0 < outputs[-1] < SAMPLES
    proof = accuracy.prove(accuracy.honest)
    assert accuracy.accepts(proof.data, accuracy.honest.result)
    assert not accuracy.accepts(proof.data, accuracy.honest.result + 1)


# --- the witness of the accuracy circuit

Lie = Callable[[Small, Edit], "set[str] | None"]
"""Changes the honest tensors; returns the checks that must notice, or nothing where the shape has no such part."""


def raise_hidden(small: Small, edit: Edit) -> set[str] | None:
    if "hidden_1" not in edit.witness:
        return None
    edit.witness["hidden_1"][2, 1] += 1
    return {"layer_1"}


def raise_hidden_of_dead_neuron(small: Small, edit: Edit) -> set[str] | None:
    """A value that the ReLU makes zero anyway: nothing after it changes, and still it is noticed."""
    if "hidden_1" not in edit.witness:
        return None
    row, column = np.argwhere(edit.witness["hidden_1"] < -1)[0]
    edit.witness["hidden_1"][row, column] += 1
    return {"layer_1"}


def shifted_layer(small: Small) -> int | None:
    return next((index for index, shift in enumerate(small.statement.architecture.shifts, 1) if shift), None)


def change_low_limb(small: Small, edit: Edit) -> set[str] | None:
    layer = shifted_layer(small)
    if layer is None:
        return None
    edit.witness[f"low_{layer}"][1, 2] ^= 1 << (
        small.statement.numerics.lookup_bits - small.statement.architecture.shifts[layer - 1]
    )
    return {f"layer_{layer}"}


def use_bits_below_the_low_limb(small: Small, edit: Edit) -> set[str] | None:
    layer = shifted_layer(small)
    if layer is None:
        return None
    edit.witness[f"low_{layer}"][1, 2] += 1
    return {f"layer_{layer}"}


def change_high_limb(small: Small, edit: Edit) -> set[str] | None:
    layer = shifted_layer(small)
    if layer is None:
        return None
    edit.witness[f"high_{layer}"][0, 0] += 1
    return {f"layer_{layer}"}


def borrow_between_limbs(small: Small, edit: Edit) -> set[str] | None:
    """high + 1 and low - 2^b weigh the same; only the ReLU of the low limb stands between."""
    layer = shifted_layer(small)
    if layer is None:
        return None
    low, high = edit.witness[f"low_{layer}"], edit.witness[f"high_{layer}"]
    row, column = np.argwhere(low >= 64)[0]
    low[row, column] -= 1 << small.statement.numerics.lookup_bits
    high[row, column] += 1
    return {f"layer_{layer}"}


def raise_logit(small: Small, edit: Edit) -> set[str] | None:
    edit.witness["logits"][4, 1] += 1
    return {f"layer_{small.statement.architecture.layers}"}


def exchange_logits(small: Small, edit: Edit) -> set[str] | None:
    """Two samples' logits, whose sum stays: a check without powers of ρ would not notice."""
    logits = edit.witness["logits"]
    logits[[1, 2]] = logits[[2, 1]]
    return {f"layer_{small.statement.architecture.layers}"}


def change_weight(small: Small, edit: Edit) -> set[str] | None:
    edit.committed["weights_1"][0, 0] += 1
    return {"layer_1"}


def change_bias(small: Small, edit: Edit) -> set[str] | None:
    last = small.statement.architecture.layers
    edit.committed[f"weights_{last}"][-1, 0] += 1
    return {f"layer_{last}"}


def negative_weight(small: Small, edit: Edit) -> set[str] | None:
    """-1 is in the table, and means 0: no weight below -B exists."""
    zeros = np.argwhere(edit.committed["weights_1"] == 1)
    edit.committed["weights_1"][tuple(zeros[0])] = -1
    return {"layer_1"}


def change_margin(small: Small, edit: Edit) -> set[str] | None:
    edit.witness["margin_0"][small_sample(small, correct=True)] ^= 1
    return {"margins"}


def change_high_margin_limb(small: Small, edit: Edit) -> set[str] | None:
    edit.witness["margin_1"][small_sample(small, correct=True)] += 1
    return {"margins"}


def margin_of_wrong_sample(small: Small, edit: Edit) -> set[str] | None:
    edit.witness["margin_0"][small_sample(small, correct=False)] += 1
    return {"margins"}


def small_sample(small: Small, *, correct: bool) -> tuple[int, int]:
    """A sample answered correctly or not, and a class that is not its label."""
    assert small.data is not None
    right = predict(small.network, small.data.inputs) == small.data.labels
    row = int(np.argwhere(right == correct)[0][0])
    return row, int((small.data.labels[row] + 1) % small.network.sizes[-1])


TENSOR_LIES: list[Lie] = [
    raise_hidden, raise_hidden_of_dead_neuron, change_low_limb, use_bits_below_the_low_limb, change_high_limb,
    borrow_between_limbs, raise_logit, exchange_logits, change_weight, change_bias,
    negative_weight, change_margin, change_high_margin_limb, margin_of_wrong_sample,
]  # fmt: skip


@pytest.mark.parametrize("lie", TENSOR_LIES, ids=lambda lie: lie.__name__)
def test_changed_tensors_are_caught(accuracy: Small, lie: Lie) -> None:
    edit = Edit(accuracy.statement, accuracy.honest)
    by = lie(accuracy, edit)
    if by is None:
        assert shifted_layer(accuracy) is None or "hidden_1" not in edit.witness
        return
    require_caught(accuracy, edit.done(), accuracy.honest.result, by=by)


def claim_correct(small: Small, edit: Edit) -> set[str]:
    """A wrong answer called correct, with the best margins there are."""
    row, _ = small_sample(small, correct=False)
    set_correct(small, edit, row, 1)
    return {"margins"}


def claim_correct_and_raise_its_logit(small: Small, edit: Edit) -> set[str]:
    assert small.data is not None
    row, _ = small_sample(small, correct=False)
    edit.witness["logits"][row, small.data.labels[row]] = edit.witness["logits"][row].max() + 1
    set_correct(small, edit, row, 1)
    return {f"layer_{small.statement.architecture.layers}"}


def count_twice(small: Small, edit: Edit) -> set[str]:
    """c = 2 with doubled margins satisfies everything but c² = c."""
    row, _ = small_sample(small, correct=True)
    set_correct(small, edit, row, 2)
    return {"boolean"}


def set_correct(small: Small, edit: Edit, row: int, flag: int) -> None:
    """c of a sample, and every margin as near to c·(lead) as limbs can come."""
    assert small.data is not None
    label = int(small.data.labels[row])
    logits, bits = edit.witness["logits"][row], small.statement.numerics.lookup_bits
    for column in range(len(logits)):
        margin = flag if column == label else max(flag * (logits[label] - logits[column] - 1), 0)
        edit.witness["margin_0"][row, column] = margin & ((1 << bits) - 1)
        edit.witness["margin_1"][row, column] = margin >> bits


@pytest.mark.parametrize(
    "lie", [claim_correct, claim_correct_and_raise_its_logit, count_twice], ids=lambda lie: lie.__name__
)
def test_one_more_than_the_true_count_is_caught(accuracy: Small, lie: Callable[[Small, Edit], set[str]]) -> None:
    edit = Edit(accuracy.statement, accuracy.honest)
    by = lie(accuracy, edit)
    require_caught(accuracy, edit.done(), accuracy.honest.result + 1, by=by)


def test_twice_counted_fails_the_boolean_check_alone(accuracy: Small) -> None:
    edit = Edit(accuracy.statement, accuracy.honest)
    count_twice(accuracy, edit)
    assert accuracy.failing(accuracy.run(edit.done())) == {"boolean"}


def test_the_count_may_be_understated(accuracy: Small) -> None:
    """The claim is "at least": a prover may keep a correct answer to himself."""
    edit = Edit(accuracy.statement, accuracy.honest)
    row, _ = small_sample(accuracy, correct=True)
    set_correct(accuracy, edit, row, 0)
    edit.witness["margin_0"][row] = edit.witness["margin_1"][row] = 0
    outputs = accuracy.run(edit.done())
    assert accuracy.failing(outputs) == set()
    assert outputs[-1] == accuracy.honest.result - 1


@pytest.mark.parametrize("part", ["hidden_1", "low_1", "high_1", "margin_0", "margin_1", "weights_1"])
@pytest.mark.parametrize("value", ["above", "below", "far", "minus one half"])
def test_values_outside_the_table_satisfy_no_lookup(accuracy: Small, part: str, value: str) -> None:
    bad = {
        "above": accuracy.table.stop,
        "below": accuracy.table.start - 1,
        "far": 1 << 20,
        "minus one half": (SCALAR_MODULUS - 1) // 2,
    }[value]
    edit = Edit(accuracy.statement, accuracy.honest)
    if part not in edit.witness | edit.committed:
        return
    (edit.committed if part == "weights_1" else edit.witness)[part][0, 0] = bad
    assert accuracy.violations(accuracy.honest) == ""
    assert "verification failed" in accuracy.violations(edit.done())


def require_no_lending(small: Small) -> None:
    """high - t and low + t·2^b weigh the same, and would lower an activation at will: the table must end at 2^b - 1.

    The engine fills a table upwards beyond its ``lookup_range`` until the column is full; the forgery was accepted
    before the range was chosen so that it is full at ``table_high``.
    """
    layer = shifted_layer(small)
    if layer is None:
        return
    limb = 1 << small.statement.numerics.lookup_bits
    assert small.table.stop == limb
    for times in (1, 2, 3):
        edit = Edit(small.statement, small.honest)
        low, high = edit.witness[f"low_{layer}"], edit.witness[f"high_{layer}"]
        row, column = np.argwhere(low == low.min())[0]
        low[row, column] += times * limb
        high[row, column] -= times
        assert f"layer_{layer}" not in small.failing(small.run(edit.done()))  # no check sees it
        assert "verification failed" in small.violations(edit.done())
        with pytest.raises(ProofError, match="a private value is outside the lookup table") as refusal:
            small.prove(edit.done())
        assert refusal.value.expected == f"[{small.table.start}, {small.table.stop - 1}]"


def test_no_limb_can_be_lent_to_another(accuracy: Small) -> None:
    require_no_lending(accuracy)


def test_every_looked_up_entry_is_looked_up(one: Small) -> None:
    """Each position of both tensors in turn, except logits and salts, which need no range."""
    bad = one.table.stop
    edit = Edit(one.statement, one.honest)
    for tensor in (edit.committed, edit.witness):
        for name, part in tensor.items():
            for index in (0, part.size - 1):
                changed = Edit(one.statement, one.honest)
                chosen = (changed.committed if tensor is edit.committed else changed.witness)[name]
                chosen.ravel()[index] = bad
                assert ("verification failed" in one.violations(changed.done())) == (name != "logits"), (name, index)


# --- the public part: labels, data, architecture


@dataclass(frozen=True)
class PublicLie:
    name: str
    change: Callable[[IntegerNetwork, LabelledSet], tuple[IntegerNetwork, LabelledSet]]


def own_answers_as_labels(network: IntegerNetwork, data: LabelledSet) -> tuple[IntegerNetwork, LabelledSet]:
    answers = predict(network, data.inputs)
    return network, replace(data, labels=np.where(answers < 0, 0, answers))


def one_label(network: IntegerNetwork, data: LabelledSet) -> tuple[IntegerNetwork, LabelledSet]:
    labels = data.labels.copy()
    labels[0] = predict(network, data.inputs)[0]
    return network, replace(data, labels=labels)


def one_pixel(network: IntegerNetwork, data: LabelledSet) -> tuple[IntegerNetwork, LabelledSet]:
    inputs = data.inputs.copy()
    row, column = np.argwhere((inputs > 0) & (inputs < network.input_max))[0]
    inputs[row, column] += 1
    return network, replace(data, inputs=inputs)


def bias_unit(network: IntegerNetwork, data: LabelledSet) -> tuple[IntegerNetwork, LabelledSet]:
    first, *rest = network.layers
    return replace(network, layers=(replace(first, bias_unit=16), *rest)), data


def shift(network: IntegerNetwork, data: LabelledSet) -> tuple[IntegerNetwork, LabelledSet]:
    first, *rest = network.layers
    return replace(network, layers=(replace(first, shift=first.shift + 1), *rest)), data


PUBLIC_LIES = [PublicLie(lie.__name__, lie) for lie in (own_answers_as_labels, one_label, one_pixel, bias_unit, shift)]


@pytest.mark.parametrize("lie", PUBLIC_LIES, ids=lambda lie: lie.name)
def test_another_circuit_laid_out_under_this_key_is_refused(one: Small, lie: PublicLie, tmp_path: Path) -> None:
    """A prover who computes with other labels, pixels or shapes than the key's, where they satisfy every check."""
    assert one.data is not None
    network, data = lie.change(one.network, one.data)
    statement = accuracy_statement(architecture_of(network), data, one.statement.numerics)
    circuit = Workspace(tmp_path, one.engine).build_circuit(statement, accuracy_graph(statement, data))
    assert circuit.degree == one.keyed.circuit.degree
    tensors = accuracy_tensors(statement, network, data.inputs, data.labels, model_salts=one.honest.committed[-3:])
    proof = one.prove(tensors, layout=circuit.files)
    assert proof.outputs[1:-1] == (0,) * statement.checks  # all checks hold, for another circuit
    assert proof.outputs[-1] == tensors.result
    assert not one.accepts(proof.data, tensors.result)
    assert not one.verify(proof)


def test_keys_differ_where_the_public_part_does(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert one.data is not None
    digests = {one.keyed.vka_digest}
    for lie in PUBLIC_LIES:
        network, data = lie.change(one.network, one.data)
        digests.add(small_accuracy(tmp_path, one.engine, srs_of, network, data).keyed.vka_digest)
    assert len(digests) == 1 + len(PUBLIC_LIES)


def test_the_key_does_not_depend_on_the_model(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert one.data is not None
    other = random_network(np.random.default_rng(5), *SHAPES["two layers, shift"], unit=4)
    rebuilt = small_accuracy(tmp_path, one.engine, srs_of, other, one.data)
    assert rebuilt.keyed.vka_digest == one.keyed.vka_digest
    proof = rebuilt.prove(rebuilt.honest)
    assert one.accepts(proof.data, rebuilt.honest.result)  # a good proof, about another commitment
    assert proof.data[:POINT_BYTES] != one.commit(one.honest.committed)


# --- the proof and its outputs


def test_a_proof_for_another_key_is_refused(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert one.data is not None
    other = small_accuracy(tmp_path, one.engine, srs_of, *own_answers_as_labels(one.network, one.data))
    proof = other.prove(other.honest)
    assert other.accepts(proof.data, other.honest.result)
    assert not one.verify(proof)
    assert not one.accepts(proof.data, other.honest.result)
    cheat = other.prove(other.honest, challenge=one.challenge)
    assert other.verify(cheat)
    assert not one.verify(cheat)


def test_a_proof_of_another_statement_is_refused(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert one.data is not None
    other = small_input(tmp_path, one.engine, srs_of, one.network, one.data.inputs[1])
    proof = other.prove(other.honest)
    assert other.accepts(proof.data, other.honest.result)
    assert not one.verify(proof)
    assert not one.accepts(proof.data, other.honest.result)


def test_keys_of_another_reference_string_refuse(one: Small, proof: Proof, tmp_path: Path) -> None:
    other = make_insecure(tmp_path, one.keyed.circuit.degree, ezkl.generate_insecure_srs)
    keyed = Workspace(tmp_path, one.engine).set_up(one.keyed.circuit, other)
    assert keyed.vka_digest != one.keyed.vka_digest
    assert one.verify(proof)
    assert not one.engine.verify(keyed.circuit.files, keyed.files, keyed.srs, proof)
    assert not one.engine.verify(one.keyed.circuit.files, one.keyed.files, other, proof)


@pytest.mark.parametrize("rho", ["constant", "points reversed", "committed tensor only", "other key", "plus one"])
def test_another_challenge_is_refused(one: Small, rho: str) -> None:
    def challenge(points: bytes) -> int:
        return {
            "constant": 12345,
            "points reversed": one.challenge(points[POINT_BYTES:] + points[:POINT_BYTES]),
            "committed tensor only": one.challenge(points[:POINT_BYTES]),
            "other key": one.challenge(b"x" + points),
            "plus one": one.challenge(points) + 1,
        }[rho]

    proof = one.prove(one.honest, challenge=challenge)
    assert one.verify(proof)
    assert proof.outputs[1:] == (*[0] * one.statement.checks, one.honest.result)
    assert not one.accepts(proof.data, one.honest.result)


def test_exchanged_commitments_are_refused(one: Small, proof: Proof) -> None:
    other_model = one.commit((*[7] * (len(one.honest.committed) - 1), 1))
    points = [proof.data[POINT_BYTES * index : POINT_BYTES * (index + 1)] for index in range(3)]
    assert points[0] == one.commit(one.honest.committed)
    for index in range(3):
        for replacement in {other_model, *points} - {points[index]}:
            data = bytearray(proof.data)
            data[POINT_BYTES * index : POINT_BYTES * (index + 1)] = replacement
            assert not one.accepts(bytes(data), one.honest.result)
            assert not one.verify(replace(proof, data=bytes(data)))  # nor with the honest proof's ρ


def test_a_flipped_bit_in_any_word_is_refused(one: Small, proof: Proof) -> None:
    assert len(proof.data) % 32 == 0
    random = np.random.default_rng(1)
    for word in range(len(proof.data) // 32):
        data = bytearray(proof.data)
        data[32 * word + int(random.integers(32))] ^= 1 << int(random.integers(8))
        assert not one.verify(replace(proof, data=bytes(data))), word


@pytest.mark.long
def test_a_flipped_bit_in_any_byte_is_refused(one: Small, proof: Proof) -> None:
    for index in range(len(proof.data)):
        data = bytearray(proof.data)
        data[index] ^= 1 << (index % 8)
        assert not one.verify(replace(proof, data=bytes(data))), index


def test_any_altered_output_is_refused(one: Small, proof: Proof) -> None:
    for index, value in enumerate(proof.outputs):
        for changed in (value + 1, (value - 1) % SCALAR_MODULUS, SCALAR_MODULUS - 1 - value):
            outputs = (*proof.outputs[:index], changed, *proof.outputs[index + 1 :])
            assert not one.verify(replace(proof, outputs=outputs)), index


@pytest.mark.parametrize("offset", [SCALAR_MODULUS, 2 * SCALAR_MODULUS, -SCALAR_MODULUS, 1 << 256])
def test_outputs_that_are_not_reduced_are_refused(one: Small, proof: Proof, offset: int) -> None:
    """Rule 8: count + r is congruent to count, and is not a count."""
    for index, value in enumerate(proof.outputs):
        alias = replace(proof, outputs=(*proof.outputs[:index], value + offset, *proof.outputs[index + 1 :]))
        try:
            accepted = one.verify(alias)
        except InputError:
            accepted = False
        assert not accepted, index


def test_outputs_of_another_length_are_refused(one: Small, proof: Proof) -> None:
    for outputs in ((), proof.outputs[:-1], proof.outputs[1:], (*proof.outputs, 0), proof.outputs * 2):
        assert not one.verify(replace(proof, outputs=outputs))


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 64, 128, 1000])
def test_a_truncated_proof_is_refused(one: Small, proof: Proof, cut: int) -> None:
    kept = proof.data[: len(proof.data) - cut] if cut else b""
    assert not one.verify(replace(proof, data=kept))


@pytest.mark.parametrize("tail", [b"\0", bytes(32), b"\xff" * 64])
def test_an_extended_proof_is_refused(one: Small, proof: Proof, tail: bytes) -> None:
    """Else one proof has many encodings, and a ledger of proof digests can be walked around."""
    assert not one.verify(replace(proof, data=proof.data + tail))


# --- private input


def test_the_honest_answer_is_accepted(private_input: Small) -> None:
    proof = private_input.prove(private_input.honest)
    assert private_input.failing(proof.outputs) == set()
    assert private_input.accepts(proof.data, private_input.honest.result)
    for label in range(private_input.network.sizes[-1]):
        assert private_input.accepts(proof.data, label) == (label == private_input.honest.result)


@pytest.mark.parametrize("value", [-1, -100, 4, 255])
def test_an_input_out_of_range_is_caught(private_input: Small, value: int) -> None:
    """Clamped to [0, input_max] before use, and the clamping must not have changed it."""
    network = private_input.network
    clamped = np.array(private_input.honest.committed[: network.sizes[0]])
    clamped[3] = min(max(value, 0), network.input_max)
    if predict(network, clamped[None])[0] < 0:
        clamped[4] = (clamped[4] + 1) % (network.input_max + 1)
    honest = input_tensors(private_input.statement, network, clamped, input_salts=private_input.honest.committed[-3:])
    edit = Edit(private_input.statement, honest)
    edit.committed["input"][3] = value
    outputs = private_input.run(edit.done())
    if value == 255:  # 3 - 255 is below the table, so that there is no proof at all
        assert "verification failed" in private_input.violations(edit.done())
    assert private_input.failing(outputs) == {"range"}
    if is_proved(private_input) and value != 255:
        require_caught(private_input, edit.done(), honest.result, by={"range"})


@pytest.mark.parametrize("value", [1 << 20, (SCALAR_MODULUS - 1) // 2, -SCALAR_MODULUS // 3])
def test_an_input_outside_the_table_satisfies_no_lookup(private_input: Small, value: int) -> None:
    edit = Edit(private_input.statement, private_input.honest)
    edit.committed["input"][0] = value
    assert "verification failed" in private_input.violations(edit.done())


def claim_answer(small: Small, edit: Edit, answer: list[int]) -> None:
    """An answer vector and the best margins there are for it."""
    activations = np.array(small.honest.committed[: small.network.sizes[0]])
    logits = [int(value) for value in hidden(small.network, activations[None])[-1][0]]
    own = sum(each * logit for each, logit in zip(answer, logits, strict=True))
    bits = small.statement.numerics.lookup_bits
    edit.witness["answer"][0] = answer
    for column, each in enumerate(answer):
        margin = max(own - logits[column] - 1 + 2 * each, 0)
        edit.witness["margin_0"][0, column] = margin & ((1 << bits) - 1)
        edit.witness["margin_1"][0, column] = margin >> bits


def test_a_wrong_label_is_caught(private_input: Small) -> None:
    for label in set(range(4)) - {private_input.honest.result}:
        edit = Edit(private_input.statement, private_input.honest)
        claim_answer(private_input, edit, [int(label == each) for each in range(4)])
        require_caught(private_input, edit.done(), label, by={"margins"})


@pytest.mark.parametrize(
    "answer", [[0, 0, 0, 0], [1, 1, 0, 0], [2, 0, 0, 0], [2, -1, 0, 0], [1, 1, 1, -2], [0, 0, 3, -2]], ids=str
)
def test_an_answer_that_is_not_one_hot_is_caught(private_input: Small, answer: list[int]) -> None:
    edit = Edit(private_input.statement, private_input.honest)
    claim_answer(private_input, edit, answer)
    label = sum(index * value for index, value in enumerate(answer)) % SCALAR_MODULUS
    require_caught(private_input, edit.done(), label, by={"one_hot"})


@pytest.mark.parametrize("part", ["low", "high", "margin_0", "margin_1", "borrow"])
def test_changed_limbs_are_caught(private_input: Small, part: str) -> None:
    edit = Edit(private_input.statement, private_input.honest)
    layer = shifted_layer(private_input)
    by = {"margins"}
    if part.startswith("margin"):
        edit.witness[part][0, (private_input.honest.result + 1) % 4] += 1
    elif layer is None:
        assert not any(name.startswith(("low", "high")) for name in edit.witness)
        return
    elif part == "borrow":
        low, high = edit.witness[f"low_{layer}"], edit.witness[f"high_{layer}"]
        column = int(np.argwhere(low[0] >= 64)[0][0])
        low[0, column] -= 1 << private_input.statement.numerics.lookup_bits
        high[0, column] += 1
        by = {f"layer_{layer}"}
    else:
        edit.witness[f"{part}_{layer}"][0, 1] ^= 1
        by = {f"layer_{layer}"}
    require_caught(private_input, edit.done(), private_input.honest.result, by=by)


def test_no_limb_of_a_private_input_can_be_lent_to_another(private_input: Small) -> None:
    require_no_lending(private_input)


def test_a_tie_has_no_provable_answer(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    weight = np.array([[2, 2, -1], [1, 1, 1]])
    network = IntegerNetwork((IntegerLayer(weight, np.array([0, 0, 1]), 1),), 4, 3)
    decided = replace(network, layers=(replace(network.layers[0], bias=np.array([0, 1, 1])),))
    sample = np.array([3, 1])
    with pytest.raises(InputError, match="two greatest logits are equal for this input"):
        input_tensors(input_statement(network, "tie", small_numerics()), network, sample, input_salts=(1, 2, 3))
    small = small_input(tmp_path, quick_engine, srs_of, decided, sample)
    assert small.honest.result == 1
    statement = input_statement(network, "tie", small_numerics())
    workspace = Workspace(tmp_path, quick_engine)
    circuit = workspace.build_circuit(statement, input_graph(statement, network))
    tie = replace(small, keyed=workspace.set_up(circuit, srs_of(circuit.degree)), network=network)
    for answer in ([1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]):
        edit = Edit(statement, tie.honest)
        claim_answer(tie, edit, answer)
        proof = tie.prove(edit.done())
        assert tie.failing(proof.outputs)
        assert not tie.accepts(proof.data, proof.outputs[-1])


def other_bias(network: IntegerNetwork) -> IntegerNetwork:
    first, *rest = network.layers
    bias = first.bias.copy()
    bias[0] += -1 if bias[0] > 0 else 1
    return replace(network, layers=(replace(first, bias=bias), *rest))


def other_weight(network: IntegerNetwork) -> IntegerNetwork:
    *rest, last = network.layers
    weight: Any = last.weight.copy()
    row, column = np.argwhere(weight > 1)[0]
    weight[row, column] -= 1
    return replace(network, layers=(*rest, replace(last, weight=weight)))


@pytest.mark.parametrize("change", [other_bias, other_weight], ids=lambda change: change.__name__)
def test_another_public_model_under_this_key_is_refused(
    private_input: Small, change: Callable[[IntegerNetwork], IntegerNetwork], tmp_path: Path
) -> None:
    network = change(private_input.network)
    statement = input_statement(network, "other", private_input.statement.numerics)
    circuit = Workspace(tmp_path, private_input.engine).build_circuit(statement, input_graph(statement, network))
    random = np.random.default_rng(3)
    samples = random.integers(0, network.input_max + 1, (8, network.sizes[0]))
    sample = samples[predict(network, samples) >= 0][0]
    tensors = input_tensors(statement, network, sample, input_salts=(1, 2, 3))
    proof = private_input.prove(tensors, layout=circuit.files)
    assert proof.outputs[1:-1] == (0,) * statement.checks
    assert not private_input.verify(proof)
    assert not private_input.accepts(proof.data, tensors.result)
