"""Four replicas as operating-system processes over real sockets: killed, stopped, cut off, and come back.

What was submitted is ordered exactly once and in the same order at every replica; a client whose replica died submits
again. Keys, logs and links are real; the wires between the replicas run through this process, which cuts them.
"""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from random import Random

import pytest

from bench.kdac.cluster import Cluster

N = 4
BATCH = 50


class Trial:
    """Clients that submit through every replica, and somebody who breaks things meanwhile."""

    def __init__(self, folder: Path, *, messages: int, faults: int, seed: int) -> None:
        self.cluster = Cluster(folder, N, wired=True, batch=BATCH, round_ms=300, tick_ms=100)
        self.messages, self.faults, self.rng = messages, faults, Random(seed)
        self.is_loading = True
        self.done: list[str] = []

    async def run(self) -> list[list[str]]:
        """What each replica ordered."""
        cluster = self.cluster
        try:
            await cluster.prepare()
            await cluster.start()
            breaking = asyncio.create_task(self._break())
            await asyncio.gather(*(self._client(i, self.messages // N) for i in range(N)))
            self.is_loading = False
            await breaking
            answers = [await replica.ask(f"wait {self.messages}") for replica in cluster.replicas]
            assert len({answer["payloads"] for answer in answers}) == 1
            return [self._ordered(i) for i in range(N)]
        finally:
            await cluster.stop()

    async def _client(self, i: int, count: int) -> None:
        """Hands over ten at a time, and all ten again where it cannot know whether they are ordered."""
        for part in range(count // 10):
            load = f'{{"name": "client {i} part {part}", "count": 10, "size": 200, "at_once": 10}}'
            while True:
                try:
                    await self.cluster.replicas[i].ask(f"load {load}")
                    break
                except (RuntimeError, OSError):  # its replica was killed; it is started again
                    await asyncio.sleep(0.2)

    async def _break(self) -> None:
        """One fault after the other, at random moments, until there were enough and the clients are done."""
        kinds = itertools.cycle((self._kill, self._partition, self._kill, self._pause))
        for fault in kinds:
            if len(self.done) >= self.faults and not self.is_loading:
                return
            await asyncio.sleep(self.rng.uniform(0.05, 0.5))
            await fault(self.rng.randrange(N))

    async def _kill(self, i: int) -> None:
        await self.cluster.replicas[i].kill()
        await asyncio.sleep(self.rng.uniform(0, 0.4))
        await self.cluster.replicas[i].start()
        self.done.append(f"kill -9 of {i}")

    async def _pause(self, i: int) -> None:
        self.cluster.replicas[i].pause()
        await asyncio.sleep(self.rng.uniform(0.2, 0.8))
        self.cluster.replicas[i].resume()
        self.done.append(f"pause of {i}")

    async def _partition(self, i: int) -> None:
        side = self.rng.choice(({i}, {i, (i + 1) % N}))
        is_one_way = self.rng.random() < 0.3
        pairs = [(a, b) for a, b in itertools.permutations(range(N), 2) if (a in side) != (b in side)]
        self.cluster.cut(*(pair for pair in pairs if not is_one_way or pair[0] in side))
        await asyncio.sleep(self.rng.uniform(0.2, 1.0))
        self.cluster.cut()
        self.done.append(f"{'one-way ' if is_one_way else ''}partition of {sorted(side)}")

    def _ordered(self, i: int) -> list[str]:
        return (self.cluster.folder / f"ordered-{i}.txt").read_text(encoding="utf-8").splitlines()


def _require_exactly_once(trial: Trial, ordered: list[list[str]]) -> None:
    assert len(trial.done) >= trial.faults, trial.done
    assert all(lines == ordered[0] for lines in ordered), "one order for all"
    payloads = [line.split(" ", 1)[1] for line in ordered[0]]
    expected = {
        f"client {i} part {part} {k}" for i in range(N) for part in range(trial.messages // N // 10) for k in range(10)
    }
    assert len(payloads) == len(set(payloads)), "nothing twice"
    assert set(payloads) == expected, "nothing lost, nothing invented"


def test_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    trial = Trial(tmp_path, messages=200, faults=4, seed=1)
    _require_exactly_once(trial, asyncio.run(asyncio.wait_for(trial.run(), 120)))


@pytest.mark.long
def test_many_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    trial = Trial(tmp_path, messages=4000, faults=40, seed=2)
    _require_exactly_once(trial, asyncio.run(asyncio.wait_for(trial.run(), 600)))
