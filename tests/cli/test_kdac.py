"""``pyml kdac`` as people use it: a relay in a process of its own, two homes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pyml.cli.main import app
from pyml.errors import PymlError
from tests.kdac.network import PASSWORD, new_identity

ROOT = Path(__file__).parents[2]


class World:
    """A folder with identities and a password file. Commands run in this process, where packages are loaded already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        (folder / "password").write_bytes(PASSWORD.reveal + b"\n")
        self.environment = {**os.environ, "PYML_HOME": str(folder / "pyml"), "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        for who in ("alice", "bob"):
            new_identity(folder / who)

    def run(self, *words: str, who: str = "alice", given: str = "") -> Result:
        home = ("--home", str(self.folder / who), "--password-file", str(self.folder / "password"))
        return CliRunner(env=self.environment).invoke(app, ["kdac", *words, *home], input=given)

    def must(self, *words: str, who: str = "alice", given: str = "") -> dict[str, Any]:
        done = self.run(*words, "--json", who=who, given=given)
        assert done.exception is None, done.exception
        return dict(json.loads(done.stdout))

    def refused(self, *words: str, who: str = "alice") -> str:
        done = self.run(*words, who=who)
        assert isinstance(done.exception, PymlError)
        return str(done.exception)

    def befriend(self) -> None:
        word = self.must("invite", "bob", "--relay", self.url)["invitation"]
        assert not self.must("accept", word, "alice", "--wait", "1.5", who="bob")["accepted"]
        for who in ("alice", "bob", "alice"):
            self.must("inbox", who=who)
        (alice,), (bob,) = (self.must("friends", who=who)["friends"] for who in ("alice", "bob"))
        assert alice["safety_number"] == bob["safety_number"]

    def texts(self, who: str, *words: str) -> list[str]:
        return [item.get("text", "") for item in self.must("inbox", *words, who=who)["messages"]]


@contextmanager
def relay_process(world: World, *options: str) -> Generator[dict[str, Any]]:
    words = [sys.executable, "-m", "pyml", "kdac", "relay", "--folder", "relay", "--port", "0", "--json", *options]
    process = subprocess.Popen(
        words, cwd=world.folder, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    timer = threading.Timer(300, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        ready = dict(json.loads(process.stdout.readline()))
        world.url = str(ready["url"])
        yield ready
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        timer.cancel()
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("kdac"))
    with relay_process(made, "--metrics-port", "0") as ready:
        assert ready["metrics_port"] > 0
        made.befriend()
        yield made


def test_text_arrives_and_stays(world: World) -> None:
    assert world.must("send", "bob", "hello from alice", "--sign")["sent"]
    assert world.must("send", "bob", "-", given="a line\nand \x1b[31mcolour")["sent"]
    first, second = world.must("inbox", "alice", who="bob")["messages"][-2:]
    assert (first["text"], first["signed"], first["outgoing"]) == ("hello from alice", True, False)
    assert second["text"].startswith("a line")
    shown = world.run("inbox", "--wait", "0", who="bob").stdout
    assert "\x1b" not in shown
    assert "alice (signed): hello from alice" in shown


def test_file_arrives(world: World) -> None:
    content = os.urandom(100_000)
    (world.folder / "plan.bin").write_bytes(content)
    assert world.must("send-file", "bob", str(world.folder / "plan.bin"))["sent"]
    fetched = world.must("inbox", "--fetch", str(world.folder / "got"), who="bob")["files"]
    assert fetched == [str(world.folder / "got" / "plan.bin")]
    assert (world.folder / "got" / "plan.bin").read_bytes() == content
    stored = b"".join(path.read_bytes() for path in (world.folder / "pyml" / "blobs").rglob("*") if path.is_file())
    assert len(stored) > len(content)
    assert content[:64] not in stored


def test_chat_in_a_process_of_its_own(world: World) -> None:
    home = ["--home", "alice", "--password-file", "password"]
    done = subprocess.run(
        [sys.executable, "-m", "pyml", "kdac", "watch", "bob", *home],
        cwd=world.folder,
        env=world.environment,
        input="typed one\ntyped two\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert world.texts("bob")[-2:] == ["typed one", "typed two"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("send", "carol", "x"), "there is no friend 'carol'; expected one of: bob"),
        (("accept", "kdac1-nonsense", "eve"), "this is not an invitation"),
        (("invite", "bob", "--relay", "ws://127.0.0.1:1"), "with the name 'bob'"),
        (("invite", "dave", "--relay", "http://relay"), "this is not a relay's URL"),
        (("send-file", "bob", "nothing.bin"), "nothing.bin cannot be read"),
        (("watch", "carol"), "there is no friend 'carol'"),
        (("init",), "already exists"),
    ],
)
def test_mistakes(world: World, words: tuple[str, ...], message: str) -> None:
    assert message in world.refused(*words)


def test_no_identity_is_one_line_and_exit_code_2(world: World) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyml", "kdac", "friends", "--home", "nobody", "--password-file", "password"],
        cwd=world.folder,
        env=world.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: nobody has no kdac identity. pyml kdac init makes one.\n"


def test_queue_without_a_relay(tmp_path: Path) -> None:
    alone = World(tmp_path)
    with relay_process(alone):
        alone.befriend()
        port = alone.url.rpartition(":")[2]
    result = alone.must("send", "bob", "later", "--wait", "1")
    assert (result["sent"], result["waiting"]) == (False, 1)
    assert "no relay answers" in result["reason"]
    with relay_process(alone, "--port", port):
        assert alone.must("send", "bob", "now")["sent"]
        assert alone.texts("bob") == ["later", "now"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--resolver", "magic"), "unknown resolver; expected table or paper"),
        (("--certificate", "none.pem"), "the certificate none.pem cannot be used"),
        (("--queue", "amqp://guest:secret@127.0.0.1:1/"), "the broker cannot be used"),
    ],
)
def test_relay_refuses_what_it_cannot_use(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["kdac", "relay", "--folder", str(tmp_path), "--port", "0", *words])
    assert isinstance(done.exception, PymlError)
    assert message in str(done.exception)
    assert "secret" not in str(done.exception)
