"""The document's constraints are those of the code, and each has a prover that breaks it."""

from __future__ import annotations

import re
from pathlib import Path

from pyml.zk.native.layout import (
    LAST_DEGREE_A,
    LAST_DEGREE_B,
    LAST_DEGREE_WEIGHTS,
    ROUND_DEGREE_A,
    ROUND_DEGREE_B,
    ROUND_DEGREE_WEIGHTS,
)

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "circuits" / "native_accuracy" / "SPEC.md").read_text(encoding="utf-8")
CONSTRAINTS = re.findall(r"^\| (N\d+) \|", TEXT, re.MULTILINE)


def cited(text: str) -> set[str]:
    """Constraints by name, ranges included."""
    numbers = {int(number) for number in re.findall(r"\bN(\d)\b", text)}
    for first, last in re.findall(r"\bN(\d) to N(\d)\b", text):
        numbers |= set(range(int(first), int(last) + 1))
    return {f"N{number}" for number in numbers}


def test_constraints_are_numbered_without_gaps() -> None:
    assert [f"N{number}" for number in range(1, 7)] == CONSTRAINTS


def test_constraints_are_cited_where_they_are_proved() -> None:
    reference = ROOT / "pyml" / "zk" / "native" / "reference"
    text = "".join((reference / name).read_text(encoding="utf-8") for name in ("constraints.py", "products.py"))
    assert cited(text) == set(CONSTRAINTS)


def test_every_constraint_has_a_prover_that_breaks_it() -> None:
    breaking = Path(__file__).with_name("cheats.py").read_text(encoding="utf-8")
    broken = re.findall(r'"""((?:N\d(?:, )?)+)[:.]', breaking)
    assert cited(" ".join(broken)) == set(CONSTRAINTS)


def test_degrees_are_those_of_the_document() -> None:
    assert f"d = {ROUND_DEGREE_A}, in the last round {LAST_DEGREE_A}" in TEXT
    assert f"nk rounds, d = {ROUND_DEGREE_B}, in the last {LAST_DEGREE_B}" in TEXT
    assert f"SC-A: degree {ROUND_DEGREE_WEIGHTS}, last round {LAST_DEGREE_WEIGHTS}" in TEXT
