"""Halmos on the permutation: theorems for every seed, and false ones whose counterexamples it must find."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from tests.tooling.conftest import find_tool

ROOT = Path(__file__).parents[2]
THEOREMS = ROOT / "tests" / "contracts" / "freezenet" / "WatermarkProofs.t.sol"


def _stated(contract: str) -> set[str]:
    text = THEOREMS.read_text(encoding="utf-8").partition(f"contract {contract} {{")[2].partition("\n}")[0]
    return set(re.findall(r"function (check_\w+)", text))


def test_permutation_is_inverted_for_every_seed(tmp_path: Path) -> None:
    halmos = find_tool("halmos", ROOT / ".dev" / "halmos" / "bin" / "halmos")
    find_tool("forge")
    sources = str(THEOREMS.parent.relative_to(ROOT))
    environment = {
        **os.environ,
        "FOUNDRY_OUT": str(tmp_path / "out"),
        "FOUNDRY_CACHE_PATH": str(tmp_path / "cache"),
        "FOUNDRY_SRC": sources,
        "FOUNDRY_TEST": sources,
        "PATH": f"{Path(halmos).parent}:{os.environ['PATH']}",  # its solver lies beside it
    }
    command = (halmos, "--root", ROOT, "--forge-build-out", tmp_path / "out", "--no-status", "--loop", "9")
    answer = subprocess.run(
        [*map(str, command), "--match-contract", "^Watermark(Proofs|Falsehoods)$"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    plain = re.sub(r"\x1b\[\d+m", "", answer.stdout)
    verdicts = {theorem: found for found, theorem in re.findall(r"^\[(\w+)\] (check_\w+)", plain, re.MULTILINE)}
    proofs, falsehoods = _stated("WatermarkProofs"), _stated("WatermarkFalsehoods")
    assert verdicts == {**dict.fromkeys(proofs, "PASS"), **dict.fromkeys(falsehoods, "FAIL")}, plain
    assert "loop" not in plain.lower(), f"a loop was cut short:\n{plain}"
