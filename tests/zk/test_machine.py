"""Free memory as the kernel and a container's limits tell it."""

from __future__ import annotations

import os
from pathlib import Path

from pyml.zk.machine import free_memory, processors

MEMINFO = "MemTotal:       24000000 kB\nMemFree:         1000000 kB\nMemAvailable:   10000000 kB\n"


def machine(folder: Path, **limits: str) -> tuple[Path, Path]:
    (folder / "meminfo").write_text(MEMINFO)
    for name, text in limits.items():
        (folder / f"memory.{name}").write_text(text)
    return folder / "meminfo", folder


def test_what_is_available_counts(tmp_path: Path) -> None:
    assert free_memory(*machine(tmp_path)) == 10_000_000 * 1024
    assert free_memory(*machine(tmp_path, max="max\n", current="5\n")) == 10_000_000 * 1024


def test_a_container_may_leave_less(tmp_path: Path) -> None:
    assert free_memory(*machine(tmp_path, max="4000000000\n", current="1000000000\n")) == 3_000_000_000
    assert free_memory(*machine(tmp_path, max="1\n", current="2\n")) == 0
    assert free_memory(*machine(tmp_path, max="90000000000000\n", current="0\n")) == 10_000_000 * 1024
    assert free_memory(*machine(tmp_path, max="nonsense", current="0\n")) == 10_000_000 * 1024


def test_where_nobody_says(tmp_path: Path) -> None:
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert free_memory(tmp_path / "absent", tmp_path) == installed // 2
    (tmp_path / "meminfo").write_text("MemTotal: 5 kB\n")
    assert free_memory(tmp_path / "meminfo", tmp_path) == installed // 2


def test_this_machine() -> None:
    assert 0 < free_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 1 <= processors() <= (os.cpu_count() or 1)
