"""Plots as PNG files, without a screen: one place that knows matplotlib."""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pyml.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_plot(path: Path, draw: Callable[[Figure], None], *, size: tuple[float, float] = (7, 4.5)) -> None:
    """Let ``draw`` fill a figure of ``size`` inches and write it whole or not at all; an older file is replaced."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # heavy, late
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Software": None})  # the same plot is the same file
    write_atomically(path, picture.getvalue())
