"""Layouts: every entry has one place, looked-up ones first, salts last."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from pyml.zk.layout import Layout, Part, committed_layout, witness_layout
from pyml.zk.statement import ANY_INPUT, Architecture, Numerics, Statement
from tests.zk.test_statement import statements

NUMERICS = Numerics(lookup_bits=9, margin_limbs=2, committed_salts=5, witness_salts=3, lookup_salts=7)
SHAPE = Architecture((4, 3, 5, 2), (1, 1, 1), (0, 2), 8, 16)
ACCURACY = Statement("private_model_accuracy", SHAPE, 6, "1" * 64, "x", numerics=NUMERICS)
INFERENCE = Statement("private_model_inference", SHAPE, 1, ANY_INPUT, "any input", 9, NUMERICS)
LINK = replace(INFERENCE, kind="model_link")


@given(statements())
def test_parts_follow_one_another_without_gap_or_overlap(statement: Statement) -> None:
    for layout in (committed_layout(statement), witness_layout(statement)):
        place = 0
        for part in layout.parts.values():
            assert part.start == place
            place += part.length
        assert place == layout.values
        assert layout.size == layout.values + layout.salts
        assert layout.salts > 0 or layout.size == 0


PLAIN = {
    "private_model_accuracy": ["logits"],
    "private_model_inference": ["logits", "answer", "input"],
    "model_link": [],
    "private_input": ["answer"],
}


@given(statements())
def test_only_the_last_parts_of_the_witness_need_no_lookup(statement: Statement) -> None:
    layout = witness_layout(statement)
    plain = PLAIN[statement.kind]
    assert [name for name, part in layout.parts.items() if part.start >= layout.looked_up] == plain
    assert layout.looked_up == (layout.parts[plain[0]].start if plain else 0)


@given(statements())
def test_one_commitment_serves_all_circuits_of_a_private_model(statement: Statement) -> None:
    """What is committed does not depend on what is said of it."""
    if not statement.private_model:
        return
    rest = {"samples": 1, "subject": ANY_INPUT, "subject_name": "any input", "degree": statement.degree or 15}
    for kind in ("private_model_inference", "model_link"):
        assert committed_layout(replace(statement, kind=kind, **rest)) == committed_layout(statement)


def test_the_committed_tensor_holds_every_weight_with_its_bias_row_last() -> None:
    layout = committed_layout(ACCURACY)
    assert {name: part.shape for name, part in layout.parts.items()} == {
        "weights_1": (5, 3),
        "weights_2": (4, 5),
        "weights_3": (6, 2),
    }
    assert layout.values == ACCURACY.architecture.parameters
    assert layout.looked_up in (0, layout.values)  # 0 where nothing of it is looked up, as for an input
    assert layout.salts == 5


def test_weights_are_looked_up_and_an_input_has_checks_of_its_own() -> None:
    assert committed_layout(ACCURACY).looked_up == committed_layout(ACCURACY).values
    layout = committed_layout(replace(ACCURACY, kind="private_input", samples=1))
    assert dict(layout.parts) == {"input": Part(0, (4,))}


def test_the_witness_has_limbs_where_there_is_a_shift() -> None:
    layout = witness_layout(ACCURACY)
    shapes = {name: part.shape for name, part in layout.parts.items()}
    assert shapes["hidden_1"] == (6, 3)
    assert shapes["low_2"] == shapes["high_2"] == (6, 5)
    assert shapes["margin_0"] == shapes["margin_1"] == shapes["logits"] == (6, 2)
    assert "hidden_2" not in shapes
    assert "margin_2" not in shapes
    assert layout.salts == 3


def test_a_private_input_carries_no_hidden_values() -> None:
    layout = witness_layout(replace(ACCURACY, kind="private_input", samples=1))
    assert [name for name in layout.parts if name.startswith(("hidden", "low", "high"))] == ["low_2", "high_2"]
    assert layout.parts["answer"].shape == (1, 2)


def test_an_answers_witness_is_one_sample_with_its_input() -> None:
    shapes = {name: part.shape for name, part in witness_layout(INFERENCE).parts.items()}
    assert shapes == {
        "hidden_1": (1, 3), "low_2": (1, 5), "high_2": (1, 5), "margin_0": (1, 2), "margin_1": (1, 2),
        "lookup_salts": (7,), "logits": (1, 2), "answer": (1, 2), "input": (1, 4),
    }  # fmt: skip
    assert witness_layout(INFERENCE).salts == 3


def test_a_link_has_no_witness() -> None:
    layout = witness_layout(LINK)
    assert (dict(layout.parts), layout.looked_up, layout.size) == ({}, 0, 0)


@pytest.mark.parametrize("shape", [(2, 3), (7,), (1, 1), (0, 4)])
def test_the_length_of_a_part_is_its_shapes_product(shape: tuple[int, ...]) -> None:
    length = 1
    for size in shape:
        length *= size
    assert Part(3, shape).length == length
    layout = Layout({"a": Part(0, shape)}, 0, 4)
    assert layout.size == length + 4
