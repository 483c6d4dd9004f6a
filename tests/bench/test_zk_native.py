"""The benchmark of the native engine runs as it is called, section by section."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pyml.errors import ToolMissingError
from pyml.zk.native.core import load_core
from tests.bench.test_scripts import run_script


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    try:
        load_core()
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def sections(home: Path, output: Path, *names: str) -> dict[str, Any]:
    asked = [word for name in names for word in ("--only", name)]
    done = run_script("zk_native", "--quick", *asked, "--output", str(output), home=home)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return found


def test_scaling_keeps_the_sections_that_it_does_not_measure(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    output.write_text(json.dumps({"peers": {"kept": True}, "unknown": 1}), encoding="utf-8")
    result = sections(home, output, "scaling")
    assert result["peers"] == {"kept": True}
    assert "unknown" not in result
    points = {point["axis"]: point for point in result["scaling"]["points"]}
    assert set(points) == {"samples", "threads", "degree"}
    assert points["degree"]["degree"] == 15 < points["samples"]["degree"]
    for point in points.values():
        assert point["total_s"] >= point["prove_s"] > 0
        assert point["peak_mb"] > 0
        assert point["proof_bytes"] % 32 == 0
    assert result["scaling"]["environment"]["cores"] >= 1


@pytest.mark.long
def test_native_proofs_count_as_the_integer_model(home: Path, tmp_path: Path) -> None:
    found = sections(home, tmp_path / "result.json", "native")["native"]
    assert [one["samples"] for one in found["proofs"]] == [12, 5]
    for one in found["proofs"]:
        assert one["verified"]["valid"]
        assert one["verified"]["refused_with_another_count"]
        assert all(run["count"] == run["count_of_integer_model"] for run in one["runs"])
    assert found["answer"]["count"] == 1
    assert found["targets"] == []  # they speak of another size


@pytest.mark.long
def test_gas_of_every_transaction(home: Path, tmp_path: Path) -> None:
    found = sections(home, tmp_path / "result.json", "gas")["gas"]
    (claim,) = found["claims"]
    assert 21_000 < claim["claim_gas"] < 640_000
    assert claim["calldata_bytes"] > claim["proof_bytes"]
    assert found["range_proof"]["gas"] > 21_000
    assert found["answer"]["answer_gas"] > 21_000
    assert all(target["met"] for target in found["targets"])


@pytest.mark.long
def test_peers_prove_the_same_count(home: Path, tmp_path: Path) -> None:
    found = sections(home, tmp_path / "result.json", "peers")["peers"]
    assert found["reused"] is None
    assert [form["form"] for form in found["forms"]] == ["pyml", "naive"]
    assert all(form["counts_as_native"] for form in found["forms"])
    assert all(ratio["seconds_a_sample"] > 0 for ratio in found["ratios_to_native"].values())


def test_a_file_that_is_no_result_is_not_overwritten(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "result.json"
    output.write_text("{", encoding="utf-8")
    done = run_script("zk_native", "--quick", "--only", "scaling", "--output", str(output), home=home)
    assert done.returncode == 2
    assert "is not a result file" in " ".join(done.stderr.split())
    assert output.read_text(encoding="utf-8") == "{"
