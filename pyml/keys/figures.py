"""Figures 2, 3 and 4 of the paper from any siamese network: each a plot (PNG) and its numbers (CSV).

Source: arXiv 1711.04069, section 4. Fig. 2: activations gather at the bounds of the sigmoid. Fig. 3: how far one sample
is from other classes. Fig. 4: t-SNE of the activations, before and after they become bits. The paper's are of ImageNet;
these are of whatever is given. Each returns what it shows in a few numbers.
"""

# matplotlib and scikit-learn are annotated in part only.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pyml.errors import InputError
from pyml.files import write_atomically
from pyml.keys.paper import bits
from pyml.plots import save_plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Activations = NDArray[np.float32]

BOUNDS: Final = (0.05, 0.95)
"""An activation outside is called saturated."""
_BINS: Final = 50
_NEAREST_SHOWN: Final = 40
_PERPLEXITY: Final = 30.0


def saturated_share(activations: Activations) -> float:
    """Share of activations outside ``BOUNDS``."""
    low, high = BOUNDS
    return float(((activations < low) | (activations > high)).mean())


def histogram(out: Path, shown: Mapping[str, Activations]) -> dict[str, float]:
    """Figure 2: how often each activation occurs, for one network or several by name.

    Writes ``out`` with the suffixes ``.png`` and ``.csv``. Returns each network's saturated share.
    """
    edges = np.linspace(0, 1, _BINS + 1)
    shares = {name: np.histogram(values, edges)[0] / values.size for name, values in shown.items()}
    rows = zip(edges[:-1].round(6), edges[1:].round(6), *shares.values(), strict=True)
    _write_table(out, ("from", "to", *shares), rows)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, values in shares.items():
            axes.stairs(100 * values, edges, label=f"{name} ({saturated_share(shown[name]):.0%} saturated)", fill=True,
                        alpha=0.6)  # fmt: skip
        axes.set(xlabel="activation", ylabel="share of activations, %", yscale="log", xlim=(0, 1))
        axes.legend()

    save_plot(out.with_suffix(".png"), draw)
    return {name: saturated_share(values) for name, values in shown.items()}


def centres(out: Path, activations: Activations, labels: NDArray[Any], *, sample: int) -> dict[str, int]:
    """Figure 3: L2 distances from one sample's activations to the mean of each class, nearest first.

    The sample is left out of the mean of its own class. Returns the sample's class and the nearest one.
    """
    if not 0 <= sample < len(activations):
        raise InputError("no such sample", expected=f"0 to {len(activations) - 1}", got=sample)
    others = np.arange(len(labels)) != sample
    members = {int(label): others & (labels == label) for label in np.unique(labels[others])}
    distances = {
        label: float(np.linalg.norm(activations[chosen].mean(axis=0) - activations[sample]))
        for label, chosen in members.items()
    }
    nearest = sorted(distances, key=lambda label: distances[label])
    own = int(labels[sample])
    _write_table(
        out,
        ("class", "distance", "images", "own_class"),
        ((label, distances[label], int(members[label].sum()), int(label == own)) for label in nearest),
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        first = nearest[:_NEAREST_SHOWN]
        colours = ["C1" if label == own else "C0" for label in first]
        axes.bar([str(label) for label in first], [distances[label] for label in first], color=colours)
        axes.set(xlabel=f"class (that of the sample is {own})", ylabel="distance to the centre of the class")

    save_plot(out.with_suffix(".png"), draw)
    return {"class_of_sample": own, "nearest_class": nearest[0]}


def tsne(out: Path, activations: Activations, labels: NDArray[Any], *, seed: int = 0) -> dict[str, float]:
    """Figure 4: t-SNE of activations, and of the bits made of them.

    Returns, for both, the share of images whose nearest other image, among all 256 dimensions, is of their class.
    """
    from sklearn.manifold import TSNE  # heavy, late

    if len(activations) < 10:
        raise InputError("too few images for t-SNE", expected="10 or more", got=len(activations))
    spaces = {"activations": activations, "bits": bits(activations).astype(np.float32)}
    perplexity = min(_PERPLEXITY, (len(activations) - 1) / 3)
    placed = {
        name: TSNE(init="pca", perplexity=perplexity, random_state=seed).fit_transform(values)
        for name, values in spaces.items()
    }
    columns = [f"{axis}_of_{name}" for name in placed for axis in "xy"]
    _write_table(
        out,
        ("image", "class", *columns),
        (
            (index, int(label), *(float(number) for places in placed.values() for number in places[index]))
            for index, label in enumerate(labels)
        ),
    )

    def draw(figure: Figure) -> None:
        for axes, (name, places) in zip(figure.subplots(1, 2), placed.items(), strict=True):
            points = axes.scatter(*places.T, c=labels, cmap="tab10", s=4)
            axes.set(title=name, xticks=[], yticks=[])
            if name == "bits":
                figure.legend(*points.legend_elements(num=10), title="class", loc="outside right center")

    save_plot(out.with_suffix(".png"), draw, size=(9, 4.5))
    return {f"neighbours_of_own_class_by_{name}": _agreement(values, labels) for name, values in spaces.items()}


def _agreement(values: Activations, labels: NDArray[Any]) -> float:
    squares = (values**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * values @ values.T
    np.fill_diagonal(distances, np.inf)
    return float((labels[distances.argmin(axis=1)] == labels).mean())


def _write_table(out: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_atomically(out.with_suffix(".csv"), text.getvalue().encode())
