"""Journal: nothing acknowledged is lost, a torn tail is cut off, and damage is never taken for a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, IntegrityError, ResourceError
from pyml.store.journal import MAX_RECORD_BYTES, Journal, JournalHead, read_journal

ROOT = Path(__file__).parents[2]
LABEL = "test/steps"
HEADER = 8 + 2 + len(LABEL)
OVERHEAD = 4 + 4 + 32

RECORDS = st.lists(st.one_of(st.binary(max_size=40), st.just(bytes(700))), max_size=5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "steps.journal"


def write(path: Path, records: list[bytes]) -> bytes:
    path.unlink(missing_ok=True)
    with Journal(path, LABEL) as journal:
        assert [journal.append(record) for record in records] == list(range(len(records)))
    return path.read_bytes()


def reopen(path: Path) -> list[bytes]:
    with Journal(path, LABEL) as journal:
        found = list(journal.records())
        assert journal.head.count == len(found)
    return found


def boundaries(records: list[bytes]) -> list[int]:
    """Where each record ends; the first entry is the end of the header."""
    ends = [HEADER]
    for record in records:
        ends.append(ends[-1] + len(record) + OVERHEAD)
    return ends


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("journal") / "a.journal"  # noqa: PT022


@given(RECORDS, RECORDS)
def test_records_come_back_in_order_over_reopenings(scratch: Path, first: list[bytes], second: list[bytes]) -> None:
    write(scratch, first)
    with Journal(scratch, LABEL) as journal:
        assert list(journal.records()) == first
        for offset, record in enumerate(second):
            assert journal.append(record) == len(first) + offset
        assert list(journal.records()) == first + second
        head = journal.head
    assert list(read_journal(scratch, LABEL)) == first + second
    with Journal(scratch, LABEL) as journal:
        assert journal.head == head


@given(RECORDS)
@settings(max_examples=15)
@example([b"", b"one", b"\0" * 20, b"four"])
def test_a_file_cut_anywhere_keeps_every_whole_record_and_goes_on(scratch: Path, records: list[bytes]) -> None:
    content = write(scratch, records)
    ends = boundaries(records)
    assert ends[-1] == len(content)
    for length in range(HEADER, len(content) + 1):
        scratch.write_bytes(content[:length])
        whole = sum(end <= length for end in ends) - 1
        assert list(read_journal(scratch, LABEL)) == records[:whole]
        assert scratch.stat().st_size == length  # a reader changes nothing
        if length % 7 and length not in ends:
            continue  # reopening costs two fsyncs: a sample
        with Journal(scratch, LABEL) as journal:
            assert scratch.stat().st_size == ends[whole]
            journal.append(b"next")
        assert reopen(scratch) == [*records[:whole], b"next"]


@given(RECORDS.filter(bool), st.data())
def test_a_flipped_bit_anywhere_is_an_error_and_changes_nothing(
    scratch: Path, records: list[bytes], data: st.DataObject
) -> None:
    content = bytearray(write(scratch, records))
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    scratch.write_bytes(content)
    with pytest.raises(IntegrityError):
        Journal(scratch, LABEL)
    assert scratch.read_bytes() == bytes(content)
    with pytest.raises(IntegrityError):
        list(read_journal(scratch, LABEL))


def test_every_flipped_bit_of_a_small_journal_is_an_error(scratch: Path) -> None:
    content = write(scratch, [b"first", b"", b"last"])
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        scratch.write_bytes(changed)
        with pytest.raises(IntegrityError):
            Journal(scratch, LABEL)


def test_a_damaged_length_does_not_pass_for_a_short_file(path: Path) -> None:
    content = bytearray(write(path, [b"one", b"two", b"three"]))
    content[HEADER] = 0x00
    content[HEADER + 1] = 0xFF  # the first record now claims to reach far beyond the end
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"record 0 at byte 20 is damaged: its length has a wrong checksum"):
        Journal(path, LABEL)


@given(st.integers(0, 600), st.integers(0, 1500), st.integers(0, 3))
@example(0, 0, 0)
@example(400, 90, 1)
def test_a_tail_of_unwritten_sectors_is_cut_off(scratch: Path, first: int, second: int, sector: int) -> None:
    """After a power cut a file may have its new length, but zeros from some sector boundary on."""
    records = [b"a" * first, b"b" * second]
    content = write(scratch, records)
    start, end = boundaries(records)[1:]
    cuts = [start, *range((start // 512 + 1) * 512, end, 512)]
    zeros_from = cuts[min(sector, len(cuts) - 1)]
    scratch.write_bytes(content[:zeros_from] + bytes(end - zeros_from))
    if end - zeros_from < 8:  # too few zeros to tell from chance: refused rather than dropped
        with pytest.raises(IntegrityError):
            Journal(scratch, LABEL)
    else:
        assert reopen(scratch) == records[:1]
        assert scratch.stat().st_size == start


def test_an_unwritten_tail_does_not_hide_damage_before_it(path: Path) -> None:
    content = bytearray(write(path, [b"acknowledged", b"too", b"x" * 2000]))
    content[1024:] = bytes(len(content) - 1024)
    path.write_bytes(content)
    assert reopen(path) == [b"acknowledged", b"too"]
    content[HEADER + 8] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="record 0 at byte 20 is damaged: its checksum is wrong"):
        Journal(path, LABEL)
    assert path.read_bytes() == bytes(content)


def test_zeros_in_the_middle_are_damage(path: Path) -> None:
    records = [b"a" * 500, b"b" * 2000, b"c"]
    content = write(path, records)
    path.write_bytes(content[:1024] + bytes(512) + content[1536:])
    with pytest.raises(IntegrityError, match="record 1 at byte 560 is damaged: its checksum is wrong"):
        Journal(path, LABEL)
    path.write_bytes(content[:560] + bytes(2040) + content[2600:])
    with pytest.raises(IntegrityError, match="record 1 at byte 560 is damaged: its length has a wrong checksum"):
        Journal(path, LABEL)


def test_removed_swapped_repeated_and_foreign_records_are_damage(path: Path, tmp_path: Path) -> None:
    records = [b"aa", b"bb", b"cc"]
    content = write(path, records)
    ends = boundaries(records)
    head, parts = content[:HEADER], [content[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True)]  # noqa: RUF007
    other = write(tmp_path / "other", [b"xx", b"bb", b"cc"])
    for forged in (
        head + parts[1] + parts[2],
        head + parts[0] + parts[2],
        head + parts[1] + parts[0] + parts[2],
        head + parts[0] + parts[0] + parts[1],
        head + parts[0] + other[ends[1] :],
    ):
        path.write_bytes(forged)
        with pytest.raises(IntegrityError, match="is damaged"):
            Journal(path, LABEL)


def test_a_journal_of_another_kind_is_refused(path: Path) -> None:
    write(path, [b"x"])
    for label in ("test/other", "test/step", "test/steps2", "x"):
        with pytest.raises(IntegrityError, match="of another kind"):
            Journal(path, label)
    for label in ("", "x" * 201):
        with pytest.raises(InputError, match="label is 1 to 200 bytes"):
            Journal(path, label)


@pytest.mark.parametrize("content", [b"", b"PYML", b"something else entirely, of some length"])
def test_files_that_are_no_journal_are_refused_and_kept(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match="not a pyml journal"):
        Journal(path, LABEL)
    assert path.read_bytes() == content


def test_absent_and_unusable_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        list(read_journal(tmp_path / "absent", LABEL))
    with pytest.raises(InputError, match="cannot be opened"):
        Journal(tmp_path, LABEL)
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        Journal(tmp_path / "plain" / "a.journal", LABEL)


def test_the_head_tells_a_journal_cut_at_a_record_boundary(path: Path) -> None:
    write(path, [b"one"])
    with Journal(path, LABEL) as journal:
        short = journal.head
        journal.append(b"two")
        assert journal.head != short
        assert journal.head.count == 2
    path.write_bytes(path.read_bytes()[: boundaries([b"one"])[-1]])
    with Journal(path, LABEL) as journal:
        assert journal.head == short == JournalHead(1, short.chain)


def test_one_writer_at_a_time(path: Path) -> None:
    with Journal(path, LABEL) as journal:
        journal.append(b"x")
        with pytest.raises(InputError, match="is in use"):
            Journal(path, LABEL)
        assert list(read_journal(path, LABEL)) == [b"x"]  # readers need no lock
        script = "\n".join(
            [
                "import sys",
                "from pathlib import Path",
                "from pyml.store.journal import Journal",
                "Journal(Path(sys.argv[1]), sys.argv[2])",
            ]
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(path), LABEL], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert "is in use" in done.stderr
    assert reopen(path) == [b"x"]


def test_limits_and_closing(path: Path) -> None:
    journal = Journal(path, LABEL)
    with pytest.raises(InputError, match="record is too long"):
        journal.append(bytes(MAX_RECORD_BYTES + 1))
    assert journal.append(b"fits") == 0
    journal.close()
    journal.close()
    with pytest.raises(InputError, match="is closed"):
        journal.append(b"x")
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_append_is_synced_before_it_returns(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def count(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        real(handle)

    with Journal(path, LABEL) as journal:
        monkeypatch.setattr(os, "fsync", count)
        journal.append(b"x" * 10)
        assert synced == [HEADER + OVERHEAD + 10]


def test_a_failed_sync_is_no_acknowledgement(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(path, LABEL) as journal:
        journal.append(b"kept")
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(ResourceError, match="no room to write"):
            journal.append(b"lost")
        monkeypatch.undo()
        with pytest.raises(InputError, match="is closed"):  # after a failed sync the file's state is not known
            journal.append(b"more")
    assert reopen(path) == [b"kept"]


def test_a_full_disk_takes_nothing_back_and_leaves_nothing_half(path: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from pyml.errors import ResourceError
from pyml.store.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
with Journal(Path(sys.argv[1]), sys.argv[2]) as journal:
    journal.append(b"a" * 3000)
    try:
        journal.append(b"b" * 3000)
    except ResourceError as error:
        print("refused", error.problem.split("/")[0])
    print(journal.append(b"c" * 100))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), LABEL], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "refused no room to write \n1\n", done.stderr
    assert reopen(path) == [b"a" * 3000, b"c" * 100]


APPENDER = """
import sys
from pathlib import Path
from pyml.store.journal import Journal
with Journal(Path(sys.argv[1]), sys.argv[2]) as journal:
    while True:
        count = journal.head.count
        journal.append(count.to_bytes(8, "big") * (1 + count % 300))
        sys.stdout.write(f"{count}\\n")
        sys.stdout.flush()
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(path: Path) -> None:
    acknowledged = -1
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", APPENDER, str(path), LABEL], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        try:
            assert int(process.stdout.readline()) == acknowledged + 1  # goes on exactly where the last one was killed
            time.sleep(0.15)
        finally:
            process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().split(b"\n")
        process.stdout.close()
        process.wait()
        told = max([acknowledged + 1, *(int(line) for line in lines[:-1])])
        found = reopen(path)
        assert told + 1 <= len(found) <= told + 2  # one more may have reached the disk without being told
        assert found == [count.to_bytes(8, "big") * (1 + count % 300) for count in range(len(found))]
        acknowledged = len(found) - 1
