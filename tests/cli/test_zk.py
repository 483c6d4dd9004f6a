"""``pyml zk`` as a user runs it: one pass from training to an accepted claim, and every mistake of the issue's list.

Each mistake gives exit code 2 and one line, and leaves no file behind.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from pyml.chain.accounts import create_keystore
from pyml.chain.client import Client
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.ml.networks import mlp
from pyml.ml.onnx_file import write_onnx
from pyml.zk.ezkl import generate_insecure_srs
from pyml.zk.srs import insecure_path

ROOT = Path(__file__).parents[2]
SAMPLES = "5"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a run of the command left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.out)

    def is_mistake(self, *words: str) -> bool:
        """Exit code 2, one line that starts with ``error:`` and has the words, no traceback, nothing on stdout."""
        lines = [line for line in self.err.splitlines() if line.startswith("error:")]
        return (
            self.code == 2
            and len(lines) == 1
            and self.err.rstrip().endswith(lines[0])
            and "Traceback" not in self.err
            and not self.out
            and all(word in lines[0] for word in words)
        )


@dataclass(frozen=True, slots=True)
class Shop:
    """A working folder with a set-up circuit, a committed model and a claim."""

    folder: Path
    rpc: str
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, *arguments: str, limit_bytes: int | None = None, **environment: str) -> Answer:
        def limit() -> None:
            if limit_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        done = subprocess.run(
            [sys.executable, "-m", "pyml", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, **environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            preexec_fn=limit,  # no threads here
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments: str, **environment: str) -> dict[str, Any]:
        answer = self.run(*arguments, "--json", limit_bytes=None, **environment)
        assert answer.code == 0, answer.err
        return answer.result

    def files(self) -> set[str]:
        """Everything in the working folder and below ``home``, temporary files too."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if "__pycache__" not in str(path)}


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, devnet: Devnet) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    environment = {
        "PYML_HOME": str(folder / "home"),
        "PYML_RPC": devnet.url,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    made = Shop(folder, devnet.url, environment)
    (folder / "password").write_text("correct horse\n")
    made.must("zk", "train", "--sizes", "64-8-10", "--epochs", "8", "--out", "model.onnx")
    made.must("zk", "export", "model.onnx", "--samples", SAMPLES, "--bits", "6", "--out", "circuit")
    assert made.must("zk", "setup", "circuit", "--insecure")["insecure"]
    made.must("zk", "commit", "circuit", "model.onnx", "--out", "model.secret", "--password-file", "password")
    made.must("zk", "deploy")
    made.must("zk", "prove", "circuit", "--model", "model.secret", "--password-file", "password", "--out", "claim.json")
    return made


def test_the_whole_way(shop: Shop) -> None:
    assert shop.must("zk", "verify", "circuit", "claim.json")["valid"] is True
    claimed = shop.must("zk", "claim", "circuit", "claim.json")
    assert claimed["accepted"] is True
    assert claimed["gas"] < 1_200_000
    again = shop.run("zk", "claim", "circuit", "claim.json")
    assert again.is_mistake("WitnessAlreadyUsed")


def test_a_cnn_the_whole_way(shop: Shop) -> None:
    cnn = "1x8x8:c2k3-max2-10"
    shop.must("zk", "train", "--sizes", cnn, "--epochs", "6", "--out", "cnn.onnx")
    exported = shop.must("zk", "export", "cnn.onnx", "--samples", SAMPLES, "--bits", "6", "--out", "cnn")
    assert exported["architecture"] == "64-18-10"
    shop.must("zk", "setup", "cnn", "--insecure")
    secret = ("--model", "cnn.secret", "--password-file", "password")
    shop.must("zk", "commit", "cnn", "cnn.onnx", "--out", "cnn.secret", "--password-file", "password")
    shop.must("zk", "prove", "cnn", *secret, "--out", "cnn.json")
    assert shop.must("zk", "verify", "cnn", "cnn.json")["valid"] is True
    assert shop.must("zk", "claim", "cnn", "cnn.json")["accepted"] is True


def test_private_input_the_whole_way(shop: Shop) -> None:
    shop.must("zk", "export", "model.onnx", "--kind", "private_input", "--bits", "6", "--out", "asking")
    shop.must("zk", "setup", "asking", "--insecure")
    (shop.folder / "digit.json").write_text(json.dumps([7] * 64))
    proved = shop.must("zk", "prove", "asking", "--input", "digit.json", "--purpose", "test", "--out", "answer.json")
    assert shop.must("zk", "verify", "asking", "answer.json")["valid"] is True
    assert shop.must("zk", "claim", "asking", "answer.json")["result"] == proved["label"]
    claim = json.loads((shop.folder / "answer.json").read_text())
    claim["label"] = (claim["label"] + 1) % 10
    (shop.folder / "lie.json").write_text(json.dumps(claim))
    assert shop.run("zk", "verify", "asking", "lie.json").code == 1


def test_the_certified_model_answers(shop: Shop) -> None:
    """The accuracy circuit's own commitment; the circuit for answers is made on the way."""
    (shop.folder / "public.json").write_text(json.dumps([5] * 64))
    secret = ("--model", "model.secret", "--password-file", "password")
    proved = shop.must("zk", "infer", "circuit", "--input", "public.json", *secret, "--out", "said.json")
    asking = proved["circuit"]
    assert asking.startswith("circuit/inference-")
    assert proved["model"] == "0x" + json.loads((shop.folder / "claim.json").read_text())["model"]
    assert shop.must("zk", "verify", asking, "said.json")["valid"] is True
    assert shop.must("zk", "claim", asking, "said.json")["result"] == proved["label"]
    again = shop.must("zk", "infer", asking, "--input", "public.json", *secret, "--out", "again.json")
    assert again["label"] == proved["label"]
    assert shop.run("zk", "claim", asking, "again.json").is_mistake("AlreadyAnswered")
    said = json.loads((shop.folder / "said.json").read_text())
    for change in ({"label": (said["label"] + 1) % 10}, {"features": "0006" + said["features"][4:]}):
        (shop.folder / "lie.json").write_text(json.dumps(said | change))
        assert shop.run("zk", "verify", asking, "lie.json").code == 1
        assert shop.run("zk", "claim", asking, "lie.json").is_mistake("WitnessAlreadyUsed")
    refused = shop.run("zk", "prove", asking, "--model", "model.secret", "--password-file", "password")
    assert refused.is_mistake("pyml zk infer")


def test_linked_to_a_circuit_of_another_size(shop: Shop) -> None:
    secret = ("--model", "model.secret", "--password-file", "password")
    (shop.folder / "public.json").write_text(json.dumps([4] * 64))
    shop.must("zk", "srs", "16", "--insecure")
    said = shop.must("zk", "infer", "circuit", "--degree", "16", "--input", "public.json", *secret)
    assert said["circuit"] == "circuit/inference-16"
    linked = shop.must("zk", "link", "circuit", "--degree", "16", *secret)
    assert linked["same_as"] == said["model"] != linked["model"]
    assert shop.must("zk", "claim", said["circuit"], "answer.json")["result"] == said["label"]
    assert shop.run("zk", "link", "circuit", "--degree", "16", *secret).is_mistake("AlreadyLinked")
    assert shop.run("zk", "link", said["circuit"], "--degree", "15", *secret).is_mistake("starts from a model")


def test_questions_that_no_model_is_asked(shop: Shop) -> None:
    secret = ("--model", "model.secret", "--password-file", "password", "--out", "unsaid.json")
    for values, words in (
        ([5] * 63, ("expected 64 integers",)),
        ([17] * 64, ("an input is out of range",)),
        ([-1] * 64, ("an input is out of range",)),
    ):
        (shop.folder / "odd.json").write_text(json.dumps(values))
        assert shop.run("zk", "infer", "circuit", "--input", "odd.json", *secret).is_mistake(*words)
    assert not (shop.folder / "unsaid.json").exists()


def test_false_claim_exits_1(shop: Shop) -> None:
    claim = json.loads((shop.folder / "claim.json").read_text())
    for name, value in (("count", int(SAMPLES)), ("model", "00" * 32), ("circuit", "11" * 32)):
        forged = claim | {name: value}
        if forged == claim:
            forged |= {"count": claim["count"] - 1, "threshold": 1}
        (shop.folder / "forged.json").write_text(json.dumps(forged))
        answer = shop.run("zk", "verify", "circuit", "forged.json", "--json")
        assert (answer.code, answer.result["valid"]) == (1, False)


def test_proof_for_another_key_exits_1(shop: Shop) -> None:
    shop.must("zk", "export", "model.onnx", "--samples", "4", "--bits", "6", "--out", "other")
    shop.must("zk", "setup", "other", "--insecure")
    assert shop.run("zk", "verify", "other", "claim.json").code == 1
    # Same statement, other reference string, hence other key.
    other = insecure_path(shop.folder / "elsewhere", 14)
    other.parent.mkdir(parents=True)
    degree = int(shop.must("zk", "setup", "circuit")["k"])
    generate_insecure_srs(other, degree)
    answer = shop.run("zk", "verify", "circuit", "claim.json", "--srs", str(other))
    assert answer.code == 1


def _bad_models(folder: Path) -> dict[str, tuple[str, ...]]:
    """File name → words of the error it must give."""
    (folder / "not.onnx").write_bytes(b"PK\x03\x04 this is a zip file")
    (folder / "empty.onnx").write_bytes(b"")
    good = mlp((64, 8, 10), seed=0)
    write_onnx(good, 64, folder / "good.onnx")
    (folder / "cut.onnx").write_bytes((folder / "good.onnx").read_bytes()[:500])
    write_onnx(nn.Sequential(nn.Linear(64, 8), nn.Sigmoid(), nn.Linear(8, 10)), 64, folder / "sigmoid.onnx")
    write_onnx(mlp((63, 8, 10), seed=0), 63, folder / "shape.onnx")
    write_onnx(mlp((64, 8, 9), seed=0), 64, folder / "classes.onnx")
    broken = mlp((64, 8, 10), seed=0)
    with torch.no_grad():
        cast(nn.Linear, broken[0]).weight[3, 5] = float("nan")
    write_onnx(broken, 64, folder / "nan.onnx")
    return {
        "not.onnx": ("is not an ONNX file",),
        "empty.onnx": ("is not an ONNX file",),
        "cut.onnx": ("ONNX",),
        "absent.onnx": ("cannot be read",),
        "sigmoid.onnx": ("Sigmoid", "is not supported"),
        "shape.onnx": ("64 inputs", "63 inputs"),
        "classes.onnx": ("10 outputs", "9 outputs"),
        "nan.onnx": ("not finite",),
    }


def test_unusable_models(shop: Shop) -> None:
    folder = shop.folder / "models"
    folder.mkdir()
    wanted = _bad_models(folder)
    before = shop.files()
    for name, words in wanted.items():
        answer = shop.run("zk", "export", f"models/{name}", "--out", "never")
        assert answer.is_mistake(*words), (name, answer)
    assert shop.files() == before


def test_weights_out_of_the_lookup_range(shop: Shop) -> None:
    before = shop.files()
    assert shop.run("zk", "export", "model.onnx", "--bits", "14", "--out", "never").is_mistake("bits")
    assert shop.files() == before
    # A public model file whose weights were altered.
    shop.must("zk", "export", "model.onnx", "--kind", "private_input", "--bits", "6", "--out", "wide")
    path = shop.folder / "wide" / "model.json"
    table = json.loads(path.read_text())
    table["layers"][0]["weight"][0][0] = 1 << 20
    path.write_text(json.dumps(table))
    assert shop.run("zk", "setup", "wide", "--insecure").is_mistake("outside the lookup range")


def test_reference_string_too_small_absent_or_damaged(shop: Shop) -> None:
    small = shop.folder / "small.srs"
    generate_insecure_srs(small, 8)
    assert shop.run("zk", "setup", "circuit", "--srs", "small.srs").is_mistake("k = 8", "k >= ")
    small.write_bytes(small.read_bytes()[:-1])
    assert shop.run("zk", "setup", "circuit", "--srs", "small.srs").is_mistake("not a complete")
    assert shop.run("zk", "setup", "circuit", "--srs", "nowhere.srs").is_mistake("cannot be read")
    empty = str(shop.folder / "empty-home")
    answer = shop.run("zk", "setup", "circuit", PYML_HOME=empty)
    assert answer.is_mistake("there is no structured reference string", "--insecure")
    generate_insecure_srs(small, 11)
    assert shop.run("zk", "srs", "--file", "small.srs").is_mistake("is not the public string")


def test_full_disk_leaves_nothing_half_written(shop: Shop) -> None:
    home = shop.folder / "full-home"
    answer = shop.run("zk", "setup", "circuit", "--insecure", limit_bytes=300_000, PYML_HOME=str(home))
    assert answer.is_mistake("Free"), answer
    leftovers = [path for path in home.rglob("*") if path.is_file() and path.suffix not in {".lock"}]
    circuits = {path.parent.name for path in leftovers}
    assert circuits <= {"circuit"}, leftovers
    shop.must("zk", "setup", "circuit", "--insecure", PYML_HOME=str(home))


def test_killed_set_up_is_resumed(shop: Shop) -> None:
    home = shop.folder / "killed-home"
    environment = {**os.environ, **shop.environment, "PYML_HOME": str(home)}
    command = [sys.executable, "-m", "pyml", "zk", "setup", "circuit", "--insecure", "--json"]
    for seconds in (1.5, 2.5, 3.5):
        child = subprocess.Popen(
            command, cwd=shop.folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        child.kill()
        child.wait()
    made = shop.must("zk", "setup", "circuit", "--insecure", PYML_HOME=str(home))
    assert made["statement"] == shop.must("zk", "setup", "circuit")["statement"]
    assert not [path for path in home.rglob("*.tmp") if path.is_dir()]
    started = time.monotonic()
    assert shop.must("zk", "setup", "circuit", PYML_HOME=str(home))["vka_digest"] == made["vka_digest"]
    assert time.monotonic() - started < 60


def test_node_down_or_on_another_chain(shop: Shop) -> None:
    with Devnet() as node:
        url = node.url
    for command in (["zk", "deploy"], ["zk", "claim", "circuit", "claim.json"]):
        assert shop.run(*command, PYML_RPC=url).is_mistake("node")
    assert shop.run("zk", "deploy", PYML_RPC="http://user:hunter2@127.0.0.1:1").err.count("hunter2") == 0
    with Devnet(DevnetOptions(chain_id=1337)) as node:
        answer = shop.run("zk", "claim", "circuit", "claim.json", PYML_RPC=node.url)
    assert answer.is_mistake("chain id 31337", "chain id 1337")


def test_contract_not_deployed(shop: Shop) -> None:
    before = shop.files()
    answer = shop.run("zk", "claim", "circuit", "claim.json", "--deployments", "nothing")
    assert answer.is_mistake("is not deployed", "pyml deploy --system zk")
    with Devnet() as node:  # the same chain id, an empty chain
        answer = shop.run("zk", "claim", "circuit", "claim.json", PYML_RPC=node.url)
    assert answer.code == 2
    assert "Traceback" not in answer.err
    assert shop.files() == before


def test_insufficient_balance(shop: Shop) -> None:
    home = shop.folder / "home"
    create_keystore(home / "accounts", "poor", lambda: "correct horse")
    answer = shop.run("zk", "deploy", "--account", "poor", "--password-file", "password", "--deployments", "poor")
    assert answer.is_mistake("0 wei") or answer.is_mistake("funds") or answer.is_mistake("balance"), answer


def test_insecure_srs_on_a_public_chain(shop: Shop) -> None:
    stored = create_keystore(shop.folder / "home" / "accounts", "rich", lambda: "correct horse")
    credentials = ("--account", "rich", "--password-file", "password")
    with Devnet(DevnetOptions(chain_id=5)) as node:
        Client.connect(node.url).rpc.request("anvil_setBalance", stored.address, hex(10**20))
        assert shop.run("zk", "deploy", PYML_RPC=node.url).is_mistake("needs an account")
        dev_key = shop.run("zk", "deploy", PYML_RPC=node.url, PYML_DEV_KEY="11" * 32)
        assert dev_key.is_mistake("development chains only")
        assert "11" * 32 not in dev_key.err
        shop.must("zk", "deploy", *credentials, PYML_RPC=node.url)
        files = ("--model", "model.secret", "--out", "public.json")
        shop.must("zk", "prove", "circuit", *files, *credentials, PYML_RPC=node.url)
        answer = shop.run("zk", "claim", "circuit", "public.json", *credentials, PYML_RPC=node.url)
    assert answer.is_mistake("insecure", "public string on chain 5")


def test_wrong_password_files_and_folders(shop: Shop) -> None:
    (shop.folder / "wrong").write_text("incorrect\n")
    files = ("--model", "model.secret", "--out", "never.json")
    before = shop.files()
    answer = shop.run("zk", "prove", "circuit", *files, "--password-file", "wrong")
    assert answer.is_mistake("wrong password")
    assert shop.run("zk", "prove", "circuit", *files, "--password-file", "absent").is_mistake("cannot be read")
    assert shop.run("zk", "prove", "circuit", "--out", "never.json").is_mistake("--model FILE")
    assert shop.run("zk", "prove", "nowhere").is_mistake("circuit.toml does not exist")
    assert shop.run("zk", "verify", "circuit", "password").is_mistake("is not a claim file")
    assert shop.run("zk", "verify", "circuit", "model.onnx").is_mistake("is not a claim file")
    assert (
        shop.run("zk", "commit", "circuit", "model.onnx", "--out", "model.secret", "--password-file", "wrong").code == 2
    )
    assert shop.files() == before


def test_private_input_files(shop: Shop) -> None:
    shop.must("zk", "export", "model.onnx", "--kind", "private_input", "--bits", "6", "--out", "files")
    np.save(shop.folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (shop.folder / "bad.json").write_text("[1, 2")
    (shop.folder / "short.json").write_text("[1, 2]")
    (shop.folder / "floats.json").write_text(json.dumps([0.5] * 64))
    (shop.folder / "large.json").write_text(json.dumps([17] * 64))
    shop.must("zk", "setup", "files", "--insecure")
    for name, words in {
        "objects.npy": ("is not an input",),
        "bad.json": ("is not an input",),
        "short.json": ("64 integers",),
        "floats.json": ("64 integers",),
        "large.json": ("[0, 16]",),
        "absent.json": ("is not an input",),
    }.items():
        answer = shop.run("zk", "prove", "files", "--input", name, "--out", "never.json")
        assert answer.is_mistake(*words), (name, answer)
    assert not (shop.folder / "never.json").exists()


def test_secrets_stay_out_of_sight(shop: Shop) -> None:
    """Neither the claim nor any file but the encrypted one holds a weight row; the encrypted one is private."""
    assert (shop.folder / "model.secret").stat().st_mode & 0o077 == 0
    assert (shop.folder / "model.onnx").stat().st_mode & 0o077 == 0
    for path in (path for path in (shop.folder / "circuit").rglob("*") if path.is_file()):
        assert b'weight"' not in path.read_bytes()
    assert set(json.loads((shop.folder / "claim.json").read_text())) == {
        "version",
        "kind",
        "context",
        "circuit",
        "model",
        "threshold",
        "count",
        "proof",
    }
