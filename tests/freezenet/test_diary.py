"""A role's journal: what it holds, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.errors import InputError, IntegrityError
from pyml.freezenet.diary import Diary
from pyml.store.journal import Journal


def test_records_are_there_after_a_restart(tmp_path: Path) -> None:
    with Diary(tmp_path / "journal", "a miner") as diary:
        diary.note("answers", answers="07")
        diary.note("answers", answers="0f", sure=True)
        assert diary.last("solution") is None
    with Diary(tmp_path / "journal", "a miner") as diary:
        assert diary.last("answers") == {"kind": "answers", "answers": "0f", "sure": True}
        assert [record["answers"] for record in diary.all("answers")] == ["07", "0f"]


def test_transactions_stay_open_until_their_end_is_known(tmp_path: Path) -> None:
    with Diary(tmp_path / "journal", "a miner") as diary:
        for number, name in enumerate(("commit", "reveal", "settle")):
            diary.note("signed", function=name, tx=f"0x{number}", nonce=number)
        diary.note("mined", tx="0x0")
        diary.note("dropped", tx="0x2")
        assert [record["function"] for record in diary.open_transactions()] == ["reveal"]
        diary.note("signed", function="settle", tx="0x2", nonce=2)
        assert [record["function"] for record in diary.open_transactions()] == ["reveal", "settle"]


def test_the_file_is_the_owners_alone_and_one_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Diary(path, "a miner"):
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(InputError, match="is in use"):
            Diary(path, "a miner")
    with pytest.raises(IntegrityError, match="of another kind"):
        Diary(path, "another miner")


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"kind": 1}', b"\xff", b"[" * 100_000])
def test_what_is_no_record(tmp_path: Path, record: bytes) -> None:
    path = tmp_path / "journal"
    with Journal(path, "a miner") as journal:
        journal.append(record)
    with pytest.raises(IntegrityError, match="none of a role's"):
        Diary(path, "a miner")
    with Journal(path, "a miner") as journal:
        assert list(journal.records()) == [record], "the lock is free, and nothing was changed"
