"""A miner's part in a round, as pure steps: train, commit, reveal, prove, collect.

What the miner knows survives in its journal; what has happened is read from the chain each time. A bond is never sent
twice, because a commitment that is on chain is not made again, and never lost for want of trying: whatever the sponsor
serves or withholds, the commitment is opened in time, if need be with a claim of nothing, which returns the bond.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyml.errors import InputError
from pyml.freezenet.exact_proof import ExactProof
from pyml.freezenet.registries import Entry, Phase, Progress, Round, Status, Verdict
from pyml.freezenet.solution import Solution
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work

BEACON_BLOCKS = 256
"""How far back a contract reads block hashes."""
TRAIN, JUDGE, PUBLISH = "train", "judge", "publish"


@dataclass(frozen=True, slots=True)
class Committed:
    """A solution that was trained under a seed, and the salt that hides it until it is revealed."""

    seed: bytes
    solution: Solution
    salt: bytes

    def __repr__(self) -> str:
        return f"Committed(0x{self.solution.hash.hex()})"


@dataclass(frozen=True, slots=True)
class Known:
    """What a miner's journal holds."""

    miner: str
    task: int
    round: int
    committed: Committed | None = None
    answers: bytes | None = None
    """Which samples of the test set the solution answers, once that is known."""
    published: bool = False
    """Whether the content is where others look for it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the chain shows to a miner."""

    block: int
    round: Round
    entry: Entry
    seed: bytes | None
    """``None`` until the beacon is fixed."""
    verdict: Verdict
    progress: Progress | None
    """Of the exact verifier; ``None`` if another one judges."""
    answer: Send | None = None
    """What a dispute, or a demand for leaves, wants of the miner (``defence.next_answer``)."""
    withdrawal: Send | None = None
    """What takes out what is the miner's (``defence.withdrawal``)."""


def next_step(known: Known, seen: Seen, proof: ExactProof | None = None) -> Step:
    """What to do now; ``proof`` once it can be made. ``InputError`` if the chain has another commitment than ours."""
    if seen.answer is not None:
        return seen.answer
    if seen.round.status != Status.OPEN:
        return _ended(known, seen)
    if not seen.entry.committed:
        return _to_commit(known, seen)
    if not seen.entry.revealed:
        return _to_reveal(known, seen)
    if seen.entry.closed:
        return _take_out(seen, "below the threshold, or lost a dispute")
    return _to_enrol(known, seen, proof)


def _to_commit(known: Known, seen: Seen) -> Step:
    opened, number = seen.round, (known.task, known.round)
    if opened.phase(seen.block) != Phase.COMMIT:
        return _take_out(seen, "committed to nothing: the deadline has passed")
    if not opened.beacon_fixed:
        late = seen.block + 1 > opened.opened_block + BEACON_BLOCKS
        return Send("rounds", "reopen" if late else "fixBeacon", number)
    if known.committed is None or known.committed.seed != seen.seed:
        return Work(TRAIN)
    commitment = known.committed.solution.commitment(known.committed.salt, known.miner)
    return Send("rounds", "commit", (*number, commitment), opened.miner_bond)


def _to_reveal(known: Known, seen: Seen) -> Step:
    opened, number, phase = seen.round, (known.task, known.round), seen.round.phase(seen.block)
    committed = require_ours(known, seen.entry)
    if phase == Phase.COMMIT:
        return Wait(opened.last_block(Phase.COMMIT), "the commit phase ends")
    if phase == Phase.TEST and not opened.test_revealed:
        return Wait(seen.block + 1, "the test set is revealed")
    if not opened.test_revealed:
        return Send("rounds", "cancel", number)
    if phase not in (Phase.TEST, Phase.REVEAL):
        return _to_settle(known, seen)
    if known.answers is None:
        return Work(JUDGE)
    if not known.published:
        return Work(PUBLISH)
    if phase == Phase.TEST:
        return Wait(opened.last_block(Phase.TEST), "the reveal phase begins")
    return Send("rounds", "reveal", (*number, committed.solution.as_tuple(), committed.salt, known.answers))


def _to_enrol(known: Known, seen: Seen, proof: ExactProof | None) -> Step:
    opened, phase = seen.round, seen.round.phase(seen.block)
    if phase is None:
        return _to_settle(known, seen)
    if seen.entry.enrolled:
        return Wait(opened.last_block(Phase.ENROL), "enrolled; the round ends")
    if seen.progress is not None and proof is not None:
        call = proof.next_call(seen.progress)
        if call is not None:
            return call
    if phase < Phase.ENROL:
        return Wait(seen.block + 1, "enrolment begins")
    if seen.verdict == Verdict.ACCEPTED:
        return Send("rounds", "enrol", (known.task, known.round, known.miner))
    return Wait(seen.block + 1, "the verdict is an acceptance")


def _to_settle(known: Known, seen: Seen) -> Step:
    if seen.round.phase(seen.block) is None:
        return Send("rounds", "settle", (known.task, known.round))
    return Wait(seen.round.last_block(Phase.ENROL), "the round ends")


def _ended(known: Known, seen: Seen) -> Step:
    """Collect what belongs to us, and take it out."""
    entry, settled = seen.entry, seen.round.status == Status.SETTLED
    due = entry.enrolled if settled else entry.committed and not entry.revealed
    if due and not entry.closed:
        return Send("rounds", "collect", (known.task, known.round, known.miner))
    if not entry.committed:
        return _take_out(seen, "took no part")
    if not settled:
        return _take_out(seen, "cancelled: the bond is back")
    return _take_out(seen, "rewarded" if entry.enrolled else "not enrolled")


def _take_out(seen: Seen, outcome: str) -> Step:
    return seen.withdrawal or Finish(outcome)


def require_ours(known: Known, entry: Entry) -> Committed:
    """What the journal has of the commitment on chain; raises ``InputError`` if that is another one."""
    committed = known.committed
    if committed is None or committed.solution.commitment(committed.salt, known.miner) != entry.digest:
        raise InputError(
            f"account {known.miner} has committed to a solution that this journal does not hold",
            expected="the journal that the commitment was made with",
            hint="Name its folder with --folder: only it has the salt that opens the commitment.",
        )
    return committed
