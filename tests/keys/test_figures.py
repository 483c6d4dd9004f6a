"""The paper's figures: numbers of known activations, plots that are there, and requests that cannot be drawn."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pyml.errors import InputError
from pyml.keys.figures import centres, histogram, saturated_share, tsne

pytest.importorskip("matplotlib")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def drawn(path: Path) -> bool:
    """Whether a picture is there with more than one colour in it."""
    with Image.open(path) as picture:
        return picture.format == "PNG" and len(np.unique(np.asarray(picture.convert("L")))) > 5


def clusters(seed: int = 0) -> tuple[NDArray[np.float32], NDArray[Any]]:
    """60 images of three classes whose activations lie close to three random codes."""
    draw = np.random.default_rng(seed)
    codes, labels = draw.integers(0, 2, (3, 256)), np.arange(60) % 3
    return np.abs(codes[labels] - draw.uniform(0, 0.3, (60, 256))).astype(np.float32), labels


def test_saturation() -> None:
    values = np.array([[0.0, 0.049, 0.05, 0.5, 0.95, 0.951, 1.0]], np.float32)
    assert saturated_share(values) == pytest.approx(4 / 7)


def test_histogram(tmp_path: Path) -> None:
    settled = np.where(np.arange(2560).reshape(10, 256) % 4 == 0, 0.99, 0.01).astype(np.float32)
    shares = histogram(tmp_path / "h", {"before": np.full((10, 256), 0.51, np.float32), "after": settled})
    assert shares == {"before": 0.0, "after": 1.0}
    rows = table(tmp_path / "h.csv")
    assert len(rows) == 50
    assert (rows[0]["from"], rows[-1]["to"]) == ("0.0", "1.0")
    assert [sum(float(row[name]) for row in rows) for name in ("before", "after")] == pytest.approx([1, 1])
    assert (float(rows[0]["after"]), float(rows[-1]["after"]), float(rows[25]["before"])) == (0.75, 0.25, 1.0)
    assert drawn(tmp_path / "h.png")


def test_centres(tmp_path: Path) -> None:
    activations, labels = clusters()
    result = centres(tmp_path / "c", activations, labels, sample=4)
    assert result == {"class_of_sample": 1, "nearest_class": 1}
    rows = table(tmp_path / "c.csv")
    assert [row["images"] for row in rows] == ["19", "20", "20"]
    assert rows[0]["own_class"] == "1"
    distances = [float(row["distance"]) for row in rows]
    assert distances == sorted(distances)
    others = (labels == 1) & (np.arange(60) != 4)
    assert distances[0] == pytest.approx(np.linalg.norm(activations[others].mean(axis=0) - activations[4]), rel=1e-5)
    assert drawn(tmp_path / "c.png")


def test_a_sample_alone_in_its_class_has_distances_to_the_others(tmp_path: Path) -> None:
    activations, labels = clusters()
    labels = labels.copy()
    labels[0] = 9
    assert centres(tmp_path / "c", activations, labels, sample=0) == {"class_of_sample": 9, "nearest_class": 0}
    assert {row["class"] for row in table(tmp_path / "c.csv")} == {"0", "1", "2"}


def test_tsne(tmp_path: Path) -> None:
    activations, labels = clusters()
    result = tsne(tmp_path / "t", activations, labels, seed=1)
    assert result == {"neighbours_of_own_class_by_activations": 1.0, "neighbours_of_own_class_by_bits": 1.0}
    rows = table(tmp_path / "t.csv")
    assert [row["class"] for row in rows] == [str(label) for label in labels]
    for name in ("activations", "bits"):
        places = np.array([[float(row[f"{axis}_of_{name}"]) for axis in "xy"] for row in rows])
        apart = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(60)
        assert (labels[apart.argmin(axis=1)] == labels).mean() > 0.9
    assert drawn(tmp_path / "t.png")
    before = (tmp_path / "t.csv").read_bytes()
    tsne(tmp_path / "t", activations, labels, seed=1)
    assert (tmp_path / "t.csv").read_bytes() == before


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    activations, labels = clusters()
    with pytest.raises(InputError, match=r"^no such sample; expected 0 to 59; got 60$"):
        centres(tmp_path / "c", activations, labels, sample=60)
    with pytest.raises(InputError, match=r"^too few images for t-SNE; expected 10 or more; got 9$"):
        tsne(tmp_path / "t", activations[:9], labels[:9])
    assert list(tmp_path.iterdir()) == []
