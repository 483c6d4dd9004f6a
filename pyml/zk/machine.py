"""What this machine has to spare: memory and processors, as far as limits of its container leave them."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CONTROL_GROUP = Path("/sys/fs/cgroup")


def free_memory(meminfo: Path = _MEMINFO, control_group: Path = _CONTROL_GROUP) -> int:
    """Bytes that new processes can take without swapping; where nobody says, half of what is built in."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    free = int(found[1]) * 1024
    with suppress(OSError, ValueError):  # no limit is the word "max", or no such file
        limit = int((control_group / "memory.max").read_text(encoding="utf-8"))
        used = int((control_group / "memory.current").read_text(encoding="utf-8"))
        free = min(free, max(limit - used, 0))
    return free


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
