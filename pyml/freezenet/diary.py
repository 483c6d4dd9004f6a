"""A role's journal: small records with names, on disk before what they say is acted on.

Besides what a role learns, it holds every transaction that was signed, by hash and before a node sees it. A process
that died in between asks the chain what became of them before it does anything else (``node.Desk.resume``), so that
nothing is done twice because nobody knew that it was done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from pyml.errors import IntegrityError
from pyml.store.journal import Journal

Record = Mapping[str, Any]


class Diary:
    """Records of one role in one round; ``label`` says which, and another one's file is refused."""

    def __init__(self, path: Path, label: str) -> None:
        self._journal = Journal(path, label)
        self._records: list[Record] = []
        try:
            self._records = [_decode(raw, path) for raw in self._journal.records()]
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    def note(self, kind: str, **fields: str | int | bool) -> None:
        """Add a record; on disk when this returns."""
        record: Record = {"kind": kind, **fields}
        self._journal.append(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
        self._records.append(record)

    def last(self, kind: str) -> Record | None:
        """The newest record of a kind."""
        return next((record for record in reversed(self._records) if record["kind"] == kind), None)

    def all(self, kind: str) -> tuple[Record, ...]:
        """Every record of a kind, in order."""
        return tuple(record for record in self._records if record["kind"] == kind)

    def open_transactions(self) -> tuple[Record, ...]:
        """What was signed and has no known end; signed again, it is open again, though it is the same transaction."""
        found: dict[str, Record] = {}
        for record in self._records:
            if record["kind"] == "signed":
                found[record["tx"]] = record
            elif record["kind"] in ("mined", "dropped"):
                found.pop(record["tx"], None)
        return tuple(found.values())


def _decode(raw: bytes, path: Path) -> Record:
    try:
        record = json.loads(raw)
        if not isinstance(record, dict) or not isinstance(cast(dict[str, Any], record).get("kind"), str):
            raise TypeError
    except (ValueError, TypeError, RecursionError):
        raise IntegrityError(f"journal {path} holds a record that is none of a role's") from None
    return cast(Record, record)
