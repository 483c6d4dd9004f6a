"""What a look at the machine comes to, and what it looks at.

A check takes ``Surroundings`` and says what is there; only what the ordinary commands need is a problem. Nothing secret
goes into a finding: of a key it says that it is set, of an address with credentials only what ``redact_url`` leaves.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from pyml.chain.tools import SOURCE_ROOT
from pyml.config import Config

GIB: Final = 2**30


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    OPTIONAL = "missing but optional"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, what was found, and what to do."""

    check: str
    state: State
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where to look. The defaults are this machine's; programs are looked for on PATH besides."""

    config: Config
    project_root: Path = SOURCE_ROOT
    python: Path = Path(sys.executable)
    meminfo: Path = Path("/proc/meminfo")
    control_group: Path = Path("/sys/fs/cgroup")
    host: str = "127.0.0.1"
    relay_port: int = 7700
    broker_port: int = 5672


def ok(check: str, found: str, advice: str = "") -> Finding:
    """As it should be."""
    return Finding(check, State.OK, found, advice)


def optional(check: str, found: str, advice: str) -> Finding:
    """Missing, and not needed for everything."""
    return Finding(check, State.OPTIONAL, found, advice)


def problem(check: str, found: str, advice: str) -> Finding:
    """Needed, and missing or wrong."""
    return Finding(check, State.PROBLEM, found, advice)
