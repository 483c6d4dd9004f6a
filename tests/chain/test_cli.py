"""``pyml chain``: the commands do what they say, and refuse with an error that the command line prints as one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pyml.chain import accounts
from pyml.chain.artifacts import Artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.deploy import Plan, Ref, Step
from pyml.chain.devnet import Devnet, DevnetOptions, DevNode
from pyml.cli import chain
from pyml.errors import ChainError, InputError, KeystoreError, PymlError

ROOT = Path(__file__).parents[2]
KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: dict[str, Artifact]) -> Path:
    """A home of its own, cheap keystores, and one system to deploy."""
    monkeypatch.setenv("PYML_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(accounts.create_keystore.__kwdefaults__ or {}, "scrypt_work", 2**12)
    monkeypatch.setitem(accounts.import_keystore.__kwdefaults__ or {}, "scrypt_work", 2**12)
    steps = (Step("Inner", compiled["Inner"]), Step("Vault", compiled["Vault"], (5, Ref("Inner"))))
    monkeypatch.setitem(chain.PLANS, "toy", lambda: Plan("toy", steps))
    (tmp_path / "password").write_text("correct horse\n")
    return tmp_path


def call(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(chain.app, list(words), input=typed)


def answer(*words: str, typed: str | None = None) -> dict[str, Any]:
    result = call(*words, "--json", typed=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refusal(*words: str, typed: str | None = None) -> PymlError:
    result = call(*words, typed=typed)
    assert isinstance(result.exception, PymlError), result.output
    return result.exception


def test_accounts_are_made_imported_and_listed(home: Path) -> None:
    made = answer("accounts", "new", "alice", "--password-file", str(home / "password"))["accounts"]
    imported = answer("accounts", "import", "bob", "--password-file", str(home / "password"), typed=f"{KEY}\n")
    assert imported["accounts"] == [{"name": "bob", "address": ADDRESS}]
    assert answer("accounts", "list")["accounts"] == [*made, *imported["accounts"]]
    table = call("accounts", "list").stdout
    assert "alice" in table
    assert ADDRESS in table


def test_key_is_neither_shown_nor_taken_as_an_argument(home: Path) -> None:
    result = call("accounts", "import", "bob", typed=f"{KEY}\ncorrect horse\n")
    assert result.exit_code == 0
    assert KEY not in result.output
    assert "horse" not in result.output
    assert call("accounts", "import", "carol", KEY).exit_code == 2
    assert isinstance(refusal("accounts", "new", "bob", "--password-file", str(home / "password")), KeystoreError)


def test_deploy_on_a_devnet_and_again(home: Path, node: DevNode, compiled: dict[str, Artifact]) -> None:
    words = ("deploy", "--system", "toy", "--rpc", node.url, "--folder", str(home / "deployments"))
    first = answer(*words)
    assert first["chain_id"] == 31337
    vault = first["contracts"]["Vault"]["address"]
    assert Contract.at(Client.connect(node.url), vault, artifact=compiled["Vault"]).call("limit") == 5
    assert (home / "deployments" / "31337.json").exists()
    assert answer(*words) == first
    assert "Vault" in call(*words).stdout


def test_deploy_with_a_stored_account_on_a_public_chain(home: Path) -> None:
    answer("accounts", "import", "bob", "--password-file", str(home / "password"), typed=f"{KEY}\n")
    with Devnet(DevnetOptions(chain_id=4242)) as devnet:
        devnet.rpc.request("anvil_setBalance", ADDRESS, hex(10**18))
        words = ("deploy", "--system", "toy", "--rpc", devnet.url, "--folder", str(home / "deployments"))
        error = refusal(*words)
        assert isinstance(error, KeystoreError)
        assert str(error).startswith("chain 4242 needs an account that pays; expected --account NAME")
        assert not (home / "deployments").exists()
        found = answer(*words, "--account", "bob", "--password-file", str(home / "password"))
        assert set(found["contracts"]) == {"Inner", "Vault"}
        (home / "wrong").write_text("battery staple")
        error = refusal(*words, "--account", "bob", "--password-file", str(home / "wrong"))
        assert "wrong password" in str(error)
        assert "does not exist" in str(refusal(*words, "--account", "eve", "--password-file", str(home / "wrong")))


def test_deploy_refusals(home: Path, node: DevNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYML_RPC", raising=False)
    monkeypatch.chdir(home)
    error = refusal("deploy", "--system", "absent", "--rpc", node.url)
    assert isinstance(error, InputError)
    assert "there is no system 'absent' to deploy" in str(error)
    assert "expected --rpc URL" in str(refusal("deploy", "--system", "toy"))
    error = refusal("deploy", "--system", "toy", "--rpc", node.url, "--chain-id", "1")
    assert isinstance(error, ChainError)
    assert "expected chain id 1; got chain id 31337" in str(error)
    assert not (home / "deployments").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_devnet_runs_until_interrupted_and_saves(home: Path, number: signal.Signals) -> None:
    state = home / "state.json"
    program = "import sys; from pyml.cli.chain import app; app(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", program, "devnet", "--json", "--state", str(state)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        shown = json.loads(process.stdout.readline())
        client = Client.connect(shown["url"], expected_chain_id=31337)
        assert client.balance_wei(shown["accounts"][0]) == 10_000 * 10**18
        process.send_signal(number)
        assert process.wait(10) == 0
    assert json.loads(state.read_text())["best_block_number"] in (0, "0x0")
    with pytest.raises(ChainError, match="cannot be reached"):
        Client.connect(shown["url"])
