"""Statements: what they refuse, how they are written, and that their digest tells any two apart."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import CircuitError
from pyml.ml.shapes import Convolution, LayerShape, Pool
from pyml.zk.statement import (
    ANY_INPUT,
    GUARD_ROWS,
    KINDS,
    MAX_DEGREE,
    Architecture,
    Numerics,
    Statement,
    read_statement,
    statement_from_dict,
)

SUBJECT = "0123456789abcdef" * 4
SHAPE = Architecture((4, 3, 2), (2, 8), (1,), 8, 16)
STATEMENT = Statement("private_model_accuracy", SHAPE, 10, SUBJECT, 'digits/test[0:10] "quoted" \\ é\n')


INFERENCE = replace(
    STATEMENT, kind="private_model_inference", samples=1, subject=ANY_INPUT, subject_name="any input", degree=15
)
LINK = replace(INFERENCE, kind="model_link")
INPUT = replace(STATEMENT, kind="private_input", samples=1)
CONVOLUTION = LayerShape(2, 1, Convolution(1, 1, 4, (1, 2)))
CONVOLVED = replace(STATEMENT, architecture=replace(SHAPE, convolutions=(CONVOLUTION,)))
POOLED = replace(
    STATEMENT,
    architecture=Architecture(
        (32, 4, 2), (2, 8), (1,), 8, 16, (LayerShape(8, 4, Convolution(2, 4, 4, (2, 2), (2, 2)), Pool("max", 2)),)
    ),
)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    sizes = (*draw(st.lists(st.integers(1, 900), min_size=1, max_size=5)), draw(st.integers(2, 100)))
    kind = draw(st.sampled_from(KINDS))
    bits = draw(st.integers(8, 22))
    any_input = kind in ("private_model_inference", "model_link")
    digest = st.text("0123456789abcdef", min_size=64, max_size=64).filter(lambda text: text != ANY_INPUT)
    return Statement(
        kind,
        Architecture(
            sizes,
            tuple(1 << draw(st.integers(0, 24)) for _ in sizes[1:]),
            tuple(draw(st.integers(0, bits)) for _ in sizes[2:]),
            draw(st.integers(2, min(bits, 16))),
            draw(st.integers(1, (1 << min(bits, 16)) - 1)),
        ),
        draw(st.integers(1, 10**6)) if kind == "private_model_accuracy" else 1,
        ANY_INPUT if any_input else draw(digest),
        draw(st.text()),
        0 if kind == "private_input" else draw(st.integers(1 if any_input else 0, MAX_DEGREE)),
        Numerics(lookup_bits=bits, margin_limbs=draw(st.integers(1, 4)), committed_salts=draw(st.integers(2, 999))),
    )


@given(statements())
def test_statements_survive_toml(statement: Statement) -> None:
    table = tomllib.loads(statement.to_toml())
    assert table.pop("visibility")
    read = statement_from_dict(table)
    assert read == statement
    assert read.digest == statement.digest
    assert statement_from_dict(statement.as_dict()) == statement


@pytest.mark.parametrize(
    "statement",
    [STATEMENT, INFERENCE, LINK, INPUT, CONVOLVED, POOLED],
    ids=["accuracy", "inference", "link", "input", "convolution", "pool"],
)
def test_a_statement_survives_a_file(statement: Statement, tmp_path: Path) -> None:
    path = tmp_path / "circuit.toml"
    path.write_text(statement.to_toml(), encoding="utf-8")
    assert read_statement(path) == statement


@pytest.mark.parametrize("statement", [STATEMENT, INFERENCE, LINK, INPUT], ids=lambda statement: statement.kind)
def test_the_file_says_who_sees_what(statement: Statement) -> None:
    visibility = tomllib.loads(statement.to_toml())["visibility"]
    public = {"challenge"} | {
        "private_model_accuracy": {"data", "labels", "checks", "count"},
        "private_model_inference": {"checks", "evaluation", "label"},
        "model_link": {"fingerprint"},
        "private_input": {"model", "checks", "label"},
    }[statement.kind]
    private = {"committed"} if statement.kind == "model_link" else {"committed", "witness"}
    assert {name for name, who in visibility.items() if who.startswith("private")} == private
    assert set(visibility) == public | private


def changed_statements() -> list[Statement]:
    """One change in each field."""
    shapes: list[dict[str, Any]] = [
        {"sizes": (5, 3, 2)}, {"bias_units": (4, 8)}, {"shifts": (2,)}, {"weight_bits": 7}, {"input_max": 15},
        {"convolutions": (CONVOLUTION,)},
    ]  # fmt: skip
    assert {name for shape in shapes for name in shape} == {field.name for field in fields(Architecture)}
    numbers = [{field.name: getattr(Numerics(), field.name) + 1} for field in fields(Numerics)]
    return [
        *(replace(STATEMENT, architecture=replace(SHAPE, **shape)) for shape in shapes),
        *(replace(STATEMENT, numerics=replace(Numerics(), **number)) for number in numbers),
        replace(STATEMENT, samples=11),
        replace(STATEMENT, subject="f" * 64),
        replace(STATEMENT, subject_name="other"),
        replace(STATEMENT, degree=15),
        INPUT,
        INFERENCE,
        replace(INFERENCE, degree=16),
        LINK,
    ]


def test_every_field_is_in_the_digest() -> None:
    digests = [STATEMENT.digest, *(each.digest for each in changed_statements())]
    assert len(set(digests)) == len(digests)


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    table = dict(reversed(STATEMENT.as_dict().items()))
    assert statement_from_dict(table).digest == STATEMENT.digest


def test_derived_numbers() -> None:
    assert (SHAPE.layers, SHAPE.offset, SHAPE.parameters) == (2, 128, 5 * 3 + 4 * 2)
    numerics = Numerics(lookup_bits=10)
    assert (numerics.table_low, numerics.table_high) == (-1024 + GUARD_ROWS, 1023)
    assert (STATEMENT.checks, INFERENCE.checks, INPUT.checks, LINK.checks) == (4, 4, 4, 0)
    assert replace(INPUT, architecture=replace(SHAPE, shifts=(0,))).checks == 3
    assert replace(INFERENCE, architecture=replace(SHAPE, shifts=(0,))).checks == 4
    assert (STATEMENT.public_outputs, INFERENCE.public_outputs, INPUT.public_outputs) == (6, 7, 6)
    assert LINK.public_outputs == 2  # ρ and the fingerprint
    assert [each.private_model for each in (STATEMENT, INFERENCE, LINK, INPUT)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sizes": (4,), "bias_units": (), "shifts": ()}, "positive widths and at least two classes"),
        ({"sizes": (4, 0, 2)}, "positive widths and at least two classes"),
        ({"sizes": (4, 3, 1)}, "positive widths and at least two classes"),
        ({"sizes": (-4, 3, 2)}, "positive widths and at least two classes"),
        ({"bias_units": (1,)}, "bias units or shifts do not match"),
        ({"shifts": ()}, "bias units or shifts do not match"),
        ({"shifts": (1, 1)}, "bias units or shifts do not match"),
        ({"bias_units": (1, 3)}, "a bias unit is not a power of two"),
        ({"bias_units": (0, 1)}, "a bias unit is not a power of two"),
        ({"bias_units": (1, 2**25)}, "a bias unit is not a power of two"),
        ({"shifts": (-1,)}, "shifts, weight_bits or input_max are out of range"),
        ({"weight_bits": 1}, "shifts, weight_bits or input_max are out of range"),
        ({"weight_bits": 17}, "shifts, weight_bits or input_max are out of range"),
        ({"input_max": 0}, "shifts, weight_bits or input_max are out of range"),
    ],
)
def test_impossible_architectures_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(CircuitError, match=problem):
        replace(SHAPE, **changes)


@pytest.mark.parametrize("changes", [{"lookup_bits": 7}, {"lookup_bits": 23}, {"margin_limbs": 0}, {"margin_limbs": 5}])
def test_impossible_numerics_are_refused(changes: dict[str, int]) -> None:
    with pytest.raises(CircuitError, match="lookup_bits or margin_limbs out of range"):
        replace(Numerics(), **changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"kind": "private_model"}, "unknown circuit"),
        ({"samples": 0}, "wrong number of samples"),
        ({"kind": "private_input"}, "wrong number of samples"),
        ({"kind": "private_model_inference", "subject": ANY_INPUT, "degree": 15}, "wrong number of samples"),
        ({"degree": -1}, "wrong degree for private_model_accuracy; expected 0 to 26; got -1"),
        ({"degree": MAX_DEGREE + 1}, "wrong degree for private_model_accuracy; expected 0 to 26; got 27"),
        ({"subject": ANY_INPUT}, "wrong subject for private_model_accuracy"),
        ({"subject": "f" * 63}, "subject is not a sha256 digest"),
        ({"subject": "F" * 64}, "subject is not a sha256 digest"),
        ({"subject": "g" * 64}, "subject is not a sha256 digest"),
        ({"architecture": replace(SHAPE, weight_bits=14)}, "weights or inputs are wider than the lookup table"),
        ({"architecture": replace(SHAPE, input_max=1 << 13)}, "weights or inputs are wider than the lookup table"),
        ({"architecture": replace(SHAPE, shifts=(14,))}, "a shift is wider than a limb"),
    ],
)
def test_impossible_statements_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(CircuitError, match=problem):
        replace(STATEMENT, **changes)


@pytest.mark.parametrize("statement", [INFERENCE, LINK], ids=lambda statement: statement.kind)
@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"degree": 0}, "wrong degree for {}; expected 1 to 26; got 0"),
        ({"degree": MAX_DEGREE + 1}, "wrong degree for {}; expected 1 to 26; got 27"),
        ({"subject": SUBJECT}, "wrong subject for {}; got " + SUBJECT),
        ({"subject": "0" * 63}, "wrong subject for {}; got " + "0" * 63),
        ({"samples": 2}, "wrong number of samples"),
    ],
)
def test_circuits_about_any_input_have_a_degree_and_no_subject(
    statement: Statement, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CircuitError, match=problem.format(statement.kind)):
        replace(statement, **changes)


def test_a_private_input_has_the_least_degree() -> None:
    with pytest.raises(CircuitError, match="wrong degree for private_input; expected 0 to 0; got 15"):
        replace(INPUT, degree=15)


def without(table: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name != key}


@pytest.mark.parametrize("key", [*STATEMENT.as_dict()])
def test_missing_and_unknown_keys_are_refused(key: str) -> None:
    table = STATEMENT.as_dict()
    with pytest.raises(CircuitError, match="a circuit statement has the wrong keys") as refusal:
        statement_from_dict(without(table, key))
    assert refusal.value.expected == sorted(table)
    with pytest.raises(CircuitError, match="a circuit statement has the wrong keys"):
        statement_from_dict({**table, "extra": 1})


@pytest.mark.parametrize("part", ["architecture", "numerics"])
def test_missing_and_unknown_inner_keys_are_refused(part: str) -> None:
    table = STATEMENT.as_dict()
    for key in table[part]:
        with pytest.raises(CircuitError, match=rf"malformed: .*{key}"):
            statement_from_dict({**table, part: without(table[part], key)})
    with pytest.raises(CircuitError, match=r"extra|unknown architecture keys"):
        statement_from_dict({**table, part: {**table[part], "extra": 1}})


@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1], {}])
@pytest.mark.parametrize(
    "place", ["samples", "degree", "architecture.weight_bits", "architecture.sizes", "numerics.lookup_bits"]
)
def test_wrong_types_are_refused(place: str, value: object) -> None:
    table = STATEMENT.as_dict()
    if "." in place:
        part, key = place.split(".")
        table[part] = {**table[part], key: value}
    else:
        table[place] = value
    with pytest.raises(CircuitError, match=r"malformed|positive widths"):
        statement_from_dict(table)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_versions_are_refused(version: object) -> None:
    with pytest.raises(CircuitError, match="wrong keys"):
        statement_from_dict({**STATEMENT.as_dict(), "version": version})


@pytest.mark.parametrize("content", [b"", b"version = ", b"\xff\xfe", b"version = 1\n[architecture]\n", b"[[kind]]"])
def test_files_that_are_no_statement_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "circuit.toml"
    path.write_bytes(content)
    with pytest.raises(CircuitError, match=r"cannot be read|wrong keys"):
        read_statement(path)


def test_absent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CircuitError, match="nowhere does not exist") as refusal:
        read_statement(tmp_path / "nowhere")
    assert refusal.value.hint == "Make it with `pyml zk export`."
    with pytest.raises(CircuitError, match="cannot be read"):
        read_statement(tmp_path)
