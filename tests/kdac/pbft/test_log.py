"""The write-ahead log on a real disk: wherever it is torn, what was acknowledged is there, and votes are kept to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyml.errors import InputError, IntegrityError
from pyml.kdac.pbft import replica
from pyml.kdac.pbft.archive import Archive
from pyml.kdac.pbft.block import GENESIS, Block
from pyml.kdac.pbft.log import LABEL, ReplicaLog, has_log
from pyml.kdac.pbft.messages import Proposal
from pyml.kdac.pbft.records import Decided, Record
from pyml.kdac.pbft.state import Persist, Received, Send, Settings, State
from pyml.kdac.pbft.votes import Certificate, Evidence, Kind, Vote
from pyml.store.journal import Journal
from tests.kdac.pbft.simulator import NETWORK, MacKeys

ALL = [Settings(keys.index, 4, NETWORK, keys) for keys in MacKeys.all(4)]
FIRST, SECOND = (Block(1, GENESIS, (name,)) for name in (b"first", b"second"))


def proposal(block: Block) -> Received:
    return Received(Proposal(ALL[1].vote(Kind.PROPOSE, 1, 0, block.digest), block, (), None))


def records_of(state: State, event: Received) -> list[Record]:
    _, effects = replica.step(state, event)
    return [effect.record for effect in effects if isinstance(effect, Persist)]


def prepares(state: State, event: Received) -> list[bytes]:
    _, effects = replica.step(state, event)
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    return [vote.digest for vote in sent if isinstance(vote, Vote) and vote.kind is Kind.PREPARE]


def test_torn_anywhere_a_vote_is_kept_or_was_never_sent(tmp_path: Path) -> None:
    """The file is cut at every byte: where the vote is gone it had not been acknowledged, so it had not been sent."""
    folder = tmp_path / "log"
    log = ReplicaLog(folder)
    state = replica.initial(ALL[2])
    log.restart(replica.snapshot(state))
    (path,) = folder.glob("*.journal")
    before = path.stat().st_size
    log.append(records_of(state, proposal(FIRST)))
    log.close()
    whole = path.read_bytes()
    for size in range(before, len(whole) + 1):
        path.write_bytes(whole[:size])
        log = ReplicaLog(folder)
        found = replica.restore(ALL[2], log.records())
        log.close()
        expected = [] if size == len(whole) else [SECOND.digest]
        assert prepares(found, proposal(SECOND)) == expected
        assert (Kind.PREPARE, 0) in found.sent or size < len(whole)


def test_damage_is_no_torn_tail(tmp_path: Path) -> None:
    log = ReplicaLog(tmp_path)
    log.restart(replica.snapshot(replica.initial(ALL[2])))
    log.append(records_of(replica.initial(ALL[2]), proposal(FIRST)))
    log.append(records_of(replica.initial(ALL[3]), proposal(FIRST)))
    log.close()
    (path,) = tmp_path.glob("*.journal")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(IntegrityError, match="damaged"):
        ReplicaLog(tmp_path)


def test_log_is_cut_and_an_unfinished_cut_does_not_count(tmp_path: Path) -> None:
    log = ReplicaLog(tmp_path)
    assert not has_log(tmp_path)
    log.restart(replica.snapshot(replica.initial(ALL[2])))
    log.append(records_of(replica.initial(ALL[2]), proposal(FIRST)))
    state = replica.restore(ALL[2], log.records())
    log.restart(replica.snapshot(state))
    log.close()
    (path,) = tmp_path.glob("*.journal")
    assert path.name == "log-00000002.journal"
    with Journal(tmp_path / "log-00000003.journal", LABEL) as unfinished:
        unfinished.append(b"\0\0\0\x09\x04" + bytes(8))  # the machine died before the snapshot's end
    log = ReplicaLog(tmp_path)
    assert prepares(replica.restore(ALL[2], log.records()), proposal(SECOND)) == []
    assert [each.name for each in tmp_path.glob("*.journal")] == [path.name]
    log.close()


def test_log_has_one_writer(tmp_path: Path) -> None:
    log = ReplicaLog(tmp_path)
    log.restart(replica.snapshot(replica.initial(ALL[2])))
    with pytest.raises(InputError, match="is in use"):
        ReplicaLog(tmp_path)
    log.close()


def decided(block: Block) -> Decided:
    votes = (settings.vote(Kind.COMMIT, block.height, 0, block.digest) for settings in ALL[:3])
    return Decided(block, Certificate.of(votes))


def test_archive_keeps_blocks_without_gap(tmp_path: Path) -> None:
    blocks = [FIRST]
    for k in range(2, 8):
        blocks.append(Block(k, blocks[-1].digest, (b"%d" % k,)))
    rows = [decided(block) for block in blocks]
    archive = Archive(tmp_path / "blocks.sqlite")
    archive.add(rows[:4])
    archive.add(rows[2:5])
    with pytest.raises(IntegrityError, match="do not follow the last one"):
        archive.add(rows[6:])
    archive.add(rows[5:])
    assert archive.read(3, limit=2, limit_bytes=10**6) == rows[2:4]
    assert archive.read(3, limit=9, limit_bytes=1) == rows[2:3], "at least one"
    assert archive.read(8, limit=9, limit_bytes=1) == []
    archive.flush()
    votes = [ALL[1].vote(Kind.COMMIT, 1, 0, block.digest) for block in (FIRST, SECOND)]
    archive.accuse(Evidence(votes[0], votes[1]))
    archive.accuse(Evidence(votes[0], votes[1]))
    archive.close()
    again = Archive(tmp_path / "blocks.sqlite")
    assert again.height == 7
    assert again.evidence() == [Evidence(votes[0], votes[1])]
    again.close()


def test_archive_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "blocks.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(IntegrityError, match=r"the block archive .* cannot be used"):
        Archive(path)
