"""``pyml zk --engine native`` as a user runs it: from a model to an accepted claim and an accepted answer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pyml.chain.devnet import Devnet
from pyml.cli.zk import app
from pyml.errors import CircuitError, InputError, IntegrityError, ToolMissingError
from pyml.ml.networks import mlp
from pyml.ml.onnx_file import write_onnx
from pyml.zk.claims import AccuracyClaim, read_claim
from pyml.zk.native.core import load_core

ROOT = Path(__file__).parents[2]
SAMPLES = 20


@dataclass(frozen=True)
class User:
    """A folder, a devnet, and commands run there."""

    folder: Path
    url: str

    def run(self, *words: str) -> dict[str, Any]:
        environment = {"PYML_HOME": str(self.folder / "home"), "PATH": f"{ROOT / '.dev' / 'bin'}:{os.environ['PATH']}"}
        answer = CliRunner().invoke(app, [*words, "--json"], env=environment, catch_exceptions=False)
        return json.loads(answer.output.splitlines()[-1])

    def on_chain(self, *words: str) -> dict[str, Any]:
        return self.run(*words, "--rpc", self.url, "--deployments", self.path("deployments"))

    def path(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    try:
        load_core()
    except ToolMissingError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("native")
    write_onnx(mlp((64, 16, 8, 10), seed=1), 64, folder / "model.onnx")
    (folder / "password").write_text("a password for tests", encoding="utf-8")
    (folder / "password").chmod(0o600)
    with Devnet() as devnet:
        yield User(folder, devnet.url)


def test_the_whole_way(user: User) -> None:
    circuit, model, claim = user.path("circuit"), user.path("model.secret"), user.path("claim.json")
    secret = ("--password-file", user.path("password"))
    exported = user.run(
        "export", user.path("model.onnx"), "--engine", "native", "--samples", str(SAMPLES), "--out", circuit
    )
    assert exported["engine"] == "native"
    assert "circuit_id" not in user.run("setup", circuit, "--insecure")
    user.run("commit", circuit, user.path("model.onnx"), "--out", model, *secret)
    user.on_chain("deploy")

    with pytest.raises(CircuitError, match="no verifier on chain 31337"):
        user.on_chain("prove", circuit, "--model", model, "--out", claim, *secret)
    registered = user.on_chain("register", circuit)
    proved = user.on_chain("prove", circuit, "--model", model, "--out", claim, *secret)
    assert user.run("verify", circuit, claim)["valid"]
    with pytest.raises(InputError, match="weights are not proved to be small"):
        user.on_chain("claim", circuit, claim)
    again = user.on_chain("register", circuit, "--model", model, *secret)
    assert again["circuit_id"] == registered["circuit_id"]
    accepted = user.on_chain("claim", circuit, claim)
    assert accepted["accepted"]
    assert accepted["result"] == proved["count"]

    pins = user.folder / "circuit" / "digests.toml"
    honest = pins.read_text(encoding="utf-8")
    pins.write_text(honest.replace(registered["verifier"], "0x5FbDB2315678afecb367f032d93F642f64180aa3"), "utf-8")
    with pytest.raises(IntegrityError, match="not the verifier of this circuit"):  # the folder names another contract
        user.on_chain("claim", circuit, claim)
    pins.write_text(honest, encoding="utf-8")

    made = read_claim(Path(claim))
    assert isinstance(made, AccuracyClaim)
    assert made.circuit.hex() == registered["circuit_id"][2:]
    (user.folder / "input.json").write_text(json.dumps(np.full(64, 3).tolist()), encoding="utf-8")
    asked = ("infer", circuit, "--model", model, "--input", user.path("input.json"), "--out", user.path("a.json"))
    with pytest.raises(CircuitError, match="no verifier"):
        user.on_chain(*asked, *secret)
    (answers,) = (user.folder / "circuit").glob("inference-*")
    user.on_chain("register", str(answers))
    answer = user.on_chain(*asked, *secret)
    assert answer["model"] == "0x" + made.model.hex()
    assert user.on_chain("claim", str(answers), user.path("a.json"))["result"] == answer["label"]


@pytest.mark.parametrize(
    "words",
    [("--engine", "halo3"), ("--engine", "native", "--kind", "private_input")],
    ids=["unknown", "private input"],
)
def test_an_engine_that_cannot_is_refused(user: User, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="no such engine"):
        user.run("export", user.path("model.onnx"), *words, "--out", user.path("refused"))
    assert not (user.folder / "refused").exists()


def test_models_of_ezkl_are_not_proved_apart(user: User) -> None:
    user.run("export", user.path("model.onnx"), "--samples", "5", "--out", user.path("ezkl"))
    with pytest.raises(InputError, match="only models of native circuits"):
        user.on_chain("register", user.path("ezkl"), "--model", user.path("model.secret"))
