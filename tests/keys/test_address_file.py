"""Files of addresses: CSV and JSON that say UNSAFE in every row, whole or not there."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyml.errors import InputError
from pyml.keys.address_file import MARK, Row, require_form, write_addresses
from pyml.keys.derivation import Kind
from pyml.keys.paper import WARNING

KINDS = (Kind.P2PKH, Kind.ETHEREUM)
ROWS: list[Row] = [("a.jpg", ("1A", "0xA")), ('b, "two".jpg', ("1B", "0xB"))]


def test_csv(tmp_path: Path) -> None:
    write_addresses(tmp_path / "out.csv", ROWS, KINDS)
    found = list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert found == [
        ["image", "p2pkh", "ethereum", "warning"],
        ["a.jpg", "1A", "0xA", MARK],
        ['b, "two".jpg', "1B", "0xB", MARK],
    ]
    assert MARK.startswith("UNSAFE")


def test_json(tmp_path: Path) -> None:
    write_addresses(tmp_path / "out.JSON", ROWS, KINDS)
    assert json.loads((tmp_path / "out.JSON").read_text()) == {
        "warning": WARNING,
        "images": [
            {"image": "a.jpg", "p2pkh": "1A", "ethereum": "0xA", "warning": MARK},
            {"image": 'b, "two".jpg', "p2pkh": "1B", "ethereum": "0xB", "warning": MARK},
        ],
    }
    write_addresses(tmp_path / "out.json", [], KINDS)
    assert json.loads((tmp_path / "out.json").read_text())["images"] == []


def test_names_that_are_no_text_are_written_all_the_same(tmp_path: Path) -> None:
    for suffix in ("csv", "json"):
        path = tmp_path / f"out.{suffix}"
        write_addresses(path, [("caf\udce9.jpg", ("1A", "0xA"))], KINDS)
        assert "caf\\udce9.jpg" in path.read_text()


@pytest.mark.parametrize("name", ["out", "out.txt", "out.csv.gz", ".json"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"has no known suffix; expected \.csv or \.json; got"):
        require_form(tmp_path / name)
    with pytest.raises(InputError, match="has no known suffix"):
        write_addresses(tmp_path / name, ROWS, KINDS)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_on_the_way_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("older")

    def rows() -> Iterator[Row]:
        yield ROWS[0]
        raise InputError("image 1 gives no private key")

    with pytest.raises(InputError, match=r"^image 1 gives no private key$"):
        write_addresses(path, rows(), KINDS)
    assert path.read_text() == "older"
    assert [each.name for each in tmp_path.iterdir()] == ["out.csv"]
