"""Benchmarks of kdac: what they write, and how they judge it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench import kdac_crypto
from bench.kdac_crypto import box_steps, judged
from tests.bench.test_scripts import quick_result


def test_targets_are_judged_by_their_limits() -> None:
    micros = {
        "private derivation": 2.0,
        "AES-256-GCM 1 KiB": 2.0,
        "complete send": 76.0,
        "libsodium Box, encrypt": 30.0,
        "complete send, keys ahead": 6.1,
        "complete receive": 1.0,
    }
    verdicts = {row["what"]: (row["ratio"], row["met"]) for row in judged(micros)}
    assert verdicts == {
        "private derivation": (1.0, True),
        "complete send": (2.533, False),
        "complete receive": (None, None),  # nothing to compare it with
        "complete send, keys ahead": (3.05, False),
    }


def test_without_pynacl_there_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 1, "", "no route\nto the index")

    monkeypatch.setattr(kdac_crypto.subprocess, "run", refuse)
    assert box_steps(tmp_path) == ({}, "PyNaCl could not be installed: no route to the index")


@pytest.mark.long
def test_kdac_crypto(tmp_path: Path) -> None:
    result = quick_result("kdac_crypto", tmp_path, tmp_path / "result.json")
    assert result["microseconds"]["private derivation"] < result["microseconds"]["complete send, keys ahead"]
    assert result["microseconds"]["complete send, keys ahead"] < result["microseconds"]["complete send"]
    assert len(result["targets"]) == 4


@pytest.mark.long
def test_kdac_lookup(tmp_path: Path) -> None:
    result = quick_result("kdac_lookup", tmp_path, tmp_path / "result.json")
    assert [row["users"] for row in result["rows"]] == [1_000, 10_000]
    assert all(row["lookups_per_second"] > 1 / row["paper_s_per_message"] for row in result["rows"])
