"""``docs/performance.md`` from the result files: one table a system, and where each figure comes from.

``python -m bench.performance`` writes it; ``./dev bench`` does so at its end. A test holds the page to the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.measuring.record import RESULTS, ROOT
from bench.performance.headlines import SYSTEMS, Headline, Unit

PAGE = ROOT / "docs" / "performance.md"
_HEAD = """# Performance
Written by `./dev bench` from `bench/results/`; edit `bench/performance/headlines.py`, not this page. *Times* compares
two things measured in one run: how many times as much the other takes, or, where the row says "against", how many times
as much we take. Machines here are shared: read load and commit beside each figure. A limit not kept says **no**.
"""


def page(results: Path = RESULTS) -> str:
    """The whole page. Raises ``KeyError`` or ``FileNotFoundError`` for a figure that no file has."""
    parts = [_HEAD]
    for system, headlines in SYSTEMS.items():
        read = {name: _read(results, name) for name in dict.fromkeys(row.benchmark for row in headlines)}
        parts.append(f"## {system}\n{_table(headlines, read)}\n{_sources(read)}")
    return "\n".join(parts)


def _read(results: Path, benchmark: str) -> Mapping[str, Any]:
    return json.loads((results / f"{benchmark}.json").read_text(encoding="utf-8"))


def _table(headlines: Iterable[Headline], read: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| what | measured | limit | kept |", "|---|---|---|---|"]
    for row in headlines:
        got = row.read(read[row.benchmark])
        limit, met = _limit(row), row.met(got)
        kept = "" if met is None else "yes" if met else "**no**"
        lines.append(f"| {row.what} | {shown(got, row.unit)} | {limit} | {kept} |")
    return "\n".join(lines) + "\n"


def _limit(row: Headline) -> str:
    if row.at_most is not None:
        return f"≤ {shown(row.at_most, row.unit)}"
    return "" if row.at_least is None else f"≥ {shown(row.at_least, row.unit)}"


def _sources(read: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| from | command | when | took | load at the end | commit |", "|---|---|---|---|---|---|"]
    for name, result in read.items():
        environment = result["environment"]
        load = environment.get("load_average_at_end")
        commit = environment["commit"][:8] + (" and changes" if environment.get("uncommitted_changes") else "")
        lines.append(
            f"| [{name}](../bench/results/{name}.json) | `{result['command']}` | {result['started_utc'][:10]} | "
            f"{result['elapsed_s']:,.0f} s | {load[0] if load else ''} | {commit} |"
        )
    return "\n".join(lines) + "\n"


def shown(value: float, unit: Unit) -> str:
    """A number as a person reads it, at most four digits unless it was counted."""
    if unit == "share":
        return f"{100 * value:.4g} %"
    if unit in ("gas", "bytes", "per s", "count"):
        return f"{value:,.0f}" + ("" if unit == "count" else f" {unit}")
    return f"{value:.4g} {unit}" if unit != "times" else f"{value:,.4g} times"
