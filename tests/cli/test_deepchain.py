"""``pyml deepchain`` as it is typed: figures that are drawn, mistakes that are one line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pyml.cli.main import app
from pyml.errors import InputError

PRIMES = Path(__file__).parents[1] / "vectors" / "deepchain_primes.json"
runner = CliRunner()


def called(*words: str) -> dict[str, Any]:
    done = runner.invoke(app, ["deepchain", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(*words: str) -> str:
    done = runner.invoke(app, ["deepchain", *words])
    assert isinstance(done.exception, InputError), done.output
    return str(done.exception)


@pytest.mark.parametrize("figure", ["fig4", pytest.param("fig5", marks=pytest.mark.long)])
def test_costs_of_vectors_are_drawn(tmp_path: Path, figure: str) -> None:
    result = called("reproduce", figure, "--out", str(tmp_path / figure), "--primes", str(PRIMES))
    assert Path(result["plot"]).read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / f"{figure}.csv").open()))
    assert [int(row["gradients"]) for row in rows] == [10, 30, 100, 300, 1000, 3000, 10000]
    if figure == "fig4":
        # 10 parties: slots of 20 bits, 51 in 1,023; a ciphertext of 1024-bit n takes 256 bytes
        assert [int(row["bytes"]) for row in rows] == [256 * -(-int(row["gradients"]) // 51) for row in rows]


@pytest.mark.long
@pytest.mark.parametrize(("figure", "parties"), [("fig6", 4), ("fig7", 10)])
def test_accuracies_are_drawn(tmp_path: Path, figure: str, parties: int) -> None:
    result = called("reproduce", figure, "--out", str(tmp_path / figure))
    assert Path(result["plot"]).read_bytes().startswith(b"\x89PNG")
    assert abs(result["deepchain"] - result["centralised"]) <= 0.01
    assert result["deepchain"] > result["alone"], parties


@pytest.mark.long
def test_seconds_of_a_round_are_drawn(tmp_path: Path) -> None:
    result = called("reproduce", "fig9", "--out", str(tmp_path / "fig9"), "--primes", str(PRIMES))
    assert Path(result["plot"]).read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "fig9.csv").open()))
    assert [int(row["parties"]) for row in rows] == [2, 3, 4, 5, 6]
    for row in rows:
        steps = [float(value) for name, value in row.items() if name.endswith("_s") and name != "total_s"]
        assert float(row["total_s"]) == pytest.approx(sum(steps))


@pytest.mark.parametrize("word", ["party-0", "party-0=honesty", "dealer=crash", "worker-0=false-proof", "=crash"])
def test_faults_that_cannot_be_read_are_refused(word: str) -> None:
    assert "a fault cannot be read" in refused("simulate", "--fault", word)


@pytest.mark.parametrize("role", ["party", "worker", "challenger", "watch"])
def test_roles_need_a_node(role: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYML_HOME", str(tmp_path))
    monkeypatch.delenv("PYML_RPC", raising=False)
    assert "no node to talk to" in refused(role, "--group", "0")


def test_conditions_and_agreements_are_read_strictly(tmp_path: Path) -> None:
    from pyml.cli.deepchain import read_conditions

    (tmp_path / "good.json").write_text(json.dumps({"rounds": 3, "windows": list(range(1, 10))}))
    assert read_conditions(tmp_path / "good.json").windows == tuple(range(1, 10))
    assert read_conditions(None).rounds == 10
    for content in ("", "[]", "{", json.dumps({"round": 3}), json.dumps({"windows": 3})):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(InputError, match="not a file of conditions"):
            read_conditions(tmp_path / "bad.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_conditions(tmp_path / "absent.json")
