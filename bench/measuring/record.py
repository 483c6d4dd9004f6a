"""A benchmark's result file: the numbers, and everything that somebody needs to make them again or to doubt them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from pyml import __version__
from pyml.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
PACKAGES = ("ezkl", "numpy", "onnx", "torch", "web3", "py-solc-x")


def write_result(
    path: Path, *, benchmark: str, arguments: Sequence[str], started: float, content: Mapping[str, Any]
) -> None:
    """Write ``content`` with environment and command as JSON, wholly or not at all."""
    result = {
        "benchmark": benchmark,
        "command": " ".join(["python", f"bench/{benchmark}.py", *arguments]),
        "started_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "elapsed_s": round(time.time() - started, 1),
        "environment": environment(),
        **_rounded(content),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(result, indent=1).encode() + b"\n")


def _rounded(value: Any) -> Any:
    """Floats to four significant digits: more would be noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in cast("Sequence[Any]", value)]
    return value


def environment() -> dict[str, Any]:
    """Machine, versions and source state; no host name, user or path."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "pyml": __version__,
        "packages": {name: _version(name) for name in PACKAGES},
        "load_average_at_end": load_average(),
        **_source_state(),
    }


def load_average() -> list[float]:
    """Runnable processes over 1, 5 and 15 minutes: above the number of cores, absolute times mean little."""
    return [round(value, 2) for value in os.getloadavg()]


def _source_state() -> dict[str, Any]:
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", "pyml", "contracts", "bench")
    return {"commit": commit or None, "uncommitted_changes": None if commit is None else bool(changed)}


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
