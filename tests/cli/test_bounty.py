"""``pyml zk bounty`` as sponsor, publisher and entrant use it: one pass with a real proof, and their mistakes.

In one process, so that the engine's steps need no interpreter each; ``test_zk.py`` runs the program itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from typer.testing import CliRunner

from pyml.chain.accounts import signer_from_environment
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet
from pyml.cli.bounty import app
from pyml.cli.main import app as pyml
from pyml.errors import ContractRevertedError, InputError, KeystoreError, NotDeployedError, PymlError
from pyml.ml.datasets import load
from pyml.ml.modules import affine_layers
from pyml.ml.networks import mlp
from pyml.ml.training import TrainingConfig, train
from pyml.store.keystore import Secret
from pyml.zk import ezkl
from pyml.zk.circuit_folder import CircuitFolder
from pyml.zk.circuits import accuracy_statement, labelled_set
from pyml.zk.model_codec import SecretModel
from pyml.zk.model_file import save_model
from pyml.zk.preparation import prepare
from pyml.zk.srs import make_insecure
from pyml.zk.statement import Numerics
from pyml.zk.witness import secure_felt
from tests.zk.engine_child import engine_child

SAMPLES = 5
NUMERICS = Numerics(lookup_bits=8, committed_salts=8, witness_salts=2, lookup_salts=16)
REWARD = 10**18
PASSWORD = "correct horse"


def key_of(who: str) -> str:
    """A private key for a development chain: opening a keystore for each command would take most of the time."""
    return keccak(text=who).hex()


@dataclass(frozen=True, slots=True)
class Desk:
    """A working folder with a template, a circuit on a secret set, and a committed model."""

    folder: Path
    client: Client
    environment: dict[str, str]

    def run(self, *words: str, who: str = "sponsor", command: Any = app) -> dict[str, Any]:
        """What the command says with ``--json``; raises what it raises."""
        environment = {**self.environment, "PYML_DEV_KEY": key_of(who)}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            answer = CliRunner().invoke(command, [*words, "--json"], env=environment, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.output)

    def refuse(self, error: type[PymlError], text: str, *words: str, who: str = "sponsor") -> None:
        with pytest.raises(error, match=text):
            self.run(*words, who=who)

    def mine(self, block: int) -> None:
        """Up to and including the block."""
        while self.client.block_number() < block:
            self.client.rpc.request("evm_mine")


def _make_circuits(folder: Path, home: Path) -> None:
    """What ``train``, ``export``, ``setup`` and ``commit`` make, with gadgets small enough to be quick."""
    dataset = load("digits")
    net = mlp((64, 4, 10), seed=3)
    train(net, dataset, TrainingConfig(epochs=5, seed=3))
    prepared = prepare(affine_layers(net), dataset, weight_bits=4, numerics=NUMERICS)
    for name, start in (("template", 0), ("sealed", 100)):
        data = labelled_set(dataset, samples=SAMPLES, start=start)
        CircuitFolder.create(folder / name, accuracy_statement(prepared.architecture, data, NUMERICS))
    for degree in (10, 11):
        make_insecure(home, degree, ezkl.generate_insecure_srs)
    salts = tuple(secure_felt() for _ in range(NUMERICS.committed_salts))
    save_model(SecretModel(prepared.quantisation.network, salts), folder / "model.secret", Secret(PASSWORD.encode()))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with engine_child() as child, pytest.MonkeyPatch.context() as patch, Devnet() as node:
        patch.setattr(ezkl, "_step", child.step)
        home = folder / "home"
        made = Desk(folder, Client.connect(node.url), {"PYML_HOME": str(home), "PYML_RPC": node.url})
        (folder / "password").write_text(PASSWORD)
        for who in ("sponsor", "publisher", "entrant"):
            address = signer_from_environment(key_of(who), 31337).address
            made.client.rpc.request("anvil_setBalance", address, hex(10**20))
        _make_circuits(folder, home)
        made.run("zk", "deploy", command=pyml)
        yield made


MODEL = ("--model", "model.secret", "--password-file", "password")
TERMS = ("--threshold", "1", "--reward", str(REWARD), "--reveal-blocks", "20", "--proof-blocks", "20")


def test_the_whole_way(desk: Desk) -> None:
    desk.refuse(InputError, "the template is about the set", "seal", "sealed", "sealed", "--blocks", "20")
    sealed = desk.run("seal", "sealed", "template", "--blocks", "20", who="publisher")
    assert desk.run("seal", "sealed", "template", "--blocks", "90", who="publisher") == sealed, "the same seal"
    salt = json.loads((desk.folder / "seal.json").read_text())["salt"]
    assert salt not in json.dumps(sealed)
    whose = ("--seal", sealed["seal"], "--publisher", sealed["publisher"])
    opened = desk.run("open", "template", *whose, *TERMS)
    number = str(opened["bounty"])
    assert opened["closing_block"] == sealed["closing_block"]
    shown = desk.run("show", number)
    assert (shown["phase"], shown["reward"], shown["threshold"]) == ("entering", REWARD, 1)
    assert (shown["token"], shown["circuit"], shown["model"]) == (None, None, None)

    desk.refuse(InputError, "not the template", "enter", number, "sealed", *MODEL, who="entrant")
    entered = desk.run("enter", number, "template", *MODEL, who="entrant")
    desk.refuse(InputError, "still sealed", "reveal", number, "sealed", who="publisher")
    desk.mine(opened["closing_block"])
    assert desk.run("show", number)["phase"] == "revealing"
    desk.refuse(
        InputError,
        "too late for this bounty",
        "enter",
        number,
        "template",
        "--model",
        "model.secret",
        "--password-file",
        "password",
    )
    desk.refuse(InputError, "has not been revealed yet", "take", number, "sealed", *MODEL, who="entrant")
    desk.refuse(InputError, "another account", "reveal", number, "sealed")
    desk.refuse(InputError, "is still sealed", "reveal", number, "sealed", "--confirmations", "5", who="publisher")
    revealed = desk.run("reveal", number, "sealed", who="publisher")
    assert desk.run("show", number)["circuit"] == revealed["circuit"]

    desk.refuse(InputError, "not the circuit", "take", number, "template", *MODEL, who="entrant")
    assert not (desk.folder / "claim.json").exists()
    taken = desk.run("take", number, "sealed", *MODEL, who="entrant")
    assert 1 <= taken["count"] <= SAMPLES
    assert desk.run("show", number)["phase"] == "taken"
    assert desk.run("show", number)["model"] == entered["model"]
    desk.refuse(InputError, "taken before", "take", number, "sealed", *MODEL, who="entrant")
    desk.refuse(ContractRevertedError, "NotInStatus", "refund", number)
    desk.refuse(ContractRevertedError, "NothingToWithdraw", "withdraw")
    assert desk.run("withdraw", who="entrant")["amount"] == REWARD


def test_missed_deadline_is_refunded(desk: Desk) -> None:
    sealed = desk.run("seal", "sealed", "template", "--blocks", "5", "--out", "mine.json")
    opened = desk.run("open", "template", "--seal", sealed["seal"], *TERMS)
    number = str(opened["bounty"])
    desk.refuse(ContractRevertedError, "RefundTooEarly", "refund", number)
    desk.mine(opened["reveal_deadline"])
    assert desk.run("show", number)["phase"] == "refundable"
    desk.refuse(InputError, "too late to reveal", "reveal", number, "sealed", "--salt-file", "mine.json")
    desk.run("refund", number)
    assert desk.run("show", number)["phase"] == "refunded"
    assert desk.run("withdraw")["amount"] == REWARD


def test_mistakes(desk: Desk) -> None:
    seal = ("--seal", "0x" + "11" * 32)
    desk.refuse(InputError, "a seal is 32 bytes in hexadecimal", "open", "template", "--seal", "0x12", *TERMS)
    desk.refuse(ContractRevertedError, "SealUnknown", "open", "template", *seal, *TERMS)
    desk.refuse(InputError, "not an Ethereum address", "open", "template", *seal, *TERMS, "--token", "0x12")
    desk.refuse(ContractRevertedError, "BountyUnknown", "show", "999")
    desk.refuse(NotDeployedError, "is not deployed", "show", "0", "--deployments", "nowhere")
    desk.refuse(InputError, "is not a seal file", "reveal", "0", "sealed", "--salt-file", "password")
    desk.refuse(KeystoreError, "nobody", "refund", "0", "--account", "nobody", "--password-file", "password")
    (desk.folder / "other.json").write_text(
        json.dumps({"version": 1, "publisher": "0x" + "11" * 20, "dataset_digest": "22" * 32, "salt": "33" * 32})
    )
    desk.refuse(
        InputError, "is about another set", "seal", "sealed", "template", "--blocks", "5", "--out", "other.json"
    )


def test_every_command_explains_itself() -> None:
    commands = ("seal", "open", "show", "enter", "reveal", "take", "refund", "withdraw")
    overview = CliRunner().invoke(app, ["--help"]).output
    for command in commands:
        assert command in overview
        answer = CliRunner().invoke(app, [command, "--help"])
        assert answer.exit_code == 0
        assert "--json" in answer.output
