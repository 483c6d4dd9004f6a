"""``pyml freezenet sponsor``, ``mine``, ``challenge`` and ``watch``: what they refuse, and a round that nobody joined.

Whole rounds, with a process for each role, are in ``tests/e2e/test_freezenet_round.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.cli.main import app
from pyml.errors import (
    ChainError,
    DatasetError,
    InputError,
    KeystoreError,
    NotDeployedError,
    PymlError,
    ToolMissingError,
)
from pyml.freezenet.deployment import deployment_plan
from pyml.freezenet.diary import Diary
from pyml.freezenet.mining import training_set
from pyml.freezenet.registries import FreezenetContracts, Phase, Terms, open_contracts
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.sponsor_process import sponsor_label
from pyml.freezenet.trainable import architecture, small_mlp
from pyml.ml.datasets import load
from pyml.store.blobs import BlobStore

ROOT = Path(__file__).parents[2]
OTHERS_TASK, OPEN_TASK, OPTIMISTIC_TASK, EMPTY_TASK = range(4)


@dataclass(frozen=True, slots=True)
class Desk:
    """A working folder on a devnet with four tasks of account 0."""

    folder: Path
    devnet: Devnet
    contracts: FreezenetContracts

    def run(self, *words: str, account: int = 0, **environment: str) -> list[dict[str, Any]]:
        """The JSON documents that the command prints; raises what it raises."""
        own = {"PYML_HOME": str(self.folder / "home"), "PYML_RPC": self.devnet.url}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            known = () if "--account" in words else ("--dev-account", str(account))
            words = ("freezenet", *words, "--poll", "0.01", *known, "--json")
            answer = CliRunner().invoke(app, words, env={**own, **environment}, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        return [json.loads(line) for line in answer.output.splitlines()]

    def refuse(self, error: type[PymlError], text: str, *words: str, account: int = 0, **environment: str) -> None:
        with pytest.raises(error, match=text):
            self.run(*words, account=account, **environment)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    try:
        with Devnet(DevnetOptions()) as devnet:
            client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=60, poll_s=0.01))
            deploy_system(client, deployment_plan(), devnet.accounts[9], folder=folder / "deployments")
            made = Desk(folder, devnet, open_contracts(client, folder / "deployments"))
            describe(made.contracts, devnet.accounts[0])
            yield made
    except ToolMissingError as error:
        pytest.skip(str(error))


def describe(contracts: FreezenetContracts, sponsor: Signer) -> None:
    """A task whose deadline has passed, one that is open, one for the optimistic verifier, one without a round."""
    root = training_set(load("digits")).tree.root
    terms = Terms(root, contracts.exact.address, 300_000, 5, 3, 1, 0, 0, 100, 100, 10, 10, 10, 100)
    layers, seal = [*architecture(small_mlp())], bytes([1]) * 32
    later = replace(terms, commit_blocks=5000)
    for each in (terms, later, replace(later, verifier=contracts.optimistic.address), terms):
        contracts.tasks.send("register", each.as_tuple(), layers, account=sponsor)
    for task in (OTHERS_TASK, OPEN_TASK, OPTIMISTIC_TASK):
        contracts.rounds.send("openRound", task, seal, account=sponsor, value_wei=1100)
    contracts.client.rpc.request("anvil_mine", hex(20))


@pytest.mark.parametrize("command", ["mine", "challenge", "watch"])
def test_an_unknown_task(desk: Desk, command: str) -> None:
    desk.refuse(InputError, "there is no task 99; expected below 4", command, "99")


@pytest.mark.parametrize("command", ["mine", "watch"])
def test_an_unknown_round(desk: Desk, command: str) -> None:
    desk.refuse(InputError, "task 1 has no round 7; expected below 1", command, "1", "--round", "7")
    desk.refuse(InputError, "task 3 has no round yet", command, str(EMPTY_TASK))


def test_a_deadline_that_has_passed(desk: Desk) -> None:
    desk.refuse(InputError, "the deadline of round 0 of task 0 has passed; expected a commitment by block", "mine", "0")


def test_a_training_set_with_a_wrong_checksum(desk: Desk) -> None:
    desk.refuse(DatasetError, "the training set has a wrong checksum", "mine", "1", "--data", "breast-cancer")
    other = SampleSet.plain(np.zeros((2, 64), dtype=np.int8), np.arange(2))
    served = str(desk.folder / "served")
    digest = BlobStore(served).put(other.content)
    words = ("mine", "1", "--blobs", served, "--training-set")
    desk.refuse(DatasetError, "the training set has a wrong checksum", *words, digest)
    desk.refuse(InputError, "is not in the store", *words, "0" * 64)
    desk.refuse(InputError, "not a blob digest", *words, "0x12")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--reward", "0"), "the reward is zero"),
        (
            ("--samples", "10", "--threshold", "11"),
            "the threshold is above the size of the test set; expected at most 10",
        ),
        (("--samples", "501", "--threshold", "300"), "digits has too few test images; expected at most 500"),
        (("--samples", "0"), "number of test samples is out of range"),
        (("--threshold", "0"), "lowest threshold is out of range"),
        (("--threshold", "20", "--threshold-floor", "21"), "lowest threshold is out of range; expected 1 to 20"),
        (("--fraction", "1.5"), "fraction is out of range"),
        (("--miner-bond", "0"), "miner's bond in wei is out of range"),
        (("--test-blocks", "4"), "test phase in blocks is out of range; expected 5 to"),
        (("--verifier", "oracle"), "no such verifier; expected exact or optimistic; got oracle"),
        (
            ("--verifier", "optimistic", "--challenge-blocks", "79"),
            "too short for a dispute; expected --challenge-blocks of 80 or more; got 79",
        ),
        (("--network", "rnn"), "unknown network"),
        (("--network", "paper"), "the paper's network takes the images of CIFAR-10"),
        (("--fraction", "0.000001"), "the watermark is empty"),
        (("--task", "99"), "there is no task 99"),
        (("--task", "3", "--data", "breast-cancer"), "the data set has a wrong checksum"),
    ],
)
def test_what_a_sponsor_cannot_ask_for(desk: Desk, words: tuple[str, ...], text: str) -> None:
    block = desk.contracts.client.block_number()
    desk.refuse(PymlError, text, "sponsor", *words)
    assert desk.contracts.client.block_number() == block, "nothing was sent"


@pytest.mark.parametrize("kind", ["", "kindness", "Bluff"])
def test_a_fault_that_nobody_plays(desk: Desk, kind: str) -> None:
    desk.refuse(
        InputError, "no such fault, or not a development chain; expected bluff, weight", "mine", "1", "--play", kind
    )


def test_anothers_task(desk: Desk) -> None:
    desk.refuse(InputError, "task 3 is another sponsor's", "sponsor", "--task", "3", account=1)


def test_a_journal_of_other_terms_and_one_that_is_over(desk: Desk) -> None:
    address = desk.devnet.accounts[1].address
    for name, kind, text in (
        ("other", None, "begun with other terms"),
        ("over", "finished", "is over. Name another --folder"),
    ):
        folder = desk.folder / name
        folder.mkdir()
        with Diary(folder / "journal", sponsor_label(desk.contracts, address)) as diary:
            diary.note("begun", wanted="something else")
            if kind is not None:
                diary.note(kind, outcome="settled")
        desk.refuse(InputError, text, "sponsor", "--folder", str(folder), account=1)


def test_solutions_that_the_chain_recomputes_are_not_challenged(desk: Desk) -> None:
    desk.refuse(InputError, "solutions of task 1 cannot be challenged", "challenge", "1")


def test_nodes_and_contracts_that_are_not_there(desk: Desk) -> None:
    desk.refuse(NotDeployedError, "pyml deploy --system freezenet", "watch", "0", "--deployments", "elsewhere")
    desk.refuse(ChainError, "127.0.0.1:1", "watch", "0", PYML_RPC="http://127.0.0.1:1")
    desk.refuse(KeystoreError, "nobody", "mine", "1", "--account", "nobody")
    desk.refuse(InputError, "two accounts are named", "mine", "1", "--account", "nobody", "--dev-account", "1")


def test_a_round_that_nobody_joined_is_cancelled_by_whoever_watches(desk: Desk) -> None:
    rounds, sponsor = desk.contracts.rounds, desk.devnet.accounts[0].address
    opened, last = desk.run("watch", str(OTHERS_TASK), "--act", account=2)[0], rounds.round(OTHERS_TASK, 0)
    assert (opened["event"], opened["reward"], opened["threshold"]) == ("RoundOpened", 1000, 3)
    assert last.last_block(Phase.COMMIT) < opened["block"] + 20
    assert rounds.credit(sponsor) == 1100, "reward and bond"
    told = desk.run("watch", str(OTHERS_TASK), "--act", account=2)
    assert [each["status"] for each in told] == ["cancelled"], "every event was told before"
    fresh = desk.run("watch", str(OTHERS_TASK), account=3)
    assert [each.get("event") for each in fresh] == ["RoundOpened", "RoundCancelled", None]


def test_a_roles_folder_is_its_owners_alone(desk: Desk) -> None:
    folder = desk.folder / "open"
    folder.mkdir(mode=0o755)
    desk.run("watch", str(OTHERS_TASK), "--act", "--folder", str(folder), account=4)
    assert (folder / "blobs").stat().st_mode & 0o777 == 0o700
    assert (folder / "journal").stat().st_mode & 0o777 == 0o600


def test_a_mistake_is_one_line_and_exit_code_2(desk: Desk) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYML_HOME": str(desk.folder / "home"),
        "PYML_RPC": desk.devnet.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "pyml", "freezenet", "mine", "99"],
        cwd=desk.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: there is no task 99; expected below 4; got 99\n"
