"""scripts/deploy.py under plain Python; Brownie's turn is in test_brownie.py."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.freezenet.deployment import deployment_plan as freezenet_plan
from pyml.kdac.deployment import deployment_plan as kdac_plan
from pyml.keys.deployment import deployment_plan as keys_plan
from pyml.zk.deployment import deployment_plan as zk_plan
from tests.tooling.conftest import Run, find_tool

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "deploy.py"
NAMES = [step.name for plan in (zk_plan, keys_plan, freezenet_plan, kdac_plan) for step in plan().steps]


def _deployed(output: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+) +(0x[0-9a-fA-F]{40})$", output, re.MULTILINE))


def test_deploys_to_a_devnet_of_its_own(run: Run, tmp_path: Path) -> None:
    find_tool("anvil")
    answer = run(sys.executable, SCRIPT, cwd=tmp_path, environment={"PYTHONPATH": str(ROOT)})
    assert answer.returncode == 0, answer.stdout
    assert list(_deployed(answer.stdout)) == NAMES
    assert list(tmp_path.iterdir()) == []


def test_deploys_once_to_a_running_devnet(run: Run, tmp_path: Path) -> None:
    find_tool("anvil")
    command = [sys.executable, SCRIPT, "--folder", tmp_path]
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        first = run(*command, "--rpc", devnet.url, environment={"PYTHONPATH": str(ROOT)})
        again = run(*command, "--rpc", devnet.url, environment={"PYTHONPATH": str(ROOT)})
    assert first.returncode == 0, first.stdout
    assert list(_deployed(first.stdout)) == NAMES
    assert _deployed(again.stdout) == _deployed(first.stdout)
    systems = json.loads((tmp_path / "31337.json").read_text(encoding="utf-8"))["systems"]
    assert list(systems) == ["zk", "keys", "freezenet", "kdac"]
    recorded = {name: record["address"] for records in systems.values() for name, record in records.items()}
    assert recorded == _deployed(first.stdout)


def test_node_that_is_down(run: Run, tmp_path: Path, free_port: int) -> None:
    rpc = f"http://127.0.0.1:{free_port}"
    answer = run(sys.executable, SCRIPT, "--rpc", rpc, "--folder", tmp_path, environment={"PYTHONPATH": str(ROOT)})
    assert answer.returncode == 1
    assert answer.stdout.startswith("deploy: ")
    assert answer.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_public_chain_is_refused(run: Run, tmp_path: Path) -> None:
    find_tool("anvil")
    with Devnet(DevnetOptions(chain_id=5)) as devnet:
        answer = run(
            sys.executable, SCRIPT, "--rpc", devnet.url, "--folder", tmp_path, environment={"PYTHONPATH": str(ROOT)}
        )
    assert answer.returncode == 1
    assert "is for development chains only" in answer.stdout
