"""Every fault of docs/deepchain.md, by a real process against real contracts: the culprit pays, and nobody else.

The key is insecure and made of published primes, the network is tiny; everything else is as it is used. The clock of
the devnet waits for the processes (``pyml.deepchain.simulation``), so that nothing here depends on time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.events import Cursor, NodeLogs, follow
from pyml.cli.main import app
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.averaging import federation
from pyml.deepchain.dealer import COIN, Conditions
from pyml.deepchain.ledger import Ledger, coins_of
from pyml.deepchain.local_training import LocalTraining, Weights, network
from pyml.deepchain.records import Phase, members
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.shards import shard
from pyml.deepchain.simulation import GENESIS, SIMULATED_WINDOWS, Cast, Simulation
from pyml.deepchain.trainer import decode_weights, initial_weights
from pyml.deepchain.view import View
from pyml.ml.datasets import load
from pyml.store.blobs import BlobStore

PRIMES = Path(__file__).parents[1] / "vectors" / "deepchain_primes.json"
AGREED = Agreement(network="64-4-10", shards=8, iterations=3, batch_size=16)
ALWAYS_LEADS = 500_000_000
"""A stake that is drawn as leader unless chance has it once in more than a million."""
DEPOSIT, BOUNTY = 100 * COIN, 25 * COIN


@dataclass(frozen=True)
class Ran:
    """A group that is over."""

    simulation: Simulation
    contracts: DeepchainContracts
    view: View
    ledger: Ledger
    url: str

    def gained(self, name: str) -> int:
        """Coins that a process has more than it began with."""
        return self.ledger.of(self.simulation.signer(name).address) - GENESIS

    def bounties(self, name: str) -> int:
        """What a process was paid for convicting others: also one that cheats may find somebody else's fault."""
        account = self.simulation.signer(name).address
        paid = (*self.events("Convicted"), *self.events("WorkerSlashed"))
        return sum(int(each["bounty"]) for each in paid if each["challenger"] == account)

    def events(self, name: str) -> list[dict[str, Any]]:
        """All events of a name, in order."""
        handles = (self.contracts.trading, self.contracts.processing, self.contracts.disputes, self.contracts.evidence)
        by_address = {each.address: each for each in handles}
        logs = NodeLogs(self.contracts.client, addresses=tuple(by_address))
        found = (by_address[log.address].decode_log(log) for page in follow(logs, Cursor(0)) for log in page.logs)
        return [event.arguments for event in found if event is not None and event.name == name]

    def weights(self, name: str) -> Weights:
        """What a member has come to."""
        blobs = BlobStore((self.simulation.folder / "blobs").as_uri())
        return decode_weights(blobs.get(str(self.simulation.result(name)["weights"])))


def let_be(simulation: Simulation, view: View) -> None:
    """Do nothing meanwhile."""
    del simulation, view


@contextmanager
def ran(
    folder: Path,
    cast: Cast,
    *,
    rounds: int,
    threshold: int,
    committee: int,
    meanwhile: Callable[[Simulation, View], None] = let_be,
) -> Generator[Ran]:
    """Run a group to its end; ``meanwhile`` is called again and again."""
    conditions = Conditions(rounds=rounds, committee=committee, windows=SIMULATED_WINDOWS)
    with (
        Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as devnet,
        Simulation(
            devnet.url,
            folder,
            cast,
            bits=1024,
            threshold=threshold,
            agreement=AGREED,
            conditions=conditions,
            primes=PRIMES,
        ) as simulation,
    ):
        contracts = simulation.prepare()
        group = simulation.open_group()
        simulation.start(group)
        view = simulation.run(group, timeout_s=900, progress=partial(meanwhile, simulation))
        accounts = tuple(simulation.signer(name).address for name in ("dealer", *cast.names))
        yield Ran(simulation, contracts, view, coins_of(contracts, accounts), devnet.url)


def plain_weights(view: View, rounds: int) -> Weights:
    """Plain averaging of the members whose gradients were accepted, the same in each round."""
    accepted = {members(view.history.rounds[index].collected) for index in range(1, rounds + 1)}
    (chosen,) = accepted
    assert chosen == tuple(range(len(chosen))), "the honest come first, so that their places are those of the shards"
    rows = [shard(load("digits"), party, shards=AGREED.shards) for party in chosen]
    training = LocalTraining(AGREED.iterations, AGREED.batch_size)
    start = initial_weights(AGREED, BlobStore("memory://faults"))
    *_, last = federation(network(AGREED.network), start, rows, training, rounds=rounds, encoding=AGREED.encoding)
    return last.weights


def assert_only_culprits_lose(run: Ran) -> None:
    """Every process but those that cheat has at least what it began with, and all coins are accounted for."""
    cheats = {name for name, fault in run.simulation.cast.faults.items() if fault != "crash"}
    gained = {name: run.gained(name) for name in run.simulation.cast.names}
    assert {name for name, gain in gained.items() if gain < 0} == cheats
    assert run.ledger.is_balanced
    assert set(run.ledger.pots.values()) == {0}, "all was paid out"
    assert run.ledger.supply == GENESIS * (1 + len(gained))


def assert_anybody_can_watch(run: Ran) -> None:
    """``pyml deepchain watch`` tells the same, without an account."""
    words = ["deepchain", "watch", "--group", "0", "--rpc", run.url, "--json"]
    told = CliRunner().invoke(app, [*words, "--deployments", str(run.simulation.deployments)])
    assert told.exit_code == 0, told.output
    shown = json.loads(told.stdout)
    assert (shown["phase"], shown["accepted_rounds"], shown["open_disputes"]) == ("over", 1, 0)
    assert shown["coins"]["held"] == run.ledger.held
    assert shown["members"] == list(run.view.history.members)


def convicted(run: Ran) -> Mapping[int, str]:
    """Members that lost their deposit to a challenger, and to whom."""
    return {int(each["party"]): str(each["challenger"]) for each in run.events("Convicted")}


def late(run: Ran) -> set[int]:
    """Members that lost their deposit to the clock."""
    return {party for each in run.events("Late") for party in members(int(each["parties"]))}


def test_cheats_pay_and_the_round_completes(tmp_path: Path) -> None:
    cast = Cast(
        parties=4,
        workers=3,
        faults={"party-2": "late-gradient", "party-3": "false-proof", "worker-0": "wrong-aggregate"},
        stakes={"worker-0": ALWAYS_LEADS},
    )
    with ran(tmp_path, cast, rounds=1, threshold=2, committee=1) as run:
        challenger = run.simulation.signer("challenger-0").address
        assert convicted(run) == {3: challenger}
        assert late(run) == {2}
        # the forged trace was opened down to the state where it departs, and that step was not justified
        assert len(run.events("NodeOpened")) == 3
        assert [str(each["winner"]) for each in run.events("DisputeOver")] == [challenger]
        worker = run.view.worker_of(run.simulation.signer("worker-0").address)
        assert [int(each["worker"]) for each in run.events("WorkerSlashed")] == [worker]
        assert len(run.events("AggregateProvedWrong")) == 1
        assert run.gained("challenger-0") == run.bounties("challenger-0") >= BOUNTY
        for cheat in cast.faults:
            assert run.gained(cheat) == run.bounties(cheat) - DEPOSIT
        assert_only_culprits_lose(run)
        assert run.view.history.rounds[1].accepted
        expected = plain_weights(run.view, 1)
        for name in ("party-0", "party-1", "party-2", "party-3"):
            assert np.array_equal(run.weights(name), expected), "all who look come to the same weights"
        assert_anybody_can_watch(run)


@pytest.mark.long
def test_malformed_withheld_absent_and_killed(tmp_path: Path) -> None:
    cast = Cast(
        parties=5,
        workers=4,
        faults={
            "party-2": "crash",
            "party-3": "withheld-share",
            "party-4": "malformed-ciphertext",
            "worker-0": "absent-leader",
        },
        stakes={"worker-0": ALWAYS_LEADS},
    )
    with ran(tmp_path, cast, rounds=2, threshold=2, committee=2) as run:
        challenger = run.simulation.signer("challenger-0").address
        assert convicted(run) == {4: challenger}
        assert [int(each["party"]) for each in run.events("FaultProved")] == [4, 4]
        assert late(run) == {3}
        assert {int(each["timePoint"]) for each in run.events("BlockFailed")} == {7}
        assert run.gained("worker-0") == run.bounties("worker-0") - 2 * DEPOSIT
        assert run.gained("party-2") > 0, "whoever is killed and comes back loses nothing"
        assert_only_culprits_lose(run)
        assert np.array_equal(run.weights("party-0"), plain_weights(run.view, 2))
        assert np.array_equal(run.weights("party-2"), plain_weights(run.view, 2))


@pytest.mark.long
def test_roles_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    doomed = {Phase.COLLECTING: "party-0", Phase.AGGREGATING: "worker-0", Phase.DECRYPTING: "party-1"}
    killed: dict[str, int] = {}

    def kill(simulation: Simulation, view: View) -> None:
        """Once in each phase of round 1, then the challenger: kill -9, and start it again."""
        name = doomed.get(view.clock.phase, "challenger-0") if view.clock.round == 1 else "challenger-0"
        if view.clock.phase in doomed and name not in killed:
            killed[name] = view.head
            simulation.kill(name)
            simulation.start_one(name, view.group)

    cast = Cast(parties=3, workers=3, faults={"party-2": "false-share"}, stakes={"worker-0": ALWAYS_LEADS})
    with ran(tmp_path, cast, rounds=2, threshold=2, committee=1, meanwhile=kill) as run:
        assert set(killed) == {*doomed.values(), "challenger-0"}
        assert late(run) == set()
        assert run.events("BlockFailed") == []
        assert_only_culprits_lose(run)
        assert np.array_equal(run.weights("party-0"), plain_weights(run.view, 2))


@pytest.mark.long
def test_unserved_bytes_and_a_false_share(tmp_path: Path) -> None:
    cast = Cast(
        parties=4,
        workers=4,
        faults={"party-2": "false-share", "party-3": "unserved-gradients", "worker-0": "unserved-aggregate"},
        stakes={"worker-0": ALWAYS_LEADS},
    )
    with ran(tmp_path, cast, rounds=1, threshold=2, committee=2) as run:
        challenger = run.simulation.signer("challenger-0").address
        assert convicted(run) == {2: challenger, 3: challenger}
        assert [bool(each["convicted"]) for each in run.events("Unserved")] == [True, True]
        assert len(run.events("StepPicked")) == 1
        assert_only_culprits_lose(run)
        assert np.array_equal(run.weights("party-0"), plain_weights(run.view, 1))


@pytest.mark.long
def test_a_round_that_fails_is_run_again(tmp_path: Path) -> None:
    cast = Cast(parties=3, workers=3, faults={"party-2": "false-proof"})
    with ran(tmp_path, cast, rounds=1, threshold=3, committee=1) as run:
        assert [int(each["reruns"]) for each in run.events("RoundAborted")] == [1, 2, 3]
        assert convicted(run) == {2: run.simulation.signer("challenger-0").address}
        assert not any(each.accepted for each in run.view.history.rounds.values())
        assert run.gained("dealer") == 0, "nothing was accepted, so the reward went back"
        assert run.gained("party-2") == run.bounties("party-2") - 2 * DEPOSIT, "it had no coins for a third"
        assert_only_culprits_lose(run)


@pytest.mark.long
def test_whoever_accuses_falsely_pays_the_accused(tmp_path: Path) -> None:
    cast = Cast(parties=2, workers=2, faults={"challenger-0": "false-accusation"})
    with ran(tmp_path, cast, rounds=1, threshold=2, committee=1) as run:
        accused = {int(each["disputeId"]): int(each["party"]) for each in run.events("Disputed")}
        assert len(accused) == 2, "of gradients, and of shares"
        winners = {int(each["disputeId"]): str(each["winner"]) for each in run.events("DisputeOver")}
        assert winners == {number: run.simulation.signer(f"party-{party}").address for number, party in accused.items()}
        assert run.gained("challenger-0") == -2 * Conditions().bond
        assert not convicted(run)
        assert_only_culprits_lose(run)
        assert np.array_equal(run.weights("party-0"), plain_weights(run.view, 1))
