"""A group on one machine: every role a process of its own, on a development chain whose clock waits for them.

The other module here that does I/O for all: it starts processes, and moves the clock. Blocks of the development chain
come with each transaction. When every process has said that it has nothing to do in the newest block
(``agent.run_role`` writes it down), blocks are mined up to the next deadline, and one more. So deadlines are real,
nobody misses one because the machine is slow, and a run is over as soon as it can be. On any other chain time passes
by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from pyml.chain.accounts import Signer, dev_signers
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.lifeline import TiedProcess
from pyml.chain.transactions import Transaction
from pyml.deepchain.agreement import Agreement
from pyml.deepchain.chain_view import ChainReader
from pyml.deepchain.dealer import COIN, Conditions
from pyml.deepchain.deployment import deployment_plan
from pyml.deepchain.ledger import Ledger, coins_of
from pyml.deepchain.records import Phase
from pyml.deepchain.registries import DeepchainContracts
from pyml.deepchain.view import View
from pyml.errors import ChainError, InputError, ResourceError

GENESIS: Final = 1_000_000_000 * COIN
"""What each account begins with."""
ETHER_WEI: Final = 100 * 10**18
FIRST_FUNDED: Final = 10
"""A devnet gives ether to so many of its accounts."""
POLL_S: Final = 0.25
SIMULATED_WINDOWS: Final = (60, 60, 30, 60, 60, 60, 60, 40, 40)
"""In blocks, of which each transaction takes one; the clock jumps over what is left."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part, and who cheats: ``faults`` by name of the process, such as ``party-0`` or ``worker-2``."""

    parties: int = 4
    workers: int = 4
    challengers: int = 1
    faults: Mapping[str, str] = field(default_factory=dict[str, str])
    stakes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Whole coins of a worker; the least that is asked for where none is said. The greater, the likelier it leads."""
    words: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """Further words of a process's command line."""

    @property
    def names(self) -> tuple[str, ...]:
        """All processes but the dealer, in the order of their accounts, which begins with account 1."""
        counted = (("party", self.parties), ("worker", self.workers), ("challenger", self.challengers))
        return tuple(f"{role}-{index}" for role, count in counted for index in range(count))

    def account(self, name: str) -> int:
        """Number of a process's development account; the dealer has 0."""
        if name == "dealer":
            return 0
        if name not in self.names:
            raise InputError("no such process", expected=", ".join(self.names), got=name)
        return 1 + self.names.index(name)


class Simulation:
    """One run; use as a context manager: its processes end with it."""

    def __init__(
        self,
        url: str,
        folder: Path,
        cast: Cast,
        *,
        bits: int,
        threshold: int,
        agreement: Agreement,
        conditions: Conditions,
        data: Path | None = None,
        primes: Path | None = None,
    ) -> None:
        """``primes`` is a file of published ones for a key that protects nothing, so that none need be looked for."""
        self.folder, self.cast, self.agreement, self.conditions = folder, cast, agreement, conditions
        self._url, self._bits, self._threshold, self._data = url, bits, threshold, data
        self._primes = primes
        self._signers = dev_signers(1 + len(cast.names))
        self._client = Client.connect(url)
        self._processes: dict[str, TiedProcess] = {}
        self._restarted: set[str] = set()
        for name in cast.faults:
            cast.account(name)
        if not self._client.is_dev:
            raise ChainError("a simulation moves the clock, and so needs a development chain", got=self._client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process that is still there."""
        for process in self._processes.values():
            process.stop()

    def signer(self, name: str) -> Signer:
        """The account of a process."""
        return self._signers[self.cast.account(name)]

    def prepare(self) -> DeepchainContracts:
        """Deploy, and give everybody coins, and ether for gas."""
        sponsor = self._signers[0]
        coins = {each.address: GENESIS for each in self._signers}
        deploy_system(self._client, deployment_plan(coins), sponsor, folder=self.deployments)
        for late in self._signers[FIRST_FUNDED:]:
            self._client.send(Transaction(late.address, b"", ETHER_WEI), sponsor)
        return DeepchainContracts.open(self._client, self.deployments)

    @property
    def deployments(self) -> Path:
        """Where contracts are recorded."""
        return self.folder / "deployments"

    def open_group(self, timeout_s: float = 600) -> int:
        """Start the members, who enrol, and let the dealer invite them; returns the group's number."""
        members = [f"party-{index}" for index in range(self.cast.parties)]
        for name in members:
            self.start_one(name, None, fault=self.cast.faults.get(name))
        enrolled = [
            str(json.loads(self._line(name, self._processes[name], timeout_s))["enrolment"]) for name in members
        ]
        conditions = self.folder / "conditions.json"
        agreement = self.folder / "agreement.json"
        agreement.write_bytes(self.agreement.encode())
        conditions.write_text(json.dumps({name: getattr(self.conditions, name) for name in Conditions.__slots__}))
        words = [*self._account_words("dealer"), "--rpc", self._url, "--bits", str(self._bits)]
        words += ["--threshold", str(self._threshold), "--agreement", str(agreement), "--conditions", str(conditions)]
        words += [word for each in enrolled for word in ("--member", each)]
        words += ["--allow-insecure-key"] if self._bits == 1024 else []
        words += ["--deployments", str(self.deployments), "--json"]
        words += ["--workers", str(self.cast.workers), "--poll", str(POLL_S)]
        words += [] if self._primes is None else ["--insecure-primes", str(self._primes)]
        self._processes["dealer"] = TiedProcess(self._command("dealer", "dealer", words))
        return int(json.loads(self._line("dealer", self._processes["dealer"], timeout_s))["group"])

    def start(self, group: int) -> None:
        """Start every role that does not run yet."""
        for name in self.cast.names:
            if name not in self._processes:
                self.start_one(name, group, fault=self.cast.faults.get(name))

    def start_one(self, name: str, group: int | None, *, fault: str | None = None) -> None:
        """Start one process, with a fault or without; a member without a group waits to be invited."""
        role = name.split("-")[0]
        words = [*self._account_words(name), "--rpc", self._url, "--seen", str(self._seen(name)), "--json"]
        words += ["--deployments", str(self.deployments), "--poll", str(POLL_S)]
        words += [] if group is None else ["--group", str(group)]
        words += ["--allow-insecure-key"] if self._bits == 1024 else []
        words += ["--not-watchful"] if role == "party" else []
        words += ["--stake", str(self.cast.stakes[name])] if name in self.cast.stakes else []
        words += ["--play", fault] if fault else []
        words += self.cast.words.get(name, ())
        self._seen(name).unlink(missing_ok=True)
        self._processes[name] = TiedProcess(self._command(name, role, words))

    def kill(self, name: str) -> None:
        """kill -9."""
        os.kill(self._processes[name].pid, signal.SIGKILL)

    def advance(self, reader: ChainReader) -> View:
        """Start again what was killed; move the clock if everybody waits. Returns the view."""
        ended = {name for name, process in self._processes.items() if not process.running}
        for name in ended:
            if name not in self._restarted and self.cast.faults.get(name) == "crash":
                self._restarted.add(name)
                self.start_one(name, reader.group)
        view = reader.view()
        # Whoever has ended since is still waited for: it may have to be started again first.
        waited_for = set(self._processes) - {"dealer"} - (ended - self._restarted)
        if all(self._has_seen(name, view.head) for name in waited_for):
            due = view.pending_deadlines()
            if due and self._client.block_number() == view.head:
                self._client.rpc.request("anvil_mine", hex(due[0] + 1 - view.head))
        return view

    def run(
        self,
        group: int,
        *,
        timeout_s: float,
        progress: Callable[[View], None] = lambda _: None,
        pause_s: float = POLL_S,
    ) -> View:
        """Until the group is over and every process has ended; ``ResourceError`` after so long."""
        contracts = DeepchainContracts.open(self._client, self.deployments)
        reader, ends = ChainReader(contracts, group), time.monotonic() + timeout_s
        while True:
            view = self.advance(reader)
            progress(view)
            if view.clock.phase is Phase.OVER and not any(each.running for each in self._processes.values()):
                return view
            if time.monotonic() > ends:
                raise ResourceError(
                    "the group is not over in time", expected=f"{timeout_s:g} s", got=self.describe(view)
                )
            time.sleep(pause_s)

    def describe(self, view: View) -> str:
        """Where everybody stands, for people."""
        waiting = [name for name in self._processes if not self._has_seen(name, view.head)]
        return f"round {view.clock.round}, {view.clock.phase.name}, block {view.head}, busy: {', '.join(waiting)}"

    def output(self, name: str) -> str:
        """The last lines that a process wrote."""
        return self._processes[name].tail()

    def result(self, name: str) -> dict[str, Any]:
        """What a process that has ended printed last."""
        lines = [line for line in self.output(name).splitlines() if line.startswith('{"group"')]
        if not lines:
            raise ChainError(f"{name} ended without a result", got=self.output(name)[-400:])
        return dict(json.loads(lines[-1]))

    def ledger(self, contracts: DeepchainContracts) -> Ledger:
        """Where all coins are."""
        return coins_of(contracts, tuple(self.signer(name).address for name in self._everybody))

    def gained(self, ledger: Ledger) -> dict[str, int]:
        """What each process has more than it began with, in the smallest unit."""
        return {name: ledger.of(self.signer(name).address) - GENESIS for name in self._everybody}

    @property
    def _everybody(self) -> tuple[str, ...]:
        return ("dealer", *self.cast.names)

    def _has_seen(self, name: str, head: int) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return int(json.loads(self._seen(name).read_bytes())["block"]) >= head
        return False

    def _seen(self, name: str) -> Path:
        return self.folder / name / "seen.json"

    def _account_words(self, name: str) -> list[str]:
        return ["--dev-account", str(self.cast.account(name))]

    def _command(self, name: str, command: str, words: Sequence[str]) -> list[str]:
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        settings = [f"PYML_HOME={home}", f"PYML_BLOBS={(self.folder / 'blobs').absolute().as_uri()}"]
        settings += [] if self._data is None else [f"PYML_DATA={self._data}"]
        # `env` passes settings on: nothing secret is among them, and only pyml.config reads the environment.
        start = ["env", "OMP_NUM_THREADS=1", *settings, sys.executable, "-m", "pyml", "--verbose", "deepchain", command]
        return [*start, *words]

    @staticmethod
    def _line(name: str, process: TiedProcess, timeout_s: float) -> str:
        """The first JSON that a process prints."""
        line = process.wait_for_line('{"', timeout_s)
        if line is None or '"error"' in line:
            raise ChainError(f"{name} could not begin", got=process.tail()[-400:])
        return line
