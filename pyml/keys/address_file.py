"""Addresses of many images as a file, CSV or JSON, row by row as they come. Paper mode only: every row says UNSAFE."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from pyml.errors import InputError
from pyml.files import write_atomically
from pyml.keys.derivation import Addresses, Kind
from pyml.keys.paper import WARNING

Row: TypeAlias = tuple[str, Addresses]
"""Name of an image, and its addresses in the order of the kinds."""

MARK: Final = "UNSAFE (paper mode)"


def require_form(path: Path) -> None:
    """Raise ``InputError`` unless the suffix says CSV or JSON."""
    if path.suffix.lower() not in _FORMS:
        raise InputError(f"{path} has no known suffix", expected=" or ".join(_FORMS), got=path.suffix or "none")


def write_addresses(path: Path, rows: Iterable[Row], kinds: Sequence[Kind]) -> None:
    """Write all rows or, where making them fails, nothing; an older file is replaced."""
    require_form(path)
    lines = _FORMS[path.suffix.lower()](rows, [kind.value for kind in kinds])
    write_atomically(path, lambda stream: stream.writelines(line.encode("utf-8", "backslashreplace") for line in lines))


def _csv_lines(rows: Iterable[Row], kinds: Sequence[str]) -> Iterator[str]:
    """A comment would not survive spreadsheets, so the warning is a column."""
    yield _csv_line(["image", *kinds, "warning"])
    for name, addresses in rows:
        yield _csv_line([name, *addresses, MARK])


def _csv_line(values: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _json_lines(rows: Iterable[Row], kinds: Sequence[str]) -> Iterator[str]:
    yield f'{{"warning": {json.dumps(WARNING)},\n "images": ['
    for number, (name, addresses) in enumerate(rows):
        fields = {"image": name, **dict(zip(kinds, addresses, strict=True)), "warning": MARK}
        yield f"{',' * (number > 0)}\n  {json.dumps(fields)}"
    yield "\n]}\n"


_FORMS: Final[dict[str, Callable[[Iterable[Row], Sequence[str]], Iterator[str]]]] = {
    ".csv": _csv_lines,
    ".json": _json_lines,
}
