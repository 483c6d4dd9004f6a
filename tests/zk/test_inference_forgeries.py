"""Every way we know to lie in a proof of what a committed model answers to a public input.

As in ``test_forgeries.py``, whose judge is the one here: the cheating prover is the engine itself, a lie makes an
output differ from what the verifier asks for, and where the shape is a proved one, the proof is judged as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from pyml.crypto.bn254 import POINT_BYTES, SCALAR_MODULUS
from pyml.errors import InputError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, predict
from pyml.zk import ezkl
from pyml.zk.challenge import encode_features, evaluate_features
from pyml.zk.circuits import _export
from pyml.zk.engine import CircuitFiles, Tensors
from pyml.zk.ezkl import EzklEngine
from pyml.zk.graph import InferenceGraph, _Powers
from pyml.zk.layout import Layout
from pyml.zk.statement import Statement
from pyml.zk.witness import PrivateTensors, inference_tensors
from pyml.zk.workspace import Circuit, Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import (
    INFERENCE_DEGREE,
    Edit,
    Small,
    random_network,
    random_set,
    small_accuracy,
    small_inference,
    small_numerics,
)
from tests.zk.test_forgeries import (
    SHAPES,
    is_proved,
    is_rich,
    require_caught,
    require_no_lending,
    shifted_layer,
)

CLASSES = 4
HALF = pow(2, -1, SCALAR_MODULUS)
Sample = NDArray[np.int64]


def features_of(sample: Sample) -> bytes:
    return encode_features([int(value) for value in sample])


@pytest.fixture(scope="module", params=["one layer", "two layers, shift", "three layers, mixed"])
def small(
    request: pytest.FixtureRequest, quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory
) -> Small:
    random = np.random.default_rng(0)
    network = random_network(random, *SHAPES[request.param])
    samples = random_set(random, network, 40).inputs
    sample = next(sample for sample in samples if is_rich(network, sample) and 0 < sample[0] < network.input_max)
    return small_inference(tmp_path_factory.mktemp("inference"), quick_engine, srs_of, network, sample)


@pytest.fixture(scope="module")
def one(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The circuit that is laid out otherwise. Its model does not look at the first two features."""
    random = np.random.default_rng(2)
    network = random_network(random, (6, 5, CLASSES), (1,))
    first, last = network.layers
    weight = first.weight.copy()
    weight[:2] = 0
    network = replace(network, layers=(replace(first, weight=weight), last))
    samples = random.integers(0, network.input_max + 1, (40, 6))
    sample = next(each for each in samples if is_rich(network, each))
    return small_inference(tmp_path_factory.mktemp("one"), quick_engine, srs_of, network, sample)


def honest_for(small: Small, sample: Sample, network: IntegerNetwork | None = None) -> PrivateTensors:
    """Tensors for another input or model, under the same salts."""
    salts = small.honest.committed[-small.statement.numerics.committed_salts :]
    return inference_tensors(small.statement, network or small.network, sample, model_salts=salts)


def sample_of(small: Small) -> Sample:
    data = small.features
    return np.array([int.from_bytes(data[start : start + 2], "big") for start in range(0, len(data), 2)])


def test_the_honest_answer_is_accepted(small: Small) -> None:
    outputs = small.run(small.honest)
    assert small.failing(outputs) == set()
    assert outputs[-1] == small.honest.result == predict(small.network, sample_of(small)[None])[0]
    proof = small.prove(small.honest)
    for label in range(CLASSES):
        assert small.accepts(proof.data, label) == (label == small.honest.result)


# --- the tensors

Lie = Callable[[Small, Edit], "set[str] | None"]
"""Changes the honest tensors; returns the checks that must notice, or nothing where the shape has no such part."""


def raise_hidden(small: Small, edit: Edit) -> set[str] | None:
    if "hidden_1" not in edit.witness:
        return None
    edit.witness["hidden_1"][0, 1] += 1
    return {"layer_1"}


def raise_hidden_of_dead_neuron(small: Small, edit: Edit) -> set[str] | None:
    """Nothing after it changes, and still it is noticed."""
    if "hidden_1" not in edit.witness:
        return None
    row, column = np.argwhere(edit.witness["hidden_1"] < -1)[0]
    edit.witness["hidden_1"][row, column] += 1
    return {"layer_1"}


def change_low_limb(small: Small, edit: Edit) -> set[str] | None:
    return change_limb(small, edit, "low", 1 << 7)


def use_bits_below_the_low_limb(small: Small, edit: Edit) -> set[str] | None:
    return change_limb(small, edit, "low", 1)


def change_high_limb(small: Small, edit: Edit) -> set[str] | None:
    return change_limb(small, edit, "high", 1)


def change_limb(small: Small, edit: Edit, name: str, bit: int) -> set[str] | None:
    layer = shifted_layer(small)
    if layer is None:
        return None
    edit.witness[f"{name}_{layer}"][0, 2] ^= bit
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


def raise_logit(small: Small, edit: Edit) -> set[str]:
    edit.witness["logits"][0, 1] += 1
    return {f"layer_{small.statement.architecture.layers}"}


def exchange_logits(small: Small, edit: Edit) -> set[str]:
    """Of two classes, whose sum stays: a check without powers of ρ would not notice."""
    logits = edit.witness["logits"][0]
    first, second = np.argsort(logits)[[0, -1]]
    logits[[first, second]] = logits[[second, first]]
    return {f"layer_{small.statement.architecture.layers}"}


def change_weight(small: Small, edit: Edit) -> set[str]:
    """One that a feature other than zero meets."""
    feature = int(np.argwhere(sample_of(small) > 0)[0][0])
    edit.committed["weights_1"][feature, 0] += 1
    return {"layer_1"}


def change_bias(small: Small, edit: Edit) -> set[str]:
    last = small.statement.architecture.layers
    edit.committed[f"weights_{last}"][-1, 0] += 1
    return {f"layer_{last}"}


def negative_weight(small: Small, edit: Edit) -> set[str]:
    """-1 is in the table, and means 0: no weight below -B exists."""
    entering = (*sample_of(small), small.network.layers[0].bias_unit)
    weights = edit.committed["weights_1"]
    row, column = next(place for place in np.argwhere(weights == 1) if entering[place[0]])
    weights[row, column] = -1
    return {"layer_1"}


def change_margin(small: Small, edit: Edit) -> set[str]:
    edit.witness["margin_0"][0, (small.honest.result + 1) % CLASSES] ^= 1
    return {"margins"}


def change_margin_of_the_answer(small: Small, edit: Edit) -> set[str]:
    edit.witness["margin_0"][0, small.honest.result] = 0
    return {"margins"}


def change_high_margin_limb(small: Small, edit: Edit) -> set[str]:
    edit.witness["margin_1"][0, small.honest.result] += 1
    return {"margins"}


TENSOR_LIES: list[Lie] = [
    raise_hidden, raise_hidden_of_dead_neuron, change_low_limb, use_bits_below_the_low_limb, change_high_limb,
    borrow_between_limbs, raise_logit, exchange_logits, change_weight, change_bias, negative_weight, change_margin,
    change_margin_of_the_answer, change_high_margin_limb,
]  # fmt: skip


@pytest.mark.parametrize("lie", TENSOR_LIES, ids=lambda lie: lie.__name__)
def test_changed_tensors_are_caught(small: Small, lie: Lie) -> None:
    edit = Edit(small.statement, small.honest)
    by = lie(small, edit)
    if by is None:
        assert shifted_layer(small) is None or "hidden_1" not in edit.witness
        return
    require_caught(small, edit.done(), small.honest.result, by=by)


@pytest.mark.parametrize("small", ["three layers, mixed"], indirect=True)
@pytest.mark.parametrize("part", ["hidden_1", "low_2", "high_2", "margin_0", "margin_1", "weights_1"])
@pytest.mark.parametrize("value", ["above", "below", "far", "minus one half"])
def test_values_outside_the_table_satisfy_no_lookup(small: Small, part: str, value: str) -> None:
    bad = {
        "above": small.table.stop,
        "below": small.table.start - 1,
        "far": 1 << 20,
        "minus one half": (SCALAR_MODULUS - 1) // 2,
    }[value]
    edit = Edit(small.statement, small.honest)
    (edit.committed if part == "weights_1" else edit.witness)[part][0, 0] = bad
    assert "verification failed" in small.violations(edit.done())


def test_every_looked_up_entry_is_looked_up(one: Small) -> None:
    """First and last position of each part, but logits, answer and input, which checks alone bind."""
    assert one.violations(one.honest) == ""
    for tensor in ("committed", "witness"):
        for name, part in getattr(Edit(one.statement, one.honest), tensor).items():
            for index in {0, part.size - 1}:
                edit = Edit(one.statement, one.honest)
                getattr(edit, tensor)[name].ravel()[index] = one.table.stop
                refused = "verification failed" in one.violations(edit.done())
                assert refused == (name not in {"logits", "answer", "input"}), (name, index)


def test_no_limb_can_be_lent_to_another(small: Small) -> None:
    require_no_lending(small)


# --- the label


def claim_answer(edit: Edit, small: Small, answer: list[int]) -> int:
    """An answer vector with the best margins there are for it; returns the label that it shows."""
    logits, bits = edit.witness["logits"][0], small.statement.numerics.lookup_bits
    own = sum(each * int(logit) for each, logit in zip(answer, logits, strict=True))
    edit.witness["answer"][0] = answer
    for column, each in enumerate(answer):
        lead = (own - int(logits[column]) - 1 + 2 * each) % SCALAR_MODULUS
        margin = lead if lead < 1 << (2 * bits) else 0
        edit.witness["margin_0"][0, column] = margin & ((1 << bits) - 1)
        edit.witness["margin_1"][0, column] = margin >> bits
    return sum(index * value for index, value in enumerate(answer)) % SCALAR_MODULUS


def one_hot(label: int) -> list[int]:
    return [int(label == each) for each in range(CLASSES)]


def test_a_wrong_label_is_caught(small: Small) -> None:
    for step in range(1, CLASSES):
        label = (small.honest.result + step) % CLASSES
        edit = Edit(small.statement, small.honest)
        assert claim_answer(edit, small, one_hot(label)) == label
        assert small.failing(small.run(edit.done())) == {"margins"}
        if step == 1:
            require_caught(small, edit.done(), label, by={"margins"})


def test_a_wrong_label_with_its_logit_raised_is_caught(small: Small) -> None:
    """Everything but the last layer holds."""
    label = (small.honest.result + 1) % CLASSES
    edit = Edit(small.statement, small.honest)
    edit.witness["logits"][0, label] = edit.witness["logits"][0].max() + 1
    claim_answer(edit, small, one_hot(label))
    last = f"layer_{small.statement.architecture.layers}"
    assert small.failing(small.run(edit.done())) == {last}
    require_caught(small, edit.done(), label, by={last})


NOT_ONE_HOT = {
    "none": [0, 0, 0, 0],
    "two": [1, 1, 0, 0],
    "all": [1, 1, 1, 1],
    "twice": [2, 0, 0, 0],
    "sum of one": [2, -1, 0, 0],
    "boolean but one": [1, 1, 1, -2],
    "label of another": [0, 0, 3, -2],
    "two halves": [HALF, HALF, 0, 0],
    "half and field": [0, HALF, 0, SCALAR_MODULUS - HALF + 1],
    "minus one": [-1, 1, 1, 0],
    # (a_j² − a_j) + (Σ a − 1) = 0: the sum needs a power of ρ of its own
    **{f"minus one alone at {place}": [-(place == each) for each in range(CLASSES)] for place in range(CLASSES)},
}


@pytest.mark.parametrize("answer", NOT_ONE_HOT.values(), ids=NOT_ONE_HOT)
def test_an_answer_that_is_not_one_hot_is_caught(one: Small, answer: list[int]) -> None:
    edit = Edit(one.statement, one.honest)
    label = claim_answer(edit, one, answer)
    outputs = one.run(edit.done())
    assert "one_hot" in one.failing(outputs)
    assert outputs[-1] == label


@pytest.mark.parametrize("name", ["none", "two", "sum of one", "two halves"])
def test_a_proof_of_no_one_answer_is_refused(small: Small, name: str) -> None:
    edit = Edit(small.statement, small.honest)
    label = claim_answer(edit, small, NOT_ONE_HOT[name])
    require_caught(small, edit.done(), label, by={"one_hot"})


def tied_network() -> IntegerNetwork:
    """Two classes of three agree on [3, 1]; the third is behind."""
    weight = np.array([[2, 2, -1], [1, 1, 1]])
    return IntegerNetwork((IntegerLayer(weight, np.array([0, 0, 1]), 1),), 4, 3)


TIE_ANSWERS = ([1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0], [HALF, HALF, 0])


def tie(quick_engine: EzklEngine, srs_of: SrsOf, home: Path) -> tuple[Small, IntegerNetwork]:
    """Keys and honest tensors of a model that does decide, one bias away from the tied one."""
    tied, sample = tied_network(), np.array([3, 1])
    decided = replace(tied, layers=(replace(tied.layers[0], bias=np.array([0, 1, 1])),))
    small = small_inference(home, quick_engine, srs_of, decided, sample)
    assert small.honest.result == 1
    return small, tied


def tied_tensors(small: Small, answer: list[int]) -> tuple[Tensors, int]:
    """The tied model, its true logits, and an answer of one's choice with the best margins for it."""
    edit = Edit(small.statement, small.honest)
    edit.committed["weights_1"][-1, 1] -= 1
    edit.witness["logits"][0, 1] -= 1
    bits, logits = small.statement.numerics.lookup_bits, [int(value) for value in edit.witness["logits"][0]]
    own = sum(each * logit for each, logit in zip(answer, logits, strict=True)) % SCALAR_MODULUS
    edit.witness["answer"][0] = answer
    for column, each in enumerate(answer):
        lead = (own - logits[column] - 1 + 2 * each) % SCALAR_MODULUS
        lead = lead if lead < 1 << bits else 0
        edit.witness["margin_0"][0, column], edit.witness["margin_1"][0, column] = lead, 0
    return edit.done(), sum(index * each for index, each in enumerate(answer)) % SCALAR_MODULUS


def test_a_tie_has_no_provable_answer(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path) -> None:
    small, tied = tie(quick_engine, srs_of, tmp_path)
    with pytest.raises(InputError, match="two greatest logits are equal for this input"):
        honest_for(small, sample_of(small), tied)
    for answer in TIE_ANSWERS:
        lie, label = tied_tensors(small, answer)
        failing = small.failing(small.run(lie))
        assert failing & {"margins", "one_hot"}
        assert "layer_1" not in failing, "the model is the tied one"
        if sum(answer) == 1:
            assert not small.accepts(small.prove(lie).data, label)


class LaxGraph(InferenceGraph):
    """The margin without its -1: z_y - z_j ≥ 0 is enough."""

    def answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        hot, margins, label = super().answer(logits, values, clipped, powers)
        columns = torch.index_select(powers, 0, torch.arange(self.statement.architecture.sizes[-1])).reshape(-1, 1)
        return hot, margins + (1.0 - values["answer"]) @ columns, label


class AnyAnswerGraph(InferenceGraph):
    """Without C4: an answer vector of any field elements."""

    def answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        hot, margins, label = super().answer(logits, values, clipped, powers)
        return hot - hot, margins, label


def compiled(graph: type[InferenceGraph], statement: Statement, engine: EzklEngine, home: Path) -> Circuit:
    """The same statement with another graph behind it."""
    return Workspace(home, engine).build_circuit(statement, lambda path: _export(graph(statement), path))


def with_graph(small: Small, graph: type[InferenceGraph], srs_of: SrsOf, home: Path) -> Small:
    circuit = compiled(graph, small.statement, small.engine, home)
    return replace(small, keyed=Workspace(home, small.engine).set_up(circuit, srs_of(circuit.degree)))


def test_without_the_minus_one_a_tie_would_have_two_answers(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path
) -> None:
    small, _ = tie(quick_engine, srs_of, tmp_path / "honest")
    lax = with_graph(small, LaxGraph, srs_of, tmp_path / "lax")
    for answer in ([1, 0, 0], [0, 1, 0]):
        edit = Edit(small.statement, tied_tensors(small, answer)[0])
        logits = edit.witness["logits"][0]
        for column, each in enumerate(answer):
            edit.witness["margin_0"][0, column] = logits[0] - logits[column] + each
        proof = lax.prove(edit.done())
        assert lax.accepts(proof.data, answer.index(1))
        assert not small.accepts(proof.data, answer.index(1))


def test_without_the_one_hot_check_another_label_would_be_shown(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    """The answer plus a multiple of a vector whose margins are good and whose entries sum to zero."""
    careless = with_graph(one, AnyAnswerGraph, srs_of, tmp_path)
    label = one.honest.result
    behind = int(np.argmin(Edit(one.statement, one.honest).witness["logits"][0]))
    answer = [50 * (each == label) - 49 * (each == behind) for each in range(CLASSES)]
    edit = Edit(one.statement, one.honest)
    shown = claim_answer(edit, one, answer)
    assert shown != label
    assert careless.accepts(careless.prove(edit.done()).data, shown)
    assert one.failing(one.run(edit.done())) == {"one_hot"}


# --- the input


def test_an_answer_to_another_input_is_caught(small: Small) -> None:
    """Each feature in turn, one more or less, with everything else computed honestly from it."""
    public = sample_of(small)
    for index in range(len(public)):
        sample = public.copy()
        sample[index] += 1 if sample[index] < small.network.input_max else -1
        try:
            other = honest_for(small, sample)
        except InputError:  # a tie
            continue
        outputs = small.run(other)
        assert small.failing(outputs) == {"input"}
        assert replace(small, features=features_of(sample)).failing(outputs) == set()
        if is_proved(small) and not index:
            require_caught(small, other, other.result, by={"input"})
            elsewhere = replace(small, features=features_of(sample))
            assert elsewhere.accepts(elsewhere.prove(other).data, other.result)


def test_features_in_another_order_are_caught(small: Small) -> None:
    public = sample_of(small)
    for sample in (public[::-1], np.roll(public, 1), np.sort(public)):
        if (sample != public).any() and predict(small.network, sample[None])[0] >= 0:
            assert small.failing(small.run(honest_for(small, sample))) == {"input"}


@pytest.mark.parametrize("change", ["zeros behind", "zeros before", "last feature cut"])
def test_an_input_of_another_length_is_caught(one: Small, change: str) -> None:
    """Whoever verifies may not know how many features the circuit has: the polynomial is monic, so it says."""
    public = {
        "zeros behind": one.features + bytes(2),
        "zeros before": bytes(2) + one.features,
        "last feature cut": one.features[:-2],
    }[change]
    other = replace(one, features=public)
    proof = other.prove(other.honest)
    assert other.failing(proof.outputs) == {"input"}
    assert other.verify(proof)
    assert not other.accepts(proof.data, one.honest.result)


NOT_FEATURES = {
    "minus one": -1,
    "above two bytes": 1 << 16,
    "far": 1 << 200,
    "minus one half": (SCALAR_MODULUS - 1) // 2,
    "one half": HALF,
}


@pytest.mark.parametrize("value", NOT_FEATURES.values(), ids=NOT_FEATURES)
def test_an_input_that_is_no_feature_is_caught(one: Small, value: int) -> None:
    """Where the model does not look, so that nothing but the polynomial is against it; there is no lookup to pass."""
    edit = Edit(one.statement, one.honest)
    edit.witness["input"][0, 0] = value
    assert one.violations(edit.done()) == ""
    assert one.failing(one.run(edit.done())) == {"input"}
    proof = one.prove(edit.done())
    assert one.verify(proof)
    assert not one.accepts(proof.data, one.honest.result)


@pytest.mark.parametrize("value", [0, 4, 255, 65535])
def test_any_two_bytes_are_a_feature(one: Small, value: int) -> None:
    """``input_max`` is the witness builder's limit: the circuit answers to what is public, whatever it is."""
    assert value == 0 or value > one.network.input_max
    edit = Edit(one.statement, one.honest)
    edit.witness["input"][0, 0] = value
    sample = sample_of(one)
    sample[0] = value
    public = replace(one, features=features_of(sample))
    proof = public.prove(edit.done())
    assert public.accepts(proof.data, one.honest.result)
    if features_of(sample) != one.features:
        assert not one.accepts(proof.data, one.honest.result)


def for_another_input(one: Small, rho: int) -> PrivateTensors | Tensors:
    """Honest for an input with another answer, whose polynomial is the public one's at this ρ alone.

    The difference is put where the model does not look: Σ ρ^i x_i has the first feature as it is.
    """
    random = np.random.default_rng(8)
    samples = random.integers(0, one.network.input_max + 1, (40, one.network.sizes[0]))
    sample = next(each for each in samples if predict(one.network, each[None])[0] not in (-1, one.honest.result))
    edit = Edit(one.statement, honest_for(one, sample))
    error = evaluate_features(one.features, rho) - evaluate_features(features_of(sample), rho)
    edit.witness["input"][0, 0] = (int(sample[0]) + error) % SCALAR_MODULUS
    return edit.done()


def test_a_prover_who_knows_the_challenge_first_answers_to_another_input(one: Small) -> None:
    """What a fixed ρ would accept, and what a ρ that comes after the commitments does not."""
    rho = 1234567
    forged = for_another_input(one, rho)
    proof = one.prove(forged, challenge=lambda _: rho)
    wrong = proof.outputs[-1]
    assert wrong != one.honest.result
    assert proof.outputs == one.expected(rho, wrong)
    assert one.verify(proof)
    assert not one.accepts(proof.data, wrong)
    outputs = one.run(forged)
    assert one.failing(outputs) == {"input"}
    assert outputs[-1] == wrong
    assert not one.accepts(one.prove(forged).data, wrong)


def test_any_altered_output_is_refused(one: Small) -> None:
    """The evaluation of the input and the label among them."""
    proof = one.prove(one.honest)
    assert one.verify(proof)
    assert len(proof.outputs) == one.statement.public_outputs
    for index, value in enumerate(proof.outputs):
        for changed in (value + 1, (value - 1) % SCALAR_MODULUS, value + SCALAR_MODULUS):
            outputs = (*proof.outputs[:index], changed, *proof.outputs[index + 1 :])
            assert not one.verify(replace(proof, outputs=outputs)), index
    for outputs in (proof.outputs[:-1], (*proof.outputs[:-2], proof.outputs[-1]), (*proof.outputs, 0)):
        assert not one.verify(replace(proof, outputs=outputs))


def test_a_flipped_bit_in_any_word_is_refused(one: Small) -> None:
    proof = one.prove(one.honest)
    random = np.random.default_rng(1)
    for word in range(0, len(proof.data) // 32, 2):
        data = bytearray(proof.data)
        data[32 * word + int(random.integers(32))] ^= 1 << int(random.integers(8))
        assert not one.verify(replace(proof, data=bytes(data))), word


# --- the model


def test_another_model_is_another_commitment(one: Small) -> None:
    """A good proof about other weights; under the registered commitment it is none, nor does the ρ of either help."""
    seeds = (random_network(np.random.default_rng(seed), (6, 5, CLASSES), (1,)) for seed in range(9))
    other = next(network for network in seeds if predict(network, sample_of(one)[None])[0] >= 0)
    tensors = honest_for(one, sample_of(one), other)
    proof = one.prove(tensors)
    registered = one.commit(one.honest.committed)
    assert one.accepts(proof.data, tensors.result)
    assert proof.data[:POINT_BYTES] == one.commit(tensors.committed) != registered
    swapped = registered + proof.data[POINT_BYTES:]
    assert not one.accepts(swapped, tensors.result)
    assert not one.verify(replace(proof, data=swapped))
    rho = one.challenge(registered + one.commit(tensors.witness))
    aimed = one.prove(tensors, challenge=lambda _: rho)
    assert one.verify(aimed)
    assert not one.accepts(registered + aimed.data[POINT_BYTES:], tensors.result)


def test_the_key_depends_neither_on_the_model_nor_on_the_input(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    other = random_network(np.random.default_rng(5), (6, 5, CLASSES), (1,))
    sample = next(each for each in np.eye(6, dtype=np.int64) if predict(other, each[None])[0] >= 0)
    rebuilt = small_inference(tmp_path, one.engine, srs_of, other, sample)
    assert rebuilt.statement == one.statement
    assert rebuilt.keyed.vka_digest == one.keyed.vka_digest
    assert rebuilt.keyed.circuit.digests["graph.onnx"] == one.keyed.circuit.digests["graph.onnx"]


def about_a_set(small: Small, srs_of: SrsOf, home: Path) -> Small:
    """An accuracy circuit of the same model and k."""
    data = random_set(np.random.default_rng(1), small.network, 3)
    return small_accuracy(home, small.engine, srs_of, small.network, data, degree=INFERENCE_DEGREE)


def test_accuracy_and_answers_share_one_commitment_whatever_their_columns(
    one: Small, srs_of: SrsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = one.commit(one.honest.committed)
    assert one.prove(one.honest).data[:POINT_BYTES] == point
    for columns in (1, 2, 3):
        with monkeypatch.context() as patch:
            patch.setattr(ezkl, "INNER_COLUMNS", (columns,))
            certified = about_a_set(one, srs_of, tmp_path / str(columns))
        run = ezkl.read_settings(certified.keyed.circuit.files.settings)["run_args"]
        assert (run["num_inner_cols"], run["logrows"]) == (columns, INFERENCE_DEGREE)
        assert certified.honest.committed == one.honest.committed
        assert certified.commit(certified.honest.committed) == point
        assert certified.prove(certified.honest).data[:POINT_BYTES] == point


def test_under_another_degree_it_is_another_commitment(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    home, degree = tmp_path, INFERENCE_DEGREE + 1
    larger = small_inference(home, one.engine, srs_of, one.network, sample_of(one), degree=degree)
    assert larger.honest.committed == one.honest.committed
    assert larger.commit(larger.honest.committed) != one.commit(one.honest.committed)


# --- the graph


def turned(tensor: Tensor) -> Tensor:
    """The last dimension rotated by one: a gather, which costs no cells."""
    width = tensor.shape[-1]
    return torch.index_select(tensor, tensor.dim() - 1, torch.tensor([*range(1, width), 0]))


class OtherInputGraph(InferenceGraph):
    """Answers to the features in another order than it shows."""

    def layers(
        self, committed: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], folded: Tensor, powers: _Powers
    ) -> tuple[list[Tensor], Tensor]:
        return super().layers(committed, values, clipped, turned(folded), powers)


class OtherLogitsGraph(InferenceGraph):
    """Decides on other logits than the last layer's."""

    def answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        return super().answer(turned(logits), values, clipped, powers)


class OtherLabelGraph(InferenceGraph):
    """Shows the index of another class than the answer."""

    def answer(
        self, logits: Tensor, values: dict[str, Tensor], clipped: dict[str, Tensor], powers: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        hot, margins, _ = super().answer(logits, values, clipped, powers)
        indices = torch.arange(self.statement.architecture.sizes[-1], dtype=torch.float32)
        return hot, margins, turned(values["answer"]) @ indices.reshape(-1, 1)


class OtherWeightsGraph(InferenceGraph):
    """Takes the committed weights in another order."""

    def positive_parts(self, tensor: Tensor, layout: Layout) -> Tensor:
        parts = super().positive_parts(tensor, layout)
        return turned(parts) if layout is self.committed else parts


def tensors_for(graph: type[InferenceGraph], one: Small) -> Tensors:
    """A witness that satisfies every check of the lying graph, for the public input and the registered model."""
    network, sample = one.network, sample_of(one)
    first, last = network.layers
    if graph is OtherInputGraph:
        edit = Edit(one.statement, honest_for(one, np.roll(sample, -1)))
        edit.witness["input"][0] = sample
        return edit.done()
    edit = Edit(one.statement, one.honest)
    if graph is OtherLogitsGraph:
        logits = edit.witness["logits"][0].copy()
        edit.witness["logits"][0] = np.roll(logits, -1)
        claim_answer(edit, one, one_hot((one.honest.result - 1) % CLASSES))
        edit.witness["logits"][0] = logits
    if graph is OtherWeightsGraph:
        flat = np.roll(np.array(one.honest.committed[: network_entries(network)]), -1) - network.half_range
        cut = first.weight.size + first.bias.size
        matrices = [flat[:cut].reshape(-1, first.fan_out), flat[cut:].reshape(-1, last.fan_out)]
        layers = tuple(
            replace(layer, weight=matrix[:-1].copy(), bias=matrix[-1].copy())
            for layer, matrix in zip(network.layers, matrices, strict=True)
        )
        other = honest_for(one, sample, replace(network, layers=layers))
        return Tensors(one.honest.committed, other.witness)
    return edit.done()


def network_entries(network: IntegerNetwork) -> int:
    return sum(layer.weight.size + layer.bias.size for layer in network.layers)


@pytest.mark.parametrize(
    "graph", [OtherInputGraph, OtherLogitsGraph, OtherLabelGraph, OtherWeightsGraph], ids=lambda graph: graph.__name__
)
def test_another_graph_laid_out_under_this_key_is_refused(
    one: Small, graph: type[InferenceGraph], tmp_path: Path
) -> None:
    """All checks hold, of the lying graph; that it is another graph is what the key refuses."""
    liar = compiled(graph, one.statement, one.engine, tmp_path)
    settings = [ezkl.read_settings(files.settings) for files in (liar.files, one.keyed.circuit.files)]
    assert settings[0]["num_rows"] == settings[1]["num_rows"], "or the lie would be refused for its size"
    tensors = tensors_for(graph, one)
    proof = one.prove(tensors, layout=CircuitFiles(liar.files.folder))
    label = proof.outputs[-1]
    assert proof.outputs == one.expected(proof.outputs[0], label)
    assert one.run(tensors) != proof.outputs, "the honest graph says otherwise"
    assert not one.verify(proof)
    assert not one.accepts(proof.data, label)


def test_a_proof_about_a_set_is_no_answer(one: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    """Same model, same commitment, as many checks: the key, and one public output more, tell them apart."""
    certified = about_a_set(one, srs_of, tmp_path)
    assert certified.statement.checks == one.statement.checks
    proof = certified.prove(certified.honest)
    assert certified.accepts(proof.data, certified.honest.result)
    assert not one.verify(proof)
    for label in range(CLASSES):
        assert not one.accepts(proof.data, label)
    answer = one.prove(one.honest)
    assert not certified.verify(answer)
    assert not certified.accepts(answer.data, one.honest.result)


def test_a_circuit_that_does_not_fit_the_commitments_degree_is_refused(
    quick_engine: EzklEngine, srs_of: SrsOf, tmp_path: Path
) -> None:
    network = tied_network()
    numerics = small_numerics(lookup_salts=1000)
    with pytest.raises(ezkl.CircuitError, match="does not fit the degree of the model's commitment") as refusal:
        small_inference(tmp_path, quick_engine, srs_of, network, np.array([3, 0]), degree=9, numerics=numerics)
    assert (refusal.value.expected, refusal.value.got) == ("k = 11 or more", 9)
