"""``pyml chain`` and ``pyml deploy`` as mounted in the whole command; ``tests/chain/test_cli.py`` has the rest.

Here: the real systems, the build of the shipped artefacts, the devnet's options, and accounts through the command.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.solc import find_solc
from pyml.errors import ToolMissingError

ROOT = Path(__file__).parents[2]
KEYS_CONTRACTS = ["HelperRegistry", "ImageVault"]
CONTRACTS = [
    "Halo2VerifierReusable",
    "CircuitRegistry",
    "ModelRegistry",
    "AccuracyRegistry",
    "PrivateInput",
    "PrivateInference",
    "Bounty",
    "WeightRanges",
    "ModelLinks",
]


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def mistake(self) -> str:
        """The one line of a refusal."""
        assert (self.code, self.out) == (2, "")
        (line,) = [text for text in self.err.splitlines() if text]
        assert line.startswith("error: ")
        return line.removeprefix("error: ")


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYML_HOME": str(folder / "home"), "COLUMNS": "120"}


def pyml(folder: Path, *words: str, typed: str = "") -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "pyml", *words],
        cwd=folder,
        env=environment(folder),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def node() -> Iterator[Devnet]:
    with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet:
        yield devnet


@pytest.mark.parametrize("command", [("deploy",), ("chain", "deploy"), ("zk", "deploy")], ids=" ".join)
def test_three_names_for_one_deployment(tmp_path: Path, node: Devnet, command: tuple[str, ...]) -> None:
    words = (*command, *(() if command[0] == "zk" else ("--system", "zk")), "--rpc", node.url)
    first = pyml(tmp_path, *words, "--json").result
    contracts = first if command[0] == "zk" else {name: row["address"] for name, row in first["contracts"].items()}
    assert list(contracts) == CONTRACTS
    client = Client.connect(node.url)
    for name, address in contracts.items():
        assert load_artifact(name).matches_code(client.code(address))
    block = client.rpc.request("eth_blockNumber")
    assert pyml(tmp_path, *words, "--json").result == first, "what is there is reused"
    assert client.rpc.request("eth_blockNumber") == block
    shown = pyml(tmp_path, *words)
    assert shown.code == 0
    assert all(name in shown.out and address in shown.out for name, address in contracts.items())
    assert [path.name for path in (tmp_path / "deployments").iterdir()] == ["31337.json"]


def test_deployment_of_one_system_by_two_names(tmp_path: Path, node: Devnet) -> None:
    made = pyml(tmp_path, "deploy", "--system", "zk", "--rpc", node.url, "--json").result
    again = pyml(tmp_path, "zk", "deploy", "--rpc", node.url, "--json").result
    assert again == {name: row["address"] for name, row in made["contracts"].items()}


def test_systems_are_recorded_beside_one_another(tmp_path: Path, node: Devnet) -> None:
    made = {
        system: pyml(tmp_path, "deploy", "--system", system, "--rpc", node.url, "--json").result["contracts"]
        for system in ("zk", "keys")
    }
    assert list(made["keys"]) == KEYS_CONTRACTS
    client = Client.connect(node.url)
    for name, row in made["keys"].items():
        assert load_artifact(name).matches_code(client.code(row["address"]))
    recorded = json.loads((tmp_path / "deployments" / "31337.json").read_text())["systems"]
    assert {system: list(records) for system, records in recorded.items()} == {"zk": CONTRACTS, "keys": KEYS_CONTRACTS}


def test_deploy_refusals_leave_nothing(tmp_path: Path, node: Devnet) -> None:
    words = ("deploy", "--system", "zk", "--rpc", node.url)
    assert "expected chain id 5; got chain id 31337" in pyml(tmp_path, *words, "--chain-id", "5").mistake
    assert "eve.json does not exist" in pyml(tmp_path, *words, "--account", "eve").mistake
    assert "confirmations" in pyml(tmp_path, *words, "--confirmations", "0").mistake
    assert "cannot be reached" in pyml(tmp_path, "deploy", "--system", "zk", "--rpc", "http://127.0.0.1:1").mistake
    assert list(tmp_path.iterdir()) == []


def test_altered_record_is_refused(tmp_path: Path, node: Devnet) -> None:
    words = ("deploy", "--system", "zk", "--rpc", node.url)
    assert pyml(tmp_path, *words).code == 0
    path = tmp_path / "deployments" / "31337.json"
    path.write_text(path.read_text()[:-20])
    assert "31337.json" in pyml(tmp_path, *words).mistake
    path.write_text("[]")
    assert "31337.json" in pyml(tmp_path, *words).mistake


def test_accounts_through_the_command(tmp_path: Path) -> None:
    made = pyml(tmp_path, "chain", "accounts", "new", "alice", "--json", typed="correct horse\n").result["accounts"]
    assert [row["name"] for row in made] == ["alice"]
    assert pyml(tmp_path, "chain", "accounts", "list", "--json").result["accounts"] == made
    path = tmp_path / "home" / "accounts" / "alice.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert "horse" not in path.read_text()
    assert "exists already" in pyml(tmp_path, "chain", "accounts", "new", "alice", typed="other\n").mistake
    assert "the password is empty" in pyml(tmp_path, "chain", "accounts", "new", "bob").mistake
    assert "account name cannot be used" in pyml(tmp_path, "chain", "accounts", "new", "../x", typed="y\n").mistake
    malformed = pyml(tmp_path, "chain", "accounts", "import", "bob", typed="1234\ncorrect horse\n")
    assert "private key is malformed" in malformed.mistake
    path.write_text("{}")
    assert "is not a keystore" in pyml(tmp_path, "chain", "accounts", "list").mistake
    assert [item.name for item in path.parent.iterdir()] == ["alice.json"]


@contextmanager
def running(folder: Path, *words: str) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A devnet of the command, ended by SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-m", "pyml", "chain", "devnet", "--json", *words],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        try:
            yield child, json.loads(child.stdout.readline())
        finally:
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0


def test_devnet_with_options_of_its_own(tmp_path: Path) -> None:
    with running(tmp_path, "--chain-id", "777", "--tx-gas-cap", "--hardfork", "osaka") as (child, shown):
        client = Client.connect(shown["url"], expected_chain_id=777)
        assert shown["chain_id"] == 777
        assert len(shown["accounts"]) == 10
        assert shown["pid"] != child.pid
        port = shown["url"].rsplit(":", 1)[1]
        taken = pyml(tmp_path, "chain", "devnet", "--port", port).mistake
        assert "the devnet did not start" in taken
        assert client.balance_wei(shown["accounts"][0]) == 10_000 * 10**18
    assert not Path(f"/proc/{shown['pid']}").exists(), "the node ends with the command"


def test_devnet_ends_with_its_command(tmp_path: Path) -> None:
    """Killed without a chance to clean up, it leaves no anvil behind."""
    with subprocess.Popen(
        [sys.executable, "-m", "pyml", "chain", "devnet", "--json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        shown = json.loads(child.stdout.readline())
        child.kill()
        assert child.wait(10) == -signal.SIGKILL
        child.stdout.read()  # ends when nobody holds the pipe any longer
    assert "cannot be reached" in pyml(tmp_path, "zk", "deploy", "--rpc", shown["url"]).mistake


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--port", "-1"), "--port"),
        (("--port", "65536"), "--port"),
        (("--chain-id", "0"), "--chain-id"),
        (("--hardfork", "nonsense"), "the devnet did not start"),
        (("--block-time", "soon"), "--block-time"),
    ],
)
def test_devnet_refusals(tmp_path: Path, words: tuple[str, ...], error: str) -> None:
    assert error in pyml(tmp_path, "chain", "devnet", *words).mistake


def test_build_makes_the_shipped_artefacts_again(tmp_path: Path) -> None:
    """In a copy of the checkout, from sources alone: same compiler, same bytes."""
    try:
        solc = find_solc()
    except ToolMissingError as error:
        pytest.skip(f"no Solidity compiler: {error}")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "pyml", checkout / "pyml", ignore=shutil.ignore_patterns("__pycache__", "artifacts"))
    shutil.copytree(ROOT / "contracts", checkout / "contracts")
    (checkout / "node_modules").symlink_to(ROOT / "node_modules")  # OpenZeppelin's sources
    done = subprocess.run(
        [sys.executable, "-m", "pyml", "chain", "build", "--json"],
        cwd=checkout,
        env={**environment(tmp_path), "PYTHONPATH": str(checkout), "PYML_SOLC": str(solc.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    built = Answer(done.returncode, done.stdout, done.stderr).result
    assert built["compiler"] == solc.version
    for name in (*CONTRACTS, *KEYS_CONTRACTS):
        shipped = load_artifact(name)
        assert built["contracts"][name] == {"bytes": shipped.code_size, "digest": shipped.digest}
        made = load_artifact(name, folder=checkout / "pyml" / "chain" / "artifacts")
        assert made == shipped


def test_build_needs_a_checkout(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pyml", tmp_path / "pyml", ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-m", "pyml", "chain", "build"],
        cwd=tmp_path,
        env={**environment(tmp_path), "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    line = Answer(done.returncode, done.stdout, done.stderr).mistake
    assert line == "there are no contracts to compile; expected a source checkout of pyml"
