"""Tasks and rounds as they come back from a chain, and what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.errors import ContractRevertedError, InputError, NotDeployedError, ToolMissingError
from pyml.freezenet.deployment import deployment_plan
from pyml.freezenet.registries import (
    Entry,
    FreezenetContracts,
    Phase,
    Revealed,
    Status,
    Verdict,
    open_contracts,
)
from pyml.freezenet.round_events import events_of
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Solution
from pyml.freezenet.trainable import architecture, small_cnn
from tests.freezenet.round_views import BOND, MINER, OTHER, SOME, TERMS

LAYERS = architecture(small_cnn())
SAMPLES = SampleSet.salted(np.zeros((20, 64), dtype=np.int8), np.zeros(20))
SOLUTION, SALT = Solution(SOME, 90, SOME, SOME), bytes([9]) * 32


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    try:
        with Devnet(DevnetOptions()) as node:
            yield node
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def contracts(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> FreezenetContracts:
    """With one task of account 0, and one round in which account 1 has revealed."""
    folder = tmp_path_factory.mktemp("deployments")
    client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=60, poll_s=0.01))
    sponsor, miner, *_ = devnet.accounts
    deploy_system(client, deployment_plan(), sponsor, folder=folder)
    made = open_contracts(client, folder)
    rounds, terms = made.rounds, replace(TERMS, verifier=made.optimistic.address)
    made.tasks.send("register", terms.as_tuple(), [*LAYERS], account=sponsor)
    rounds.send("openRound", 0, SAMPLES.seal, account=sponsor, value_wei=7 + BOND)
    rounds.send("commit", 0, 0, SOLUTION.commitment(SALT, miner.address), account=miner, value_wei=BOND)
    client.rpc.request("anvil_mine", hex(rounds.round(0, 0).last_block(Phase.COMMIT) - client.block_number()))
    shown = (SAMPLES.tree.root, bytes.fromhex(SAMPLES.digest))
    rounds.send("revealTestSet", 0, 0, *shown, account=sponsor)
    client.rpc.request("anvil_mine", hex(rounds.round(0, 0).last_block(Phase.TEST) - client.block_number()))
    rounds.send("reveal", 0, 0, SOLUTION.as_tuple(), SALT, b"\xff\xff\x01", account=miner)
    return made


def test_a_task_with_its_layers(contracts: FreezenetContracts, devnet: Devnet) -> None:
    task = contracts.task(0)
    assert (task.number, task.sponsor) == (0, devnet.accounts[0].address)
    assert task.terms == replace(TERMS, verifier=contracts.optimistic.address)
    assert (task.architecture.layers, task.architecture.fraction_ppm) == (LAYERS, TERMS.fraction_ppm)
    with pytest.raises(InputError, match="there is no task 1; expected below 1"):
        contracts.task(1)


def test_a_round(contracts: FreezenetContracts) -> None:
    found = contracts.rounds.round(0, 0)
    assert (found.status, found.threshold, found.samples, found.reward) == (Status.OPEN, 12, 20, 7)
    assert (found.commitments, found.bonds, found.miner_bond, found.enrolled) == (1, 1, BOND, 0)
    assert (found.test_root, found.test_seal) == (SAMPLES.tree.root, SAMPLES.seal)
    assert found.beacon_fixed
    assert [last - first for first, last in zip(found.last_blocks, found.last_blocks[1:], strict=False)] == [
        *(20, 40, 200, 200)
    ]
    for phase in Phase:
        assert found.phase(found.first_block(phase) - 1) == phase
        assert found.phase(found.last_block(phase) - 1) == phase
    assert found.phase(found.last_block(Phase.ENROL)) is None
    with pytest.raises(InputError, match="task 0 has no round 1; expected below 1"):
        contracts.rounds.round(0, 1)


def test_a_miners_part(contracts: FreezenetContracts, devnet: Devnet) -> None:
    miner = devnet.accounts[1].address
    rounds = contracts.rounds
    assert rounds.entry(0, 0, miner) == Entry(SOLUTION.hash, 17, revealed=True, enrolled=False, closed=False)
    assert rounds.committed(0, 0) == (miner,)
    assert rounds.revealed(0, 0) == (Revealed(miner, SOLUTION, 17, b"\xff\xff\x01"),)
    assert not rounds.entry(0, 0, OTHER).committed
    assert contracts.judge(contracts.optimistic.address).verdict(0, 0, miner) == Verdict.UNDECIDED
    assert rounds.seed(0, 0, miner) != rounds.seed(0, 0, OTHER)
    assert miner == MINER


def test_the_test_set_is_found_by_the_salt_of_its_seal(contracts: FreezenetContracts) -> None:
    found = contracts.rounds.test_digest(0, 0)
    assert found is not None
    assert found.hex() == SAMPLES.digest


def test_events_of_a_block_and_before(contracts: FreezenetContracts) -> None:
    rounds, names = contracts.rounds, ("RoundOpened", "SolutionRevealed")
    opened, revealed = events_of(rounds, names, since_block=0)
    until = revealed.log.block_number - 1
    assert [event.name for event in events_of(rounds, names, since_block=0, until_block=until)] == ["RoundOpened"]
    assert not list(events_of(rounds, names, since_block=opened.log.block_number + 1, until_block=until))


def test_nothing_is_disputed_or_demanded(contracts: FreezenetContracts) -> None:
    assert contracts.optimistic.disputes(0, 0, since_block=0) == ()
    assert contracts.demands.demands(0, 0, since_block=0) == ()
    assert contracts.optimistic.open_disputes(0, 0, MINER) == contracts.demands.open_demands(0, 0, MINER) == 0
    assert not contracts.demands.is_hidden(0, 0, MINER)
    with pytest.raises(ContractRevertedError) as caught:
        contracts.optimistic.call("disputeOf", 0)
    assert (caught.value.name, caught.value.arguments) == ("DisputeUnknown", {"disputeId": 0})


def test_contracts_that_are_not_deployed(contracts: FreezenetContracts, tmp_path: Path) -> None:
    with pytest.raises(NotDeployedError, match="pyml deploy --system freezenet"):
        open_contracts(contracts.client, tmp_path)
