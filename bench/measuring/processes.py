"""Run a step in a process of its own and measure what it and its children took.

Time is measured by the step itself, so that starting Python and loading packages is nobody's cost. Memory is the
greatest sum of resident sets over the process and all its descendants, sampled, and never less than the kernel's own
maximum for any one of them. Shared pages count once a process, which errs against programs that use several.
(``ru_maxrss`` would not do: it begins with the memory of the process that forked.)
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measuring.record import ROOT, load_average
from pyml.errors import PymlError

SAMPLE_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TAIL = 2000
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class StepFailedError(PymlError):
    """A measured step ended without an answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A step's answer, its whole time with start-up, its peak memory, and how busy the machine was before it."""

    answer: dict[str, Any]
    process_s: float
    peak_mb: float
    load_before: float

    def as_dict(self) -> dict[str, Any]:
        extra = {"process_s": self.process_s, "peak_mb": self.peak_mb, "load_before": self.load_before}
        return {**self.answer, **extra}


def run_measured(
    module: str,
    request: Mapping[str, Any],
    *,
    timeout_s: float = 3600.0,
    sample_s: float = SAMPLE_S,
    environment: Mapping[str, str] | None = None,
) -> Measured:
    """Run ``python -m module REQUEST ANSWER`` and return the answer file; ``StepFailedError`` with its last words.

    Looking at the memory takes some milliseconds of a core: a step that needs all of them asks for a longer
    ``sample_s``. ``environment`` is set for the step beside what is set already.
    """
    with tempfile.TemporaryDirectory() as folder:
        question, answer, noise = (Path(folder) / name for name in ("request.json", "answer.json", "noise.txt"))
        question.write_text(json.dumps(request), encoding="utf-8")
        load = load_average()[0]
        started = time.monotonic()
        with noise.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", module, str(question), str(answer)],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that the whole tree can be found, and ended
            )
        peak = _watch(child, started + timeout_s, sample_s)
        elapsed = time.monotonic() - started
        if child.returncode != 0 or not answer.exists():
            words = noise.read_text(encoding="utf-8", errors="replace")[-_TAIL:]
            raise StepFailedError(f"{module} failed in {request.get('action')} ({child.returncode})", got=words)
        content = json.loads(answer.read_text(encoding="utf-8"))
    return Measured(content, round(elapsed, 3), round(peak / 1e6, 1), load)


def _watch(child: subprocess.Popen[bytes], deadline: float, sample_s: float) -> float:
    """Wait for the child and return the peak resident bytes of its session."""
    peak = 0
    try:
        while child.poll() is None:
            if time.monotonic() > deadline:
                raise StepFailedError("a measured step took too long")
            peak = max(peak, _resident(child.pid))
            time.sleep(sample_s)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    return peak


def tree_resident(root: int) -> int:
    """Resident bytes of a process and all its descendants, whose sessions may be their own; 0 without /proc."""
    parents = {number: int(fields[1]) for number, fields in _processes()}
    below = {root}
    while found := {number for number, parent in parents.items() if parent in below} - below:
        below |= found
    return sum(int(fields[21]) * _PAGE for number, fields in _processes() if number in below)


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Number of each process, and the fields of its ``stat`` from the state on."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        yield int(process.name), text.rpartition(")")[2].split()


def _resident(session: int) -> int:
    """Resident bytes of all processes of a session, at least the peak of the largest; 0 where there is no /proc."""
    total = largest = 0
    for number, fields in _processes():
        try:
            if int(fields[3]) == session:
                process = Path("/proc") / str(number)
                total += int(fields[21]) * _PAGE
                peak = _PEAK.search((process / "status").read_text(encoding="utf-8", errors="replace"))
                largest = max(largest, int(peak[1]) * 1024 if peak else 0)
        except OSError:  # it has ended meanwhile
            continue
    return max(total, largest)
