"""Learning curves: kept through kills, refused when malformed, and when they reached a target."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyml.errors import InputError
from pyml.freezenet.curve import Curve, epochs_to


def test_what_is_written_is_read(tmp_path: Path) -> None:
    curve = Curve(tmp_path / "curve.csv")
    for epoch, accuracy in ((2, 0.25), (1, 0.125), (3, 0.5)):
        curve.record(epoch, accuracy)
    curve.write()
    assert (tmp_path / "curve.csv").read_text() == "epoch,test_accuracy\n1,0.125\n2,0.25\n3,0.5\n"
    again = Curve.read(tmp_path / "curve.csv", epochs=2)
    assert again.accuracies == (0.125, 0.25)
    assert again.last == 0.25
    assert 2 in again
    assert 3 not in again


def test_epochs_that_nobody_measured_are_no_numbers() -> None:
    accuracies = Curve(points={1: 0.5, 3: 0.75}).accuracies
    assert accuracies[0] == 0.5
    assert math.isnan(accuracies[1])
    assert accuracies[2] == 0.75


def test_without_a_file_nothing_is_written(tmp_path: Path) -> None:
    curve = Curve()
    curve.record(1, 0.5)
    curve.write()
    assert list(tmp_path.iterdir()) == []
    assert Curve().last == 0.0
    assert Curve.read(tmp_path / "absent.csv", epochs=9).accuracies == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "epoch,loss\n1,0.5\n",
        "epoch,test_accuracy\none,0.5\n",
        "epoch,test_accuracy\n1\n",
        "epoch,test_accuracy\n1,1.5\n",
        "epoch,test_accuracy\n0,0.5\n",
        "epoch,test_accuracy\n1,nan\n",
        "\xff\xfe",
    ],
)
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"no learning curve|out of range|cannot be read"):
        Curve.read(tmp_path / "curve.csv", epochs=9)


@pytest.mark.parametrize(
    ("target", "start", "epochs"),
    [(0.5, 0.0, 1.5), (0.25, 0.0, 1.0), (0.75, 0.0, 2.0), (0.125, 0.125, 0.0), (0.2, 0.1, 2 / 3), (0.8, 0.0, None)],
)
def test_epochs_are_counted_between_points(target: float, start: float, epochs: float | None) -> None:
    found = epochs_to((0.25, 0.75), target, start=start)
    assert found == (None if epochs is None else pytest.approx(epochs))


@given(st.lists(st.floats(0, 1), min_size=1), st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_higher_target_takes_longer(curve: list[float], one: float, other: float) -> None:
    low, high = (epochs_to(curve, each) for each in sorted((one, other)))
    assert high is None or (low is not None and low <= high)
