"""Plots without a screen, as PNG files or as SVG for a page: one place that knows matplotlib."""

# matplotlib annotates its drawing calls in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyml.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


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


def svg_plot(draw: Callable[[Figure], None], *, size: tuple[float, float] = (7, 3)) -> str:
    """The same as one ``<svg>`` element to put into a page: its text is text, and the same plot is the same string."""
    import matplotlib as mpl  # heavy, late
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "pyml", "text.parse_math": False}
    with mpl.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        picture = io.StringIO()
        figure.savefig(picture, format="svg", transparent=True, metadata=_NO_METADATA)
    text = picture.getvalue()
    return text[text.index("<svg") :]  # what stands before it, a document type with an address, belongs to files
