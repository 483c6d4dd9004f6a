"""The freezenet contracts on a chain: typed handles of tasks, rounds and the exact verifier, and all of one deployment.

What the contracts promise, and what they cannot: ``contracts/freezenet/ITaskRegistry.sol``, ``IRounds.sol``,
``IExactVerifier.sol``. What a role does with them, and when: ``sponsor``, ``miner``, ``challenger``, ``watcher``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, Self

from pyml.chain.artifacts import load_artifact
from pyml.chain.client import Client
from pyml.chain.contract import Contract, Event
from pyml.chain.deployments import load_deployments, require_deployed
from pyml.chain.transactions import checked_address
from pyml.errors import ContractRevertedError, InputError
from pyml.freezenet.architecture import Architecture, decode_layers
from pyml.freezenet.challenges import LeafDemands, OptimisticVerifier
from pyml.freezenet.deployment import SYSTEM
from pyml.freezenet.encoding import architecture_hash
from pyml.freezenet.round_events import events_of
from pyml.freezenet.solution import Solution
from pyml.freezenet.steps import ContractName
from pyml.freezenet.strata import FRACTION_UNIT

MIN_PHASE: Final = 5
MAX_PHASE: Final = 2_628_000
MAX_SAMPLES: Final = 1 << 16
_UINT32: Final = 1 << 32
_UINT96: Final = 1 << 96


class Status(IntEnum):
    """``IRounds.Status``."""

    NONE = 0
    OPEN = 1
    SETTLED = 2
    CANCELLED = 3


class Phase(IntEnum):
    """``IRounds.Phase``."""

    COMMIT = 0
    TEST = 1
    REVEAL = 2
    CHALLENGE = 3
    ENROL = 4


class Verdict(IntEnum):
    """``IAccuracyVerifier.Verdict``."""

    UNDECIDED = 0
    ACCEPTED = 1
    REJECTED = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What a sponsor asks for: ``ITaskRegistry.Terms``, bounded here so that mistakes cost no gas."""

    training_root: bytes
    verifier: str
    fraction_ppm: int
    samples: int
    threshold: int
    threshold_floor: int
    threshold_step: int
    target_solutions: int
    miner_bond: int
    sponsor_bond: int
    commit_blocks: int
    test_blocks: int
    reveal_blocks: int
    challenge_blocks: int

    def __post_init__(self) -> None:
        checked_address(self.verifier)
        if len(self.training_root) != 32 or not any(self.training_root):
            raise InputError("a task has no training set", expected="the root of one")
        _require("fraction", self.fraction_ppm, 1, FRACTION_UNIT)
        _require("number of test samples", self.samples, 1, MAX_SAMPLES)
        if self.threshold > self.samples:
            raise InputError(
                "the threshold is above the size of the test set",
                expected=f"at most {self.samples} correct answers",
                got=self.threshold,
            )
        _require("lowest threshold", self.threshold_floor, 1, self.threshold)
        _require("threshold's step", self.threshold_step, 0, _UINT32 - 1)
        _require("number of solutions aimed at", self.target_solutions, 0, _UINT32 - 1)
        _require("miner's bond in wei", self.miner_bond, 1, _UINT96 - 1)
        _require("sponsor's bond in wei", self.sponsor_bond, 1, _UINT96 - 1)
        for name in ("commit", "test", "reveal", "challenge"):
            _require(f"{name} phase in blocks", int(getattr(self, f"{name}_blocks")), MIN_PHASE, MAX_PHASE)

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain."""
        numbers = (
            *("fractionPpm", "samples", "threshold", "thresholdFloor", "thresholdStep", "targetSolutions"),
            *("minerBond", "sponsorBond", "commitBlocks", "testBlocks", "revealBlocks", "challengeBlocks"),
        )
        return cls(bytes(raw["trainingRoot"]), str(raw["verifier"]), *(int(raw[name]) for name in numbers))

    def as_tuple(self) -> tuple[bytes | str | int, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class Task:
    """``ITaskRegistry.Task``, and the layers that stand in its event."""

    number: int
    sponsor: str
    terms: Terms
    architecture: Architecture


@dataclass(frozen=True, slots=True)
class Round:
    """``IRounds.Round``."""

    opened_block: int
    threshold: int
    commitments: int
    enrolled: int
    bonds: int
    samples: int
    status: Status
    verifier: str
    miner_bond: int
    last_blocks: tuple[int, ...]
    reward: int
    beacon: bytes
    test_seal: bytes
    test_root: bytes

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            opened_block=int(raw["openedBlock"]),
            threshold=int(raw["threshold"]),
            commitments=int(raw["commitments"]),
            enrolled=int(raw["enrolled"]),
            bonds=int(raw["bonds"]),
            samples=int(raw["samples"]),
            status=Status(raw["status"]),
            verifier=str(raw["verifier"]),
            miner_bond=int(raw["minerBond"]),
            last_blocks=tuple(map(int, raw["lastBlocks"])),
            reward=int(raw["reward"]),
            beacon=bytes(raw["beacon"]),
            test_seal=bytes(raw["testSeal"]),
            test_root=bytes(raw["testRoot"]),
        )

    @property
    def beacon_fixed(self) -> bool:
        return any(self.beacon)

    @property
    def test_revealed(self) -> bool:
        return any(self.test_root)

    def first_block(self, phase: Phase) -> int:
        """Where a phase begins."""
        return (self.opened_block if phase == Phase.COMMIT else self.last_blocks[phase - 1]) + 1

    def last_block(self, phase: Phase) -> int:
        """Where it ends."""
        return self.last_blocks[phase]

    def phase(self, block: int) -> Phase | None:
        """What a transaction in the block after ``block`` is in; ``None`` after the last phase."""
        return next((phase for phase in Phase if block < self.last_blocks[phase]), None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A miner's part in a round: ``IRounds.Entry``."""

    digest: bytes
    correct: int
    revealed: bool
    enrolled: bool
    closed: bool

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            bytes(raw["digest"]), int(raw["correct"]), *(bool(raw[name]) for name in ("revealed", "enrolled", "closed"))
        )

    @property
    def committed(self) -> bool:
        return any(self.digest)


@dataclass(frozen=True, slots=True)
class Revealed:
    """A solution that a miner has shown, and which samples it claims to answer."""

    miner: str
    solution: Solution
    correct: int
    answers: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the exact verifier is with a solution: ``IExactVerifier.Progress``."""

    placed: int
    answered: int
    correct: int
    numbered: bool
    verdict: Verdict

    @classmethod
    def decode(cls, raw: dict[str, Any]) -> Self:
        """From the chain."""
        return cls(
            placed=int(raw["placed"]),
            answered=int(raw["answered"]),
            correct=int(raw["correct"]),
            numbered=bool(raw["numbered"]),
            verdict=Verdict(raw["verdict"]),
        )


class TaskRegistry(Contract):
    """What there is to be trained."""

    artifact_name = "TaskRegistry"

    def task(self, number: int, *, since_block: int) -> Task:
        """Raises ``InputError`` if there is no such task. Its layers are looked for from ``since_block`` on."""
        try:
            raw = self.call("taskOf", number)
        except ContractRevertedError as error:
            if error.name == "TaskUnknown":
                raise InputError(
                    f"there is no task {number}", expected=f"below {self.call('taskCount')}", got=number
                ) from error
            raise
        terms = Terms.decode(raw["terms"])
        for event in events_of(self, ("TaskRegistered",), since_block=since_block):
            if event.arguments["taskId"] == number:
                layers = decode_layers([list(layer.values()) for layer in event.arguments["layers"]])
                if architecture_hash(layers) != bytes(raw["architectureHash"]):
                    raise InputError(f"the layers of task {number} do not have its hash", hint="Ask another node.")
                return Task(number, str(raw["sponsor"]), terms, Architecture(layers, terms.fraction_ppm))
        raise InputError(f"the layers of task {number} are not to be found", hint="Ask a node that keeps all events.")


class Rounds(Contract):
    """Rounds of tasks, bonds and rewards."""

    artifact_name = "Rounds"
    error_sources = ("TaskRegistry",)

    def round(self, task: int, number: int) -> Round:
        """Raises ``InputError`` if there is no such round."""
        try:
            return Round.decode(self.call("roundOf", task, number))
        except ContractRevertedError as error:
            if error.name == "RoundUnknown":
                raise InputError(
                    f"task {task} has no round {number}", expected=f"below {self.count(task)}", got=number
                ) from error
            raise

    def count(self, task: int) -> int:
        """How many rounds there were."""
        return int(self.call("roundCount", task))

    def entry(self, task: int, number: int, miner: str) -> Entry:
        return Entry.decode(self.call("entryOf", task, number, miner))

    def seed(self, task: int, number: int, miner: str) -> bytes:
        """A miner's seed, once the beacon is fixed."""
        return bytes(self.call("seedOf", task, number, miner))

    def credit(self, account: str) -> int:
        """What an account may withdraw, in wei."""
        return int(self.call("creditOf", account))

    def events(self, task: int, number: int, names: tuple[str, ...], *, since_block: int) -> Iterator[Event]:
        """Events of a round, in order."""
        for event in events_of(self, names, since_block=since_block):
            if event.arguments["taskId"] == task and event.arguments["round"] == number:
                yield event

    def committed(self, task: int, number: int) -> tuple[str, ...]:
        """Who has committed, in order."""
        opened = self.round(task, number).opened_block
        return tuple(
            str(event.arguments["miner"])
            for event in self.events(task, number, ("SolutionCommitted",), since_block=opened)
        )

    def revealed(self, task: int, number: int) -> tuple[Revealed, ...]:
        """Every solution that was shown, in order."""
        opened = self.round(task, number).opened_block
        return tuple(
            Revealed(
                str(event.arguments["miner"]),
                Solution.decode(event.arguments["solution"]),
                int(event.arguments["correct"]),
                bytes(event.arguments["answers"]),
            )
            for event in self.events(task, number, ("SolutionRevealed",), since_block=opened)
        )

    def test_digest(self, task: int, number: int) -> bytes | None:
        """Under which the test set is served: the salt of its seal, in the transaction that opened it."""
        opened = self.round(task, number).opened_block
        for event in self.events(task, number, ("TestSetRevealed",), since_block=opened):
            data = self.client.transaction_input(event.log.tx_hash)
            return None if data is None or len(data) != _REVEAL_BYTES else data[-32:]
        return None


class ExactVerifier(Contract):
    """Every weight placed and every sample answered on chain."""

    artifact_name = "ExactVerifier"
    error_sources = ("Rounds", "TaskRegistry")

    def progress(self, task: int, number: int, miner: str) -> Progress:
        return Progress.decode(self.call("progressOf", task, number, miner))


class AccuracyVerifier(Contract):
    """Whatever a task's judge is: one question."""

    artifact_name = "IAccuracyVerifier"

    def verdict(self, task: int, number: int, miner: str) -> Verdict:
        return Verdict(self.call("verdictOf", task, number, miner))


_REVEAL_BYTES: Final = 4 + 4 * 32
"""Call data of ``revealTestSet``: selector, task, round, root, salt."""


@dataclass(frozen=True, slots=True)
class FreezenetContracts:
    """Handles of one deployment."""

    client: Client
    tasks: TaskRegistry
    rounds: Rounds
    exact: ExactVerifier
    optimistic: OptimisticVerifier
    demands: LeafDemands
    since_block: int
    """No event is older."""

    @property
    def name(self) -> str:
        """Which deployment this is, for journals."""
        return f"chain {self.client.chain_id} {self.rounds.address}"

    def handle(self, name: ContractName) -> Contract:
        """By the name that steps use."""
        handles: dict[ContractName, Contract] = {
            "tasks": self.tasks,
            "rounds": self.rounds,
            "exact": self.exact,
            "optimistic": self.optimistic,
            "demands": self.demands,
        }
        return handles[name]

    def task(self, number: int) -> Task:
        """A task with its layers; ``InputError`` if there is none."""
        return self.tasks.task(number, since_block=self.since_block)

    def judge(self, address: str) -> AccuracyVerifier:
        """A task's verifier, whichever it is."""
        return AccuracyVerifier(self.client, load_artifact(AccuracyVerifier.artifact_name), address)


def open_contracts(client: Client, folder: Path) -> FreezenetContracts:
    """Handles from ``<folder>/<chainid>.json``, after asking the chain; ``NotDeployedError`` if there are none."""
    records = load_deployments(folder, client.chain_id)
    names = ("TaskRegistry", "Rounds", "ExactVerifier", "LeafDemands", "OptimisticVerifier")
    found = {name: records.require(SYSTEM, name) for name in names}
    for record in found.values():
        require_deployed(client, record, load_artifact(record.contract))
    return FreezenetContracts(
        client,
        TaskRegistry.at(client, found["TaskRegistry"].address),
        Rounds.at(client, found["Rounds"].address),
        ExactVerifier.at(client, found["ExactVerifier"].address),
        OptimisticVerifier.at(client, found["OptimisticVerifier"].address),
        LeafDemands.at(client, found["LeafDemands"].address),
        found["TaskRegistry"].block_number or 0,
    )


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(f"the {name} is out of range", expected=f"{low} to {high}", got=value)
