"""``pyml zk export-set``, ``prove-set``, ``claim-set`` as a user runs them, and as kill -9 ends them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyml.chain.devnet import Devnet
from pyml.cli.main import app
from pyml.errors import PymlError
from pyml.ml.datasets import load
from pyml.ml.networks import mlp
from pyml.ml.onnx_file import write_onnx
from pyml.ml.training import TrainingConfig, train
from tests.cli.test_zk import ROOT, Shop

SAMPLES, PART_SAMPLES, PARTS = 14, 6, 3
SMALL = ("--bits", "5", "--lookup-bits", "9")
PROVE = ("zk", "prove-set", "set", "--model", "model.secret", "--password-file", "password", "--jobs", "2")


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    with Devnet() as node:
        yield node


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, devnet: Devnet) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    model = mlp((64, 10), seed=0)
    train(model, load("digits"), TrainingConfig(epochs=5))
    write_onnx(model, 64, folder / "model.onnx")
    (folder / "password").write_text("correct horse\n")
    environment = {"PYML_HOME": str(folder / "home"), "PYML_RPC": devnet.url, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    made = Shop(folder, devnet.url, environment)
    cut = ("--samples", str(SAMPLES), "--part-samples", str(PART_SAMPLES))
    exported = made.must("zk", "export-set", "model.onnx", *cut, *SMALL, "--out", "set")
    assert (exported["parts"], exported["samples"], exported["lookup_bits"]) == (PARTS, SAMPLES, 9)
    made.must("zk", "srs", str(exported["k"]), "--insecure")
    made.must("zk", "deploy")
    made.must("zk", "commit", "set/part-0000", "model.onnx", "--out", "model.secret", "--password-file", "password")
    return made


def start(shop: Shop) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pyml", *PROVE],
        cwd=shop.folder,
        env={**os.environ, **shop.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def children(process: int) -> list[int]:
    """Workers of a command, as Linux tells; they lead sessions of their own."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process and fields[3] == path.parent.name:  # parent, session
            found.append(int(path.parent.name))
    return found


def claims(shop: Shop) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted((shop.folder / "set").glob("part-*/claim.json"))}


def until(condition: Any, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not condition() and child.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
def test_the_whole_way_with_kills(shop: Shop) -> None:
    moments = random.Random()
    first = start(shop)  # killed as soon as one part is there
    until(lambda: claims(shop), first)
    first.kill()
    first.wait()
    kept = claims(shop)
    assert kept

    second = start(shop)  # loses a worker at some moment, then is killed itself at another
    until(lambda: children(second.pid), second)
    time.sleep(moments.uniform(0, 3))
    for worker in children(second.pid)[:1]:
        os.kill(worker, signal.SIGKILL)
    time.sleep(moments.uniform(0, 2))
    second.kill()
    second.wait()

    proved = shop.must(*PROVE)
    assert proved["parts"] == PARTS
    assert proved["samples"] == SAMPLES
    after = claims(shop)
    assert len(after) == PARTS
    assert {name: after[name] for name in kept} == kept
    assert not list((shop.folder / "home" / "circuits").rglob("proving.key"))
    assert not list((shop.folder / "home" / "circuits").rglob(".keys-*.tmp"))

    claimed = shop.must("zk", "claim-set", "set")
    assert (claimed["count"], claimed["samples"]) == (proved["count"], SAMPLES)
    assert claimed["model"] == proved["model"]
    assert len(claimed["circuits"]) == PARTS
    assert claimed["circuits"] == sorted(claimed["circuits"])
    again = shop.must("zk", "claim-set", "set")
    assert again == claimed | {"gas": 0}


def test_forged_part_is_named(shop: Shop) -> None:
    path = shop.folder / "set" / "part-0001" / "claim.json"
    text = path.read_text()
    try:
        path.write_text(text.replace('"count": ', '"count": 1'))
        assert shop.run(*PROVE).is_mistake("part-0001/claim.json is false", "Remove it")
    finally:
        path.write_text(text)


SECRET = ("--model", "model.secret", "--password-file", "password")
CUT = ("export-set", "model.onnx", "--out", "never")
MISTAKES = [
    (("prove-set", "nowhere", *SECRET), "set.toml does not exist. Make it with `pyml zk export-set`"),
    (("prove-set", "set/part-0000", *SECRET), "set.toml does not exist"),
    (("prove-set", "set", *SECRET, "--deployments", "nothing"), "is not deployed"),
    (("prove-set", "set", *SECRET, "--memory", "0.6"), "a part does not fit the memory"),
    (("prove-set", "set", *SECRET, "--srs", "absent.srs"), "cannot be read"),
    (("claim-set", "nowhere"), "set.toml does not exist"),
    ((*CUT, "--memory", "0.6"), "no part of the set fits the memory; expected 0."),
    ((*CUT, "--degree", "25"), "no part of the set fits the memory; expected k = 25"),
    ((*CUT, "--part-samples", "1", "--samples", "300"), "too few or too many parts"),
    ((*CUT, "--part-samples", "9", "--degree", "14", "--lookup-bits", "15"), "the parts do not fit k"),
    (("export-set", "model.onnx", "--samples", "9", "--part-samples", "3", "--out", "set"), "already holds another"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_mistakes(shop: Shop, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str) -> None:
    """In this process: that they become one line is tested elsewhere."""
    monkeypatch.chdir(shop.folder)
    for name, value in shop.environment.items():
        monkeypatch.setenv(name, value)
    before = shop.files()
    with pytest.raises(PymlError) as caught:
        app(["zk", *arguments], prog_name="pyml", standalone_mode=False)
    assert words in str(caught.value)
    assert shop.files() == before


def test_ray_that_is_not_installed(shop: Shop) -> None:
    if subprocess.run([sys.executable, "-c", "import ray"], capture_output=True, check=False).returncode == 0:
        pytest.skip("Ray is installed")
    assert shop.run(*PROVE, "--ray", "local").is_mistake("Ray is not installed", "pip install 'pyml[ray]'")
