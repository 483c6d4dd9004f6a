"""A miner and a sponsor that die at every record of their journals, on a real chain: nothing is done twice, or lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from pyml.chain.accounts import Signer
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet, DevnetOptions
from pyml.chain.sending import SendPolicy
from pyml.chain.transactions import Transaction
from pyml.errors import ContractRevertedError, InputError, ToolMissingError
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.deployment import deployment_plan
from pyml.freezenet.diary import Diary
from pyml.freezenet.encoding import pack_words
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.miner_process import MinerProcess, miner_label
from pyml.freezenet.node import Desk, Role, run_role
from pyml.freezenet.registries import FreezenetContracts, Phase, Status, Terms, Verdict, open_contracts
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content, network_of
from pyml.freezenet.sponsor_process import SponsorProcess, sponsor_label
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work
from pyml.freezenet.trainable import architecture, small_mlp
from pyml.store.blobs import BlobStore

PLANS = small_mlp(20, 9, 4)
TASK = Architecture(architecture(PLANS), 300_000)
REWARD, BOND, SPONSOR_BOND, CLASS = 10**18, 10**17, 2 * 10**17, 2
MAX_DEATHS = 60


class DeathError(BaseException):
    """What a kill is to a process: nothing after it is done."""


class MortalDiary(Diary):
    """Dies before every record, and behind it, that no earlier life has died of there."""

    died_of: ClassVar[set[tuple[str, str]]] = set()

    def note(self, kind: str, **fields: str | int | bool) -> None:
        self._die("before", kind, fields)
        super().note(kind, **fields)
        self._die("behind", kind, fields)

    def _die(self, where: str, kind: str, fields: Mapping[str, str | int | bool]) -> None:
        # Salts are drawn anew in each life: a record is the same if its kind and transaction are.
        record = (where, f"{kind} {fields.get('function')} {fields.get('tx')}")
        if record not in self.died_of:
            self.died_of.add(record)
            raise DeathError(f"{where} {kind}")


@pytest.fixture(scope="module")
def devnet() -> Iterator[Devnet]:
    try:
        with Devnet(DevnetOptions(enforce_tx_gas_cap=True)) as node:
            yield node
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def contracts(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> FreezenetContracts:
    folder = tmp_path_factory.mktemp("deployments")
    client = Client.connect(devnet.url, policy=SendPolicy(deadline_s=60, poll_s=0.01))
    deploy_system(client, deployment_plan(), devnet.accounts[9], folder=folder)
    return open_contracts(client, folder)


def stubborn(seed: bytes, _: Path) -> Int8Network:
    """A network that always answers one class: so it is known how many samples it answers."""
    last = np.zeros((4, 9), dtype=np.int8)
    affine = b"\x00\x01\x00\x00\x00\x00"  # multiplier 1, bias 0
    chosen = b"\x00\x01\x00\x00\x00\x09"
    layers = (affine * 9, b"".join(chosen if number == CLASS else affine for number in range(4)))
    words = tuple(word.tobytes() for row in pack_words(last) for word in row)
    return network_of(Content(np.zeros(TASK.free_count, dtype=np.int8), layers, words), TASK, seed)


def draw() -> SampleSet:
    inputs = np.random.default_rng(4).integers(0, 128, (6, 20), dtype=np.int8)
    return SampleSet.salted(inputs, np.array([CLASS, 0, CLASS, CLASS, 1, 3]))


@dataclass
class Life:
    """One sponsor and one miner in one round, played in turns; whoever waits gives the turn to the other."""

    devnet: Devnet
    contracts: FreezenetContracts
    folder: Path
    deaths: list[str] = field(default_factory=list[str])

    def terms(self, verifier: str) -> Terms:
        training = SampleSet.plain(np.zeros((1, 20), dtype=np.int8), np.zeros(1)).tree.root
        return Terms(training, verifier, 300_000, 6, 3, 1, 0, 0, BOND, SPONSOR_BOND, 20, 10, 20, 40)

    def live(self, kind: str, account: Signer, diary_type: type[Diary], number: int = 0, task: int = 0) -> Step:
        """Play until the role waits or is done, in a new process, so to speak."""
        own = self.folder / f"{kind}-{account.address}"
        label = (
            sponsor_label(self.contracts, account.address)
            if kind == "sponsor"
            else miner_label(self.contracts, account.address, task, number)
        )
        own.mkdir(exist_ok=True)
        with diary_type(own / "journal", label) as diary:
            desk = Desk(self.contracts, account, diary, lambda _: None, poll_s=0.01)
            role = self.role(kind, desk, own, number, task)
            desk.resume()
            while True:
                step = role.next_step()
                if isinstance(step, Wait | Finish):
                    return step
                if isinstance(step, Work):
                    assert role.work(step.name)
                else:
                    role.took_place(step, desk.send(step))

    def role(self, kind: str, desk: Desk, own: Path, number: int, task: int) -> Role:
        served = BlobStore(str(self.folder / "served"))
        if kind == "sponsor":
            terms = self.terms(self.contracts.exact.address)
            return SponsorProcess(desk, terms, TASK.layers, REWARD, None, draw, served, own)
        return MinerProcess(desk, self.contracts.task(task), number, served, own, stubborn)

    def die_until_waiting(self, kind: str, account: Signer, task: int = 0) -> Step:
        """Die at every record, and come back."""
        for _ in range(MAX_DEATHS):
            try:
                return self.live(kind, account, MortalDiary, task=task)
            except DeathError as death:
                self.deaths.append(str(death))
        raise AssertionError(f"no end after {self.deaths}")

    def mine_to(self, block: int) -> None:
        left = block - self.contracts.client.block_number()
        if left > 0:
            self.devnet.rpc.request("anvil_mine", hex(left))


def test_dying_at_every_record_changes_nothing(devnet: Devnet, contracts: FreezenetContracts, tmp_path: Path) -> None:
    life, (sponsor, miner, *_) = Life(devnet, contracts, tmp_path), devnet.accounts
    rounds, task = contracts.rounds, int(contracts.tasks.call("taskCount"))
    life.die_until_waiting("sponsor", sponsor)
    assert int(contracts.tasks.call("taskCount")) == task + 1, "the task is described once"
    assert rounds.count(task) == 1, "and its round opened once"
    opened = rounds.round(task, 0)
    assert rounds.client.balance_wei(rounds.address) == REWARD + SPONSOR_BOND

    life.die_until_waiting("miner", miner, task)
    assert rounds.client.balance_wei(rounds.address) == REWARD + SPONSOR_BOND + BOND, "one bond"
    step: Step | None = None
    for phase in Phase:
        life.mine_to(opened.last_block(phase))
        life.die_until_waiting("sponsor", sponsor)
        step = life.die_until_waiting("miner", miner, task)
    assert rounds.round(task, 0).status == Status.SETTLED
    assert step == Finish("rewarded")
    assert life.live("sponsor", sponsor, Diary) == Finish("settled")
    assert contracts.judge(opened.verifier).verdict(task, 0, miner.address) == Verdict.ACCEPTED
    assert rounds.entry(task, 0, miner.address).correct == 3
    assert rounds.client.balance_wei(rounds.address) == 0, "every coin is out"
    assert len(life.deaths) > 40
    records = ("signed", "mined", "task", "sealed", "solution", "answers", "published")
    assert {f"{where} {kind}" for where in ("before", "behind") for kind in records} <= set(life.deaths)


def test_without_a_test_set_a_miner_claims_nothing_and_has_its_bond(
    devnet: Devnet, contracts: FreezenetContracts, tmp_path: Path
) -> None:
    life, (_, miner, sponsor, *_) = Life(devnet, contracts, tmp_path), devnet.accounts
    rounds, task = contracts.rounds, int(contracts.tasks.call("taskCount"))
    life.live("sponsor", sponsor, Diary)
    life.live("miner", miner, Diary, task=task)
    opened = rounds.round(task, 0)
    life.mine_to(opened.last_block(Phase.COMMIT))
    life.live("sponsor", sponsor, Diary)
    served = BlobStore(str(tmp_path / "served"))
    digest = rounds.test_digest(task, 0)
    assert digest is not None
    served.remove(digest)
    life.mine_to(opened.last_block(Phase.TEST))
    with pytest.raises(AssertionError):  # cannot be judged yet, and is not revealed
        life.live("miner", miner, Diary, task=task)
    assert not rounds.entry(task, 0, miner.address).revealed
    life.mine_to(opened.last_block(Phase.REVEAL) - 2)
    life.live("miner", miner, Diary, task=task)
    entry = rounds.entry(task, 0, miner.address)
    assert (entry.revealed, entry.correct, entry.closed) == (True, 0, True)
    assert rounds.credit(miner.address) == 0, "and taken out"


def test_another_journal_opens_nothing(devnet: Devnet, contracts: FreezenetContracts, tmp_path: Path) -> None:
    life, (_, miner, _, sponsor, *_) = Life(devnet, contracts, tmp_path), devnet.accounts
    task = int(contracts.tasks.call("taskCount"))
    life.live("sponsor", sponsor, Diary)
    life.live("miner", miner, Diary, task=task)
    lost = next(tmp_path.glob("miner-*"))
    lost.rename(tmp_path / "lost")
    with pytest.raises(InputError, match="this journal does not hold"):
        life.live("miner", miner, Diary, task=task)
    shutil.rmtree(lost)
    (tmp_path / "lost").rename(lost)
    assert isinstance(life.live("miner", miner, Diary, task=task), Wait)


class Refused:
    """A role that wants what the chain refuses."""

    def __init__(self) -> None:
        self.asked = 0

    def next_step(self) -> Step:
        self.asked += 1
        return Send("rounds", "settle", (10**6, 0))

    def work(self, name: str) -> bool:
        raise AssertionError(name)

    def took_place(self, step: Send, receipt: object) -> None:
        raise AssertionError(step)


def test_a_refusal_that_stays_is_raised(devnet: Devnet, contracts: FreezenetContracts, tmp_path: Path) -> None:
    role = Refused()
    with Diary(tmp_path / "journal", "somebody") as diary:
        desk = Desk(contracts, devnet.accounts[5], diary, lambda _: None, poll_s=0.001)
        with pytest.raises(ContractRevertedError) as caught:
            run_role(role, desk)
        assert not diary.all("signed"), "the estimate refuses it already"
    assert (caught.value.name, role.asked) == ("RoundUnknown", 3)


def test_transactions_of_an_earlier_life(devnet: Devnet, contracts: FreezenetContracts, tmp_path: Path) -> None:
    account = devnet.accounts[6]
    sent: list[tuple[str, int]] = []
    contracts.client.send(
        Transaction(account.address, value_wei=1), account, on_signed=lambda tx, nonce: sent.append((tx, nonce))
    )
    (known, nonce), never = sent[0], "0x" + "ab" * 32
    with Diary(tmp_path / "journal", "somebody") as diary:
        diary.note("signed", function="commit", tx=known, nonce=nonce)
        diary.note("signed", function="commit", tx=never, nonce=nonce + 1)
        Desk(contracts, account, diary, lambda _: None, poll_s=0.01).resume()
        assert diary.open_transactions() == ()
        assert [record["tx"] for record in diary.all("mined")] == [known]
        assert [record["tx"] for record in diary.all("dropped")] == [never]
