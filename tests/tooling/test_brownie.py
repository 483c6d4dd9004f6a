"""Brownie on this project, from an environment of its own: the deployment script, and a proof verified by its tests."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pyml.freezenet.deployment import deployment_plan as freezenet_plan
from pyml.kdac.deployment import deployment_plan as kdac_plan
from pyml.keys.deployment import deployment_plan as keys_plan
from pyml.zk.deployment import deployment_plan as zk_plan
from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]
BROWNIE = ROOT / ".dev" / "brownie" / "bin"


@pytest.fixture
def environment(tmp_path: Path, free_port: int) -> dict[str, str]:
    """A home folder of its own, where Brownie starts anvil on a port of its own."""
    find_tool("anvil")
    find_tool("brownie", BROWNIE / "brownie")
    packages = next((ROOT / ".dev" / "brownie" / "lib").glob("python*/site-packages"))
    networks = (packages / "brownie" / "data" / "network-config.yaml").read_text(encoding="utf-8")
    (tmp_path / ".brownie").mkdir()
    (tmp_path / ".brownie" / "network-config.yaml").write_text(
        networks.replace("8545", str(free_port)), encoding="utf-8"
    )
    return {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([str(BROWNIE), os.environ["PATH"]]),
        "SOLCX_BINARY_PATH": str(ROOT / ".dev" / "bin"),
        "NO_COLOR": "1",
    }


def test_brownie_tests_verify_a_proof(run: Run, environment: dict[str, str]) -> None:
    brownie = find_tool("brownie", BROWNIE / "brownie")
    answer = run(brownie, "test", "tests/brownie", "--network", "development", environment=environment)
    assert answer.returncode == 0, answer.stdout
    assert re.search(r"=+ 5 passed", answer.stdout), answer.stdout


def test_brownie_runs_the_deployment_script(run: Run, environment: dict[str, str]) -> None:
    brownie = find_tool("brownie", BROWNIE / "brownie")
    answer = run(brownie, "run", "deploy", "--network", "development", environment=environment)
    assert answer.returncode == 0, answer.stdout
    deployed = re.findall(r"^(\w+) +0x[0-9a-fA-F]{40}$", answer.stdout, re.MULTILINE)
    assert deployed == [
        step.name for plan in (zk_plan, keys_plan, freezenet_plan, kdac_plan) for step in plan().steps
    ], answer.stdout
