"""The benchmarks run as they are called, and write what they promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.measuring.record import ROOT


def run_script(name: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, f"bench/{name}.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, so that an SRS is made once."""
    return tmp_path_factory.mktemp("home")


def quick_result(name: str, home: Path, output: Path) -> dict[str, Any]:
    done = run_script(name, "--quick", "--output", str(output), home=home)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    assert result["command"] == f"python bench/{name}.py --quick"
    return result


@pytest.mark.long
def test_zk_accuracy(home: Path, tmp_path: Path) -> None:
    result = quick_result("zk_accuracy", home, tmp_path / "result.json")
    forms = {form["form"]: form for form in result["forms"]}
    assert set(forms) == {"pyml", "naive"}
    for form in forms.values():
        assert form["prepared"]["einsum_columns"] == 0  # no unsound product in either
        assert all(run["valid"] for run in form["runs"])
    assert forms["pyml"]["runs"][0]["count"] == forms["naive"]["runs"][0]["count"]
    assert result["ratios_to_pyml"]["naive"]["prove_time"] > 0
    assert "targets" not in result  # it speaks of another size


@pytest.mark.long
def test_zk_gas(home: Path, tmp_path: Path) -> None:
    result = quick_result("zk_gas", home, tmp_path / "result.json")
    limit = result["deployment"].pop("code_bytes_limit")
    assert result["deployment"].pop("total_gas") == sum(item["gas"] for item in result["deployment"].values())
    assert all(item["code_bytes"] <= limit for item in result["deployment"].values())
    assert [case["circuit"] for case in result["circuits"]] == ["private_model_accuracy", "private_input"]
    for case in result["circuits"]:
        for verifier in ("reusable", "dedicated"):
            assert case[verifier]["gated_gas"] > case[verifier]["ungated_gas"] > 21_000
        assert case["dedicated"]["code_bytes"] <= limit
        assert case["dedicated"]["gated_gas"] < case["reusable"]["gated_gas"]
    assert all(verdict["met"] for verdict in result["targets"].values())


@pytest.mark.long
def test_zk_sets(home: Path, tmp_path: Path) -> None:
    result = quick_result("zk_sets", home, tmp_path / "result.json")
    assert [attempt["killed"] for attempt in result["attempts"]] == [True, True, False]
    assert result["count"] == result["count_of_integer_model"]
    assert result["within_memory"]
    assert 0 < result["peak_gb"] < 12


@pytest.mark.long
def test_keys_recognition(home: Path, tmp_path: Path) -> None:
    (measured,) = quick_result("keys_recognition", home, tmp_path / "result.json")["sets"]
    assert measured["tar"]["trials"] == 8 * 8
    assert measured["far"]["trials"] == 8 * 7
    assert measured["tar"]["share"] > 0.5
    assert measured["far"]["low"] <= measured["far"]["share"] <= measured["far"]["high"]


@pytest.mark.long
def test_keys_report(home: Path, tmp_path: Path) -> None:
    result = quick_result("keys_report", home, tmp_path / "result.json")
    assert [finding["mode"] for finding in result["findings"]] == ["paper", "vault"] * 2
    leak = result["reference"][-1]["measured"]
    assert leak["BCH(511, 277), shortened to 256 bits of data"] == {"t": 28, "leak_bits": 234}


@pytest.mark.long
def test_keys_attacks(home: Path, tmp_path: Path) -> None:
    result = quick_result("keys_attacks", home, tmp_path / "result.json")
    assert [result["dictionary"][f"vault_{which}_password"]["opened"] for which in ("without", "with")] == [False, True]
    assert result["tamper"]["file"]["accepted"] == result["tamper"]["content"]["accepted"] == 0
    assert result["link"][0]["if_masks_were_open"]["same_file"]["auc"] == 1
    assert result["ceiling"].startswith("A public picture is no secret")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--forms", "pyml,other"], "unknown forms ['other']"),
        (["--sizes", "64"], "network sizes cannot be read"),
        (["--data", "nothing"], "unknown data set"),
        (["--samples", "501"], "has no test samples"),
    ],
)
def test_wrong_arguments_end_with_a_line_and_no_result(
    arguments: list[str], message: str, home: Path, tmp_path: Path
) -> None:
    done = run_script("zk_accuracy", *arguments, "--output", str(tmp_path / "result.json"), home=home)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "result.json").exists()


@pytest.mark.long
def test_deepchain_training(home: Path, tmp_path: Path) -> None:
    result = quick_result("deepchain_training", home, tmp_path / "result.json")
    assert [group["parties"] for group in result["groups"]] == [4, 10]
    for group in result["groups"]:
        assert abs(group["deepchain"] - group["centralised"]) <= 0.01
        assert group["deepchain"] > max(group["alone_each"])
    assert "targets" not in result  # it speaks of another set
