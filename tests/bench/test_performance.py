"""The page of headline figures is what the result files say, and says so where a limit is not kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.measuring.record import RESULTS
from bench.performance.headlines import SYSTEMS, Headline
from bench.performance.page import PAGE, page, shown


def test_the_page_is_that_of_the_result_files() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m bench.performance`"


@pytest.mark.parametrize("row", [row for rows in SYSTEMS.values() for row in rows], ids=lambda row: row.what)
def test_every_headline_reads_a_number_and_has_one_limit_at_most(row: Headline) -> None:
    got = row.read(json.loads((RESULTS / f"{row.benchmark}.json").read_text(encoding="utf-8")))
    assert isinstance(got, (int, float))
    assert row.at_most is None or row.at_least is None


def test_a_limit_that_is_not_kept_is_shown(tmp_path: Path) -> None:
    shutil.copytree(RESULTS, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "kdac_lookup.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    result["mb_per_million"] = 201.0
    path.write_text(json.dumps(result), encoding="utf-8")
    changed = [line for line in page(tmp_path).splitlines() if line not in page().splitlines()]
    assert changed == ["| memory of a million tags | 201 MB | ≤ 200 MB | **no** |"]


def test_a_figure_that_no_file_has_is_refused(tmp_path: Path) -> None:
    shutil.copytree(RESULTS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "kdac_gas.json").unlink()
    with pytest.raises(FileNotFoundError, match="kdac_gas"):
        page(tmp_path)


def test_limits_hold_at_their_ends() -> None:
    row = Headline("a", "b", lambda result: result["x"], "s", at_most=1)
    assert (row.met(1), row.met(1.001)) == (True, False)
    row = Headline("a", "b", lambda result: result["x"], "s", at_least=1)
    assert (row.met(1), row.met(0.999)) == (True, False)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.98761, "share", "98.76 %"),
        (1234567, "gas", "1,234,567 gas"),
        (0, "count", "0"),
        (3739.2, "times", "3,739 times"),
    ],
)
def test_numbers_are_shown_with_their_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text  # pyright: ignore[reportArgumentType]  # a literal from the parameters
