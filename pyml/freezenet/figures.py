"""Plots and tables of trainings: learning curves with their spread, accuracy by watermark, the author's beside ours."""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pyml.files import write_atomically
from pyml.plots import save_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curves = Sequence[Sequence[float]]
"""Accuracies after each epoch, one row a seed; all of the same length."""


def draw_curves(out: Path, curves: Mapping[str, Curves], *, title: str) -> None:
    """Learning curves by name at ``out`` with the suffix .png: the mean over seeds, and the band from least to most."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        learning_curves(axes, curves)
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8, loc="lower right")

    save_plot(out.with_suffix(".png"), draw)


def learning_curves(axes: Axes, curves: Mapping[str, Curves], *, styles: Mapping[str, str] | None = None) -> None:
    """The same on given axes; colours go from dark to light in the order of the names."""
    from matplotlib import colormaps  # heavy, late

    palette = colormaps["viridis"](np.linspace(0, 0.9, len(curves)))
    for colour, (name, rows) in zip(palette, curves.items(), strict=True):
        values = np.array(rows, dtype=float)
        epochs = np.arange(1, values.shape[1] + 1)
        axes.plot(epochs, values.mean(axis=0), color=colour, label=name, linestyle=(styles or {}).get(name, "-"))
        if len(values) > 1:
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)


def write_table(out: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file at ``out`` with the suffix .csv; floats to six digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{each:.6g}" if isinstance(each, float) else each for each in row] for row in rows)
    write_atomically(out.with_suffix(".csv"), text.getvalue().encode())
