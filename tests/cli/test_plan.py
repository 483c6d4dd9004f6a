"""``pyml zk plan``: figures for every way to cut a set, one recommended, nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException

from pyml.cli.main import app
from pyml.errors import CircuitError, DatasetError, ModelError, PymlError
from pyml.ml.networks import mlp
from pyml.ml.onnx_file import write_onnx

FIGURES = {
    "k", "lookup_bits", "parts", "part_samples", "rows", "inner_columns", "proving_key_mb", "peak_gb", "setup_s",
    "prove_s", "total_s", "claim_gas", "total_gas",
}  # fmt: skip


Plan = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plan")
    write_onnx(mlp((64, 32, 10), seed=0), 64, folder / "model.onnx")
    return folder


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The command in this process, and what it printed."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYML_HOME", str(folder / "home"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> str:
        assert app(["zk", "plan", *arguments], prog_name="pyml", standalone_mode=False) in (None, 0)
        return capsys.readouterr().out

    return call


@pytest.fixture
def plan(run: Callable[..., str]) -> Plan:
    return lambda *arguments: json.loads(run("model.onnx", *arguments, "--json"))


def test_every_way_and_the_best_of_them(plan: Plan, folder: Path) -> None:
    planned = plan("--memory", "4")
    assert planned["set"] == "digits/test[0:500]"
    assert planned["memory_gb"] == 3.5  # half a GB is for the process that gives out the work
    ways = planned["candidates"]
    assert all(set(way) == FIGURES for way in ways)
    assert [way["k"] for way in ways] == sorted({way["k"] for way in ways})
    assert ways[-1]["parts"] == 1
    for way in ways:
        assert (way["parts"] - 1) * way["part_samples"] < 500 <= way["parts"] * way["part_samples"]
        assert way["rows"] < 2 ** way["k"]
    best = planned["recommended"]
    assert best in ways
    fitting = [way for way in ways if way["peak_gb"] <= 3.5]
    assert best["total_s"] == min(way["total_s"] for way in fitting)
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]


def test_less_memory_means_more_parts(plan: Plan) -> None:
    large, small = (plan("--memory", gb)["recommended"] for gb in ("20", "1.4"))
    assert small["parts"] > large["parts"]
    assert small["peak_gb"] <= 0.9
    assert small["total_gas"] > large["total_gas"]


def test_more_processes_take_more_memory(plan: Plan) -> None:
    one, two = (plan("--memory", "9", "--jobs", jobs) for jobs in ("1", "2"))
    for alone, together in zip(one["candidates"], two["candidates"], strict=True):
        factor = 1 if alone["parts"] == 1 else 2
        assert together["peak_gb"] == pytest.approx(factor * alone["peak_gb"], abs=0.02)


def test_engine_agrees(plan: Plan) -> None:
    arguments = ("--memory", "4", "--samples", "60", "--start", "20", "--lookup-bits", "13")
    predicted, exact = plan(*arguments), plan(*arguments, "--exact")
    assert predicted["set"] == exact["set"] == "digits/test[20:80]"
    rows = exact["recommended"].pop("rows")
    assert predicted["recommended"].pop("rows") == pytest.approx(rows, rel=0.02)
    assert predicted["recommended"] == exact["recommended"]


def test_table_for_people(run: Callable[..., str]) -> None:
    lines = run("model.onnx", "--memory", "4", "--lookup-bits", "14").splitlines()
    assert lines[0].startswith("digits/test[0:500]: 1 process(es)")
    assert sum("→" in line for line in lines) == 1
    assert "Recommended: pyml zk export-set … --part-samples" in lines[-1]
    assert "--lookup-bits 14" in lines[-1]


def test_a_narrow_terminal_shows_whole_numbers(run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = run("model.onnx", "--memory", "4", "--lookup-bits", "14").partition("Recommended")[0]
    assert "M gas" in table
    assert "key MB" not in table
    assert "…" not in table


def test_nothing_fits(plan: Plan, run: Callable[..., str]) -> None:
    assert plan("--memory", "0.6")["recommended"] is None
    shown = run("model.onnx", "--memory", "0.6")
    assert "None of them fits the memory" in shown
    assert "→" not in shown


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("absent.onnx",), PymlError, "cannot be read"),
        (("model.onnx", "--data", "nothing"), DatasetError, "unknown data set"),
        (("model.onnx", "--data", "breast-cancer"), ModelError, "expected 30 inputs and 2 outputs; got 64 inputs"),
        (("model.onnx", "--samples", "501"), DatasetError, "no test samples 0 to 501"),
        (("model.onnx", "--start", "500"), DatasetError, "no test samples 500 to 500"),
        (("model.onnx", "--start", "600"), DatasetError, "no test samples 600 to 500"),
        (("model.onnx", "--lookup-bits", "8", "--bits", "13"), CircuitError, "wider than the lookup table"),
        (("model.onnx", "--lookup-bits", "30"), TyperException, "--lookup-bits"),
        (("model.onnx", "--jobs", "0"), TyperException, "--jobs"),
        (("model.onnx", "--memory", "0"), TyperException, "--memory"),
    ],
)
def test_mistakes(
    run: Callable[..., str], folder: Path, arguments: tuple[str, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        run(*arguments)
    message = caught.value.format_message() if isinstance(caught.value, TyperException) else str(caught.value)
    assert words in message
    assert [path.name for path in folder.iterdir()] == ["model.onnx"]
