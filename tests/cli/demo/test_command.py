"""``pyml demo`` as a user runs it: what it tells, what it refuses, and that nothing of it is left afterwards.

One chapter in each run of the tests; the whole story with ``--long``.
"""

from __future__ import annotations

import html
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pyml.cli.demo.command import CHAPTERS

ROOT = Path(__file__).parents[3]
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
            [sys.executable, "-m", "pyml", "demo", *words, "--samples", str(samples)],
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
        """Command lines of whatever still runs with our folder in its environment (Linux)."""
        found: list[str] = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.folder).encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def told(place: Place) -> dict[str, Any]:
    with place.start("zk", "--json") as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, err) == (0, "")
    assert out.count("\n") == 1
    return json.loads(out)


def zk(told: dict[str, Any]) -> dict[str, Any]:
    """The only chapter."""
    (chapter,) = told["chapters"]
    assert chapter["system"] == "zk"
    return chapter


def test_every_step_is_told_in_order(told: dict[str, Any]) -> None:
    assert set(told) == {"chapters", "seconds", "peak_process_mb", "report"}
    chapter = zk(told)
    assert [row["what"] for row in chapter["steps"]] == STEPS
    assert all(set(row) == {"what", "result", "seconds", "gas", "tx"} for row in chapter["steps"])
    results = {row["what"]: row["result"] for row in chapter["steps"]}
    assert results["contracts deployed"] == "9 on chain 31337"
    assert results["accuracy claim accepted"] == "certified: yes"
    right, _, total = results["accuracy proved"].partition(" of ")
    assert total == f"{SAMPLES}, weights hidden"
    assert SAMPLES // 2 < int(right) <= SAMPLES, "a classifier that was trained"
    assert results["private input accepted"].startswith("label ")


def test_every_forgery_is_refused_where_and_how_it_should_be(told: dict[str, Any]) -> None:
    chapter = zk(told)
    found = {(row["attempt"], row["where"], row["answer"]) for row in chapter["refused"]}
    proved = next(row for row in chapter["steps"] if row["what"] == "accuracy proved")
    assert not proved["result"].startswith(f"{SAMPLES} "), "ten of ten would leave the forged count nothing to add"
    assert found == REFUSED
    assert len(chapter["refused"]) == len(REFUSED)


def test_gas_and_time_are_measured(told: dict[str, Any]) -> None:
    chapter = zk(told)
    gas = {row["what"]: row["gas"] for row in chapter["steps"] if row["gas"] is not None}
    assert set(gas) == {"accuracy claim accepted", "private input accepted"}
    for used in gas.values():
        assert 300_000 < used < GAS_LIMIT
    assert chapter["gas"] > sum(gas.values()), "deployments and registrations are counted too"
    seconds = [row["seconds"] for row in chapter["steps"] if row["seconds"] is not None]
    assert len(seconds) == 7
    assert 0 < sum(seconds) <= chapter["seconds"] + 1 <= told["seconds"] + 2
    assert told["peak_process_mb"] > 100


def test_nothing_is_left_but_what_is_worth_keeping(told: dict[str, Any], place: Place) -> None:
    assert place.processes() == [], "no anvil, no engine"
    assert place.leftovers() == []
    assert {path.name for path in place.folder.iterdir()} == {"home", "temporary"}
    home = place.folder / "home"
    kept = {"circuits", "srs", "demo.html"}
    assert {path.name for path in home.iterdir()} == kept, "circuits and keys serve the next run"
    names = {path.name for path in home.rglob("*")}
    assert not any(name.endswith((".tmp", ".secret", ".proofs")) or name.startswith("witness") for name in names)
    assert all(path.name.startswith("insecure-dev-") for path in (home / "srs").iterdir())


def test_model_that_answers_everything_right(told: dict[str, Any], place: Place) -> None:
    """Three of three: even then "one more correct answer" must be a forgery, not the honest claim again."""
    with place.start("zk", "--json", "--report", str(place.folder / "three.html"), samples=3) as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, err) == (0, "")
    chapter = zk(json.loads(out))
    proved = next(row for row in chapter["steps"] if row["what"] == "accuracy proved")
    assert proved["result"] == "3 of 3, weights hidden"
    assert {(row["attempt"], row["where"]) for row in chapter["refused"]} == {row[:2] for row in REFUSED}


def test_the_report_is_what_was_told(told: dict[str, Any], place: Place) -> None:
    assert told["report"] == str(place.folder / "home" / "demo.html")
    page = Path(told["report"]).read_text(encoding="utf-8")
    chapter = zk(told)
    for row in chapter["steps"]:
        assert html.escape(row["what"]) in page
        assert row["tx"] is None or row["tx"] in page
    assert all(html.escape(row["attempt"]) in page for row in chapter["refused"])
    assert page.count("<svg") == 2 + len(chapter["charts"])
    hashes = set(re.findall(r"(?<![0-9a-f])0x[0-9a-f]{64}(?![0-9a-f])", page))
    assert len(hashes) == chapter["transactions"]
    words = set(re.findall(r"[0-9a-f]{64,}", page))
    assert words == {each.removeprefix("0x") for each in hashes}, "no other 32 bytes: no key, no salt"


@pytest.mark.parametrize("words", [("zk", "kyes"), ("",), ("demo",)])
def test_a_chapter_that_there_is_not(place: Place, words: tuple[str, ...]) -> None:
    with place.start(*words) as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, out) == (2, "")
    assert err.startswith("error: there is no such chapter; expected deepchain, zk, freezenet, keys, kdac; got")
    assert place.processes() == []


def test_a_report_that_cannot_be_written_is_one_line(tmp_path: Path, place: Place) -> None:
    (tmp_path / "file").write_text("in the way")
    with place.start("keys", "--report", str(tmp_path / "file" / "report.html"), "--json") as child:
        out, err = child.communicate(timeout=280)
    assert (child.returncode, out, err.count("\n")) == (2, "", 1)
    assert "cannot be written" in json.loads(err)["problem"]


@pytest.mark.long
def test_the_whole_story(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with place.start("--json", "--report", str(tmp_path / "report.html")) as child:
        out, err = child.communicate(timeout=1200)
    assert (child.returncode, err) == (0, "")
    told = {chapter["system"]: chapter for chapter in json.loads(out)["chapters"]}
    assert tuple(told) == CHAPTERS
    assert (place.processes(), place.leftovers()) == ([], [])
    quantised = next(chart for chart in told["zk"]["charts"] if "split" in chart["title"])
    trained = next(chart for chart in told["deepchain"]["charts"] if "split" in chart["title"])
    assert quantised["bars"]["as trained"] == pytest.approx(trained["bars"]["together"], abs=0.005), "the same model"
    assert {row["answer"] for row in told["deepchain"]["refused"]} == {
        *("NotMember", "AlreadyClaimed", "AggregateProvedWrong", "the proof is false")
    }
    assert {row["answer"] for row in told["zk"]["refused"]} >= {"InvalidProof", "WitnessAlreadyUsed"}
    assert [row["answer"] for row in told["freezenet"]["refused"]] == ["DoesNotFollow", "CommitmentMismatch"]
    assert len(told["keys"]["refused"]) == 6
    assert {row["answer"] for row in told["kdac"]["refused"]} == {"SignatureInvalid", "HeightNotAbove"}
    for chapter in told.values():
        assert chapter["transactions"] > 0
        assert chapter["not_shown"]
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(f"<h2>{system}: " in page for system in CHAPTERS)


@pytest.mark.parametrize(
    ("chapter", "role", "number"),
    [
        ("kdac", "kdac relay", signal.SIGINT),
        pytest.param("kdac", "kdac relay", signal.SIGKILL, marks=pytest.mark.long),
        *(
            pytest.param(*each, number, marks=pytest.mark.long)
            for each in (("deepchain", "deepchain party"), ("freezenet", "freezenet mine"))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        ),
    ],
)
def test_interrupted_it_leaves_no_role(tmp_path: Path, chapter: str, role: str, number: signal.Signals) -> None:
    """Whatever ends it, the processes of the roles end with it."""
    place = Place(tmp_path)
    with place.start(chapter, "--json") as child:
        deadline = time.monotonic() + 120
        while not any(role in line for line in place.processes()):
            assert time.monotonic() < deadline, "the roles came up"
            assert child.poll() is None
            time.sleep(0.05)
        child.send_signal(number)
        child.communicate(timeout=60)
    assert child.returncode == (130 if number == signal.SIGINT else -number)
    deadline = time.monotonic() + 15
    while place.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert place.processes() == []
    if number == signal.SIGINT:
        assert place.leftovers() == []


@pytest.mark.long
def test_second_run_takes_up_the_keys_and_shows_tables(told: dict[str, Any], place: Place) -> None:
    before = {path: path.stat().st_mtime_ns for path in (place.folder / "home").rglob("*") if path.suffix == ".key"}
    with place.start("zk") as child:
        out, err = child.communicate(timeout=280)
    assert child.returncode == 0, err
    for text in ("deployed", "What was refused", *("InvalidProof", "WitnessAlreadyUsed"), "Total", "demo.html"):
        assert text in out
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert (place.processes(), place.leftovers()) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_it_leaves_no_node(told: dict[str, Any], place: Place, number: signal.Signals) -> None:
    """After Ctrl-C nothing at all; after a kill the node still ends, by its lifeline."""
    with place.start("zk", "--json") as child:
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
