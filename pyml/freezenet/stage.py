"""A devnet on which the roles of a freezenet round play, each a process of its own; what they say, and the clock.

The devnet mines each transaction at once, so time stands still while processes work, however slow the machine is. The
stage waits until what a phase is for has happened, and then mines up to its end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from eth_utils.address import to_checksum_address

from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import Devnet
from pyml.chain.lifeline import TiedProcess
from pyml.errors import PymlError
from pyml.freezenet.deployment import deployment_plan
from pyml.freezenet.dispute import Turn
from pyml.freezenet.registries import FreezenetContracts, Phase, Round, Status, open_contracts
from pyml.freezenet.round_events import events_of

POLL_S: Final = 0.15
PATIENCE_S: Final = 300.0
BLOCKS_AT_ONCE: Final = 50


@dataclass(slots=True)
class Player:
    """A role's process. Its standard output and error go to files of its own."""

    name: str
    address: str
    command: list[str]
    folder: Path
    process: TiedProcess | None = None
    _files: list[IO[bytes]] = field(default_factory=list[IO[bytes]])

    def start(self) -> None:
        """Start it, or again after a kill: with the same words and the same folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._files = [(self.folder / name).open("ab") for name in ("out", "err")]
        out, err = self._files
        self.process = TiedProcess(self.command, cwd=self.folder, output=(out, err))

    def kill(self) -> None:
        """As a power cut would."""
        process, self.process = self.process, None
        if process is not None:
            if process.running:
                os.kill(process.pid, signal.SIGKILL)
            process.stop()
        for each in self._files:
            each.close()

    @property
    def said(self) -> str:
        """What it has told so far, on both."""
        return "".join((self.folder / name).read_text() for name in ("out", "err") if (self.folder / name).exists())

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.process is not None and self.process.returncode not in (None, 0)

    def result(self) -> dict[str, Any]:
        """The JSON document that a command ends with."""
        lines = (self.folder / "out").read_text().splitlines()
        found: dict[str, Any] = json.loads(lines[-1])
        return found


@dataclass(slots=True)
class Stage:
    """One round of one task: a devnet, its contracts, the players."""

    devnet: Devnet
    folder: Path
    contracts: FreezenetContracts
    players: dict[str, Player] = field(default_factory=dict[str, Player])
    task: int = 0
    number: int = 0
    balances: dict[str, int] = field(default_factory=dict[str, int])
    """Before anybody plays."""
    first_block: int = 0

    @classmethod
    def build(cls, devnet: Devnet, folder: Path) -> Stage:
        """Deploy the contracts, with the last of the devnet's accounts."""
        client = Client.connect(devnet.url)
        deploy_system(client, deployment_plan(), devnet.accounts[-1], folder=folder / "deployments")
        contracts = open_contracts(client, folder / "deployments")
        balances = {each.address: client.balance_wei(each.address) for each in devnet.accounts}
        return cls(devnet, folder, contracts, balances=balances, first_block=client.block_number() + 1)

    def play(self, name: str, account: int, *words: str) -> Player:
        """Start ``pyml freezenet WORDS`` with one of the devnet's accounts."""
        return self._start(name, account, words)

    def cheat(self, kind: str, account: int, *, victim: str | None = None) -> Player:
        """Start a miner that cheats."""
        words = [] if victim is None else ["--victim", victim]
        return self._start(kind, account, ("mine", str(self.task), "--play", kind, *words))

    def wait(self, what: str, seen: Callable[[], bool]) -> None:
        """Until something is so; raises as soon as a player fails, or after a while."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            for player in self.players.values():
                if player.failed:
                    raise PymlError(f"{player.name} failed: {player.said[-2000:]}")
            if time.monotonic() > deadline:
                raise PymlError(f"this did not come in {PATIENCE_S:g} s: {what}")
            time.sleep(POLL_S)

    def end_phase(self, phase: Phase) -> None:
        """Mine up to the first block after a phase."""
        self.mine(self.round.last_block(phase) + 1 - self.contracts.client.block_number())

    def mine(self, blocks: int) -> None:
        """In pieces, for a request must be answered in seconds also on a busy machine."""
        for done in range(0, blocks, BLOCKS_AT_ONCE):
            self.devnet.rpc.request("anvil_mine", hex(min(BLOCKS_AT_ONCE, blocks - done)))

    def gained(self) -> dict[str, int]:
        """What each player has more than before, in wei, gas not counted."""
        client = self.contracts.client
        paid: dict[str, int] = {}
        for number in range(self.first_block, client.block_number() + 1):
            for receipt in self.devnet.rpc.request("eth_getBlockReceipts", hex(number)):
                sender = to_checksum_address(receipt["from"])
                cost = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
                paid[sender] = paid.get(sender, 0) + cost
        return {
            name: client.balance_wei(player.address) - self.balances[player.address] + paid.get(player.address, 0)
            for name, player in self.players.items()
        }

    def turns(self, dispute: int) -> list[Turn]:
        """Those that were taken in a dispute, in order."""
        events = events_of(self.contracts.optimistic, ("TurnTaken",), since_block=self.first_block)
        taken = (event.arguments for event in events)
        return [Turn(each["turn"]) for each in taken if each["disputeId"] == dispute]

    @property
    def held(self) -> int:
        """What lies in the contracts that keep value."""
        contracts = self.contracts
        keepers = (contracts.rounds, contracts.optimistic, contracts.demands)
        return sum(contracts.client.balance_wei(keeper.address) for keeper in keepers)

    def let_turns_pass(self, what: str, seen: Callable[[], bool]) -> None:
        """Until something is so, in the challenge phase: whenever all that is open waits for a player who has left, so
        many blocks are mined that its turn is over."""

        def moved() -> bool:
            time.sleep(POLL_S)
            if self.is_stuck:
                blocks = int(self.contracts.optimistic.call("turnBlocks", self.task, self.number))
                self.mine(blocks + 1)
            return seen()

        self.wait(what, moved)

    @property
    def is_stuck(self) -> bool:
        """Whether every open dispute and demand waits for a miner whose process has ended, and there is one."""
        place, since = (self.task, self.number), self.contracts.since_block
        block = self.contracts.client.block_number()
        disputes = self.contracts.optimistic.disputes(*place, since_block=since)
        demands = self.contracts.demands.demands(*place, since_block=since)
        gone = {player.address for player in self.players.values() if self.ended(player.name)}
        waits = [
            each.dispute.miner in gone and each.dispute.turn.miners and not each.is_late(block)
            for each in disputes
            if not each.is_over
        ]
        waits += [each.miner in gone and not each.is_late(block) for each in demands if each.open]
        return bool(waits) and all(waits)

    @property
    def round(self) -> Round:
        return self.contracts.rounds.round(self.task, self.number)

    @property
    def is_open(self) -> bool:
        """Whether the sponsor has opened the round."""
        return self.contracts.rounds.count(self.task) > self.number

    @property
    def over(self) -> bool:
        return self.round.status != Status.OPEN

    def ended(self, *names: str) -> bool:
        """Whether these players have ended by themselves."""
        processes = (self.players[name].process for name in names)
        return all(process is not None and process.returncode == 0 for process in processes)

    def close(self) -> None:
        """End every process that is left."""
        for player in self.players.values():
            player.kill()

    def _start(self, name: str, account: int, words: Sequence[str]) -> Player:
        own = self.folder / name
        # `env` passes settings on: nothing secret is among them, and only pyml.config reads the environment.
        command = ["env", "OMP_NUM_THREADS=1", f"PYML_HOME={(own / 'home').absolute()}"]
        command += [sys.executable, "-m", "pyml", "freezenet", *words, "--json", "--dev-account", str(account)]
        command += ["--rpc", self.devnet.url, "--deployments", str(self.folder / "deployments")]
        command += ["--folder", str(own / "role"), "--poll", str(POLL_S)]
        if "watch" not in words:
            command += ["--blobs", str(self.folder / "served")]
        player = Player(name, self.devnet.accounts[account].address, command, own)
        self.players[name] = player
        player.start()
        return player
