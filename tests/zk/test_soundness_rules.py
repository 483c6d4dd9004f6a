"""The nine soundness rules of ``docs/threat-model.md``: each kept, and each shown to matter by breaking it here.

Rule 1 (the engine's Freivalds product) has ``test_permuted_graph.py`` to itself; rule 8's on-chain half is in
``tests/contracts``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pyml.crypto.bn254 import SCALAR_MODULUS
from pyml.errors import CircuitError, DatasetError, InputError, ProofError
from pyml.ml.integer import IntegerLayer, IntegerNetwork, count_correct, hidden
from pyml.zk.circuits import _export, accuracy_graph, accuracy_statement, inference_statement
from pyml.zk.engine import CircuitFiles, Proof, Tensors
from pyml.zk.ezkl import EzklEngine, Settings, canonical_settings, read_settings, require_sound_settings
from pyml.zk.graph import AccuracyGraph, _Powers
from pyml.zk.layout import Layout, committed_layout, witness_layout
from pyml.zk.ledger import ProofLedger
from pyml.zk.statement import Numerics, Statement
from pyml.zk.witness import accuracy_tensors, architecture_of, committed_model, salted
from pyml.zk.workspace import Workspace
from tests.zk.conftest import SrsOf
from tests.zk.small_circuits import Edit, Small, random_network, random_set, small_accuracy, small_numerics

Graph = Callable[[Statement, Tensor, Tensor], AccuracyGraph]


@pytest.fixture(scope="module")
def small(quick_engine: EzklEngine, srs_of: SrsOf, tmp_path_factory: pytest.TempPathFactory) -> Small:
    random = np.random.default_rng(0)
    network = random_network(random, (6, 5, 3), (2,))
    data = random_set(random, network, 5)
    return small_accuracy(tmp_path_factory.mktemp("rules"), quick_engine, srs_of, network, data)


@pytest.fixture(scope="module")
def settings(small: Small) -> Settings:
    return read_settings(small.keyed.circuit.files.settings)


def with_graph(small: Small, graph: Graph, srs_of: SrsOf, home: Path) -> Small:
    """The same statement with another graph behind it."""
    assert small.data is not None
    broken = graph(small.statement, torch.tensor(small.data.inputs), torch.tensor(small.data.labels))
    workspace = Workspace(home, small.engine)
    circuit = workspace.build_circuit(small.statement, lambda path: _export(broken, path))
    return replace(small, keyed=workspace.set_up(circuit, srs_of(circuit.degree)))


# --- rule 2: ties are wrong


class LaxGraph(AccuracyGraph):
    """The margin without its -1: z_y - z_j ≥ 0 is enough."""

    def _margins(
        self,
        values: dict[str, Tensor],
        clipped: dict[str, Tensor],
        powers: _Powers,
        scores: Tensor,
    ) -> tuple[Tensor, Tensor]:
        margins, boolean = super()._margins(values, clipped, powers, scores)
        evaluate = powers.evaluation(self.statement.architecture.shapes[-1])
        correct = self._correct(clipped)
        label_columns = torch.index_select(evaluate.columns.reshape(-1), 0, self.labels).reshape(-1, 1)
        others = evaluate.columns.sum() - label_columns  # the -1 of each class but the label
        return margins + (evaluate.rows.reshape(-1, 1) * correct * others).sum(), boolean


def all_zero(small: Small) -> IntegerNetwork:
    layers = tuple(
        replace(layer, weight=np.zeros_like(layer.weight), bias=np.zeros_like(layer.bias))
        for layer in small.network.layers
    )
    return replace(small.network, layers=layers)


def test_the_all_zero_model_proves_nothing(small: Small) -> None:
    assert small.data is not None
    zero = all_zero(small)
    assert count_correct(zero, small.data.inputs, small.data.labels) == 0
    tensors = accuracy_tensors(small.statement, zero, small.data.inputs, small.data.labels, model_salts=(1, 2, 3))
    proof = small.prove(tensors)
    assert small.accepts(proof.data, 0)
    for lie in (1, len(small.data.labels)):
        edit = Edit(small.statement, tensors)
        for row in range(lie):
            edit.witness["margin_0"][row, small.data.labels[row]] = 1  # correct, with every other margin 0
        outputs = small.run(edit.done())
        assert outputs[-1] == lie
        assert small.failing(outputs) == {"margins"}


def test_without_the_minus_one_it_would_prove_everything(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert small.data is not None
    lax = with_graph(small, LaxGraph, srs_of, tmp_path)
    zero = accuracy_tensors(
        small.statement, all_zero(small), small.data.inputs, small.data.labels, model_salts=(1, 2, 3)
    )
    edit = Edit(small.statement, zero)
    for row, label in enumerate(small.data.labels):
        edit.witness["margin_0"][row, label] = 1
    proof = lax.prove(edit.done())
    assert lax.accepts(proof.data, len(small.data.labels))  # 5 of 5, by a model of zeros
    assert not small.accepts(proof.data, len(small.data.labels))


# --- rules 1, 3, 4, 5, 8: what the settings must say


def test_sound_settings_pass(small: Small, settings: Settings) -> None:
    require_sound_settings(settings, small.statement)
    operations = json.dumps(settings["required_lookups"])
    assert operations == '[{"HardSwish": {"scale": 1.0}}]'  # no Div, no RebaseScale: nothing is ever divided
    assert settings["run_args"]["scale_rebase_multiplier"] == 1


SETTINGS_THAT_BREAK_A_RULE: list[tuple[str, str, list[str], object]] = [
    ("1", "built-in Freivalds (unsound)", ["run_args", "disable_freivalds"], False),
    ("1", "einsum columns", ["einsum_params", "total_einsum_col_size"], 8),
    ("3", "input scale", ["run_args", "input_scale"], 7),
    ("3", "parameter scale", ["run_args", "param_scale"], 1),
    ("3", "output scales", ["model_output_scales"], [0, 7, 0, 0, 0, 0]),
    ("3", "lookup tables", ["required_lookups"], [{"HardSwish": {"scale": 1.0}}, {"Div": {"denom": 2.0}}]),
    ("4", "lookup tables", ["required_lookups"], []),
    ("4", "lookup range", ["run_args", "lookup_range"], [-(1 << 20), 1 << 20]),
    ("5", "parameter visibility", ["run_args", "param_visibility"], "Private"),
    ("5", "parameter visibility", ["run_args", "param_visibility"], "Public"),
    ("5", "input visibility", ["run_args", "input_visibility"], "Private"),
    ("5", "input visibility", ["run_args", "input_visibility"], "Fixed"),
    ("5", "input visibility", ["run_args", "input_visibility"], {"Hashed": {"hash_is_public": True, "outlets": []}}),
    ("5", "output visibility", ["run_args", "output_visibility"], "Private"),
    ("9", "private tensors", ["module_sizes", "polycommit"], [1, 2, 1]),
    ("1", "engine version", ["version"], "24.0.0"),
    ("1", "dynamic lookups", ["num_dynamic_lookups"], 1),
    ("1", "shuffles", ["num_shuffles"], 1),
    ("8", "public outputs", ["model_instance_shapes"], [[1]]),
]


@pytest.mark.parametrize(
    ("rule", "name", "path", "value"),
    SETTINGS_THAT_BREAK_A_RULE,
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_settings_that_break_a_rule_are_refused(
    small: Small, settings: Settings, rule: str, name: str, path: list[str], value: object
) -> None:
    broken = deepcopy(settings)
    place = broken
    for key in path[:-1]:
        place = place[key]
    assert place[path[-1]] != value
    place[path[-1]] = value
    with pytest.raises(CircuitError, match="the circuit's settings break a soundness rule: ") as refusal:
        require_sound_settings(broken, small.statement)
    assert name in refusal.value.problem
    assert refusal.value.expected != refusal.value.got


# --- rule 4: every weight passes the lookup


class TrustingGraph(AccuracyGraph):
    """Weights straight into the product, as with the engine's range checks off and no lookup instead."""

    def positive_parts(self, tensor: Tensor, layout: Layout) -> Tensor:
        if layout is self.committed:
            return torch.index_select(tensor, 0, torch.arange(layout.looked_up))
        return super().positive_parts(tensor, layout)


def tensors_with_bias(small: Small, bias: int) -> Tensors:
    """An honest witness for a model whose last layer's biases are any integers, the label's class of sample 0 first."""
    assert small.data is not None
    statement, network = small.statement, small.network
    edit = Edit(statement, small.honest)
    offset = statement.architecture.offset
    edit.committed["weights_2"][-1] = [bias + offset, offset, offset]
    last = replace(network.layers[-1], bias=np.zeros_like(network.layers[-1].bias))
    logits = hidden(replace(network, layers=(network.layers[0], last)), small.data.inputs)[-1].astype(object)
    logits[:, 0] += bias * network.layers[-1].bias_unit
    edit.witness["logits"][:] = logits
    bits = statement.numerics.lookup_bits
    for row, label in enumerate(small.data.labels):
        lead = [int(logits[row, label] - other - 1) for other in logits[row]]
        lead[label] = 1
        right = min(lead) >= 0
        for column, margin in enumerate(lead):
            kept = margin if right else 0
            low = kept & ((1 << bits) - 1)
            edit.witness["margin_0"][row, column] = low
            edit.witness["margin_1"][row, column] = kept >> bits
    return edit.done()


@pytest.mark.parametrize("bias", [1 << 9, 1 << 11])
def test_a_weight_out_of_range_satisfies_no_lookup(small: Small, bias: int, srs_of: SrsOf, tmp_path: Path) -> None:
    tensors = tensors_with_bias(small, bias)
    assert "verification failed" in small.violations(tensors)
    trusting = with_graph(small, TrustingGraph, srs_of, tmp_path)
    proof = trusting.prove(tensors)
    assert trusting.failing(proof.outputs) == set()
    assert trusting.accepts(proof.data, proof.outputs[-1])  # what the lookup is there to prevent


def test_a_weight_of_minus_one_half_is_refused_too(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    """Any field element would do for a cheat who may choose weights freely: here a zero row that is none."""
    edit = Edit(small.statement, small.honest)
    assert small.data is not None
    edit.committed["weights_1"][0, 0] = SCALAR_MODULUS - 1
    assert small.failing(small.run(edit.done())) == {"layer_1"}  # in the table, but it means 0 and not -1
    edit.committed["weights_1"][0, 0] = (SCALAR_MODULUS - 1) // 2
    assert "verification failed" in small.violations(edit.done())
    trusting = with_graph(small, TrustingGraph, srs_of, tmp_path)
    assert trusting.violations(edit.done()) == ""


def test_the_product_believes_any_field_element_without_the_lookup(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    """p - 1 as a committed weight, with hidden values to match: accepted where weights skip the lookup."""
    assert small.data is not None
    weight, first = -1, small.network.layers[0]
    matrix = first.weight.copy()
    matrix[0, 0] = weight - small.statement.architecture.offset  # below -B, the least weight there is
    bits, shift = small.statement.numerics.lookup_bits, first.shift
    pre = small.data.inputs @ matrix + first.bias * first.bias_unit
    edit = Edit(small.statement, small.honest)
    edit.committed["weights_1"][0, 0] = weight
    edit.witness["high_1"][:] = pre >> shift
    edit.witness["low_1"][:] = (pre - (pre >> shift << shift)) << (bits - shift)
    logits = np.maximum(pre >> shift, 0) @ small.network.layers[1].weight
    edit.witness["logits"][:] = logits + small.network.layers[1].bias * small.network.layers[1].bias_unit
    edit.witness["margin_0"][:] = edit.witness["margin_1"][:] = 0
    trusting = with_graph(small, TrustingGraph, srs_of, tmp_path)
    assert trusting.failing(trusting.run(edit.done())) == set()
    assert "layer_1" in small.failing(small.run(edit.done()))


# --- rule 5: weights are inputs, never parameters


def test_nothing_secret_is_in_the_circuit(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    """Graph, settings and compiled circuit are the same bytes for any model of the architecture."""
    assert small.data is not None
    other = random_network(np.random.default_rng(77), (6, 5, 3), (2,))
    statement = accuracy_statement(architecture_of(other), small.data, small.statement.numerics)
    assert statement == small.statement
    circuit = Workspace(tmp_path, small.engine).build_circuit(statement, accuracy_graph(statement, small.data))
    assert circuit.digests == small.keyed.circuit.digests


# --- rule 6: the data set is named in the statement


def test_the_statement_pins_the_data_set(small: Small) -> None:
    assert small.data is not None
    assert small.statement.subject == small.data.digest
    for other in (
        replace(small.data, inputs=small.data.inputs[::-1]),
        replace(small.data, labels=(small.data.labels + 1) % 3),
    ):
        assert accuracy_statement(small.statement.architecture, other, small.statement.numerics) != small.statement
        with pytest.raises(DatasetError, match="the data are not the ones that the circuit pins") as refusal:
            accuracy_graph(small.statement, other)
        assert refusal.value.expected == small.data.digest
        assert refusal.value.got == other.digest


# --- rule 7: one order of settings, one verifying key


def test_equal_circuits_have_equal_settings_and_keys(small: Small, srs_of: SrsOf, tmp_path: Path) -> None:
    assert small.data is not None
    written, keys = {small.keyed.circuit.files.settings.read_bytes()}, {small.keyed.vka_digest}
    for attempt in range(2):
        again = small_accuracy(tmp_path / str(attempt), small.engine, srs_of, small.network, small.data)
        written.add(again.keyed.circuit.files.settings.read_bytes())
        keys.add(again.keyed.vka_digest)
    assert len(written) == 1
    assert len(keys) == 1


def test_settings_are_the_same_in_every_run(small: Small) -> None:
    """The engine counts rows of some parallel operators with a race; none of them may be in our circuits."""
    files = small.keyed.circuit.files
    for columns in (2, 3):
        written = {json.dumps(small.engine._settings(small.statement, files, columns)) for _ in range(12)}
        assert len(written) == 1


def test_the_canonical_order_does_not_depend_on_the_engines(settings: Settings) -> None:
    settings = deepcopy(settings)
    settings["required_range_checks"] = [[-1, 1], [0, 127], [-16, 16]]
    settings["required_lookups"] = [{"HardSwish": {"scale": 1.0}}, {"Abs": {}}]
    settings["einsum_params"]["equations"] = [["ij,jk->ik", {"j": 2, "i": 1}], ["i,i->", {"i": 3}]]
    shuffled = deepcopy(settings)
    for key in ("required_range_checks", "required_lookups"):
        shuffled[key].reverse()
    shuffled["einsum_params"]["equations"] = [["i,i->", {"i": 3}], ["ij,jk->ik", {"i": 1, "j": 2}]]
    shuffled["timestamp"] = 1234
    assert json.dumps(settings) != json.dumps(shuffled)
    assert json.dumps(canonical_settings(settings)) == json.dumps(canonical_settings(shuffled))
    assert canonical_settings(settings)["required_range_checks"] == [[-16, 16], [-1, 1], [0, 127]]


def test_pinned_settings_that_come_out_otherwise_are_refused(small: Small, tmp_path: Path) -> None:
    assert small.data is not None
    workspace = Workspace(tmp_path, small.engine)
    graph = accuracy_graph(small.statement, small.data)
    pinned = small.keyed.circuit.files.settings.read_bytes()
    assert workspace.build_circuit(small.statement, graph, pinned_settings=pinned).degree == small.keyed.circuit.degree
    with pytest.raises(CircuitError, match="the circuit's settings are not the pinned ones"):
        workspace.build_circuit(small.statement, graph, pinned_settings=pinned + b" ")


# --- rule 8: public inputs are reduced


@pytest.mark.parametrize("offset", [SCALAR_MODULUS, -SCALAR_MODULUS])
def test_outputs_that_are_not_reduced_are_refused(small: Small, offset: int) -> None:
    proof = small.prove(small.honest)
    alias = Proof(proof.data, (*proof.outputs[:-1], proof.outputs[-1] + offset))
    assert small.verify(proof)
    try:
        accepted = small.verify(alias)
    except InputError:
        accepted = False
    assert not accepted


# --- rule 9: salts


def test_a_commitment_is_as_its_salts(small: Small) -> None:
    statement, layout = small.statement, committed_layout(small.statement)
    values = committed_model(statement, small.network)
    first = small.commit(salted(values, (1, 2, 3), layout))
    assert small.commit(salted(values, (1, 2, 3), layout)) == first  # deterministic, hence to be salted
    for salts in ((1, 2, 4), (2, 1, 3), (SCALAR_MODULUS - 1, 2, 3)):
        assert small.commit(salted(values, salts, layout)) != first
    assert small.commit(salted((values[0] ^ 1, *values[1:]), (1, 2, 3), layout)) != first


@pytest.mark.parametrize("salts", [(), (1, 2), (1, 2, 3, 4)])
def test_another_number_of_salts_is_refused(small: Small, salts: tuple[int, ...]) -> None:
    layout = committed_layout(small.statement)
    with pytest.raises(InputError, match="a private tensor has the wrong length") as refusal:
        salted(committed_model(small.statement, small.network), salts, layout)
    assert refusal.value.expected == (layout.values, 3)
    assert refusal.value.got == (layout.values, len(salts))


@pytest.mark.parametrize("changes", [{"committed_salts": 0}, {"witness_salts": 0}, {"committed_salts": -1}])
def test_circuits_without_salt_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(CircuitError, match="tensors without salt would reveal the secret"):
        small_numerics(**changes)


def test_the_default_is_at_least_256_salts() -> None:
    assert Numerics().committed_salts >= 256


def test_witness_salts_are_fresh_in_every_proof(small: Small) -> None:
    assert small.data is not None
    layout = witness_layout(small.statement)
    seen: set[int] = set()
    for _ in range(3):
        tensors = accuracy_tensors(
            small.statement, small.network, small.data.inputs, small.data.labels, model_salts=(1, 2, 3)
        )
        seen.update(tensors.witness[layout.values :])
    assert len(seen) == 3 * layout.salts
    assert min(seen) > 1 << 128  # not small numbers


def test_proofs_of_one_commitment_are_counted(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "ledger", limit=2)
    ledger.record(b"a" * 32)
    ledger.require_room()
    ledger.record(b"b" * 32)
    for refused in (ledger.require_room, lambda: ledger.record(b"c" * 32)):
        with pytest.raises(ProofError, match="this commitment has no proof left") as refusal:
            refused()
        assert refusal.value.got == 2
    assert ProofLedger(tmp_path / "ledger", limit=2).used == 2


# --- the challenge comes after the commitments


def forged_for(small: Small, rho: int) -> Tensors:
    """A witness for one more correct answer whose checks vanish at this ρ: two linear equations, solved.

    The first wrong sample gets the logits it wants; the error e = Σ r_i s_j Δ_ij is taken back by one other logit of
    another wrong sample (whose margins are all zero and look at no logit), divided by its power of ρ.
    """
    assert small.data is not None
    edit = Edit(small.statement, small.honest)
    logits = edit.witness["logits"]
    samples, classes = logits.shape
    right = [bool(edit.witness["margin_0"][row, label]) for row, label in enumerate(small.data.labels)]
    target, spare = [row for row in range(samples) if not right[row]][:2]
    label = int(small.data.labels[target])
    power = [pow(rho, row, SCALAR_MODULUS) for row in range(samples)]
    column = [pow(rho, samples * each, SCALAR_MODULUS) for each in range(classes)]
    wanted = [int(logits[target, each]) for each in range(classes)]
    wanted[label] = max(wanted) + 1
    error = sum(power[target] * column[each] * (wanted[each] - logits[target, each]) for each in range(classes))
    logits[target] = wanted
    logits[spare, 0] -= error * pow(power[spare] * column[0], -1, SCALAR_MODULUS)
    bits = small.statement.numerics.lookup_bits
    for each in range(classes):
        margin = 1 if each == label else wanted[label] - wanted[each] - 1
        edit.witness["margin_0"][target, each] = margin & ((1 << bits) - 1)
        edit.witness["margin_1"][target, each] = margin >> bits
    return edit.done()


def test_a_prover_who_knows_the_challenge_first_forges_at_will(small: Small) -> None:
    rho = 1234567
    forged = forged_for(small, rho)
    proof = small.prove(forged, challenge=lambda _: rho)
    assert proof.outputs == (rho, *[0] * small.statement.checks, small.honest.result + 1)
    assert small.verify(proof)  # one more than the truth: this is what a fixed ρ would accept


@pytest.mark.parametrize("guess", ["fixed", "of the honest witness", "of itself"])
def test_with_the_challenge_from_the_commitments_the_same_forgery_fails(small: Small, guess: str) -> None:
    rho = 1234567
    if guess == "of the honest witness":
        rho = small.prove(small.honest).outputs[0]
    forged = forged_for(small, rho)
    if guess == "of itself":  # solving for the ρ that the forgery leads to changes the forgery, hence ρ
        rho = small.run(forged)[0]
        forged = forged_for(small, rho)
    outputs = small.run(forged)
    assert outputs[0] != rho
    assert small.failing(outputs) == {"layer_2"}
    assert outputs[-1] == small.honest.result + 1
    proof = small.prove(forged)
    assert not small.accepts(proof.data, small.honest.result + 1)
    fixed = small.prove(forged, challenge=lambda _: rho)
    assert small.verify(fixed)
    assert not small.accepts(fixed.data, small.honest.result + 1)


def test_the_challenge_covers_both_tensors(small: Small) -> None:
    """A change in either, salts included, gives another ρ."""
    seen = {small.run(small.honest)[0]}
    for index in (0, -1):
        for name in ("committed", "witness"):
            parts = {"committed": list(small.honest.committed), "witness": list(small.honest.witness)}
            parts[name][index] += 1
            seen.add(small.run(Tensors(parts["committed"], parts["witness"]))[0])
    assert len(seen) == 5


def test_the_engine_passes_all_commitments_to_the_challenge(small: Small) -> None:
    heard: list[bytes] = []

    def challenge(points: bytes) -> int:
        heard.append(points)
        return small.challenge(points)

    proof = small.prove(small.honest, challenge=challenge)
    assert heard == [proof.data[:128]]
    assert heard[0] == small.commit(small.honest.committed) + small.commit(small.honest.witness)


def test_a_circuit_file_of_another_statement_is_not_used(small: Small) -> None:
    """Settings are bound to their statement by their sizes as well."""
    other = replace(small.statement, numerics=replace(small.statement.numerics, committed_salts=4))
    with pytest.raises(CircuitError, match="soundness rule: private tensors"):
        require_sound_settings(read_settings(CircuitFiles(small.keyed.circuit.files.folder).settings), other)
    answering = inference_statement(small.statement, small.keyed.circuit.degree)
    with pytest.raises(CircuitError, match="soundness rule: public outputs") as refusal:
        require_sound_settings(read_settings(small.keyed.circuit.files.settings), answering)
    assert (refusal.value.expected, refusal.value.got) == ([[1]] * 7, [[1]] * 6)


def test_layers_are_not_shown_by_a_failure(small: Small) -> None:
    assert "IntegerLayer(6 -> 5" in repr(small.network)
    assert repr(IntegerLayer(np.array([[7, 5]]), np.array([1, 2]), 1)).count("7") == 0
    assert (
        repr(small.honest)
        == f"PrivateTensors({len(small.honest.committed)} + {len(small.honest.witness)} secret entries)"
    )
