"""The vectors that forge reads are those that the modules of today make."""

from __future__ import annotations

import json
from pathlib import Path

from scripts import regenerate_deepchain_vectors as script

VECTORS = Path(__file__).parents[1] / "vectors"


def stored(name: str) -> object:
    return json.loads((VECTORS / f"deepchain_{name}.json").read_text(encoding="utf-8"))["cases"]


def test_groups_proofs_and_traces_are_the_stored_ones() -> None:
    groups = script.make_groups()
    assert [script.paillier_case(group) for group in groups] == stored("paillier")
    assert [case for group in groups for case in script.proof_cases(group)] == stored("proofs")
    assert [case for group in groups for case in script.trace_cases(group)] == stored("trace")


def test_assets_are_the_stored_ones() -> None:
    assert script.asset_cases() == stored("assets")
