"""``pyml data``: which data sets there are, fetching them, and checking what is on disk against the pinned digests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pyml.cli.terminal import Json, share_done, show
from pyml.config import Config, load_config

app = typer.Typer(no_args_is_help=True, help="List, fetch and check data sets.")

_Name = Annotated[str, typer.Argument(help="A name that `pyml data list` shows.")]


@app.command("list")
def list_sets(as_json: Json = False) -> None:
    """Show every data set, and whether its files are on this machine."""
    from pyml.ml.datasets import NAMES
    from pyml.ml.sources import SOURCES, missing_files

    config = load_config()
    folders = [folder for folder in (config.data, _cache(config)) if folder is not None]
    rows = [
        {"name": name, "bundled": name not in SOURCES, "missing": list(missing_files(name, folders))} for name in NAMES
    ]
    if as_json:
        typer.echo(json.dumps({"data_dir": _shown(config.data), "cache_dir": str(_cache(config)), "sets": rows}))
        return
    table = Table("name", "state")
    for row in rows:
        state = "bundled" if row["bundled"] else "present" if not row["missing"] else f"pyml data fetch {row['name']}"
        table.add_row(str(row["name"]), state)
    Console().print(table)


@app.command()
def fetch(name: _Name, as_json: Json = False) -> None:
    """Download a data set from its public source into the cache, checking the pinned digests."""
    config = load_config()
    with share_done(name, as_json=as_json) as report:
        summary = _summary(name, config, download=True, progress=report)
    show(summary, as_json=as_json)


@app.command()
def check(name: _Name, as_json: Json = False) -> None:
    """Read a data set, check it against its pinned digests, and show the digest of its content."""
    show(_summary(name, load_config(), download=False, progress=None), as_json=as_json)


def _summary(name: str, config: Config, *, download: bool, progress: Any) -> dict[str, Any]:
    from pyml.ml.datasets import load  # NumPy and scikit-learn are late, so that --help is instant

    dataset = load(name, config.data, download=download, cache_dir=_cache(config), progress=progress)
    return {
        "name": dataset.name,
        "train": len(dataset.train_images),
        "test": len(dataset.test_images),
        "shape": list(dataset.shape),
        "classes": dataset.classes,
        "pixel_max": dataset.pixel_max,
        "digest": dataset.digest.hex(),
    }


def _cache(config: Config) -> Path:
    return config.home / "data"


def _shown(path: Path | None) -> str | None:
    return None if path is None else str(path)
