"""docs/licences.md is complete: it names every package of every lock, and nothing that is gone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _table(lock: str) -> dict[str, set[str]]:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    section = text.split(f"## All of `{lock}`")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\S+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)[1:]
    return {name: set(versions.strip().split(", ")) for name, versions, _ in rows}


def _locked(lock: str) -> dict[str, set[str]]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    if lock.endswith(".json"):
        for place, entry in json.loads(text)["packages"].items():
            if place:
                found.setdefault(place.split("node_modules/")[-1], set()).add(entry["version"])
    else:
        for name, version in re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE):
            found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize(
    "lock",
    [
        "requirements.lock",
        "requirements/brownie.lock",
        "requirements/flower.lock",
        "requirements/halmos.lock",
        "requirements/slither.lock",
        "package-lock.json",
    ],
)
def test_every_locked_package_has_its_licence_listed(lock: str) -> None:
    assert _table(lock) == _locked(lock)
