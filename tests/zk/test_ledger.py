"""The proof ledger: never more proofs than its limit, whoever counts, and whenever somebody dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyml.errors import InputError, IntegrityError, ProofError
from pyml.store.journal import Journal
from pyml.zk.ledger import ProofLedger

ROOT = Path(__file__).parents[2]

HAND_OUT = """
import sys
from pathlib import Path
from pyml.errors import InputError, ProofError
from pyml.zk.ledger import ProofLedger

ledger = ProofLedger(Path(sys.argv[1]), int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
number = 0
while True:
    try:
        ledger.require_room()
        ledger.record(f"{sys.argv[3]}-{number}".encode())
    except InputError:  # the other process is writing
        continue
    except ProofError:
        break
    print(number, flush=True)
    number += 1
"""
"""Hands out proofs, each by one line, until the ledger has no room; takes the ledger's lock again and again."""


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def let_go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def digests(path: Path) -> list[bytes]:
    with Journal(path, "pyml proof ledger v1") as journal:
        return list(journal.records())


def test_counts_to_the_limit_and_no_further(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 3)
    assert ledger.used == 0
    for number in range(3):
        ledger.require_room()
        ledger.record(bytes([number]) * 32)
        assert ledger.used == number + 1
    for attempt in (ledger.require_room, lambda: ledger.record(b"one more")):
        with pytest.raises(ProofError) as caught:
            attempt()
        assert str(caught.value) == (
            "this commitment has no proof left: another one could reveal the secret behind it; "
            "expected fewer than 3 proofs; got 3. "
            "Commit again with `pyml zk commit` and register the new commitment."
        )
    assert ledger.used == 3
    assert digests(ledger.path) == [bytes([number]) * 32 for number in range(3)]


@given(limit=st.integers(-2, 6), attempts=st.integers(0, 9))
@settings(max_examples=25)
def test_never_more_than_the_limit(tmp_path_factory: pytest.TempPathFactory, limit: int, attempts: int) -> None:
    path = tmp_path_factory.mktemp("ledger") / "proofs"
    made = 0
    for number in range(attempts):
        try:
            ProofLedger(path, limit).record(bytes([number]))
        except ProofError:
            continue
        made += 1
    assert made == ProofLedger(path, limit).used == max(0, min(limit, attempts))


def test_a_look_leaves_nothing_behind(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 1)
    ledger.require_room()
    assert ledger.used == 0
    assert list(tmp_path.iterdir()) == []


def test_a_refused_proof_is_not_counted(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 0)
    with pytest.raises(ProofError, match="expected fewer than 0 proofs; got 0"):
        ledger.record(b"proof")
    assert ledger.used == 0


def test_lower_limit_counts_what_was_made_before(tmp_path: Path) -> None:
    generous = ProofLedger(tmp_path / "proofs", 5)
    for number in range(4):
        generous.record(bytes([number]))
    with pytest.raises(ProofError, match="expected fewer than 2 proofs; got 4"):
        ProofLedger(tmp_path / "proofs", 2).require_room()
    generous.require_room()


# Commitments


def test_the_first_commitment_is_in_the_limit_and_every_other_costs_one(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 9)
    for commitment, used in ((b"a" * 32, 0), (b"a" * 32, 0), (b"b" * 32, 1), (b"a" * 32, 1), (b"c" * 32, 2)):
        assert ledger.after(0, commitments=[commitment]) == used
        ledger.record_all((), commitments=[commitment])
        assert ledger.used == used
    ledger.record(b"proof")
    assert (ledger.used, ledger.after(2), ledger.after(2, commitments=[b"c" * 32, b"d" * 32])) == (3, 5, 6)


def test_one_named_twice_at_once_is_one(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 9)
    ledger.record_all([b"proof"], commitments=[b"a" * 32, b"b" * 32, b"a" * 32])
    assert ledger.used == ledger.after(0, commitments=[b"b" * 32, b"b" * 32]) == 2
    assert len(digests(ledger.path)) == 3


@given(
    acts=st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 3), max_size=3)), max_size=8),
    limit=st.integers(0, 8),
)
@settings(max_examples=25)
def test_relations_are_proofs_and_commitments_but_the_first(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[int, list[int]]], limit: int
) -> None:
    """All of an act is recorded or nothing, and never more than the limit."""
    ledger = ProofLedger(tmp_path_factory.mktemp("ledger") / "proofs", limit)
    proofs, commitments = 0, set[int]()
    for digests_made, named in acts:
        relations = proofs + digests_made + max(0, len(commitments | set(named)) - 1)
        made, shown = [bytes([index]) * 32 for index in range(digests_made)], [bytes([each]) * 32 for each in named]
        assert ledger.after(digests_made, commitments=shown) == relations
        if relations > limit:
            with pytest.raises(ProofError, match="this commitment has no proof left"):
                ledger.record_all(made, commitments=shown)
        else:
            ledger.record_all(made, commitments=shown)
            proofs, commitments = proofs + digests_made, commitments | set(named)
        assert ledger.used == proofs + max(0, len(commitments) - 1)


def test_a_commitment_that_has_no_room_is_refused(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 1)
    ledger.record_all([b"proof"], commitments=[b"a" * 32])
    ledger.record_all((), commitments=[b"a" * 32])
    with pytest.raises(ProofError) as caught:
        ledger.record_all((), commitments=[b"b" * 32])
    assert (caught.value.expected, caught.value.got) == ("fewer than 1 proofs", 1)
    assert ledger.used == 1


def test_a_limit_above_what_the_salts_hide_is_refused(tmp_path: Path) -> None:
    ProofLedger(tmp_path / "proofs", 3).require_limit(3)
    with pytest.raises(InputError) as caught:
        ProofLedger(tmp_path / "proofs", 4).require_limit(3)
    assert str(caught.value) == "the ledger allows more proofs than the salts hide; expected 3; got 4"


# Files


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "new" / "folder" / "proofs", 1)
    ledger.record(b"proof")
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_damage_is_not_room(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 9)
    for number in range(3):
        ledger.record(bytes([number + 1]) * 32)
    whole = ledger.path.read_bytes()
    for place in range(0, len(whole) - 1, 5):
        ledger.path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        for attempt in (lambda: ledger.used, ledger.require_room, lambda: ledger.record(b"x")):
            with pytest.raises(IntegrityError):
                attempt()


def test_another_kind_of_journal_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "proofs", "something else") as journal:
        journal.append(b"entry")
    ledger = ProofLedger(tmp_path / "proofs", 9)
    for attempt in (lambda: ledger.used, lambda: ledger.record(b"x")):
        with pytest.raises(IntegrityError, match="is of another kind"):
            attempt()


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        ProofLedger(tmp_path, 1).record(b"proof")


def test_count_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "proofs"
    with start(HAND_OUT, path, 4, "a") as child:
        output, _ = child.communicate("go\n", timeout=20)
    assert output.split() == ["ready", "0", "1", "2", "3"]
    ledger = ProofLedger(path, 4)
    assert ledger.used == 4
    with pytest.raises(ProofError, match="no proof left"):
        ledger.record(b"b-0")


def test_two_processes_together_keep_to_the_limit(tmp_path: Path) -> None:
    path, limit = tmp_path / "proofs", 100
    children = [start(HAND_OUT, path, limit, name) for name in "ab"]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        let_go(child)
    outputs = [child.communicate(timeout=30)[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert sum(map(len, outputs)) == limit == ProofLedger(path, limit).used
    wanted = {f"{name}-{number}".encode() for name, lines in zip("ab", outputs, strict=True) for number in lines}
    assert set(digests(path)) == wanted


def test_a_second_writer_is_refused_not_kept_waiting(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 5)
    ledger.record(b"one")
    with Journal(ledger.path, "pyml proof ledger v1"), pytest.raises(InputError, match="is in use"):
        ledger.record(b"two")
    assert ledger.used == 1
    ledger.record(b"two")


@pytest.mark.parametrize("after_lines", [1, 3, 6])
def test_killed_at_any_moment_it_counts_every_proof_handed_out(tmp_path: Path, after_lines: int) -> None:
    path, limit = tmp_path / "proofs", 10_000
    with start(HAND_OUT, path, limit, "a") as child:
        assert child.stdout is not None
        let_go(child)
        assert child.stdout.readline() == "ready\n"
        seen = [child.stdout.readline() for _ in range(after_lines)]
        os.kill(child.pid, signal.SIGKILL)
        seen += child.stdout.readlines()
        assert child.wait(10) == -signal.SIGKILL
    handed_out = len([line for line in seen if line.endswith("\n")])
    assert handed_out >= after_lines
    ledger = ProofLedger(path, limit)
    assert handed_out <= ledger.used <= handed_out + 1
    ledger.record(b"the next process goes on")
    assert ledger.used >= handed_out + 1


def test_killed_between_record_and_return_it_has_counted(tmp_path: Path) -> None:
    """The proof that died with its process is spent: the safe side."""
    program = """
    import os, signal, sys
    from pathlib import Path
    from pyml.store.journal import Journal
    from pyml.zk.ledger import ProofLedger

    append = Journal.append

    def append_and_die(self, payload):
        append(self, payload)
        os.kill(os.getpid(), signal.SIGKILL)

    Journal.append = append_and_die
    ProofLedger(Path(sys.argv[1]), 2).record(b"proof")
    print("handed out")
    """
    path = tmp_path / "proofs"
    for used in (1, 2):
        with start(program, path) as child:
            output, _ = child.communicate(timeout=20)
        assert (child.returncode, output) == (-signal.SIGKILL, "")
        assert ProofLedger(path, 2).used == used
    with pytest.raises(ProofError, match="no proof left"):
        ProofLedger(path, 2).record(b"proof")


def test_a_torn_record_is_cut_off_and_the_rest_counts(tmp_path: Path) -> None:
    ledger = ProofLedger(tmp_path / "proofs", 3)
    ledger.record(b"one")
    ledger.record(b"two")
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-5])  # died while it wrote the second
    assert ledger.used == 1
    ledger.record(b"three")
    assert digests(ledger.path) == [b"one", b"three"]
