"""The paper's figures 4, 5, 6, 7 and 9 from what was measured here: each a plot (PNG) and its numbers (CSV).

Source: DeepChain, section 5. The paper's own numbers stand beside ours where its text gives them; its curves are
pictures, from which nothing was read off.
"""

# matplotlib is annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyml.deepchain.accuracy_curves import Curve
from pyml.deepchain.cost_curves import RoundCost, VectorCost
from pyml.files import write_atomically
from pyml.plots import save_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER_ACCURACY: Final = {4: (96.96, 97.32, 96.75), 10: (96.62, 97.14, 96.51)}
"""By number of parties: worst and best party after collaborative training, and the party alone, in per cent."""
PAPER_ROUND_S: Final = 3919.0
"""Seconds of one sharing round with keys of 1024 bits."""
PAPER_PARAMETERS: Final = 252_398
PAPER_CAPACITY: Final = 441
"""How many values of the paper's own packing rule, (N·d+1)^l ≤ n, fit one plaintext of 1024 bits."""


def cipher_size(out: Path, costs: Sequence[VectorCost]) -> None:
    """Figure 4: bytes of an encrypted update against its number of gradients."""
    _write_table(
        out,
        ("gradients", "key_bits", "ciphertexts", "bytes", "bytes_per_gradient"),
        ((each.gradients, each.key_bits, each.ciphertexts, each.size, each.size / each.gradients) for each in costs),
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for bits in sorted({each.key_bits for each in costs}):
            line = [each for each in costs if each.key_bits == bits]
            axes.plot(
                [each.gradients for each in line], [each.size / 1000 for each in line], "o-", label=f"{bits} bits"
            )
        axes.axvline(PAPER_CAPACITY, color="grey", linestyle=":")
        axes.annotate(
            "more than this fits no single\nplaintext of 1024 bits", (PAPER_CAPACITY, 0.9),
            xycoords=("data", "axes fraction"), xytext=(6, 0), textcoords="offset points", fontsize=8, va="top",
        )  # fmt: skip
        axes.set(xlabel="gradients", ylabel="encrypted update, kB", xscale="log", yscale="log")
        axes.legend(title="modulus")

    save_plot(out.with_suffix(".png"), draw)


def throughput(out: Path, costs: Sequence[VectorCost]) -> None:
    """Figure 5: gradients a second of encryption, of aggregation and of decryption, against the number of gradients."""
    steps = ("encrypt", "aggregate", "share", "combine")
    _write_table(
        out,
        ("gradients", "key_bits", *(f"{step}_s" for step in steps), *(f"{step}_gradients_per_s" for step in steps)),
        (
            (each.gradients, each.key_bits, *(each.seconds[step] for step in steps),
             *(each.gradients / each.seconds[step] for step in steps))
            for each in costs
        ),
    )  # fmt: skip

    lengths = sorted({each.key_bits for each in costs})

    def draw(figure: Figure) -> None:
        for axes, bits in zip(figure.subplots(1, len(lengths), sharey=True, squeeze=False)[0], lengths, strict=True):
            line = [each for each in costs if each.key_bits == bits]
            for step in steps:
                speeds = [each.gradients / each.seconds[step] for each in line]
                axes.plot([each.gradients for each in line], speeds, "o-", label=step)
            axes.set(title=f"{bits} bits", xlabel="gradients", ylabel="gradients a second", xscale="log", yscale="log")
            axes.label_outer()
            axes.legend()

    save_plot(out.with_suffix(".png"), draw, size=(2 + 4 * len(lengths), 4.5))


def accuracy(out: Path, curves: Sequence[Curve], *, parties: int, papers_size: bool) -> None:
    """Figures 6 and 7: accuracy round by round; the paper's end values beside it where its network was trained."""
    _write_table(
        out,
        ("round", *(curve.name for curve in curves)),
        ((index, *(curve.accuracy[place] for curve in curves)) for place, index in enumerate(curves[0].rounds)),
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for curve, style in zip(curves, ("-", "--", "-.", ":"), strict=True):
            label = f"{curve.name} ({curve.last:.2%})"
            axes.plot(curve.rounds, [100 * value for value in curve.accuracy], style, label=label)
        if papers_size and parties in PAPER_ACCURACY:
            worst, best, alone = PAPER_ACCURACY[parties]
            axes.axhspan(worst, best, color="C0", alpha=0.2, label=f"paper, its parties ({worst}–{best} %)")
            axes.axhline(alone, color="C3", linewidth=0.8, label=f"paper, alone ({alone} %)")
        axes.set(xlabel="round", ylabel="accuracy on test rows, %", title=f"{parties} parties")
        axes.legend()

    save_plot(out.with_suffix(".png"), draw)


def total_time(out: Path, costs: Sequence[RoundCost]) -> None:
    """Figure 9: seconds of work in one round against the number of parties, step by step."""
    steps = tuple(costs[0].seconds)
    _write_table(
        out,
        ("parties", "gradients", "key_bits", *(f"{step}_s" for step in steps), "total_s"),
        ((each.parties, each.gradients, each.key_bits, *each.seconds.values(), each.total) for each in costs),
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        names = [str(each.parties) for each in costs]
        bottom = [0.0] * len(costs)
        for step in steps:
            heights = [each.seconds[step] for each in costs]
            axes.bar(names, heights, bottom=bottom, label=step)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        first = costs[0]
        axes.set(
            xlabel="parties",
            ylabel="seconds of one core, whole group",
            title=f"one round, {first.gradients:,} gradients, {first.key_bits} bits",
        )
        axes.legend()

    save_plot(out.with_suffix(".png"), draw)


def _write_table(out: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_atomically(out.with_suffix(".csv"), text.getvalue().encode())
