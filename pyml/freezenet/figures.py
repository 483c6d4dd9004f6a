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
from pyml.freezenet import author
from pyml.plots import save_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pyml.freezenet.attacks.window import Point

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


def learning_curves(axes: Axes, curves: Mapping[str, Curves]) -> None:
    """The same on given axes; colours go from dark to light in the order of the names."""
    from matplotlib import colormaps  # heavy, late

    palette = colormaps["viridis"](np.linspace(0, 0.9, len(curves)))
    for colour, (name, rows) in zip(palette, curves.items(), strict=True):
        values = np.array(rows, dtype=float)
        epochs = np.arange(1, values.shape[1] + 1)
        axes.plot(epochs, values.mean(axis=0), color=colour, label=name)
        if len(values) > 1:
            axes.fill_between(epochs, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1))
    axes.grid(alpha=0.3)


def figure_1(out: Path, curves: Mapping[float, Curves], *, title: str) -> None:
    """Ours on the left; on the right what is left at the end, and the author's beside it."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        learning_curves(left, {f"{fraction:.0%}": rows for fraction, rows in curves.items()})
        left.legend(title="watermarked", fontsize=7, title_fontsize=7, ncols=2, loc="lower right")
        left.set_title(title, fontsize=9)
        epochs = len(next(iter(curves.values()))[0])
        spread(right, {fraction: [row[-1] for row in rows] for fraction, rows in curves.items()}, "C0",
               f"ours, after {epochs} epochs")  # fmt: skip
        for accuracies, told, style in (
            (author.AFTER_100_EPOCHS, author.EPOCHS, "s--"),
            (author.AFTER_10_EPOCHS, author.EARLY_EPOCHS, "^:"),
        ):
            right.plot(
                list(accuracies), list(accuracies.values()), style, color="C1", markersize=4, linewidth=1,
                label=f"the author's, CIFAR-10, after {told}",
            )  # fmt: skip
        by_fraction(right)

    save_plot(out.with_suffix(".png"), draw, size=(11, 4.5))


def figure_2(out: Path, shown: Mapping[str, Mapping[float, Sequence[float]]], *, title: str) -> None:
    """Accuracy after a watermark was put into a trained network, by fraction, for one attack or several by name."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for index, (name, found) in enumerate(shown.items()):
            spread(axes, found, f"C{index}", name)
        axes.axvspan(author.CHANCE_FROM, 1, color="C1", alpha=0.08, label="the author's: chance from here on")
        by_fraction(axes)
        axes.set_title(title, fontsize=9)

    save_plot(out.with_suffix(".png"), draw)


def figure_3(
    out: Path,
    honest: Mapping[float, Curves],
    attacker: Mapping[float, Curves],
    speed_ups: Mapping[float, float | None],
    *,
    target: float,
    title: str,
) -> None:
    """Honest (solid) and transferred (dashed) curves; on the right how much faster transfer reached the target."""

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        for index, fraction in enumerate(honest):
            for rows, style, name in ((honest, "-", "honest"), (attacker, "--", "transfer")):
                values = np.array(rows[fraction], dtype=float)
                epochs = np.arange(1, values.shape[1] + 1)
                label = f"{fraction:.0%} {name}"
                left.plot(epochs, values.mean(axis=0), style, color=f"C{index}", label=label, linewidth=1.4)
                band = values.min(axis=0), values.max(axis=0)
                left.fill_between(epochs, *band, color=f"C{index}", alpha=0.1, linewidth=0)
        left.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        left.set(xlabel="epoch", ylabel="test accuracy", ylim=(0, 1))
        left.grid(alpha=0.3)
        left.legend(fontsize=7, ncols=2, loc="lower right")
        left.set_title(title, fontsize=9)
        _speed_up_bars(right, speed_ups, target)

    save_plot(out.with_suffix(".png"), draw, size=(11, 4.5))


def _speed_up_bars(axes: Axes, speed_ups: Mapping[float, float | None], target: float) -> None:
    names = [f"{fraction:.0%}" for fraction in speed_ups]
    places = np.arange(len(names))
    ours = [np.nan if value is None else value for value in speed_ups.values()]
    authors = [author.TRANSFER_SPEED_UP.get(fraction, np.nan) for fraction in speed_ups]
    for offset, values, name in (
        (-0.2, ours, f"ours, to {target:.0%} (median)"),
        (0.2, authors, f"the author's, CIFAR-10, to {author.TRANSFER_TARGET:.0%}"),
    ):
        bars = axes.bar(places + offset, values, 0.38, label=name)
        labels = ["not reached" if np.isnan(value) else f"{value:.3g}×" for value in values]
        axes.bar_label(bars, labels, fontsize=7)
    axes.axhline(1, color="grey", linewidth=0.8, linestyle=":")
    axes.set_yscale("log")
    axes.set_ylim(0.4, max(20.0, 2 * float(np.nanmax([*ours, *authors]))))
    axes.set(xticks=places, xticklabels=names, xlabel="watermarked", ylabel="honest epochs for one of the attacker's")
    axes.legend(fontsize=7, loc="upper right")


def draw_window(out: Path, found: Mapping[str, Sequence[Sequence[Point]]], *, threshold: float, title: str) -> None:
    """What honest miners reach and what attackers keep, by fraction, a panel for each scheme; table beside it.

    ``found`` has points by fraction and seed. The window is shaded: where every honest miner passes and no attacker.
    """
    names = ("honest", "naive", "renormalised", "scaled")

    def draw(figure: Figure) -> None:
        for axes, (scheme, rows) in zip(figure.subplots(1, len(found), squeeze=False)[0], found.items(), strict=True):
            fractions = [points[0].fraction for points in rows]
            for index, name in enumerate(names):
                values = {
                    f: [getattr(each, name) for each in points] for f, points in zip(fractions, rows, strict=True)
                }
                spread(axes, values, f"C{index}", _WINDOW_LABELS[name])
            inside = [min(p.honest for p in points) >= threshold > max(p.attacker for p in points) for points in rows]
            axes.fill_between(fractions, 0, 1, where=inside, color="green", alpha=0.08, linewidth=0, label="window")
            axes.axhline(threshold, color="grey", linewidth=0.8, linestyle=":", label=f"threshold {threshold:.0%}")
            by_fraction(axes, legend=False)
            axes.set_title(f"{title}, {scheme}", fontsize=9)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), fontsize=8, ncols=6, loc="outside lower center")

    save_plot(out.with_suffix(".png"), draw, size=(11, 4.5))
    header = ("scheme", "fraction", "seed", *names, "factor")
    table = [
        (scheme, each.fraction, seed, *(getattr(each, name) for name in names), each.factor)
        for scheme, rows in found.items()
        for points in rows
        for seed, each in enumerate(points)
    ]
    write_table(out, header, table)


_WINDOW_LABELS = {
    "honest": "honest training",
    "naive": "trained model, watermark put in",
    "renormalised": "the same, statistics taken anew",
    "scaled": "the same, free weights scaled",
}


def spread(axes: Axes, found: Mapping[float, Sequence[float]], colour: str, label: str) -> None:
    """The mean by fraction, and a band from least to most."""
    fractions, rows = list(found), list(found.values())
    axes.plot(fractions, [float(np.mean(row)) for row in rows], "o-", color=colour, markersize=4, label=label)
    axes.fill_between(fractions, [min(row) for row in rows], [max(row) for row in rows], color=colour, alpha=0.2,
                      linewidth=0)  # fmt: skip


def by_fraction(axes: Axes, *, legend: bool = True) -> None:
    """Axes of accuracy by watermarked fraction."""
    axes.set(xlabel="watermarked fraction", ylabel="test accuracy", xlim=(-0.02, 1.02), ylim=(0, 1))
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(fontsize=8)


def write_table(out: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file at ``out`` with the suffix .csv; floats to six digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{each:.6g}" if isinstance(each, float) else each for each in row] for row in rows)
    write_atomically(out.with_suffix(".csv"), text.getvalue().encode())
