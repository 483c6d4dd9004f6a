"""The paper's three results at a size for tests: shapes of what comes out, and what must hold in it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PIL import Image

from pyml.errors import InputError
from pyml.freezenet import author, figures, reproduction
from pyml.freezenet.experiment import Experiment, Setting
from pyml.freezenet.reproduction import SpeedUp, rows_of, speed_up
from pyml.freezenet.runs import Runs
from pyml.ml import datasets

EXPERIMENT = Experiment("mlp", "reference", 0.0, Setting(4, 5e-3, 64), hold="replace")


@pytest.fixture(scope="module")
def runs() -> Runs:
    return Runs(datasets.load("digits"))


def quiet(text: str, share: float) -> None:
    assert text
    assert 0 <= share < 1


def is_plot(path: Path) -> bool:
    with Image.open(path) as plot:
        return plot.format == "PNG" and min(plot.size) > 300


def test_figure_1_learns_less_under_more(runs: Runs, tmp_path: Path) -> None:
    curves = reproduction.learning(runs, EXPERIMENT, (0.0, 0.5, 1.0), 3, quiet)
    assert {fraction: len(rows) for fraction, rows in curves.items()} == {0.0: 3, 0.5: 3, 1.0: 3}
    ends = [min(row[-1] for row in rows) for rows in curves.values()]
    assert ends[0] > 0.7
    assert max(row[-1] for row in curves[1.0]) < 0.35, "nothing is free to be trained"
    assert ends[0] > ends[2]
    figures.figure_1(tmp_path / "fig1", curves, title="test")
    figures.write_table(tmp_path / "fig1", ("fraction", "seed", "epoch", "test_accuracy"), rows_of(curves))
    assert is_plot(tmp_path / "fig1.png")
    with (tmp_path / "fig1.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 3 * 3 * 4
    assert {row["seed"] for row in rows} == {"0", "1", "2"}


def test_figure_2_falls_to_chance(runs: Runs, tmp_path: Path) -> None:
    found = reproduction.insertion(runs, EXPERIMENT, (0.0, 0.05, 0.9), 3, quiet)
    assert min(found[0.0]) > 0.7, "nothing was inserted"
    assert max(found[0.9]) < 0.4
    figures.figure_2(tmp_path / "fig2", {"ours": found}, title="test")
    assert is_plot(tmp_path / "fig2.png")


def test_figure_3_has_both_sides(runs: Runs, tmp_path: Path) -> None:
    found = reproduction.transfer(runs, EXPERIMENT, (0.1, 0.9), 3, quiet)
    assert all(len(rows) == 3 for rows in (*found.honest.values(), *found.attacker.values(), *found.starts.values()))
    pairs = found.epochs(0.1, 0.3, batches=21)
    assert len(pairs) == 3
    assert all(attacker is None or attacker >= 1 / 21 for _, attacker in pairs)
    ups = {fraction: speed_up(found.epochs(fraction, 0.3, batches=21)).median for fraction in (0.1, 0.9)}
    figures.figure_3(tmp_path / "fig3", found.honest, found.attacker, ups, target=0.3, title="test")
    assert is_plot(tmp_path / "fig3.png")


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([(10.0, 2.0), (12.0, 2.0), (8.0, 4.0)], SpeedUp(10.0, 2.0, 5.0, 2.0, 6.0, (3, 3))),
        ([(10.0, None), (12.0, None), (8.0, 4.0)], SpeedUp(10.0, None, None, None, None, (3, 1))),
        ([(None, 1.0), (None, 1.0), (8.0, 4.0)], SpeedUp(None, 1.0, None, None, None, (1, 3))),
        ([(None, None)] * 3, SpeedUp(None, None, None, None, None, (0, 0))),
    ],
)
def test_speed_ups_are_medians_over_seeds(pairs: list[tuple[float | None, float | None]], wanted: SpeedUp) -> None:
    assert speed_up(pairs) == wanted
    assert wanted.as_dict()["reached"] == wanted.reached


def test_a_spread_needs_seeds() -> None:
    reproduction.require_seeds(3)
    with pytest.raises(InputError, match="too few seeds"):
        reproduction.require_seeds(2)


def test_the_authors_figures_are_those_of_the_specification() -> None:
    assert list(author.AFTER_100_EPOCHS) == list(reproduction.FRACTIONS)
    assert author.AFTER_100_EPOCHS[0.7] == 0.655
    assert author.AFTER_10_EPOCHS == {0.0: 0.784, 0.1: 0.596, 0.5: 0.242, 0.7: 0.205}
    assert set(author.TRANSFER_SPEED_UP) == set(reproduction.TRANSFERRED)
