"""Hardhat on this project: it compiles the contracts, and a JavaScript test passes against ``npx hardhat node``."""

from __future__ import annotations

import re
from pathlib import Path

from pyml.chain.devnet import HardhatNode
from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]


def test_javascript_test_passes_on_a_hardhat_node(run: Run) -> None:
    npx = find_tool("npx")
    with HardhatNode(command=(npx, "--no-install", "hardhat")) as node:
        environment = {"HARDHAT_NODE": node.url}
        answer = run(npx, "--no-install", "hardhat", "test", "nodejs", environment=environment)
    assert answer.returncode == 0, answer.stdout
    passing = re.search(r"(\d+) passing", answer.stdout)
    assert passing, answer.stdout
    assert int(passing[1]) >= 5
    assert "failing" not in answer.stdout


def test_javascript_test_fails_without_a_node(run: Run, free_port: int) -> None:
    npx = find_tool("npx")
    environment = {"HARDHAT_NODE": f"http://127.0.0.1:{free_port}"}
    answer = run(npx, "--no-install", "hardhat", "test", "nodejs", environment=environment)
    assert answer.returncode != 0
    assert "failing" in answer.stdout
