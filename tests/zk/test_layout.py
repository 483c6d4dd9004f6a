"""Layouts: every entry has one place, looked-up ones first, salts last."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from pyml.zk.layout import Layout, Part, committed_layout, witness_layout
from pyml.zk.statement import Architecture, Numerics, Statement
from tests.zk.test_statement import statements

NUMERICS = Numerics(lookup_bits=9, margin_limbs=2, committed_salts=5, witness_salts=3, lookup_salts=7)
ACCURACY = Statement("private_model_accuracy", Architecture((4, 3, 5, 2), (1, 1, 1), (0, 2), 8, 16), 6, "0" * 64, "x",
                     NUMERICS)  # fmt: skip


@given(statements())
def test_parts_follow_one_another_without_gap_or_overlap(statement: Statement) -> None:
    for layout in (committed_layout(statement), witness_layout(statement)):
        place = 0
        for part in layout.parts.values():
            assert part.start == place
            place += part.length
        assert place == layout.values
        assert layout.size == layout.values + layout.salts
        assert layout.salts > 0


@given(statements())
def test_only_the_last_part_of_the_witness_needs_no_lookup(statement: Statement) -> None:
    layout = witness_layout(statement)
    last = list(layout.parts)[-1]
    assert last == ("logits" if statement.kind == "private_model_accuracy" else "answer")
    assert layout.looked_up == layout.parts[last].start


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


@pytest.mark.parametrize("shape", [(2, 3), (7,), (1, 1), (0, 4)])
def test_the_length_of_a_part_is_its_shapes_product(shape: tuple[int, ...]) -> None:
    length = 1
    for size in shape:
        length *= size
    assert Part(3, shape).length == length
    layout = Layout({"a": Part(0, shape)}, 0, 4)
    assert layout.size == length + 4
