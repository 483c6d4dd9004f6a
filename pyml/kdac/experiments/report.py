"""An experiment's result on disk: one table as CSV, one picture as PNG."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pyml.files import write_atomically
from pyml.plots import save_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """All rows with the first one's columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue().encode())


def write_report(
    folder: Path, name: str, rows: Sequence[Mapping[str, object]], draw: Callable[[Figure], None]
) -> dict[str, str]:
    """``name.csv`` and ``name.png``; where they are."""
    table, picture = folder / f"{name}.csv", folder / f"{name}.png"
    write_table(table, rows)
    save_plot(picture, draw)
    return {"table": str(table), "picture": str(picture)}
