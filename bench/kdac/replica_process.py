"""One replica in a process of its own, with a load: what the benchmarks measure and the fault tests kill.

    python -m bench.kdac.replica_process CONFIG.json

``CONFIG`` names the replicas' secrets (throw-away ones), ports, folder and load. The process prints ``ready`` and, for
each line that it reads, does what it says: ``load`` submits, ``wait N`` answers when N payloads are in blocks here.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyml.crypto.secp256k1 import SigningKey
from pyml.errors import PymlError
from pyml.kdac.ordering import BackPressureError
from pyml.kdac.pbft.engine import Beginning, Options, PbftEngine
from pyml.kdac.pbft.links import Address
from pyml.kdac.pbft.log import has_log
from pyml.kdac.pbft.replica_set import ReplicaSet, address_of


@dataclass(slots=True)
class Seen:
    """What has come out of ``committed``."""

    payloads: int = 0
    blocks: int = 0
    digest: str = ""
    grew: asyncio.Condition = field(default_factory=asyncio.Condition)


def options_of(config: dict[str, Any]) -> Options:
    """The engine's options; a folder with a log is resumed."""
    keys = sorted((SigningKey.from_secret(bytes.fromhex(s)) for s in config["secrets"]), key=_address)
    index, folder = int(config["index"]), Path(config["folder"])
    beginning = Beginning.RESUME if has_log(folder) else Beginning(config.get("beginning", "new"))
    peers = {int(peer): Address("127.0.0.1", int(port)) for peer, port in config["peers"].items()}
    return Options(
        replicas=ReplicaSet.of(key.public for key in keys),
        key=keys[index],
        folder=folder,
        listen=Address("127.0.0.1", int(config["port"])),
        peers=peers,
        beginning=beginning,
        batch=int(config["batch"]),
        round_ms=int(config.get("round_ms", 1000)),
        tick_ms=int(config.get("tick_ms", 500)),
    )


def _address(key: SigningKey) -> bytes:
    return address_of(key.public)


async def run(config: dict[str, Any]) -> None:
    """Run until the input ends."""
    seen = Seen()
    async with PbftEngine(options_of(config)) as engine:
        follower = asyncio.create_task(_follow(engine, seen, config.get("record")))
        say("ready", index=engine.index)
        async for words in _lines():
            if words[0] == "load":
                say("loaded", **await load(engine, json.loads(words[1])))
            elif words[0] == "wait":
                async with seen.grew:
                    await seen.grew.wait_for(lambda target=int(words[1]): seen.payloads >= target)
                say("seen", payloads=seen.payloads, blocks=seen.blocks, digest=seen.digest, at=time.time())
            else:
                say("health", **{name: getattr(engine.health(), name) for name in engine.health().__slots__})
        follower.cancel()


async def load(engine: PbftEngine, asked: dict[str, Any]) -> dict[str, Any]:
    """Submit so many payloads, so many at a time, each again until it is ordered; seconds from first try to order."""
    numbers, latencies = iter(range(int(asked["count"]))), list[float]()
    started = time.time()

    async def submit_some() -> None:
        for k in numbers:
            payload = f"{asked['name']} {k} ".encode().ljust(int(asked["size"]), b".")
            first = time.perf_counter()
            while True:
                try:
                    await engine.submit(payload)
                    break
                except BackPressureError:
                    await asyncio.sleep(0.01)
            latencies.append(time.perf_counter() - first)

    await asyncio.gather(*(submit_some() for _ in range(int(asked["at_once"]))))
    return {"started": started, "ended": time.time(), "latencies": sorted(latencies)}


async def _follow(engine: PbftEngine, seen: Seen, record: str | None) -> None:
    """Count what is ordered; with ``record``, write each payload down as a consumer would, one a line.

    After a restart everything is consumed again, from the first block.
    """
    out = Path(record).open("w", encoding="utf-8") if record else None  # noqa: SIM115
    async for block in engine.committed():
        if out is not None:
            out.writelines(f"{block.height} {payload.decode().rstrip('. ')}\n" for payload in block.payloads)
            out.flush()
        async with seen.grew:
            seen.payloads += len(block.payloads)
            seen.blocks += 1
            seen.digest = block.digest.hex()
            seen.grew.notify_all()


async def _lines() -> AsyncIterator[list[str]]:
    reader = asyncio.StreamReader(limit=2**20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield line.decode().strip().split(" ", 1)


def say(what: str, **more: Any) -> None:
    print(json.dumps({"what": what, **more}), flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(run(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    except PymlError as error:
        sys.exit(str(error))
