"""Experiments: small ones, and that their judgement bites."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pyml.cli.main import app
from pyml.kdac.experiments import unlinkability
from pyml.kdac.experiments.randomness import balance_by_position, bits_of, frequency, runs
from pyml.kdac.experiments.speed import judge
from pyml.kdac.experiments.timing import Step, time_steps


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("speed", "--rounds", "1"), 16),
        (("lookup", "--users", "1000"), 1),
        (("throughput", "--messages", "100"), 3),
    ],
)
def test_experiment_writes_table_and_picture(words: tuple[str, ...], rows: int, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["kdac", "experiment", *words, "--out", str(tmp_path), "--json"])
    assert done.exception is None, done.exception
    result: dict[str, Any] = json.loads(done.stdout)
    assert len(result["rows"]) == rows
    assert Path(result["table"]).read_text().count("\n") == rows + 1
    assert Path(result["picture"]).read_bytes().startswith(b"\x89PNG")
    assert result["verdicts"]


def test_derived_keys_are_not_linked_and_leaking_ones_are() -> None:
    result = unlinkability.run(samples=1500, guessed_bits=6, seed=3)
    assert result["verdicts"]["statistics hold"]
    assert result["verdicts"]["games end as they should"]
    assert result["verdicts"]["paper: both directions share their key"]
    assert result["verdicts"]["paper: a seed of 6 bits is found"]
    third, control, relay = (row["measured"] for row in result["rows"][-3:])
    assert third < control < relay == 1.0


def test_statistics_find_what_is_not_random() -> None:
    generator = np.random.default_rng(1)
    noise = bits_of([generator.bytes(16) for _ in range(2000)])
    assert min(frequency(noise), runs(noise), balance_by_position(noise)) > 0.001
    heavy = noise | (noise.cumsum(axis=0) % 50 == 0)
    assert frequency(heavy) < 0.001
    waves = np.tile(np.array([0, 1], dtype=np.uint8), (2000, 64))
    assert frequency(waves) == 1.0
    assert runs(waves) < 0.001
    assert balance_by_position(waves) < 0.001
    assert runs(np.ones((10, 8), dtype=np.uint8)) == 0.0


def test_vectors_of_nist() -> None:
    """SP 800-22 rev. 1a, sections 2.1.8 and 2.3.8: the first 100 binary digits of π."""
    digits = "1100100100001111110110101010001000100001011010001100001000110100110001001100011001100010100010111000"
    bits = np.array([[int(digit) for digit in digits]], dtype=np.uint8)
    assert frequency(bits) == pytest.approx(0.109599, abs=1e-6)
    assert runs(bits) == pytest.approx(0.500798, abs=1e-6)


def test_speed_is_judged_by_its_figures() -> None:
    micros = {
        "AES-256-GCM 1 KiB": 2.0,
        "AES-256-GCM 1 MiB": 1025.0,
        "private derivation": 1.0,
        "complete send": 70.0,
        "complete send, keys ahead": 4.0,
    }
    verdicts = judge(micros)
    assert verdicts["private derivation / AES-256-GCM 1 KiB"] == 0.5
    assert verdicts["AES-256-GCM takes as long as a send at KiB"] == 68.0
    assert verdicts["claim holds for derivation"]
    assert verdicts["claim holds with keys ahead"]
    assert not verdicts["claim holds for a complete send"]


def test_steps_are_timed_in_turns() -> None:
    order: list[str] = []
    steps = {
        "a": Step(lambda: order.append("a"), 2),
        "b": Step(lambda: order.append("b"), 1, lambda count: order.append(f"prepare {count}")),
    }
    shares: list[float] = []
    assert set(time_steps(steps, rounds=2, progress=shares.append)) == {"a", "b"}
    assert order == ["a", "a", "prepare 1", "b"] * 2
    assert shares == [0.5, 1.0]
