"""What commitments cost the native core on each of the processor's paths, and mcl for the same points and scalars."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.measuring.record import load_average
from pyml.crypto.bn254 import FIELD_MODULUS, SCALAR_MODULUS
from pyml.zk.native.core import Core, PowersOfTau, Values, load_core
from pyml.zk.native.development_powers import write_insecure_powers
from pyml.zk.native.powers import require_powers
from pyml.zk.srs import open_srs

PEER: Final = "mclbn256==1.3.5"
SEED: Final = 8
_PEER_TIMEOUT_S: Final = 1200.0
_TAU: Final = 2**200 + 235


def measure(degree: int, repeats: int, home: Path, say: Callable[[str], None], *, peer: bool) -> dict[str, Any]:
    """Every step's least time of ``repeats``, CPU over all threads; whether all paths and the peer agree."""
    core = load_core()
    best, threads = core.path(), core.thread_count()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "powers.srs"
        say(f"making 2^{degree} powers of tau")
        made = _timed(lambda: write_insecure_powers(path, degree, tau=_TAU))
        srs = open_srs(path)
        powers = core.Srs(str(path))
        checked = _timed(lambda: require_powers(powers, srs))
        values = _values(core, 1 << degree)
        paths: list[dict[str, Any]] = []
        commitments: dict[str, set[bytes]] = {name: set() for name in values}
        try:
            for name in core.paths():
                for used in sorted({1, threads}):
                    say(f"{name}, {used} threads")
                    core.select_path(name)
                    core.set_thread_count(used)
                    steps = _commit_steps(powers, values, repeats, commitments)
                    paths.append({"path": name, "threads": used, "steps": steps})
        finally:
            core.select_path(best)
            core.set_thread_count(threads)
        found = {
            "threads": threads,
            "make powers and their Lagrange form": made,
            "check powers": checked,
            "paths": paths,
            "paths_agree": all(len(points) == 1 for points in commitments.values()),
        }
        if peer:
            say(f"peer: {PEER}")
            (expected,) = commitments["full-size"]
            found["peer"] = _peer(core, powers, degree, home, expected)
    return found


def _values(core: Core, n: int) -> dict[str, Values]:
    generator = np.random.default_rng(SEED)
    return {
        "13-bit": generator.integers(0, 2**13, n, dtype=np.int32),
        "signed 16-bit": generator.integers(-(2**15), 2**15, n, dtype=np.int32),
        "full-size": core.vec_scale("fr", _montgomery_scalars(n), _by_radix()),
    }


def _montgomery_scalars(n: int) -> Any:
    """Random limbs below 2^252, taken as a · 2^256."""
    limbs = np.random.default_rng(SEED + 1).integers(0, 2**64, (n, 4), dtype=np.uint64)
    limbs[:, 3] &= np.uint64(2**60 - 1)
    return limbs


def _by_radix() -> bytes:
    return pow(2, -256, SCALAR_MODULUS).to_bytes(32, "big")


def _commit_steps(
    powers: PowersOfTau, values: dict[str, Values], repeats: int, commitments: dict[str, set[bytes]]
) -> dict[str, dict[str, float]]:
    steps: dict[str, dict[str, float]] = {}
    for kind, array in values.items():
        runs = [
            _timed(lambda array=array, kind=kind: commitments[kind].add(powers.commit(array))) for _ in range(repeats)
        ]
        steps[f"commit to {kind} values"] = min(runs, key=lambda run: run["cpu_s"])
    return steps


def _timed(step: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def _peer(core: Core, powers: PowersOfTau, degree: int, home: Path, expected: bytes) -> dict[str, Any]:
    """mcl on one thread; what it lacks is a reader of powers, threads and a path for small values."""
    environment = home / "bench" / "zk-mcl"
    python, done = environment / "bin" / "python", environment / "installed.txt"
    load = load_average()[0]
    try:
        if not done.exists() or done.read_text(encoding="utf-8") != PEER:
            venv.create(environment, with_pip=True, clear=True)
            install = [str(python), "-m", "pip", "install", "--quiet", PEER, "numpy==2.4.6"]
            subprocess.run(install, check=True, capture_output=True, timeout=_PEER_TIMEOUT_S)
            done.write_text(PEER, encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            n = 1 << degree
            raw = core.unsafe_raw_powers(_TAU.to_bytes(32, "big"), 0, n)
            np.save(Path(folder) / "points.npy", np.frombuffer(raw, dtype="<u8").reshape(n, 8))
            np.save(Path(folder) / "scalars.npy", _montgomery_scalars(n))
            worker = [str(python), str(Path(__file__).with_name("mcl_worker.py")), folder]
            answer = subprocess.run(worker, check=True, capture_output=True, text=True, timeout=_PEER_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        return {"peer": PEER, "failed": type(error).__name__}
    result = json.loads(answer.stdout.splitlines()[-1])
    point = _canonical(bytes.fromhex(result.pop("result")))
    return {"peer": PEER, "threads": 1, "load_before": load, **result, "agrees": point == expected and len(powers) == n}


def _canonical(raw: bytes) -> bytes:
    by_radix = pow(2, -256, FIELD_MODULUS)
    parts = (int.from_bytes(raw[i : i + 32], "little") * by_radix % FIELD_MODULUS for i in (0, 32))
    return b"".join(part.to_bytes(32, "big") for part in parts)
