"""What a party's encrypted round costs, beside other libraries on a vector of the same length, in one run.

    python bench/deepchain_crypto.py                 2048 bits, 10 parties, t = 6, 100,000 parameters
    python bench/deepchain_crypto.py --quick         1024 bits, 4 parties, 2,000 parameters, no peers
    python bench/deepchain_crypto.py --whole-peer    python-paillier on the whole vector: a quarter of an hour

Each step is timed on one core. Combining is what one member does of it when all members of the committee are there: it
takes the roots from shares, opens its part and checks the openings of all. A member whom nobody helps opens all alone;
that step is listed without a limit. The paper's scheme is measured beside it. python-paillier encrypts a declared
sample unless it is asked for the whole; its time a value does not depend on how many there are. The peers are installed
once, below PYML_HOME, and are no part of the project. Targets are compared with CPU time, which a busy machine changes
less.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from bench.deepchain.crypto_peers import environment_python, measure_peer
from bench.deepchain.crypto_steps import Size, measure
from bench.measuring.record import RESULTS, load_average, write_result
from pyml.config import load_config
from pyml.errors import PymlError

DEFAULT: Final = Size(bits=2048, parties=10, threshold=6, parameters=100_000, repeats=5)
QUICK: Final = Size(bits=1024, parties=4, threshold=3, parameters=2_000, repeats=1)
PHE_SAMPLE: Final = 1_000
PEERS: Final = ("phe", "tenseal", "secaggplus")
console = Console(stderr=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small and insecure, without peers")
    parser.add_argument("--whole-peer", action="store_true", help="python-paillier encrypts every value")
    parser.add_argument("--output", type=Path, default=RESULTS / "deepchain_crypto.json")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else DEFAULT
    started, load, home = time.time(), load_average(), load_config().home
    try:
        ours = measure(size, home, lambda text: console.print(f"pyml: {text}"))
        peers = [] if options.quick else _peers(size, home, whole=options.whole_peer)
    except PymlError as error:
        console.print(f"[red]{error}[/red]")
        return error.exit_code
    content = {"load_average_before": load, "size": asdict(size), "pyml": ours, "peers": peers}
    if not options.quick:
        content |= {"ratios_to_phe": _ratios(ours, peers), "targets": _targets(ours, peers)}
    given = [name for name, wanted in (("--quick", options.quick), ("--whole-peer", options.whole_peer)) if wanted]
    write_result(options.output, benchmark="deepchain_crypto", arguments=given, started=started, content=content)
    _show(content)
    return 0


def _peers(size: Size, home: Path, *, whole: bool) -> list[dict[str, Any]]:
    python, reason = environment_python(home)
    if python is None:
        return [{"peer": name, "failed": reason} for name in PEERS]
    found: list[dict[str, Any]] = []
    for name in PEERS:
        console.print(f"peer: {name}")
        sample = size.parameters if whole else PHE_SAMPLE
        found.append(
            measure_peer(python, name, parameters=size.parameters, bits=size.bits, sample=sample, parties=size.parties)
        )
    return found


def _ratios(ours: dict[str, Any], peers: list[dict[str, Any]]) -> dict[str, float] | None:
    phe = next((peer for peer in peers if peer["peer"] == "phe" and "failed" not in peer), None)
    if phe is None:
        return None
    encrypt = ours["steps"]["encode, pack and encrypt"]
    return {
        "faster_cpu": phe["encrypt_cpu_s"] / encrypt["cpu_s"],
        "faster_wall": phe["encrypt_wall_s"] / encrypt["wall_s"],
        "smaller": phe["bytes"] / ours["bytes"]["ciphertexts"],
    }


def _targets(ours: dict[str, Any], peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    steps, ratios = ours["steps"], _ratios(ours, peers)

    def at_most(name: str, got: float, limit: float) -> dict[str, Any]:
        return {"target": name, "limit": limit, "got": got, "met": got <= limit}

    paper = ours["paper_scheme"]["steps"]
    shared = sum(
        steps[f"combine: {part}"]["cpu_s"]
        for part in ("roots of all from shares", "open one party's part", "check openings of all")
    )
    listed = [
        at_most("encrypt one party, s", steps["encode, pack and encrypt"]["cpu_s"], 0.6),
        at_most("ciphertexts of one party, bytes", ours["bytes"]["ciphertexts"], 520_000),
        at_most("verify Proof_PK, s", steps["Proof_PK: verify"]["cpu_s"], 1.0),
        at_most("aggregate, s", steps["aggregate"]["cpu_s"], 0.1),
        at_most("decryption share, s", steps["decryption share"]["cpu_s"], 3.0),
        at_most("combine, each party opening its part and checking all, s", shared, 1.5),
        at_most(
            "the paper's scheme: decryption share, s of each of two cores", paper["decryption share"]["cpu_s"] / 2, 9.0
        ),
        at_most("the paper's scheme: combine, s", paper["combine"]["cpu_s"], 1.5),
    ]
    if ratios is not None:
        listed += [
            {"target": "faster than python-paillier", "limit": 500, "got": ratios["faster_cpu"]}
            | {"met": ratios["faster_cpu"] >= 500},
            {"target": "smaller than python-paillier", "limit": 90, "got": ratios["smaller"]}
            | {"met": ratios["smaller"] >= 90},
        ]
    return listed


def _show(content: dict[str, Any]) -> None:
    for name, step in content["pyml"]["steps"].items():
        console.print(f"{name}: {step['cpu_s']:.3f} s CPU, {step['wall_s']:.3f} s wall")
    for peer in content["peers"]:
        took = f"{peer['encrypt_cpu_s']:.3f} s CPU, {peer['bytes']:,} bytes" if "lacks" in peer else peer["failed"]
        console.print(f"{peer['peer']}: {took}; {peer.get('lacks', '')}")
    for target in content.get("targets", []):
        verdict = "met" if target["met"] else "NOT MET"
        console.print(f"{verdict}: {target['target']}: {target['got']:.4g}, limit {target['limit']}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
