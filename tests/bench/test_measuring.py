"""Measured steps: time, memory, failures; and result files that say what they depend on."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest

from bench.measuring import processes
from bench.measuring.processes import StepFailedError, run_measured
from bench.measuring.record import ROOT, write_result

STEPS = "tests.bench.steps"


def test_a_step_answers_and_is_measured() -> None:
    got = run_measured(STEPS, {"action": "echo", "value": [1, "two"]})
    assert got.answer == {"value": [1, "two"]}
    assert got.process_s > 0
    assert got.as_dict()["peak_mb"] == got.peak_mb


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_of_children_counts() -> None:
    alone = run_measured(STEPS, {"action": "hold", "mb": 60, "children": 0})
    together = run_measured(STEPS, {"action": "hold", "mb": 60, "children": 2})
    assert 60 < alone.peak_mb < 110  # not what this process holds, which is more
    assert together.peak_mb > alone.peak_mb + 90


def test_a_failing_step_says_why() -> None:
    with pytest.raises(StepFailedError, match="failed in raise") as caught:
        run_measured(STEPS, {"action": "raise", "text": "the reason"})
    assert "the reason" in str(caught.value.got)


def test_a_step_without_an_answer_fails() -> None:
    with pytest.raises(StepFailedError, match="failed in nothing"):
        run_measured(STEPS, {"action": "nothing"})


def test_a_step_that_takes_too_long_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(StepFailedError, match="too long"):
        run_measured(STEPS, {"action": "sleep", "seconds": 60}, timeout_s=1.0)
    assert time.monotonic() - started < 20


def test_samples_are_frequent_enough_for_a_prover() -> None:
    assert processes.SAMPLE_S <= 0.2


def test_a_result_carries_what_it_depends_on(tmp_path: Path) -> None:
    path = tmp_path / "results" / "one.json"
    content = {"ratio": 8.123456, "nested": [{"seconds": 1.0 / 3}], "count": 123456}
    write_result(path, benchmark="one", arguments=["--quick"], started=time.time(), content=content)
    result = json.loads(path.read_text(encoding="utf-8"))
    assert (result["ratio"], result["nested"][0]["seconds"], result["count"]) == (8.123, 0.3333, 123456)
    assert result["command"] == "python bench/one.py --quick"
    assert result["environment"]["packages"]["ezkl"] == "23.0.5"
    assert len(result["environment"]["load_average_at_end"]) == 3
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted((ROOT / "bench" / "results").glob("*.json")), ids=lambda path: path.stem)
def test_kept_results_are_complete_and_name_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    result = json.loads(text)
    assert {"benchmark", "command", "started_utc", "elapsed_s", "environment"} <= set(result)
    assert (ROOT / "bench" / f"{result['benchmark']}.py").is_file()
    assert re.findall(r"(?<![\w.])/[a-z]+/\S*", text) == []  # no absolute path
