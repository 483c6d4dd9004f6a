"""Four relays as processes of their own that agree and anchor on a devnet, for demonstrations and end-to-end tests.

Each has its folder, its key as a replica and an account that pays for anchoring, with a balance from the devnet. They
are started as operators start them, ``pyml kdac relay --network … --anchor …``, and end with this process.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
import urllib.request
from collections.abc import Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from types import TracebackType
from typing import Any, Final, Self

from pyml.chain.accounts import import_keystore
from pyml.chain.client import Client
from pyml.chain.deploy import deploy_system
from pyml.chain.devnet import DevNode
from pyml.chain.lifeline import TiedProcess
from pyml.chain.transactions import Transaction
from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import ChainError, ResourceError
from pyml.files import write_atomically
from pyml.kdac.deployment import deployment_plan
from pyml.kdac.pbft.network_file import REPLICA_KEY_LABEL, bind_network
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of
from pyml.kdac.registries import KdacContracts, MessageLog, addresses_of, open_contracts
from pyml.store.keystore import Secret, save_secret

_BALANCE_WEI: Final = 10**18
_START_S: Final = 60.0
_STOP_S: Final = 40.0
"""A relay that is stopped waits for a transaction that it has sent."""
_ACCOUNT: Final = "anchor"
_SCRYPT_N: Final = 2**14
"""The passwords here are random, so that they need no slow hash."""


def free_ports(count: int) -> list[int]:
    """Ports of this machine that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@dataclass(frozen=True, slots=True, repr=False)
class _Member:
    """One relay's own."""

    key: SigningKey
    account: SigningKey
    port: int


class RelayNetwork:
    """Deployed when it is made; use it as an asynchronous context manager to run it."""

    def __init__(self, node: DevNode, folder: Path, *, n: int = 4, anchoring: Collection[int] | None = None) -> None:
        """``anchoring``: numbers of the relays that anchor; all of them when absent."""
        self.folder, self._rpc = folder, node.url
        self._anchoring = range(n) if anchoring is None else anchoring
        keys = sorted((SigningKey.random() for _ in range(n)), key=lambda key: address_of(key.public))
        members = zip(keys, (SigningKey.random() for _ in range(n)), free_ports(n), strict=True)
        self._members = [_Member(*member) for member in members]
        self._processes: dict[int, TiedProcess] = {}
        self._metrics = [0] * n
        self._password = secrets.token_urlsafe(16)
        self.file = folder / "network.toml"
        self._write_files()
        self.contracts, self.replicas = self._deploy(node)

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(f"ws://127.0.0.1:{member.port}" for member in self._members)

    @property
    def log(self) -> MessageLog:
        """Where the blocks are anchored."""
        if self.contracts.log is None:
            raise ChainError("no message log was deployed")
        return self.contracts.log

    def place(self, i: int) -> Path:
        """Everything that relay ``i`` has on disk."""
        return self.folder / f"relay-{i}"

    def archive(self, i: int) -> Path:
        return self.place(i) / "replica" / "blocks.sqlite"

    def accounts(self) -> tuple[str, ...]:
        """Who pays for anchoring, by relay."""
        return tuple("0x" + address_of(member.account.public).hex() for member in self._members)

    def metric(self, i: int, name: str) -> int:
        """What relay ``i`` says to Prometheus."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics[i]}/metrics", timeout=5) as answer:
            found = re.search(rf"^kdac_{name} (\S+)$", answer.read().decode(), re.MULTILINE)
        return int(float(found[1])) if found else 0

    async def start(self, i: int, beginning: str = "resume") -> None:
        """Start one, and wait until it listens."""
        process = self._processes[i] = TiedProcess(self._command(i, beginning))
        line = await asyncio.to_thread(process.wait_for_line, '"metrics_port"', _START_S)
        if line is None:
            raise ResourceError(f"relay {i} did not start", got=process.tail()[-500:])
        ready: dict[str, Any] = json.loads(line)
        self._metrics[i] = int(ready["metrics_port"])

    def pid(self, i: int) -> int:
        """The process of relay ``i``."""
        return self._processes[i].pid

    async def stop(self, i: int, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop one, or kill it, and wait until it has gone."""
        process = self._processes.pop(i, None)
        if process is None:
            return
        if process.running:
            os.kill(process.pid, how)
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                while process.running:
                    await asyncio.sleep(0.05)
        await asyncio.to_thread(process.stop)

    async def stop_all(self) -> None:
        await asyncio.gather(*(self.stop(i) for i in tuple(self._processes)))

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(self.start(i, "new") for i in range(len(self._members))))
        except BaseException:
            await self.stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    def _command(self, i: int, beginning: str) -> list[str]:
        """As an operator would type it; `env` passes on what only pyml.config reads."""
        password = str(self.folder / "password")
        words = ["--json", "--beginning", beginning, "--folder", str(self.place(i)), "--network", str(self.file)]
        words += ["--port", str(self._members[i].port), "--metrics-port", "0"]
        words += ["--replica-key", str(self.folder / f"replica-{i}.key"), "--password-file", password]
        if i in self._anchoring:
            words += ["--anchor", self._rpc, "--account", _ACCOUNT, "--account-password-file", password]
        home = f"PYML_HOME={self._home(i).absolute()}"
        return ["env", home, sys.executable, "-m", "pyml", "kdac", "relay", *words]

    def _home(self, i: int) -> Path:
        """Where relay ``i`` has its account; apart from its folder, which others may look into."""
        return self.folder / f"home-{i}"

    def _write_files(self) -> None:
        write_atomically(self.folder / "password", self._password.encode(), mode=0o600)
        rows = ["batch = 50", "round_ms = 500"]
        for i, (member, port) in enumerate(zip(self._members, free_ports(len(self._members)), strict=True)):
            path, key = self.folder / f"replica-{i}.key", member.key
            save_secret(
                path, Secret(key.reveal), Secret(self._password.encode()), label=REPLICA_KEY_LABEL, scrypt_n=_SCRYPT_N
            )
            place, secret = self._home(i) / "accounts", member.account.reveal.hex()
            import_keystore(place, _ACCOUNT, secret, lambda: self._password, scrypt_work=_SCRYPT_N)
            rows += ["[[replica]]", f'key = "{key.public.hex()}"', 'host = "127.0.0.1"', f"port = {port}"]
        self.file.write_text("\n".join(rows), encoding="utf-8")

    def _deploy(self, node: DevNode) -> tuple[KdacContracts, ReplicaSet]:
        client, payer, folder = Client.connect(node.url), node.accounts[0], self.folder / "deployments"
        for account in self.accounts():
            client.send(Transaction(account, value_wei=_BALANCE_WEI), payer)
        plan = deployment_plan(addresses_of([member.key.public for member in self._members]))
        deploy_system(client, plan, payer, folder=folder)
        contracts = open_contracts(client, folder)
        log = contracts.log.address if contracts.log is not None else ""
        return contracts, bind_network(self.file, client.chain_id, bytes.fromhex(log[2:])).replicas
