"""Interpreter, packages and programs: each is started, for a file of the right name may be anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pyml.chain.solc import SOLC_VERSION, find_solc
from pyml.chain.tools import find_anvil
from pyml.cli.doctor.findings import Finding, Surroundings, ok, optional, problem
from pyml.errors import ToolMissingError

PYTHONS: Final = ((3, 11), (3, 13))
NODE_OLDEST: Final = (22, 13)
EZKL_VERSION: Final = "23.0.5"
_SETUP: Final = "Run ./dev setup in the source folder."
_TIMEOUT_S: Final = 120.0
_PROBE: Final = """
import importlib.metadata, json, sys

found = {"python": list(sys.version_info[:3]), "ezkl": None, "torch": None, "card": None}
try:
    import ezkl
    found["ezkl"] = importlib.metadata.version("ezkl")
except Exception as error:
    found["ezkl_error"] = type(error).__name__
try:
    import torch
    found["torch"] = torch.__version__
    found["card"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
except Exception as error:
    found["torch_error"] = type(error).__name__
print(json.dumps(found))
"""
_PROGRAM: Final = """
#include <cstdint>
int main() { unsigned __int128 wide = UINT64_MAX; return static_cast<int>((wide * wide) >> 127); }
"""


def look_at_python(place: Surroundings) -> Iterator[Finding]:
    """The interpreter with its packages, in a process of its own: an import that crashes must not end the look."""
    found = _probed(place.python)
    if found is None:
        yield problem(
            "python", f"{place.python} does not run", "Install Python 3.11, 3.12 or 3.13, and run ./dev setup."
        )
        return
    version = tuple(int(number) for number in found["python"])
    shown = ".".join(map(str, version))
    if not PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        yield problem("python", shown, "Install 3.11, 3.12 or 3.13; name it to ./dev: PYTHON=/path/to/python3.12.")
    else:
        yield ok("python", shown)
    yield _torch(found)
    yield _graphics(found)
    yield _ezkl(found)


def look_at_node(_: Surroundings) -> Iterator[Finding]:
    """Node, which Hardhat and the wrapped compiler need; pyml itself does not."""
    text = _answer(["node", "--version"])
    found = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*", text or "")
    if found is None:
        yield optional("node", "not on PATH", f"Only Hardhat and the wrapped compiler need it. {_SETUP}")
    elif (int(found[1]), int(found[2])) < NODE_OLDEST:
        oldest = ".".join(map(str, NODE_OLDEST))
        yield optional("node", f"{found[0]}, too old", f"Hardhat needs {oldest}; ./dev setup brings its own.")
    else:
        yield ok("node", found[0])


def look_at_solc(place: Surroundings) -> Iterator[Finding]:
    """The pinned compiler; a setting that points at another one is a mistake."""
    try:
        solc = find_solc(place.config.solc, project_root=place.project_root)
    except ToolMissingError as error:
        if place.config.solc is not None:
            yield problem("solc", str(error), "Correct or unset PYML_SOLC (or solc in pyml.toml).")
        else:
            yield optional("solc", f"{SOLC_VERSION} not found", f"Only changed contracts need it. {_SETUP}")
        return
    yield ok("solc", f"{solc.version} at {solc.path}")


def look_at_foundry(place: Surroundings) -> Iterator[Finding]:
    """anvil, which every demonstration needs, and forge, which the contracts' tests need."""
    advice = "Run ./dev setup, or set PYML_ANVIL, or give commands a node with --rpc."
    try:
        anvil = find_anvil(place.config.anvil, project_root=place.project_root)
    except ToolMissingError as error:
        yield problem("anvil", error.problem, advice)
    else:
        version = _answer([str(anvil), "--version"]) or ""
        if version.startswith("anvil"):
            yield ok("anvil", f"{_first_line(version)} at {anvil}")
        else:
            yield problem("anvil", f"{anvil} does not run", advice)
    forge = _answer(["forge", "--version"]) or ""
    if forge.startswith("forge"):
        yield ok("forge", _first_line(forge))
    else:
        yield optional("forge", "not on PATH", f"Only the contracts' tests need it. {_SETUP}")


def look_at_compiler(_: Surroundings) -> Iterator[Finding]:
    """A C++17 compiler with 128-bit integers, tried on a program."""
    advice = "Only building the native engine needs it. On Debian: apt-get install g++."
    name = next((each for each in ("c++", "g++", "clang++") if shutil.which(each)), None)
    if name is None:
        yield optional("c++", "no c++, g++ or clang++ on PATH", advice)
        return
    with tempfile.TemporaryDirectory(prefix="pyml-doctor-") as folder:
        source = Path(folder) / "program.cpp"
        source.write_text(_PROGRAM, encoding="utf-8")
        built = _answer([name, "-std=c++17", str(source), "-o", str(source.with_suffix(""))])
    if built is None:
        yield optional("c++", f"{name} does not compile C++17 with 128-bit integers", advice)
    else:
        yield ok("c++", _first_line(_answer([name, "--version"]) or name))


def _torch(found: dict[str, Any]) -> Finding:
    if found["torch"] is None:
        return problem("torch", f"cannot be imported ({found.get('torch_error')})", _SETUP)
    return ok("torch", f"{found['torch']}, computes on {'cuda' if found['card'] else 'cpu'}")


def _graphics(found: dict[str, Any]) -> Finding:
    if found["card"] is not None:
        return ok("gpu", str(found["card"]))
    card = _answer(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"])
    if card:
        return optional("gpu", f"{_first_line(card)}, which this torch does not use", "Run ./dev --cuda setup.")
    return optional("gpu", "none", "Everything runs without one; training of the larger networks is slow.")


def _ezkl(found: dict[str, Any]) -> Finding:
    if found["ezkl"] is None:
        return problem("ezkl", f"cannot be imported ({found.get('ezkl_error')})", _SETUP)
    if found["ezkl"] != EZKL_VERSION:
        advice = f"Circuits are pinned to {EZKL_VERSION}. {_SETUP}"
        return problem("ezkl", str(found["ezkl"]), advice)
    return ok("ezkl", str(found["ezkl"]))


def _probed(python: Path) -> dict[str, Any] | None:
    answer = _answer([str(python), "-c", _PROBE])
    if answer is None:
        return None
    try:
        found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    except (ValueError, IndexError):
        return None
    return found


def _answer(command: Sequence[str]) -> str | None:
    """What a program prints; ``None`` if it cannot be started, fails, or does not end."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _first_line(text: str) -> str:
    return text.splitlines()[0][:100] if text else ""
