"""A sponsor's part in a round, as pure steps: describe a task, seal a test set, open, show the set in time, settle."""

from __future__ import annotations

from dataclasses import dataclass

from pyml.freezenet.encoding import LayerTuple
from pyml.freezenet.registries import Phase, Round, Status, Terms
from pyml.freezenet.steps import Finish, Send, Step, Wait, Work

SEAL, PUBLISH = "seal", "publish"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A test set that nobody has seen: its root, and the digest that is also the seal's salt."""

    root: bytes
    digest: bytes
    seal: bytes

    def __repr__(self) -> str:  # root and digest are secret until the set is revealed
        return f"Sealed(0x{self.seal.hex()})"


@dataclass(frozen=True, slots=True)
class Known:
    """What a sponsor wants, and what its journal holds."""

    terms: Terms
    layers: tuple[LayerTuple, ...]
    reward: int
    task: int | None = None
    sealed: Sealed | None = None
    published: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What the chain shows to a sponsor. ``number`` and ``round`` are those of its own seal, once it is opened."""

    block: int
    credit: int
    """In wei, at ``IRounds``."""
    number: int | None = None
    round: Round | None = None


def next_step(known: Known, seen: Seen) -> Step:
    """What to do now."""
    if known.task is None:
        return Send("tasks", "register", (known.terms.as_tuple(), [*known.layers]))
    if known.sealed is None:
        return Work(SEAL)
    if seen.round is None or seen.number is None:
        value = known.reward + known.terms.sponsor_bond
        return Send("rounds", "openRound", (known.task, known.sealed.seal), value)
    return _in_round(known, known.sealed, (known.task, seen.number), seen, seen.round)


def _in_round(known: Known, sealed: Sealed, number: tuple[int, int], seen: Seen, opened: Round) -> Step:
    if opened.status != Status.OPEN:
        outcome = "settled" if opened.status == Status.SETTLED else "cancelled"
        return Send("rounds", "withdraw", ()) if seen.credit else Finish(outcome)
    phase = opened.phase(seen.block)
    if phase == Phase.COMMIT:
        return Wait(opened.last_block(Phase.COMMIT), "miners train and commit")
    if opened.commitments == 0:
        return Send("rounds", "cancel", number)
    if not opened.test_revealed:
        if phase != Phase.TEST:
            return Send("rounds", "cancel", number)
        if not known.published:
            return Work(PUBLISH)
        return Send("rounds", "revealTestSet", (*number, sealed.root, sealed.digest))
    if phase is None:
        return Send("rounds", "settle", number)
    return Wait(opened.last_block(Phase.ENROL), "miners reveal and solutions are judged")
