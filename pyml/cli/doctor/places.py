"""What lies on disk: PYML_HOME and who may read it, reference strings and data sets with their digests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyml.cli.doctor.findings import Finding, Surroundings, ok, optional, problem
from pyml.errors import DatasetError, SrsError
from pyml.ml.datasets import NAMES, load
from pyml.ml.sources import SOURCES, missing_files
from pyml.zk.srs import open_srs

_OTHERS_MAY: Final = 0o077
_OTHERS_MAY_WRITE: Final = 0o022
_SECRETS: Final = ("accounts/*.json", "**/*.keystore", "**/*.secret", "**/*.key")
_ENGINE_KEYS: Final = "circuits"
"""Proving and verifying keys are named .key too, and are no secrets."""


def look_at_home(place: Surroundings) -> Iterator[Finding]:
    """PYML_HOME: a folder that we can write and others cannot, with secrets that nobody else can read."""
    home, name = place.config.home.absolute(), "home"
    if not home.exists():
        parent = next(each for each in home.parents if each.exists())
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            yield ok(name, f"{home} will be made when it is needed")
        else:
            yield problem(name, f"{home} cannot be made", "Name a folder that you may write: PYML_HOME.")
        return
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        yield problem(name, f"{home} is not a folder that you may write", "Name another one: PYML_HOME.")
        return
    if home.stat().st_mode & _OTHERS_MAY_WRITE:
        yield problem(name, f"others may write {home}", f"chmod go-w {home}")
        return
    open_ones = [path for path in _secret_files(home) if path.stat().st_mode & _OTHERS_MAY]
    if open_ones:
        shown = ", ".join(str(path.relative_to(home)) for path in open_ones[:3])
        yield problem(name, f"others may read {len(open_ones)} secret files: {shown}", f"chmod 600 them, in {home}")
        return
    yield ok(name, f"{home}, mode {home.stat().st_mode & 0o777:o}")


def look_at_srs(place: Surroundings) -> Iterator[Finding]:
    """Every reference string there is, against its length and the pinned digests."""
    files = sorted((place.config.home / "srs").glob("*.srs"))
    if not files:
        yield optional(
            "srs", "none", "`pyml zk srs 15` fetches the public one for 2^15 rows; demonstrations make an insecure one."
        )
    for path in files:
        try:
            srs = open_srs(path)
        except SrsError as error:
            yield problem("srs", error.problem, f"Remove {path}; `pyml zk srs` gets it again.")
            continue
        shown = f"{path.name}: k = {srs.degree}, sha256 {srs.digest[:16]}…"
        if srs.insecure and path.name.startswith("public-"):
            yield problem(
                "srs", f"{shown}, which is not the public string", f"Remove {path}; `pyml zk srs` gets it again."
            )
        elif srs.insecure:
            yield ok("srs", f"{shown}, insecure: for development chains")
        else:
            yield ok("srs", f"{shown}, public")


def look_at_data(place: Surroundings) -> Iterator[Finding]:
    """Every data set that is here, against its pinned digests."""
    folders = [place.config.home / "data"]
    if place.config.data is not None:
        folders.insert(0, place.config.data)
        if not place.config.data.is_dir():
            yield problem("data", f"{place.config.data} is not a folder", "Correct or unset PYML_DATA.")
    for name in NAMES:
        check = f"data: {name}"
        if name in SOURCES and missing_files(name, folders):
            yield optional(check, "not here", f"`pyml data fetch {name}`, or lay it out as docs/data.md says.")
            continue
        try:
            found = load(name, place.config.data, cache_dir=place.config.home / "data")
        except DatasetError as error:
            fetch = f"Remove that file; `pyml data fetch {name}` gets it again."
            yield problem(check, error.problem, fetch if name in SOURCES else str(error.hint))
        else:
            yield ok(check, f"{len(found.train_labels)} + {len(found.test_labels)}, digest {found.digest.hex()[:16]}…")


def look_at_keys_in_the_environment(place: Surroundings) -> Iterator[Finding]:
    """A raw signing key is for development chains; what it is, nobody is told."""
    if place.config.dev_key is not None:
        yield ok("signing key", "PYML_DEV_KEY is set (not shown); development chains only")


def _secret_files(home: Path) -> Iterator[Path]:
    for pattern in _SECRETS:
        for path in sorted(home.glob(pattern)):
            if path.is_file() and path.relative_to(home).parts[0] != _ENGINE_KEYS:
                yield path
