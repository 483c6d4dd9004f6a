"""Four relays as processes, started from the command line, and people who write to each other through them, while
relays are killed, started again and cut off from each other. Nothing is lost, doubled, or given to anybody else.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

import pytest

from bench.kdac.cluster import Wire, free_ports
from pyml.crypto.secp256k1 import SigningKey
from pyml.kdac.mailbox import Befriended, Entry
from pyml.kdac.pbft.network_file import REPLICA_KEY_LABEL
from pyml.kdac.pbft.replica_set import address_of
from pyml.store.keystore import Secret, save_secret
from tests.kdac.network import Person, befriend, new_identity, person

N = 4
ROOT = Path(__file__).parents[2]


class Relays:
    """Four processes; the links between their replicas run through this one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wires: dict[tuple[int, int], Wire] = {}
        self._replica_ports, self._client_ports = free_ports(N), free_ports(N)
        self._processes: list[asyncio.subprocess.Process | None] = [None] * N

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(f"ws://127.0.0.1:{port}" for port in self._client_ports)

    async def start(self) -> None:
        keys = sorted((SigningKey.random() for _ in range(N)), key=lambda key: address_of(key.public))
        password = self.folder / "password"
        password.write_text("a password of the test", encoding="utf-8")
        for i, key in enumerate(keys):
            path = self.folder / f"replica-{i}.key"
            save_secret(
                path, Secret(key.reveal), Secret(b"a password of the test"), label=REPLICA_KEY_LABEL, scrypt_n=2**14
            )
            for j in range(N):
                if i != j:
                    self.wires[i, j] = Wire(self._replica_ports[j])
                    await self.wires[i, j].open()
            self._write_network(i, keys)
        await asyncio.gather(*(self.run(i, "new") for i in range(N)))

    async def run(self, i: int, beginning: str = "resume") -> None:
        with (self.folder / f"noise-{i}.txt").open("ab") as noise:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "pyml", "kdac", "relay", "--json", "--beginning", beginning),
                *("--folder", str(self.folder / f"relay-{i}"), "--port", str(self._client_ports[i])),
                *("--network", str(self.folder / f"network-{i}.toml")),
                *("--replica-key", str(self.folder / f"replica-{i}.key")),
                *("--password-file", str(self.folder / "password")),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
                stderr=noise,
            )
        self._processes[i] = process
        assert process.stdout is not None
        line = await process.stdout.readline()
        assert line, (self.folder / f"noise-{i}.txt").read_text(encoding="utf-8")[-2000:]
        assert json.loads(line)["url"] == self.urls[i]

    async def kill(self, i: int) -> None:
        process = self._processes[i]
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    def cut(self, side: set[int]) -> None:
        for (i, j), wire in self.wires.items():
            if (i in side) != (j in side):
                wire.cut()
            else:
                wire.heal()

    async def stop(self) -> None:
        await asyncio.gather(*map(self.kill, range(N)))
        for wire in self.wires.values():
            wire.cut()
            if wire.server is not None:
                wire.server.close()

    def _write_network(self, i: int, keys: list[SigningKey]) -> None:
        """As all would have it, but that the others are reached over wires."""
        rows = ["batch = 50", "round_ms = 300"]
        for j, key in enumerate(keys):
            port = self._replica_ports[i] if i == j else self.wires[i, j].port
            rows += ["[[replica]]", f'key = "{key.public.hex()}"', 'host = "127.0.0.1"', f"port = {port}"]
        (self.folder / f"network-{i}.toml").write_text("\n".join(rows), encoding="utf-8")


async def _break(relays: Relays, rng: Random, *, faults: int) -> list[str]:
    """One fault after the other; each mends itself."""
    done = list[str]()
    for kind in itertools.cycle(("kill", "kill", "cut")):
        await asyncio.sleep(rng.uniform(0.1, 0.6))
        i = rng.randrange(N)
        if kind == "kill":
            await relays.kill(i)
            await asyncio.sleep(rng.uniform(0, 0.5))
            await relays.run(i)
        else:
            relays.cut(rng.choice(({i}, {i, (i + 1) % N})))
            await asyncio.sleep(rng.uniform(0.3, 1.2))
            relays.cut(set())
        done.append(f"{kind} {i}")
        if len(done) >= faults:
            return done
    raise AssertionError("unreachable")


async def _write(sender: Person, name: str, texts: list[bytes], pause_s: float) -> None:
    for text in texts:
        sender.mailbox.enqueue(name, text)
        await asyncio.sleep(pause_s)


def _read(receiver: Person, sender: str) -> list[bytes]:
    entries = [event for event in receiver.events if isinstance(event, Entry)]
    assert all(entry.friend == sender for entry in entries)
    assert all(isinstance(event, (Entry, Befriended)) for event in receiver.events), "nothing that it could not read"
    return [entry.body for entry in entries if not entry.outgoing]


async def _trial(folder: Path, *, messages: int, faults: int, pause_s: float, seed: int = 4) -> None:
    relays = Relays(folder)
    try:
        await relays.start()
        async with AsyncExitStack() as stack:
            names = ("alice", "bob", "carol", "dave")
            people = [
                await stack.enter_async_context(person(new_identity(folder / name), *relays.urls, heartbeat_s=1.0))
                for name in names
            ]
            await befriend(people[0], people[1], relays.urls[0])
            await befriend(people[2], people[3], relays.urls[2])
            texts = [[b"%d to %d: %d" % (i, i ^ 1, k) for k in range(messages // 4)] for i in range(4)]
            friends = ("bob", "alice", "bob", "alice")
            writing = (_write(people[i], friends[i], texts[i], pause_s) for i in range(4))
            breaking = asyncio.create_task(_break(relays, Random(seed), faults=faults))
            await asyncio.gather(*writing)
            assert len(await breaking) >= faults
            async with asyncio.timeout(240):
                while any(len(_read(people[i], friends[i])) < len(texts[i ^ 1]) for i in range(4)):
                    await asyncio.sleep(0.1)
            await asyncio.sleep(1)  # for what would come twice
            for i in range(4):
                assert sorted(_read(people[i], friends[i])) == sorted(texts[i ^ 1])
    finally:
        await relays.stop()


def test_relays_that_die_lose_and_double_nothing(tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_trial(tmp_path, messages=80, faults=3, pause_s=0.05), 200))


@pytest.mark.long
@pytest.mark.parametrize("seed", [4, 5])
def test_many_messages_and_faults(seed: int, tmp_path: Path) -> None:
    asyncio.run(asyncio.wait_for(_trial(tmp_path, messages=2400, faults=30, pause_s=0.08, seed=seed), 900))
