"""The numbers that forge compares BigModulus with are those that the script computes today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts import regenerate_deepchain_arithmetic as script

CASES: list[dict[str, Any]] = json.loads(script.PATH.read_text(encoding="utf-8"))["cases"]


def _numbers(case: dict[str, Any]) -> Iterator[int]:
    return (int(case[name], 16) for name in ("a", "b", "m", "product", "quotient", "sum", "difference"))


def test_the_file_is_what_the_script_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = tmp_path / "vectors.json"
    monkeypatch.setattr("sys.argv", ["regenerate_deepchain_arithmetic.py", "--output", str(written)])
    script.main()
    assert written.read_bytes() == script.PATH.read_bytes()


def test_every_case_is_division_with_remainder() -> None:
    assert len(CASES) > 50
    for case in CASES:
        a, b, m, product, quotient, total, difference = _numbers(case)
        assert a * b == quotient * m + product, case["id"]
        assert (total - a - b) % m == (difference - a + b) % m == 0, case["id"]
        assert max(product, total, difference) < m, case["id"]
