"""Replicas as processes on this machine: start, kill, stop and ask them; cut the links between them."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.measuring.record import ROOT
from pyml.crypto.secp256k1 import SigningKey

_LIMIT = 64 * 2**20


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


@dataclass(slots=True)
class Wire:
    """A link from one replica to another, through this process, that can be cut."""

    target_port: int
    is_cut: bool = False
    server: asyncio.Server | None = None
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    async def open(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Break what is connected, and everything that tries to connect, until ``heal``."""
        self.is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def heal(self) -> None:
        self.is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.is_cut:
                return
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._writers.add(far_writer)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pump(reader, far_writer))
                    group.create_task(_pump(far_reader, writer))
            finally:
                self._writers.discard(far_writer)
                far_writer.close()
        except* (OSError, EOFError):
            pass  # one end is gone, or the wire was cut
        finally:
            self._writers.discard(writer)
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()
    raise EOFError


class Replica:
    """A process."""

    def __init__(self, config_path: Path, noise_path: Path) -> None:
        self._config_path, self._noise_path = config_path, noise_path
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        """One question at a time, and none before it is ready."""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> dict[str, Any]:
        async with self._turn:
            return await self._start()

    async def _start(self) -> dict[str, Any]:
        with self._noise_path.open("ab") as noise:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.kdac.replica_process",
                str(self._config_path),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=noise,
                limit=_LIMIT,
            )
        return await self._hear()

    async def ask(self, line: str) -> dict[str, Any]:
        async with self._turn:
            process = self._require()
            if process.stdin is None:
                raise RuntimeError("the replica has no input")
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()
            return await self._hear()

    async def kill(self) -> None:
        """Without any warning."""
        process = self._require()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    def pause(self) -> None:
        self._require().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._require().send_signal(signal.SIGCONT)

    async def _hear(self) -> dict[str, Any]:
        process = self._require()
        line = await process.stdout.readline() if process.stdout is not None else b""
        if not line:
            await process.wait()
            words = self._noise_path.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"a replica ended ({process.returncode}): {words}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _require(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError("the replica was not started")
        return self._process


class Cluster:
    """``n`` replicas in a folder, each reaching each other over a wire of its own where ``wired``."""

    def __init__(self, folder: Path, n: int, *, wired: bool = False, **settings: Any) -> None:
        self.folder, self.n, self.wired, self.settings = folder, n, wired, settings
        self.replicas: list[Replica] = []
        self.wires: dict[tuple[int, int], Wire] = {}

    async def prepare(self) -> None:
        ports = free_ports(self.n)
        secrets = [SigningKey.random().reveal.hex() for _ in range(self.n)]
        for i in range(self.n):
            for j in range(self.n):
                if self.wired and i != j:
                    self.wires[i, j] = Wire(ports[j])
                    await self.wires[i, j].open()
        for i in range(self.n):
            peers = {j: self.wires[i, j].port if self.wired else ports[j] for j in range(self.n) if j != i}
            self._configure(i, {"secrets": secrets, "port": ports[i], "peers": peers})

    def _configure(self, i: int, more: Mapping[str, Any]) -> None:
        place = self.folder / f"replica-{i}"
        record = str(self.folder / f"ordered-{i}.txt")
        config = {"index": i, "folder": str(place), "record": record, **more, **self.settings}
        path = self.folder / f"replica-{i}.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        path.chmod(0o600)
        self.replicas.append(Replica(path, self.folder / f"noise-{i}.txt"))

    def cut(self, *pairs: tuple[int, int]) -> None:
        """Cut links, in the direction given; all others are healed."""
        for pair, wire in self.wires.items():
            if pair in pairs and not wire.is_cut:
                wire.cut()
            elif pair not in pairs:
                wire.heal()

    async def start(self, *places: int) -> None:
        await asyncio.gather(*(self.replicas[i].start() for i in places or range(self.n)))

    async def stop(self) -> None:
        for replica in self.replicas:
            if replica.is_running:
                await replica.kill()
        for wire in self.wires.values():
            wire.cut()
            if wire.server is not None:
                wire.server.close()
