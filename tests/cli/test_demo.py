"""``pyml demo`` as a user runs it: what it tells, what it refuses, and that nothing of it is left afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyml.cli.demo import _Story
from pyml.errors import ChainError, ContractRevertedError, PymlError

ROOT = Path(__file__).parents[2]
SAMPLES = 10
GAS_LIMIT = 1_200_000

STEPS = [
    "contracts deployed",
    "digit classifier trained",
    "quantised to 8-bit integers",
    "accuracy circuit set up",
    "model registered",
    "accuracy proved",
    "accuracy proof verified",
    "accuracy claim accepted",
    "input circuit set up",
    "private digit classified",
    "private input accepted",
]
REFUSED = {
    ("one more correct answer", "AccuracyRegistry", "InvalidProof"),
    ("one more correct answer, off chain", "off chain", "the proof is false"),
    ("one flipped bit in the proof", "AccuracyRegistry", "InvalidProof"),
    ("a stranger's copy of model and proof", "AccuracyRegistry", "InvalidProof"),
    ("the same claim again", "AccuracyRegistry", "WitnessAlreadyUsed"),
    ("another label", "PrivateInput", "InvalidProof"),
    ("a stranger's copy of the attestation", "PrivateInput", "InvalidProof"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A home and a folder for temporary files that nothing else uses."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYML_HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "temporary"),
            "COLUMNS": "150",
        }

    def start(self, *words: str, samples: int = SAMPLES) -> subprocess.Popen[str]:
        (self.folder / "temporary").mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "pyml", "demo", "--samples", str(samples), *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def leftovers(self) -> list[str]:
        """Our files in the folder for temporary ones; those in memory are among other runs'."""
        return [str(path) for path in (self.folder / "temporary").glob("*pyml*")]

    def processes(self) -> list[str]:
        """Command lines of whatever still runs with our home in its environment (Linux)."""
        found: list[str] = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.folder / "home").encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def told(place: Place) -> dict[str, Any]:
    with place.start("--json") as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, err) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out)


def test_every_step_is_told_in_order(told: dict[str, Any]) -> None:
    assert set(told) == {"steps", "refused", "seconds", "peak_process_mb"}
    assert [row["what"] for row in told["steps"]] == STEPS
    assert all(set(row) == {"what", "result", "seconds", "gas"} for row in told["steps"])
    results = {row["what"]: row["result"] for row in told["steps"]}
    assert results["contracts deployed"] == "5 on chain 31337"
    assert results["accuracy claim accepted"] == "certified: yes"
    right, _, total = results["accuracy proved"].partition(" of ")
    assert total == f"{SAMPLES}, weights hidden"
    assert SAMPLES // 2 < int(right) <= SAMPLES, "a classifier that was trained"
    assert results["private input accepted"].startswith("label ")


def test_every_forgery_is_refused_where_and_how_it_should_be(told: dict[str, Any]) -> None:
    found = {(row["forgery"], row["where"], row["answer"]) for row in told["refused"]}
    perfect = next(row for row in told["steps"] if row["what"] == "accuracy proved")["result"].startswith(f"{SAMPLES} ")
    assert not perfect, "ten of ten would leave the forged count nothing to add"
    assert found == REFUSED
    assert len(told["refused"]) == len(REFUSED)


def test_gas_and_time_are_measured(told: dict[str, Any]) -> None:
    gas = {row["what"]: row["gas"] for row in told["steps"] if row["gas"] is not None}
    assert set(gas) == {"accuracy claim accepted", "private input accepted"}
    for used in gas.values():
        assert 300_000 < used < GAS_LIMIT
    seconds = [row["seconds"] for row in told["steps"] if row["seconds"] is not None]
    assert len(seconds) == 7
    assert 0 < sum(seconds) <= told["seconds"] + 1
    assert told["peak_process_mb"] > 100


def test_nothing_is_left_but_what_is_worth_keeping(told: dict[str, Any], place: Place) -> None:
    assert place.processes() == [], "no anvil, no engine"
    assert place.leftovers() == []
    assert {path.name for path in place.folder.iterdir()} == {"home", "temporary"}
    home = place.folder / "home"
    assert {path.name for path in home.iterdir()} == {"circuits", "srs"}, "circuits and keys serve the next run"
    names = {path.name for path in home.rglob("*")}
    assert not any(name.endswith((".tmp", ".secret", ".proofs")) or name.startswith("witness") for name in names)
    assert all(path.name.startswith("insecure-dev-") for path in (home / "srs").iterdir())


def test_model_that_answers_everything_right(told: dict[str, Any], place: Place) -> None:
    """Three of three: even then "one more correct answer" must be a forgery, not the honest claim again."""
    with place.start("--json", samples=3) as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, err) == (0, "")
    table = json.loads(out)
    proved = next(row for row in table["steps"] if row["what"] == "accuracy proved")
    assert proved["result"] == "3 of 3, weights hidden"
    assert {(row["forgery"], row["where"]) for row in table["refused"]} == {row[:2] for row in REFUSED}


@pytest.mark.long
def test_second_run_takes_up_the_keys_and_shows_tables(told: dict[str, Any], place: Place) -> None:
    before = {path: path.stat().st_mtime_ns for path in (place.folder / "home").rglob("*") if path.suffix == ".key"}
    with place.start() as child:
        out, err = child.communicate(timeout=280)
    assert child.returncode == 0, err
    for text in (*STEPS, "What was refused", *(forgery for forgery, _, _ in REFUSED), "this devnet only"):
        assert text in out
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert (place.processes(), place.leftovers()) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_leaves_no_node(told: dict[str, Any], place: Place, number: signal.Signals) -> None:
    """After Ctrl-C nothing at all; after a kill the node still ends, by its lifeline."""
    with place.start("--json") as child:
        deadline = time.monotonic() + 60
        while not any("anvil" in line for line in place.processes()):
            assert time.monotonic() < deadline, "the devnet came up"
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(number)
        out, _ = child.communicate(timeout=60)
    assert out == ""
    assert child.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    deadline = time.monotonic() + 15
    while place.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert place.processes() == []
    if number == signal.SIGINT:
        assert place.leftovers() == []


def revert() -> object:
    raise ContractRevertedError("AccuracyRegistry", "InvalidProof")


def unreachable() -> object:
    raise ChainError("node cannot be reached")


def test_forgery_that_passes_ends_the_demo() -> None:
    """The demo can fail: neither success nor anything but a refusal counts as one."""
    for outcome in (True, None, 0, "receipt"):
        story = _Story()
        with pytest.raises(PymlError) as caught:
            story.expect_refusal("a forgery", lambda outcome=outcome: outcome)
        assert str(caught.value) == ("a forgery was accepted: a forgery. This is a bug in pyml; please report it.")
        assert story.refused == []


@pytest.mark.parametrize(
    ("attempt", "row"),
    [
        (revert, {"forgery": "it", "where": "AccuracyRegistry", "answer": "InvalidProof"}),
        (lambda: False, {"forgery": "it", "where": "off chain", "answer": "the proof is false"}),
    ],
)
def test_refusals_are_told(attempt: Callable[[], object], row: dict[str, str]) -> None:
    story = _Story()
    story.expect_refusal("it", attempt)
    assert story.refused == [row]


def test_failure_to_ask_is_no_refusal() -> None:
    story = _Story()
    with pytest.raises(ChainError, match="cannot be reached"):
        story.expect_refusal("a forgery", unreachable)
    assert story.refused == []
