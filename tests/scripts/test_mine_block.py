"""Mining a block, as it is called: real processes, both judges, a ledger that closes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyml.cli.demo.freezenet import BOND_WEI, REWARD_WEI, ether
from scripts import mine_block

ROOT = Path(__file__).parents[2]
BOND, REWARD = BOND_WEI, REWARD_WEI


def called(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(mine_block.__file__), *words],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )


@pytest.mark.long
def test_a_block_is_mined_and_judged_on_chain(tmp_path: Path) -> None:
    done = called(tmp_path, "--miners", "2", "--judge", "exact", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["gained_wei"] == {
        "sponsor": -REWARD,
        "miner 1": REWARD // 2,
        "miner 2": REWARD // 2,
        **dict.fromkeys(("bluff", "silence", "copy"), -BOND),
    }
    assert result["burned_wei"] == result["held_wei"] == 3 * BOND
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.long
def test_a_block_is_mined_and_disputed(tmp_path: Path) -> None:
    done = called(tmp_path, "--miners", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "The copier shows what it saw: CommitmentMismatch.",
        "1 solutions share the reward.",
        "  miner 1         +3.0000",
        "  challenger      +0.1500",
        "  burned          +0.3500",
        "  sum             +0.0000",
    ):
        assert line in done.stdout.splitlines()
    assert done.stdout.count("has no answer after") == 2


def test_words_that_it_does_not_know(tmp_path: Path) -> None:
    done = called(tmp_path, "--judge", "oracle")
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'oracle'" in done.stderr


def test_amounts_are_told_in_ether() -> None:
    assert [ether(wei) for wei in (3 * 10**18, 10**17, 0)] == ["3 ether", "0.1 ether", "0 ether"]
