"""The benchmarks of freezenet run as they are called, and write what they promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.test_scripts import quick_result


@pytest.mark.long
def test_freezenet_watermark(tmp_path: Path) -> None:
    result = quick_result("freezenet_watermark", tmp_path, tmp_path / "result.json")
    assert result["n"] == 1_306_922
    assert result["codes"] == result["n"] * 7 // 10
    assert result["holds"]["ratio"], "the one limit that does not depend on the machine"


@pytest.mark.long
def test_freezenet_training(tmp_path: Path) -> None:
    result = quick_result("freezenet_training", tmp_path, tmp_path / "result.json")
    assert [each["scheme"] for each in result["schemes"]] == ["v1", "reference"]
    for each in result["schemes"]:
        for ratios in (each[f"ratio_to_plain{by}"] for by in ("", "_wall", "_update")):
            assert set(ratios) == {"mask", "replace", "plain_again"}
            for of in ratios.values():
                assert of["least"] <= of["median_from"] <= of["median"] <= of["median_to"] <= of["most"]
        assert set(each["masking_alone_s"]) == {"each_tensor", "one_call", "flat", "zeroing_flat"}


@pytest.mark.long
def test_freezenet_attacks(tmp_path: Path) -> None:
    result = quick_result("freezenet_attacks", tmp_path, tmp_path / "result.json")
    names = {"seed-bank", "one-sided", "test-set", "theft", "sybil", "untuned", "transfer"}
    assert set(result["attacks"]) == names
    against_v1 = {
        name: [row["succeeds"] for row in rows if row["against"].startswith("v1")]
        for name, rows in result["attacks"].items()
        if name in ("seed-bank", "one-sided", "theft", "sybil")
    }
    assert not any(any(each) for each in against_v1.values())
    assert [row["fraction"] for row in result["window"]["v1"]] == [0.05, 0.5]
    assert (tmp_path / "result_window.png").exists()
    assert (tmp_path / "result_window.csv").exists()


@pytest.mark.long
def test_freezenet_reproduction(tmp_path: Path) -> None:
    result = quick_result("freezenet_reproduction", tmp_path, tmp_path / "result.json")
    part = result["parts"]["digits_reference"]
    assert set(part["fig1_final"]) == {"0", "0.5"}
    assert part["fig2"]["0.1"]["median"] < part["fig2"]["0"]["median"] + 0.2
    assert result["author"]["after_100_epochs"]["0.7"] == 0.655
    for figure in (1, 2, 3):
        assert (tmp_path / "freezenet_figures" / f"fig{figure}_digits_reference.png").exists()
        assert (tmp_path / "freezenet_figures" / f"fig{figure}_digits_reference.csv").exists()
