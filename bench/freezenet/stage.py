"""A round of the optimistic verifier on a devnet, up to where solutions are challenged, and disputes about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyml.chain.accounts import Signer
from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract
from pyml.chain.devnet import Devnet
from pyml.chain.transactions import Receipt
from pyml.errors import PymlError
from pyml.freezenet.answers import pack_answers
from pyml.freezenet.architecture import Architecture
from pyml.freezenet.dispute import Dispute, DisputeCase, challenge, challenger_move, miner_move
from pyml.freezenet.encoding import layer_tuple
from pyml.freezenet.inference import Int8Network
from pyml.freezenet.samples import SampleSet
from pyml.freezenet.solution import Content, content_of
from pyml.freezenet.steps import Send
from pyml.freezenet.strata import assemble, free_weights, kernels_of, watermark, with_kernels

REWARD: Final = 10**18
MINER_BOND: Final = 10**17
SPONSOR_BOND: Final = 2 * 10**17
COMMIT_BLOCKS: Final = 40
TEST_BLOCKS: Final = 10
REVEAL_BLOCKS: Final = 20
CHALLENGE_BLOCKS: Final = 400
SALT: Final = bytes(range(32))

Transform = Callable[[Int8Network], Int8Network]


@dataclass
class Stage:
    """Contracts, one task, and its newest round; every transaction's gas is noted."""

    node: Devnet
    client: Client
    contracts: dict[str, Contract]
    architecture: Architecture
    task: int
    gas: list[tuple[str, int]] = field(default_factory=list)

    @property
    def sponsor(self) -> Signer:
        return self.node.accounts[0]

    @property
    def miner(self) -> Signer:
        return self.node.accounts[1]

    @property
    def challenger(self) -> Signer:
        return self.node.accounts[2]

    @property
    def round(self) -> int:
        """The newest round's number."""
        return int(self.contracts["rounds"].call("roundCount", self.task)) - 1

    @property
    def seed(self) -> bytes:
        """The miner's, once the beacon is fixed."""
        return bytes(self.contracts["rounds"].call("seedOf", self.task, self.round, self.miner.address))

    def send(self, step: Send, account: Signer) -> Receipt:
        """Carry a step out, and note its gas."""
        handle = self.contracts[step.contract]
        receipt = handle.send(step.function, *step.arguments, account=account, value_wei=step.value_wei)
        if not receipt.succeeded:
            raise PymlError(f"{step.function} failed", got=receipt.tx_hash)
        self.gas.append((step.function, receipt.gas_used))
        return receipt

    def skip_to(self, block: int) -> None:
        """Mine empty blocks until the next transaction is in ``block``."""
        missing = block - 1 - self.client.block_number()
        if missing > 0:
            self.node.rpc.request("anvil_mine", hex(missing))

    def phase(self, phase: int) -> tuple[int, int]:
        """First and last block of a phase."""
        first, last = self.contracts["rounds"].call("phaseOf", self.task, self.round, phase)
        return int(first), int(last)

    def dispute(self, number: int) -> Dispute:
        return Dispute.decode(self.contracts["optimistic"].call("disputeOf", number))

    def shown(self, receipt: Receipt) -> bytes:
        """What a turn showed."""
        (event,) = self.contracts["optimistic"].events_in(receipt, "TurnTaken")
        return bytes(event.arguments["content"])


def open_stage(node: Devnet, client: Client, network: Int8Network, *, fraction_ppm: int, samples: int) -> Stage:
    """Deploy everything, and register a task for networks like this one."""
    account = node.accounts[0]

    def deploy(name: str, *arguments: object) -> Contract:
        return Contract.deploy(client, *arguments, account=account, artifact=load_artifact(name))

    tasks = deploy("TaskRegistry")
    rounds = deploy("Rounds", tasks.address)
    demands = deploy("LeafDemands", rounds.address, tasks.address)
    optimistic = deploy("OptimisticVerifier", rounds.address, tasks.address, demands.address)
    contracts = {"tasks": tasks, "rounds": rounds, "demands": demands, "optimistic": optimistic}
    stage = Stage(node, client, contracts, architecture_of(network, fraction_ppm), 0)
    register(stage, verifier=optimistic.address, samples=samples)
    return stage


def register(stage: Stage, *, verifier: str, samples: int) -> None:
    """Register a task for the stage's architecture; rounds are of it from now on."""
    terms = (
        b"\x01" * 32,
        verifier,
        stage.architecture.fraction_ppm,
        *(samples, 1, 1, 0, 10, MINER_BOND, SPONSOR_BOND),
        *(COMMIT_BLOCKS, TEST_BLOCKS, REVEAL_BLOCKS, CHALLENGE_BLOCKS),
    )
    stage.task = int(stage.contracts["tasks"].call("taskCount"))
    stage.send(Send("tasks", "register", (terms, list(stage.architecture.layers))), stage.sponsor)


def architecture_of(network: Int8Network, fraction_ppm: int) -> Architecture:
    """What a task fixes of such a network."""
    return Architecture(tuple(layer_tuple(layer) for layer in network.layers), fraction_ppm)


def marked(network: Int8Network, architecture: Architecture, seed: bytes) -> Int8Network:
    """The network with the watermark of a seed in place."""
    marks = watermark(seed, architecture.strata)
    return with_kernels(network, assemble(marks, free_weights(marks, kernels_of(network))))


def open_round(stage: Stage, samples: SampleSet) -> None:
    """Open a round with this test set behind its seal, and fix its beacon."""
    stage.send(Send("rounds", "openRound", (stage.task, samples.seal), REWARD + SPONSOR_BOND), stage.sponsor)
    stage.send(Send("rounds", "fixBeacon", (stage.task, stage.round)), stage.sponsor)


def enter(stage: Stage, content: Content, samples: SampleSet, answered: NDArray[np.bool_]) -> bytes:
    """Commit and reveal a solution that claims these answers; ends at the first block of the challenge phase."""
    task, number, solution = stage.task, stage.round, content.solution()
    commitment = solution.commitment(SALT, stage.miner.address)
    stage.send(Send("rounds", "commit", (task, number, commitment), MINER_BOND), stage.miner)
    stage.skip_to(stage.phase(1)[0])
    opened = (task, number, samples.tree.root, bytes.fromhex(samples.digest))
    stage.send(Send("rounds", "revealTestSet", opened), stage.sponsor)
    stage.skip_to(stage.phase(2)[0])
    answers = pack_answers(answered)
    stage.send(Send("rounds", "reveal", (task, number, solution.as_tuple(), SALT, answers)), stage.miner)
    stage.skip_to(stage.phase(3)[0])
    return answers


def content_for(stage: Stage, network: Int8Network) -> Content:
    """What the stage's miner hands in of a network that holds his watermark."""
    return content_of(network, stage.architecture, stage.seed)


def begin_dispute(stage: Stage, sample: int, answers: bytes) -> int:
    """Challenge a sample; the dispute's number."""
    number = int(stage.contracts["optimistic"].call("disputeCount"))
    step = challenge(stage.task, stage.round, stage.miner.address, sample=sample, answers=answers, bond_wei=MINER_BOND)
    stage.send(step, stage.challenger)
    return number


def play(stage: Stage, number: int, miner: DisputeCase, challenger: DisputeCase) -> Dispute:
    """Let both sides move until one has nothing to say, or the dispute is over; how it then stands."""
    shown = b""
    while True:
        dispute = stage.dispute(number)
        step = miner_move(miner, number, dispute) or challenger_move(challenger, number, dispute, shown)
        if step is None:
            return dispute
        receipt = stage.send(step, stage.miner if dispute.turn.miners else stage.challenger)
        if stage.contracts["optimistic"].events_in(receipt, "TurnTaken"):
            shown = stage.shown(receipt)


def gas_of(stage: Stage, functions: Sequence[str]) -> dict[str, int]:
    """Gas of the last transaction of each of these functions."""
    last: dict[str, Any] = dict(stage.gas)
    return {name: int(last[name]) for name in functions if name in last}
